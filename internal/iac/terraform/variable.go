package terraform

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// isNull says whether an attribute is the word null.
func isNull(attr *hclsyntax.Attribute) bool {
	if attr == nil {
		return false
	}
	lit, ok := attr.Expr.(*hclsyntax.LiteralValueExpr)
	return ok && lit.Val.IsNull()
}

// reshapes says whether a variable's type may add attributes to an object that it is
// given, or leave some out.
func reshapes(b *hclsyntax.Block) bool {
	found := false
	if attr := b.Body.Attributes["type"]; attr != nil {
		visit(attr.Expr, func(n hclsyntax.Node) {
			call, ok := n.(*hclsyntax.FunctionCallExpr)
			found = found || ok && call.Name == "object"
		})
	}
	return found
}

// variable goes to a variable's value: a call's argument, the one setting that Terraform
// reads unasked, or the default. In a root module that is set by -var, by the environment
// or by a file that isn't in the tree, the default is what is written, not what holds.
func (f *finder) variable(at *followed, name string, rest hcl.Traversal) {
	b, full := at.blocks["var."+name], "var."+name
	switch {
	case b == nil:
		at.why = full + " isn't declared"
		return
	case at.overridden[full] != "":
		at.why = full + " is declared again at " + at.overridden[full]
		return
	}
	expr, in, why := b.Body.Attributes["default"], scope{instance: at.instance}, ""
	if at.parent == nil {
		expr, why = f.setting(at.instance, name, expr)
	} else if arg := at.call.Body.Attributes[name]; arg != nil {
		expr, in = arg, at.parent.of(at.call, "")
	}
	switch {
	case why != "":
		at.why = why
	case isNull(expr) && b.Body.Attributes["nullable"] != nil:
		at.why = full + " is null or its default"
	case len(rest) == 0 && reshapes(b):
		at.why = full + " is an object, to which its type may add something"
	case expr == nil:
		at.why = full + " has no default, and its value isn't in the tree"
	default:
		at.via = append(at.via, definition{at.dir, full})
		at.ref = ref{expr.Expr, in}
	}
}

// setting is what sets a root module's variable, if no more than one thing does.
func (f *finder) setting(i *instance, name string, byDefault *hclsyntax.Attribute) (*hclsyntax.Attribute, string) {
	if f.brokenSettings != "" {
		return nil, "var." + name + " may be set in a file that can't be read, at " + f.brokenSettings
	}
	var sure []setting
	for _, s := range f.set[name] {
		switch {
		case s.auto && s.dir == i.dir:
			sure = append(sure, s)
		case s.auto && f.folders[s.dir] != nil && f.isRoot(s.dir): // another root module's own
		default:
			return nil, "var." + name + " is set at " + f.where(s.attr.NameRange) + " too, in a file that Terraform reads when it is told to"
		}
	}
	switch len(sure) {
	case 0:
		return byDefault, ""
	case 1:
		return sure[0].attr, ""
	}
	return nil, fmt.Sprintf("var.%s is set in several files: %s and %s", name, f.where(sure[0].attr.NameRange), f.where(sure[1].attr.NameRange))
}
