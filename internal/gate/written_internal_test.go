package gate

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// What says something else stays something else without its layout.
func TestPlainTextsDiffer(t *testing.T) {
	for _, pair := range [][2]string{
		{`[a, -b]`, `[a - b]`}, {`"a b"`, `"ab"`}, {`"#a"`, `"#b"`}, {`"${a}"`, `"$${a}"`}, {`a.b`, `a[b]`},
		{`f(a, b)`, `f(b, a)`}, {"<<E\na\nE\n", "<<E\n a\nE\n"}, {`a ? b : c`, `a ? c : b`}, {`[1, 2]`, `[12]`}, {`[for a in b : a]`, `[for a in b : b]`},
	} {
		if plainHCL([]byte(pair[0])) == plainHCL([]byte(pair[1])) {
			t.Errorf("%q and %q are the same: %q", pair[0], pair[1], plainHCL([]byte(pair[0])))
		}
	}
	for _, pair := range [][2]string{
		{`!Ref a`, `!GetAtt a`}, {`!If [c, a, b]`, `!If [c, b, a]`}, {`!Sub "${a}"`, `!Sub "${b}"`}, {`!Join ["", [a, b]]`, `!Join [a, ["", b]]`}, {`*a`, `*b`}, {`!If [c, *a, x]`, `!If [c, *b, x]`},
		{`!Select [0, a]`, `!Select [1, a]`}, {`{"Fn::GetAtt": [a, b]}`, `{"Fn::GetAtt": [a, b.c]}`},
	} {
		if plainFunction(pair[0]) == plainFunction(pair[1]) {
			t.Errorf("%q and %q are the same: %q", pair[0], pair[1], plainFunction(pair[0]))
		}
	}
	for _, pair := range [][2]string{
		{`!Ref a`, `{Ref: a}`}, {`!GetAtt a.b.c`, `{"Fn::GetAtt": [a, b.c]}`}, {`!Sub [ "x" ,{a: !Ref b}]`, "Fn::Sub:\n- x\n- a: {Ref: b}"}, {`!Condition a`, `Condition: a # so`},
	} {
		if a, b := plainFunction(pair[0]), plainFunction(pair[1]); a != b {
			t.Errorf("%q and %q differ: %q, %q", pair[0], pair[1], a, b)
		}
	}
}

// Layout as terraform fmt makes it says the same, and the plain text of a plain text is
// itself, as long as it can be read.
func FuzzPlainHCL(f *testing.F) {
	for _, src := range []string{"[ a,-b , ]", `"${ f( a )}x"`, "{\n a=1 # so\n b = [for k,v in m: k=>v...]\n}", "<<-E\n  a${b}\n  E\n", "a?b:c", "a.b[ 0 ].*.c", "f(1 ,2,)", "!a&&-b"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if _, diags := hclsyntax.ParseExpression([]byte(src), "", hcl.InitialPos); diags.HasErrors() {
			return
		}
		plain := plainHCL([]byte(src))
		if formatted := plainHCL(hclwrite.Format([]byte(src))); formatted != plain {
			t.Errorf("%q is %q, and formatted %q", src, plain, formatted)
		}
		if strings.Contains(src, "<<") || strings.Contains(src, "\n") {
			return // a heredoc ends with a line's end, and entries of an object too
		}
		if again := plainHCL([]byte(plain)); again != plain {
			t.Errorf("%q is %q, and that %q", src, plain, again)
		}
	})
}
