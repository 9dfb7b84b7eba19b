package report

import (
	"fmt"
	"io"

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
		{result.UnusedGone, "unusedGone", "unused access gone", unusedGoneText(p.Unused)},
		{result.ShapeKept, "shapeKept", "shape kept", "every byte outside the changed action lists is the same"},
	}
}

func unusedGoneText(unused usage.Unused) string {
	actions, services := len(unused.ActionSet()), len(unused.ServiceSet())
	switch {
	case actions == 0 && services == 0:
		return "nothing is reported as unused"
	case services == 0:
		return "the new policy allows none of the " + count(actions, "unused action", "unused actions") + " on anything"
	case actions == 0:
		return "the new policy allows no action of the " + count(services, "unused service", "unused services") + " on anything"
	}
	return "the new policy allows none of the " + count(actions, "unused action", "unused actions") + ", and no action of the " +
		count(services, "unused service", "unused services") + ", on anything"
}

// ProofText writes a proof for reading.
func ProofText(w io.Writer, p Proof) error {
	out := &page{}
	out.heading("proof", fmt.Sprintf("%s: %s in the place of %s", verdictText(p.Result.Verdict), printable(p.NewName), printable(p.OldName)))
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
	Reason  string       `json:"reason"` // the first of reasons
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
	if len(out.Reasons) > 0 {
		out.Reason = out.Reasons[0].Reason
	}
	return out
}
