package web

import (
	"cmp"
	"strings"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// policyPage is a policy's text, who has it, and what nobody of them uses.
type policyPage struct {
	Hash    string
	Names   []string // under which the principals of this part have it, sorted
	Kind    finding.PolicyKind
	ARN     string // of the first one that is managed; ""
	Crumbs  []crumb
	Lines   []string
	Broken  bool // shown with line breaks that it doesn't have
	Holders []holder
	Pager   pager
	Shared  sharedUse
	Exports []export
}

// holder is a principal that has the policy.
type holder struct {
	store.Principal
	Not string // why nothing can be said of what it doesn't use; ""
}

func (v *visit) policy() (answer, error) {
	hash := v.PathValue("hash")
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer, and so no policy")
	}
	list := func(at store.Page) (store.Part[store.Principal], error) {
		return v.site.Store.Holders(v.Context(), v.analyzer.ARN, hash, at)
	}
	if v.query("format") != "" {
		return exported(v, sheet[store.Principal]{"principals-of-a-policy", principalColumns, principalTold, list})
	}
	src, err := v.site.Store.Policy(v.Context(), hash)
	if err != nil {
		return nil, err
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	if len(part.Items) == 0 && v.query("page") == "" { // another analyzer's
		return nil, missing("no principal of the analyzer " + v.analyzer.Name + " has this policy")
	}
	p := &policyPage{Hash: hash, Pager: v.pager(part.Next, len(part.Items)), Exports: v.exports()}
	p.Lines, p.Broken = linesOf(src)
	if p.Shared, err = v.sharedUse(src, list); err != nil {
		return nil, err
	}
	for _, one := range part.Items {
		p.Holders = append(p.Holders, holder{one, p.Shared.not[one.ARN]})
	}
	if err := v.namePolicy(p); err != nil {
		return nil, err
	}
	title := "Policy"
	if len(p.Names) > 0 {
		title = p.Names[0]
	}
	p.Crumbs = []crumb{{"Policies", v.Link("/policies")}, {title, ""}}
	return page{name: "policy", title: title, menu: "GET /policies", data: p}, nil
}

// linesOf are the lines of a policy as they are shown. One that is all on one line is
// broken up.
func linesOf(src string) (lines []string, broken bool) {
	if !strings.Contains(strings.TrimSpace(src), "\n") {
		pretty := indented(src)
		src, broken = pretty, pretty != src
	}
	return strings.Split(strings.TrimRight(strings.ReplaceAll(src, "\r\n", "\n"), "\n"), "\n"), broken
}

// namePolicy says what the first holder calls the policy.
func (v *visit) namePolicy(p *policyPage) error {
	if len(p.Holders) == 0 {
		return nil
	}
	one, err := v.site.Store.Principal(v.Context(), v.analyzer.ARN, p.Holders[0].ARN)
	if err != nil {
		return err
	}
	for _, h := range one.Policies {
		if h.Hash == p.Hash {
			p.Names = append(p.Names, h.Name)
			p.Kind, p.ARN = cmp.Or(p.Kind, h.Kind), cmp.Or(p.ARN, h.ARN)
		}
	}
	return nil
}
