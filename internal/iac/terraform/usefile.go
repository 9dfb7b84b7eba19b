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
	if len(e.Args) > 0 && (e.Name == "file" || e.Name == "templatefile" || e.Name == "filebase64") {
		o.file(at, e.Args[0], why)
	}
}

// file notes a use of the files that an expression names, or may name.
func (o *others) file(at *folder, e hclsyntax.Expression, why func() string) {
	before, after := ends(at, e)
	if before == "" && after == "" {
		return
	}
	for d := range o.reached {
		if d.dir == "" && len(d.name) >= len(before)+len(after) && strings.HasPrefix(d.name, before) && strings.HasSuffix(d.name, after) {
			o.note(d, why())
		}
	}
}

// ends are the beginning and the end, as far as they are written, of the path that an
// expression says, below the tree's root. What isn't from path.module has no beginning.
func ends(at *folder, e hclsyntax.Expression) (before, after string) {
	if s, ok := e.(*jsonString); ok {
		e = s.Expression
	}
	parts := partsOf(e)
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
