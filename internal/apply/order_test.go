package apply

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a clock that moves only while somebody sleeps.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// What takes the place of something is there, and known everywhere, before that goes; on
// the way back too.
func TestNothingIsTakenBeforeItsPlaceIsTaken(t *testing.T) {
	w := newWorld(t)
	watch := &clock{now: time.Now()}
	plan := w.plan(
		[]change{
			{Policy{policyARN("wide-recommended"), "wide-recommended", "/team/"}, withDocument(doc("s3:GetObject"))},
			{Attachment{app, policyARN("wide-recommended")}, there}, {Attachment{app, policyARN("wide")}, Value{}},
		},
		[]change{{Inline{app, "junk"}, Value{}}}, // nothing in its place: no wait
	)
	type call struct {
		op string
		at time.Duration
	}
	var calls []call
	began := watch.Now()
	r := runner(w.s.URL, http.DefaultTransport)
	r.Now, r.Sleep, r.Settle = watch.Now, watch.Sleep, 10*time.Second
	r.Report = func(e Event) {
		if e.Call != nil {
			calls = append(calls, call{e.Call.Operation(), watch.Now().Sub(began)})
		}
	}
	j := journal(t, plan)
	if err := r.Apply(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rollback(t.Context(), j, Selection{}); err != nil {
		t.Fatal(err)
	}
	want := []call{
		{"CreatePolicy", 0}, {"AttachRolePolicy", 0}, {"DetachRolePolicy", r.Settle}, {"DeleteRolePolicy", r.Settle},
		{"PutRolePolicy", r.Settle}, {"AttachRolePolicy", r.Settle}, {"DetachRolePolicy", 2 * r.Settle}, {"DeletePolicy", 2 * r.Settle},
	}
	if len(calls) != len(want) {
		t.Fatalf("got %v, want %v", calls, want)
	}
	for i := range want {
		if calls[i] != want[i] {
			t.Errorf("call %d: got %v, want %v", i, calls[i], want[i])
		}
	}
}

// A quota that is reached stops a run before anything is taken away. When there is room it
// goes on.
func TestQuotaReached(t *testing.T) {
	w := newWorld(t)
	plan, before := w.every(), w.state()
	full := true
	road := replacing(func(operation string) string {
		if full && operation == "AttachRolePolicy" {
			return "LimitExceeded"
		}
		return ""
	})
	j := journal(t, plan)
	err := runner(w.s.URL, road).Apply(t.Context(), j)
	if stop, ok := errors.AsType[*Stop](err); !ok || code(err) != "LimitExceeded" || stop.Target != (Attachment{app, policyARN("wide-recommended")}) {
		t.Fatalf("got %v", err)
	}
	done := *plan
	done.Steps = append([]Step{plan.Steps[0]}, Step{Actions: plan.Steps[1].Actions[:1]})
	differ(t, "stopped", before.planned(&done), w.state())
	full = false
	if err := runner(w.s.URL, road).Apply(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	differ(t, "resumed", before.planned(plan), w.state())
}

// replacing is a road on which some operations get an error for an answer: the one of the
// code that is returned.
type replacing func(operation string) string

func (f replacing) RoundTrip(r *http.Request) (*http.Response, error) {
	if operation, err := operationOf(r); err != nil {
		return nil, err
	} else if code := f(operation); code != "" {
		return answer(r, http.StatusConflict, code), nil
	}
	return send(r, nil)
}

// What AWS refuses because of one role doesn't keep others from getting back what they had.
func TestRollbackGoesOn(t *testing.T) {
	w := newWorld(t)
	plan, before := w.every(), w.state()
	r := runner(w.s.URL, http.DefaultTransport)
	j := journal(t, plan)
	if err := r.Apply(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	road := replacing(func(operation string) string {
		if operation == "PutRolePolicy" {
			return "NoSuchEntity"
		}
		return ""
	})
	results, err := runner(w.s.URL, road).Rollback(t.Context(), j, Selection{})
	if _, conflict := errors.AsType[*Conflict](err); !conflict || !strings.Contains(err.Error(), "action al: ") || !strings.Contains(err.Error(), "NoSuchEntity") {
		t.Fatalf("got %v", err)
	}
	if last := results[len(results)-1]; last.Step != "s1" || last.Outcome != Undone {
		t.Errorf("the first step: %+v", last)
	}
	if _, err := r.Rollback(t.Context(), j, Selection{}); err != nil {
		t.Fatal(err)
	}
	differ(t, "when it is over", before.without(lostBy(plan)...), w.state())
}

// AWS may still show what was taken away a moment ago: what says that it is still needed is
// asked again.
func TestWhatWasTakenIsStillSeen(t *testing.T) {
	w := newWorld(t)
	plan, before := w.every(), w.state()
	late := map[string]int{"DeleteRole": 2, "DeletePolicy": 2, "CreateRole": 2}
	road := replacing(func(operation string) string {
		if late[operation]--; late[operation] < 0 {
			return ""
		}
		if operation == "CreateRole" {
			return "EntityAlreadyExists"
		}
		return "DeleteConflict"
	})
	j := journal(t, plan)
	if err := runner(w.s.URL, road).Apply(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	differ(t, "applied", before.planned(plan), w.state())
	if _, err := runner(w.s.URL, road).Rollback(t.Context(), j, Selection{}); err != nil {
		t.Fatal(err)
	}
	differ(t, "taken back", before.without(lostBy(plan)...), w.state())
}

// A policy that somebody else has by now is kept.
func TestPolicyInUseIsKept(t *testing.T) {
	w := newWorld(t)
	plan := w.every()
	r := runner(w.s.URL, http.DefaultTransport)
	j := journal(t, plan)
	if err := r.Apply(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	w.attach("old", "wide-recommended")
	tries := 0
	road := replacing(func(operation string) string { // moto would delete it
		if operation != "DeletePolicy" {
			return ""
		}
		tries++
		return "DeleteConflict"
	})
	results, err := runner(w.s.URL, road).Rollback(t.Context(), j, Selection{Policies: []string{"wide"}})
	if err != nil || len(results) != 3 || results[2].Outcome != Kept || tries != sureTries {
		t.Errorf("after %d tries: %v %v", tries, results, err)
	}
}

// A journal is one run's: another doesn't cut off the line that is being written.
func TestJournalIsHeld(t *testing.T) {
	plan := &Plan{SchemaVersion: Schema, Account: account, MadeAt: time.Now(), Steps: []Step{{ID: "s1", Actions: []Action{{"a1", Password{"ann"}, there, Value{}}}}}}
	j, err := Create(filepath.Join(t.TempDir(), "x.journal.jsonl"), plan, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.file.Write([]byte(`{"kind":"call",`)); err != nil { // half a line
		t.Fatal(err)
	}
	if _, err := Open(j.Path); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if looked, err := Read(j.Path); err != nil || looked.Untouched() != true {
		t.Errorf("looked at: %v", err)
	}
	if _, err := j.file.Write([]byte(`"at":"2026-11-23T00:00:00Z","action":"a1","call":{"op":"deleteLoginProfile"}}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again := opened(t, j.Path)
	if again.Outcome("a1") != Stopped || again.Untouched() {
		t.Errorf("the line is lost: %s", again.Outcome("a1"))
	}
}
