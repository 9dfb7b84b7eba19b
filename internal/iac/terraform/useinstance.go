package terraform

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A reference to a resource as a whole may read its policy, unless what is done with it
// reads another attribute:
//
//	jsonencode(aws_iam_policy.a)               may
//	aws_iam_policy.a[each.key].arn             doesn't, nor do
//	aws_iam_policy.a[*].arn
//	values(aws_iam_policy.a)[0].arn
//	[for p in aws_iam_policy.a : p.arn]
//	length(aws_iam_policy.a)
//	for_each = aws_iam_policy.a                if the block has each.value.arn and its like alone
//
// Whether the resource is one or several isn't asked. Where a step is taken into its policy,
// there is nothing: that is a text, and has no attributes.

// spare notes the references to whole resources in an expression of which it reads no
// policy. It comes before they are looked at themselves.
func (o *others) spare(e hclsyntax.Expression) {
	switch e := e.(type) {
	case *hclsyntax.RelativeTraversalExpr:
		if ref := whole(e.Source); ref != nil && readsOther(ref, e.Traversal) {
			o.spared[ref] = true
		}
	case *hclsyntax.SplatExpr:
		each, ok := e.Each.(*hclsyntax.RelativeTraversalExpr)
		if !ok {
			return
		}
		_, ok = each.Source.(*hclsyntax.AnonSymbolExpr)
		if ref := whole(e.Source); ok && ref != nil && readsOther(ref, each.Traversal) {
			o.spared[ref] = true
		}
	case *hclsyntax.ForExpr:
		if ref := whole(e.CollExpr); ref != nil && valueReadsOther(ref, e, e.ValVar) {
			o.spared[ref] = true
		}
	case *hclsyntax.FunctionCallExpr:
		if slices.Contains([]string{"length", "keys"}, e.Name) && len(e.Args) == 1 && !e.ExpandFinal {
			if ref := collection(e.Args[0]); ref != nil {
				o.spared[ref] = true
			}
		}
	}
}

// spareEach is spare for the block of a for_each. Of one that is declared again elsewhere, as
// in an override file, the values may be used there.
func (o *others) spareEach(at *folder, b *hclsyntax.Block) {
	e := expression(b.Body, "for_each")
	if e == nil || !slices.Contains([]string{"resource", "data", "module"}, b.Type) || at.overridden[blockName(b)] != "" {
		return
	}
	if ref := whole(e); ref != nil && valueReadsOther(ref, b.Body, "each", "value") {
		o.spared[ref] = true
	}
}

// collection is the reference to all instances of a resource that an expression is; nil if it
// isn't one. What is taken of a single resource by a key may be its policy.
func collection(e hclsyntax.Expression) *hclsyntax.ScopeTraversalExpr {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return collection(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return collection(e.Wrapped)
	case *jsonString:
		return collection(e.Expression)
	case *hclsyntax.FunctionCallExpr:
		if e.Name == "values" && len(e.Args) == 1 && !e.ExpandFinal {
			return collection(e.Args[0])
		}
	case *hclsyntax.ScopeTraversalExpr:
		if len(e.Traversal) == 2 {
			return whole(e)
		}
	}
	return nil
}

// whole is the reference to a resource with a policy that an expression is, or takes
// instances of; nil if it isn't one.
func whole(e hclsyntax.Expression) *hclsyntax.ScopeTraversalExpr {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return whole(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return whole(e.Wrapped)
	case *jsonString:
		return whole(e.Expression)
	case *hclsyntax.IndexExpr:
		return whole(e.Collection)
	case *hclsyntax.FunctionCallExpr:
		if slices.Contains([]string{"one", "values", "element", "lookup"}, e.Name) && len(e.Args) > 0 && !e.ExpandFinal {
			return whole(e.Args[0])
		}
	case *hclsyntax.ScopeTraversalExpr:
		root := e.Traversal.RootName()
		if _, ok := kinds[root]; (ok || root == "aws_iam_role") && len(e.Traversal) > 1 && len(afterIndex(e.Traversal)) == 0 {
			return e
		}
	}
	return nil
}

// readsOther says whether steps into a resource, or its instances, lead to an attribute
// other than its policy.
func readsOther(ref *hclsyntax.ScopeTraversalExpr, t hcl.Traversal) bool {
	mayHold := func(name string) bool {
		return name == kinds[ref.Traversal.RootName()].policy || name == "inline_policy"
	}
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			return !mayHold(step.Name)
		case hcl.TraverseIndex: // of an instance, or an attribute in brackets
			if key := step.Key; key.Type() == cty.String && (!key.IsKnown() || key.IsNull() || mayHold(key.AsString())) {
				return false
			}
		default:
			return false
		}
	}
	return false
}

// valueReadsOther says whether every reference in a node that begins with some words, which
// stand for an instance of a resource, leads to an attribute other than its policy.
func valueReadsOther(ref *hclsyntax.ScopeTraversalExpr, in hclsyntax.Node, words ...string) bool {
	ok := true
	visit(in, func(n hclsyntax.Node) {
		e, isReference := n.(*hclsyntax.ScopeTraversalExpr)
		if !isReference || e.Traversal.RootName() != words[0] {
			return
		}
		t := e.Traversal[1:]
		if len(words) == 2 {
			name, _ := attribute(e.Traversal, 1)
			switch name {
			case "key":
				return
			case words[1]:
				t = t[1:]
			default:
				ok = false
				return
			}
		}
		ok = ok && readsOther(ref, t)
	})
	return ok
}
