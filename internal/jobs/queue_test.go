package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// gate is a source that can be held, and that can fail.
type gate struct {
	jobs.Folders
	held  atomic.Bool
	stuck bool          // it doesn't look whether anybody wants it to end
	come  chan struct{} // somebody collects
	open  chan struct{} // who is held may go on
	wrong atomic.Pointer[string]
}

func newGate(t testing.TB) *gate {
	g := &gate{Folders: folders(t), come: make(chan struct{}, 100), open: make(chan struct{})}
	g.held.Store(true)
	return g
}

// Collect waits, if it is held, for the gate to open or the end of ctx.
func (g *gate) Collect(ctx context.Context, a store.Account) (string, error) {
	if why := g.wrong.Load(); why != nil {
		return "", errors.New(*why)
	}
	g.come <- struct{}{}
	if g.held.Load() {
		ended := ctx.Done()
		if g.stuck {
			ended = nil
		}
		select {
		case <-g.open:
		case <-ended:
			return "", ctx.Err()
		}
	}
	return g.Folders.Collect(ctx, a)
}

func (g *gate) Folder(ctx context.Context, a store.Account) (string, error) {
	if why := g.wrong.Load(); why != nil {
		return "", errors.New(*why)
	}
	return g.Folders.Folder(ctx, a)
}

func TestOneScanOfAnAccountWaitsOrRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		g := newGate(t)
		j := must(jobs.New(t.Context(), s, quick(g)))(t)
		ask := func() {
			t.Helper()
			var all errgroup.Group
			for range 8 {
				all.Go(func() error { return j.Scan(t.Context(), by(), theARN, account) })
			}
			check(t, all.Wait())
			if n := len(jobsOf(t, j, "scan")); n != 1 {
				t.Fatalf("%d scans: want 1", n)
			}
		}
		ask()
		check(t, j.Start(t.Context()))
		defer func() { check(t, j.Stop(context.Background())) }()
		<-g.come
		ask()
		close(g.open)
		scanned(t, s)
		if all := runs(t, s); len(all) != 1 {
			t.Errorf("%d runs: want 1", len(all))
		}
		job := jobsOf(t, j, "scan")[0]
		await(t, "the scan done", func() bool { job = jobsOf(t, j, "scan")[0]; return job.State == "done" })
		if job.Account != account || job.Analyzer != theARN || job.Who != "ann" || job.Attempt != 1 || job.FinishedAt.IsZero() || job.Subject != "" {
			t.Errorf("job %+v", job)
		}
		check(t, j.Scan(t.Context(), by(), theARN, ""))
		await(t, "a second run", func() bool { return len(in(store.Complete, runs(t, s))) == 2 })
	})
}

// Who changes an analyzer while it is at it gets a scan by what is wanted now.
func TestAScanFollowsItsAnalyzer(t *testing.T) {
	var g *gate
	conform(t, func() jobs.Options { g = newGate(t); return quick(g) }, func(t *testing.T, s stand) {
		<-g.come
		a := must(s.store.Analyzer(t.Context(), theARN))(t)
		a.UnusedAge, a.Exclusions = 30, []store.Exclusion{{ResourceTags: []map[string]string{{"team": ""}}}}
		check(t, s.store.UpdateAnalyzer(t.Context(), by(), a))
		check(t, s.Scan(t.Context(), by(), theARN, ""))
		close(g.open)
		await(t, "two complete runs", func() bool { return len(in(store.Complete, runs(t, s.store))) == 2 })
		all := runs(t, s.store)
		if all[0].WindowDays != 30 || all[1].WindowDays != 90 || all[0].Report.Skipped["excluded tag"] == 0 {
			t.Errorf("%d and %d days, skipped %v", all[1].WindowDays, all[0].WindowDays, all[0].Report.Skipped)
		}
	})
}

func TestSchedules(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		clock := newClock(noon)
		o := quick(folders(t))
		o.Now, o.Look, o.Every = clock.now, time.Hour, 6*time.Hour
		var servers []*jobs.Jobs
		for range 3 {
			servers = append(servers, must(jobs.New(t.Context(), s, o))(t))
		}
		look := func() {
			t.Helper()
			var all errgroup.Group
			for _, j := range servers {
				all.Go(func() error { return j.LookOnce(t.Context()) })
			}
			check(t, all.Wait())
		}
		// done waits until n scans are done, and no other is there.
		done := func(n int) {
			t.Helper()
			await(t, fmt.Sprintf("%d scans done", n), func() bool {
				all := jobsOf(t, servers[0], "scan")
				return len(all) >= n && !slices.ContainsFunc(all, func(j jobs.Job) bool { return j.State != "done" })
			})
			if all := runs(t, s); len(all) != n || len(jobsOf(t, servers[0], "scan")) != n {
				t.Fatalf("%d runs of %d scans: want %d", len(all), len(jobsOf(t, servers[0], "scan")), n)
			}
		}
		look()
		check(t, servers[0].Start(t.Context()))
		done(1)
		check(t, servers[0].Stop(t.Context())) // a restart forgets nothing, and repeats nothing
		servers[0] = must(jobs.New(t.Context(), s, o))(t)
		check(t, servers[0].Start(t.Context()))
		clock.pass(6*time.Hour - time.Second)
		look()
		done(1)
		clock.pass(time.Second)
		look()
		done(2)
		a := must(s.Analyzer(t.Context(), theARN))(t)
		a.Every = time.Hour
		check(t, s.UpdateAnalyzer(t.Context(), by(), a))
		clock.pass(time.Hour)
		look()
		done(3)
		a.Status = "DISABLED"
		check(t, s.UpdateAnalyzer(t.Context(), by(), a))
		clock.pass(100 * time.Hour)
		look()
		done(3)
		if n := len(jobsOf(t, servers[0], "clean")); n != 1 {
			t.Errorf("%d cleanings in a day: want 1", n)
		}
		check(t, servers[0].Stop(t.Context()))
	})
}

// impatient waits until the last job of a kind is in a state, without River's pauses between
// attempts.
func impatient(t testing.TB, j *jobs.Jobs, kind, state string) {
	t.Helper()
	await(t, kind+" "+state, func() bool {
		job := jobsOf(t, j, kind)[0]
		if job.State == "retrying" {
			if err := j.Retry(t.Context(), by(), job.ID); err != nil && !errors.Is(err, store.ErrConflict) {
				t.Fatal(err)
			}
		}
		return job.State == state
	})
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	var g *gate
	conform(t, func() jobs.Options {
		g = newGate(t)
		g.held.Store(false)
		g.wrong.Store(new("the role can't be assumed"))
		return quick(g)
	}, func(t *testing.T, s stand) {
		var job jobs.Job
		await(t, "a failure", func() bool {
			all := jobsOf(t, s.queue, "scan")
			if len(all) == 0 {
				return false
			}
			job = all[0]
			return job.State == "retrying"
		})
		if !strings.Contains(job.Error, "the role can't be assumed") || job.NextAt.IsZero() {
			t.Errorf("job %+v", job)
		}
		if all := runs(t, s.store); all[0].State != store.Failed || all[0].Failure != "the role can't be assumed" {
			t.Errorf("run %s", brief(all[0]))
		}
		g.wrong.Store(nil)
		impatient(t, s.queue, "scan", "done")
		if n := len(in(store.Complete, runs(t, s.store))); n != 1 {
			t.Errorf("%d complete runs: want 1", n)
		}
		if err := s.Retry(t.Context(), by(), job.ID); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a job that is done: %v", err)
		}
		if err := s.Retry(t.Context(), by(), job.ID+1000); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a job that isn't there: %v", err)
		}
		g.wrong.Store(new("no disk"))
		check(t, s.Recommend(t.Context(), by(), theARN, myFinding(t)))
		impatient(t, s.queue, "recommend", "failed")
		if got := made(t, s.store); got.State != finding.Failed || got.ErrorCode != "INTERNAL_ERROR" || got.Error != "no disk" {
			t.Errorf("got %+v", got)
		}
		g.wrong.Store(nil)
		check(t, s.Retry(t.Context(), by(), jobsOf(t, s.queue, "recommend")[0].ID))
		await(t, "a recommendation", func() bool { return made(t, s.store).State == finding.Succeeded })
	})
}

func TestWhatIsAskedForMustBeThere(t *testing.T) {
	conform(t, inFolders(t), func(t *testing.T, s stand) {
		scanned(t, s.store)
		role := exported(t, s.store)[slices.IndexFunc(exported(t, s.store), func(f finding.Finding) bool { return f.Type == finding.UnusedIAMRole })]
		ctx := t.Context()
		for _, c := range []struct {
			name string
			want error
			err  error
		}{
			{"a scan of no analyzer", store.ErrNotFound, s.Scan(ctx, by(), theARN+"x", account)},
			{"a scan of no account", store.ErrNotFound, s.Scan(ctx, by(), theARN, "999999999999")},
			{"a recommendation for no finding", store.ErrNotFound, s.Recommend(ctx, by(), theARN, "none")},
			{"a recommendation for an unused role", store.ErrConflict, s.Recommend(ctx, by(), theARN, role.ID)},
			{"a rule that isn't there", store.ErrNotFound, s.ApplyRule(ctx, by(), theARN, "none")},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, c.err, c.want)
			}
		}
		if _, err := s.queue.Jobs(ctx, store.Page{Token: "x"}); !errors.Is(err, store.ErrToken) {
			t.Errorf("a wrong token: %v", err)
		}
		check(t, s.store.CreateRule(ctx, by(), theARN, finding.ArchiveRule{Name: "roles", Filter: finding.Filter{"findingType": {Eq: []string{string(finding.UnusedIAMRole)}}}}, ""))
		check(t, s.ApplyRule(ctx, by(), theARN, "roles"))
		await(t, "unused roles archived", func() bool {
			return must(s.store.Finding(ctx, theARN, role.ID))(t).Status == finding.Archived
		})
		await(t, "nothing left to do", func() bool {
			counts := must(s.Counts(ctx))(t)
			return !slices.ContainsFunc(counts, func(c jobs.Count) bool { return c.State != "completed" })
		})
		counts := must(s.Counts(ctx))(t)
		want := []jobs.Count{{"apply-rule", "completed", 1}, {"clean", "completed", 1}, {"scan", "completed", 1}}
		if d := cmp.Diff(want, counts); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	})
}

// A recommendation that somebody started, and was killed before it had a job, gets one.
func TestARecommendationWithoutAJobGetsOne(t *testing.T) {
	conform(t, inFolders(t), func(t *testing.T, s stand) {
		scanned(t, s.store)
		id := must(s.store.StartRecommendation(t.Context(), by(), theARN, myFinding(t)))(t)
		if got := made(t, s.store); got.ID != id || got.State != finding.Succeeded {
			t.Errorf("got %+v: want %d", got, id)
		}
	})
}
