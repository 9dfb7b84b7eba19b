package cloudformation

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// text is the source of a YAML file, and finds byte offsets in it.
type text struct {
	src   []byte
	lines []int // where each line begins; the first after a byte order mark
	last  place // found last: the next one on its line is likely after it
}

// place is a line and a column, both from 1, and the offset of the two.
type place struct{ line, column, offset int }

// newText finds the lines, which end where the YAML library ends them.
func newText(src []byte) *text {
	start := len(src) - len(bytes.TrimPrefix(src, byteOrderMark))
	t := &text{src: src, lines: []int{start}}
	for i := start; i < len(src); {
		n := lineBreak(src[i:])
		i += max(n, 1)
		if n > 0 {
			t.lines = append(t.lines, i)
		}
	}
	return t
}

// lineBreak is the length of the line break that s, which isn't empty, begins with, and 0
// if it's none. Next to the usual ones these are YAML 1.1's: NEL, LS and PS.
func lineBreak(s []byte) int {
	switch c := s[0]; {
	case c == '\n':
		return 1
	case c == '\r' && len(s) > 1 && s[1] == '\n':
		return 2
	case c == '\r':
		return 1
	case c < utf8.RuneSelf:
		return 0
	}
	switch r, size := utf8.DecodeRune(s); r {
	case '\u0085', '\u2028', '\u2029':
		return size
	}
	return 0
}

// offset is that of a node's line and column, which is counted in characters, or the end.
func (t *text) offset(line, column int) int {
	if line < 1 || line > len(t.lines) {
		return len(t.src)
	}
	at := place{line, 1, t.lines[line-1]}
	if t.last.line == line && t.last.column <= column {
		at = t.last
	}
	for at.column < column && at.offset < len(t.src) {
		_, size := utf8.DecodeRune(t.src[at.offset:])
		at.offset += size
		at.column++
	}
	t.last = at
	return at.offset
}

// lineEnd is where i's line ends, before its break.
func (t *text) lineEnd(i int) int {
	for i < len(t.src) && lineBreak(t.src[i:]) == 0 {
		i++
	}
	return i
}

// gap skips blanks, line breaks and comments from i on, and any of the bytes of also.
func (t *text) gap(i int, also string) int {
	for i < len(t.src) {
		switch c := t.src[i]; {
		case c == '#':
			i = t.lineEnd(i)
		case c == ' ' || c == '\t' || strings.IndexByte(also, c) >= 0:
			i++
		case lineBreak(t.src[i:]) > 0:
			i += lineBreak(t.src[i:])
		default:
			return i
		}
	}
	return i
}

// properties skips the tag and the anchor of a node that begins at i, and gives where
// they end and where its content begins. Of a node without them both are i.
func (t *text) properties(i int, anchor string) (end, content int) {
	end, content = i, i
	for content < len(t.src) {
		switch {
		case t.src[content] == '!':
			end = t.tagEnd(content)
		case t.src[content] == '&' && anchor != "":
			end = content + len("&") + len(anchor)
		default:
			return end, content
		}
		content = t.gap(end, "")
	}
	return end, content
}

// tagEnd is where the tag that begins at i ends: at a blank, or in a flow collection at
// what ends its entry. "!<…>" may have all of them in it.
func (t *text) tagEnd(i int) int {
	if size := bytes.IndexByte(t.src[i:], '>') + 1; size > 0 && bytes.HasPrefix(t.src[i:], []byte("!<")) {
		return i + size
	}
	for i++; i < len(t.src); i++ {
		if strings.IndexByte(" \t,[]{}", t.src[i]) >= 0 || lineBreak(t.src[i:]) > 0 {
			break
		}
	}
	return i
}

// scalarEnd is where a scalar ends whose properties end at props and whose content
// begins at i. ok is false if the source isn't what the node says.
func (t *text) scalarEnd(n *yaml.Node, props, i int) (end int, ok bool) {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return t.quoteEnd(i, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return t.quoteEnd(i, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return t.blockEnd(n, i)
	case n.Value == "":
		return props, true
	}
	return t.plainEnd(n.Value, i)
}

// quoteEnd is the end of a quoted scalar: the first quote that isn't escaped.
func (t *text) quoteEnd(i int, quote byte) (int, bool) {
	if i >= len(t.src) || t.src[i] != quote {
		return i, false
	}
	for i++; i < len(t.src); i++ {
		switch {
		case t.src[i] == '\\' && quote == '"':
			i++
		case t.src[i] != quote:
		case quote == '\'' && i+1 < len(t.src) && t.src[i+1] == quote:
			i++
		default:
			return i + 1, true
		}
	}
	return i, false
}

// plainEnd is the end of a plain scalar. It is where the source has given the whole of
// the value, for a plain scalar neither begins nor ends with blanks, and its characters
// stand for themselves but for blanks around line breaks, which are folded.
func (t *text) plainEnd(value string, i int) (int, bool) {
	for value != "" {
		if i >= len(t.src) {
			return i, false
		}
		given, next := t.fold(i)
		if !strings.HasPrefix(value, given) {
			return i, false
		}
		value, i = value[len(given):], next
	}
	return i, true
}

// fold is what the source means at i in a plain scalar, and where it goes on: a byte, or
// blanks and line breaks folded: one break is a space, of more each but the first is one.
func (t *text) fold(i int) (given string, next int) {
	var blanks, first, breaks []byte
	for next = i; next < len(t.src); {
		n := lineBreak(t.src[next:])
		switch {
		case n > 0 && first == nil:
			first = folded(t.src[next : next+n])
		case n > 0:
			breaks = append(breaks, folded(t.src[next:next+n])...)
		case t.src[next] != ' ' && t.src[next] != '\t':
			n = 0
		default:
			n = 1
			blanks = append(blanks, t.src[next])
		}
		if n == 0 {
			break
		}
		next += n
	}
	switch {
	case next == i:
		return string(t.src[i : i+1]), i + 1
	case first == nil:
		return string(blanks), next
	case string(first) != "\n":
		return string(first) + string(breaks), next
	case len(breaks) == 0:
		return " ", next
	}
	return string(breaks), next
}

// folded is a line break as YAML keeps it: LS and PS are themselves, all others "\n".
func folded(b []byte) []byte {
	if len(b) == 3 {
		return b
	}
	return []byte("\n")
}
