package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// fullOf is a store whose analyzer has found n findings, with a principal and a recommendation.
func fullOf(t *testing.T, s *store.Store, n int) (run store.Run) {
	t.Helper()
	var many []finding.Finding
	for i := range n {
		many = append(many, permission(i, 1, "A"))
	}
	in := found(1, nil, many...)
	in.Principals = sequence(store.Principal{
		ARN: permission(0, 1).Resource, Kind: store.Role, Account: account, Granted: 9, Policies: []store.HeldPolicy{{Kind: finding.InlinePolicy, Name: "p", Policy: "{}"}},
		Evidence: []store.Evidence{{Service: "s3", Granted: 9}},
	})
	run = must(s.StartRun(ctxOf(t), theARN, account, day(1)))(t)
	must(s.CompleteRun(ctxOf(t), run.ID, in))(t)
	must(s.StartRecommendation(ctxOf(t), by(1), theARN, permission(0, 1).ID))(t)
	check(t, s.CreateRule(ctxOf(t), by(1), theARN, finding.ArchiveRule{Name: "r", Filter: finding.Filter{"id": {Eq: []string{"none"}}}}, ""))
	return run
}

// rowsOf counts the rows that are an analyzer's, and analyzers.
func rowsOf(t *testing.T, s *store.Store) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, table := range []string{
		"analyzers", "archive_rules", "runs", "account_states", "account_sums", "findings", "finding_details", "finding_services", "finding_counts", "service_counts",
		"resources", "finding_notes", "finding_history", "sink_positions", "principals", "principal_policies", "recommendations", "account_changes", "day_counts",
	} {
		n := 0
		check(t, s.Connections().Writer.QueryRowContext(ctxOf(t), "SELECT COUNT(*) FROM "+table).Scan(&n))
		if n > 0 {
			out[table] = n
		}
	}
	return out
}

// A deleted analyzer is gone for everybody at once, and its name is free, though all it found is
// there still.
func TestADeletedAnalyzerIsGoneAtOnce(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		run := fullOf(t, s, 5)
		late := must(s.StartRun(ctxOf(t), theARN, account, day(2)))(t)
		check(t, s.DeleteAnalyzer(ctxOf(t), by(3), theARN, ""))
		same(t, "findings in the database", 5, rowsOf(t, s)["findings"])
		for what, err := range map[string]error{
			"by its ARN": again(s.Analyzer(ctxOf(t), theARN)), "by its name": again(s.Analyzer(ctxOf(t), "unused")), "its findings": again(s.Findings(ctxOf(t), store.Query{Analyzer: theARN}, store.Page{})),
			"a finding": again(s.Finding(ctxOf(t), theARN, permission(0, 1).ID)), "its run": again(s.Run(ctxOf(t), run.ID)), "its runs": again(s.Runs(ctxOf(t), theARN, "", store.Page{})),
			"its rules": again(s.Rules(ctxOf(t), theARN, store.Page{})), "its principals": again(s.Principals(ctxOf(t), theARN, "", store.Page{})),
			"a run that ends": again(s.CompleteRun(ctxOf(t), late.ID, found(3, nil))), "deleted again": s.DeleteAnalyzer(ctxOf(t), by(3), theARN, ""),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		same(t, "analyzers", 0, len(must(s.Analyzers(ctxOf(t), "", store.Page{}))(t).Items))
		same(t, "runs", 0, len(must(s.FindRuns(ctxOf(t), store.RunQuery{}, store.Page{}))(t).Items))
		same(t, "recommendations", 0, len(must(s.Advised(ctxOf(t), store.AdviceQuery{}, store.Page{}))(t).Items))
		create(t, s)
		same(t, "what another of its name has found", 0, len(listed(t, s, store.Query{}, 10)))
		if err := again(s.CompleteRun(ctxOf(t), late.ID, found(3, nil, permission(1, 3, "A")))); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a run of the one before that ends: %v", err)
		}
		scan(t, s, 4, permission(1, 4, "A"))
		before := rowsOf(t, s)
		same(t, "removed", 5, must(s.RemoveDeleted(ctxOf(t), 2))(t))
		same(t, "what is left is the other's", 1, len(listed(t, s, store.Query{}, 10)))
		after := rowsOf(t, s)
		same(t, "analyzers before and after", []int{2, 1}, []int{before["analyzers"], after["analyzers"]})
		check(t, s.DeleteAnalyzer(ctxOf(t), by(5), theARN, ""))
		must(s.RemoveDeleted(ctxOf(t), 0))(t)
		same(t, "rows in the end", map[string]int{}, rowsOf(t, s))
	})
}

// Two servers remove the findings of a deleted analyzer, are interrupted again and again, and
// sinks are told meanwhile: each finding once. One that is added later is told of none.
func TestRemovalsAreToldOnceWhoeverRemoves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		create(t, s)
		const n = 60
		fullOf(t, s, n)
		withSink(t, s)
		check(t, s.DeleteAnalyzer(ctxOf(t), by(2), theARN, ""))
		check(t, s.AddSink(ctxOf(t), "late"))
		var both sync.WaitGroup
		for _, server := range []*store.Store{s, other} {
			both.Go(func() { removeInPieces(t, server) })
		}
		seen := map[string]int{}
		note := func() {
			for _, step := range told(t, s, 7) {
				seen[fmt.Sprint(step.Finding.ID, " ", step.Removed, " ", step.Analyzer, " ", step.At.Equal(day(2)))]++
			}
		}
		for range 5 {
			note()
		}
		both.Wait()
		note()
		want := map[string]int{}
		for i := range n {
			want[fmt.Sprint(permission(i, 1).ID, " true ", theARN, " true")] = 1
		}
		same(t, "told", want, seen)
		same(t, "another that came later", 0, len(steps(t, s, "late")))
		same(t, "rows in the end", map[string]int{}, rowsOf(t, s))
	})
}

// removeInPieces removes what is deleted, though it is interrupted after ever longer times.
func removeInPieces(t *testing.T, s *store.Store) {
	for wait := time.Millisecond; ; wait += wait / 2 {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		_, err := s.RemoveDeleted(ctx, 3)
		cancel()
		switch {
		case err == nil:
			return
		case wait > time.Minute:
			t.Errorf("after %v: %v", wait, err)
			return
		}
	}
}
