package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func findingRoutes() []route {
	return []route{
		{"GET /findings/{id}", store.Viewer, "", (*visit).finding},
		{"GET /findings/{id}/trie", store.Viewer, "", (*visit).triePicture},
		{"GET /findings/{id}/certificate", store.Viewer, "", (*visit).certificate},
		{"GET /findings/{id}/policy", store.Viewer, "", (*visit).recommendedPolicy},
		{"POST /findings/{id}/status", store.Reviewer, "", (*visit).setOneStatus},
		{"POST /findings/{id}/recommend", store.Operator, "", (*visit).recommendOne},
		{"POST /findings/{id}/notes", store.Reviewer, "", (*visit).addNote},
	}
}

// findingPage is everything that is known of one finding.
type findingPage struct {
	finding.Finding
	Crumbs   []crumb
	Claim    string // the finding in a sentence
	Remedy   string // what AWS advises
	Window   window
	Services []serviceRow
	Pager    pager
	Sum      serviceRow // of all services

	Principal   store.Principal
	KnownAs     bool // the principal is in the store
	Tries       []trieView
	Advice      *adviceView // nil: none was asked for, or there can't be one
	CanAdvise   bool
	Commands    []command
	History     []store.Event
	HistoryPage pager
	Notes       []store.Note
	NotesPage   pager
}

// window is what the account's last complete run looked at.
type window struct {
	Days        int
	From, Until time.Time // zero: not known
	Catalog     string
	Run         int64
	Sources     []store.SourceState // those of the finding
	Problems    []string
}

// command is something to type, and what it does.
type command struct{ What, Text string }

// parts of the page that are lists of their own have their own parameters.
const (
	historyToken = "history"
	notesToken   = "notes"
)

func (v *visit) finding() (answer, error) {
	f, err := v.theFinding()
	if err != nil {
		return nil, err
	}
	p := &findingPage{Finding: f, Claim: claimText(f), Remedy: remedyText(f), Commands: v.commands(f)}
	p.Crumbs = []crumb{
		{"Findings", v.Link("/findings", "status", string(f.Status))}, {typesText(f.Type), v.Link("/findings", "status", string(f.Status), "type", string(f.Type))}, {entityText(f.Resource), ""},
	}
	p.CanAdvise = f.Type == finding.UnusedPermission && f.Status != finding.Resolved
	for _, fill := range []func(*findingPage) error{v.fillWindow, v.fillServices, v.fillPrincipal, v.fillAdvice, v.fillHistory, v.fillNotes} {
		if err := fill(p); err != nil {
			return nil, err
		}
	}
	return page{name: "finding", title: typeText(f.Type) + ": " + entityText(f.Resource), menu: "GET /findings", data: p}, nil
}

// theFinding is the one that the address names.
func (v *visit) theFinding() (finding.Finding, error) {
	if v.analyzer.ARN == "" {
		return finding.Finding{}, missing("there is no analyzer, and so no finding")
	}
	return v.site.Store.Finding(v.Context(), v.analyzer.ARN, v.PathValue("id"))
}

// claimText is the finding in a sentence, without the entity's name.
func claimText(f finding.Finding) string {
	switch f.Type {
	case finding.UnusedIAMRole:
		return "Nobody used this role in the window. Whoever may assume it has its access all the same."
	case finding.UnusedIAMUserAccessKey:
		return "Nothing was signed with this access key in the window. Whoever has a copy of it has the user's access."
	case finding.UnusedIAMUserPassword:
		return "Nobody signed in with this password in the window. Whoever knows it can."
	case finding.UnusedPermission:
		s := sumOf(f.Permissions)
		var what []string
		if s.Partly > 0 {
			what = append(what, counted(s.Unused, "action", "actions")+" of "+counted(s.Partly, "service", "services"))
		}
		if s.Whole > 0 {
			what = append(what, counted(s.Whole, "whole service", "whole services"))
		}
		return "Granted, and not used in the window: " + strings.Join(what, ", and ") + "."
	}
	return ""
}

// remedyText is AWS's advice for the type.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-remediate.html
func remedyText(f finding.Finding) string {
	if f.Status == finding.Resolved {
		return "Nothing is left to do: it is resolved."
	}
	switch f.Type {
	case finding.UnusedIAMRole:
		return "Delete the role, or archive the finding if it is for emergencies or runs seldom."
	case finding.UnusedIAMUserAccessKey:
		return "Deactivate the key, and delete it once nothing is found to miss it."
	case finding.UnusedIAMUserPassword:
		return "Delete the user's login profile, which takes the console password away."
	case finding.UnusedPermission:
		return "Take the recommended steps, or archive the finding if the access is for seldom or urgent work."
	}
	return ""
}

// commands do on the command line what the page shows.
func (v *visit) commands(f finding.Finding) []command {
	window := ""
	if age := v.analyzer.UnusedAge; age != 0 && age != 90 {
		window = fmt.Sprintf(" --window %dd", age)
	}
	arn, id := shellQuoted(v.analyzer.ARN), shellQuoted(f.ID)
	var out []command
	if f.Type == finding.UnusedPermission {
		out = append(out, command{"Show the recommendation with its proof, from the account's files", "pare recommend --data account --principal " + shellQuoted(f.Resource) + window})
	}
	out = append(out, command{"Plan the change, which changes nothing yet; with --yes it is made, and pare rollback takes it back",
		"pare apply --data account --finding " + id + window + " --plan plan.json"})
	if f.Type == finding.UnusedPermission {
		out = append(out,
			command{"Ask this server for the recommendation, with AWS's own command line", "aws accessanalyzer generate-finding-recommendation --analyzer-arn " + arn + " --id " + id},
			command{"and read it", "aws accessanalyzer get-finding-recommendation --analyzer-arn " + arn + " --id " + id})
	}
	return append(out, command{"Read the finding", "aws accessanalyzer get-finding-v2 --analyzer-arn " + arn + " --id " + id})
}

// shellQuoted is a word of a command line that a shell takes as it is.
func shellQuoted(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("@%+=:,./_-", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// fillWindow says what the finding rests on: its account's last complete run.
func (v *visit) fillWindow(p *findingPage) error {
	p.Window = window{Days: v.analyzer.UnusedAge}
	part, err := v.site.Store.FindRuns(v.Context(), store.RunQuery{Analyzer: v.analyzer.ARN, Account: p.Account, State: store.Complete}, store.Page{Limit: 1})
	if err != nil || len(part.Items) == 0 {
		return err
	}
	r := part.Items[0]
	p.Window = window{
		Days: r.WindowDays, From: r.WindowEnd.AddDate(0, 0, -r.WindowDays), Until: r.WindowEnd, Catalog: r.CatalogDate, Run: r.ID, Problems: r.Report.Problems,
	}
	for _, s := range r.Report.Sources {
		if slices.Contains(p.Sources, s.Name) {
			p.Window.Sources = append(p.Window.Sources, s)
		}
	}
	for _, name := range p.Sources {
		if !slices.ContainsFunc(p.Window.Sources, func(s store.SourceState) bool { return s.Name == name }) {
			p.Window.Sources = append(p.Window.Sources, store.SourceState{Name: name})
		}
	}
	return nil
}

// fillPrincipal looks up the principal's policies and draws the tries of their patterns.
func (v *visit) fillPrincipal(p *findingPage) error {
	got, err := v.site.Store.Principal(v.Context(), v.analyzer.ARN, p.Resource)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Principal, p.KnownAs = got, true
	if p.Type == finding.UnusedPermission {
		p.Tries, err = v.tries(p.Finding, got)
	}
	return err
}

// fillHistory lists what happened, the first first.
func (v *visit) fillHistory(p *findingPage) error {
	part, err := v.site.Store.History(v.Context(), v.analyzer.ARN, p.ID, store.Page{Limit: 50, Token: v.query(historyToken)})
	p.History, p.HistoryPage = part.Items, v.onward(historyToken, part.Next)
	return err
}

func (v *visit) fillNotes(p *findingPage) error {
	part, err := v.site.Store.Notes(v.Context(), v.analyzer.ARN, p.ID, store.Page{Limit: 50, Token: v.query(notesToken)})
	p.Notes, p.NotesPage = part.Items, v.onward(notesToken, part.Next)
	return err
}

// onward leads through a list that shares its page with others, forwards and to the
// beginning.
func (v *visit) onward(parameter, next string) pager {
	var out pager
	if v.query(parameter) != "" {
		out.First = v.Here(parameter, "")
	}
	if next != "" {
		out.Next = v.Here(parameter, next)
	}
	return out
}

// EventText says what happened.
func (v *visit) EventText(e store.Event) string {
	switch {
	case e.Who != "" && e.ArchivedBy != "":
		return "archived by the rule " + e.ArchivedBy + ", applied"
	case e.Who != "" && e.To == finding.Archived:
		return "archived by hand"
	case e.Who != "" && e.To == finding.Active:
		return "made active again"
	case e.ArchivedBy != "" && e.From != e.To:
		return "archived by the rule " + e.ArchivedBy
	}
	switch e.Change {
	case finding.New:
		return "found"
	case finding.Updated:
		if e.From == finding.Archived && e.To == finding.Active {
			return "active again: no archive rule matches it any more"
		}
		return "changed: more is unused, or something else"
	case finding.PartlyFixed:
		return "partly fixed: less is unused"
	case finding.Fixed:
		return "resolved: it isn't found any more"
	case finding.Reopened:
		return "found again"
	case finding.Same, finding.NotJudged:
	}
	return "looked at again"
}

// BeforeText says what was unused until then.
func (v *visit) BeforeText(e store.Event) string {
	if e.Before == nil {
		return ""
	}
	s := sumOf(e.Before)
	return fmt.Sprintf("until then %s and %s", counted(s.Unused, "unused action", "unused actions"), counted(s.Whole, "whole service", "whole services"))
}

// setOneStatus archives the finding, or takes it back.
func (v *visit) setOneStatus() (answer, error) {
	v.PostForm.Set("id", v.PathValue("id"))
	if v.PostForm.Get("back") == "" {
		v.Form.Set("back", v.Finding(v.PathValue("id")))
	}
	return v.setStatus()
}

// recommendOne begins the making of a recommendation anew.
func (v *visit) recommendOne() (answer, error) {
	id := v.PathValue("id")
	if err := v.site.Queue.Recommend(v.Context(), v.by(), v.analyzer.ARN, id); err != nil {
		return nil, err
	}
	return v.back(cmp.Or(v.Form.Get("back"), v.Finding(id)), "recommend", 1), nil
}

func (v *visit) addNote() (answer, error) {
	id, text := v.PathValue("id"), strings.TrimSpace(v.PostForm.Get("text"))
	if text == "" {
		return nil, bad("the note is empty")
	}
	if err := v.site.Store.AddNote(v.Context(), v.by(), v.analyzer.ARN, id, text); err != nil {
		return nil, err
	}
	return v.back(v.Finding(id), "added", 1), nil
}

// triePicture is the trie of one pattern, as a picture of its own: it has a style inside,
// which a page must not.
func (v *visit) triePicture() (answer, error) {
	t, err := v.theTrie()
	if err != nil {
		return nil, err
	}
	return download{typ: "image/svg+xml", policy: "default-src 'none'; style-src 'unsafe-inline'; sandbox", body: t.svg}, nil
}

// certificate is a file that a solver checks without us.
func (v *visit) certificate() (answer, error) {
	r, err := v.site.Store.Recommendation(v.Context(), v.analyzer.ARN, v.PathValue("id"))
	if err != nil {
		return nil, err
	}
	src, err := v.site.Store.Certificate(v.Context(), r.ID, v.query("name"))
	if err != nil {
		return nil, err
	}
	return file(certificateFile(v.query("name")), "text/plain; charset=utf-8", string(src)), nil
}

// recommendedPolicy is the policy of a step, as a file.
func (v *visit) recommendedPolicy() (answer, error) {
	r, err := v.site.Store.Recommendation(v.Context(), v.analyzer.ARN, v.PathValue("id"))
	if err != nil {
		return nil, err
	}
	for i, s := range r.Steps {
		if plainNumber(i+1) == v.query("step") && s.Action == finding.CreatePolicy {
			return file(cmp.Or(s.RecommendedName, "policy")+".json", "application/json", s.RecommendedPolicy), nil
		}
	}
	return nil, &problem{http.StatusNotFound, "the recommendation has no such policy"}
}
