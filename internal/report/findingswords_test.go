package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/usage"
)

func TestServiceWords(t *testing.T) {
	r := Findings{Window: usage.Window{Age: 90 * usage.Day, Now: now}}
	action := func(days int) finding.Action { return finding.Action{Name: "rds:A", LastAccessed: ago(days)} }
	for want, p := range map[string]finding.Permissions{
		"2 unused actions on rds, not used for 200 days":                             {Actions: []finding.Action{action(300), action(200)}},
		"2 unused actions on rds, not used for 200 days, some with no use on record": {Actions: []finding.Action{action(0), action(200)}},
		"1 unused action on rds, no use on record":                                   {Actions: []finding.Action{action(0)}},
		"rds as a whole, no use on record":                                           {},
		"rds as a whole (163 actions), not used for 91 days":                         {Granted: 163, LastAccessed: ago(91)},
	} {
		p.Namespace = "rds"
		if got := r.serviceText(p); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// A clock that is ahead, and the day itself, are no days ago.
func TestDaysSince(t *testing.T) {
	for days, want := range map[int]int{-5: 0, 0: 0, 1: 1, 90: 90} {
		if got := daysSince(now.Add(time.Duration(-days)*usage.Day), now); got != want {
			t.Errorf("%d days ago is %d", days, got)
		}
	}
	if got := daysSince(now.Add(-2*usage.Day+1), now); got != 1 {
		t.Errorf("less than two days are %d", got)
	}
}

// Every change has words and a baseline state, so that none panics.
func TestChangesHaveWords(t *testing.T) {
	got := map[finding.Change]string{}
	for _, c := range []finding.Change{"", finding.New, finding.Same, finding.Updated, finding.PartlyFixed, finding.Fixed, finding.Reopened, finding.NotJudged} {
		got[c] = baselineState(c) + "|" + changeText(c)
	}
	want := map[finding.Change]string{
		"": "|", finding.Same: "unchanged|", finding.New: "new|new since the last run", finding.Fixed: "absent|resolved since the last run",
		finding.Updated: "updated|changed since the last run: its status, or what is unused", finding.PartlyFixed: "updated|less is unused than at the last run",
		finding.Reopened: "new|it had been resolved before", finding.NotJudged: "unchanged|as at the last run; this one couldn't judge it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A diff of one part against the whole would show as gone what the other parts have.
func TestSplitPoliciesHaveNoDiff(t *testing.T) {
	step := finding.Step{Action: finding.CreatePolicy, ExistingPolicyID: "report", RecommendedPolicy: rdsNew}
	a := Advice{
		Recommendation: finding.Recommendation{Outcome: finding.Succeeded, Steps: []finding.Step{step}}, Proof: prove.Proved,
		Existing: []Existing{{ID: "report", Group: "arn:aws:iam::123456789012:group/g", Text: "of another holder"}, {ID: "report", Text: rdsOld}},
	}
	if got := a.diff(step); !strings.Contains(got, `-        "rds:*",`) || strings.Contains(got, "another") {
		t.Errorf("one policy: %q", got)
	}
	a.Steps = append(a.Steps, step)
	if got := a.diff(step); got != "" {
		t.Errorf("two policies: %q", got)
	}
	step.ExistingPolicyID = "unknown"
	if got := a.diff(step); got != "" {
		t.Errorf("a policy that isn't known: %q", got)
	}
}

// Roles of the same name in two accounts keep their ARNs in plots.
func TestNamesInPlotsDiffer(t *testing.T) {
	got := named([]Total{{"arn:aws:iam::1:role/a", 3}, {"arn:aws:iam::2:role/a", 2}, {"arn:aws:iam::1:role/b", 1}})
	want := []Total{{"arn:aws:iam::1:role/a", 3}, {"arn:aws:iam::2:role/a", 2}, {"role/b", 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// With one account the column of accounts says nothing, and isn't there.
func TestOneAccountHasNoColumn(t *testing.T) {
	r := sample(t)
	r.Accounts, r.Findings = r.Accounts[:1], r.Findings[:1]
	got := rendered(t, func(w writer) error { return FindingsTable(w, r, 0) })
	if strings.Contains(got, "ACCOUNT") || strings.Count(got, "123456789012") != 1 {
		t.Error(got)
	}
	if page := htmlOf(t, r); strings.Contains(page, `class="account"`) || !strings.Contains(page, `colspan="5"`) {
		t.Error("the page has a column of accounts")
	}
}
