package layers_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// The rules themselves, each against a file that breaks it and one that doesn't.
func TestRules(t *testing.T) {
	tests := []struct {
		name string
		rule func(pkg) []string
		file string
		src  string
		want []string
	}{
		{
			"a row may be imported from below only", badRows, "policy/a.go",
			`package policy; import ("strings"; "github.com/pare-iam/pare/internal/wildcard"; "github.com/pare-iam/pare/access")`,
			[]string{`policy/a.go:1: policy (row 1) imports "github.com/pare-iam/pare/access" (row 3)`},
		},
		{
			"neighbours are strangers", badRows, "prove/a.go",
			`package prove; import "github.com/pare-iam/pare/refine"`,
			[]string{`prove/a.go:1: prove (row 4) imports "github.com/pare-iam/pare/refine" (row 4)`},
		},
		{
			"a test may look at a neighbour", badRows, "prove/a_test.go",
			`package prove_test; import "github.com/pare-iam/pare/refine"`, nil,
		},
		{
			"a test may not look below", badRows, "policy/a_test.go",
			`package policy_test; import "github.com/pare-iam/pare/access"`,
			[]string{`policy/a_test.go:1: a test of policy (row 1) imports "github.com/pare-iam/pare/access" (row 3)`},
		},
		{
			"a package needs a row", badRows, "helpers/a.go", `package helpers`,
			[]string{"helpers: no row for this package: add it to internal/layers and docs/architecture.md"},
		},
		{
			"a package without a row isn't imported", badRows, "cmd/pare/a.go",
			`package main; import "github.com/pare-iam/pare/helpers"`,
			[]string{`cmd/pare/a.go:1: cmd/pare (row 11) imports "github.com/pare-iam/pare/helpers" (row 99)`},
		},
		{
			"files, the network and foreign modules are worldly, addresses aren't", worldlyImports, "access/a.go",
			`package access; import ("os"; "net/http"; "net/netip"; "example.com/x"; "github.com/go-json-experiment/json/jsontext")`,
			[]string{
				"access/a.go:1: access is pure, and imports os",
				"access/a.go:1: access is pure, and imports net/http",
				"access/a.go:1: access is pure, and imports example.com/x",
			},
		},
		{
			"the clock is worldly under any name, and a method Now isn't the clock", impureUses, "prove/a.go",
			"package prove\nimport clock \"time\"\nfunc f(c interface{ Now() int }) { _ = clock.Now; _ = clock.Hour; c.Now() }",
			[]string{"prove/a.go:3: prove is pure, and uses clock.Now"},
		},
		{
			"a global mutex is memory, a local one isn't", impureUses, "prove/a.go",
			"package prove\nimport \"sync\"\nvar mu sync.Mutex\nvar once = sync.OnceValue(f)\nfunc f() int { var mu sync.Mutex; _ = mu; return 1 }",
			[]string{"prove/a.go:3: prove is pure, and has a global sync.Mutex"},
		},
		{
			"a global is written by assignment, counting, deleting, and by its address", globals, "prove/a.go",
			"package prove\nvar a struct{ m map[int]int }; var n int\nfunc f() {\na.m[1] = 2\nn++\ndelete(a.m, 1)\n_ = &n\n}",
			[]string{
				"prove/a.go:4: prove is pure, and writes its global a",
				"prove/a.go:5: prove is pure, and writes its global n",
				"prove/a.go:6: prove is pure, and writes its global a",
				"prove/a.go:7: prove is pure, and writes its global n",
			},
		},
		{
			"a local of the same name is no global", globals, "prove/a.go",
			"package prove\nvar n int\nfunc f() int { n := n; n++; return n }", nil,
		},
		{
			"nobody has init, a method may be called so", inits, "cmd/pare/a.go",
			"package main\ntype t int\nfunc (t) init() {}\nfunc init() {}",
			[]string{"cmd/pare/a.go:4: an init function: use a value, or a call that the reader sees"},
		},
		{
			"a sealed interface is marked, so that its switches are checked", unmarkedSums, "prove/a.go",
			"package prove\ntype a interface{ isA() }\n// B is.\n//sumtype:decl\ntype b interface{ isB() }\ntype c interface{ C() }",
			[]string{"prove/a.go:2: the interface a is sealed: want //sumtype:decl in its comment"},
		},
		{
			"an exported name needs a comment, of its own or of its group", missingDocs, "prove/a.go",
			"package prove\nfunc F() {}\n// G is.\nfunc G() {}\nfunc h() {}\nconst (\nA = 1\nB = 2 // two\n)\n// C and D are.\nvar ( C int; D int )\ntype t int\nfunc (t) M() {}",
			[]string{"prove/a.go:2: F has no comment", "prove/a.go:7: A has no comment"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pkgs, err := load(fstest.MapFS{tt.file: {Data: []byte(tt.src)}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tt.rule(pkgs[0])); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestMachinePathsCountWhereAPathBegins(t *testing.T) {
	home := "/" + "home/ann/x"
	text := strings.Join([]string{
		"see " + home, "arn:aws:s3:::bucket" + home, `"/build/pare/a.go"`, "bucket/build/pare/a.go", "/builds/other",
	}, "\n")
	got := machinePaths("a.md", []byte(text), []string{"/build/pare"})
	want := []string{"a.md:1: names a place on a machine", "a.md:3: names a place on a machine"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func impureUses(p pkg) []string { return impureNames(p, resolve(p)) }

func globals(p pkg) []string { return writtenGlobals(p, resolve(p)) }
