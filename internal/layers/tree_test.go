package layers_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pare-iam/pare"

// pkg is a folder of Go files. Its external tests (package x_test) count as its tests.
type pkg struct {
	path  string // below the module, with slashes; "." is the module's own folder
	fset  *token.FileSet
	files []*ast.File // without tests
	tests []*ast.File
}

// at returns the position of n as "folder/file.go:line".
func (p pkg) at(n ast.Node) string {
	pos := p.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", pos.Filename, pos.Line)
}

// root returns the folder of the module's go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// walk calls visit for every file of the tree that belongs to the project.
func walk(tree fs.FS, visit func(name string) error) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || name == "bin" || name == "dist"):
			return fs.SkipDir
		case entry.Type().IsRegular():
			return visit(name)
		}
		return nil
	})
}

// nested says whether a file is of a module inside ours, which has rules of its own.
func nested(tree fs.FS, name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, err := fs.Stat(tree, path.Join(dir, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

// load parses the Go files of the tree, sorted by package; testdata and the modules
// inside ours are left out.
func load(tree fs.FS) ([]pkg, error) {
	byPath := map[string]*pkg{}
	fset := token.NewFileSet()
	err := walk(tree, func(name string) error {
		if !strings.HasSuffix(name, ".go") || slices.Contains(strings.Split(name, "/"), "testdata") || nested(tree, name) {
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		p := byPath[dir]
		if p == nil {
			p = &pkg{path: dir, fset: fset}
			byPath[dir] = p
		}
		if strings.HasSuffix(name, "_test.go") {
			p.tests = append(p.tests, file)
		} else {
			p.files = append(p.files, file)
		}
		return nil
	})
	var pkgs []pkg
	for _, p := range byPath {
		pkgs = append(pkgs, *p)
	}
	slices.SortFunc(pkgs, func(a, b pkg) int { return cmp.Compare(a.path, b.path) })
	return pkgs, err
}

func mustLoad(t *testing.T) []pkg {
	t.Helper()
	pkgs, err := load(os.DirFS(root(t)))
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

func report(t *testing.T, violations []string) {
	t.Helper()
	for _, v := range violations {
		t.Error(v)
	}
}
