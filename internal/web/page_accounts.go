package web

import (
	"errors"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func accountsRoutes() []route {
	return []route{
		{"GET /accounts", store.Viewer, "Accounts", (*visit).accounts},
		{"GET /accounts/{id}", store.Viewer, "", (*visit).account},
		{"POST /accounts/scan", store.Operator, "", (*visit).scan},
	}
}

// Account is the address of the page about an account.
func (v *visit) Account(id string) string { return v.Link("/accounts/" + id) }

// Run is the address of the page about a run.
func (v *visit) Run(id int64) string { return v.Link("/runs/" + plainNumber(int(id))) }

// accountsPage is the accounts that an analyzer looks at.
type accountsPage struct {
	Sizes   []option
	Items   []accountItem
	Pager   pager
	Exports []export
}

type accountItem struct {
	store.AccountState
	Active int // findings
}

var accountColumns = []column[store.AccountState]{
	{"account", func(a store.AccountState) token { return text(a.ID) }},
	{"name", func(a store.AccountState) token { return text(a.Name) }},
	{"path", func(a store.AccountState) token { return text(a.Path) }},
	{"lastRun", func(a store.AccountState) token { return whole(a.Last.ID) }},
	{"lastState", func(a store.AccountState) token { return text(a.Last.State) }},
	{"lastStartedAt", func(a store.AccountState) token { return stamp(a.Last.StartedAt) }},
	{"failure", func(a store.AccountState) token { return text(a.Last.Failure) }},
	{"completeRun", func(a store.AccountState) token { return whole(a.Complete.ID) }},
	{"windowEnd", func(a store.AccountState) token { return stamp(a.Complete.WindowEnd) }},
	{"windowDays", func(a store.AccountState) token { return whole(a.Complete.WindowDays) }},
	{"roles", func(a store.AccountState) token { return whole(a.Complete.Report.Roles) }},
	{"users", func(a store.AccountState) token { return whole(a.Complete.Report.Users) }},
	{"problems", func(a store.AccountState) token { return whole(len(a.Complete.Report.Problems)) }},
}

func (v *visit) accounts() (answer, error) {
	p := accountsPage{Sizes: v.sizes()}
	out := page{name: "accounts", title: "Accounts", menu: "GET /accounts"}
	if v.analyzer.ARN == "" {
		out.data = p
		return out, nil
	}
	list := func(at store.Page) (store.Part[store.AccountState], error) {
		return v.site.Store.AccountStates(v.Context(), v.analyzer.ARN, at)
	}
	if v.query("format") != "" {
		return exported(v, sheet[store.AccountState]{"accounts-" + v.analyzer.Name, accountColumns, accountTold, list})
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	active, err := v.activeByAccount()
	if err != nil {
		return nil, err
	}
	for _, a := range part.Items {
		p.Items = append(p.Items, accountItem{a, active[a.ID]})
	}
	p.Pager, p.Exports = v.pager(part.Next, len(part.Items)), v.exports()
	out.data = p
	return out, nil
}

// mostAccounts is how many accounts an organization is taken to have.
const mostAccounts = 100_000

// activeByAccount is how many active findings accounts have.
func (v *visit) activeByAccount() (map[string]int, error) {
	q := store.Query{Analyzer: v.analyzer.ARN, Filter: finding.Filter{"status": {Eq: []string{string(finding.Active)}}}}
	groups, err := v.site.Store.Groups(v.Context(), q, store.ByAccount, mostAccounts)
	out := make(map[string]int, len(groups))
	for _, g := range groups {
		out[g.Value] = g.Count
	}
	return out, err
}

// scan asks for a new run over an account; over all of the analyzer's if none is named.
func (v *visit) scan() (answer, error) {
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer that could look at an account")
	}
	if err := v.site.Queue.Scan(v.Context(), v.by(), v.analyzer.ARN, v.PostForm.Get("account")); err != nil {
		return nil, err
	}
	return v.back(v.Link("/accounts"), "scan", 1), nil
}

// accountPage is one account: what the runs over it found, and what they rest on.
type accountPage struct {
	ID       string
	Known    bool // the account is looked at; else only its runs are there
	Account  store.Account
	Crumbs   []crumb
	Last     store.Run // ID 0: none
	Complete store.Run
	Basis    string
	Age      time.Duration // of the data
	Old      bool          // older than data should be
	Tiles    []tile
	Services []bar
	Runs     []store.Run
}

// oldData is how old an account's data may be until a page warns of it.
const oldData = 3 * day

const lastRuns = 10

func (v *visit) account() (answer, error) {
	id := v.PathValue("id")
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer, and so nothing is known of an account")
	}
	p := &accountPage{ID: id, Crumbs: []crumb{{"Accounts", v.Link("/accounts")}, {id, ""}}}
	var err error
	p.Account, err = v.site.Store.Account(v.Context(), id)
	if p.Known = err == nil; err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	part, err := v.site.Store.FindRuns(v.Context(), store.RunQuery{Analyzer: v.analyzer.ARN, Account: id}, store.Page{Limit: lastRuns})
	if err != nil {
		return nil, err
	}
	if p.Runs = part.Items; len(p.Runs) > 0 {
		p.Last = p.Runs[0]
	}
	if !p.Known && p.Last.ID == 0 {
		return nil, missing("the analyzer " + v.analyzer.Name + " has no account " + id)
	}
	if p.Complete, err = v.lastComplete(id); err != nil {
		return nil, err
	}
	if p.Complete.ID != 0 {
		p.Basis, p.Age = v.basisText(p.Complete), v.now.Sub(p.Complete.WindowEnd)
		p.Old = p.Age > oldData
		err = v.fillAccount(p)
	}
	return page{name: "account", title: "Account " + id, menu: "GET /accounts", data: p}, err
}

// fillAccount adds the figures.
func (v *visit) fillAccount(p *accountPage) error {
	ctx, s, arn := v.Context(), v.site.Store, v.analyzer.ARN
	sum, err := s.PrivilegeOf(ctx, arn, p.ID)
	if err != nil {
		return err
	}
	counts, err := s.StatusCounts(ctx, store.Query{Analyzer: arn, Filter: finding.Filter{"resourceOwnerAccount": {Eq: []string{p.ID}}}})
	if err != nil {
		return err
	}
	services, err := s.PrivilegeByService(ctx, arn, p.ID, store.Page{Limit: mostRows})
	if err != nil {
		return err
	}
	r := p.Complete.Report
	permissions := v.Link("/findings", "status", string(finding.Active), "account", p.ID, "type", string(finding.UnusedPermission))
	p.Tiles = []tile{
		{number(counts.Active), "Active findings", number(counts.Archived) + " archived, " + number(counts.Resolved) + " resolved", v.Link("/findings", "status", string(finding.Active), "account", p.ID)},
		{number(r.Roles + r.Users), "Principals", peopleText(r.Roles, r.Users, sum.Principals), v.Link("/principals", "account", p.ID)},
		{percent(sum.Unused, sum.Granted), "Granted but unused", number(sum.Unused) + " of " + counted(sum.Granted, "action", "actions"), permissions},
		{percent(r.Removed, r.Unused), "Removable with proof", number(r.Removed) + " of what is unused", v.Link("/recommendations")},
	}
	for _, b := range services.Items {
		if b.Unused > 0 {
			p.Services = append(p.Services, bar{Label: b.Name, Value: b.Unused, Class: "c4", URL: v.Link("/findings", "status", string(finding.Active), "account", p.ID, "service", b.Name)})
		}
	}
	scaled(p.Services)
	return nil
}

// peopleText counts roles and users, and those of them that weren't judged.
func peopleText(roles, users, judged int) string {
	out := counted(roles, "role", "roles") + ", " + counted(users, "user", "users")
	if not := roles + users - judged; not > 0 {
		out += ", " + number(not) + " not judged"
	}
	return out
}

// Took is how long a run took; how long it runs by now, if it does.
func (v *visit) Took(r store.Run) string {
	end := r.FinishedAt
	if end.IsZero() {
		end = v.now
	}
	d := end.Sub(r.StartedAt)
	if d < 0 {
		return ""
	}
	if d < time.Minute {
		return strings.TrimSuffix(d.Round(100*time.Millisecond).String(), ".0s")
	}
	return spanText(d)
}

// Ago is how long ago a span of time began.
func (v *visit) Ago(d time.Duration) string { return agoText(d) }
