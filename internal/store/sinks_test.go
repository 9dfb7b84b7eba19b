package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// me is who tells the sink of these tests.
const (
	sink = "webhook"
	me   = "first"
)

func withSink(t *testing.T, s *store.Store) {
	t.Helper()
	check(t, s.AddSink(ctxOf(t), sink))
	if !must(s.LeaseSink(ctxOf(t), sink, me, time.Hour))(t) {
		t.Fatal("a new sink is told by another")
	}
}

// told reads what is to be told, so much at a time, and notes it as told.
func told(t *testing.T, s *store.Store, limit int) []store.Step {
	t.Helper()
	all := []store.Step{}
	for {
		some := must(s.Untold(ctxOf(t), sink, limit))(t)
		if len(some) == 0 {
			return all
		}
		if len(some) > limit {
			t.Fatalf("%d events: want %d at most", len(some), limit)
		}
		all = append(all, some...)
		check(t, s.Told(ctxOf(t), sink, me, lastOf(some)))
		check(t, s.ToldRemovals(ctxOf(t), sink, me, removedOf(some)))
	}
}

func lastOf(steps []store.Step) map[string]int64 {
	out := map[string]int64{}
	for _, s := range steps {
		if !s.Removed {
			out[s.Analyzer] = s.Seq
		}
	}
	return out
}

func removedOf(steps []store.Step) (out []int64) {
	for _, s := range steps {
		if s.Removed {
			out = append(out, s.Seq)
		}
	}
	return out
}

// said is an event in a line.
func said(steps []store.Step) []string {
	out := []string{}
	for _, s := range steps {
		line := fmt.Sprintf("%s.%d %s>%s %s", s.Finding.ID, s.Version, s.From, s.Finding.Status, s.Who)
		if s.Removed {
			line += "removed"
		}
		out = append(out, line)
	}
	return out
}

func other(n int) string {
	return fmt.Sprintf("arn:aws:access-analyzer:us-east-1:123456789012:analyzer/other-%d", n)
}

func createOther(t *testing.T, s *store.Store, n int) {
	t.Helper()
	a := theAnalyzer()
	a.ARN, a.Name = other(n), fmt.Sprintf("other-%d", n)
	must(s.CreateAnalyzer(ctxOf(t), by(1), store.NewAnalyzer{Analyzer: a}))(t)
}

// runOf is a run of an analyzer that finds some unused roles.
func runOf(t *testing.T, s *store.Store, arn string, at, n int) {
	t.Helper()
	var all []finding.Finding
	for i := range n {
		all = append(all, plain(finding.UnusedIAMRole, i, at))
	}
	run := must(s.StartRun(ctxOf(t), arn, account, day(at)))(t)
	must(s.CompleteRun(ctxOf(t), run.ID, found(at, nil, all...)))(t)
}

func TestASinkIsToldFromNowOn(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		a, b := plain(finding.UnusedIAMRole, 1, 1), plain(finding.UnusedIAMRole, 2, 2)
		scan(t, s, 1, a)
		withSink(t, s)
		same(t, "at first", []string{}, said(told(t, s, 10)))
		same(t, "lag", []store.Lag{{Sink: sink}}, must(s.Lags(ctxOf(t)))(t))
		must(s.SetStatus(ctxOf(t), by(2), theARN, finding.Archived, []string{a.ID}))(t)
		scan(t, s, 3, a, b)
		check(t, s.AddSink(ctxOf(t), sink)) // a restart
		createOther(t, s, 1)
		runOf(t, s, other(1), 3, 1)
		same(t, "lag", []store.Lag{{sink, 3, day(2)}}, must(s.Lags(ctxOf(t)))(t))
		want := []string{
			"UnusedIAMRole-001.2 ACTIVE>ARCHIVED ann", "UnusedIAMRole-002.1 >ACTIVE ", "UnusedIAMRole-000.1 >ACTIVE ",
		}
		same(t, "told", want, said(must(s.Untold(ctxOf(t), sink, 10))(t)))
		same(t, "one at a time", want, said(told(t, s, 1)))
		same(t, "afterwards", []string{}, said(told(t, s, 10)))
		must(s.SetStatus(ctxOf(t), by(4), theARN, finding.Active, []string{a.ID}))(t)
		check(t, s.DeleteAnalyzer(ctxOf(t), by(4), theARN, ""))
		must(s.RemoveDeleted(ctxOf(t), 0))(t)
		same(t, "of what is gone", []string{"UnusedIAMRole-001.4 ACTIVE>ACTIVE removed", "UnusedIAMRole-002.2 ACTIVE>ACTIVE removed"}, said(told(t, s, 1)))
	})
}

// A step has the finding as the event left it, however late it is read.
func TestStepsAreAsTheEventsLeftThem(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		withSink(t, s)
		want := []finding.Finding{}
		now := func(at int) {
			t.Helper()
			f := must(s.Finding(ctxOf(t), theARN, permission(1, 1).ID))(t)
			f.AnalyzedAt, f.UpdatedAt = time.Time{}, day(at)
			want = append(want, f)
		}
		scan(t, s, 1, permission(1, 1, "A", "B"))
		now(1)
		scan(t, s, 2, permission(1, 2, "A"))
		now(2)
		scan(t, s, 3, permission(1, 2, "A")) // nothing happens
		must(s.SetStatus(ctxOf(t), by(4), theARN, finding.Archived, []string{permission(1, 1).ID}))(t)
		now(4)
		scan(t, s, 5)
		now(5)
		scan(t, s, 6, permission(1, 6, "C"))
		now(6)
		got := []finding.Finding{}
		for i, step := range told(t, s, 2) {
			if step.Version != i+1 || step.To != step.Finding.Status || !step.Finding.UpdatedAt.Equal(step.At) {
				t.Errorf("event %d: %+v", i+1, step)
			}
			step.Finding.AnalyzedAt = time.Time{}
			got = append(got, step.Finding)
		}
		for i := range want {
			want[i].CreatedAt, want[i].Sources = got[len(got)-1].CreatedAt, got[len(got)-1].Sources
		}
		same(t, "findings", want, got)
	})
}

func TestOneAtATimeTellsASink(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		ctx := ctxOf(t)
		withSink(t, s)
		scan(t, s, 1, plain(finding.UnusedIAMRole, 1, 1))
		steps := must(s.Untold(ctx, sink, 10))(t)
		lease := func(who string, limit time.Duration, want bool) {
			t.Helper()
			same(t, "a lease for "+who, want, must(s.LeaseSink(ctx, sink, who, limit))(t))
		}
		lease("second", time.Hour, false)
		lease(me, time.Hour, true)
		lease(me, -time.Second, true) // over
		lease("second", time.Hour, true)
		lease(me, time.Hour, false)
		if err := s.Told(ctx, sink, me, lastOf(steps)); !errors.Is(err, store.ErrConflict) {
			t.Errorf("from who lost the lease: %v", err)
		}
		check(t, s.ReleaseSink(ctx, sink, me)) // it isn't this one's
		lease(me, time.Hour, false)
		same(t, "still to be told", 1, len(must(s.Untold(ctx, sink, 10))(t)))
		check(t, s.ReleaseSink(ctx, sink, "second"))
		lease(me, time.Hour, true)
		check(t, s.Told(ctx, sink, me, lastOf(steps)))
		check(t, s.Told(ctx, sink, me, map[string]int64{theARN: 0})) // it never goes back
		same(t, "left", 0, len(must(s.Untold(ctx, sink, 10))(t)))
	})
}

// A writer whose keys are lower commits after one whose keys are higher, and is told too.
func TestWhatIsCommittedLaterIsntSkipped(t *testing.T) {
	url := storetest.New(t, storetest.Postgres)
	s := open(t, url)
	create(t, s)
	createOther(t, s, 1)
	first := plain(finding.UnusedPermission, 7, 1)
	scan(t, s, 1, first)
	runOf(t, s, other(1), 1, 1)
	withSink(t, s)
	letGo := held(t, url, first.ID)
	var late sync.WaitGroup
	late.Go(func() { must(s.SetStatusOf(ctxOf(t), by(2), theARN, finding.Archived, first.Resource))(t) })
	waiting(t, s, 1)
	must(s.SetStatusOf(ctxOf(t), by(2), other(1), finding.Archived, plain(finding.UnusedIAMRole, 0, 1).Resource))(t)
	early := told(t, s, 10)
	letGo()
	late.Wait()
	later := told(t, s, 10)
	if len(early) != 1 || len(later) != 1 || later[0].Seq >= early[0].Seq || later[0].Finding.ID != first.ID {
		t.Errorf("told %v, and then %v: want one each, the lower key last", said(early), said(later))
	}
}

// Whatever several writers do to several analyzers at the same time: a sink that is told
// meanwhile is told each event once, and those of a finding in their order.
func TestEveryEventIsTold(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		const analyzers, findings, rounds = 3, 4, 12
		for n := range analyzers {
			createOther(t, s, n)
			runOf(t, s, other(n), 1, findings)
		}
		withSink(t, s)
		done := make(chan struct{})
		var writers sync.WaitGroup
		for n := range 2 * analyzers {
			writers.Go(func() {
				for i := range rounds {
					to := []finding.Status{finding.Archived, finding.Active}[(i+n)%2]
					_, err := s.SetStatusOf(ctxOf(t), by(2+i), other(n%analyzers), to, plain(finding.UnusedIAMRole, i%findings, 1).Resource)
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		go func() { writers.Wait(); close(done) }()
		var got []store.Step
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			got = append(got, told(t, s, 3)...)
		}
		want := []string{}
		for n := range analyzers {
			for i := range findings {
				id := plain(finding.UnusedIAMRole, i, 1).ID
				history := must(s.History(ctxOf(t), other(n), id, store.Page{}))(t).Items
				for v := 2; v <= len(history); v++ {
					want = append(want, fmt.Sprint(other(n), id, v))
				}
			}
		}
		slices.SortStableFunc(got, func(a, b store.Step) int {
			return cmp.Or(cmp.Compare(a.Analyzer, b.Analyzer), cmp.Compare(a.Finding.ID, b.Finding.ID))
		})
		names := []string{}
		for _, g := range got {
			names = append(names, fmt.Sprint(g.Analyzer, g.Finding.ID, g.Version))
		}
		same(t, "told", want, names)
	})
}
