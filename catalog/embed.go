package catalog

import (
	_ "embed"
	"sync"
)

// snapshot is made by internal/gencatalog; "make catalog" makes it again.
//
//go:embed snapshot.pare
var snapshot []byte

// Embedded returns the built-in snapshot, decoded at the first call. What it was made
// of is in snapshot.provenance.json beside the source. A snapshot that can't be decoded
// panics: it is part of the program, and the tests decode all of it.
func Embedded() *Catalog { return embedded() }

// EmbeddedDate returns Embedded().Date() without decoding the rest.
func EmbeddedDate() string {
	h, _, err := decodeHeader(snapshot[prefixSize:])
	if err != nil {
		panic("catalog: built-in snapshot: " + err.Error())
	}
	return h.date
}

var embedded = sync.OnceValue(func() *Catalog {
	c, err := decodeSnapshot(snapshot[prefixSize:])
	if err != nil {
		panic("catalog: built-in snapshot: " + err.Error())
	}
	c.source = "embedded"
	return c
})
