package terraform

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestAFolderThatIsReadElsewhereTooStays has two root modules of the same text, and
// something reads one of them, and the module that it calls, where Find isn't told.
func TestAFolderThatIsReadElsewhereTooStays(t *testing.T) {
	const text = `module "m" {
  source = "./m"
}
`
	const policy = `resource "aws_iam_policy" "p" {
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "*" }] })
}
`
	files := map[string]string{"a/main.tf": text + policy, "a/m/main.tf": policy, "b/main.tf": text + policy, "b/m/main.tf": policy}
	ar := &txtar.Archive{}
	for name, data := range files {
		ar.Files = append(ar.Files, txtar.File{Name: name, Data: []byte(data)})
	}
	c := treeOf(ar)
	c.Unseen = map[string]string{"a": "also read through the symlink prod", "elsewhere": "no file of Terraform's is there"}
	sources, problems := Find(c)
	if len(problems) > 0 {
		t.Error(problems)
	}
	got := map[string]string{}
	for _, s := range sources {
		got[s.Root+": "+s.Address] = s.Document.Get("Statement").Entries[0].Get("Action").Why
	}
	why := "also read through the symlink prod"
	want := map[string]string{"a: aws_iam_policy.p": why, "a: module.m.aws_iam_policy.p": why, "b: aws_iam_policy.p": "", "b: module.m.aws_iam_policy.p": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
