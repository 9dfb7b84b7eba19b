package serve

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/notify"
	"github.com/pare-iam/pare/internal/store"
)

// sink is told changes, and refuses the first so many times.
type sink struct {
	name    string
	refuses int
	final   bool
	began   chan context.Context // of each telling, which then waits for its end; nil: it doesn't wait

	mu   sync.Mutex
	told []string
}

func (s *sink) Name() string { return s.name }

func (s *sink) Send(ctx context.Context, changes []notify.Change) []notify.Failure {
	if s.began != nil {
		s.began <- ctx
		<-ctx.Done()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []notify.Failure
	for _, c := range changes {
		if s.refuses--; s.final || s.refuses >= 0 || ctx.Err() != nil {
			out = append(out, notify.Failure{Change: c, Reason: "no", Final: s.final})
			continue
		}
		s.told = append(s.told, fmt.Sprintf("%s.%d", c.Finding.ID, c.Version))
	}
	return out
}

func (s *sink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.told))
}

// lines is a log that tests read.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

const theARN = "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/a"

// teller is a store with an analyzer, and who tells what happens in it.
func teller(t *testing.T, sinks ...notify.Sink) (*events, *lines) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "db"), store.Options{})
	check(t, err)
	_, err = s.CreateAnalyzer(t.Context(), store.By{Who: "ann", At: time.Now()}, store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: theARN, Name: "a", Type: store.AccountUnused, UnusedAge: 90, Status: "ACTIVE",
	}})
	check(t, err)
	log := new(lines)
	e := &events{
		store: s, sinks: sinks, region: "us-east-1", log: slog.New(slog.NewTextHandler(log, nil)), metrics: newMetrics("test"),
		beat: time.Second, idle: 5 * time.Millisecond,
	}
	check(t, e.start(t.Context()))
	t.Cleanup(func() {
		e.close()
		check(t, s.Close())
	})
	return e, log
}

// found is a run that finds so many unused roles, and what a sink is told of it.
func found(t *testing.T, s *store.Store, n int) (want []string) {
	t.Helper()
	run, err := s.StartRun(t.Context(), theARN, "111122223333", time.Now())
	check(t, err)
	at := time.Now()
	_, err = s.CompleteRun(t.Context(), run.ID, store.Found{
		Findings: func(yield func(finding.Finding, error) bool) {
			for i := range n {
				f := finding.Finding{
					ID: fmt.Sprintf("f%03d", i), Type: finding.UnusedIAMRole, Account: "111122223333", Resource: fmt.Sprintf("arn:aws:iam::111122223333:role/r%d", i),
					AnalyzedAt: at, CreatedAt: at, UpdatedAt: at,
				}
				want = append(want, f.ID+".1")
				if !yield(f, nil) {
					return
				}
			}
		},
		Closing: func() store.Closing { return store.Closing{FinishedAt: at, WindowEnd: at, WindowDays: 90} },
	})
	check(t, err)
	return want
}

// settled waits until all sinks but some have been told all.
func settled(t *testing.T, e *events, but ...string) {
	t.Helper()
	for {
		lags, err := e.store.Lags(t.Context())
		check(t, err)
		if !slices.ContainsFunc(lags, func(l store.Lag) bool { return l.Untold > 0 && !slices.Contains(but, l.Sink) }) {
			return
		}
	}
}

// counted is the metric of what sinks were told.
func counted(t *testing.T, e *events) (out []string) {
	t.Helper()
	all, err := e.metrics.registry.Gather()
	check(t, err)
	for _, family := range all {
		if family.GetName() != "pare_events_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			out = append(out, fmt.Sprintf("%s %s %v", labels["sink"], labels["outcome"], m.GetCounter().GetValue()))
		}
	}
	slices.Sort(out)
	return out
}

// TestEachSinkIsToldAll has one sink fail at first and one refuse all.
func TestEachSinkIsToldAll(t *testing.T) {
	good, slow, never := &sink{name: "good"}, &sink{name: "slow", refuses: 1}, &sink{name: "never", final: true}
	e, log := teller(t, good, slow, never)
	want := found(t, e.store, 207)
	settled(t, e)
	if !slices.Equal(good.all(), want) || !slices.Equal(slow.all(), want) || len(never.all()) != 0 {
		t.Errorf("told %d, %d, %d of %d", len(good.all()), len(slow.all()), len(never.all()), len(want))
	}
	want = []string{"good dropped 0", "good told 207", "never dropped 207", "never told 0", "slow dropped 0", "slow told 207"}
	if diff := cmp.Diff(want, counted(t, e)); diff != "" {
		t.Errorf("metrics: -want +got\n%s", diff)
	}
	e.close()
	if n := strings.Count(log.text.String(), "a change wasn't told"); n != 207 {
		t.Errorf("%d lines say that a change wasn't told", n)
	}
}

// TestALostLeaseEndsTheTelling has another server take over while a sink is being told.
func TestALostLeaseEndsTheTelling(t *testing.T) {
	s := &sink{name: "s", began: make(chan context.Context)}
	e, _ := teller(t, s)
	found(t, e.store, 1)
	first := <-s.began
	check(t, e.store.ReleaseSink(t.Context(), "s", e.holder))
	for mine := false; !mine; { // who has it may renew it once more
		var err error
		mine, err = e.store.LeaseSink(t.Context(), "s", "another", time.Hour)
		check(t, err)
		check(t, e.store.ReleaseSink(t.Context(), "s", e.holder))
	}
	<-first.Done()
	check(t, e.store.ReleaseSink(t.Context(), "s", "another"))
	second := <-s.began // what wasn't told is told again
	e.stop()
	<-second.Done()
}
