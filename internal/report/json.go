package report

import (
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
)

// schemaVersion is of all JSON that is written here. Fields are only added.
const schemaVersion = 1

// ID is a case's own name for itself in a batch: any JSON value, carried over. Empty is
// none.
type ID = jsontext.Value

type shownRecommendation struct {
	ID            ID            `json:"id,omitzero"`
	SchemaVersion int           `json:"schemaVersion"`
	Policies      []shownPolicy `json:"policies"`
	Catalog       shownCatalog  `json:"catalog"`
}

type shownPolicy struct {
	Name              string          `json:"name"`
	Outcome           string          `json:"outcome"`
	RecommendedPolicy *jsontext.Value `json:"recommendedPolicy"` // null: detached, split, or not proved
	RecommendedText   string          `json:"recommendedText"`   // its exact bytes
	Parts             []shownPart     `json:"parts"`             // the same as several policies, when it is split
	Edits             []shownEdit     `json:"edits"`
	Size              shownSize       `json:"size"`
	Proof             shownProof      `json:"proof"`
	Notes             []shownNote     `json:"notes"`
}

// shownPart is one of several policies in the place of one too large.
type shownPart struct {
	RecommendedPolicy jsontext.Value `json:"recommendedPolicy"`
	RecommendedText   string         `json:"recommendedText"`
	Size              shownSize      `json:"size"`
}

type shownEdit struct {
	Statement int         `json:"statement"`
	Sid       string      `json:"sid"`
	Element   string      `json:"element"` // Action, NotAction, or Statement for the whole
	Entry     *int        `json:"entry"`   // null: the whole statement
	Out       []string    `json:"out"`
	In        []string    `json:"in"`
	Reason    shownReason `json:"reason"`
}

type shownReason struct {
	Kind    string `json:"kind"`
	Matched int    `json:"matched"`
	Unused  int    `json:"unused"`
	Text    string `json:"text"`
}

type shownSize struct {
	Before int  `json:"before"`
	After  int  `json:"after"`
	Limit  int  `json:"limit"`
	Fits   bool `json:"fits"`
}

type shownProof struct {
	Verdict        string        `json:"verdict"`
	Claims         shownClaims   `json:"claims"`
	Reasons        []shownWhy    `json:"reasons"`
	Counterexample *shownRequest `json:"counterexample"`
	Refutes        *shownRefuted `json:"refutes"`
}

type shownClaims struct {
	NoNewAccess string `json:"noNewAccess"`
	UsedKept    string `json:"usedKept"`
	UnusedGone  string `json:"unusedGone"`
	ShapeKept   string `json:"shapeKept"`
}

// shownWhy is why a claim isn't proved, where no request shows it.
type shownWhy struct {
	Claim  string `json:"claim"`
	Reason string `json:"reason"`
}

// shownRefuted says which claim a counterexample refutes, and how.
type shownRefuted struct {
	Claim string `json:"claim"`
	Old   string `json:"old"` // what the old policy decides
	New   string `json:"new"`
}

type shownNote struct {
	Kind      string `json:"kind"`
	Statement *int   `json:"statement"` // null: not about an entry of the policy
	Entry     *int   `json:"entry"`
	Subject   string `json:"subject"` // the entry, action, service or element
	Pointer   string `json:"pointer"` // into the unused list or the policy; may be empty
	Text      string `json:"text"`
}

type shownCatalog struct {
	Date     string `json:"date"`
	Services int    `json:"services"`
	Actions  int    `json:"actions"`
}

// JSON writes a recommendation as an indented document.
func JSON(w io.Writer, r Recommendation) error {
	return writeDocument(w, r.shown(nil))
}

// JSONLine writes a recommendation as one line of a batch.
func JSONLine(w io.Writer, id ID, r Recommendation) error {
	return writeLine(w, r.shown(id))
}

func writeDocument(w io.Writer, shown any) error {
	src, err := json.Marshal(shown, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	_, err = w.Write(append(src, '\n'))
	return err
}

func writeLine(w io.Writer, shown any) error {
	if err := json.MarshalWrite(w, shown); err != nil {
		return err
	}
	_, err := w.Write([]byte{'\n'})
	return err
}

func (r Recommendation) shown(id ID) shownRecommendation {
	before, after := r.sizes()
	p := shownPolicy{
		Name: r.Name, Outcome: r.Result.Outcome.String(),
		Size: shownSize{before, after, r.Limit.Characters(), r.fits()}, Proof: r.proof().shownProof(),
	}
	p.Proof.Verdict = r.verdict().String()
	switch docs := r.Documents(); {
	case len(docs) == 1:
		text := jsontext.Value(docs[0].Bytes())
		p.RecommendedPolicy, p.RecommendedText = &text, string(text)
	case len(docs) > 1:
		for _, doc := range docs {
			p.Parts = append(p.Parts, r.showPart(doc, before))
		}
	}
	if r.Leaves() {
		for _, e := range r.Result.Edits {
			p.Edits = append(p.Edits, r.showEdit(e))
		}
	}
	for i := range r.Result.Notes {
		p.Notes = append(p.Notes, r.showNote(i))
	}
	return shownRecommendation{id, schemaVersion, []shownPolicy{p}, showCatalog(r.Catalog)}
}

func (r Recommendation) showPart(doc *policy.Document, before int) shownPart {
	limit, size := r.Limit.Characters(), doc.Size()
	return shownPart{doc.Bytes(), string(doc.Bytes()), shownSize{before, size, limit, size <= limit}}
}

func (r Recommendation) showEdit(e refine.Edit) shownEdit {
	st := &r.Original.Statements[e.Statement]
	out := shownEdit{
		Statement: e.Statement, Sid: st.Sid, Element: st.Action.Element(), Out: e.Out, In: e.In,
		Reason: shownReason{reasonName(e.Reason.Kind), e.Reason.Matched, e.Reason.Unused, r.reasonText(e)},
	}
	if e.Entry == policy.WholeStatement {
		out.Element = "Statement"
	} else {
		out.Entry = &e.Entry
	}
	return out
}

func (r Recommendation) showNote(i int) shownNote {
	n := r.Result.Notes[i]
	out := shownNote{Kind: noteName(n.Kind), Subject: n.Text, Pointer: n.Pointer, Text: r.noteText(i)}
	if n.Statement >= 0 {
		out.Statement, out.Entry = &n.Statement, &n.Entry
	}
	return out
}

func showCatalog(c *catalog.Catalog) shownCatalog {
	return shownCatalog{c.Date(), len(c.Services()), c.Len()}
}

func (p Proof) shownProof() shownProof {
	r := p.Result
	out := shownProof{
		Verdict: r.Verdict.String(),
		Claims: shownClaims{
			r.NoNewAccess.Verdict.String(), r.UsedKept.Verdict.String(),
			r.UnusedGone.Verdict.String(), r.ShapeKept.Verdict.String(),
		},
	}
	for _, cl := range p.claims() {
		if cl.Reason != "" {
			out.Reasons = append(out.Reasons, shownWhy{cl.name, cl.Reason})
		}
		if x := cl.Counterexample; x != nil && out.Counterexample == nil {
			out.Counterexample = showRequest(p.Catalog, p.docs(), x.Request)
			out.Refutes = &shownRefuted{cl.name, decision(p.docs()[:1], x.Request, x.Old), decision(p.New, x.Request, x.New)}
		}
	}
	return out
}
