package analyzer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
)

// saved is a finding of the last run, 30 days ago.
func saved(status finding.Status, permissions ...finding.Permissions) finding.Finding {
	return finding.Finding{
		ID: "f", Type: finding.UnusedPermission, Status: status, Resource: "arn:aws:iam::123456789012:role/r", ResourceID: "AROA1", Account: accountID,
		AnalyzedAt: ago(30), CreatedAt: ago(60), UpdatedAt: ago(40), Permissions: permissions,
	}
}

func unusedActions(service string, names ...string) finding.Permissions {
	out := finding.Permissions{Namespace: service}
	for _, n := range names {
		out.Actions = append(out.Actions, finding.Action{Name: service + ":" + n})
	}
	return out
}

// current is a finding as this run makes it.
func current(permissions ...finding.Permissions) finding.Finding {
	f := saved(finding.Active, permissions...)
	f.AnalyzedAt, f.CreatedAt, f.UpdatedAt = now, now, now
	return f
}

func TestCarry(t *testing.T) {
	ab, a, c := unusedActions("s3", "A", "B"), unusedActions("s3", "A"), unusedActions("s3", "C")
	whole := finding.Permissions{Namespace: "s3"}
	byRule := saved(finding.Archived, a)
	byRule.ArchivedBy = "dev"
	nowByRule := current(a)
	nowByRule.Status, nowByRule.ArchivedBy = finding.Archived, "dev"
	elsewhere := saved(finding.Active, a)
	elsewhere.Account = "999999999999"
	resolved := func(days int) finding.Finding {
		f := saved(finding.Resolved, a)
		f.UpdatedAt = ago(days)
		return f
	}
	skip := func(s analyzer.Skipped) []analyzer.Skipped {
		s.Resource = "arn:aws:iam::123456789012:role/r"
		return []analyzer.Skipped{s}
	}
	const old, updated, today = 60, 40, 0
	type state struct {
		Change           finding.Change
		Status           finding.Status
		ArchivedBy       string
		Created, Updated int // days ago
		Unused           int // actions and services
	}
	tests := []struct {
		name     string
		previous []finding.Finding
		current  []finding.Finding
		skipped  []analyzer.Skipped
		want     []state
	}{
		{"new", nil, []finding.Finding{current(a)}, nil, []state{{finding.New, finding.Active, "", today, today, 1}}},
		{"unchanged", []finding.Finding{saved(finding.Active, ab)}, []finding.Finding{current(ab)}, nil, []state{{finding.Same, finding.Active, "", old, updated, 2}}},
		{"more is unused", []finding.Finding{saved(finding.Active, a)}, []finding.Finding{current(ab)}, nil, []state{{finding.Updated, finding.Active, "", old, today, 2}}},
		{"less is unused", []finding.Finding{saved(finding.Active, ab)}, []finding.Finding{current(a)}, nil, []state{{finding.PartlyFixed, finding.Active, "", old, today, 1}}},
		{"other things are unused", []finding.Finding{saved(finding.Active, a)}, []finding.Finding{current(c)}, nil, []state{{finding.Updated, finding.Active, "", old, today, 1}}},
		{"a whole service, and now some of its actions", []finding.Finding{saved(finding.Active, whole)}, []finding.Finding{current(a)}, nil, []state{{finding.PartlyFixed, finding.Active, "", old, today, 1}}},
		{"actions, and now the whole service", []finding.Finding{saved(finding.Active, a)}, []finding.Finding{current(whole)}, nil, []state{{finding.Updated, finding.Active, "", old, today, 1}}},
		{"resolved", []finding.Finding{saved(finding.Active, a)}, nil, nil, []state{{finding.Fixed, finding.Resolved, "", old, today, 1}}},
		{"archived and resolved", []finding.Finding{byRule}, nil, nil, []state{{finding.Fixed, finding.Resolved, "", old, today, 1}}},
		{"resolved before", []finding.Finding{resolved(89)}, nil, nil, []state{{finding.Same, finding.Resolved, "", old, 89, 1}}},
		{"resolved 90 days ago: dropped", []finding.Finding{resolved(90)}, nil, nil, nil},
		{"reopened", []finding.Finding{resolved(10)}, []finding.Finding{current(a)}, nil, []state{{finding.Reopened, finding.Active, "", old, today, 1}}},
		{"archived by hand stays archived", []finding.Finding{saved(finding.Archived, a)}, []finding.Finding{current(ab)}, nil, []state{{finding.Updated, finding.Archived, "", old, today, 2}}},
		{"archived by a rule that there still is", []finding.Finding{byRule}, []finding.Finding{nowByRule}, nil, []state{{finding.Same, finding.Archived, "dev", old, updated, 1}}},
		{"archived by a rule that is gone", []finding.Finding{byRule}, []finding.Finding{current(a)}, nil, []state{{finding.Updated, finding.Active, "", old, today, 1}}},
		{"a rule that is new", []finding.Finding{saved(finding.Active, a)}, []finding.Finding{nowByRule}, nil, []state{{finding.Updated, finding.Archived, "dev", old, today, 1}}},
		{"another account's", []finding.Finding{elsewhere}, nil, nil, []state{{finding.NotJudged, finding.Active, "", old, updated, 1}}},
		{"no evidence this time", []finding.Finding{saved(finding.Active, a)}, nil, skip(analyzer.Skipped{Type: finding.UnusedPermission, Reason: analyzer.NoEvidence}),
			[]state{{finding.NotJudged, finding.Active, "", old, updated, 1}}},
		{"no evidence about the role's other findings", []finding.Finding{saved(finding.Active, a)}, nil, skip(analyzer.Skipped{Type: finding.UnusedIAMRole, Reason: analyzer.NoEvidence}),
			[]state{{finding.Fixed, finding.Resolved, "", old, today, 1}}},
		{"a policy that couldn't be read, and less that is unused", []finding.Finding{saved(finding.Active, ab)}, []finding.Finding{current(a)},
			skip(analyzer.Skipped{Type: finding.UnusedPermission, Reason: analyzer.Unreadable}), []state{{finding.NotJudged, finding.Active, "", old, updated, 2}}},
		{"its age isn't known any more", []finding.Finding{saved(finding.Active, a)}, nil, skip(analyzer.Skipped{ResourceID: "AROA1", Reason: analyzer.Young}),
			[]state{{finding.NotJudged, finding.Active, "", old, updated, 1}}},
		{"deleted and made anew", []finding.Finding{saved(finding.Active, a)}, nil, skip(analyzer.Skipped{ResourceID: "AROA2", Reason: analyzer.Young}),
			[]state{{finding.Fixed, finding.Resolved, "", old, today, 1}}},
		{"excluded since", []finding.Finding{saved(finding.Active, a)}, nil, skip(analyzer.Skipped{Reason: analyzer.ExcludedTag}), []state{{finding.Fixed, finding.Resolved, "", old, today, 1}}},
		{"the role itself isn't used any more", []finding.Finding{saved(finding.Active, a)}, nil, skip(analyzer.Skipped{Type: finding.UnusedPermission, Reason: analyzer.Inactive}),
			[]state{{finding.Fixed, finding.Resolved, "", old, today, 1}}},
	}
	days := func(at time.Time) int { return int(now.Sub(at).Hours() / 24) }
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []state
			for _, f := range analyzer.Carry(tt.previous, tt.current, analyzer.Summary{Account: accountID, Skipped: tt.skipped}, now) {
				unused := 0
				for _, p := range f.Permissions {
					unused += max(1, len(p.Actions))
				}
				got = append(got, state{f.Change, f.Status, f.ArchivedBy, days(f.CreatedAt), days(f.UpdatedAt), unused})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestCarryTellsKeysApart(t *testing.T) {
	key := func(id string) finding.Finding {
		f := saved(finding.Active)
		f.ID, f.Type, f.AccessKeyID = "f"+id, finding.UnusedIAMUserAccessKey, id
		return f
	}
	skipped := []analyzer.Skipped{{Resource: key("").Resource, Type: finding.UnusedIAMUserAccessKey, AccessKeyID: "AKIA1", Reason: analyzer.NoEvidence}}
	var got []string
	for _, f := range analyzer.Carry([]finding.Finding{key("AKIA2"), key("AKIA1")}, nil, analyzer.Summary{Account: accountID, Skipped: skipped}, now) {
		got = append(got, fmt.Sprint(f.AccessKeyID, " ", f.Change))
	}
	if diff := cmp.Diff([]string{"AKIA1 not judged", "AKIA2 resolved"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Two runs over the same data: the second changes nothing but when it looked.
func TestCarryOfTheSameRun(t *testing.T) {
	w := newWorld(t)
	inline(&w.role("r", tracking([]string{"s3", "s3:*"}, "s3:GetObject")).Entity, "p", allow(t, "s3:*"))
	w.role("old").LastUsed.At = ago(100)
	first, summary := w.run()
	first = analyzer.Carry(nil, first, summary, now)
	w.input.Window.Now = now.Add(time.Hour)
	second, summary := w.run()
	second = analyzer.Carry(first, second, summary, now.Add(time.Hour))
	for i := range first {
		first[i].Change, first[i].AnalyzedAt = finding.Same, now.Add(time.Hour)
	}
	if diff := cmp.Diff(first, second); diff != "" || len(first) != 2 {
		t.Errorf("-want +got\n%s", diff)
	}
}
