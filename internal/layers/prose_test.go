package layers_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestExportedNamesSayWhatTheyMean(t *testing.T) {
	for _, p := range mustLoad(t) {
		if pure(p.path) {
			report(t, missingDocs(p))
		}
	}
}

func TestNoFileNamesAPlaceOnAMachine(t *testing.T) {
	dir := root(t)
	tree := os.DirFS(dir)
	places := machinePlaces(dir)
	err := walk(tree, func(name string) error {
		src, err := fs.ReadFile(tree, name)
		if err == nil && !bytes.Contains(src, []byte{0}) {
			report(t, machinePaths(name, src, places))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func missingDocs(p pkg) []string {
	var bad []string
	want := func(n ast.Node, name string) {
		bad = append(bad, fmt.Sprintf("%s: %s has no comment", p.at(n), name))
	}
	for _, f := range p.files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
					want(d, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, name := range undocumented(d) {
					want(name, name.Name)
				}
			}
		}
	}
	return bad
}

// undocumented returns the exported names of a declaration that neither it, nor their
// own line, nor the comment of the group speaks about.
func undocumented(d *ast.GenDecl) []*ast.Ident {
	if d.Doc != nil {
		return nil
	}
	var bad []*ast.Ident
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && s.Comment == nil {
				bad = append(bad, s.Name)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && s.Doc == nil && s.Comment == nil {
					bad = append(bad, name)
				}
			}
		}
	}
	return bad
}

// exportedReceiver reports whether a function is a method of an exported type, or none.
// Methods that a well-known interface asks for need no comment of their own.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	switch d.Name.Name {
	case "Error", "String", "Unwrap", "Len", "Less", "Swap":
		return false
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	id, ok := t.(*ast.Ident)
	return ok && id.IsExported()
}

// homes are the usual places of people's files, whoever they are, and of scratch files.
var homes = regexp.MustCompile(`(^|[\s"'` + "`" + `(=,])(/home|/Users|/root|/tmp|[A-Za-z]:\\Users)[/\\]`)

// machinePlaces returns the paths that can only come from the machine of the run: the
// checkout, and the folder around it unless everybody has one of that name.
func machinePlaces(dir string) []string {
	places := []string{dir}
	around := filepath.Dir(dir)
	if around != filepath.Dir(around) && around != filepath.Clean(os.TempDir()) {
		places = append(places, around+string(filepath.Separator))
	}
	return places
}

// machinePaths finds the lines of a text file that name a place on a machine. A path
// counts where one could begin, so that an ARN's tail doesn't.
func machinePaths(name string, src []byte, places []string) []string {
	var bad []string
	number := 0
	for line := range strings.Lines(string(src)) {
		number++
		found := homes.MatchString(line)
		for _, place := range places {
			before, _, has := strings.Cut(line, place)
			found = found || has && (before == "" || strings.ContainsAny(before[len(before)-1:], " \t\"'`(=,"))
		}
		if found {
			bad = append(bad, fmt.Sprintf("%s:%d: names a place on a machine", name, number))
		}
	}
	return bad
}
