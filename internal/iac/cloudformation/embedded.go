package cloudformation

import (
	"bytes"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// openTexts replaces the inline policies of permission sets that are JSON in a text of
// YAML, "InlinePolicy: |", by what the JSON says. What can't be read so stays a text.
//
// It works where the text's bytes are the JSON, with blanks added at most: block scalars,
// and single quotes around JSON without any.
func (t *template) openTexts() {
	resources := t.root.Get("Resources")
	if resources == nil {
		return
	}
	for _, m := range resources.Members {
		properties := m.Value.Get("Properties")
		if typeOf(m.Value) != "AWS::SSO::PermissionSet" || properties == nil {
			continue
		}
		for i, p := range properties.Members {
			if p.Key == "InlinePolicy" && p.Value.Kind == iac.Text {
				properties.Members[i].Value = t.opened(p.Value)
			}
		}
	}
}

// opened is the JSON in a text, or the text if it can't be read.
func (t *template) opened(v *iac.Value) *iac.Value {
	written, variables := v, (*iac.Value)(nil)
	c, isCall := t.calls[v]
	if isCall && c.name != "Fn::Sub" {
		return v
	}
	if isCall {
		written = c.arg
	}
	if written.Kind == iac.List { // [text, {variable: value}]
		written, variables = written.Entries[0], written.Entries[1]
	}
	span, ok := t.inner(written)
	if !ok {
		return v
	}
	e := iac.Embedded{Scope: t.file.Path}
	if isCall {
		var names []string
		e.Holes, names = holesIn(t.file.Src, span)
		e.Value = func(i int) *iac.Value { return t.variable(names[i], variables) }
		e.Unescape = func(s string) string { return strings.ReplaceAll(s, "${!", "${") }
	}
	opened, err := iac.ParseJSON(t.file, span, e)
	if err != nil || opened.Kind != iac.Object {
		return v
	}
	return opened
}

// inner is the place of the JSON in a scalar: after the header of a block, or between
// single quotes. One with an anchor has none, nor has an alias.
func (t *template) inner(v *iac.Value) (policy.Span, bool) {
	none := policy.Span{}
	x := newText(t.file.Src)
	_, start := x.properties(v.Start, "")
	if start >= v.End {
		return none, false
	}
	switch inside := t.file.Src[start+1 : v.End]; t.file.Src[start] {
	case '|', '>':
		return policy.Span{Start: x.lineEnd(start), End: v.End}, x.lineEnd(start) < v.End
	case '\'':
		quotes := bytes.Count(inside, []byte("'"))
		return policy.Span{Start: start + 1, End: v.End - 1}, quotes == 1
	}
	return none, false
}

// holesIn finds the variables of an Fn::Sub in its source, and their names.
func holesIn(src []byte, span policy.Span) (holes []policy.Span, names []string) {
	for at := span.Start; ; {
		open := bytes.Index(src[at:span.End], []byte("${"))
		if open < 0 {
			return holes, names
		}
		open += at
		size := bytes.IndexByte(src[open:span.End], '}') + 1
		if size == 0 {
			return holes, names
		}
		at = open + size
		if src[open+2] != '!' {
			holes = append(holes, policy.Span{Start: open, End: at})
			names = append(names, strings.TrimSpace(string(src[open+2:at-1])))
		}
	}
}

// variable is what a variable of an Fn::Sub is: what was given with it, if that is known,
// else an Unknown that is named like what it refers to.
func (t *template) variable(name string, given *iac.Value) *iac.Value {
	var b textBuilder
	b.variable(t, name, given)
	switch v := b.String(); {
	case len(b.holes) == 0:
		return &iac.Value{Kind: iac.Text, Text: v}
	case len(b.holes) == 1 && b.holes[0].Start == 0 && b.holes[0].End == len(v):
		return &iac.Value{Text: b.holes[0].Expr}
	default:
		return &iac.Value{Text: v}
	}
}
