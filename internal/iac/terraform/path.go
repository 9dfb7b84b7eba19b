package terraform

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
)

// policyDocument is the reference data.aws_iam_policy_document.x.json that an expression
// is, with any index, and nil if it is none.
func policyDocument(e hclsyntax.Expression) *documentRef {
	var t hcl.Traversal
	var d documentRef
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		t = e.Traversal
		if len(t) == 5 {
			d.index = &t[3]
			t = append(slices.Clone(t[:3]), t[4])
		}
	case *hclsyntax.RelativeTraversalExpr:
		index, ok := e.Source.(*hclsyntax.IndexExpr)
		if !ok {
			return nil
		}
		collection, ok := index.Collection.(*hclsyntax.ScopeTraversalExpr)
		if !ok || len(collection.Traversal) != 3 {
			return nil
		}
		t, d.key = append(slices.Clone(collection.Traversal), e.Traversal...), index.Key
	}
	if len(t) != 4 || t.RootName() != "data" {
		return nil
	}
	kind, _ := attribute(t, 1)
	d.name, _ = attribute(t, 2)
	form, _ := attribute(t, 3)
	if kind != "aws_iam_policy_document" || form != "json" && form != "minified_json" {
		return nil
	}
	return &d
}

// documentRef names a policy document, and which instance of it.
type documentRef struct {
	name  string
	index *hcl.Traverser
	key   hclsyntax.Expression
}

// file is the path below the tree's root that an expression for file() says. Paths that
// don't begin with path.module are from the root module's folder, where Terraform is run.
func (f *finder) path(r ref) (string, string) {
	end := f.follow(r)
	template, ok := end.expr.(*hclsyntax.TemplateExpr)
	if s, isString := end.expr.(*jsonString); isString {
		template, ok = s.Expression.(*hclsyntax.TemplateExpr)
	}
	if !ok {
		return "", "its path is computed"
	}
	var b strings.Builder
	base := end.root
	for i, part := range template.Parts {
		if s, ok := constant(part); ok {
			b.WriteString(s)
			continue
		}
		if e, ok := part.(*hclsyntax.ScopeTraversalExpr); ok && i == 0 && e.Traversal.RootName() == "path" {
			switch name, _ := attribute(e.Traversal, 1); name {
			case "module":
				base = end.dir
				continue
			case "root":
				continue
			}
		}
		v := f.eval(ref{part, end.scope})
		if v.Kind != iac.Text || len(v.Holes) > 0 {
			return "", "its path is computed"
		}
		b.WriteString(v.Text)
	}
	if template.Parts != nil && strings.HasPrefix(b.String(), "/") && !isPath(template.Parts[0]) {
		return "", "its path is not below the module"
	}
	return path.Join(base, b.String()), ""
}

// isPath says whether an expression is path.module or path.root.
func isPath(e hclsyntax.Expression) bool {
	t, ok := e.(*hclsyntax.ScopeTraversalExpr)
	return ok && t.Traversal.RootName() == "path"
}
