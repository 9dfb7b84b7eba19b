package cloudformation

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v4"
)

// blockEnd is the end of a literal or folded scalar whose "|" or ">" is at i: the end of
// its last line, without the line break. It ends before the first line that is indented
// less than its first; blank lines at its end belong to it only if it keeps them ("|+").
//
// How far it is indented follows from its first line that isn't blank: what the value
// has fewer blanks in front than the source.
func (t *text) blockEnd(n *yaml.Node, i int) (int, bool) {
	if i >= len(t.src) || t.src[i] != '|' && t.src[i] != '>' {
		return i, false
	}
	end := t.lineEnd(i)
	indicators, _, _ := bytes.Cut(t.src[i:end], []byte("#"))
	keep := bytes.IndexByte(indicators, '+') >= 0
	front, some := firstIndent(n.Value)
	indent := -1
	for at := end; at < len(t.src); {
		at += lineBreak(t.src[at:])
		stop := t.lineEnd(at)
		line := t.src[at:stop]
		blank := len(bytes.Trim(line, " \t")) == 0
		if indent < 0 && !blank {
			indent = leading(line) - front
		}
		switch {
		case !blank && (!some || leading(line) < indent || documentMark(line)):
			return end, true
		case !blank, keep && at < len(t.src), indent >= 0 && len(line) > indent:
			end = stop
		}
		at = stop
	}
	return end, true
}

// firstIndent is how many spaces the first line of a value begins with that isn't blank.
// some is false if all are.
func firstIndent(value string) (spaces int, some bool) {
	for line := range strings.SplitSeq(value, "\n") {
		if strings.Trim(line, " \t") != "" {
			return leading([]byte(line)), true
		}
	}
	return 0, false
}

// leading counts the spaces that a line begins with.
func leading(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// documentMark says whether a line ends a document, "---" or "...".
func documentMark(line []byte) bool {
	rest, dashes := bytes.CutPrefix(line, []byte("---"))
	rest, dots := bytes.CutPrefix(rest, []byte("..."))
	return dashes != dots && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t')
}
