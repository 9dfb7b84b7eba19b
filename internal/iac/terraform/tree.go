package terraform

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
)

// Parse reads a whole file as a tree, without following anything: a .tf, .tf.json or
// .tfvars file, or one that file and templatefile name, which is JSON. A block is an
// Object that is a member of its body, with the key "statement" or "resource aws_iam_policy
// app" and the span from its type to its brace. A call is an Object with an argument a
// key. Equal trees say the same, but for comments and layout.
func Parse(f *iac.File) (*iac.Value, error) {
	r := newReader()
	switch {
	case strings.HasSuffix(f.Path, ".tf"), strings.HasSuffix(f.Path, ".tfvars"):
		body, err := r.body(f)
		if err != nil {
			return nil, err
		}
		v := r.bodyTree(body)
		v.File, v.Span = f, wholeSpan(f.Src)
		return v, nil
	case strings.HasSuffix(f.Path, ".tf.json"), strings.HasSuffix(f.Path, ".tfvars.json"):
		return iac.ParseJSON(f, wholeSpan(f.Src), iac.Embedded{})
	}
	v, err := iac.ParseJSON(f, wholeSpan(f.Src), iac.Embedded{})
	if err == nil {
		return v, nil
	}
	return r.templateTree(f)
}

// templateTree reads a template that says JSON.
func (r *reader) templateTree(f *iac.File) (*iac.Value, error) {
	p := place{file: f, src: f.Src, lang: iac.HCL}
	name := r.register(p)
	expr, err := r.template(p)
	if err != nil {
		return nil, err
	}
	return r.json(name, wholeSpan(f.Src), partsOf(expr), r.unfollowed())
}

// unfollowed takes interpolations as they are written.
func (r *reader) unfollowed() fill {
	return fill{func(e hclsyntax.Expression) *iac.Value {
		if call, ok := e.(*hclsyntax.FunctionCallExpr); ok && call.Name == "jsonencode" && len(call.Args) == 1 {
			if v := r.tree(call.Args[0]); v.Kind == iac.List || v.Kind == iac.Object {
				return v
			}
		}
		return r.unknown(e, "an interpolation")
	}, ""}
}

// bodyTree is a body as an object, in the order of the file.
func (r *reader) bodyTree(b *hclsyntax.Body) *iac.Value {
	v := r.at(b.SrcRange, iac.Object)
	for _, attr := range attributes(b) {
		v.Members = append(v.Members, iac.Member{Key: attr.Name, At: r.span(attr.NameRange), Value: r.tree(attr.Expr)})
	}
	for _, in := range b.Blocks {
		block := r.bodyTree(in.Body)
		block.Span = r.span(blockRange(in))
		key := strings.Join(append([]string{in.Type}, in.Labels...), " ")
		v.Members = append(v.Members, iac.Member{Key: key, At: r.span(in.TypeRange), Value: block})
	}
	slices.SortStableFunc(v.Members, func(a, b iac.Member) int { return cmp.Compare(a.At.Start, b.At.Start) })
	return v
}

// tree is an expression as it is written.
func (r *reader) tree(e hclsyntax.Expression) *iac.Value {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return r.tree(e.Expression)
	case *hclsyntax.LiteralValueExpr:
		return r.literal(e)
	case *hclsyntax.TemplateExpr:
		return r.templateValue(e)
	case *hclsyntax.TupleConsExpr:
		v := r.at(e.Range(), iac.List)
		v.Form = iac.Brackets
		for _, entry := range e.Exprs {
			v.Entries = append(v.Entries, r.tree(entry))
		}
		return v
	case *hclsyntax.ObjectConsExpr:
		return r.objectTree(e)
	case *hclsyntax.FunctionCallExpr:
		v := r.at(e.Range(), iac.Object)
		for i, arg := range e.Args {
			v.Members = append(v.Members, iac.Member{Key: fmt.Sprintf("%s(%d)", e.Name, i), At: r.span(e.NameRange), Value: r.tree(arg)})
		}
		if len(e.Args) > 0 && !e.ExpandFinal {
			return v
		}
	case *hclsyntax.TemplateWrapExpr:
		v := r.at(e.Range(), iac.Object)
		v.Members = []iac.Member{{Key: "${}", At: r.span(e.Range()), Value: r.tree(e.Wrapped)}}
		return v
	}
	return r.unknown(e, computedBy(e))
}

// templateValue is a string or a heredoc; as the value that it says if it is JSON.
func (r *reader) templateValue(e *hclsyntax.TemplateExpr) *iac.Value {
	if span, ok := r.heredoc(e.Range()); ok {
		if v, err := r.json(e.Range().Filename, span, e.Parts, r.unfollowed()); err == nil && (v.Kind == iac.Object || v.Kind == iac.List) {
			return v
		}
	}
	return r.text(e, r.unfollowed())
}

func (r *reader) objectTree(e *hclsyntax.ObjectConsExpr) *iac.Value {
	v := r.at(e.Range(), iac.Object)
	for _, item := range e.Items {
		key, ok := r.keyOf(item.KeyExpr)
		if !ok {
			key = "(" + r.written(item.KeyExpr.Range()) + ")"
		}
		v.Members = append(v.Members, iac.Member{Key: key, At: r.span(item.KeyExpr.Range()), Value: r.tree(item.ValueExpr)})
	}
	return v
}
