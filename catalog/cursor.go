package catalog

import (
	"encoding/binary"
	"errors"
	"strings"
)

// errMalformed means that a section doesn't hold what its counts announce.
var errMalformed = errors.New("malformed")

// cursor reads a section of a snapshot. After the first error every read gives zero
// values, and fail says that it happened; no announced count can make it allocate more
// than the section could hold.
type cursor struct {
	rest   string
	failed bool
}

func (c *cursor) fail() {
	c.rest, c.failed = "", true
}

func (c *cursor) err() error {
	if c.failed {
		return errMalformed
	}
	return nil
}

func (c *cursor) uvarint() uint64 {
	var v uint64
	for i := range min(len(c.rest), binary.MaxVarintLen64) {
		b := c.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.rest = c.rest[i+1:]
			return v
		}
	}
	c.fail()
	return 0
}

// count reads the number of entries that follow, each at least one byte long.
func (c *cursor) count() int {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.fail()
		return 0
	}
	return int(n)
}

// index reads a number below limit.
func (c *cursor) index(limit int) int {
	n := c.uvarint()
	if n >= uint64(limit) {
		c.fail()
		return 0
	}
	return int(n)
}

func (c *cursor) take(n int) string {
	if n > len(c.rest) {
		c.fail()
		return ""
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) text() string { return c.take(c.count()) }

// line reads up to and without a line feed.
func (c *cursor) line() string {
	i := strings.IndexByte(c.rest, '\n')
	if i < 0 {
		c.fail()
		return ""
	}
	taken := c.rest[:i]
	c.rest = c.rest[i+1:]
	return taken
}

// refs reads a list of positions in table and returns what is there; nil when empty.
func (c *cursor) refs(table []string) []string {
	n := c.count()
	if n == 0 {
		return nil
	}
	out := make([]string, 0, n)
	for range n {
		out = append(out, c.ref(table))
	}
	return out
}

func (c *cursor) ref(table []string) string {
	i := c.index(len(table))
	if c.failed {
		return ""
	}
	return table[i]
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
