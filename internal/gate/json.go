package gate

import (
	"io"
	"maps"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The fields of -o json. They are only added to; docs/schema/check.json has them.

type reportJSON struct {
	SchemaVersion int          `json:"schemaVersion"`
	Tool          toolJSON     `json:"tool"`
	CheckedAt     string       `json:"checkedAt"`
	Against       string       `json:"against"` // "" when nothing was compared
	Policies      int          `json:"policies"`
	Counts        countsJSON   `json:"counts"`
	Results       []resultJSON `json:"results"`
	Notes         []string     `json:"notes"`
}

type toolJSON struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type countsJSON struct {
	High       int `json:"high"`
	Medium     int `json:"medium"`
	Low        int `json:"low"`
	Unreadable int `json:"unreadable"`
	Suppressed int `json:"suppressed"`
}

type resultJSON struct {
	Rule        string           `json:"rule"`
	Level       string           `json:"level"`
	Path        string           `json:"path"`
	Line        int              `json:"line"` // 0: the file
	Column      int              `json:"column"`
	EndLine     int              `json:"endLine"`
	EndColumn   int              `json:"endColumn"`
	Root        string           `json:"root"`
	Address     string           `json:"address"`
	Message     string           `json:"message"`
	Undecided   bool             `json:"undecided"`
	Request     *requestJSON     `json:"request"`
	Actions     []string         `json:"actions"`
	Fixes       []fixJSON        `json:"fixes"`
	Suppressed  *suppressionJSON `json:"suppressed"`
	Fingerprint string           `json:"fingerprint"`
}

// requestJSON is what pare decide reads.
type requestJSON struct {
	Principal       string              `json:"principal"`
	Action          string              `json:"action"`
	Resource        string              `json:"resource"`
	ResourceAccount string              `json:"resourceAccount"`
	Context         map[string][]string `json:"context"`
}

type fixJSON struct {
	Description  string            `json:"description"`
	Replacements []replacementJSON `json:"replacements"`
}

type replacementJSON struct {
	Path   string `json:"path"`
	Offset int    `json:"offset"` // in bytes
	Length int    `json:"length"`
	Text   string `json:"text"`
}

type suppressionJSON struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Where  string `json:"where"`
}

// JSON writes a report as JSON.
func JSON(w io.Writer, r *Report) error {
	out := reportJSON{
		SchemaVersion: 1, Tool: toolJSON{"pare", r.Version}, CheckedAt: r.Now.UTC().Format(time.RFC3339),
		Against: r.Against, Policies: r.Checked, Counts: r.counts(), Results: []resultJSON{}, Notes: append([]string{}, r.Notes...),
	}
	for i := range r.Results {
		out.Results = append(out.Results, r.Results[i].json())
	}
	if err := json.MarshalWrite(w, out, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r *Report) counts() countsJSON {
	var out countsJSON
	for _, x := range r.Results {
		switch {
		case x.Suppressed != nil:
			out.Suppressed++
		case x.Rule == Unreadable:
			out.Unreadable++
		case x.Rule.Level() == High:
			out.High++
		case x.Rule.Level() == Medium:
			out.Medium++
		default:
			out.Low++
		}
	}
	return out
}

func (r *Result) json() resultJSON {
	out := resultJSON{
		Rule: r.Rule.String(), Level: r.Rule.Level().String(), Path: r.At.Path, Line: r.At.Line, Column: r.At.Column,
		EndLine: r.At.EndLine, EndColumn: r.At.EndColumn, Root: r.Root, Address: r.Address, Message: r.Message,
		Undecided: r.Undecided, Request: r.request(), Actions: append([]string{}, r.Actions...), Fixes: []fixJSON{}, Fingerprint: r.Fingerprint,
	}
	for _, f := range r.Fixes {
		fix := fixJSON{f.Description, []replacementJSON{}}
		for _, c := range f.Changes {
			fix.Replacements = append(fix.Replacements, replacementJSON{c.At.Path, c.Start, c.End - c.Start, c.Text})
		}
		out.Fixes = append(out.Fixes, fix)
	}
	if s := r.Suppressed; s != nil {
		out.Suppressed = &suppressionJSON{s.By.String(), s.Reason, s.Where}
	}
	return out
}

// request is one that `pare decide` answers as the policy's own account would.
func (r *Result) request() *requestJSON {
	if r.Request == nil {
		return nil
	}
	out := &requestJSON{"arn:aws:iam::123456789012:role/example", r.action, r.Request.Resource, "123456789012", map[string][]string{}}
	if r.Request.Principal != "" {
		out.Principal, out.ResourceAccount = r.Request.Principal, r.Request.ResourceAccount
	}
	maps.Copy(out.Context, r.Request.Context)
	return out
}
