package apply

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Direction is whether a run applies or takes back.
type Direction string

// The directions.
const (
	Applying   Direction = "apply"
	TakingBack Direction = "rollback"
)

// Outcome is how an action ended.
type Outcome string

// The outcomes.
const (
	Applied  Outcome = "applied"
	Already  Outcome = "already there" // it was as planned before anything was called
	Undone   Outcome = "taken back"
	Kept     Outcome = "kept"      // a policy that others have now: it stays
	NotBack  Outcome = "lost"      // deleted, and AWS doesn't give it back
	Stopped  Outcome = "stopped"   // something is in the way, or an error
	NotBegun Outcome = "not begun" // nothing was called, so there is nothing to take back
)

// LineKind is what a line of a journal says.
type LineKind string

// The kinds.
const (
	LinePlan   LineKind = "plan"   // the first line: the plan
	LineBegin  LineKind = "begin"  // a run began
	LineCall   LineKind = "call"   // a call is about to be made; the first of an action has the value before
	LineDone   LineKind = "done"   // the call was made
	LineFailed LineKind = "failed" // the call wasn't made, or nobody knows
	LineReach  LineKind = "reach"  // the action has its outcome
	LineEnd    LineKind = "end"    // the run did all it was asked for
)

// Line is a line of a journal.
type Line struct {
	SchemaVersion int       `json:"schemaVersion,omitzero"` // of the first
	Kind          LineKind  `json:"kind"`
	At            time.Time `json:"at"`
	Direction     Direction `json:"direction,omitempty"`
	By            string    `json:"by,omitempty"` // ARN of the caller
	Plan          *Plan     `json:"plan,omitempty"`
	Action        string    `json:"action,omitempty"`
	Before        *Value    `json:"before,omitempty"`
	Call          *Call     `json:"call,omitempty"`
	Version       string    `json:"version,omitempty"` // that the call made
	Outcome       Outcome   `json:"outcome,omitempty"`
	Error         string    `json:"error,omitempty"`
}

// file is what a journal is written to.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// Journal is a plan on its way. Each line is on disk before what follows it happens.
type Journal struct {
	Path string
	Plan *Plan

	file    file
	held    *os.File             // the same, which is locked
	steps   map[string]string    // the step of an action
	given   map[string]time.Time // when a step last gave access, in this run
	records map[string]*record   // by action
	last    time.Time            // of the last line
	whole   bool                 // the last line is the end of a run, which saw all that it wrote
	ends    map[Direction]bool   // a run of the direction came to its end
	begun   map[Direction]bool
	broken  error // a line couldn't be written: nothing more is
}

// record is what a journal says of an action.
type record struct {
	before  Value
	begun   bool     // a call was made, or may have been
	dropped []string // versions that were deleted for the new one, or may have been
	outcome Outcome  // ""
}

// Create starts a journal. One that is there already is not overwritten.
func Create(path string, plan *Plan, at time.Time) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := hold(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	j := newJournal(path, plan)
	j.file, j.held = f, f
	if err := errors.Join(j.add(Line{SchemaVersion: Schema, Kind: LinePlan, At: at, Plan: plan}), syncFolder(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return j, nil
}

func newJournal(path string, plan *Plan) *Journal {
	j := &Journal{
		Path: path, Plan: plan, records: map[string]*record{}, ends: map[Direction]bool{}, begun: map[Direction]bool{},
		steps: map[string]string{}, given: map[string]time.Time{},
	}
	for _, s := range plan.Steps {
		for _, a := range s.Actions {
			j.steps[a.ID] = s.ID
		}
	}
	return j
}

// Open reads a journal and opens it to go on. A last line that breaks off is what a crash
// leaves: what it was to say hadn't happened yet, and it is cut off. While somebody writes
// the journal the error is [ErrLocked]: the line may be about to become whole.
func Open(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	j, err := open(path, f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

func open(path string, f *os.File) (*Journal, error) {
	if err := hold(f); err != nil {
		return nil, err
	}
	src, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(src, '\n') + 1
	j, err := readJournal(path, src[:whole])
	if err == nil && whole < len(src) {
		err = errors.Join(f.Truncate(int64(whole)), f.Sync())
	}
	if err != nil {
		return nil, err
	}
	j.file, j.held = f, f
	return j, nil
}

// Read reads a journal to look at it, which may be while somebody writes it.
func Read(path string) (*Journal, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return readJournal(path, src[:bytes.LastIndexByte(src, '\n')+1])
}

const wantJournal = "want a journal, as pare apply PLAN --yes writes it"

// readJournal reads whole lines.
func readJournal(path string, src []byte) (*Journal, error) {
	var j *Journal
	n := 0
	for text := range bytes.Lines(src) {
		n++
		var line Line
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %s", path, n, err, wantJournal)
		}
		switch {
		case n == 1 && line.SchemaVersion > Schema:
			return nil, fmt.Errorf("%s:1: schemaVersion %d: this pare reads %d; update pare", path, line.SchemaVersion, Schema)
		case n == 1 && (line.Kind != LinePlan || line.Plan == nil || line.Plan.check() != nil):
			return nil, fmt.Errorf("%s:1: no plan in the first line: %s", path, wantJournal)
		case n == 1:
			j = newJournal(path, line.Plan)
		}
		if err := j.take(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	if j == nil {
		return nil, fmt.Errorf("%s: no whole line in it: nothing was called; remove it, and apply the plan again", path)
	}
	return j, nil
}

// take puts what a line says into the records.
func (j *Journal) take(line Line) error {
	j.last, j.whole = line.At, line.Kind == LineEnd
	var r *record
	if line.Action != "" {
		if r = j.record(line.Action); r == nil {
			return fmt.Errorf("action %q: the plan has none of this id", line.Action)
		}
	}
	switch line.Kind {
	case LinePlan, LineDone, LineFailed:
	case LineBegin:
		j.begun[line.Direction] = true
		j.ends[line.Direction] = false
	case LineEnd:
		j.ends[line.Direction] = true
	case LineCall:
		if r == nil || line.Call == nil {
			return errors.New("a call without its action")
		}
		if line.Before != nil {
			r.before = *line.Before
		}
		r.begun = true
		if line.Direction == Applying && line.Call.Op == OpDeleteVersion {
			r.dropped = append(r.dropped, line.Call.Version)
		}
	case LineReach:
		if r == nil {
			return errors.New("an outcome without its action")
		}
		r.outcome = line.Outcome
	default:
		return fmt.Errorf("kind %q isn't known", line.Kind)
	}
	return nil
}

// record is an action's, nil when the plan has no such action.
func (j *Journal) record(action string) *record {
	if r := j.records[action]; r != nil {
		return r
	}
	if _, known := j.steps[action]; !known {
		return nil
	}
	j.records[action] = &record{}
	return j.records[action]
}

// untouched says whether nothing of a step was called, or found done.
func (j *Journal) untouched(s Step) bool {
	return !slices.ContainsFunc(s.Actions, func(a Action) bool { return j.Outcome(a.ID) != NotBegun })
}

// Untouched says whether the plan has a step that nothing was called for.
func (j *Journal) Untouched() bool { return slices.ContainsFunc(j.Plan.Steps, j.untouched) }

// add writes a line, and comes back when it is on disk. After an error nothing more is
// written: half a line may be there.
func (j *Journal) add(line Line) error {
	if j.broken != nil {
		return j.broken
	}
	line.At = line.At.UTC()
	src, err := json.Marshal(line, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err == nil {
		_, err = j.file.Write(append(src, '\n'))
	}
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = fmt.Errorf("%s: the journal can't be written: %w", j.Path, err)
		return j.broken
	}
	return j.take(line)
}

// Close closes the file.
func (j *Journal) Close() error { return errors.Join(release(j.held), j.file.Close()) }

// Finished says whether the plan is applied, and none of it taken back.
func (j *Journal) Finished() bool { return j.ends[Applying] && !j.begun[TakingBack] }

// TakenBack says whether a rollback was begun, be it of a part.
func (j *Journal) TakenBack() bool { return j.begun[TakingBack] }

// JournalPath is where a plan's journal is: app.plan.json has app.journal.jsonl beside it.
func JournalPath(plan string) string {
	base := strings.TrimSuffix(plan, ".json")
	return strings.TrimSuffix(base, ".plan") + ".journal.jsonl"
}
