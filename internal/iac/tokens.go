package iac

import (
	"bytes"
	"fmt"

	"github.com/pare-iam/pare/policy"
)

// tokenKind is what stands in a list's bytes.
type tokenKind uint8

const (
	blankToken   tokenKind = iota + 1 // spaces and tabs
	breakToken                        // one line break
	commaToken                        // between entries
	dashToken                         // of a Dashes list
	commentToken                      // without the line break after it
	entryToken                        // an entry, on however many lines
	openToken                         // what stands before the first token on its line, and isn't the list's; empty
	shutToken                         // what stands after the last; empty
)

// token is a piece of a list. Those of a list follow each other without a gap, so that what
// isn't changed of them stays as it is.
type token struct {
	kind tokenKind
	policy.Span
	entry   int    // the entry's index, or of all others the next entry's
	line    int    // counted by break tokens
	changed bool   // text stands for the bytes
	text    string // empty for what goes
	after   string // what comes after it
}

func (t *token) gone() bool { return t.changed && t.text == "" }

func (t *token) drop() { t.changed, t.text = true, "" }

// content says whether the token is more than white space and still there.
func (t *token) content() bool {
	return t.kind != blankToken && t.kind != breakToken && !t.gone()
}

// tokenize cuts a list of brackets or dashes into tokens.
func tokenize(f *File, list *Value) ([]token, error) {
	n := len(list.Entries)
	at, end := list.Start+1, list.End-1
	if list.Form == Dashes {
		at, end = dashesFrom(f.Src, list), lineEnd(f.Src, trimmed(f.Src, list.Entries[n-1]).End)
	}
	c := &cutter{file: f, lang: list.Lang, dashes: list.Form == Dashes, at: at}
	if list.Form == Brackets || lineStart(f.Src, at) != at {
		c.add(openToken, at)
	}
	for i, entry := range list.Entries {
		c.entry = i
		if entry.File != f || entry.Start < c.at || entry.End > len(f.Src) {
			return nil, notEditable(list, "the list has an entry that stands elsewhere")
		}
		span := trimmed(f.Src, entry)
		if span.End > end {
			return nil, notEditable(list, "the list has an entry that stands elsewhere")
		}
		if err := c.gap(span.Start, i > 0, i > 0); err != nil {
			return nil, err
		}
		c.add(entryToken, span.End)
	}
	c.entry = n
	if err := c.gap(end, false, true); err != nil {
		return nil, err
	}
	if list.Form == Brackets {
		c.add(shutToken, end)
	}
	return c.out, nil
}

// trimmed is an entry's place without white space at its end, which block scalars of YAML
// may have.
func trimmed(src []byte, entry *Value) policy.Span {
	span := entry.Span
	span.End = span.Start + len(bytes.TrimRight(src[span.Start:span.End], " \t\r\n"))
	return span
}

// dashesFrom is where a list of dashes begins: at the first of the comment lines and blank
// lines above it, or if something else stands before the first dash on its line, at it.
func dashesFrom(src []byte, list *Value) int {
	dash := list.Start
	if src[dash] != '-' {
		dash = max(bytes.LastIndexByte(src[:list.Entries[0].Start], '-'), 0)
	}
	from := lineStart(src, dash)
	if len(bytes.Trim(src[from:dash], " ")) > 0 {
		return dash
	}
	for at := from; at > 0; {
		at = lineStart(src, at-1)
		line := bytes.TrimLeft(src[at:from], " \t")
		switch {
		case line[0] == '#':
			from = at
		case line[0] != '\n' && line[0] != '\r':
			return from
		}
	}
	return from
}

// lineStart is where the line of an offset begins, and lineEnd where it ends, before its
// line break.
func lineStart(src []byte, offset int) int {
	return bytes.LastIndexByte(src[:offset], '\n') + 1
}

func lineEnd(src []byte, offset int) int {
	if n := bytes.IndexAny(src[offset:], "\r\n"); n >= 0 {
		return offset + n
	}
	return len(src)
}

// cutter makes tokens of what stands between entries.
type cutter struct {
	file   *File
	lang   Lang
	dashes bool
	at     int
	entry  int
	line   int
	out    []token
}

func (c *cutter) add(kind tokenKind, end int) {
	c.out = append(c.out, token{kind: kind, Span: policy.Span{Start: c.at, End: end}, entry: c.entry, line: c.line})
	c.at = end
	if kind == breakToken {
		c.line++
	}
}

// gap cuts what stands before end. A comma must stand in it, or may.
func (c *cutter) gap(end int, must, may bool) error {
	commas, dashes := 0, 0
	for c.at < end {
		rest := c.file.Src[c.at:end]
		switch b := rest[0]; {
		case b == ' ' || b == '\t':
			c.add(blankToken, end-len(bytes.TrimLeft(rest, " \t")))
		case bytes.HasPrefix(rest, []byte("\r\n")):
			c.add(breakToken, c.at+len("\r\n"))
		case b == '\n' || b == '\r':
			c.add(breakToken, c.at+1)
		case b == ',' && !c.dashes:
			c.add(commaToken, c.at+1)
			commas++
		case b == '-' && c.dashes:
			c.add(dashToken, c.at+1)
			dashes++
		default:
			n := commentLen(rest, c.lang)
			if n == 0 {
				return c.refuse(fmt.Sprintf("%q between the entries of the list", first(rest)))
			}
			c.add(commentToken, c.at+n)
		}
	}
	switch {
	case c.dashes && (dashes == 1) == (must || !may):
		return nil
	case !c.dashes && commas <= 1 && (commas == 0 || may) && (commas == 1 || !must):
		return nil
	}
	return c.refuse("the entries of the list aren't told apart by one mark each")
}

func (c *cutter) refuse(reason string) error {
	return &NotEditableError{c.file.Where(c.at), reason}
}

// first is the first character, for a message.
func first(rest []byte) string {
	for _, r := range string(rest) {
		return string(r)
	}
	return ""
}

// commentLen is how long the comment is that begins here, without the line break after a
// line comment; 0 if none does, or if it doesn't end.
func commentLen(src []byte, lang Lang) int {
	switch {
	case bytes.HasPrefix(src, []byte("#")) && lang != JSON, bytes.HasPrefix(src, []byte("//")) && lang != YAML:
		return lineEnd(src, 0)
	case bytes.HasPrefix(src, []byte("/*")) && lang != YAML:
		if n := bytes.Index(src[2:], []byte("*/")); n >= 0 {
			return n + len("/**/")
		}
	}
	return 0
}

// lineComment says whether a comment goes to the end of its line.
func (t *token) lineComment(src []byte) bool {
	return t.kind == commentToken && !bytes.HasPrefix(src[t.Start:t.End], []byte("/*"))
}
