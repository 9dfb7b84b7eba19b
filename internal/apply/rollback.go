package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/policy"
)

// Selection says what of a journal to take back. The zero value is all of it. A step is
// taken back whole, unless actions are given by their ids.
type Selection struct {
	Policies []string // names or ARNs of policies, of before or after
	Removed  []string // IAM actions that a step took away: "s3:GetObject"
	Actions  []string // ids of actions of the plan, or of steps
}

// Result is what became of an action.
type Result struct {
	Step    string
	Action  Action
	Outcome Outcome
	Why     string // when it stopped, was kept or is lost
}

// Rollback takes back what a journal says was done, the last first. Where somebody else
// changed something since, or AWS refuses for what is there, the rest of that step is left
// alone and the other steps are taken back: the error is then a *Conflict. Any other error
// stops it; the same call goes on.
func (r *Runner) Rollback(ctx context.Context, j *Journal, sel Selection) ([]Result, error) {
	chosen, err := sel.choose(j.Plan)
	if err != nil {
		return nil, err
	}
	by, err := r.identify(ctx, &Plan{Account: j.Plan.Account})
	if err != nil {
		return nil, err
	}
	if err := r.begin(ctx, j, TakingBack, by); err != nil {
		return nil, err
	}
	var results []Result
	var lines []string
	var undone []Action
	for _, s := range slices.Backward(j.Plan.Steps) {
		for _, a := range slices.Backward(s.Actions) {
			if !chosen[a.ID] {
				continue
			}
			outcome, err := r.backward(ctx, j, a)
			result := Result{Step: s.ID, Action: a, Outcome: outcome}
			refused := ofThisAlone(err)
			switch {
			case refused:
				result.Why = err.Error()
				lines = append(lines, "action "+a.ID+": "+result.Why)
				r.report(Event{Action: a, Outcome: Stopped, Err: err})
			case err != nil:
				return results, r.stopped(a, err)
			case outcome == Undone:
				undone = append(undone, a)
			}
			results = append(results, result)
			if refused {
				break
			}
		}
	}
	if err := r.verify(ctx, undone, func(a Action) Value { return j.record(a.ID).before }); err != nil {
		return results, err
	}
	if len(lines) > 0 {
		return results, &Conflict{lines}
	}
	return results, j.add(Line{Kind: LineEnd, At: r.Now(), Direction: TakingBack})
}

// ofThisAlone says whether an error is about one target, so that others may go on: somebody
// else changed it, or AWS refuses by a code that says what is there.
func ofThisAlone(err error) bool {
	if _, conflict := errors.AsType[*Conflict](err); conflict {
		return true
	}
	if errors.Is(err, errJournal) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return slices.Contains([]string{
		"NoSuchEntity", "LimitExceeded", "EntityAlreadyExists", "DeleteConflict", "MalformedPolicyDocument", "UnmodifiableEntity", "InvalidInput", "PolicyNotAttachable",
	}, code(err))
}

// backward brings one action's target back to what was there before.
func (r *Runner) backward(ctx context.Context, j *Journal, a Action) (Outcome, error) {
	rec := j.record(a.ID)
	switch {
	case !rec.begun:
		return NotBegun, nil
	case rec.outcome == Undone:
		return Undone, nil
	}
	live, err := read(ctx, r.IAM, a.Target)
	if err != nil {
		return Stopped, err
	}
	if final(a) && !same(a.Target, live, rec.before) {
		return NotBack, r.reach(j, a, TakingBack, NotBack)
	}
	c := course{target: a.Target, from: a.Leave, to: rec.before, back: true, dropped: rec.dropped}
	return r.drive(ctx, j, a, trip{c, TakingBack, Undone}, live)
}

// final says whether an action can't be taken back.
func final(a Action) bool {
	switch a.Target.(type) {
	case AccessKey, Password:
		return !a.Leave.There
	case Policy, Attachment, Inline, RoleTag, ProfileRole, Role:
		return false
	}
	panic(fmt.Sprintf("apply: unhandled %T", a.Target))
}

// choose are the ids of the actions that are selected. What selects nothing is an error.
func (sel Selection) choose(p *Plan) (map[string]bool, error) {
	out := map[string]bool{}
	var removed []policy.Action
	for _, text := range sel.Removed {
		action, err := policy.ParseAction(text)
		if err != nil {
			return nil, fmt.Errorf("--action %s: %w", text, err)
		}
		removed = append(removed, action)
	}
	for _, s := range p.Steps {
		byPolicy := len(sel.Policies) == 0 || slices.ContainsFunc(sel.Policies, s.about)
		byRemoved := len(removed) == 0 || slices.ContainsFunc(removed, s.takes)
		for _, a := range s.Actions {
			byID := len(sel.Actions) == 0 || slices.Contains(sel.Actions, a.ID) || slices.Contains(sel.Actions, s.ID)
			if byPolicy && byRemoved && byID {
				out[a.ID] = true
			}
		}
	}
	if len(out) == 0 && len(p.Steps) > 0 {
		return nil, errors.New("the journal's plan has nothing that " + sel.text() + " selects")
	}
	return out, nil
}

func (sel Selection) text() string {
	var parts []string
	for _, name := range sel.Policies {
		parts = append(parts, "--policy "+name)
	}
	for _, name := range slices.Concat(sel.Removed, sel.Actions) {
		parts = append(parts, "--action "+name)
	}
	return strings.Join(parts, " ")
}

// about says whether a step is about a policy, by its name or ARN.
func (s *Step) about(name string) bool {
	return slices.ContainsFunc(s.Actions, func(a Action) bool {
		id := policyOf(a.Target)
		return id != "" && (id == name || lastName(id) == name)
	})
}

// takes says whether a step takes an IAM action away: what it replaces allows it somewhere,
// and what it leaves doesn't. A quarantine takes every one away.
func (s *Step) takes(action policy.Action) bool {
	before, after := false, false
	for _, a := range s.Actions {
		if inline, ok := a.Target.(Inline); ok && inline.Name == QuarantinePolicy && a.Leave.There {
			return true
		}
		switch a.Target.(type) {
		case Policy, Attachment, Inline:
			before = before || a.Expect.There && allows(a.Expect.Document, action)
			after = after || a.Leave.There && allows(a.Leave.Document, action)
		case RoleTag, AccessKey, Password, ProfileRole, Role:
		}
	}
	return before && !after
}

func allows(doc string, action policy.Action) bool {
	parsed, err := policy.Parse("policy", []byte(doc))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(parsed.Statements, func(st policy.Statement) bool {
		return st.Effect == policy.Allow && st.Action.Match(action)
	})
}
