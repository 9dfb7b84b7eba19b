package notify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/internal/notify"
)

// script is a sink that answers as told and remembers.
type script struct {
	name string
	// answer is asked for each change; attempt counts the Sends from 1. nil: all is told.
	answer func(attempt int, c notify.Change) *notify.Failure
	// before is called before each Send; nil: nothing.
	before func(ctx context.Context, attempt int)

	mu    sync.Mutex
	began time.Time
	sends []string // "0s a.1 b.1": when, and versions of findings
	told  []notify.Change
}

func newScript(name string) *script { return &script{name: name, began: time.Now()} }

func (s *script) Name() string { return s.name }

func (s *script) Send(ctx context.Context, changes []notify.Change) []notify.Failure {
	s.mu.Lock()
	s.sends = append(s.sends, time.Since(s.began).String()+" "+briefs(changes))
	attempt := len(s.sends)
	s.mu.Unlock()
	if s.before != nil {
		s.before(ctx, attempt)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []notify.Failure
	for _, c := range changes {
		if s.answer != nil {
			if f := s.answer(attempt, c); f != nil {
				f.Change = c
				out = append(out, *f)
				continue
			}
		}
		s.told = append(s.told, c)
	}
	return out
}

func brief(c notify.Change) string { return fmt.Sprintf("%s.%d", c.Finding.ID, c.Version) }

func briefs(changes []notify.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, brief(c))
	}
	return strings.Join(out, " ")
}

// steps are changes by their briefs: "a.1 b.1 a.2".
func steps(text string) []notify.Change {
	var out []notify.Change
	for field := range strings.FieldsSeq(text) {
		c := roles(1)[0]
		id, version, _ := strings.Cut(field, ".")
		c.Finding.ID = id
		c.Version = int(version[0] - '0')
		out = append(out, c)
	}
	return out
}

// exact are no waits but those that are asked for.
var exact = notify.Options{MinWait: 1, MaxWait: 1}

// dispatch runs a dispatcher for a time of the bubble's clock.
func dispatch(t *testing.T, box notify.Outbox, o notify.Options, d time.Duration, sinks ...notify.Sink) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	dispatcher, err := notify.NewDispatcher(box, sinks, o)
	if err != nil {
		t.Fatal(err)
	}
	dispatcher.Run(ctx)
}

func again(f *notify.Failure, when bool) *notify.Failure {
	if when {
		return f
	}
	return nil
}

func TestOnlyWhatFailedIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("s")
		s.answer = func(attempt int, c notify.Change) *notify.Failure {
			return again(&notify.Failure{Reason: "busy", After: 3 * time.Second}, attempt == 1 && c.Finding.ID == "b" || attempt <= 2 && c.Finding.ID == "c")
		}
		box := &notify.Memory{}
		box.Add(steps("a.1 b.1 c.1 d.1")...)
		var reports []string
		o := exact
		o.Report = func(r notify.Report) {
			reports = append(reports, fmt.Sprintf("%s attempt %d: told %d, again %d in %v, position %d", r.Sink, r.Attempt, r.Told, len(r.Again), r.Wait, r.Position))
		}
		dispatch(t, box, o, time.Minute, s)
		if diff := cmp.Diff([]string{"0s a.1 b.1 c.1 d.1", "3s b.1 c.1", "6s c.1"}, s.sends); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if diff := cmp.Diff([]string{
			"s attempt 1: told 2, again 2 in 3s, position 0",
			"s attempt 2: told 1, again 1 in 3s, position 0",
			"s attempt 3: told 1, again 0 in 0s, position 4",
		}, reports); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if got := box.Acked("s"); got != 4 {
			t.Errorf("position %d, want 4", got)
		}
	})
}

func TestABrokenSinkHoldsBackNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, slow, well := newScript("broken"), newScript("slow"), newScript("well")
		broken.answer = func(int, notify.Change) *notify.Failure { return &notify.Failure{Reason: "no route"} }
		slow.before = func(ctx context.Context, _ int) {
			select {
			case <-ctx.Done():
			case <-time.After(40 * time.Second):
			}
		}
		box := &notify.Memory{}
		box.Add(steps("a.1 b.1 a.2 c.1")...)
		dispatch(t, box, notify.Options{}, time.Minute, broken, slow, well)
		got := [][]string{slow.sends, well.sends}
		if diff := cmp.Diff([][]string{{"0s a.1 b.1", "40s a.2 c.1"}, {"0s a.1 b.1", "0s a.2 c.1"}}, got); diff != "" {
			t.Errorf("the slow one, the one that is well: -want +got\n%s", diff)
		}
		if box.Acked("broken") != 0 || box.Acked("well") != 4 {
			t.Errorf("positions %d and %d, want 0 and 4", box.Acked("broken"), box.Acked("well"))
		}
		if len(broken.sends) < 5 || len(broken.sends) > 9 { // after 1, 2, 4, 8, 16 s, half or whole
			t.Errorf("the broken one was tried %d times in a minute", len(broken.sends))
		}
	})
}

func TestWhatIsRefusedIsReportedAndLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("s")
		s.answer = func(_ int, c notify.Change) *notify.Failure {
			return again(&notify.Failure{Code: "400", Reason: "no", Final: true}, c.Finding.ID == "b")
		}
		box := &notify.Memory{}
		changes := steps("a.1 b.1 c.1 d.1")
		changes[2].Region = "" // never told
		box.Add(changes...)
		var dropped []notify.Failure
		dispatch(t, box, notify.Options{Report: func(r notify.Report) { dropped = append(dropped, r.Dropped...) }}, time.Minute, s)
		want := []string{"finding b: 400: no (for good)", "finding c: finding c: no region: want the analyzer's, such as us-east-1 (for good)"}
		if diff := cmp.Diff(want, told(dropped)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if briefs(s.told) != "a.1 d.1" || box.Acked("s") != 4 {
			t.Errorf("told %s, position %d", briefs(s.told), box.Acked("s"))
		}
	})
}

func TestGivingUpTakesTheTimeThatIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("s")
		s.answer = func(_ int, c notify.Change) *notify.Failure {
			return again(&notify.Failure{Reason: "busy", After: 10 * time.Second}, c.Finding.ID == "a")
		}
		box := &notify.Memory{}
		box.Add(steps("a.1 b.1 a.2 c.1")...)
		var dropped []notify.Failure
		dispatch(t, box, notify.Options{GiveUp: 25 * time.Second, Report: func(r notify.Report) { dropped = append(dropped, r.Dropped...) }}, 2*time.Minute, s)
		want := []string{"0s a.1 b.1", "10s a.1", "20s a.1", "30s a.1", "30s a.2 c.1", "40s a.2", "50s a.2", "1m0s a.2"}
		if diff := cmp.Diff(want, s.sends); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if diff := cmp.Diff([]string{"finding a: busy", "finding a: busy"}, told(dropped)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// A wait that the other side asks for is kept, up to an hour.
func TestAskedWaitsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("s")
		s.answer = func(attempt int, _ notify.Change) *notify.Failure {
			return again(&notify.Failure{Reason: "busy", After: time.Duration(attempt) * 50 * time.Minute}, attempt <= 2)
		}
		box := &notify.Memory{}
		box.Add(steps("a.1")...)
		dispatch(t, box, exact, 5*time.Hour, s)
		if diff := cmp.Diff([]string{"0s a.1", "50m0s a.1", "1h50m0s a.1"}, s.sends); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestNewChangesAreToldWhenItIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("s")
		box := &notify.Memory{}
		d, err := notify.NewDispatcher(box, []notify.Sink{s}, notify.Options{Idle: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		go func() {
			time.Sleep(10 * time.Second)
			box.Add(steps("a.1")...)
			d.Wake()
			d.Wake()
			time.Sleep(10 * time.Second)
			box.Add(steps("b.1")...) // nobody wakes it
		}()
		d.Run(ctx)
		if diff := cmp.Diff([]string{"10s a.1", "1m10s b.1"}, s.sends); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// flaky is an outbox that fails as told.
type flaky struct {
	notify.Memory
	next, ack []error // one a call; then none
}

func (f *flaky) Next(ctx context.Context, sink string, limit int) ([]notify.Entry, error) {
	if len(f.next) > 0 {
		err := f.next[0]
		f.next = f.next[1:]
		if err != nil {
			return nil, err
		}
	}
	return f.Memory.Next(ctx, sink, limit)
}

func (f *flaky) Ack(ctx context.Context, sink string, told []notify.Entry) error {
	if len(f.ack) > 0 {
		err := f.ack[0]
		f.ack = f.ack[1:]
		if err != nil {
			return err
		}
	}
	return f.Memory.Ack(ctx, sink, told)
}

// Troubles of the outbox are waited out; what isn't acknowledged is told again.
func TestTheOutboxMayFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("s")
		down := errors.New("database is down")
		box := &flaky{next: []error{down, down}, ack: []error{nil, down}}
		box.Add(steps("a.1 a.2 b.1")...)
		var troubles []string
		o := notify.Options{MinWait: 2, MaxWait: 2, Batch: 2}
		o.Report = func(r notify.Report) {
			if r.Outbox != nil {
				troubles = append(troubles, fmt.Sprint(r.Attempt, " ", r.Outbox))
			}
		}
		dispatch(t, box, o, time.Minute, s)
		if diff := cmp.Diff([]string{"1 database is down", "2 database is down", "3 database is down"}, troubles); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if got := briefs(s.told); got != "a.1 a.2 a.2 b.1" || box.Acked("s") != 3 {
			t.Errorf("told %s, position %d", got, box.Acked("s"))
		}
	})
}

// What was told when the server stops counts as told; what wasn't is told by the next Run.
func TestStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("s")
		box := &notify.Memory{}
		box.Add(steps("a.1 a.2")...)
		ctx, cancel := context.WithCancel(t.Context())
		s.before = func(context.Context, int) { cancel() } // stopped while a.1 is told
		d, err := notify.NewDispatcher(box, []notify.Sink{s}, notify.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d.Run(ctx)
		first := box.Acked("s")
		s.before = nil
		dispatch(t, box, notify.Options{}, time.Minute, s)
		if got := briefs(s.told); got != "a.1 a.2" || first != 1 && first != 2 || box.Acked("s") != 2 {
			t.Errorf("told %s, positions %d and %d", got, first, box.Acked("s"))
		}
	})
}

func TestSinksHaveNamesOfTheirOwn(t *testing.T) {
	for _, names := range [][]string{{""}, {"a", "b", "a"}} {
		var sinks []notify.Sink
		for _, name := range names {
			sinks = append(sinks, newScript(name))
		}
		if _, err := notify.NewDispatcher(&notify.Memory{}, sinks, notify.Options{}); err == nil || !strings.Contains(err.Error(), "want a name of its own for each") {
			t.Errorf("%q: %v", names, err)
		}
	}
}

func TestMemoryRefusesPositionsThatArent(t *testing.T) {
	box := &notify.Memory{}
	box.Add(steps("a.1 b.1")...)
	at := func(positions ...notify.Position) (out []notify.Entry) {
		for _, p := range positions {
			out = append(out, notify.Entry{Position: p})
		}
		return out
	}
	if err := errors.Join(box.Ack(t.Context(), "s", at(1)), box.Ack(t.Context(), "other", at(1, 2))); err != nil {
		t.Error(err)
	}
	for _, told := range [][]notify.Entry{at(0), at(1), at(3)} {
		if err := box.Ack(t.Context(), "s", told); err == nil || box.Acked("s") != 1 {
			t.Errorf("%v: %v; now %d", told, err, box.Acked("s"))
		}
	}
	if err := box.Ack(t.Context(), "other", at(3)); err == nil {
		t.Error("a position that isn't there")
	}
}

// slow is an outbox that takes its time to note what was told.
type slow struct {
	notify.Memory
	takes time.Duration
}

func (s *slow) Ack(ctx context.Context, sink string, told []notify.Entry) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.takes):
	}
	return s.Memory.Ack(ctx, sink, told)
}

// A database that is busy is waited for: what was told isn't told again for that. When the
// server stops, it is waited for a little.
func TestASlowOutbox(t *testing.T) {
	for _, tt := range []struct {
		name     string
		takes    time.Duration
		stops    time.Duration
		want     string
		position notify.Position
	}{
		{"while the server runs, however long", time.Minute, 3 * time.Minute, "a.1 a.2", 2},
		{"while it stops, ten seconds", 9 * time.Second, time.Second, "a.1", 1},
		{"and no longer", time.Minute, time.Second, "a.1", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, box := newScript("s"), &slow{takes: tt.takes}
				box.Add(steps("a.1 a.2")...)
				dispatch(t, box, notify.Options{}, tt.stops, s)
				if got := briefs(s.told); got != tt.want || box.Acked("s") != tt.position {
					t.Errorf("told %s, position %d: want %s, %d", got, box.Acked("s"), tt.want, tt.position)
				}
			})
		})
	}
}

// plan is one trial of the law below.
type plan struct {
	findings []int // of which finding each change is
	batch    int
	fails    []bool // of the n-th change that is sent
	stops    []int  // after how many Sends the server stops, in turn; then never
}

// Whatever fails and whenever the server stops: every change is told at least once, and no
// finding's later change before its earlier one.
func TestEveryChangeIsToldInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := plan{
			findings: rapid.SliceOfN(rapid.IntRange(0, 3), 0, 20).Draw(rt, "findings"),
			batch:    rapid.IntRange(1, 8).Draw(rt, "batch"),
			fails:    rapid.SliceOfN(rapid.Bool(), 0, 60).Draw(rt, "fails"),
			stops:    rapid.SliceOfN(rapid.IntRange(1, 5), 0, 4).Draw(rt, "stops"),
		}
		var problem string
		synctest.Test(t, func(t *testing.T) { problem = p.run(t) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

func (p *plan) run(t *testing.T) string {
	box, s := &notify.Memory{}, newScript("s")
	versions := map[string]int{}
	for _, f := range p.findings {
		c := roles(1)[0]
		c.Finding.ID = string(rune('a' + f))
		versions[c.Finding.ID]++
		c.Version = versions[c.Finding.ID]
		box.Add(c)
	}
	sent := 0
	s.answer = func(int, notify.Change) *notify.Failure {
		sent++
		return again(&notify.Failure{Reason: "busy"}, sent <= len(p.fails) && p.fails[sent-1])
	}
	for _, stop := range p.stops {
		ctx, cancel := context.WithCancel(t.Context())
		until := len(s.sends) + stop
		s.before = func(_ context.Context, attempt int) {
			if attempt >= until {
				cancel()
			}
		}
		d, err := notify.NewDispatcher(box, []notify.Sink{s}, notify.Options{Batch: p.batch})
		if err != nil {
			return err.Error()
		}
		go func() {
			time.Sleep(time.Hour)
			cancel()
		}()
		d.Run(ctx)
		cancel()
	}
	s.before = nil
	dispatch(t, box, notify.Options{Batch: p.batch}, 24*time.Hour, s)
	return inOrder(s.told, versions)
}

// inOrder says what is wrong with what was told; empty if nothing is.
func inOrder(told []notify.Change, versions map[string]int) string {
	seen := map[string]int{}
	for _, c := range told {
		id := c.Finding.ID
		if c.Version > seen[id]+1 {
			return fmt.Sprintf("%s was told before version %d: %s", brief(c), seen[id]+1, briefs(told))
		}
		seen[id] = max(seen[id], c.Version)
	}
	for id, n := range versions {
		if seen[id] != n {
			return fmt.Sprintf("finding %s was told up to version %d of %d: %s", id, seen[id], n, briefs(told))
		}
	}
	return ""
}

// The changes of one finding are told one after another even where they come in one batch.
func TestRoundsKeepAFindingsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("s")
		box := &notify.Memory{}
		box.Add(steps("a.1 b.1 b.2 a.2 a.3 c.1 d.1")...)
		dispatch(t, box, notify.Options{}, time.Minute, s)
		if diff := cmp.Diff([]string{"0s a.1 b.1", "0s b.2 a.2", "0s a.3 c.1 d.1"}, s.sends); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}
