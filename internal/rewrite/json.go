package rewrite

import (
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// shownPlan is a plan as JSON: docs/schema/rewrite.json.
type shownPlan struct {
	SchemaVersion int            `json:"schemaVersion"`
	CatalogDate   string         `json:"catalogDate"`
	Window        shownWindow    `json:"window,omitzero"` // none of a list of what is unused
	Rewrites      []shownRewrite `json:"rewrites"`
	Left          []shownLeft    `json:"left"`
	Written       []shownWritten `json:"written"`
	Unchanged     []shownSource  `json:"unchanged"`
	Unmatched     []shownSource  `json:"unmatched"`
	Files         []shownFile    `json:"files"`
	Problems      []shownProblem `json:"problems"`
}

type shownWindow struct {
	Days int       `json:"days"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type shownSource struct {
	Address string `json:"address"` // empty for a policy file
	Type    string `json:"type"`    // of the resource; empty for a policy file
	Style   string `json:"style"`
	Path    string `json:"path"`
	Line    int    `json:"line"`
}

type shownLive struct {
	Account string   `json:"account"`
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	ARN     string   `json:"arn"`    // of a managed policy, else empty
	Holder  string   `json:"holder"` // ARN of whom an inline policy is of, else empty
	Affects []string `json:"affects"`
}

type shownRewrite struct {
	Source    shownSource     `json:"source"`
	MatchedBy string          `json:"matchedBy"`
	Shared    []shownSource   `json:"shared"`
	Edits     []shownEdit     `json:"edits"`
	Evidence  []shownSeen     `json:"evidence"`
	Instances []shownInstance `json:"instances"`
}

type shownSeen struct {
	Unused   string    `json:"unused"` // an action, or "lambda:*" for a service
	LastUsed time.Time `json:"lastUsed,omitzero"`
	Sources  []string  `json:"sources"`
}

type shownEdit struct {
	Statement int      `json:"statement"`
	Sid       string   `json:"sid"`
	Entry     int      `json:"entry"` // -1: the whole statement
	Out       []string `json:"out"`
	In        []string `json:"in"`
}

type shownInstance struct {
	Live              shownLive      `json:"live"`
	RecommendedPolicy jsontext.Value `json:"recommendedPolicy"`
	Verdict           string         `json:"verdict"`
}

type shownLeft struct {
	Source      shownSource      `json:"source"`
	Kind        string           `json:"kind"`
	Where       string           `json:"where"`
	Reason      string           `json:"reason"`
	Live        []shownLive      `json:"live"`
	Candidates  []shownLive      `json:"candidates"`
	Recommended []jsontext.Value `json:"recommended"` // what to paste
}

// shownWritten is a source whose file says already what is recommended.
type shownWritten struct {
	Source shownSource `json:"source"`
	Live   []shownLive `json:"live"`
}

type shownFile struct {
	Path string `json:"path"`
	Diff string `json:"diff"`
}

type shownProblem struct {
	Where string `json:"where"`
	What  string `json:"what"`
}

// JSON writes a plan as an indented document, with what couldn't be read of the tree.
func JSON(w io.Writer, p *Plan, problems []iac.Problem) error {
	out := shownPlan{SchemaVersion: 1, CatalogDate: p.Catalog.Date(), Unchanged: showSources(p.Unchanged), Unmatched: showSources(p.Unmatched)}
	if window, ok := p.window(); ok {
		out.Window = shownWindow{int(window.Age / usage.Day), window.From().UTC(), window.Now.UTC()}
	}
	for i := range p.Rewrites {
		shown, err := showRewrite(p.Catalog, &p.Rewrites[i])
		if err != nil {
			return err
		}
		out.Rewrites = append(out.Rewrites, shown)
	}
	for _, l := range p.Left {
		out.Left = append(out.Left, shownLeft{
			Source: showSource(l.Source), Kind: l.Kind.String(), Where: l.Where, Reason: l.Reason,
			Live: showLives(l.Live), Candidates: showLives(l.Candidates), Recommended: texts(l.Paste),
		})
	}
	for _, m := range p.Written {
		out.Written = append(out.Written, shownWritten{showSource(m.Source), showLives(m.Live)})
	}
	for _, f := range p.Changed() {
		out.Files = append(out.Files, shownFile{f.Path, FileDiff(f.Path, f.Src, p.Files[f])})
	}
	for _, problem := range problems {
		out.Problems = append(out.Problems, shownProblem(problem))
	}
	src, err := json.Marshal(out, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	_, err = w.Write(append(src, '\n'))
	return err
}

func showRewrite(c *catalog.Catalog, r *Rewrite) (shownRewrite, error) {
	out := shownRewrite{Source: showSource(r.Source), MatchedBy: r.By.String(), Shared: showSources(r.Shared)}
	if r.Live[0].Of == nil {
		out.MatchedBy = "list"
	}
	for _, e := range r.Result.Edits {
		out.Edits = append(out.Edits, shownEdit{e.Statement, r.Policy.Doc.Statements[e.Statement].Sid, e.Entry, e.Out, e.In})
	}
	seen, err := r.Evidence(c)
	for _, s := range seen {
		out.Evidence = append(out.Evidence, shownSeen{s.What, s.Last.UTC(), kindNames(s.By)})
	}
	for _, a := range r.After {
		out.Instances = append(out.Instances, shownInstance{showLive(a.Live), a.Refined.Bytes(), a.Proof.Verdict.String()})
	}
	return out, err
}

func kindNames(kinds []usage.Kind) []string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = k.String()
	}
	return out
}

func showSources(sources []*iac.Source) []shownSource {
	out := make([]shownSource, len(sources))
	for i, s := range sources {
		out[i] = showSource(s)
	}
	return out
}

func showSource(s *iac.Source) shownSource {
	line, _ := policy.Position(s.File.Src, s.At)
	return shownSource{Address: s.Address, Type: s.Type, Style: s.Style.String(), Path: s.File.Path, Line: line}
}

func showLives(live []*Live) []shownLive {
	out := make([]shownLive, len(live))
	for i, l := range live {
		out[i] = showLive(l)
	}
	return out
}

func showLive(l *Live) shownLive {
	if l.Of == nil { // a list's: the source itself
		return shownLive{Name: l.Name}
	}
	return shownLive{Account: l.Account, Kind: string(l.Kind), Name: l.Name, ARN: l.ARN, Holder: l.HolderARN, Affects: l.Affects}
}

func texts(docs []*policy.Document) []jsontext.Value {
	out := make([]jsontext.Value, len(docs))
	for i, d := range docs {
		out[i] = d.Bytes()
	}
	return out
}
