package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
	"github.com/pare-iam/pare/usage"
)

const (
	account = "111122223333" // the sample's
	theARN  = "arn:aws:access-analyzer:us-east-1:" + account + ":analyzer/unused"
	myRole  = "arn:aws:iam::" + account + ":role/MyRole"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return v
	}
}

// sample is a folder with the demo's account, made once.
var sample = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pare-jobs-")
	if err != nil {
		return "", err
	}
	return dir, writeSample(filepath.Join(dir, account))
})

func writeSample(dir string) error {
	world := samplegen.New(catalog.Embedded(), samplegen.Demo())
	return world.Snapshot(func(name string, content func(io.Writer) error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		return errors.Join(content(w), w.Flush(), f.Close())
	})
}

// clock is a time that tests set.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time         { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) set(t time.Time)        { c.at.Store(t.UnixMicro()) }
func (c *clock) pass(d time.Duration)   { c.at.Add(d.Microseconds()) }
func newClock(t time.Time) (out *clock) { out = new(clock); out.set(t); return out }

// noon is when the tests' clock begins; the sample is older.
var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func by() store.By { return store.By{Who: "ann", Origin: "192.0.2.1", At: noon} }

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s := must(store.Open(t.Context(), url, store.Options{}))(t)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// setUp puts the sample's account and an analyzer of it into the store.
func setUp(ctx context.Context, s *store.Store) error {
	err := s.PutAccount(ctx, by(), store.Account{ID: account, Name: "sample", Partition: "aws"})
	if err != nil {
		return err
	}
	_, err = s.CreateAnalyzer(ctx, by(), store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: theARN, Name: "unused", Type: store.AccountUnused, UnusedAge: 90, Status: "ACTIVE",
	}})
	return err
}

// quick are options of a queue that is looked at often.
func quick(source jobs.Source) jobs.Options {
	return jobs.Options{
		Source: source, Catalog: catalog.Embedded(), Now: newClock(noon).now, Logger: slog.New(slog.DiscardHandler),
		Beat: 250 * time.Millisecond, Look: 50 * time.Millisecond, Poll: 20 * time.Millisecond, Grace: 5 * time.Second,
	}
}

// queue is embedded under a name that isn't its method's.
type queue = jobs.Jobs

// stand is a store with the sample in it, and a queue.
type stand struct {
	*queue
	store *store.Store
}

// conform runs f on each engine.
func conform(t *testing.T, o func() jobs.Options, f func(t *testing.T, s stand)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		f(t, stand{start(t, s, o()), s})
	})
}

func start(t testing.TB, s *store.Store, o jobs.Options) *jobs.Jobs {
	t.Helper()
	j := must(jobs.New(t.Context(), s, o))(t)
	check(t, j.Start(t.Context()))
	t.Cleanup(func() { check(t, j.Stop(context.Background())) }) // the test's own context is over
	return j
}

// folders is the sample as a source.
func folders(t testing.TB) jobs.Folders { return jobs.Folders{Root: must(sample())(t)} }

func inFolders(t testing.TB) func() jobs.Options {
	return func() jobs.Options { return quick(folders(t)) }
}

// patience is how long anything may take on a machine that is busy.
const patience = 3 * time.Minute

// await waits until something is so.
func await(t testing.TB, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

func runs(t testing.TB, s *store.Store) []store.Run {
	t.Helper()
	return must(s.Runs(t.Context(), theARN, "", store.Page{Limit: 1000}))(t).Items
}

func in(state store.RunState, all []store.Run) []store.Run {
	var out []store.Run
	for _, r := range all {
		if r.State == state {
			out = append(out, r)
		}
	}
	return out
}

// scanned waits for the first run, which is to be complete.
func scanned(t testing.TB, s *store.Store) store.Run {
	t.Helper()
	await(t, "a run that is over", func() bool {
		all := runs(t, s)
		return len(all) > 0 && all[len(all)-1].State != store.Running
	})
	all := runs(t, s)
	first := all[len(all)-1]
	if first.State != store.Complete {
		t.Fatalf("the run failed: %s", first.Failure)
	}
	return first
}

func exported(t testing.TB, s *store.Store) []finding.Finding {
	t.Helper()
	var out []finding.Finding
	for f, err := range s.Export(t.Context(), store.Query{Analyzer: theARN, Sort: store.Sort{By: store.ByID}}) {
		check(t, err)
		out = append(out, f)
	}
	return out
}

// analysis is what the command line makes of the sample.
var analysis = sync.OnceValues(func() (*analyze.Account, error) {
	dir, err := sample()
	if err != nil {
		return nil, err
	}
	return analyze.Open(context.Background(), filepath.Join(dir, account), analyze.Options{
		Catalog: catalog.Embedded(), Age: 90 * usage.Day, Clock: noon, Settings: analyzer.Settings{Workers: 1},
	})
})

// myFinding is the ID of MyRole's permissions finding.
func myFinding(t testing.TB) string {
	t.Helper()
	return must(must(analysis())(t).Recommend(myRole))(t).FindingID
}

// jobsOf are the jobs of a kind, the newest first.
func jobsOf(t testing.TB, j *jobs.Jobs, kind string) []jobs.Job {
	t.Helper()
	var out []jobs.Job
	page := store.Page{Limit: 3}
	for {
		part := must(j.Jobs(t.Context(), page))(t)
		for _, job := range part.Items {
			if job.Kind == kind {
				out = append(out, job)
			}
		}
		if page.Token = part.Next; page.Token == "" {
			return out
		}
	}
}

// made waits for MyRole's recommendation.
func made(t testing.TB, s *store.Store) store.Recommendation {
	t.Helper()
	id := myFinding(t)
	await(t, "a recommendation", func() bool {
		r, err := s.Recommendation(t.Context(), theARN, id)
		return err == nil && r.State != store.InProgress
	})
	return must(s.Recommendation(t.Context(), theARN, id))(t)
}

func brief(r store.Run) string {
	return fmt.Sprintf("%d %s %s %s", r.ID, r.Account, r.State, r.Failure)
}
