package catalog

import (
	"bytes"
	"errors"
	"fmt"
)

// Read reads a pare snapshot, or names alone:
//
//	{"date": "2024-06-16", "services": {"s3": ["GetObject", …], …}}
//
// A names-only catalog has unknown levels, no tracking and no details. The name is for
// errors, which say where, and for [Catalog.Source]. A snapshot that was cut short,
// lengthened or changed is an error, never a smaller catalog.
func Read(name string, src []byte) (*Catalog, error) {
	switch trimmed := bytes.TrimLeft(src, " \t\r\n\ufeff"); {
	case len(trimmed) == 0:
		return nil, fmt.Errorf("%s: empty: want a pare snapshot, or names alone as JSON", name)
	case bytes.HasPrefix(src, []byte(magic[:min(len(src), len(magic)-1)])):
		return readSnapshot(name, src)
	case trimmed[0] == '{':
		return readNames(name, src)
	default:
		return nil, fmt.Errorf("%s: %w", name, errors.New(`not a catalog: want a pare snapshot, a folder of AWS Service Reference files, or {"date":"2024-06-16","services":{"s3":["GetObject"]}}`))
	}
}
