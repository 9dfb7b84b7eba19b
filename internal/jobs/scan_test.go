package jobs_test

import (
	"cmp"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// What a scan leaves in the store is what the analysis of the folder finds.
func TestAScanFindsWhatTheCommandLineFinds(t *testing.T) {
	var want []finding.Finding
	summary, err := must(analysis())(t).Findings(func(f finding.Finding) error {
		f.Change = finding.New
		want = append(want, f)
		return nil
	})
	check(t, err)
	slices.SortFunc(want, func(a, b finding.Finding) int { return cmp.Compare(a.ID, b.ID) })
	conform(t, inFolders(t), func(t *testing.T, s stand) {
		run := scanned(t, s.store)
		if d := diff.Diff(want, exported(t, s.store), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("findings: -want +got\n%s", d)
		}
		if run.Report.Roles != summary.Roles || run.Report.Users != summary.Users || run.WindowDays != 90 || len(run.Report.Sources) == 0 {
			t.Errorf("run %+v: want %d roles and %d users in 90 days", run, summary.Roles, summary.Users)
		}
		r := run.Report
		if r.Granted < r.Used+r.Unused || r.Unused == 0 || r.Used == 0 || r.Removed == 0 || r.Removed > r.Granted {
			t.Errorf("granted %d, used %d, unused %d, removed %d", r.Granted, r.Used, r.Unused, r.Removed)
		}
		sum := must(s.store.PrivilegeOf(t.Context(), theARN, ""))(t)
		if d := diff.Diff([]int{r.Granted, r.Used, r.Unused, r.Granted - r.Removed}, []int{sum.Granted, sum.Used, sum.Unused, sum.After}); d != "" {
			t.Errorf("the account's sums aren't the run's: -want +got\n%s", d)
		}
		checkPrincipals(t, s.store)
	})
}

// checkPrincipals compares the principals with the inventory, and MyRole with what is
// recommended for it.
func checkPrincipals(t *testing.T, s *store.Store) {
	t.Helper()
	a := must(analysis())(t)
	got := must(s.Principals(t.Context(), theARN, account, store.Page{Limit: 1000}))(t).Items
	if len(got) != len(a.Inventory.Roles)+len(a.Inventory.Users) {
		t.Errorf("%d principals: want %d", len(got), len(a.Inventory.Roles)+len(a.Inventory.Users))
	}
	rec := must(a.Recommend(myRole))(t)
	p := must(s.Principal(t.Context(), theARN, myRole))(t)
	if p.Granted != rec.Before || p.After != rec.After || p.Unused != rec.Before-rec.After || p.Used == 0 {
		t.Errorf("MyRole: %d granted, %d after, %d unused, %d used: want %d, %d", p.Granted, p.After, p.Unused, p.Used, rec.Before, rec.After)
	}
	if len(p.Policies) != 1 || p.Policies[0].Policy != string(rec.Policies[0].Original.Bytes()) {
		t.Errorf("MyRole has %+v", p.Policies)
	}
	if len(p.Evidence) == 0 || slices.ContainsFunc(p.Evidence, func(e store.Evidence) bool { return e.Service == "" || e.Granted == 0 || e.Source == "" }) {
		t.Errorf("evidence of MyRole: %+v", p.Evidence)
	}
}

// What is recommended is what the analysis recommends, with proofs and certificates.
func TestARecommendationIsTheCommandLines(t *testing.T) {
	want := must(must(analysis())(t).Recommend(myRole))(t)
	conform(t, inFolders(t), func(t *testing.T, s stand) {
		scanned(t, s.store)
		check(t, s.Recommend(t.Context(), by(), theARN, myFinding(t)))
		got := made(t, s.store)
		if got.State != finding.Succeeded || got.Verdict != "proved" || len(got.Proofs) != 1 || got.Stale {
			t.Fatalf("got %+v", got)
		}
		if d := diff.Diff(want.Steps, got.Steps); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
		names := must(s.store.Certificates(t.Context(), got.ID))(t)
		folder := got.Proofs[0].Certificate
		if d := diff.Diff([]string{folder + "/no-new-access.smt2", folder + "/unused-gone.smt2", folder + "/used-kept.smt2"}, names); d != "" {
			t.Errorf("certificates: -want +got\n%s", d)
		}
	})
}
