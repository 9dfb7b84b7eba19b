package web

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func principalsRoutes() []route {
	return []route{
		{"GET /principals", store.Viewer, "Principals", (*visit).principals},
		{"GET /principal", store.Viewer, "", (*visit).principal},
	}
}

// principalsPage is a list of roles and users.
type principalsPage struct {
	Kinds             []option
	Account, Contains string
	Sort              string
	Narrowed          bool
	Sizes             []option
	Columns           []heading
	Items             []principalItem
	Pager             pager
	Exports           []export
}

type principalItem struct {
	store.Principal
	Share int // of what is granted, unused, of 100
}

var principalColumns = []column[store.Principal]{
	{"arn", func(p store.Principal) token { return text(p.ARN) }},
	{"id", func(p store.Principal) token { return text(p.ID) }},
	{"kind", func(p store.Principal) token { return text(p.Kind) }},
	{"account", func(p store.Principal) token { return text(p.Account) }},
	{"grantedActions", func(p store.Principal) token { return whole(p.Granted) }},
	{"usedActions", func(p store.Principal) token { return whole(p.Used) }},
	{"unusedActions", func(p store.Principal) token { return unlessUnjudged(p, p.Unused) }},
	{"grantedAfterSteps", func(p store.Principal) token { return unlessUnjudged(p, p.After) }},
	{"judged", func(p store.Principal) token { return yesNo(!p.Unjudged) }},
	{"lastUsed", func(p store.Principal) token { return stamp(p.LastUsed) }},
	{"createdAt", func(p store.Principal) token { return stamp(p.CreatedAt) }},
}

// findingsOf are the findings of principals.
func findingsOf(q store.PrincipalQuery) store.Query {
	f := finding.Filter{}
	if q.Account != "" {
		f["resourceOwnerAccount"] = finding.Criterion{Eq: []string{q.Account}}
	}
	if q.Contains != "" {
		f["resource"] = finding.Criterion{Contains: []string{q.Contains}}
	}
	switch q.Kind {
	case "":
	case store.Role:
		f["resourceType"] = finding.Criterion{Eq: []string{"AWS::IAM::Role"}}
	case store.User:
		f["resourceType"] = finding.Criterion{Eq: []string{"AWS::IAM::User"}}
	}
	return store.Query{Analyzer: q.Analyzer, Filter: f}
}

// unlessUnjudged is a number that isn't known of who wasn't judged: null.
func unlessUnjudged(p store.Principal, n int) token {
	if p.Unjudged {
		return jsontext.Null
	}
	return whole(n)
}

func (v *visit) principals() (answer, error) {
	p := principalsPage{Account: v.trimmed("account"), Contains: v.trimmed("contains"), Sort: v.query("sort"), Sizes: v.sizes()}
	out := page{name: "principals", title: "Principals", menu: "GET /principals"}
	var err error
	if p.Kinds, err = v.choice("kind", option{Label: "Roles and users"}, option{Value: string(store.Role), Label: "Roles"}, option{Value: string(store.User), Label: "Users"}); err != nil {
		return nil, err
	}
	by, ok := map[string]store.PrincipalSort{"": store.PrincipalsByUnused, "-unused": store.PrincipalsByUnused, "account": store.PrincipalsByAccount}[p.Sort]
	if !ok {
		return nil, bad("principals aren't sorted by " + p.Sort)
	}
	p.Narrowed = v.query("kind") != "" || p.Account != "" || p.Contains != ""
	if v.analyzer.ARN == "" {
		out.data = p
		return out, nil
	}
	q := store.PrincipalQuery{Analyzer: v.analyzer.ARN, Account: p.Account, Kind: store.PrincipalKind(v.query("kind")), Contains: p.Contains, By: by}
	list := func(at store.Page) (store.Part[store.Principal], error) {
		return v.site.Store.FindPrincipals(v.Context(), q, at)
	}
	if v.query("format") == "sarif" { // which has room for findings alone
		return v.exportFindings(findingsOf(q), "sarif")
	}
	if v.query("format") != "" {
		return exported(v, sheet[store.Principal]{"principals-" + v.analyzer.Name, principalColumns, principalTold, list})
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	for _, one := range part.Items {
		p.Items = append(p.Items, principalItem{one, share(one.Unused, one.Granted)})
	}
	p.Pager, p.Exports, p.Columns = v.pager(part.Next, len(part.Items)), v.exports(), v.principalHeadings(by)
	out.data = p
	return out, nil
}

func (v *visit) principalHeadings(by store.PrincipalSort) []heading {
	account, unused := heading{Label: "Account", URL: v.List("sort", "account")}, heading{Label: "Unused", URL: v.List("sort", ""), Class: "number"}
	if by == store.PrincipalsByUnused {
		unused.Aria = "descending"
	} else {
		account.Aria = "ascending"
	}
	return []heading{
		{Label: "Role or user"}, account, {Label: "Granted", Class: "number"}, {Label: "Used", Class: "number"}, unused, {Label: "After the steps", Class: "number"}, {Label: "Last used"},
	}
}

// trimmed is a parameter of the address without blanks around it.
func (v *visit) trimmed(name string) string { return strings.TrimSpace(v.query(name)) }
