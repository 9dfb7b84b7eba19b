package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/usage"
)

// Proof is a proof and what it is about.
type Proof struct {
	Catalog *catalog.Catalog
	Old     *policy.Document
	New     []*policy.Document // together; none allows nothing
	Unused  usage.Unused
	Result  prove.Result
	OldName string
	NewName string
}

func (p Proof) docs() []*policy.Document {
	return append([]*policy.Document{p.Old}, p.New...)
}

// claim is one of the four promises, decided, in plain words.
type claim struct {
	prove.Claim
	name  string // in JSON
	title string
	holds string // what it says when it is proved
}

func (p Proof) claims() []claim {
	result := p.Result
	return []claim{
		{result.NoNewAccess, "noNewAccess", "no new access", "whatever the new policy allows, the old one allows: every action name, resource and context there could be"},
		{result.UsedKept, "usedKept", "used access kept", "each action of the catalog that isn't reported as unused is allowed exactly where it was"},
		{result.UnusedGone, "unusedGone", "unused access gone", p.unusedGoneText()},
		{result.ShapeKept, "shapeKept", "shape kept", "every byte outside the changed action lists is the same"},
	}
}

// unusedGoneText counts what the claim is about: actions that the catalog knows.
func (p Proof) unusedGoneText() string {
	actions, services := 0, len(p.Unused.ServiceSet())
	for _, a := range p.Unused.ActionSet() {
		if p.Catalog.Lookup(a.Service, a.Name) != nil {
			actions++
		}
	}
	var parts []string
	switch {
	case actions == 1:
		parts = append(parts, "no unused action")
	case actions > 1:
		parts = append(parts, fmt.Sprintf("none of the %d unused actions", actions))
	}
	switch {
	case services == 1:
		parts = append(parts, "no action of the unused service")
	case services > 1:
		parts = append(parts, fmt.Sprintf("no action of the %d unused services", services))
	}
	switch {
	case len(parts) == 0 && len(p.Unused.Actions) > 0:
		return "nothing to take away: the catalog knows none of the actions that are reported as unused"
	case len(parts) == 0:
		return "nothing is reported as unused"
	}
	return strings.Join(parts, " and ") + " is allowed on anything"
}

// ProofText writes a proof for reading.
func ProofText(w io.Writer, p Proof) error {
	out := &page{}
	out.heading("proof", fmt.Sprintf("%s: %s in the place of %s", verdictText(p.Result.Verdict), Printable(p.NewName), Printable(p.OldName)))
	out.claims(p, allClaims)
	out.linef("")
	out.heading("catalog", catalogText(p.Catalog))
	return out.writeTo(w)
}

type shownProofAnswer struct {
	ID            ID     `json:"id,omitzero"`
	SchemaVersion int    `json:"schemaVersion"`
	Old           string `json:"old"` // the policies' names
	New           string `json:"new"`
	shownProof
	Reason  string       `json:"reason"` // why the verdict is undecided
	Catalog shownCatalog `json:"catalog"`
}

// ProofJSON writes a proof as an indented document.
func ProofJSON(w io.Writer, p Proof) error { return writeDocument(w, p.shown(nil)) }

// ProofLine writes a proof as one line of a batch.
func ProofLine(w io.Writer, id ID, p Proof) error { return writeLine(w, p.shown(id)) }

func (p Proof) shown(id ID) shownProofAnswer {
	out := shownProofAnswer{
		ID: id, SchemaVersion: schemaVersion, Old: p.OldName, New: p.NewName,
		shownProof: p.shownProof(), Catalog: showCatalog(p.Catalog),
	}
	if p.Result.Verdict == prove.Undecided {
		out.Reason = p.undecided()
	}
	return out
}

// undecided is why the first claim about access that isn't decided isn't.
func (p Proof) undecided() string {
	for _, cl := range p.claims()[:accessClaims] {
		if cl.Verdict == prove.Undecided {
			return cl.Reason
		}
	}
	return ""
}
