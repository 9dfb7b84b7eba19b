package web

import (
	"fmt"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func queueRoutes() []route {
	return []route{{"GET /recommendations", store.Viewer, "Recommendations", (*visit).queued}}
}

// queuePage is a list of recommendations: those that are being made, and what became of
// the others.
type queuePage struct {
	States, Verdicts, Ages []option
	Sizes                  []option
	Narrowed               bool
	Items                  []queueItem
	Pager                  pager
	Exports                []export
}

type queueItem struct {
	store.Advised
	Command string // that plans the change; "" where there is nothing to change
}

var adviceColumns = []column[store.Advised]{
	{"findingId", func(a store.Advised) token { return text(a.FindingID) }},
	{"resource", func(a store.Advised) token { return text(a.Resource) }},
	{"account", func(a store.Advised) token { return text(a.Account) }},
	{"state", func(a store.Advised) token { return text(a.State) }},
	{"verdict", func(a store.Advised) token { return text(a.Verdict) }},
	{"stale", func(a store.Advised) token { return yesNo(a.Stale) }},
	{"findingStatus", func(a store.Advised) token { return text(a.Status) }},
	{"grantedBefore", func(a store.Advised) token { return whole(a.Before) }},
	{"grantedAfter", func(a store.Advised) token { return whole(a.After) }},
	{"steps", func(a store.Advised) token { return whole(len(a.Steps)) }},
	{"startedAt", func(a store.Advised) token { return stamp(a.StartedAt) }},
	{"completedAt", func(a store.Advised) token { return stamp(a.CompletedAt) }},
	{"errorCode", func(a store.Advised) token { return text(a.ErrorCode) }},
	{"error", func(a store.Advised) token { return text(a.Error) }},
}

func (v *visit) queued() (answer, error) {
	p := queuePage{Sizes: v.sizes()}
	if err := v.queueForm(&p); err != nil {
		return nil, err
	}
	out := page{name: "queue", title: "Recommendations", menu: "GET /recommendations"}
	if v.analyzer.ARN == "" {
		out.data = p
		return out, nil
	}
	q := store.AdviceQuery{
		Analyzer: v.analyzer.ARN, State: finding.Outcome(v.query("state")), Verdict: v.query("verdict"), Age: store.Freshness(v.query("age")),
	}
	list := func(at store.Page) (store.Part[store.Advised], error) {
		return v.site.Store.Advised(v.Context(), q, at)
	}
	if v.query("format") != "" {
		return exported(v, sheet[store.Advised]{"recommendations-" + v.analyzer.Name, adviceColumns, adviceTold, list})
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	for _, a := range part.Items {
		p.Items = append(p.Items, queueItem{a, v.applyCommand(a)})
	}
	p.Pager, p.Exports = v.pager(part.Next, len(part.Items)), v.exports()
	out.data = p
	return out, nil
}

// queueForm reads the filter from the address.
func (v *visit) queueForm(p *queuePage) (err error) {
	if p.States, err = v.choice("state", option{Label: "All states"}, option{Value: string(store.InProgress), Label: "In progress"},
		option{Value: string(finding.Succeeded), Label: "Made"}, option{Value: string(finding.Failed), Label: "Failed or refused"}); err != nil {
		return err
	}
	if p.Verdicts, err = v.choice("verdict", option{Label: "All proofs"}, option{Value: "proved", Label: "Proved"},
		option{Value: "refuted", Label: "Refuted"}, option{Value: "undecided", Label: "Undecided"}); err != nil {
		return err
	}
	if p.Ages, err = v.choice("age", option{Label: "Fresh and stale"}, option{Value: string(store.Fresh), Label: "Fresh"},
		option{Value: string(store.Stale), Label: "Stale"}); err != nil {
		return err
	}
	p.Narrowed = v.query("state") != "" || v.query("verdict") != "" || v.query("age") != ""
	return nil
}

// applyCommand plans a recommendation's change from the account's files. One that isn't
// proved, or isn't of what is there now, has none.
func (v *visit) applyCommand(a store.Advised) string {
	if a.State != finding.Succeeded || a.Stale || a.Verdict != "proved" || len(a.Steps) == 0 || a.Status == finding.Resolved {
		return ""
	}
	window := ""
	if age := v.analyzer.UnusedAge; age != 0 && age != 90 {
		window = fmt.Sprintf(" --window %dd", age)
	}
	return "pare apply --data account --finding " + shellQuoted(a.FindingID) + window + " --plan plan.json"
}
