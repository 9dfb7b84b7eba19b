package jobs_test

import (
	"testing"

	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
)

// Two analyzers look at an account at the same time, and its data is collected by one after
// the other.
func TestAnAccountIsCollectedByOneAtATime(t *testing.T) {
	var g *gate
	conform(t, func() jobs.Options {
		g = newGate(t)
		o := quick(g)
		o.Scans = 2
		return o
	}, func(t *testing.T, s stand) {
		<-g.come
		const other = theARN + "-too"
		_, err := s.store.CreateAnalyzer(t.Context(), by(), store.NewAnalyzer{Analyzer: store.Analyzer{
			ARN: other, Name: "unused-too", Type: store.AccountUnused, UnusedAge: 30, Status: "ACTIVE",
		}})
		check(t, err)
		seen := 0
		await(t, "the other's run waits", func() bool {
			all := must(s.store.Runs(t.Context(), other, account, store.Page{}))(t).Items
			if len(in(store.Running, all)) == 1 {
				seen++
			}
			return seen > 20 // time enough to come to the gate
		})
		if len(g.come) > 0 {
			t.Error("both collect the account")
		}
		g.held.Store(false)
		close(g.open)
		await(t, "both runs are complete", func() bool {
			all := must(s.store.FindRuns(t.Context(), store.RunQuery{State: store.Complete}, store.Page{}))(t).Items
			return len(all) == 2
		})
		if n := len(g.come); n != 1 {
			t.Errorf("the other collected %d times, want once", n)
		}
	})
}
