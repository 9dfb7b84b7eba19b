package terraform

import (
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// seenThrough are the functions that leave a list of strings the set that is written.
var seenThrough = []string{"tolist", "toset", "distinct", "sort"}

// eval is the value of an expression, as far as it is written.
func (f *finder) eval(r ref) *iac.Value {
	if !f.enter() {
		return f.unknown(r.expr, "it refers to itself, or to too much")
	}
	defer f.leave()
	n := len(f.pending)
	v := f.evaluated(r)
	if v.Kind == iac.Unknown {
		f.pending = f.pending[:n] // what it refers to isn't seen in the policy
	}
	return v
}

func (f *finder) evaluated(r ref) *iac.Value {
	end := f.follow(r)
	if end.why != "" {
		return f.unknown(r.expr, f.because(r, end))
	}
	here := frame{end.expr, end.instance}
	if f.active[here] {
		return f.unknown(r.expr, "it refers to itself")
	}
	f.active[here] = true
	defer delete(f.active, here)
	defer f.through(end.via)()
	f.reach(end.expr.Range())
	return f.valueOf(r, end)
}

// frame is an expression that is being evaluated.
type frame struct {
	expr hclsyntax.Expression
	*instance
}

// valueOf is the value of what an expression leads to.
func (f *finder) valueOf(r ref, end followed) *iac.Value {
	switch e := end.expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return f.literal(e)
	case *hclsyntax.TemplateExpr:
		return f.text(e, f.fill(end.scope))
	case *jsonString:
		return f.jsonText(e, end.scope)
	case *hclsyntax.TupleConsExpr:
		return f.list(ref{e, end.scope}, e)
	case *hclsyntax.ObjectConsExpr:
		return f.object(ref{e, end.scope}, e)
	case *hclsyntax.FunctionCallExpr:
		if v := f.seeThrough(e, end.scope); v != nil {
			return v
		}
	}
	return f.unknown(r.expr, computedBy(end.expr))
}

// because says why a reference leads to nothing, and where if that is elsewhere.
func (f *finder) because(r ref, end followed) string {
	if end.expr == r.expr {
		return end.why
	}
	return f.written(end.expr.Range()) + " (" + f.where(end.expr.Range()) + "): " + end.why
}

// computedBy says what computes an expression's value.
func computedBy(e hclsyntax.Expression) string {
	switch e := e.(type) {
	case *hclsyntax.FunctionCallExpr:
		return "the function " + e.Name + " computes it"
	case *hclsyntax.ConditionalExpr:
		return "a condition decides it"
	case *hclsyntax.ForExpr:
		return "a for expression computes it"
	case *hclsyntax.SplatExpr:
		return "a splat expression [*] computes it"
	case *hclsyntax.IndexExpr, *hclsyntax.RelativeTraversalExpr:
		return "its index is computed"
	case *hclsyntax.BinaryOpExpr, *hclsyntax.UnaryOpExpr:
		return "an operator computes it"
	}
	return "it is computed"
}

// fill gives the values of interpolations in a scope.
func (f *finder) fill(s scope) fill {
	return fill{func(e hclsyntax.Expression) *iac.Value { return f.eval(ref{e, s}) }, s.key()}
}

// jsonText is a string of JSON with a template in it. The string is the text, and can be
// removed as any other.
func (f *finder) jsonText(e *jsonString, s scope) *iac.Value {
	inner, ok := e.Expression.(*hclsyntax.TemplateExpr)
	if !ok {
		return f.eval(ref{e.Expression, s})
	}
	v := f.text(inner, f.fill(s))
	v.Why = ""
	return v
}

func (f *finder) list(r ref, e *hclsyntax.TupleConsExpr) *iac.Value {
	v := f.at(e.Range(), iac.List)
	v.Form = iac.Brackets
	for _, entry := range e.Exprs {
		v.Entries = append(v.Entries, f.eval(ref{entry, r.scope}))
	}
	return v
}

func (f *finder) object(r ref, e *hclsyntax.ObjectConsExpr) *iac.Value {
	v := f.at(e.Range(), iac.Object)
	for _, item := range e.Items {
		key, ok := f.key(ref{item.KeyExpr, r.scope})
		if !ok {
			return f.unknown(e, "a key in it is computed")
		}
		if v.Get(key) != nil {
			return f.unknown(e, "it has the key "+key+" twice")
		}
		v.Members = append(v.Members, iac.Member{Key: key, At: f.span(item.KeyExpr.Range()), Value: f.eval(ref{item.ValueExpr, r.scope})})
	}
	return v
}

// key is an object's key, perhaps with placeholders.
func (f *finder) key(r ref) (string, bool) {
	if key, ok := f.keyOf(r.expr); ok {
		return key, true
	}
	key, ok := r.expr.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return "", false
	}
	v := f.eval(ref{key.Wrapped, r.scope})
	return v.Text, v.Kind == iac.Text
}

// seeThrough is the list that a function is given, if the function leaves it the set that
// it is, and nil otherwise.
func (f *finder) seeThrough(e *hclsyntax.FunctionCallExpr, s scope) *iac.Value {
	if !slices.Contains(seenThrough, e.Name) || len(e.Args) != 1 || e.ExpandFinal {
		return nil
	}
	if v := f.eval(ref{e.Args[0], s}); v.Kind == iac.List {
		return v
	}
	return nil
}

// inText is the value of an interpolation in JSON: a list or an object only if
// jsonencode writes it.
func (f *finder) inText(s scope) fill {
	of := func(e hclsyntax.Expression) *iac.Value {
		n := len(f.pending)
		v := f.valueInText(ref{e, s})
		if v.Kind == iac.Unknown {
			f.pending = f.pending[:n]
		}
		return v
	}
	return fill{of, s.key()}
}

func (f *finder) valueInText(r ref) *iac.Value {
	end := f.follow(r)
	call, ok := end.expr.(*hclsyntax.FunctionCallExpr)
	if ok && end.why == "" && call.Name == "jsonencode" && len(call.Args) == 1 {
		defer f.through(end.via)()
		if v := f.eval(ref{call.Args[0], end.scope}); v.Kind == iac.List || v.Kind == iac.Object {
			return v
		}
		return f.unknown(r.expr, "the function jsonencode computes it")
	}
	v := f.eval(r)
	if v.Kind == iac.List || v.Kind == iac.Object {
		return f.unknown(r.expr, "it is no text: jsonencode is missing")
	}
	return v
}

// wholeSpan is all of a file but a byte order mark.
func wholeSpan(src []byte) policy.Span {
	start := 0
	if len(src) >= 3 && string(src[:3]) == "\uFEFF" {
		start = 3
	}
	return policy.Span{Start: start, End: len(src)}
}
