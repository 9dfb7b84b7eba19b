package jobs_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
)

// An analyzer that was changed is scanned by the schedule, though nobody asked for it: the server
// may have been killed before it could, or the scan that ran already was about to be over.
func TestAChangedAnalyzerIsScannedOnce(t *testing.T) {
	conform(t, inFolders(t), func(t *testing.T, s stand) {
		scanned(t, s.store)
		await(t, "the first scan done", func() bool { return jobsOf(t, s.queue, "scan")[0].State == "done" }) // it would see the change by itself
		a := must(s.store.Analyzer(t.Context(), theARN))(t)
		a.UnusedAge = 30
		check(t, s.store.UpdateAnalyzer(t.Context(), by(), a))
		await(t, "a run by the new age", func() bool {
			all := in(store.Complete, runs(t, s.store))
			return len(all) == 2 && all[0].WindowDays == 30
		})
		await(t, "the scan done", func() bool { return jobsOf(t, s.queue, "scan")[0].State == "done" })
		check(t, s.LookOnce(t.Context()))
		if n := len(jobsOf(t, s.queue, "scan")); n != 2 {
			t.Errorf("%d scans: want 2", n)
		}
	})
}

// What was found in an account that an organization's analyzer leaves alone by now is resolved,
// by one last look.
func TestAnAccountThatIsLeftAloneGetsALastLook(t *testing.T) {
	conform(t, inFolders(t), func(t *testing.T, s stand) {
		const org = "arn:aws:access-analyzer:us-east-1:444455556666:analyzer/org"
		must(s.store.CreateAnalyzer(t.Context(), by(), store.NewAnalyzer{Analyzer: store.Analyzer{
			ARN: org, Name: "org", Type: store.OrganizationUnused, UnusedAge: 90, Status: "ACTIVE",
		}}))(t)
		left := func() store.StatusCount {
			return must(s.store.StatusCounts(t.Context(), store.Query{Analyzer: org}))(t)
		}
		await(t, "findings", func() bool { return left().Active > 0 })
		await(t, "the first scans done", func() bool {
			return !slices.ContainsFunc(jobsOf(t, s.queue, "scan"), func(j jobs.Job) bool { return j.State != "done" })
		})
		a := must(s.store.Analyzer(t.Context(), org))(t)
		a.Exclusions = []store.Exclusion{{AccountIDs: []string{account}}}
		check(t, s.store.UpdateAnalyzer(t.Context(), by(), a))
		await(t, "no active findings", func() bool { now := left(); return now.Active == 0 && now.Resolved > 0 })
		await(t, "the scan done", func() bool { return jobsOf(t, s.queue, "scan")[0].State == "done" })
		check(t, s.LookOnce(t.Context()))
		all := must(s.store.Runs(t.Context(), org, account, store.Page{}))(t).Items
		if len(all) != 2 || all[0].Report.Skipped["excluded account"] == 0 {
			t.Errorf("%d runs: want 2, the last of which leaves all alone", len(all))
		}
	})
}

// A clock that was wrong for a while holds up no schedule.
func TestAScheduleOutlivesAWrongClock(t *testing.T) {
	clock := newClock(noon.AddDate(2, 0, 0))
	options := func() jobs.Options {
		clock.set(noon.AddDate(2, 0, 0))
		o := quick(folders(t))
		o.Now = clock.now
		return o
	}
	conform(t, options, func(t *testing.T, s stand) {
		first := scanned(t, s.store)
		clock.set(noon)
		await(t, "a run by the right clock", func() bool {
			all := runs(t, s.store)
			return all[0].ID != first.ID && all[0].StartedAt.Sub(noon).Abs() < time.Minute && all[0].State == store.Complete
		})
		if n := must(s.store.Count(t.Context(), store.Query{Analyzer: theARN, Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}}}))(t); n == 0 {
			t.Error("no findings")
		}
	})
}
