package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/pare-iam/pare/finding"
)

//go:embed findings.css
var findingsCSS string

//go:embed findings.html.tmpl
var findingsTemplate string

var findingsPage = template.Must(template.New("findings").Parse(findingsTemplate))

// FindingsHTML writes findings as one file that needs nothing beside it: no script, no
// font, no picture from elsewhere, and a content security policy that allows none. It
// reads on paper and on dark screens too.
func FindingsHTML(w io.Writer, r Findings) error {
	return findingsPage.Execute(w, r.view())
}

// view is a page's content: texts that are escaped where they stand, and pictures.
type view struct {
	CSS      template.CSS
	CSP      string
	Title    string
	Where    string
	Lead     string
	Version  string
	Tiles    []tile
	Basis    []viewLabel
	Problems []string
	Accounts []viewAccount
	Plots    []figure
	Groups   []viewGroup
	Advice   []viewAdvice
	Empty    string // why there are no findings
}

type tile struct {
	Number     int
	What, Rest string
}

type viewLabel struct {
	Name  string
	Lines []string
}

type viewAccount struct {
	Name   string
	Active int
	Counts []int // by type, in the order of finding.Types
}

// figure is a picture with what it shows.
type figure struct {
	Title, Note string
	Wide        bool
	SVG         template.HTML
}

type viewGroup struct {
	ID, Title, Type, Help string
	HasAccounts           bool
	Columns               int
	Findings              []viewFinding
}

type viewFinding struct {
	ID, ShortID, Entity, ARN, Account, Accessed, Status string
	Lines                                               []string
	Summary                                             string
	Services                                            []viewService
	Facts                                               []viewLabel
	Sources                                             []string
	Remedy                                              string
	Advice                                              string // anchor of the recommended steps; may be empty
}

type viewService struct {
	Text, Note, Whole string
	Source            string
	Actions           []viewActions
}

// viewActions are the actions of a service that were last used on the same day, by the
// word of the same source: most often there are many.
type viewActions struct {
	Names            []string
	Accessed, Source string
}

type viewAdvice struct {
	ID, Entity, ARN, Verdict, Mark, Grant, Proof, Rest string
	Steps                                              []viewStep
	Notes                                              []string
}

type viewStep struct {
	Action, Text string
	Affects      []string
	Diff         []diffLine
	Policy       string // the text of a policy that there is no diff of
}

// diffLine is a line of a diff and its class.
type diffLine struct{ Class, Text string }

func (r Findings) view() view {
	out := view{
		CSS: template.CSS(findingsCSS), CSP: contentPolicy(findingsCSS),
		Title: "Unused access in " + accountsText(r.Accounts), Where: accountsText(r.Accounts),
		Lead: r.leadText(), Version: Printable(r.Version), Tiles: r.tiles(), Plots: r.figures(),
	}
	for _, l := range r.basis() {
		out.Basis = append(out.Basis, viewLabel{l.name, l.lines})
	}
	for _, problem := range r.Problems {
		out.Problems = append(out.Problems, Printable(problem))
	}
	if len(r.Accounts) > 1 {
		out.Accounts = r.viewAccounts()
	}
	for _, g := range r.groups() {
		out.Groups = append(out.Groups, r.viewGroup(g))
	}
	for i, a := range r.Advice {
		out.Advice = append(out.Advice, viewOf(a, adviceID(i)))
	}
	if len(r.Findings) == 0 {
		out.Empty = fmt.Sprintf("Of %s nothing was found unused in the window.", r.lookedAtText())
	}
	return out
}

// contentPolicy allows a page this style and nothing else.
// https://www.w3.org/TR/CSP3/
func contentPolicy(css string) string {
	sum := sha256.Sum256([]byte(css))
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'", base64.StdEncoding.EncodeToString(sum[:]))
}

func (r Findings) leadText() string {
	days := daysSince(r.Window.From(), r.Window.Now)
	return fmt.Sprintf("What nobody used for %s or more, as of %s.", count(days, "day", "days"), dayOf(r.Window.Now))
}

func (r Findings) tiles() []tile {
	var out []tile
	for _, t := range finding.Types() {
		n := r.with(t, finding.Active)
		k, rest := kindOf(t), []string{}
		for _, s := range statuses[1:] {
			if n := r.with(t, s); n > 0 {
				rest = append(rest, fmt.Sprintf("%d %s", n, statusText(s)))
			}
		}
		what := k.many
		if n == 1 {
			what = k.one
		}
		out = append(out, tile{n, what, strings.Join(rest, ", ")})
	}
	return out
}

func (r Findings) viewAccounts() []viewAccount {
	var out []viewAccount
	for _, c := range r.statistics().Accounts {
		row := viewAccount{Name: Printable(c.Account), Active: c.Active}
		for _, a := range r.Accounts {
			if a.ID == c.Account {
				row.Name = accountText(a)
			}
		}
		for _, t := range finding.Types() {
			row.Counts = append(row.Counts, c.Details[t])
		}
		out = append(out, row)
	}
	return out
}

func (r Findings) viewGroup(g group) viewGroup {
	out := viewGroup{
		ID: string(g.Type), Title: titled(kindOf(g.Type).many), Type: string(g.Type), Help: helpOf(g.Type),
		HasAccounts: len(r.Accounts) > 1, Columns: 5,
	}
	if out.HasAccounts {
		out.Columns++
	}
	ids := r.idLength()
	for _, f := range g.Findings {
		out.Findings = append(out.Findings, r.viewFinding(f, ids))
	}
	return out
}

func (r Findings) viewFinding(f finding.Finding, ids int) viewFinding {
	out := viewFinding{
		ID: Printable(f.ID), ShortID: shortID(f.ID, ids), Entity: entityText(f.Resource), ARN: Printable(f.Resource), Account: Printable(f.Account),
		Accessed: r.accessedText(f), Status: statusText(f.Status), Lines: r.detailLines(f),
		Summary: "Evidence and what to do", Remedy: remedyText(f),
	}
	for _, l := range r.identity(f) {
		out.Facts = append(out.Facts, viewLabel{l.name, l.lines})
	}
	for _, s := range f.Sources {
		out.Sources = append(out.Sources, trustText(s))
	}
	if f.Type != finding.UnusedPermission {
		return out
	}
	total := 0
	for _, p := range f.Permissions {
		total += unusedActions(p)
		out.Services = append(out.Services, r.viewService(p))
	}
	out.Summary = fmt.Sprintf("%s of %s, with the evidence", count(total, "unused action", "unused actions"), count(len(f.Permissions), "service", "services"))
	for i, a := range r.Advice {
		if a.Resource == f.Resource {
			out.Advice = adviceID(i)
		}
	}
	return out
}

func (r Findings) viewService(p finding.Permissions) viewService {
	out := viewService{Text: r.serviceText(p), Note: grantedText(p), Source: Printable(p.Source)}
	if len(p.Actions) == 0 {
		out.Whole = agoText(p.LastAccessed, r.Window.Now)
	}
	for _, a := range p.Actions {
		row := viewActions{Accessed: lastText(a.LastAccessed, r.Window.Now), Source: Printable(a.Source)}
		i := slices.IndexFunc(out.Actions, func(v viewActions) bool { return v.Accessed == row.Accessed && v.Source == row.Source })
		if i < 0 {
			i = len(out.Actions)
			out.Actions = append(out.Actions, row)
		}
		out.Actions[i].Names = append(out.Actions[i].Names, Printable(a.Name))
	}
	return out
}

func adviceID(i int) string { return fmt.Sprintf("steps-%d", i+1) }
