package terraform

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-iam/pare/internal/iac"
)

var update = flag.Bool("update", false, "rewrite what the trees of testdata/find are expected to give")

// ours says whether Find is given a file, and not Open.
func ours(name string) bool {
	return slices.ContainsFunc([]string{".tf", ".tf.json", ".tfvars", ".tfvars.json"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// treeOf is an archive as a tree.
func treeOf(ar *txtar.Archive) Config {
	opened := map[string]*iac.File{}
	var c Config
	for _, f := range ar.Files {
		lang := iac.JSON
		if strings.HasSuffix(f.Name, ".tf") || strings.HasSuffix(f.Name, ".tfvars") {
			lang = iac.HCL
		}
		file := &iac.File{Path: f.Name, Lang: lang, Src: f.Data}
		if ours(f.Name) {
			c.Files = append(c.Files, file)
		} else {
			opened[f.Name] = file
		}
	}
	c.Open = func(name string) (*iac.File, error) {
		if opened[name] == nil {
			return nil, errors.New(name + ": no such file")
		}
		return opened[name], nil
	}
	return c
}

// TestFind finds the policies of whole trees. Each tree of testdata/find has, in its last
// file, what is found there.
func TestFind(t *testing.T) {
	names, err := filepath.Glob("testdata/find/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if n := len(ar.Files) - 1; ar.Files[n].Name == "want" {
				want, ar.Files = string(ar.Files[n].Data), ar.Files[:n]
			}
			c := treeOf(ar)
			got := describe(Find(c))
			if again := describe(Find(c)); again != got {
				t.Errorf("another answer the second time:\n%s", cmp.Diff(got, again))
			}
			slices.Reverse(c.Files)
			if again := describe(Find(c)); again != got {
				t.Errorf("another answer for another order of files:\n%s", cmp.Diff(got, again))
			}
			checkLaws(t, c)
			if *update {
				ar.Files = append(ar.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// describe is what was found as a text.
func describe(sources []*iac.Source, problems []iac.Problem) string {
	var b strings.Builder
	for _, s := range sources {
		fmt.Fprintf(&b, "%s in %s at %s, %s", s.Address, s.Root, s.Where(), s.Style)
		if s.Repeated {
			b.WriteString(", repeated")
		}
		fmt.Fprintf(&b, "\n  name %s", words(s.Name))
		if s.Holder != 0 {
			fmt.Fprintf(&b, " of %s %s", s.Holder, words(s.HolderName))
		}
		b.WriteString("\n")
		if s.Problem != "" {
			fmt.Fprintf(&b, "  problem: %s: %s\n", s.ProblemAt, s.Problem)
		}
		if s.Document != nil {
			value(&b, "  ", "", s.Document)
		}
	}
	for _, p := range problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	return b.String()
}

// words is a text with its holes as they are written.
func words(v *iac.Value) string {
	if v == nil {
		return "unknown"
	}
	text := v.Text
	for _, h := range slices.Backward(v.Holes) {
		text = text[:h.Start] + "${" + h.Expr + "}" + text[h.End:]
	}
	return fmt.Sprintf("%q", text)
}

func value(b *strings.Builder, indent, key string, v *iac.Value) {
	fmt.Fprintf(b, "%s%s", indent, key)
	switch v.Kind {
	case iac.Unknown:
		fmt.Fprintf(b, "? %s", v.Text)
	case iac.Text:
		b.WriteString(words(v))
	case iac.Literal:
		b.WriteString(v.Text)
	case iac.List:
		b.WriteString([]string{"?", "[]", "-", "alone", "blocks"}[v.Form])
	case iac.Object:
		b.WriteString("{}")
	}
	if v.File != nil {
		line := strings.TrimPrefix(v.Where(), v.File.Path+":")
		fmt.Fprintf(b, " @%s:%s", path.Base(v.File.Path), line)
	}
	if why := v.Why + v.WhyWhole; why != "" {
		fmt.Fprintf(b, " (%s)", why)
	}
	b.WriteString("\n")
	for _, entry := range v.Entries {
		value(b, indent+"  ", "- ", entry)
	}
	for _, m := range v.Members {
		key := m.Key
		for at := strings.Index(key, "pare-unknown-"); at >= 0; at = strings.Index(key, "pare-unknown-") {
			key = key[:at] + "${}" + key[at+len("pare-unknown-")+16:]
		}
		value(b, indent+"  ", key+": ", m.Value)
	}
}

// checkLaws holds what Find says of places against the files, and against Parse's trees.
func checkLaws(t *testing.T, c Config) {
	t.Helper()
	sources, _ := Find(c)
	trees := map[*iac.File]map[string]bool{}
	for _, s := range sources {
		walk(s.Document, func(v *iac.Value) {
			if v.File == nil {
				return
			}
			if v.Start < 0 || v.Start > v.End || v.End > len(v.File.Src) {
				t.Fatalf("%s: a span %d to %d of %d bytes", s.Address, v.Start, v.End, len(v.File.Src))
			}
			if v.Kind == iac.Unknown || v.Kind == iac.Literal || v.Why != "" {
				return
			}
			if trees[v.File] == nil {
				trees[v.File] = places(t, v.File)
			}
			if !trees[v.File][placeKey(v)] {
				t.Errorf("%s: Parse has no %s", s.Address, placeKey(v))
			}
		})
	}
}

// placeKey is a value with its place; the text of a Text without holes is of it.
func placeKey(v *iac.Value) string {
	text := fmt.Sprintf("kind %d at %s, to %d, of %d entries", v.Kind, v.Where(), v.End, len(v.Entries))
	if v.Kind == iac.Text && !strings.ContainsAny(string(v.File.Src[v.Start:v.End]), "$&%") {
		text += ": " + v.Text
	}
	return text
}

func places(t *testing.T, f *iac.File) map[string]bool {
	t.Helper()
	tree, err := Parse(f)
	if err != nil {
		t.Fatalf("%s: %v", f.Path, err)
	}
	out := map[string]bool{}
	walk(tree, func(v *iac.Value) { out[placeKey(v)] = true })
	return out
}

// What differs from instance to instance is never taken for the same.
func TestPlaceholdersAreOfTheirScope(t *testing.T) {
	const src = `
data "aws_iam_policy_document" "d" {
  for_each = toset(["a", "b"])
  statement {
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::${each.key}", "arn:aws:s3:::${var.bucket}"]
  }
}
data "aws_iam_policy_document" "all" {
  source_policy_documents = [for_a, data.aws_iam_policy_document.d["b"].json, data.aws_iam_policy_document.d["b"].json]
}
resource "aws_iam_policy" "p" {
  policy = data.aws_iam_policy_document.all.json
}
`
	texts := func(src string) []string {
		sources, _ := Find(Config{Files: []*iac.File{{Path: "main.tf", Lang: iac.HCL, Src: []byte(src)}}})
		var out []string
		for _, st := range sources[0].Document.Get("Statement").Entries {
			out = append(out, st.Get("Resource").Entries[0].Text)
		}
		return out
	}
	got := texts(strings.ReplaceAll(src, "for_a", `data.aws_iam_policy_document.d["a"].json`))
	if len(got) != 3 || got[0] == got[1] || got[1] != got[2] {
		t.Errorf("the resources of a, b and b: %q", got)
	}
}
