package web

import (
	"github.com/pare-iam/pare/internal/store"
)

func policiesRoutes() []route {
	return []route{
		{"GET /policies", store.Viewer, "Policies", (*visit).policies},
		{"GET /policies/{hash}", store.Viewer, "", (*visit).policy},
	}
}

// policiesPage is a list of policies: texts under names.
type policiesPage struct {
	Contains string
	Sizes    []option
	Items    []store.PolicyItem
	Pager    pager
	Exports  []export
}

var policyColumns = []column[store.PolicyItem]{
	{"name", func(p store.PolicyItem) token { return text(p.Name) }},
	{"kind", func(p store.PolicyItem) token { return text(p.Kind) }},
	{"arn", func(p store.PolicyItem) token { return text(p.ARN) }},
	{"sha256", func(p store.PolicyItem) token { return text(p.Hash) }},
	{"principals", func(p store.PolicyItem) token { return whole(p.Holders) }},
}

func (v *visit) policies() (answer, error) {
	p := policiesPage{Contains: v.trimmed("contains"), Sizes: v.sizes()}
	out := page{name: "policies", title: "Policies", menu: "GET /policies"}
	if v.analyzer.ARN == "" {
		out.data = p
		return out, nil
	}
	list := func(at store.Page) (store.Part[store.PolicyItem], error) {
		return v.site.Store.Policies(v.Context(), v.analyzer.ARN, p.Contains, at)
	}
	if v.query("format") != "" {
		return exported(v, sheet[store.PolicyItem]{"policies-" + v.analyzer.Name, policyColumns, policyTold, list})
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	p.Items, p.Pager, p.Exports = part.Items, v.pager(part.Next, len(part.Items)), v.exports()
	out.data = p
	return out, nil
}
