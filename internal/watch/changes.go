package watch

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/policy"
)

// Changes is what a journal says was changed, and since when.
type Changes struct {
	Plan  *apply.Plan
	Since time.Time // of the first call; zero: nothing was called yet

	steps []step
}

// step is a step of the plan with the time in which it was in force.
type step struct {
	*apply.Step
	who    []principal
	began  time.Time // of its first call; zero: not begun
	undone time.Time // when the last of it was taken back; zero: some of it is in force
}

// principal is a role or user, whatever its path: names are unique in an account.
type principal struct{ account, kind, name string }

// principalOf is whose ARN it is: a session's is its role's.
func principalOf(text string) (principal, bool) {
	arn, err := policy.ParseARN(text)
	if err != nil {
		return principal{}, false
	}
	switch kind := arn.Type(); {
	case arn.Service == "iam" && (kind == "role" || kind == "user"):
		return principal{arn.Account, kind, arn.Name()}, true
	case arn.Service == "sts" && kind == "assumed-role":
		session := policy.ARN{Resource: arn.ID()}
		return principal{arn.Account, "role", session.Type()}, session.Type() != ""
	}
	return principal{}, false
}

func (p principal) String() string { return p.kind + " " + p.name }

const wantJournal = "want a journal, as pare apply PLAN --yes writes it"

// ReadChanges reads a journal, to which an apply or rollback may be writing: a last line
// that breaks off isn't read. The path is for messages.
func ReadChanges(path string, src []byte) (*Changes, error) {
	c := &Changes{}
	began, undone := map[string]time.Time{}, map[string]time.Time{}
	n := 0
	for text := range bytes.Lines(src[:bytes.LastIndexByte(src, '\n')+1]) {
		n++
		var line apply.Line
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %s", path, n, err, wantJournal)
		}
		if n == 1 {
			if err := firstLine(line); err != nil {
				return nil, fmt.Errorf("%s:1: %w", path, err)
			}
			c.Plan = line.Plan
		}
		switch {
		case line.Kind == apply.LineCall && line.Direction == apply.Applying:
			if _, known := began[line.Action]; !known {
				began[line.Action] = line.At
			}
		case line.Kind == apply.LineReach && line.Direction == apply.TakingBack && line.Outcome == apply.Undone:
			undone[line.Action] = line.At
		}
	}
	if c.Plan == nil {
		return nil, fmt.Errorf("%s: no whole line in it: nothing was applied: %s", path, wantJournal)
	}
	for i := range c.Plan.Steps {
		c.add(&c.Plan.Steps[i], began, undone)
	}
	return c, nil
}

func firstLine(line apply.Line) error {
	switch {
	case line.SchemaVersion > apply.Schema:
		return fmt.Errorf("schemaVersion %d: this pare reads %d; update pare", line.SchemaVersion, apply.Schema)
	case line.Kind != apply.LinePlan || line.Plan == nil:
		return errors.New("no plan in the first line: " + wantJournal)
	}
	return nil
}

// add adds a step with its times.
func (c *Changes) add(s *apply.Step, began, undone map[string]time.Time) {
	out := step{Step: s}
	for _, arn := range append([]string{s.Principal}, s.Affects...) {
		if p, ok := principalOf(arn); ok && !slices.Contains(out.who, p) {
			out.who = append(out.who, p)
		}
	}
	whole := true
	for _, a := range s.Actions {
		at, ok := began[a.ID]
		if !ok {
			continue
		}
		if out.began.IsZero() || at.Before(out.began) {
			out.began = at
		}
		back, ok := undone[a.ID]
		whole = whole && ok
		if back.After(out.undone) {
			out.undone = back
		}
	}
	if !whole {
		out.undone = time.Time{}
	}
	if !out.began.IsZero() && (c.Since.IsZero() || out.began.Before(c.Since)) {
		c.Since = out.began
	}
	c.steps = append(c.steps, out)
}

// Principals is how many roles and users were changed, or are to be.
func (c *Changes) Principals() int {
	seen := map[principal]bool{}
	for _, s := range c.steps {
		for _, p := range s.who {
			seen[p] = true
		}
	}
	return len(seen)
}

// slack is how far the clocks of this machine and of AWS may differ, and how long a change
// may take until it is in force everywhere.
const slack = time.Minute

// force is whether a step was in force at a time.
type force uint8

const (
	before force = iota // the step wasn't begun
	during
	since // it was taken back, then or later
)

func (s *step) at(t time.Time) force {
	switch {
	case s.began.IsZero() || t.Before(s.began.Add(-slack)):
		return before
	case s.undone.IsZero():
		return during
	case t.After(s.undone.Add(slack)):
		return before // as if it had never been
	}
	return since
}
