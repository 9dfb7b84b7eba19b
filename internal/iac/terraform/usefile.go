package terraform

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// visitFile notes a call of file or templatefile and what it leads to.
func (f *finder) visitFile(call *hclsyntax.FunctionCallExpr, file *iac.File) {
	f.visit(call)
	d := definition{name: file.Path}
	whole := policy.Span{End: len(file.Src)}
	if len(f.reached[d]) == 0 {
		f.reached[d] = []stretch{{file, whole}}
	}
	f.reachSpan(file, whole)
}

// opened are attributes by which resources and data sources name a file that they read.
var opened = []string{"filename", "source", "source_file"}

// call notes a call that names a file of which a policy was read, or may name it.
func (o *others) call(at *folder, e *hclsyntax.FunctionCallExpr, why func() string) {
	if readsFile(e) && !o.file(at, e.Args[0], why) {
		o.blind = append(o.blind, "perhaps "+why())
	}
}

func readsFile(e *hclsyntax.FunctionCallExpr) bool {
	return len(e.Args) > 0 && (e.Name == "file" || e.Name == "templatefile" || e.Name == "filebase64")
}

// file notes a use of the files that an expression names, or may name, and says whether
// anything of their path is known.
func (o *others) file(at *folder, e hclsyntax.Expression, why func() string) bool {
	if either, ok := e.(*hclsyntax.ConditionalExpr); ok {
		known := o.file(at, either.TrueResult, why)
		return o.file(at, either.FalseResult, why) && known
	}
	before, after := ends(at, pathAt(at, e))
	if before == "" && after == "" {
		return false
	}
	for d := range o.reached {
		if d.dir == "" && len(d.name) >= len(before)+len(after) && strings.HasPrefix(d.name, before) && strings.HasSuffix(d.name, after) {
			o.note(d, why())
		}
	}
	return true
}

// pathAt is the expression of a path, or that of the local value that it is.
func pathAt(at *folder, e hclsyntax.Expression) hclsyntax.Expression {
	for range maxSteps {
		switch in := e.(type) {
		case *hclsyntax.ParenthesesExpr:
			e = in.Expression
		case *hclsyntax.TemplateWrapExpr:
			e = in.Wrapped
		case *hclsyntax.ScopeTraversalExpr:
			name, _ := attribute(in.Traversal, 1)
			attr := at.locals[name]
			if in.Traversal.RootName() != "local" || len(in.Traversal) != 2 || attr == nil || at.overridden["local."+name] != "" {
				return e
			}
			e = attr.Expr
		default:
			return e
		}
	}
	return e
}

// hint notes a text that may be the path of a file of which a policy was read. Who reads a
// file of which nothing is known, as in file(each.value), may read that.
func (o *others) hint(at *folder, e hclsyntax.Expression) {
	before, after := ends(at, e)
	if before == "" && !strings.ContainsAny(after, "./") {
		return
	}
	for d := range o.reached {
		if d.dir == "" && strings.HasPrefix(d.name, before) && (strings.HasSuffix("/"+d.name, "/"+after) || strings.HasSuffix(d.name, after) && len(partsOf(e)) > 1) {
			o.hints = append(o.hints, d)
		}
	}
}

// hinted notes the files that somebody may read of whom it isn't known.
func (o *others) hinted() {
	if len(o.blind) == 0 {
		return
	}
	why := slices.Min(o.blind)
	for _, d := range o.hints {
		o.note(d, why)
	}
}

// ends are the beginning and the end, as far as they are written, of the path that an
// expression says, below the tree's root. What isn't from path.module has no beginning.
func ends(at *folder, e hclsyntax.Expression) (before, after string) {
	if s, ok := e.(*jsonString); ok {
		e = s.Expression
	}
	parts := partsOf(e)
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok && call.Name == "format" && len(call.Args) > 0 {
		return "", afterVerbs(call.Args[0])
	}
	base := ""
	if len(parts) > 0 && isPath(parts[0]) {
		if name, _ := attribute(parts[0].(*hclsyntax.ScopeTraversalExpr).Traversal, 1); name == "module" {
			base = at.dir
		}
		parts = parts[1:]
	}
	var texts []string // of the parts; "" of those that aren't written
	for _, part := range parts {
		s, _ := constant(part)
		texts = append(texts, s)
	}
	switch whole := strings.Join(texts, ""); {
	case whole == "":
		return "", ""
	case !slices.Contains(texts, "") && base == "":
		return "", strings.TrimLeft(path.Clean(whole), "./")
	case !slices.Contains(texts, ""):
		return path.Join(base, whole), ""
	}
	if base != "" {
		dir, begin := path.Split(texts[0])
		before = strings.TrimPrefix(path.Join(base, dir)+"/", "./") + begin
	}
	return before, texts[len(texts)-1]
}

// afterVerbs is the end of a format's text, after what is filled in.
func afterVerbs(e hclsyntax.Expression) string {
	parts := partsOf(e)
	if len(parts) != 1 {
		return ""
	}
	text, _ := constant(parts[0])
	i := strings.LastIndexByte(text, '%')
	return text[min(i+2, len(text)):]
}
