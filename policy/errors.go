package policy

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a half-open range of byte offsets into a document's source.
type Span struct{ Start, End int }

// Error is one thing that is wrong with a document.
type Error struct {
	Name    string // the document's name, as given to Parse
	Line    int    // from 1
	Column  int    // from 1, in characters
	Pointer string // JSON pointer (RFC 6901) to the value; "" is the whole document
	Message string // what was found, what was expected, what to type
	offset  int
}

func (e *Error) Error() string {
	where := fmt.Sprintf("%s:%d:%d: ", e.Name, e.Line, e.Column)
	switch {
	case e.Pointer == "":
		return where + e.Message
	case strings.ContainsFunc(e.Pointer, unicode.IsControl): // an error is one line
		return where + strconv.Quote(e.Pointer) + ": " + e.Message
	}
	return where + e.Pointer + ": " + e.Message
}

// Errors is what is wrong with a document, in the order of the document. It is never
// empty when returned as an error. A document with very many errors has the first ones
// found, and at the end how many more there are.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the errors one by one.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// maxErrors is how many errors of one document are told apart.
const maxErrors = 100

// reporter collects the errors of one source text.
type reporter struct {
	name string
	src  []byte
	errs Errors
	more int // errors beyond maxErrors
}

// at reports an error at an offset. Its pointer is that of the value there.
func (r *reporter) at(offset int, format string, args ...any) {
	if len(r.errs) == maxErrors {
		r.more++
		return
	}
	r.errs = append(r.errs, &Error{Name: r.name, Message: fmt.Sprintf(format, args...), offset: offset})
}

// fail reports the one error of a text that has no tape.
func (r *reporter) fail(offset int, pointer, format string, args ...any) {
	r.errs, r.more = nil, 0
	r.at(offset, format, args...)
	r.errs[0].Pointer = pointer
}

// err gives the errors with their places, or nil. The tape is nil after fail.
func (r *reporter) err(t *tape) error {
	if len(r.errs) == 0 {
		return nil
	}
	if r.more > 0 {
		r.errs = append(r.errs, &Error{Name: r.name, Message: fmt.Sprintf("%d errors more", r.more), offset: len(r.src)})
	}
	slices.SortStableFunc(r.errs, func(a, b *Error) int { return cmp.Compare(a.offset, b.offset) })
	for _, e := range r.errs {
		e.Line, e.Column = Position(r.src, e.offset)
		if t != nil {
			e.Pointer = t.pointer(e.offset)
		}
	}
	return r.errs
}

// Position is the line and the column of a byte offset, both from 1, the column in
// characters. An offset past the end is the end.
func Position(src []byte, offset int) (line, column int) {
	before := src[:min(offset, len(src))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[start:]) + 1
}
