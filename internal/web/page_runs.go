package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
)

func runsRoutes() []route {
	return []route{
		{"GET /runs", store.Viewer, "", (*visit).runs},
		{"GET /runs/{id}", store.Viewer, "", (*visit).run},
		{"GET /jobs", store.Viewer, "", (*visit).jobs},
		{"POST /jobs/{id}/retry", store.Operator, "", (*visit).retry},
	}
}

// runsPage is a list of runs.
type runsPage struct {
	Account  string
	States   []option
	Sizes    []option
	Narrowed bool
	Items    []store.Run
	Pager    pager
	Exports  []export
}

var runColumns = []column[store.Run]{
	{"run", func(r store.Run) token { return whole(r.ID) }},
	{"account", func(r store.Run) token { return text(r.Account) }},
	{"state", func(r store.Run) token { return text(r.State) }},
	{"startedAt", func(r store.Run) token { return stamp(r.StartedAt) }},
	{"finishedAt", func(r store.Run) token { return stamp(r.FinishedAt) }},
	{"windowDays", func(r store.Run) token { return whole(r.WindowDays) }},
	{"windowEnd", func(r store.Run) token { return stamp(r.WindowEnd) }},
	{"catalog", func(r store.Run) token { return text(r.CatalogDate) }},
	{"newFindings", func(r store.Run) token { return whole(r.Changes[finding.New]) }},
	{"resolvedFindings", func(r store.Run) token { return whole(r.Changes[finding.Fixed]) }},
	{"notJudged", func(r store.Run) token { return whole(r.Changes[finding.NotJudged]) }},
	{"problems", func(r store.Run) token { return whole(len(r.Report.Problems)) }},
	{"failure", func(r store.Run) token { return text(r.Failure) }},
}

func (v *visit) runs() (answer, error) {
	p := runsPage{Account: v.trimmed("account"), Sizes: v.sizes()}
	var err error
	if p.States, err = v.choice("state", option{Label: "All states"}, option{Value: string(store.Running), Label: "Running"},
		option{Value: string(store.Complete), Label: "Complete"}, option{Value: string(store.Failed), Label: "Failed"}); err != nil {
		return nil, err
	}
	p.Narrowed = p.Account != "" || v.query("state") != ""
	out := page{name: "runs", title: "Runs", menu: "GET /accounts"}
	if v.analyzer.ARN == "" {
		out.data = p
		return out, nil
	}
	q := store.RunQuery{Analyzer: v.analyzer.ARN, Account: p.Account, State: store.RunState(v.query("state"))}
	list := func(at store.Page) (store.Part[store.Run], error) { return v.site.Store.FindRuns(v.Context(), q, at) }
	if v.query("format") != "" {
		return exported(v, sheet[store.Run]{"runs-" + v.analyzer.Name, runColumns, runTold, list})
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	p.Items, p.Pager, p.Exports = part.Items, v.pager(part.Next, len(part.Items)), v.exports()
	out.data = p
	return out, nil
}

// runPage is the report of a run.
type runPage struct {
	store.Run
	Crumbs  []crumb
	Name    string // the analyzer's; "" if it isn't the one that is looked at
	Tiles   []tile
	Changes []bar
	Skipped []bar
	Total   int // of those skipped
}

func (v *visit) run() (answer, error) {
	id, err := strconv.ParseInt(v.PathValue("id"), 10, 64)
	if err != nil {
		return nil, missing("there is no run " + v.PathValue("id"))
	}
	r, err := v.site.Store.Run(v.Context(), id)
	if err != nil {
		return nil, err
	}
	p := &runPage{Run: r, Crumbs: []crumb{{"Runs", v.Link("/runs")}, {r.Account, v.Link("/runs", "account", r.Account)}, {"Run " + plainNumber(int(r.ID)), ""}}}
	for _, a := range v.analyzers { // the page is about the run's own
		if a.ARN == r.Analyzer {
			v.analyzer, p.Name = a, a.Name
		}
	}
	if r.State == store.Complete {
		p.Tiles = v.runTiles(r)
		p.Changes = v.changeBars(r)
		p.Skipped, p.Total = v.skippedBars(r)
	}
	return page{name: "run", title: "Run " + plainNumber(int(r.ID)), menu: "GET /accounts", data: p}, nil
}

func (v *visit) runTiles(r store.Run) []tile {
	of := r.Report
	list := v.Link("/principals", "account", r.Account)
	permissions := v.Link("/findings", "status", all, "account", r.Account, "type", string(finding.UnusedPermission))
	return []tile{
		{number(of.Roles + of.Users), "Principals", counted(of.Roles, "role", "roles") + ", " + counted(of.Users, "user", "users"), list},
		{number(of.Granted), "Actions granted", "to all that were judged, together", list},
		{number(of.Unused), "Unused", percent(of.Unused, of.Granted) + " of what is granted", permissions},
		{number(of.Removed), "Removable with proof", percent(of.Removed, of.Unused) + " of what is unused", permissions},
	}
}

// changeBars are what became of findings, with lists that show where they are now.
func (v *visit) changeBars(r store.Run) []bar {
	by := func(status, sort string) string {
		return v.Link("/findings", "status", status, "account", r.Account, "sort", sort)
	}
	var out []bar
	for _, c := range []struct {
		change finding.Change
		label  string
		class  string
		url    string
	}{
		{finding.New, "New", "c2", by(all, "-created")},
		{finding.Reopened, "Found again", "c2", by(string(finding.Active), "-updated")},
		{finding.Updated, "More is unused, or something else", "c2", by(all, "-updated")},
		{finding.PartlyFixed, "Partly fixed", "c1", by(all, "-updated")},
		{finding.Fixed, "Resolved", "c1", by(string(finding.Resolved), "-updated")},
		{finding.Same, "Unchanged", "quiet", by(all, "updated")},
		{finding.NotJudged, "Not judged, left as they were", "quiet", by(all, "updated")},
	} {
		out = append(out, bar{Label: c.label, Value: r.Changes[c.change], Class: c.class, URL: c.url})
	}
	return scaled(out)
}

// skippedBars say who wasn't judged, by the reason, the most frequent first.
func (v *visit) skippedBars(r store.Run) (out []bar, total int) {
	for reason, n := range r.Report.Skipped {
		out = append(out, bar{Label: reason, Value: n, Class: "quiet", URL: v.Link("/principals", "account", r.Account)})
		total += n
	}
	slices.SortFunc(out, func(a, b bar) int { return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Label, b.Label)) })
	return scaled(out), total
}

// jobsPage is the work that was done, is done and waits.
type jobsPage struct {
	Sizes   []option
	Items   []jobs.Job
	Pager   pager
	Exports []export
}

func (v *visit) jobs() (answer, error) {
	list := func(at store.Page) (store.Part[jobs.Job], error) { return v.site.Queue.Jobs(v.Context(), at) }
	if v.query("format") != "" {
		return exported(v, sheet[jobs.Job]{"jobs", jobColumns, jobTold, list})
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	p := jobsPage{v.sizes(), part.Items, v.pager(part.Next, len(part.Items)), v.exports()}
	return page{name: "jobs", title: "Jobs", menu: "GET /accounts", data: p}, nil
}

var jobColumns = []column[jobs.Job]{
	{"job", func(j jobs.Job) token { return whole(j.ID) }},
	{"kind", func(j jobs.Job) token { return text(j.Kind) }},
	{"subject", func(j jobs.Job) token { return text(j.Subject) }},
	{"analyzer", func(j jobs.Job) token { return text(j.Analyzer) }},
	{"account", func(j jobs.Job) token { return text(j.Account) }},
	{"finding", func(j jobs.Job) token { return text(j.Finding) }},
	{"state", func(j jobs.Job) token { return text(j.State) }},
	{"attempt", func(j jobs.Job) token { return whole(j.Attempt) }},
	{"maxAttempts", func(j jobs.Job) token { return whole(j.MaxAttempts) }},
	{"error", func(j jobs.Job) token { return text(j.Error) }},
	{"who", func(j jobs.Job) token { return text(j.Who) }},
	{"createdAt", func(j jobs.Job) token { return stamp(j.CreatedAt) }},
	{"startedAt", func(j jobs.Job) token { return stamp(j.StartedAt) }},
	{"finishedAt", func(j jobs.Job) token { return stamp(j.FinishedAt) }},
	{"nextAt", func(j jobs.Job) token { return stamp(j.NextAt) }},
}

func (v *visit) retry() (answer, error) {
	id, err := strconv.ParseInt(v.PathValue("id"), 10, 64)
	if err != nil {
		return nil, missing("there is no job " + v.PathValue("id"))
	}
	if err := v.site.Queue.Retry(v.Context(), v.by(), id); err != nil {
		return nil, err
	}
	return v.back(v.Link("/jobs"), "retry", 1), nil
}

// JobFinding is the address of the finding that a job is about; "" if there is none, or its
// analyzer is gone.
func (v *visit) JobFinding(j jobs.Job) string {
	for _, a := range v.analyzers {
		if a.ARN == j.Analyzer && j.Finding != "" {
			return withQuery("/findings/"+j.Finding, url.Values{"analyzer": {a.Name}})
		}
	}
	return ""
}

// Changed is how many findings a run changed in a way.
func (v *visit) Changed(r store.Run, how string) int { return r.Changes[finding.Change(how)] }
