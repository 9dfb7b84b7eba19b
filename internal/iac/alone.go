package iac

import (
	"bytes"
	"strings"

	"github.com/pare-iam/pare/policy"
)

// alone changes one value that stands where a list may. One text takes its place; several
// are a list, laid out as the file's others, or if it has none as the language's usual
// list. A comment behind the value stays behind the first of several in YAML.
type alone struct {
	file   *File
	value  *Value // the value
	object *Value // the object that it is a member's value of
	member Member
	flow   bool // in a flow collection of YAML
	style  style
}

// newAlone looks for the value in the file's tree.
func newAlone(f *File, tree, value *Value) (*alone, error) {
	a := &alone{file: f, value: value}
	eachMember(tree, func(object *Value, m Member) {
		if m.Value.File == f && m.Value.Span == value.Span {
			a.object, a.member = object, m
		}
		inside := m.Value.File == f && m.Value.Start < value.Start && value.End <= m.Value.End
		a.flow = a.flow || inside && m.Value.Lang == YAML && bytes.IndexByte([]byte("{["), f.Src[m.Value.Start]) >= 0
	})
	if a.object == nil {
		return nil, notEditable(value, "the value isn't a member of an object in its file")
	}
	if o := a.object; o.Lang == YAML && o.File == f && f.Src[o.Start] == '{' {
		a.flow = true
	}
	a.style = styleOf(f, tree, value.Lang)
	return a, nil
}

// splices put texts in the value's place; stays says that the value itself is the first
// of the list, before them.
func (a *alone) splices(texts []string, stays bool) ([]Splice, error) {
	q, span := quotingOf(a.file, a.value), trimmed(a.file.Src, a.value)
	var written []string
	if stays {
		written = append(written, string(a.file.Src[span.Start:span.End]))
	}
	for _, text := range texts {
		written = append(written, q.write(text))
	}
	switch {
	case len(written) == 1:
		return []Splice{{Span: span, Text: written[0]}}, nil
	case a.value.Lang == YAML && !a.flow && a.style.form != Brackets:
		return a.dashes(span, written)
	}
	return []Splice{{Span: span, Text: a.brackets(written)}}, nil
}

func (a *alone) brackets(written []string) string {
	unit, lines := a.lines()
	if !lines {
		return "[" + strings.Join(written, a.style.inline) + "]"
	}
	outer := lineBreak(a.file.Src) + lineIndent(a.file.Src, a.value.Start)
	trailing := ""
	if a.style.trailing || a.style.form == 0 && a.value.Lang == HCL {
		trailing = ","
	}
	return "[" + outer + unit + strings.Join(written, ","+outer+unit) + trailing + outer + "]"
}

// lines says whether the new list stands one entry a line, and how far they are indented.
// An object on one line stays on it.
func (a *alone) lines() (unit string, lines bool) {
	src, object := a.file.Src, a.object.Span
	first := a.object.Members[0].At.Start
	switch {
	case object.Start >= first || !bytes.Contains(src[object.Start:object.End], []byte("\n")):
		return "", false
	case a.style.form == Brackets:
		return a.style.unit, a.style.lines
	}
	unit = indentUnit(lineIndent(src, object.Start), lineIndent(src, first))
	return unit, bytes.Contains(src[object.Start:first], []byte("\n"))
}

// dashes is a block sequence of YAML: below the key, indented as the file's others are, or
// where the value stands if that is a line of its own.
func (a *alone) dashes(span policy.Span, written []string) ([]Splice, error) {
	src := a.file.Src
	end := lineEnd(src, span.End)
	if rest := bytes.TrimLeft(src[span.End:end], " \t"); len(rest) > 0 && rest[0] != '#' {
		return nil, notEditable(a.value, "more stands on the line of a value that becomes a list")
	}
	unit := "  "
	if a.style.form == Dashes {
		unit = a.style.unit
	}
	lead := lineBreak(src) + strings.Repeat(" ", column(src, a.member.At.Start)) + unit + "- "
	first := Splice{Span: span, Text: lead + written[0]}
	if begin := lineStart(src, span.Start); a.member.At.End < begin {
		lead = lineBreak(src) + string(src[begin:span.Start]) + "- "
		first.Text = "- " + written[0]
	} else {
		first.Start = len(bytes.TrimRight(src[:span.Start], " \t"))
	}
	more := Splice{Span: policy.Span{Start: end, End: end}, Text: lead + strings.Join(written[1:], lead)}
	return []Splice{first, more}, nil
}
