package web

import (
	"cmp"
	"context"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/store"
)

func overviewRoutes() []route {
	return []route{{"GET /{$}", store.Viewer, "Overview", (*visit).overview}}
}

// overviewPage is what is known of one analyzer: how much is unused, where, since when, and how
// sure that is. The figures are those of AWS's dashboard and more.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-dashboard.html
type overviewPage struct {
	NoAnalyzer, NoRun bool
	Basis             basis
	Tiles             []tile
	Types             []bar
	Statuses          []bar
	Accounts          []bar
	Trend             template.HTML
	TrendNote         string
	Excess            template.HTML // granted and needed, account by account
	ExcessRows        []excess
	Services          []bar // unused actions of all principals, by service
	Problems          []accountProblem
	MoreProblems      int
	Sources           []sourceRow
	Runs              []store.Run // the oldest first: what to look at
	MoreRuns          int
	FailedRuns        []store.Run   // begun after the last complete one
	OldAccounts       int           // of which the data is older than data should be
	Age               time.Duration // of the oldest data
}

// tile is a figure with a link to the list behind it.
type tile struct{ Figure, What, Rest, URL string }

// bar is a line of a plot of bars, with a link to the list behind it.
type bar struct {
	Label  string
	Value  int
	Length float64 // of 100
	Class  string  // of the colour; ""
	URL    string
}

// scaled sets the lengths so that the longest is 100.
func scaled(bars []bar) []bar {
	most := 1
	for _, b := range bars {
		most = max(most, b.Value)
	}
	for i := range bars {
		bars[i].Length = 100 * float64(bars[i].Value) / float64(most)
	}
	return bars
}

// excess is how much an account's principals could do without.
type excess struct {
	Account                string
	Granted, Unused, Share string
	URL                    string
}

type accountProblem struct{ Account, Text string }

// trendDays is how far back the overview looks.
const trendDays = 30

func (v *visit) overview() (answer, error) {
	p := overviewPage{NoAnalyzer: v.analyzer.ARN == ""}
	if !p.NoAnalyzer {
		if err := v.fillOverview(&p); err != nil {
			return nil, err
		}
	}
	return page{name: "overview", title: "Overview", menu: "GET /{$}", data: p}, nil
}

func (v *visit) fillOverview(p *overviewPage) error {
	ctx, s, arn := v.Context(), v.site.Store, v.analyzer.ARN
	runs, err := latestRuns(ctx, s, arn)
	if err != nil {
		return err
	}
	stats, err := s.Statistics(ctx, arn)
	if err != nil {
		return err
	}
	since := v.now.Truncate(day).AddDate(0, 0, 1-trendDays)
	days, err := s.Trend(ctx, arn, since)
	if err != nil {
		return err
	}
	p.FailedRuns, err = failedSince(ctx, s, arn)
	if err != nil {
		return err
	}
	p.NoRun = len(runs) == 0
	p.Basis = basisOf(v.analyzer, runs)
	privilege, err := s.PrivilegeOf(ctx, arn, "")
	if err != nil {
		return err
	}
	p.Tiles = v.tiles(stats, runs, days, privilege)
	p.Types, p.Statuses, p.Accounts = v.typeBars(stats), v.statusBars(stats), v.accountBars(stats)
	p.Trend, p.TrendNote = trendSVG(since, trendDays, days)
	fillCoverage(p, runs, v.now)
	return v.fillExcess(p)
}

// latestRuns are the last complete runs of all accounts.
func latestRuns(ctx context.Context, s *store.Store, analyzer string) ([]store.Run, error) {
	var out []store.Run
	for p := (store.Page{Limit: 1000}); ; {
		part, err := s.LatestRuns(ctx, analyzer, p)
		if err != nil {
			return nil, err
		}
		out = append(out, part.Items...)
		if p.Token = part.Next; p.Token == "" {
			return out, nil
		}
	}
}

// failedSince are the failed runs among the latest, one an account, of accounts that had no
// complete run since: what is shown of them is older than it seems.
func failedSince(ctx context.Context, s *store.Store, analyzer string) ([]store.Run, error) {
	part, err := s.Runs(ctx, analyzer, "", store.Page{Limit: 500})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []store.Run
	for _, r := range part.Items {
		if r.State == store.Failed && !seen[r.Account] {
			out = append(out, r)
		}
		seen[r.Account] = seen[r.Account] || r.State != store.Running
	}
	return out, nil
}

func (v *visit) tiles(stats finding.Statistics, runs []store.Run, days []store.DayCount, privilege store.Privilege) []tile {
	active := map[finding.Type]int{}
	for _, t := range stats.Types {
		active[t.Type] = t.Total
	}
	keys, passwords := active[finding.UnusedIAMUserAccessKey], active[finding.UnusedIAMUserPassword]
	var sum store.Report
	for _, r := range runs {
		sum.Roles, sum.Users = sum.Roles+r.Report.Roles, sum.Users+r.Report.Users
		sum.Unused, sum.Removed = sum.Unused+r.Report.Unused, sum.Removed+r.Report.Removed
	}
	resolved := 0
	for _, d := range days {
		if d.To == finding.Resolved {
			resolved += d.Count
		}
	}
	permissions := v.Active(finding.UnusedPermission)
	return []tile{
		{number(stats.Active), "Active findings", counted(stats.Archived, "archived", "archived"), v.Active("")},
		{number(active[finding.UnusedIAMRole]), "Unused roles", "delete, or archive", v.Active(finding.UnusedIAMRole)},
		{number(keys + passwords), "Unused credentials", counted(keys, "key", "keys") + ", " + counted(passwords, "password", "passwords"),
			v.Link("/findings", "status", string(finding.Active), "type", "credentials")},
		{number(active[finding.UnusedPermission]), "Unused permissions", "roles and users with too much", permissions},
		{number(sum.Roles + sum.Users), "Principals analysed", peopleText(sum.Roles, sum.Users, privilege.Principals),
			cmp.Or(v.Known("/principals"), v.Link("/findings", "status", "ALL", "group", "principal"))},
		{percent(privilege.Unused, privilege.Granted), "Granted but unused", number(privilege.Unused) + " of " + counted(privilege.Granted, "action", "actions"), v.Link("/findings", "status", string(finding.Active), "type", string(finding.UnusedPermission), "sort", "-actions")},
		{percent(sum.Removed, sum.Unused), "Removable with proof", number(sum.Removed) + " of what is unused", cmp.Or(v.Known("/recommendations"), permissions)},
		{number(stats.Resolved), "Resolved", counted(resolved, "time", "times") + " in the last 30 days", v.Link("/findings", "status", string(finding.Resolved), "sort", "-updated")},
	}
}

func (v *visit) typeBars(stats finding.Statistics) []bar {
	var out []bar
	for i, t := range finding.Types() {
		b := bar{Label: typesText(t), URL: v.Active(t), Class: [...]string{"c1", "c2", "c3", "c4"}[i%4]}
		for _, c := range stats.Types {
			if c.Type == t {
				b.Value = c.Total
			}
		}
		out = append(out, b)
	}
	return scaled(out)
}

func (v *visit) statusBars(stats finding.Statistics) []bar {
	list := func(s finding.Status) string { return v.Link("/findings", "status", string(s)) }
	return scaled([]bar{
		{Label: statusText(finding.Active), Value: stats.Active, Class: "c2", URL: list(finding.Active)},
		{Label: statusText(finding.Archived), Value: stats.Archived, Class: "quiet", URL: list(finding.Archived)},
		{Label: statusText(finding.Resolved), Value: stats.Resolved, Class: "c1", URL: list(finding.Resolved)},
	})
}

func (v *visit) accountBars(stats finding.Statistics) []bar {
	var out []bar
	for _, a := range stats.Accounts {
		out = append(out, bar{Label: a.Account, Value: a.Active, URL: v.Link("/findings", "status", string(finding.Active), "account", a.Account)})
	}
	return scaled(out)
}

// mostRows is how many accounts a figure shows.
const mostRows = 10

// fillExcess shows the accounts and the services with the most that is unused.
func (v *visit) fillExcess(p *overviewPage) error {
	accounts, err := v.site.Store.PrivilegeByAccount(v.Context(), v.analyzer.ARN, store.Page{Limit: mostRows})
	if err != nil {
		return err
	}
	plot := report.Pairs{
		ID: "excess", Title: "Actions granted, and those left without the unused ones, by account", Unit: "actions, of all principals together",
		Before: "granted", After: "without what is unused", Width: 640,
	}
	for _, a := range accounts.Items {
		if a.Granted == 0 {
			continue
		}
		plot.Rows = append(plot.Rows, report.Pair{Name: a.Name, Before: a.Granted, After: a.Granted - a.Unused})
		p.ExcessRows = append(p.ExcessRows, excess{
			a.Name, number(a.Granted), number(a.Unused), percent(a.Unused, a.Granted),
			v.Link("/findings", "status", string(finding.Active), "account", a.Name, "type", string(finding.UnusedPermission)),
		})
	}
	p.Excess = template.HTML(report.PairsSVG(plot)) // made of escaped texts and numbers
	services, err := v.site.Store.PrivilegeByService(v.Context(), v.analyzer.ARN, "", store.Page{Limit: mostRows})
	for _, s := range services.Items {
		if s.Unused > 0 {
			p.Services = append(p.Services, bar{Label: s.Name, Value: s.Unused, Class: "c4", URL: v.Link("/findings", "status", string(finding.Active), "service", s.Name)})
		}
	}
	scaled(p.Services)
	return err
}

// sourceRow is a source of evidence, of all accounts together.
type sourceRow struct {
	Name          string
	Accounts      int
	Oldest, Until time.Time // the account where it ends first, and last
	Note          string
}

const mostProblems = 12

// fillCoverage says what the figures rest on: the accounts whose data is oldest first.
func fillCoverage(p *overviewPage, runs []store.Run, now time.Time) {
	bySource := map[string]*sourceRow{}
	for _, r := range runs {
		if age := now.Sub(r.WindowEnd); age > oldData {
			p.OldAccounts, p.Age = p.OldAccounts+1, max(p.Age, age)
		}
		for _, text := range r.Report.Problems {
			p.Problems = append(p.Problems, accountProblem{r.Account, text})
		}
		for _, s := range r.Report.Sources {
			row := bySource[s.Name]
			if row == nil {
				row = &sourceRow{Name: s.Name, Oldest: s.Until, Note: s.Note}
				bySource[s.Name] = row
			}
			row.Accounts++
			if s.Until.Before(row.Oldest) {
				row.Oldest = s.Until
			}
			if s.Until.After(row.Until) {
				row.Until = s.Until
			}
		}
	}
	for _, row := range bySource {
		p.Sources = append(p.Sources, *row)
	}
	slices.SortFunc(p.Sources, func(a, b sourceRow) int { return strings.Compare(a.Name, b.Name) })
	p.MoreProblems = max(0, len(p.Problems)-mostProblems)
	p.Problems = p.Problems[:len(p.Problems)-p.MoreProblems]
	p.Runs = slices.SortedStableFunc(slices.Values(runs), func(a, b store.Run) int { return a.FinishedAt.Compare(b.FinishedAt) })
	p.MoreRuns = max(0, len(p.Runs)-mostRows)
	p.Runs = p.Runs[:len(p.Runs)-p.MoreRuns]
}
