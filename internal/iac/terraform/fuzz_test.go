package terraform

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-iam/pare/internal/iac"
)

// FuzzFind reads any file as Terraform's: it never panics, and what it finds stands where
// it says.
func FuzzFind(f *testing.F) {
	seeds(f, func(file txtar.File) { f.Add(string(file.Data), strings.HasSuffix(file.Name, ".json")) })
	f.Fuzz(func(t *testing.T, src string, isJSON bool) {
		name := "main.tf"
		if isJSON {
			name = "main.tf.json"
		}
		checkLaws(t, treeOf(&txtar.Archive{Files: []txtar.File{
			{Name: name, Data: []byte(src)},
			{Name: "policies/file.json", Data: []byte(`{"Statement": []}`)},
		}}))
	})
}

// FuzzTemplate reads any text as a template of a policy.
func FuzzTemplate(f *testing.F) {
	seeds(f, func(file txtar.File) {
		if !ours(file.Name) {
			f.Add(string(file.Data))
		}
	})
	f.Fuzz(func(t *testing.T, src string) {
		const call = `resource "aws_iam_policy" "p" {
  policy = templatefile("${path.module}/p.tftpl", { actions = ["s3:*"], bucket = "b" })
}
resource "aws_iam_policy" "f" {
  policy = file("p.tftpl")
}
`
		checkLaws(t, treeOf(&txtar.Archive{Files: []txtar.File{{Name: "main.tf", Data: []byte(call)}, {Name: "p.tftpl", Data: []byte(src)}}}))
	})
}

// FuzzParse reads any file: each value is inside the one that it is in, and a text is what
// its bytes say.
func FuzzParse(f *testing.F) {
	seeds(f, func(file txtar.File) { f.Add(string(file.Data), filepath.Base(file.Name)) })
	f.Fuzz(func(t *testing.T, src, name string) {
		file := &iac.File{Path: name, Lang: iac.HCL, Src: []byte(src)}
		tree, err := Parse(file)
		if err != nil {
			return
		}
		inside(t, tree, tree)
		again, err := Parse(file)
		if err != nil || said(again) != said(tree) {
			t.Errorf("another tree the second time: %v", err)
		}
	})
}

// inside checks that spans nest, and what texts say.
func inside(t *testing.T, v, outer *iac.Value) {
	t.Helper()
	if v.Start < outer.Start || v.End > outer.End || v.Start > v.End {
		t.Fatalf("%d to %d is not in %d to %d", v.Start, v.End, outer.Start, outer.End)
	}
	if v.File == nil || v.End > len(v.File.Src) {
		t.Fatalf("%d to %d is not in the file", v.Start, v.End)
	}
	bytes := string(v.File.Src[v.Start:v.End])
	if v.Kind == iac.Text && len(v.Holes) == 0 && !strings.ContainsAny(bytes, "\\$%") && strings.HasPrefix(bytes, `"`) && bytes != `"`+v.Text+`"` {
		t.Fatalf("%s is read as %q", bytes, v.Text)
	}
	for _, entry := range v.Entries {
		inside(t, entry, v)
	}
	for _, m := range v.Members {
		inside(t, m.Value, v)
	}
}

// seeds shows the files of all trees of testdata/find.
func seeds(f *testing.F, show func(txtar.File)) {
	f.Helper()
	names, err := filepath.Glob("testdata/find/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range ar.Files {
			if file.Name != "want" {
				show(file)
			}
		}
	}
}
