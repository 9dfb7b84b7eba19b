package terraform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
)

// said is a tree without its places.
func said(v *iac.Value) string {
	var b strings.Builder
	var write func(v *iac.Value)
	write = func(v *iac.Value) {
		fmt.Fprintf(&b, "(%d %q %d", v.Kind, v.Text, v.Form)
		for _, entry := range v.Entries {
			write(entry)
		}
		for _, m := range v.Members {
			b.WriteString(m.Key + "=")
			write(m.Value)
		}
		b.WriteString(")")
	}
	write(v)
	return b.String()
}

func parsed(t *testing.T, name, src string) string {
	t.Helper()
	v, err := Parse(&iac.File{Path: name, Lang: iac.HCL, Src: []byte(src)})
	if err != nil {
		t.Fatal(err)
	}
	return said(v)
}

// Comments and layout say nothing; everything else says something.
func TestParseLaysNoWeightOnLayout(t *testing.T) {
	for _, test := range []struct{ name, file, a, b string }{
		{"comments in and around a list", "a.tf", "a = [\"x\", \"y\"]\n", "# all\na = [\n  \"x\", # one\n  /* two */ \"y\",\n]\n"},
		{"line endings and a byte order mark", "a.tf", "a = 1\nb {\n  c = \"x\"\n}\n", "\uFEFFa = 1\r\nb {\r\n  c = \"x\"\r\n}\r\n"},
		{"blanks in an expression", "a.tf", "a = f(x,[1],y ? 1 : 2)\n", "a = f(x, [1], y ? 1 : 2 # c\n)\n"},
		{"parentheses", "a.tf", "a = ([\"x\"])\n", "a = [\"x\"]\n"},
		{"JSON in a heredoc", "a.tf", "a = <<EOT\n{\"x\": [1, 2]}\nEOT\n", "a = <<-EOT\n  {\n    \"x\": [1,\n      2] }\n  EOT\n"},
		{"a template", "a.tftpl", `{"x": ${jsonencode(y)}}`, "{\n  \"x\" : ${jsonencode(y)}\n}"},
		{"settings", "a.tfvars", "a = [\"x\"]", "a = [ \"x\" ] // c\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(parsed(t, test.file, test.a), parsed(t, test.file, test.b)); diff != "" {
				t.Errorf("not the same: -a +b\n%s", diff)
			}
		})
	}
}

func TestParseSeesEveryChange(t *testing.T) {
	for _, test := range []struct{ name, file, a, b string }{
		{"an entry of a list", "a.tf", `a = ["x", "y"]`, `a = ["x"]`},
		{"an entry in a call", "a.tf", `a = jsonencode({ b = ["x", "y"] })`, `a = jsonencode({ b = ["x"] })`},
		{"an entry in a call in a call", "a.tf", `a = f(toset(["x", "y"]), 1)`, `a = f(toset(["x"]), 1)`},
		{"an entry in a condition", "a.tf", `a = b ? ["x", "y"] : []`, `a = b ? ["x"] : []`},
		{"an entry in a for", "a.tf", `a = [for b in ["x", "y"] : b]`, `a = [for b in ["x"] : b]`},
		{"an entry in an interpolation", "a.tf", `a = "${["x", "y"]}"`, `a = "${["x"]}"`},
		{"an entry in a heredoc", "a.tf", "a = <<EOT\n{\"x\": [1, 2]}\nEOT\n", "a = <<EOT\n{\"x\": [1]}\nEOT\n"},
		{"an entry in an interpolation of a heredoc", "a.tf", "a = <<EOT\n{\"x\": ${jsonencode([1, 2])}}\nEOT\n", "a = <<EOT\n{\"x\": ${jsonencode([1])}}\nEOT\n"},
		{"a heredoc that isn't JSON", "a.tf", "a = <<EOT\nx\nEOT\n", "a = <<EOT\ny\nEOT\n"},
		{"what a string holds", "a.tf", `a = "x${b}"`, `a = "x${c}"`},
		{"a block", "a.tf", "a {\n}\na {\n}\n", "a {\n}\n"},
		{"a label", "a.tf", `a "b" {}`, `a "c" {}`},
		{"an attribute in a block", "a.tf", "a {\n  b = 1\n}\n", "a {\n  c = 1\n}\n"},
		{"a key", "a.tf", `a = { (b) = 1 }`, `a = { (c) = 1 }`},
		{"a number", "a.tf", `a = 1`, `a = 2`},
		{"a function", "a.tf", `a = f(1)`, `a = g(1)`},
		{"a function without arguments", "a.tf", `a = f()`, `a = g()`},
		{"arguments that are expanded", "a.tf", `a = f([1]...)`, `a = f([1])`},
		{"a setting", "a.tfvars", `a = 1`, `b = 1`},
		{"JSON", "a.tf.json", `{"a": ["x", "y"]}`, `{"a": ["x"]}`},
		{"a template", "a.tftpl", `{"a": ["x", "${y}"]}`, `{"a": ["${y}"]}`},
		{"an interpolation of a template", "a.tftpl", `{"a": ${y}}`, `{"a": ${z}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := parsed(t, test.file, test.a); got == parsed(t, test.file, test.b) {
				t.Errorf("both are %s", got)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, file, src, want string }{
		{"HCL that ends too early", "a.tf", "a = [\n", "a.tf:2:1: expected the start of an expression, but found the end of the file"},
		{"JSON that ends too early", "a.tf.json", `{"a": `, "a.tf.json:1:7: JSON that ends too early"},
		{"a template that ends too early", "x/a.tftpl", "{\n\"a\": ${", "x/a.tftpl:2:8: expected the start of an expression, but found the end of the file"},
		{"a directive", "a.tftpl", "{\"a\": %{if x}1%{endif}}", "a.tftpl:1:7: a template directive %{…} computes the policy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(&iac.File{Path: test.file, Lang: iac.HCL, Src: []byte(test.src)})
			if err == nil {
				t.Fatal("taken")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// A block's value begins at its type and ends after its brace, in Find's sources as in
// Parse's trees.
func TestBlocksHaveTheSameSpan(t *testing.T) {
	const src = "data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"s3:*\"]\n  }\n}\n" +
		"resource \"aws_iam_policy\" \"p\" {\n  policy = data.aws_iam_policy_document.d.json\n}\n"
	f := &iac.File{Path: "main.tf", Lang: iac.HCL, Src: []byte(src)}
	sources, _ := Find(Config{Files: []*iac.File{f}})
	if len(sources) != 1 || sources[0].Document == nil {
		t.Fatal(describe(sources, nil))
	}
	tree, err := Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	block := tree.Get("data aws_iam_policy_document d").Get("statement")
	found := sources[0].Document.Get("Statement").Entries[0]
	if block.Span != found.Span {
		t.Errorf("Parse: %v, Find: %v", block.Span, found.Span)
	}
	if got, want := src[found.Start:found.End], "statement {\n    actions = [\"s3:*\"]\n  }"; got != want {
		t.Errorf("the span is of %q, want %q", got, want)
	}
}

// What nests too deep is refused before HCL's parser runs out of stack.
func TestParseRefusesWhatNestsTooDeep(t *testing.T) {
	for _, piece := range []string{"[", "(", "{a=", "f(", "a[", "\"${", "!", "- ", "a?a:", "%{if a}"} {
		src := "a = \"" + strings.Repeat(piece, 20_000)
		if _, err := Parse(&iac.File{Path: "a.tf", Lang: iac.HCL, Src: []byte(src)}); err == nil || !strings.HasSuffix(err.Error(), "nested more than 1000 levels deep") {
			t.Errorf("%s: %v", piece, err)
		}
	}
}
