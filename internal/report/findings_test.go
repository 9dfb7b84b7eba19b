package report

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/usage"
)

var now = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

// ago is a time so many days before now; 0 is never.
func ago(days int) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return now.Add(-time.Duration(days) * usage.Day)
}

// hostile is a name that means something to HTML, Markdown, SARIF, a terminal and a
// spreadsheet.
const hostile = "=<script>alert('x')</script>\"&{0}[a](b)|`\x1b[31m\u202e"

const (
	rdsOld = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Report",
      "Effect": "Allow",
      "Action": [
        "rds:*",
        "s3:*",
        "sqs:SendMessage"
      ],
      "Resource": "*"
    }
  ]
}
`
	rdsNew = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Report",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject*",
        "s3:ListBucket",
        "sqs:SendMessage"
      ],
      "Resource": "*"
    }
  ]
}
`
)

// found is a finding with what is alike in all.
func found(id string, t finding.Type, resource string) finding.Finding {
	return finding.Finding{
		ID: id, Type: t, Status: finding.Active, Resource: resource, Account: "123456789012",
		AnalyzedAt: now, CreatedAt: ago(3), UpdatedAt: ago(3), Sources: []string{"iam-last-accessed-actions"},
	}
}

func with(f finding.Finding, change func(*finding.Finding)) finding.Finding {
	change(&f)
	return f
}

// sample is findings of all types and states, with hostile names, in two accounts, of data
// that isn't complete.
func sample(t *testing.T) Findings {
	t.Helper()
	cat, err := catalog.Read("catalog.json", []byte(cases))
	if err != nil {
		t.Fatal(err)
	}
	return Findings{
		Version:  "0.4.0",
		Accounts: []Account{{"123456789012", "acme-prod"}, {"210987654321", ""}},
		Window:   usage.Window{Age: 90 * usage.Day, Now: now}, CollectedAt: ago(2), Catalog: cat,
		Sources: []Source{
			{"cloudtrail", "management events of 2026-08-20 to 2026-11-23 in 4 Regions, without gaps; no data events"},
			{"iam-last-accessed-actions", "38 of 40 principals, up to 2026-11-21"},
			{"iam-password-last-used", ""},
		},
		LookedAt:  []Count{{"roles", "", 32}, {"users", "", 8}},
		NotJudged: []Count{{"roles", "service-linked", 12}, {"roles", "younger than the window", 2}, {"actions", "no source would have seen a use", 1432}},
		Findings:  append(credentials(), permissions()...),
		Advice:    advice(),
		Problems:  []string{"last-accessed/role-<b>old</b>.json:1:7: want a JSON object; the role is judged without it", "credential-report.csv: not there; passwords aren't judged"},
	}
}

// credentials are the findings on roles, keys and passwords.
func credentials() []finding.Finding {
	const account = "arn:aws:iam::123456789012:"
	return []finding.Finding{
		with(found("3f2a9c01-0001-4c58-a1f0-000000000001", finding.UnusedIAMRole, account+"role/ci/nightly-export-of-the-data-warehouse-to-partners"), func(f *finding.Finding) {
			f.LastAccessed, f.Change, f.ResourceID, f.Sources = ago(267), finding.New, "AROAEXAMPLE1", []string{"iam-role-last-used"}
		}),
		with(found("3f2a9c02-0002-4c58-a1f0-000000000002", finding.UnusedIAMRole, account+"role/break-glass"), func(f *finding.Finding) {
			f.Status, f.ArchivedBy, f.Change = finding.Archived, "emergency-roles", finding.Same
		}),
		with(found("77aa0003-0003-4c58-a1f0-000000000003", finding.UnusedIAMRole, "arn:aws:iam::210987654321:role/"+hostile), func(f *finding.Finding) {
			f.Account, f.Status, f.LastAccessed, f.Change = "210987654321", finding.Resolved, ago(120), finding.Fixed
		}),
		with(found("c0ffee04-0004-4c58-a1f0-000000000004", finding.UnusedIAMUserAccessKey, account+"user/deploy"), func(f *finding.Finding) {
			f.AccessKeyID, f.LastAccessed, f.Change, f.Sources = "AKIAIOSFODNN7EXAMPLE", ago(401), finding.Reopened, []string{"cloudtrail", "iam-access-key-last-used"}
		}),
		with(found("c0ffee05-0005-4c58-a1f0-000000000005", finding.UnusedIAMUserAccessKey, account+"user/deploy"), func(f *finding.Finding) {
			f.KeySlot, f.Sources = 2, []string{"iam-access-key-last-used"}
		}),
		with(found("deadbe06-0006-4c58-a1f0-000000000006", finding.UnusedIAMUserPassword, account+"user/"+hostile), func(f *finding.Finding) {
			f.LastAccessed, f.Status, f.Sources = ago(91), finding.Archived, nil
		}),
	}
}

// permissions are the findings on unused permissions.
func permissions() []finding.Finding {
	return []finding.Finding{
		with(found("ab12cd07-0007-4c58-a1f0-000000000007", finding.UnusedPermission, "arn:aws:iam::123456789012:role/reporting"), func(f *finding.Finding) {
			f.Change, f.Sources, f.UpdatedAt = finding.PartlyFixed, []string{"cloudtrail", "iam-last-accessed-actions", "iam-last-accessed-services"}, now
			f.Permissions = []finding.Permissions{
				{Namespace: "ec2", LastAccessed: ago(300), Granted: 12, Source: "iam-last-accessed-services"},
				{Namespace: "iam", Granted: 3, Source: "iam-last-accessed-services"},
				{Namespace: "rds", LastAccessed: ago(200), Granted: 163, Source: "iam-last-accessed-services"},
				{Namespace: "s3", LastAccessed: ago(1), Granted: 150, Kept: 41, Source: "iam-last-accessed-actions", Actions: []finding.Action{
					{Name: "s3:DeleteBucket", LastAccessed: ago(140), Source: "cloudtrail"},
					{Name: "s3:GetBucketAcl", Source: "iam-last-accessed-actions"},
					{Name: "s3:PutBucketAcl", LastAccessed: ago(120), Source: "iam-last-accessed-actions"},
				}},
			}
		}),
		with(found("ab12cd08-0008-4c58-a1f0-000000000008", finding.UnusedPermission, "arn:aws:iam::210987654321:user/"+hostile), func(f *finding.Finding) {
			f.Account, f.Change = "210987654321", finding.NotJudged
			f.Permissions = []finding.Permissions{{Namespace: hostile, Source: hostile, Actions: []finding.Action{{Name: hostile, Source: hostile, LastAccessed: ago(95)}}}}
		}),
		with(found("ab12cd09-0009-4c58-a1f0-000000000009", finding.UnusedPermission, "arn:aws:iam::123456789012:user/alice"), func(f *finding.Finding) {
			f.Permissions = []finding.Permissions{{Namespace: "lambda", Source: "iam-last-accessed-actions", Granted: 20, Actions: []finding.Action{{Name: "lambda:DeleteFunction", Source: "iam-last-accessed-actions"}}}}
		}),
	}
}

// advice is of five principals: two proved, one of them not complete, one not proved, one
// that failed, and one with nothing to do.
func advice() []Advice {
	const shared = "arn:aws:iam::123456789012:policy/shared"
	return []Advice{
		{Recommendation: finding.Recommendation{Resource: "arn:aws:iam::123456789012:role/done", Outcome: finding.Succeeded}, Proof: prove.Proved},
		{
			Recommendation: finding.Recommendation{Resource: "arn:aws:iam::123456789012:role/reporting", Outcome: finding.Succeeded, Steps: []finding.Step{
				{Action: finding.CreatePolicy, ExistingPolicyID: "report", RecommendedPolicy: rdsNew, RecommendedName: "report-recommended"},
				{Action: finding.DetachPolicy, ExistingPolicyID: "report"},
				{Action: finding.DetachPolicy, ExistingPolicyID: "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess", PolicyUpdatedAt: ago(500)},
			}},
			Proof: prove.Proved, Before: 412, After: 37, Existing: []Existing{{ID: "report", Kind: finding.InlinePolicy, Text: rdsOld}},
			Notes: []string{"a permissions boundary allows less than the policies do"},
		},
		{
			Recommendation: finding.Recommendation{Resource: "arn:aws:iam::123456789012:user/alice", Outcome: finding.Failed, Error: "inline policy old: couldn't be read", Steps: []finding.Step{
				{Action: finding.CreatePolicy, ExistingPolicyID: shared, RecommendedPolicy: "{\"a\": \"" + hostile + "\"}", RecommendedName: hostile,
					Group: "arn:aws:iam::123456789012:group/admins", Affects: []string{"arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/bob"}},
				{Action: finding.DetachPolicy, ExistingPolicyID: shared, Group: "arn:aws:iam::123456789012:group/admins", Affects: []string{"arn:aws:iam::123456789012:user/alice"}},
			}},
			Proof: prove.Proved, Before: 61, After: 60,
			Notes: []string{"shared is attached to 3 more principals: <i>bob</i>"},
		},
		{
			Recommendation: finding.Recommendation{Resource: "arn:aws:iam::210987654321:role/refuted", Outcome: finding.Succeeded, Steps: []finding.Step{
				{Action: finding.CreatePolicy, ExistingPolicyID: "secret", RecommendedPolicy: `{"must": "not be shown"}`},
			}},
			Proof: prove.Undecided, Reason: "more than 10000 states", Before: 90, After: 10,
		},
		{
			Recommendation: finding.Recommendation{Resource: "arn:aws:iam::210987654321:user/" + hostile, Outcome: finding.Failed, Error: "the user is in a group whose policy isn't in the data: " + hostile},
			Before:         5, After: 5,
		},
	}
}

// nothing is a result without findings.
func nothing(t *testing.T) Findings {
	r := sample(t)
	return Findings{Accounts: r.Accounts[:1], Window: r.Window, Sources: r.Sources, LookedAt: r.LookedAt, Catalog: r.Catalog, CollectedAt: now}
}

// renderers are all formats, by the end of their files' names.
var renderers = []struct {
	name   string
	render func(io.Writer, Findings) error
}{
	{".txt", func(w io.Writer, r Findings) error { return FindingsTable(w, r, 0) }},
	{"-80.txt", func(w io.Writer, r Findings) error { return FindingsTable(w, r, 80) }},
	{"-140.txt", func(w io.Writer, r Findings) error { return FindingsTable(w, r, 140) }},
	{".json", FindingsJSON},
	{".csv", FindingsCSV},
	{".md", FindingsMarkdown},
	{".sarif", FindingsSARIF},
	{".html", FindingsHTML},
}

func TestFindingsGolden(t *testing.T) {
	inputs := map[string]Findings{"findings": sample(t), "nothing": nothing(t), "unseen": {Window: usage.Window{Age: 90 * usage.Day, Now: now}}}
	for input, r := range inputs {
		for _, rr := range renderers {
			golden(t, input+rr.name, func(w io.Writer) error { return rr.render(w, r) })
		}
	}
	r := sample(t)
	for name, i := range map[string]int{"show-role.txt": 0, "show-key.txt": 4, "show-password.txt": 5, "show-permission.txt": 6, "show-hostile.txt": 7, "show-group.txt": 8} {
		golden(t, name, func(w io.Writer) error { return FindingsText(w, r, r.Findings[i]) })
	}
}

// golden compares what is rendered, twice, to testdata.
func golden(t *testing.T, name string, render func(io.Writer) error) {
	t.Run(name, func(t *testing.T) {
		got := rendered(t, render)
		if again := rendered(t, render); again != got {
			t.Error("the second time it isn't the same")
		}
		path := filepath.Join("testdata", "findings", name)
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func rendered(t *testing.T, render func(io.Writer) error) string {
	t.Helper()
	var out strings.Builder
	if err := render(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
