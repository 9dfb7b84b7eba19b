package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep a document may nest. A policy needs seven levels; the bound is
// there so that ten megabytes of brackets are refused at the first few.
const maxDepth = 64

// tapeReader makes a tape of one JSON text.
type tapeReader struct {
	*reporter
	*tape
	dec  *jsontext.Decoder
	open []int32 // the objects and arrays that aren't closed yet
}

// parseJSON reads the reporter's source as one JSON value. What isn't JSON is reported
// once, at the first place, because nothing after it has a meaning, and the result is
// nil; duplicate keys are all reported.
func parseJSON(r *reporter) *tape {
	if !r.readable() {
		return nil
	}
	t := &tapeReader{
		reporter: r,
		tape:     &tape{text: string(r.src), values: make([]tapeValue, 0, capacity(r.src))},
		dec:      jsontext.NewDecoder(bytes.NewBuffer(r.src), jsontext.AllowDuplicateNames(true)),
		open:     make([]int32, 0, 8),
	}
	for more := true; more; more = len(t.open) > 0 {
		if !t.token() {
			return nil
		}
	}
	end := t.skip(int(t.values[0].end))
	if _, err := t.dec.ReadToken(); !errors.Is(err, io.EOF) {
		r.fail(end, "", "more after the end of the document: want one JSON object")
		return nil
	}
	return t.tape
}

// capacity is room for the values of a text: those that policies have, which are strings,
// objects and arrays, or for a long text, which may be anything, by what stands before
// each value.
func capacity(src []byte) int {
	const long = 1 << 16
	count := func(c byte) int { return bytes.Count(src, []byte{c}) }
	if len(src) < long {
		return 1 + count('{') + count('[') + count('"')/2
	}
	return 1 + count(',') + count('{') + count('[') + min(count(':'), count('"')/2)
}

// readable reports what can be told before reading: a wrong encoding, a wrong size.
func (r *reporter) readable() bool {
	switch src := r.src; {
	case len(src) > math.MaxInt32:
		r.fail(0, "", "%d bytes: want a policy document, which has 10,240 characters or fewer", len(src))
	case bytes.HasPrefix(src, []byte{0xFF, 0xFE}), bytes.HasPrefix(src, []byte{0xFE, 0xFF}),
		len(src) > 1 && (src[0] == 0) != (src[1] == 0):
		r.fail(0, "", "looks like UTF-16: save the file as UTF-8")
	case bytes.HasPrefix(src, []byte("\uFEFF")):
		r.fail(0, "", "starts with a byte order mark, which JSON doesn't allow: save the file as UTF-8 without one")
	case !utf8.Valid(src):
		at := invalidUTF8(src)
		r.fail(at, "", "byte 0x%02X isn't UTF-8: save the file as UTF-8", src[at])
	default:
		return true
	}
	return false
}

func invalidUTF8(src []byte) int {
	at := 0
	for at < len(src) {
		r, n := utf8.DecodeRune(src[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// token reads one token onto the tape. It is false after an error.
func (t *tapeReader) token() bool {
	from := int(t.dec.InputOffset())
	tok, err := t.dec.ReadToken()
	if err != nil {
		t.syntax(err)
		return false
	}
	kind, end := tok.Kind(), int32(t.dec.InputOffset())
	if kind == '}' || kind == ']' {
		t.close(end)
		return true
	}
	at := int32(len(t.values))
	start := t.skip(from)
	t.values = append(t.values, tapeValue{start: int32(start), end: end, next: at + 1, kind: kind})
	switch kind {
	case '{', '[':
		if len(t.open) == maxDepth {
			t.fail(start, "", "nested more than %d levels deep: want a policy document, which needs seven", maxDepth)
			return false
		}
		t.open = append(t.open, at)
	case '"':
		if strings.IndexByte(t.text[start:end], '\\') >= 0 {
			t.unescape(at, tok.String())
		}
	}
	return true
}

// skip is where the next token begins: after white space, commas and colons.
func (t *tapeReader) skip(from int) int {
	for ; from < len(t.text); from++ {
		switch t.text[from] {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return from
		}
	}
	return from
}

func (t *tapeReader) unescape(at int32, text string) {
	if t.escaped == nil {
		t.escaped = map[int32]string{}
	}
	t.escaped[at] = text
}

// close ends the innermost object or array.
func (t *tapeReader) close(end int32) {
	n := node{t.tape, t.open[len(t.open)-1]}
	t.open = t.open[:len(t.open)-1]
	v := &t.values[n.at]
	v.end, v.next = end, int32(len(t.values))
	if v.kind == '{' {
		t.duplicates(n)
	}
}

func (t *tapeReader) duplicates(object node) {
	var keys nameSet
	for key := range object.members() {
		if !keys.add(key.text()) {
			t.at(key.start(), "key %s stands twice in one object: keep one", quote(key.text()))
		}
	}
}

// nameSet is a set of names, looked through as long as it is small. The zero value is
// empty.
type nameSet struct {
	few   [16]string
	count int
	many  map[string]bool
}

// add is false when the name was in the set already.
func (s *nameSet) add(name string) bool {
	if slices.Contains(s.few[:s.count], name) {
		return false
	}
	if s.count < len(s.few) {
		s.few[s.count] = name
		s.count++
		return true
	}
	if s.many == nil {
		s.many = map[string]bool{}
	}
	known := s.many[name]
	s.many[name] = true
	return !known
}

// syntax reports where and why the text isn't JSON.
func (t *tapeReader) syntax(err error) {
	at := t.skip(int(t.dec.InputOffset()))
	syn, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.EOF):
		t.fail(0, "", "empty: want a JSON policy document")
	case errors.Is(err, io.ErrUnexpectedEOF):
		t.fail(len(t.text), "", "ends too early: want %s", t.missing(at))
	case ok:
		offset := int(syn.ByteOffset)
		t.fail(offset, string(syn.JSONPointer), "not JSON: %v%s", syn.Err, t.hint(offset))
	default: // the source is in memory: reading it has no other error
		t.fail(at, "", "not JSON: %v", err)
	}
}

// missing says what a text that ends too early lacks; at is where its last token began.
func (t *tapeReader) missing(at int) string {
	opener, closer := at, '"'
	if at == len(t.text) || t.text[at] != '"' {
		if len(t.open) == 0 {
			return "the rest of the value"
		}
		opener = node{t.tape, t.open[len(t.open)-1]}.start()
		closer = rune(t.text[opener]) + 2 // in ASCII ] stands two after [, and } two after {
	}
	line, column := Position(t.src, opener)
	return fmt.Sprintf("the %c for the %c at %d:%d", closer, t.text[opener], line, column)
}

// hint says what to type instead of what isn't JSON, or nothing.
func (t *tapeReader) hint(at int) string {
	switch c := rune(t.text[at]); {
	case c == '%' && blank(t.text[:at]):
		return urlEncoded
	case letter(c) && blank(t.text[:at]), strings.Trim(t.text[:at], " \t\r\n") == "-":
		return "; want JSON, which begins with a brace: YAML isn't read"
	case c == '\'', letter(c):
		return "; names and texts stand in double quotes"
	case c == '/', c == '#':
		return "; JSON has no comments"
	case c == ',' && strings.IndexAny(strings.TrimLeft(t.text[at+1:], " \t\r\n"), "]}") == 0:
		return "; no comma stands before a closing bracket"
	case c == '\n', c == '\r':
		return "; a string ends on the line on which it begins"
	}
	return ""
}

func blank(s string) bool { return strings.Trim(s, " \t\r\n") == "" }
