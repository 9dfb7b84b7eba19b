package layers_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
)

// impure are the functions and variables of pure imports that read the clock, wait,
// look at the machine, or print.
var impure = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local", "LoadLocation"},
	"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
}

// memory are the types that make a package-level variable a place to write to.
// sync.OnceValue isn't one: it gives the same value whoever asks first.
var memory = map[string][]string{
	"sync":        {"Mutex", "RWMutex", "Map", "Pool", "Once", "WaitGroup", "Cond"},
	"sync/atomic": {"Bool", "Int32", "Int64", "Pointer", "Uint32", "Uint64", "Uintptr", "Value"},
}

func TestPurePackagesTouchNothing(t *testing.T) {
	for _, p := range mustLoad(t) {
		if pure(p.path) && len(p.files) > 0 {
			info := resolve(p)
			report(t, impureNames(p, info))
			report(t, writtenGlobals(p, info))
		}
	}
}

func TestNobodyHasInit(t *testing.T) {
	for _, p := range mustLoad(t) {
		report(t, inits(p))
	}
}

func inits(p pkg) []string {
	var bad []string
	for _, f := range slices.Concat(p.files, p.tests) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				bad = append(bad, fmt.Sprintf("%s: an init function: use a value, or a call that the reader sees", p.at(fn)))
			}
		}
	}
	return bad
}

// impureNames finds the uses of impure and, at package level, of memory.
func impureNames(p pkg, info *types.Info) []string {
	var bad []string
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && named(info, sel, impure) {
				bad = append(bad, fmt.Sprintf("%s: %s is pure, and uses %s", p.at(n), p.path, types.ExprString(sel)))
			}
			return true
		})
		for _, d := range f.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && named(info, sel, memory) {
					bad = append(bad, fmt.Sprintf("%s: %s is pure, and has a global %s", p.at(n), p.path, types.ExprString(sel)))
				}
				_, body := n.(*ast.FuncLit)
				return !body
			})
		}
	}
	return bad
}

// writtenGlobals finds the package-level variables that a function assigns to, counts
// up, deletes from, copies into or takes the address of.
func writtenGlobals(p pkg, info *types.Info) []string {
	var bad []string
	check := func(target ast.Expr) {
		id := base(target)
		if id == nil {
			return
		}
		v, ok := info.Uses[id].(*types.Var)
		if ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
			bad = append(bad, fmt.Sprintf("%s: %s is pure, and writes its global %s", p.at(id), p.path, id.Name))
		}
	}
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			for _, target := range targets(n) {
				check(target)
			}
			return true
		})
	}
	return bad
}

// targets returns the expressions that n writes to.
func targets(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		fn, ok := n.Fun.(*ast.Ident)
		if ok && len(n.Args) > 0 && slices.Contains([]string{"delete", "clear", "copy"}, fn.Name) {
			return n.Args[:1]
		}
	}
	return nil
}

// base returns the variable that holds what e names: v for v, v.f, v[i], *v.
func base(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// named reports whether sel is one of names, whatever the file calls the import.
func named(info *types.Info, sel *ast.SelectorExpr, names map[string][]string) bool {
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return false
	}
	imported, ok := info.Uses[id].(*types.PkgName)
	return ok && slices.Contains(names[imported.Imported().Path()], sel.Sel.Name)
}

// resolve finds what each name of p's files stands for. Imports are empty packages:
// the type errors that follow are of no interest here, the scopes are right.
func resolve(p pkg) *types.Info {
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: hollow{}, Error: func(error) {}}
	_, _ = conf.Check(module+"/"+p.path, p.fset, p.files, info) // errors are expected, see above
	return info
}

// hollow imports every path as a package without members.
type hollow struct{}

func (hollow) Import(path string) (*types.Package, error) {
	name := path[strings.LastIndex(path, "/")+1:]
	imported := types.NewPackage(path, name)
	imported.MarkComplete()
	return imported, nil
}
