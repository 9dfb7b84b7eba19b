package web

import "github.com/pare-iam/pare/internal/store"

func auditRoutes() []route {
	return []route{{"GET /audit", store.Admin, "Audit", (*visit).audit}}
}

// auditPage is what was changed, by whom and from where, and what was refused.
type auditPage struct {
	Query    store.AuditQuery
	Sizes    []option
	Narrowed bool
	Items    []store.Entry
	Pager    pager
	Exports  []export
}

var auditColumns = []column[store.Entry]{
	{"line", func(e store.Entry) token { return whole(e.Seq) }},
	{"at", func(e store.Entry) token { return stamp(e.At) }},
	{"who", func(e store.Entry) token { return text(e.Who) }},
	{"origin", func(e store.Entry) token { return text(e.Origin) }},
	{"action", func(e store.Entry) token { return text(e.Action) }},
	{"target", func(e store.Entry) token { return text(e.Target) }},
	{"outcome", func(e store.Entry) token { return text(e.Outcome) }},
}

func (v *visit) audit() (answer, error) {
	p := auditPage{Query: store.AuditQuery{Who: v.trimmed("who"), Target: v.trimmed("target"), Action: v.trimmed("action")}, Sizes: v.sizes()}
	p.Narrowed = p.Query != store.AuditQuery{}
	list := func(at store.Page) (store.Part[store.Entry], error) {
		return v.site.Store.FindAudit(v.Context(), p.Query, at)
	}
	if v.query("format") != "" {
		return exported(v, sheet[store.Entry]{"audit", auditColumns, auditTold, list})
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	p.Items, p.Pager, p.Exports = part.Items, v.pager(part.Next, len(part.Items)), v.exports()
	return page{name: "audit", title: "Audit log", menu: "GET /audit", data: p}, nil
}
