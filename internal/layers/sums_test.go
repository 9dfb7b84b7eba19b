package layers_test

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

func TestSealedInterfacesAreMarked(t *testing.T) {
	for _, p := range mustLoad(t) {
		report(t, unmarkedSums(p))
	}
}

// unmarkedSums finds the interfaces with an unexported method, which only their own
// package can implement, that go-check-sumtype doesn't know to be closed.
func unmarkedSums(p pkg) []string {
	var bad []string
	for _, f := range p.files {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range decl.Specs {
				t, ok := spec.(*ast.TypeSpec)
				if ok && sealed(t.Type) && !marked(decl.Doc) && !marked(t.Doc) {
					bad = append(bad, fmt.Sprintf("%s: the interface %s is sealed: want //sumtype:decl in its comment", p.at(t), t.Name.Name))
				}
			}
		}
	}
	return bad
}

func sealed(e ast.Expr) bool {
	t, ok := e.(*ast.InterfaceType)
	if !ok {
		return false
	}
	for _, method := range t.Methods.List {
		for _, name := range method.Names {
			if !name.IsExported() {
				return true
			}
		}
	}
	return false
}

func marked(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, line := range doc.List {
		if strings.HasPrefix(line.Text, "//sumtype:decl") {
			return true
		}
	}
	return false
}
