package apply

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// journal starts the journal of a plan.
func journal(t *testing.T, p *Plan) *Journal {
	t.Helper()
	j, err := Create(filepath.Join(t.TempDir(), "plan.journal.jsonl"), p, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func differ(t *testing.T, what string, want, got accountState) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

func TestApplyAndRollback(t *testing.T) {
	w := wholeWorld(t)
	r := runner(w.s.URL, http.DefaultTransport)
	for _, test := range []struct {
		name string
		plan func() *Plan
		lost func(*Plan) []string
	}{
		{"every kind of step", w.whole, lostBy},
		{"a user and a group", w.others, lostBy},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := test.plan()
			before := w.state()
			if err := r.Check(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			j := journal(t, plan)
			if err := r.Apply(t.Context(), j); err != nil {
				t.Fatal(err)
			}
			differ(t, "applied", before.planned(plan), w.state())
			if !j.Finished() {
				t.Error("the journal isn't finished")
			}
			results, err := r.Rollback(t.Context(), j, Selection{})
			if err != nil {
				t.Fatal(err)
			}
			differ(t, "taken back", before.without(test.lost(plan)...), w.state())
			for _, result := range results {
				if want := result.Outcome; want != Undone && !(final(result.Action) && want == NotBack) {
					t.Errorf("%s: %s %s", result.Action.Target, result.Outcome, result.Why)
				}
			}
		})
	}
}

// lostBy is what a plan deletes for good.
func lostBy(p *Plan) []string {
	var out []string
	for _, a := range p.Actions() {
		switch t := a.Target.(type) {
		case AccessKey:
			if !a.Leave.There {
				out = append(out, t.ID+" "+a.Expect.Text)
			}
		case Password:
			out = append(out, "password")
		case Policy, Attachment, Inline, RoleTag, ProfileRole, Role:
		}
	}
	return out
}
