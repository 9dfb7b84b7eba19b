package report

import (
	"fmt"
	"io"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// Comparison is the relation of two policies, and the policies.
type Comparison struct {
	Catalog      *catalog.Catalog // for the names in requests
	A, B         *policy.Document
	AName, BName string
	Result       prove.Comparison
}

// request is a request that one side alone allows, in names that people know.
func (c Comparison) request(req *access.Request) *shownRequest {
	if req == nil {
		return nil
	}
	docs := []*policy.Document{c.A, c.B}
	return showRequest(c.Catalog, docs, prove.Name(c.Catalog, docs, *req))
}

// ComparisonText writes a comparison for reading.
func ComparisonText(w io.Writer, c Comparison) error {
	p := &page{}
	a, b := Printable(c.AName), Printable(c.BName)
	p.heading(c.Result.Relation.String(), relationText(c.Result.Relation, a, b))
	if c.Result.Reason != "" {
		p.linef("  %s", Printable(c.Result.Reason))
	}
	p.only(a, c.request(c.Result.OnlyA))
	p.only(b, c.request(c.Result.OnlyB))
	return p.writeTo(w)
}

func (p *page) only(name string, req *shownRequest) {
	if req == nil {
		return
	}
	p.linef("\n%s %s", strong("only "+name), "allows, for example:")
	p.request("  ", req)
}

func relationText(r prove.Relation, a, b string) string {
	const over = ", over every action name, resource and context there could be"
	switch r {
	case prove.Equal:
		return fmt.Sprintf("%s and %s allow the same requests%s", a, b, over)
	case prove.Narrower:
		return fmt.Sprintf("%s allows strictly less than %s", a, b)
	case prove.Wider:
		return fmt.Sprintf("%s allows strictly more than %s", a, b)
	case prove.Incomparable:
		return fmt.Sprintf("%s and %s each allow something that the other doesn't", a, b)
	case prove.UndecidedRelation:
		return fmt.Sprintf("how %s and %s compare could not be decided", a, b)
	}
	panic(fmt.Sprintf("report: unhandled relation %d", r))
}

type shownComparison struct {
	ID            ID            `json:"id,omitzero"`
	SchemaVersion int           `json:"schemaVersion"`
	A             string        `json:"a"` // the policies' names
	B             string        `json:"b"`
	Relation      string        `json:"relation"` // from A's side
	OnlyA         *shownRequest `json:"onlyA"`
	OnlyB         *shownRequest `json:"onlyB"`
	Reason        string        `json:"reason"`
}

func (c Comparison) shown(id ID) shownComparison {
	return shownComparison{
		id, schemaVersion, c.AName, c.BName, c.Result.Relation.String(),
		c.request(c.Result.OnlyA), c.request(c.Result.OnlyB), c.Result.Reason,
	}
}

// ComparisonJSON writes a comparison as an indented document.
func ComparisonJSON(w io.Writer, c Comparison) error { return writeDocument(w, c.shown(nil)) }

// ComparisonLine writes a comparison as one line of a batch.
func ComparisonLine(w io.Writer, id ID, c Comparison) error { return writeLine(w, c.shown(id)) }
