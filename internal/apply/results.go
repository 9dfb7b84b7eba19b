package apply

import (
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Outcome is how an action ended, as far as the journal says; NotBegun if it doesn't.
func (j *Journal) Outcome(action string) Outcome {
	switch rec := j.records[action]; {
	case rec == nil || !rec.begun && rec.outcome == "":
		return NotBegun
	case rec.outcome == "":
		return Stopped
	default:
		return rec.outcome
	}
}

// Undoable is what a rollback of a selection would look at, in its order, with what the
// journal says of it now. Nothing is called.
func (j *Journal) Undoable(sel Selection) ([]Result, error) {
	chosen, err := sel.choose(j.Plan)
	if err != nil {
		return nil, err
	}
	var out []Result
	for _, s := range slices.Backward(j.Plan.Steps) {
		for _, a := range slices.Backward(s.Actions) {
			if chosen[a.ID] {
				out = append(out, Result{Step: s.ID, Action: a, Outcome: j.Outcome(a.ID)})
			}
		}
	}
	return out, nil
}

type shownResult struct {
	Step    string  `json:"step"`
	Action  string  `json:"action"`
	Target  string  `json:"target"`
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"`
}

// WriteResults writes what became of actions, as text or as json.
func WriteResults(w io.Writer, format string, j *Journal, results []Result) error {
	shown := struct {
		SchemaVersion int           `json:"schemaVersion"`
		Account       string        `json:"account"`
		Journal       string        `json:"journal"`
		Actions       []shownResult `json:"actions"`
	}{Schema, j.Plan.Account, j.Path, []shownResult{}}
	for _, r := range results {
		shown.Actions = append(shown.Actions, shownResult{r.Step, r.Action.ID, r.Action.Target.String(), r.Outcome, r.Why})
	}
	if format == "json" {
		if err := json.MarshalWrite(w, shown, jsontext.WithIndent("  ")); err != nil {
			return err
		}
		_, err := io.WriteString(w, "\n")
		return err
	}
	for _, r := range shown.Actions {
		why := ""
		if r.Why != "" {
			why = ": " + printable(r.Why)
		}
		if _, err := fmt.Fprintf(w, "%-4s %-5s %-13s %s%s\n", r.Step, r.Action, r.Outcome, printable(r.Target), why); err != nil {
			return err
		}
	}
	return nil
}
