package gate_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/gate"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/usage"
)

// The fix is what `pare rewrite` does, and nothing of the file besides.
func TestUnusedHasTheFix(t *testing.T) {
	const before = `# the application's policy
resource "aws_iam_policy" "app" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "s3:GetObject",    # reads
        "s3:DeleteObject", # nobody does
        "iam:*",
      ]
      Resource = "*"
    }]
  })
}
`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(before), 0o666); err != nil {
		t.Fatal(err)
	}
	files, err := tree.Read(t.Context(), tree.Options{Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	unused, err := usage.ParseUnused("unused", []byte(`["s3:DeleteObject", "iam:*"]`))
	if err != nil {
		t.Fatal(err)
	}
	matches, err := rewrite.ByList(files.Sources, files.Sources[0], unused)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: matches})
	if err != nil {
		t.Fatal(err)
	}
	list, notes, err := gate.UnusedOf(plan, usage.Window{Age: 90 * usage.Day, Now: now.Add(-3 * 24 * time.Hour)})
	if err != nil || len(list) != 1 || len(list[0].Fixes) != 1 {
		t.Fatalf("%+v, %q, %v", list, notes, err)
	}
	got := lines(checked(t, gate.Input{Unused: list}))
	want := []string{"main.tf:2:1 pare/unused-access aws_iam_policy.app allows what nobody used: iam:*, s3:DeleteObject; used by nobody who has it in the 90 days up to 2026-11-20"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	after := before
	for _, c := range slices.Backward(list[0].Fixes[0].Changes) {
		after = after[:c.Start] + c.Text + after[c.End:]
	}
	if diff := cmp.Diff(string(plan.Files[files.Files[0]]), after); diff != "" || after == before {
		t.Errorf("-rewrite +fix\n%s", diff)
	}
}
