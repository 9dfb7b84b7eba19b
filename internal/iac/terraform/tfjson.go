package terraform

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// labels is how many labels the blocks of a type have, of those that can have any.
var labels = map[string]int{"resource": 2, "data": 2, "variable": 1, "output": 1, "module": 1, "provider": 1, "dynamic": 1, "check": 1}

// nested are the blocks within others that we look at. In JSON a block is told from an
// attribute by its name alone.
var nested = []string{"statement", "condition", "principals", "not_principals", "inline_policy", "dynamic", "content",
	"lifecycle", "validation", "precondition", "postcondition", "backend", "cloud"}

// jsonString is a string of a .tf.json file with a template in it: its range is the
// string's, the template's own ranges are of what the string says.
type jsonString struct {
	hclsyntax.Expression
	rng hcl.Range
}

// Range is that of the string.
func (e *jsonString) Range() hcl.Range { return e.rng }

// jsonBody reads a .tf.json or .tfvars.json file as a body of HCL.
// https://developer.hashicorp.com/terraform/language/syntax/json
func (r *reader) jsonBody(f *iac.File) (*hclsyntax.Body, error) {
	name := r.register(place{file: f, src: f.Src, lang: iac.JSON})
	tree, err := iac.ParseJSON(f, policy.Span{End: len(f.Src)}, iac.Embedded{})
	if err != nil {
		return nil, err
	}
	if tree.Kind != iac.Object {
		return nil, &placed{tree.Where(), "a configuration in JSON is an object"}
	}
	c := converter{reader: r, name: name}
	top := func(key string) bool {
		_, labelled := labels[key]
		return labelled || key == "locals" || key == "terraform"
	}
	if strings.HasSuffix(f.Path, ".tfvars.json") {
		top = func(string) bool { return false }
	}
	body := c.body(tree, top)
	return body, c.err
}

type converter struct {
	*reader
	name string
	err  error // the first
}

func (c *converter) rng(s policy.Span) hcl.Range {
	return hcl.Range{Filename: c.name, Start: hcl.Pos{Byte: s.Start}, End: hcl.Pos{Byte: s.End}}
}

// body is an object as a body, in which block says what keys are blocks.
func (c *converter) body(v *iac.Value, block func(string) bool) *hclsyntax.Body {
	body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: c.rng(v.Span)}
	for _, m := range v.Members {
		if m.Key == "//" {
			continue
		}
		if block(m.Key) && isBlocks(m.Value) {
			c.blocks(body, m.Key, m.Value, make([]string, 0, labels[m.Key]))
			continue
		}
		body.Attributes[m.Key] = &hclsyntax.Attribute{Name: m.Key, Expr: c.expr(m.Value), SrcRange: c.rng(m.Value.Span), NameRange: c.rng(m.At)}
	}
	return body
}

// isBlocks says whether a value is a block, or several: an object or a list of them.
func isBlocks(v *iac.Value) bool {
	return v.Kind == iac.Object || v.Kind == iac.List && !slices.ContainsFunc(v.Entries, func(entry *iac.Value) bool { return entry.Kind != iac.Object })
}

// blocks adds the blocks of a type that a value says: an object for each label, and in
// the end an object, or a list of them.
func (c *converter) blocks(body *hclsyntax.Body, kind string, v *iac.Value, path []string) {
	switch {
	case v.Kind == iac.List:
		for _, entry := range v.Entries {
			c.blocks(body, kind, entry, path)
			if len(path) == labels[kind] && len(body.Blocks) > 0 {
				c.arrays[body.Blocks[len(body.Blocks)-1]] = v
			}
		}
	case v.Kind != iac.Object:
	case len(path) < labels[kind]:
		for _, m := range v.Members {
			if m.Key != "//" {
				c.blocks(body, kind, m.Value, append(path, m.Key))
			}
		}
	default:
		within := c.body(v, func(key string) bool { return kind != "locals" && kind != "module" && slices.Contains(nested, key) })
		at := c.rng(v.Span)
		body.Blocks = append(body.Blocks, &hclsyntax.Block{Type: kind, Labels: slices.Clone(path), Body: within, TypeRange: at, OpenBraceRange: at, CloseBraceRange: at})
	}
}

// expr is a value as an expression.
func (c *converter) expr(v *iac.Value) hclsyntax.Expression {
	rng := c.rng(v.Span)
	switch v.Kind {
	case iac.Text:
		return c.string(v.Text, rng)
	case iac.List:
		tuple := &hclsyntax.TupleConsExpr{SrcRange: rng, OpenRange: rng}
		for _, entry := range v.Entries {
			tuple.Exprs = append(tuple.Exprs, c.expr(entry))
		}
		return tuple
	case iac.Object:
		object := &hclsyntax.ObjectConsExpr{SrcRange: rng, OpenRange: rng}
		for _, m := range v.Members {
			key := &hclsyntax.ObjectConsKeyExpr{Wrapped: c.string(m.Key, c.rng(m.At))}
			object.Items = append(object.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: c.expr(m.Value)})
		}
		return object
	case iac.Literal, iac.Unknown:
	}
	literal := cty.True
	if v.Text == "null" {
		literal = cty.NullVal(cty.DynamicPseudoType)
	}
	return &hclsyntax.LiteralValueExpr{Val: literal, SrcRange: rng}
}

// string is a string of JSON: a template.
func (c *converter) string(text string, rng hcl.Range) hclsyntax.Expression {
	if !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		part := &hclsyntax.LiteralValueExpr{Val: cty.StringVal(text), SrcRange: rng}
		return &hclsyntax.TemplateExpr{Parts: []hclsyntax.Expression{part}, SrcRange: rng}
	}
	span := policy.Span{Start: rng.Start.Byte, End: rng.End.Byte}
	p := place{file: c.places[c.name].file, src: []byte(text), lang: iac.JSON, inside: &span, why: "it stands inside a JSON string"}
	inner, err := c.template(p)
	if err != nil {
		if c.err == nil {
			c.err = err
		}
		return &hclsyntax.LiteralValueExpr{Val: cty.True, SrcRange: rng}
	}
	return &jsonString{inner, rng}
}
