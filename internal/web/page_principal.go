package web

import (
	"cmp"
	"errors"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/store"
)

// principalPage is what is known of a role or user, as its account's last complete run saw it.
type principalPage struct {
	store.Principal
	Crumbs    []crumb
	Basis     string
	Run       store.Run // ID 0: there is none any more
	Rest      int       // granted, neither known to be used nor called unused
	Tiles     []tile
	Plot      template.HTML
	Services  []grantRow // the most unused first
	Others    []grantRow // those that come after them
	Own       []store.HeldPolicy
	OfGroups  []groupPolicies
	Findings  []findingRow
	More      string // address of the findings that aren't shown; ""
	Advice    *store.Recommendation
	AdviceURL string
}

// grantRow is a service with how much of it is granted and used.
type grantRow struct {
	store.Evidence
	Rest  int
	Share int // unused, of 100
}

// grants are services of somebody whose permissions were judged, or weren't.
type grants struct {
	Rows     []grantRow
	Unjudged bool
}

// Grants are some of the principal's services.
func (p *principalPage) Grants(rows []grantRow) grants { return grants{rows, p.Unjudged} }

type groupPolicies struct {
	Group    string // ARN
	Policies []store.HeldPolicy
}

// How many services and findings a page shows at once. Services are bounded by AWS's, and
// those that come after stand in a fold.
const (
	mostServices = 25
	plotServices = 10
	mostOfOne    = 100
)

func (v *visit) principal() (answer, error) {
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer, and so no principal")
	}
	got, err := v.site.Store.Principal(v.Context(), v.analyzer.ARN, v.query("arn"))
	if err != nil {
		return nil, err
	}
	p := &principalPage{Principal: got, Rest: max(0, got.Granted-got.Used-got.Unused)}
	p.Crumbs = []crumb{{"Principals", v.Link("/principals")}, {got.Account, v.Link("/principals", "account", got.Account)}, {entityText(got.ARN), ""}}
	if p.Run, err = v.lastComplete(got.Account); err != nil {
		return nil, err
	}
	p.Basis = v.basisText(p.Run)
	v.fillGrants(p)
	p.fillPolicies()
	if err := v.fillOwnFindings(p); err != nil {
		return nil, err
	}
	p.Tiles = v.principalTiles(p)
	return page{name: "principal", title: entityText(got.ARN), menu: "GET /principals", data: p}, nil
}

// lastComplete is the last complete run over an account; ID 0 if there is none.
func (v *visit) lastComplete(account string) (store.Run, error) {
	part, err := v.site.Store.FindRuns(v.Context(), store.RunQuery{Analyzer: v.analyzer.ARN, Account: account, State: store.Complete}, store.Page{Limit: 1})
	if err != nil || len(part.Items) == 0 {
		return store.Run{}, err
	}
	return part.Items[0], nil
}

// basisText is what figures of a run rest on.
func (v *visit) basisText(r store.Run) string {
	if r.ID == 0 {
		return "There is no complete run any more, so nobody knows how old this is."
	}
	out := "Not used for " + counted(r.WindowDays, "day", "days") + " or more, as of " + v.Day(r.WindowEnd).Text + "."
	var sources []string
	for _, s := range r.Report.Sources {
		name := s.Name
		if !s.Until.IsZero() {
			name += " up to " + v.Day(s.Until).Text
		}
		sources = append(sources, name)
	}
	if len(sources) > 0 {
		return out + " Evidence: " + strings.Join(sources, ", ") + "."
	}
	return out + " There was no evidence of use."
}

// fillGrants shows what is granted and used, service by service.
func (v *visit) fillGrants(p *principalPage) {
	var rows []grantRow
	for _, e := range p.Evidence {
		rows = append(rows, grantRow{e, max(0, e.Granted-e.Actions-e.Unused), share(e.Unused, e.Granted)})
	}
	slices.SortStableFunc(rows, func(a, b grantRow) int {
		return cmp.Or(cmp.Compare(b.Unused, a.Unused), cmp.Compare(b.Granted, a.Granted), cmp.Compare(a.Service, b.Service))
	})
	plot := report.Pairs{
		ID: "grants", Title: "Actions granted, and those left without the unused ones, by service", Unit: "actions",
		Before: "granted", After: "without what is unused", Width: 640,
	}
	for _, r := range rows[:min(len(rows), plotServices)] {
		if r.Granted > 0 && !p.Unjudged {
			plot.Rows = append(plot.Rows, report.Pair{Name: r.Service, Before: r.Granted, After: r.Granted - r.Unused})
		}
	}
	p.Plot = template.HTML(report.PairsSVG(plot)) // made of escaped texts and numbers
	p.Services, p.Others = rows[:min(len(rows), mostServices)], rows[min(len(rows), mostServices):]
}

func (p *principalPage) fillPolicies() {
	for _, h := range p.Policies {
		if h.Group == "" {
			p.Own = append(p.Own, h)
			continue
		}
		i := slices.IndexFunc(p.OfGroups, func(g groupPolicies) bool { return g.Group == h.Group })
		if i < 0 {
			i = len(p.OfGroups)
			p.OfGroups = append(p.OfGroups, groupPolicies{Group: h.Group})
		}
		p.OfGroups[i].Policies = append(p.OfGroups[i].Policies, h)
	}
}

// fillOwnFindings lists the principal's findings, and what is recommended.
func (v *visit) fillOwnFindings(p *principalPage) error {
	q := store.Query{Analyzer: v.analyzer.ARN, Filter: finding.Filter{"resource": {Eq: []string{p.ARN}}}, Sort: store.Sort{By: store.ByStatus}}
	part, err := v.site.Store.Findings(v.Context(), q, store.Page{Limit: mostOfOne})
	if err != nil {
		return err
	}
	if p.Findings = v.findingRows(part.Items); part.Next != "" {
		p.More = v.Link("/findings", "status", all, "resource", v.Exactly(p.ARN))
	}
	for _, f := range part.Items {
		if f.Type != finding.UnusedPermission {
			continue
		}
		r, err := v.site.Store.Recommendation(v.Context(), v.analyzer.ARN, f.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		p.AdviceURL = v.Finding(f.ID)
		if err == nil {
			p.Advice = &r
		}
	}
	return nil
}

// principalTiles are the figures, each with what is behind it.
func (v *visit) principalTiles(p *principalPage) []tile {
	services := v.Here() + "#services"
	unused := cmp.Or(p.AdviceURL, services)
	after := tile{"–", "After the steps", "no proved recommendation", unused}
	switch a := p.Advice; {
	case a != nil && a.Verdict == "proved" && !a.Stale && a.Before > 0:
		after.Figure, after.Rest = number(a.After), "granted once the proved steps are taken"
	case p.After > 0 && p.After < p.Granted:
		after.Figure, after.Rest = number(p.After), "granted once the proved steps are taken"
	}
	left := tile{number(p.Unused), "Unused", percent(p.Unused, p.Granted) + " of what is granted", unused}
	if p.Unjudged {
		left.Figure, left.Rest = "–", "not judged"
	}
	return []tile{
		{number(p.Granted), "Granted", "actions, by all policies together", services},
		{number(p.Used), "Used", "in the window", services},
		left, after,
	}
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
