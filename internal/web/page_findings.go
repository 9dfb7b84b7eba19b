package web

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func findingsRoutes() []route {
	return []route{
		{"GET /findings", store.Viewer, "Findings", (*visit).findings},
		{"POST /findings/status", store.Reviewer, "", (*visit).setStatus},
		{"POST /findings/recommend", store.Operator, "", (*visit).recommendAll},
	}
}

// findingsPage is a list of findings, or of groups of them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-view.html
type findingsPage struct {
	Filter  filterForm
	Tabs    []tab
	Columns []heading
	Items   []findingRow
	Groups  []groupRow
	By      string // what the groups are: "Account"; "" for no groups
	More    bool   // there are more groups than shown
	Pager   pager
	Exports []export
	Total   int // of this status and filter
}

type tab struct {
	Label   string
	Count   int
	URL     string
	Current bool
}

type groupRow struct {
	Label, Full, URL string
	Count            int
}

// filterForm is the filter as the address has it.
type filterForm struct {
	Status, Type, Account, Resource, Service, Group, Sort string

	Actions int // findings with as many unused actions or more

	Types, Groups, Sizes []option
	Narrowed             bool // by more than the status
}

// credentials is the value of the parameter type that stands for keys and passwords.
const credentials = "credentials"

// all is the value of the parameter status that stands for every status.
const all = "ALL"

// filterForm reads the filter from the address.
func (v *visit) filterForm() (filterForm, error) {
	f := filterForm{
		Status: v.query("status"), Type: v.query("type"), Account: strings.TrimSpace(v.query("account")),
		Resource: strings.TrimSpace(v.query("resource")), Service: strings.ToLower(strings.TrimSpace(v.query("service"))),
		Group: v.query("group"), Sort: v.query("sort"), Sizes: v.sizes(),
	}
	if text := v.query("actions"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return f, bad("the number of unused actions is " + text + ": want 0 or more")
		}
		f.Actions = n
	}
	if f.Status == "" {
		f.Status = string(finding.Active)
	}
	statuses := []string{all, string(finding.Active), string(finding.Archived), string(finding.Resolved)}
	if !slices.Contains(statuses, f.Status) {
		return f, bad("status is " + f.Status + ": want one of " + strings.Join(statuses, ", "))
	}
	f.Types = []option{{"", "All types", f.Type == ""}, {credentials, "Unused credentials", f.Type == credentials}}
	for _, t := range finding.Types() {
		f.Types = append(f.Types, option{string(t), typesText(t), f.Type == string(t)})
	}
	if !slices.ContainsFunc(f.Types, func(o option) bool { return o.Selected }) {
		return f, bad("there is no type " + f.Type)
	}
	f.Groups = []option{{"", "No groups", f.Group == ""}, {"account", "By account", f.Group == "account"}, {"type", "By type", f.Group == "type"}, {"principal", "By principal", f.Group == "principal"}, {"service", "By service", f.Group == "service"}}
	if !slices.ContainsFunc(f.Groups, func(o option) bool { return o.Selected }) {
		return f, bad("findings aren't grouped by " + f.Group)
	}
	f.Narrowed = f.Type != "" || f.Account != "" || f.Resource != "" || f.Service != "" || f.Actions > 0
	return f, nil
}

// filter is the store's, without the status.
func (f filterForm) filter() finding.Filter {
	out := finding.Filter{}
	switch f.Type {
	case "":
	case credentials:
		out["findingType"] = finding.Criterion{Eq: []string{string(finding.UnusedIAMUserAccessKey), string(finding.UnusedIAMUserPassword)}}
	default:
		out["findingType"] = finding.Criterion{Eq: []string{f.Type}}
	}
	if f.Account != "" {
		out["resourceOwnerAccount"] = finding.Criterion{Eq: []string{f.Account}}
	}
	if f.Resource != "" {
		out["resource"] = named(f.Resource)
	}
	return out
}

// named is a criterion for what contains a text; for what is the text, if it stands in quotes,
// which no ARN has. A role's ARN may be the beginning of another's.
func named(text string) finding.Criterion {
	if inner, ok := strings.CutPrefix(text, quote); ok && strings.HasSuffix(inner, quote) {
		return finding.Criterion{Eq: []string{strings.TrimSuffix(inner, quote)}}
	}
	return finding.Criterion{Contains: []string{text}}
}

const quote = `"`

// Exactly is the text of a filter that lets one role or user through.
func (v *visit) Exactly(arn string) string { return quote + arn + quote }

// sortKeys are the values of the parameter sort.
var sortKeys = map[string]store.SortKey{
	"id": store.ByID, "principal": store.ByResource, "type": store.ByType, "account": store.ByAccount,
	"actions": store.ByActions, "updated": store.ByUpdate, "created": store.ByCreation, "status": store.ByStatus,
}

func (f filterForm) query(analyzer string) (store.Query, error) {
	q := store.Query{
		Analyzer: analyzer, Filter: f.filter(), Service: f.Service, MinActions: f.Actions,
		Sort: store.Sort{By: store.ByUpdate, Descending: true},
	}
	if f.Status != all {
		q.Filter["status"] = finding.Criterion{Eq: []string{f.Status}}
	}
	if f.Sort != "" {
		name, descending := strings.CutPrefix(f.Sort, "-")
		by, ok := sortKeys[name]
		if !ok {
			return q, bad("findings aren't sorted by " + name)
		}
		q.Sort = store.Sort{By: by, Descending: descending}
	}
	return q, nil
}

func (v *visit) findings() (answer, error) {
	form, err := v.filterForm()
	if err != nil {
		return nil, err
	}
	p := findingsPage{Filter: form}
	if v.analyzer.ARN == "" {
		return page{name: "findings", title: "Findings", menu: "GET /findings", data: p}, nil
	}
	q, err := form.query(v.analyzer.ARN)
	if err != nil {
		return nil, err
	}
	if format := v.query("format"); format != "" {
		return v.exportFindings(q, format)
	}
	if err := v.fillTabs(&p, q); err != nil {
		return nil, err
	}
	if form.Group != "" {
		err = v.fillGroups(&p, q)
	} else {
		err = v.fillItems(&p, q)
	}
	p.Exports = v.exports()
	return page{name: "findings", title: "Findings", menu: "GET /findings", data: p}, err
}

// fillTabs counts what the filter lets through, by status.
func (v *visit) fillTabs(p *findingsPage, q store.Query) error {
	n, err := v.site.Store.StatusCounts(v.Context(), q)
	if err != nil {
		return err
	}
	p.Tabs = []tab{
		{statusText(finding.Active), n.Active, string(finding.Active), false}, {statusText(finding.Archived), n.Archived, string(finding.Archived), false},
		{statusText(finding.Resolved), n.Resolved, string(finding.Resolved), false}, {"All", n.Active + n.Archived + n.Resolved, all, false},
	}
	for i := range p.Tabs {
		t := &p.Tabs[i]
		if t.Current = t.URL == p.Filter.Status; t.Current {
			p.Total = t.Count
		}
		t.URL = v.List("status", t.URL)
	}
	return nil
}

func (v *visit) fillItems(p *findingsPage, q store.Query) error {
	part, err := v.site.Store.Findings(v.Context(), q, v.asked())
	if err != nil {
		return err
	}
	now := p.Filter.Sort
	if now == "" {
		now = "-updated"
	}
	p.Items, p.Pager = v.findingRows(part.Items), v.pager(part.Next, len(part.Items))
	p.Pager.Total = p.Total
	unused := v.sortable("Unused", "actions", now, descending)
	p.Columns = []heading{
		v.sortable("IAM entity", "principal", now, ascending), v.sortable("Type", "type", now, ascending), v.sortable("Account", "account", now, ascending),
		unused, v.sortable("Last updated", "updated", now, descending), v.sortable("Status", "status", now, ascending), v.sortable("Finding ID", "id", now, ascending),
	}
	return nil
}

// mostGroups is how many groups are shown.
const mostGroups = 200

// fillGroups counts by what the form says. A finding counts for each of its services.
func (v *visit) fillGroups(p *findingsPage, q store.Query) error {
	by, ok := groupKeys[p.Filter.Group]
	count := func() ([]store.Group, error) { return v.site.Store.Groups(v.Context(), q, by.key, mostGroups+1) }
	if !ok {
		by.label = "Service"
		count = func() ([]store.Group, error) { return v.site.Store.Services(v.Context(), q, mostGroups+1) }
	}
	groups, err := count()
	if err != nil {
		return err
	}
	p.By, p.More = by.label, len(groups) > mostGroups
	for _, g := range groups[:min(len(groups), mostGroups)] {
		p.Groups = append(p.Groups, v.groupRow(p.Filter.Group, g))
	}
	return nil
}

var groupKeys = map[string]struct {
	label string
	key   store.SortKey
}{"account": {"Account", store.ByAccount}, "type": {"Type", store.ByType}, "principal": {"IAM entity", store.ByResource}}

func (v *visit) groupRow(by string, g store.Group) groupRow {
	row := groupRow{Label: g.Value, Count: g.Count}
	switch by {
	case "type":
		row.Label, row.URL = typesText(finding.Type(g.Value)), v.List("group", "", "type", g.Value)
	case "principal":
		row.Label, row.Full, row.URL = entityText(g.Value), g.Value, v.List("group", "", "resource", v.Exactly(g.Value))
	default:
		row.URL = v.List("group", "", by, g.Value)
	}
	return row
}

// selected are the findings that a form names.
func (v *visit) selected() []string {
	ids := slices.Clone(v.PostForm["id"])
	slices.Sort(ids)
	return slices.Compact(ids)
}

// setStatus archives the selected findings, or takes them back.
func (v *visit) setStatus() (answer, error) {
	to := finding.Status(v.PostForm.Get("to"))
	if to != finding.Archived && to != finding.Active {
		return nil, bad("findings are made " + string(finding.Archived) + " or " + string(finding.Active) + ", not " + string(to))
	}
	ids := v.selected()
	if len(ids) == 0 {
		return v.back("/findings", "nothing", 0), nil
	}
	n, err := v.site.Store.SetStatus(v.Context(), v.by(), v.analyzer.ARN, to, ids)
	if err != nil {
		return nil, err
	}
	if to == finding.Active {
		return v.back("/findings", "unarchived", n), nil
	}
	return v.back("/findings", "archived", n), nil
}

// recommendAll asks for a recommendation for each of the selected findings that can have
// one.
func (v *visit) recommendAll() (answer, error) {
	ids := v.selected()
	if len(ids) == 0 {
		return v.back("/findings", "nothing", 0), nil
	}
	n := 0
	for _, id := range ids {
		made, err := v.recommend(v.Context(), id)
		if err != nil {
			return nil, err
		}
		n += made
	}
	return v.back("/findings", "recommend", n), nil
}

// recommend asks for a recommendation and says how many there will be: none for a finding
// that can't have one.
func (v *visit) recommend(ctx context.Context, id string) (int, error) {
	err := v.site.Queue.Recommend(ctx, v.by(), v.analyzer.ARN, id)
	if errors.Is(err, store.ErrConflict) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}
