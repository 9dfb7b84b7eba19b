package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/smithy-go"
)

// Runner runs plans in one account. Its calls are one after the other.
type Runner struct {
	IAM    IAM
	Caller Caller
	Now    func() time.Time
	Sleep  func(context.Context, time.Duration) error

	Settle       time.Duration // how long it may take until a read shows what was written
	AllowManaged []string      // besides the plan's own
	Report       func(Event)   // nil: nobody is told
}

// Event is something that happened to an action.
type Event struct {
	Action  Action
	Call    *Call   // about to be made; nil: the action came to its end
	Outcome Outcome // of the end
	Err     error   // of a call that is made again, or why it stopped
}

func (r *Runner) report(e Event) {
	if r.Report != nil {
		r.Report(e)
	}
}

// mostTries is how often a call is made that AWS says to make again, or of which nobody
// knows whether it was made.
const mostTries = 6

// sureTries is how often a policy isn't deleted because something has it, until that isn't
// an attachment that was taken away a moment ago.
const sureTries = 3

// callLimit is how long a call may take; an interrupt doesn't break it off.
const callLimit = 2 * time.Minute

// Apply makes what a journal's plan says, from where the journal says it is. It stops at
// the first action that can't be done: a *Stop, which wraps a *Conflict when somebody else
// changed something. The journal then says what was done.
func (r *Runner) Apply(ctx context.Context, j *Journal) error {
	if j.TakenBack() {
		return &Conflict{[]string{j.Path + ": it is being taken back, or was: `pare rollback` goes on with that; to apply it again, make a plan anew"}}
	}
	by, err := r.identify(ctx, j.Plan)
	if err != nil {
		return err
	}
	if err := r.begin(ctx, j, Applying, by); err != nil {
		return err
	}
	for _, s := range j.Plan.Steps {
		if err := r.step(ctx, j, s); err != nil {
			return err
		}
	}
	if err := r.verify(ctx, j.Plan.Actions(), func(a Action) Value { return a.Leave }); err != nil {
		return err
	}
	return j.add(Line{Kind: LineEnd, At: r.Now(), Direction: Applying})
}

// step makes what is left of a step. Before its first call it looks once more for what
// happened since the plan was made.
func (r *Runner) step(ctx context.Context, j *Journal, s Step) error {
	if len(s.Actions) > 0 && j.untouched(s) {
		lines, err := r.since(ctx, j.Plan, s)
		if err == nil && len(lines) > 0 {
			err = &Conflict{lines}
		}
		if err != nil {
			return r.stopped(s.Actions[0], err)
		}
	}
	for _, a := range s.Actions {
		rec := j.record(a.ID)
		if rec.outcome == Applied || rec.outcome == Already {
			continue
		}
		if _, err := r.forward(ctx, j, a); err != nil {
			return r.stopped(a, err)
		}
	}
	return nil
}

func (r *Runner) stopped(a Action, err error) error {
	r.report(Event{Action: a, Outcome: Stopped, Err: err})
	return &Stop{a.ID, a.Target, err}
}

// begin waits until what an interrupted run wrote can be read, and notes the run.
func (r *Runner) begin(ctx context.Context, j *Journal, d Direction, by string) error {
	if wait := r.Settle - r.Now().Sub(j.last); j.begun[Applying] && !j.whole && wait > 0 {
		if err := r.Sleep(ctx, min(wait, r.Settle)); err != nil {
			return err
		}
	}
	return j.add(Line{Kind: LineBegin, At: r.Now(), Direction: d, By: by})
}

// forward brings one action's target to what the plan says.
func (r *Runner) forward(ctx context.Context, j *Journal, a Action) (Outcome, error) {
	live, err := read(ctx, r.IAM, a.Target)
	if err != nil {
		return Stopped, err
	}
	rec := j.record(a.ID)
	c := course{target: a.Target, from: rec.before, to: a.Leave}
	reached := Applied
	if !rec.begun {
		expected := course{target: a.Target, from: a.Expect, to: a.Leave}.next(live)
		switch {
		case expected.conflict != "":
			return Stopped, &Conflict{[]string{expected.conflict}}
		case expected.arrived():
			reached = Already
		}
		c.from = live
	}
	return r.drive(ctx, j, a, trip{c, Applying, reached}, live)
}

// trip is a course in a direction, with what it is to be called when it has arrived.
type trip struct {
	course
	direction Direction
	reached   Outcome
}

// drive makes one call after the other until the target has arrived.
func (r *Runner) drive(ctx context.Context, j *Journal, a Action, t trip, live Value) (Outcome, error) {
	tries := 0
	for {
		m := t.next(live)
		switch {
		case m.conflict != "":
			return Stopped, &Conflict{[]string{m.conflict}}
		case m.arrived():
			return t.reached, r.reach(j, a, t.direction, t.reached)
		}
		if err := ctx.Err(); err != nil {
			return Stopped, err
		}
		if err := r.spread(ctx, j, a, *m.call); err != nil {
			return Stopped, err
		}
		version, err := r.call(ctx, j, a, t, *m.call)
		if err == nil {
			live, tries = after(a.Target, live, t.to, *m.call, version), 0
			continue
		}
		tries++
		if t.direction == TakingBack && m.call.Op == OpDeletePolicy && code(err) == "DeleteConflict" && tries == sureTries {
			return Kept, r.reach(j, a, t.direction, Kept)
		}
		if live, err = r.look(ctx, t, *m.call, tries, err); err != nil {
			return Stopped, err
		}
	}
}

// spread waits, before access is taken away, until what the same step gave in its place is
// known everywhere: AWS doesn't promise that what was written first is seen first.
func (r *Runner) spread(ctx context.Context, j *Journal, a Action, c Call) error {
	given, ok := j.given[j.steps[a.ID]]
	if wait := r.Settle - r.Now().Sub(given); ok && c.takes() && wait > 0 {
		return r.Sleep(ctx, min(wait, r.Settle))
	}
	return nil
}

// look reads what is there after a call went wrong. The error is the call's, when there is
// no use in making it again; nil: go on from what is there.
func (r *Runner) look(ctx context.Context, t trip, c Call, tries int, wrong error) (Value, error) {
	if errors.Is(wrong, errJournal) {
		return Value{}, wrong
	}
	kind := classify(wrong, c)
	wait := min(time.Second<<(tries-1), 16*time.Second)
	if kind == unknown {
		wait = max(wait, r.Settle)
	}
	if kind != refused {
		if err := r.Sleep(ctx, wait); err != nil {
			return Value{}, errors.Join(wrong, err)
		}
	}
	live, err := read(ctx, r.IAM, t.target)
	if err != nil {
		return Value{}, errors.Join(wrong, err)
	}
	if m := t.next(live); (kind == refused || tries >= mostTries) && !m.arrived() {
		return Value{}, wrong
	}
	return live, nil
}

// errJournal marks an error of the journal: nothing more may be called.
var errJournal = errors.New("nothing more was called")

// call makes one call, with a line before and a line after it.
func (r *Runner) call(ctx context.Context, j *Journal, a Action, t trip, c Call) (version string, err error) {
	line := Line{Kind: LineCall, At: r.Now(), Direction: t.direction, Action: a.ID, Call: &c}
	if rec := j.record(a.ID); !rec.begun {
		line.Before = &t.from
	}
	if err := j.add(line); err != nil {
		return "", errors.Join(err, errJournal)
	}
	r.report(Event{Action: a, Call: &c})
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	version, err = write(limited, r.IAM, c)
	line = Line{Kind: LineDone, At: r.Now(), Direction: t.direction, Action: a.ID, Version: version}
	if err != nil {
		line.Kind, line.Error = LineFailed, err.Error()
		r.report(Event{Action: a, Call: &c, Err: err})
	}
	if c.gives() {
		j.given[j.steps[a.ID]] = r.Now()
	}
	if broken := j.add(line); broken != nil {
		return "", errors.Join(broken, errJournal, err)
	}
	return version, err
}

func (r *Runner) reach(j *Journal, a Action, d Direction, o Outcome) error {
	if err := j.add(Line{Kind: LineReach, At: r.Now(), Direction: d, Action: a.ID, Outcome: o}); err != nil {
		return err
	}
	r.report(Event{Action: a, Outcome: o})
	return nil
}

// failure is what an error of a call means.
type failure uint8

const (
	unknown   failure = iota // nobody knows whether it was made
	throttled                // it wasn't, and may be made again
	refused                  // it wasn't, and won't be
)

// classify tells by AWS's code. What AWS made a moment ago it may not find yet, so that
// attaching a new policy may have to wait.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func classify(err error, c Call) failure {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return unknown
	}
	switch api.ErrorCode() {
	case "Throttling", "ThrottlingException", "RequestLimitExceeded", "ConcurrentModification", "EntityTemporarilyUnmodifiable":
		return throttled
	case "NoSuchEntity":
		if c.Op == OpAttach || c.Op == OpAddToProfile || c.Op == OpPutInline || c.Op == OpTag || c.Op == OpSetDefault {
			return throttled
		}
		return refused
	case "DeleteConflict": // or what was taken from it a moment ago
		if c.Op == OpDeleteRole || c.Op == OpDeletePolicy {
			return throttled
		}
		return refused
	case "EntityAlreadyExists": // or it was deleted a moment ago
		if c.Op == OpCreateRole {
			return throttled
		}
		return refused
	}
	if api.ErrorFault() == smithy.FaultServer || api.ErrorFault() == smithy.FaultUnknown {
		return unknown
	}
	return refused
}

// verify reads all targets once more. What AWS doesn't show yet gets some time.
func (r *Runner) verify(ctx context.Context, actions []Action, want func(Action) Value) error {
	for tries := 0; ; tries++ {
		var late []Action
		var lines []string
		for _, a := range actions {
			live, err := read(ctx, r.IAM, a.Target)
			if err != nil {
				return err
			}
			if !same(a.Target, live, want(a)) {
				late = append(late, a)
				lines = append(lines, fmt.Sprintf("action %s: %s: it was changed, and now there is %s, not %s", a.ID, a.Target, live.text(), want(a).text()))
			}
		}
		if len(late) == 0 {
			return nil
		}
		if tries == mostTries {
			return &Conflict{lines}
		}
		if err := r.Sleep(ctx, max(time.Second, r.Settle/2)); err != nil {
			return err
		}
		actions = late
	}
}
