package gate_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/gate"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// planOf is what a rewrite makes of a file main.tf and live policies.
func planOf(t *testing.T, src string, live ...*rewrite.Live) *rewrite.Plan {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(src), 0o666); err != nil {
		t.Fatal(err)
	}
	files, err := tree.Read(t.Context(), tree.Options{Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	matches := rewrite.MatchSources(catalog.Embedded(), files.Sources, live, rewrite.Known{})
	plan, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: matches})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// liveApp is a live policy, named app, of an account.
func liveApp(t *testing.T, account, statement, unusedList string) *rewrite.Live {
	t.Helper()
	doc, err := policy.Parse("app", []byte(`{"Version": "2012-10-17", "Statement": [`+statement+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	unused, err := usage.ParseUnused("unused", []byte(unusedList))
	if err != nil {
		t.Fatal(err)
	}
	return &rewrite.Live{Account: account, Kind: finding.CustomerPolicy, Name: "app", ARN: "arn:aws:iam::" + account + ":policy/app", Document: doc, Unused: unused}
}

// What nobody used is told, and why no file is changed for it.
func TestUnusedWithoutAFix(t *testing.T) {
	const (
		one, two = "111122223333", "444455556666"
		computed = "resource \"aws_iam_policy\" \"app\" {\n  name   = \"app\"\n  policy = jsonencode(merge(local.a, {}))\n}\n"
		begin    = "main.tf:1:1 pare/unused-access aws_iam_policy.app allows what nobody used: "
		window   = "; used by nobody who has it in the 90 days up to 2026-11-23"
	)
	literal := func(statement string) string {
		return "resource \"aws_iam_policy\" \"app\" {\n  name   = \"app\"\n  policy = jsonencode({ Version = \"2012-10-17\", Statement = [{ " + statement + " }] })\n}\n"
	}
	some := allow("s3:*", "*")
	for name, c := range map[string]struct {
		src  string
		live []*rewrite.Live
		want string // the result begins with it, or the note has it
	}{
		"a computed document":        {computed, []*rewrite.Live{liveApp(t, one, some, `["s3:DeleteObject"]`)}, begin + "s3:* in part" + window + ". There is no fix: "},
		"a live policy that drifted": {literal(`Effect = "Allow", Action = ["s3:Get*"], Resource = "*"`), []*rewrite.Live{liveApp(t, one, some, `["s3:DeleteObject"]`)}, begin + "s3:* in part" + window + ". There is no fix: "},
		"nothing that is used":       {literal(`Effect = "Allow", Action = ["s3:GetObject"], Resource = "*"`), []*rewrite.Live{liveApp(t, one, allow("s3:GetObject", "*"), `["s3:GetObject"]`)}, begin + "s3:GetObject" + window + ". There is no fix: nothing that it allows is used"},
		"two accounts": {computed, []*rewrite.Live{liveApp(t, one, some, `["s3:DeleteObject"]`), liveApp(t, two, allow("sqs:SendMessage", "*"), `["sqs:*"]`)},
			begin + "s3:* in part, sqs:SendMessage" + window + ", of arn:aws:iam::" + one + ":policy/app: s3:* in part; of arn:aws:iam::" + two + ":policy/app: sqs:SendMessage. There is no fix: "},
		"all but some actions":         {computed, []*rewrite.Live{liveApp(t, one, `{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}`, `["s3:DeleteObject", "iam:PassRole"]`)}, begin + "s3:DeleteObject" + window},
		"what drifted and is in use":   {literal(`Effect = "Allow", Action = ["s3:Get*"], Resource = "*"`), []*rewrite.Live{liveApp(t, one, some, `[]`)}, "no result for unused access: "},
		"a live policy not judged yet": {literal(`Effect = "Allow", Action = ["s3:*"], Resource = "*"`), []*rewrite.Live{{Account: one, Kind: finding.CustomerPolicy, Name: "app", ARN: "a", Document: liveApp(t, one, some, `[]`).Document, Problem: "no log"}}, "no result for unused access: a: no log"},
	} {
		list, notes, err := gate.UnusedOf(planOf(t, c.src, c.live...), usage.Window{Age: 90 * usage.Day, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		got := lines(checked(t, gate.Input{Unused: list, Notes: notes}))
		if len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

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
