package cloudformation

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// call is an intrinsic function in a template.
type call struct {
	name string // "Ref", "Fn::GetAtt"
	arg  *iac.Value
}

// sections is how deep the sections of a template stand, and the maps in them. Functions
// there, loops and transforms, add to what is written next to them, and leave it as it is.
const sections = 1

// computed is a value after its tag, or the function that it is in the long form, as far
// as that is known without a deployment. depth is that of the value below the root.
func (t *template) computed(v *iac.Value, tag string, depth int) *iac.Value {
	switch {
	case strings.HasPrefix(tag, "!!"):
		return t.unknown(v, "a value with the tag "+tag)
	case tag == "!Ref", tag == "!Condition":
		return t.called(v, tag, call{tag[1:], v})
	case tag != "":
		return t.called(v, tag, call{"Fn::" + strings.TrimPrefix(tag, "!"), v})
	case v.Kind != iac.Object || depth <= sections:
		return v
	}
	for _, m := range v.Members {
		switch {
		case len(v.Members) == 1 && (m.Key == "Ref" || strings.HasPrefix(m.Key, "Fn::")):
			return t.called(v, m.Key, call{m.Key, m.Value})
		case strings.HasPrefix(m.Key, "Fn::"):
			return t.unknown(v, "computed by "+m.Key)
		}
	}
	return v
}

// unknown is an Unknown that stands where v does.
func (t *template) unknown(v *iac.Value, why string) *iac.Value {
	return &iac.Value{
		File: v.File, Span: v.Span, Lang: v.Lang,
		Text: string(t.file.Src[v.Start:v.End]), Why: why,
	}
}

// called is what a function gives that is written as word.
func (t *template) called(v *iac.Value, word string, c call) *iac.Value {
	given := t.unknown(v, "computed by "+word)
	var b textBuilder
	if b.call(t, c) {
		given.Kind, given.Text, given.Holes, given.Why = iac.Text, b.String(), b.holes, v.Why
	}
	t.calls[given] = c
	return given
}

// textBuilder puts a text together of what is known and of holes.
type textBuilder struct {
	strings.Builder
	holes []iac.Hole
}

// hole adds what only the deployment knows.
func (b *textBuilder) hole(scope, expr string) {
	start := b.Len()
	b.WriteString(iac.Placeholder(scope, expr))
	b.holes = append(b.holes, iac.Hole{Span: policy.Span{Start: start, End: b.Len()}, Expr: expr})
}

// text adds a known text, with its holes.
func (b *textBuilder) text(v *iac.Value) {
	for _, h := range v.Holes {
		h.Start += b.Len()
		h.End += b.Len()
		b.holes = append(b.holes, h)
	}
	b.WriteString(v.Text)
}

// part adds a value inside of a text: a known one, or a hole for a reference that is one
// value. It is false for what may be nothing at all, such as an Fn::If, or isn't a text.
func (b *textBuilder) part(t *template, v *iac.Value) bool {
	if v.Kind == iac.Text || v.Kind == iac.Literal && v.Text != "null" {
		b.text(v)
		return true
	}
	expr, ok := t.reference(v)
	if ok {
		b.hole(t.file.Path, expr)
	}
	return ok
}

// call adds what a function gives, and says whether it is a text that is known enough.
func (b *textBuilder) call(t *template, c call) bool {
	switch c.name {
	case "Fn::Sub":
		return b.sub(t, c.arg)
	case "Fn::Join":
		return b.join(t, c.arg)
	case "Ref":
		pseudo := plain(c.arg) && strings.HasPrefix(c.arg.Text, "AWS::") &&
			c.arg.Text != noValue && c.arg.Text != "AWS::NotificationARNs" // that one is a list
		if pseudo {
			b.hole(t.file.Path, c.arg.Text)
		}
		return pseudo
	}
	return false
}

// noValue is the pseudo parameter that takes away what it is given to.
const noValue = "AWS::NoValue"

// plain says whether a value is a text without holes.
func plain(v *iac.Value) bool { return v.Kind == iac.Text && len(v.Holes) == 0 }

// join is Fn::Join: [delimiter, [values]].
func (b *textBuilder) join(t *template, arg *iac.Value) bool {
	if arg.Kind != iac.List || len(arg.Entries) != 2 || !plain(arg.Entries[0]) || arg.Entries[1].Kind != iac.List {
		return false
	}
	for i, e := range arg.Entries[1].Entries {
		if i > 0 {
			b.WriteString(arg.Entries[0].Text)
		}
		if !b.part(t, e) {
			return false
		}
	}
	return true
}

// sub is Fn::Sub: a text, or [text, {variable: value}]. "${!x}" is "${x}".
func (b *textBuilder) sub(t *template, arg *iac.Value) bool {
	var variables *iac.Value
	if arg.Kind == iac.List && len(arg.Entries) == 2 && arg.Entries[1].Kind == iac.Object {
		arg, variables = arg.Entries[0], arg.Entries[1]
	}
	if !plain(arg) {
		return false
	}
	rest := arg.Text
	for {
		before, after, found := strings.Cut(rest, "${")
		b.WriteString(before)
		if !found {
			return true
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed {
			return false
		}
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			b.WriteString("${" + literal + "}")
		} else if !b.variable(t, strings.TrimSpace(name), variables) {
			return false
		}
		rest = after
	}
}

// variable is one of Fn::Sub: given with it, or of the template.
func (b *textBuilder) variable(t *template, name string, given *iac.Value) bool {
	if given != nil {
		if v := given.Get(name); v != nil {
			return b.part(t, v)
		}
	}
	if name == "" || name == noValue {
		return false
	}
	b.hole(t.file.Path, name)
	return true
}

// reference is the name that Fn::Sub would have for a value, "Bucket.Arn", or as it is
// written. ok is false for what may be a list or nothing at all.
func (t *template) reference(v *iac.Value) (expr string, ok bool) {
	c := t.calls[v]
	switch c.name {
	case "Ref":
		return c.arg.Text, plain(c.arg) && !strings.HasPrefix(c.arg.Text, "AWS::")
	case "Fn::GetAtt":
		return t.attribute(v, c.arg), true
	case "Fn::ImportValue", "Fn::FindInMap", "Fn::Select", "Fn::Base64", "Fn::Sub", "Fn::Join":
		return v.Text, true
	}
	return "", false
}

// attribute is what Fn::GetAtt asks for: "Bucket.Arn".
func (t *template) attribute(v, arg *iac.Value) string {
	switch {
	case plain(arg):
		return arg.Text
	case arg.Kind == iac.List && len(arg.Entries) == 2 && plain(arg.Entries[0]) && plain(arg.Entries[1]):
		return arg.Entries[0].Text + "." + arg.Entries[1].Text
	}
	return v.Text
}

// number says whether JSON has this number.
func number(s string) bool {
	v := jsontext.Value(s)
	return v.IsValid() && v.Kind() == '0'
}
