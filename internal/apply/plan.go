package apply

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/finding"
)

// Schema is the schemaVersion of plans and journals. Within it fields are only added.
const Schema = 1

// Plan is what to change in one account.
type Plan struct {
	SchemaVersion int       `json:"schemaVersion"`
	Account       string    `json:"account"` // twelve digits
	Partition     string    `json:"partition"`
	MadeAt        time.Time `json:"madeAt"`
	Evidence      time.Time `json:"evidenceUntil,omitzero"` // end of the window that the findings are about
	UnusedSince   time.Time `json:"unusedSince,omitzero"`   // its start
	Program       string    `json:"madeBy,omitempty"`       // "pare 1.0.0"
	AllowManaged  []string  `json:"allowManaged,omitempty"` // names that may be changed though something else manages them
	Steps         []Step    `json:"steps"`                  // in the order in which they are taken
	Left          []Left    `json:"left,omitempty"`         // what is not done, and why
}

// Step is actions that belong together: a policy and the one in its place. They are taken
// in their order, and taken back in the reverse.
type Step struct {
	ID        string       `json:"id"` // "s1"
	Finding   string       `json:"finding,omitempty"`
	Type      finding.Type `json:"type"`
	Title     string       `json:"title"`     // what it does, in words
	Principal string       `json:"principal"` // ARN of the role or user of the finding
	Affects   []string     `json:"affects"`   // ARNs of all roles and users whose access changes, sorted
	Actions   []Action     `json:"actions"`
}

// Action brings a target from one value to another.
type Action struct {
	ID     string // "a1", unique in the plan
	Target Target
	Expect Value // what is there, or else it isn't touched
	Leave  Value
}

// LeftKind is why something is left as it is.
type LeftKind string

// The kinds.
const (
	LeftManaged     LeftKind = "managed elsewhere"  // by a stack or by Terraform; may be allowed by name
	LeftNeedsDelete LeftKind = "needs --delete"     // what would be done can't be taken back
	LeftNotProved   LeftKind = "not proved"         // the recommendation says why
	LeftUnknown     LeftKind = "not known"          // the data doesn't say enough
	LeftDone        LeftKind = "done already"       // a role in quarantine
	LeftNever       LeftKind = "never changed"      // AWS's own roles
	LeftNoChange    LeftKind = "nothing recommends" // a finding without a step
	LeftNoRoom      LeftKind = "no room"            // a quota stands between the new policy and the old one
)

// Left is something that the plan leaves as it is.
type Left struct {
	Finding   string   `json:"finding,omitempty"`
	Principal string   `json:"principal"`
	What      string   `json:"what"`
	Kind      LeftKind `json:"kind"`
	Why       string   `json:"why"`
}

// Managed says whether anything is left because something else manages it.
func (p *Plan) Managed() bool {
	return slices.ContainsFunc(p.Left, func(l Left) bool { return l.Kind == LeftManaged })
}

// Actions are those of all steps, in their order.
func (p *Plan) Actions() []Action {
	var out []Action
	for _, s := range p.Steps {
		out = append(out, s.Actions...)
	}
	return out
}

type wireAction struct {
	ID     string     `json:"id"`
	Target wireTarget `json:"target"`
	Expect Value      `json:"expect"`
	Leave  Value      `json:"leave"`
}

// MarshalJSONTo writes the action.
func (a Action) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, wireAction{a.ID, toWire(a.Target), a.Expect, a.Leave})
}

// UnmarshalJSONFrom reads an action.
func (a *Action) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var w wireAction
	if err := json.UnmarshalDecode(dec, &w); err != nil {
		return err
	}
	target, err := w.Target.read()
	if err != nil {
		return fmt.Errorf("action %s: %w", w.ID, err)
	}
	for _, v := range []Value{w.Expect, w.Leave} {
		if v.SHA256 != digest(v.Document) {
			return &EditedError{w.ID, target}
		}
	}
	*a = Action{w.ID, target, w.Expect, w.Leave}
	return nil
}

// EditedError is a plan with a document that isn't the one that was planned, and proved.
type EditedError struct {
	Action string
	Target Target
}

func (e *EditedError) Error() string {
	return fmt.Sprintf("action %s: %s: the document was edited: its sha256 is another", e.Action, e.Target)
}

// Write writes the plan as JSON. The same plan gives the same bytes.
func (p *Plan) Write(w io.Writer) error {
	if err := json.MarshalWrite(w, p, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

const wantPlan = "want a plan, as pare apply --data DIR --plan FILE writes it"

// ReadPlan reads a plan. The name is for messages.
func ReadPlan(name string, src []byte) (*Plan, error) {
	var p Plan
	err := json.Unmarshal(src, &p)
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return nil, readError(name, src, err)
	}
	return &p, nil
}

func readError(name string, src []byte, err error) error {
	if edited, ok := errors.AsType[*EditedError](err); ok {
		return fmt.Errorf("%s: %w", name, edited)
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		line := 1 + bytes.Count(src[:min(len(src), int(syntactic.ByteOffset))], []byte("\n"))
		return fmt.Errorf("%s:%d: not JSON: %w: %s", name, line, syntactic.Err, wantPlan)
	}
	return fmt.Errorf("%s: %w: %s", name, err, wantPlan)
}

// check refuses what no plan can be.
func (p *Plan) check() error {
	switch {
	case p.SchemaVersion > Schema:
		return fmt.Errorf("schemaVersion %d: this pare reads %d; update pare", p.SchemaVersion, Schema)
	case p.SchemaVersion != Schema:
		return fmt.Errorf("schemaVersion %d: want %d", p.SchemaVersion, Schema)
	case len(p.Account) != 12 || strings.Trim(p.Account, "0123456789") != "":
		return fmt.Errorf("account %q: want twelve digits", p.Account)
	case p.MadeAt.IsZero():
		return errors.New("no madeAt")
	}
	seen := map[string]bool{}
	for _, s := range p.Steps {
		for _, a := range s.Actions {
			if a.ID == "" || seen[a.ID] {
				return fmt.Errorf("step %s: action %q: want an id of its own", s.ID, a.ID)
			}
			seen[a.ID] = true
			if same(a.Target, a.Expect, a.Leave) {
				return fmt.Errorf("action %s: %s: it leaves what it finds", a.ID, a.Target)
			}
		}
	}
	return nil
}
