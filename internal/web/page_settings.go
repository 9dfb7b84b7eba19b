package web

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
)

func settingsRoutes() []route {
	return []route{
		{"GET /settings", store.Admin, "Settings", (*visit).settings},
		{"GET /settings/analyzer", store.Admin, "", (*visit).editAnalyzer},
		{"POST /settings/analyzer", store.Admin, "", (*visit).saveAnalyzer},
		{"POST /settings/analyzer/create", store.Admin, "", (*visit).createAnalyzer},
		{"POST /settings/analyzer/delete", store.Admin, "", (*visit).deleteAnalyzer},
		{"GET /settings/user", store.Admin, "", (*visit).user},
		{"POST /settings/tokens", store.Admin, "", (*visit).createToken},
		{"POST /settings/tokens/revoke", store.Admin, "", (*visit).revokeToken},
		{"POST /settings/keys/revoke", store.Admin, "", (*visit).revokeKey},
	}
}

// settingsPage is what can be set up, and what the configuration says.
type settingsPage struct {
	Form      analyzerForm // of a new analyzer
	CanCreate bool
	People    []store.Person
	Pager     pager
	Retention []Setting
	Others    []Setting

	AnalyzerExports, PeopleExports []export
}

// retention is how settings of that kind begin.
const retention = "retention."

func (v *visit) settings() (answer, error) {
	return v.settingsPage(newAnalyzerForm(), 0)
}

func (v *visit) settingsPage(form analyzerForm, status int) (answer, error) {
	const usersToken = "users"
	part, err := v.site.Store.Users(v.Context(), store.Page{Limit: usualSize, Token: v.query(usersToken)})
	if err != nil {
		return nil, err
	}
	form.fill()
	p := settingsPage{Form: form, CanCreate: v.site.AnalyzerARN != nil, People: part.Items, Pager: v.onward(usersToken, part.Next)}
	p.AnalyzerExports, p.PeopleExports = v.exportsOf("/settings/analyzers"), v.exportsOf("/settings/users")
	for _, s := range v.site.Settings {
		if strings.HasPrefix(s.Name, retention) {
			p.Retention = append(p.Retention, s)
		} else {
			p.Others = append(p.Others, s)
		}
	}
	return page{name: "settings", title: "Settings", menu: "GET /settings", status: status, data: p}, nil
}

// analyzerPage is what can be changed of an analyzer.
type analyzerPage struct {
	Crumbs       []crumb
	Form         analyzerForm
	ConfirmWrong string
}

func (v *visit) editAnalyzer() (answer, error) {
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer")
	}
	return v.analyzerPage(formOfAnalyzer(v.analyzer), "", 0)
}

func (v *visit) analyzerPage(form analyzerForm, confirm string, status int) (answer, error) {
	form.fill()
	p := analyzerPage{[]crumb{{"Settings", v.Link("/settings")}, {"Analyzer " + v.analyzer.Name, ""}}, form, confirm}
	return page{name: "analyzer", title: "Analyzer " + v.analyzer.Name, menu: "GET /settings", status: status, data: p}, nil
}

// saveAnalyzer changes the analyzer, and has it look at its accounts anew.
func (v *visit) saveAnalyzer() (answer, error) {
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer")
	}
	form := v.readAnalyzer(v.analyzer)
	if len(form.Wrong) > 0 {
		return v.analyzerPage(form, "", http.StatusBadRequest)
	}
	if err := v.site.Store.UpdateAnalyzer(v.Context(), v.by(), form.analyzer); err != nil {
		return nil, err
	}
	v.scanAll(form.analyzer.ARN)
	return v.back(v.Link("/settings"), "saved", 1), nil
}

// createAnalyzer makes an analyzer, and has it look at its accounts.
func (v *visit) createAnalyzer() (answer, error) {
	if v.site.AnalyzerARN == nil {
		return nil, missing("this server makes analyzers by its API alone")
	}
	form := v.readAnalyzer(store.Analyzer{Status: "ACTIVE"})
	if len(form.Wrong) > 0 {
		return v.settingsPage(form, http.StatusBadRequest)
	}
	form.analyzer.ARN = v.site.AnalyzerARN(form.analyzer.Name)
	arn, err := v.site.Store.CreateAnalyzer(v.Context(), v.by(), store.NewAnalyzer{Analyzer: form.analyzer})
	if err != nil {
		return nil, err
	}
	v.scanAll(arn)
	return redirect(withQuery("/settings", map[string][]string{"analyzer": {form.Name}, "done": {"added"}})), nil
}

// scanAll asks for runs over all accounts of an analyzer. If that can't be asked for now,
// the schedule will.
func (v *visit) scanAll(arn string) {
	if err := v.site.Queue.Scan(v.Context(), v.by(), arn, ""); err != nil {
		v.site.Log.ErrorContext(v.Context(), "no run was asked for", "analyzer", arn, "err", err)
	}
}

// deleteAnalyzer removes the analyzer with everything of it, once its name was typed.
func (v *visit) deleteAnalyzer() (answer, error) {
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer")
	}
	if v.PostForm.Get("analyzer") == "" || v.PostForm.Get("confirm") != v.analyzer.Name {
		return v.analyzerPage(formOfAnalyzer(v.analyzer), "this isn't its name: type "+v.analyzer.Name, http.StatusBadRequest)
	}
	if err := v.site.Store.DeleteAnalyzer(v.Context(), v.by(), v.analyzer.ARN, ""); err != nil {
		return nil, err
	}
	return redirect(withQuery("/settings", map[string][]string{"done": {"deleted"}})), nil
}

// userPage is what a user can log in with beside a password.
type userPage struct {
	store.Person
	Crumbs     []crumb
	Tokens     []store.APIToken
	TokenPages pager
	Keys       []store.AccessKey
	KeyPages   pager
	Lives      []option

	TokenExports, KeyExports []export

	Label, LabelWrong string
	Secret            string // of the token that was made just now; ""
}

// tokenLives are how long tokens are good for, in days; 0 is for ever.
var tokenLives = [...]int{30, 90, 365, 0}

const maxLabel = 200 // bytes

func (v *visit) user() (answer, error) { return v.userPage(v.query("name"), userPage{}, 0) }

func (v *visit) userPage(name string, p userPage, status int) (answer, error) {
	var err error
	if p.Person, err = v.site.Store.User(v.Context(), name); err != nil {
		return nil, err
	}
	const tokensToken, keysToken = "tokens", "keys"
	tokens, err := v.site.Store.Tokens(v.Context(), name, store.Page{Limit: usualSize, Token: v.query(tokensToken)})
	if err != nil {
		return nil, err
	}
	keys, err := v.site.Store.Keys(v.Context(), name, store.Page{Limit: usualSize, Token: v.query(keysToken)})
	if err != nil {
		return nil, err
	}
	p.Crumbs = []crumb{{"Settings", v.Link("/settings")}, {name, ""}}
	p.Tokens, p.TokenPages = tokens.Items, v.onward(tokensToken, tokens.Next)
	p.Keys, p.KeyPages = keys.Items, v.onward(keysToken, keys.Next)
	p.TokenExports, p.KeyExports = v.exportsOf("/settings/user/tokens", "name", name), v.exportsOf("/settings/user/keys", "name", name)
	for _, days := range tokenLives {
		o := option{plainNumber(days), counted(days, "day", "days"), plainNumber(days) == cmp.Or(v.Form.Get("days"), "90")}
		if days == 0 {
			o.Label = "for ever"
		}
		p.Lives = append(p.Lives, o)
	}
	return page{name: "user", title: "User " + name, menu: "GET /settings", status: status, data: p}, nil
}

// createToken makes a token and shows its secret, this once.
func (v *visit) createToken() (answer, error) {
	name := v.PostForm.Get("user")
	p := userPage{Label: strings.TrimSpace(v.PostForm.Get("label"))}
	days, err := strconv.Atoi(v.PostForm.Get("days"))
	switch {
	case p.Label == "" || len(p.Label) > maxLabel:
		p.LabelWrong = "want a few words, so that somebody knows later what it is for"
		return v.userPage(name, p, http.StatusBadRequest)
	case err != nil || days < 0 || days > 365:
		return nil, bad("days is " + v.PostForm.Get("days") + ": want 1 to 365, or 0 for ever")
	}
	id, secret := login.NewToken()
	t := store.APIToken{ID: id, User: name, Label: p.Label}
	if days > 0 {
		t.ExpiresAt = v.now.Add(time.Duration(days) * day)
	}
	if err := v.site.Store.AddToken(v.Context(), v.by(), t, secret); err != nil {
		return nil, err
	}
	return v.userPage(name, userPage{Secret: secret}, 0)
}

func (v *visit) revokeToken() (answer, error) {
	if err := v.site.Store.RemoveToken(v.Context(), v.by(), v.PostForm.Get("id")); err != nil {
		return nil, err
	}
	return v.back(v.Link("/settings"), "deleted", 1), nil
}

func (v *visit) revokeKey() (answer, error) {
	if err := v.site.Store.RemoveKey(v.Context(), v.by(), v.PostForm.Get("id")); err != nil {
		return nil, err
	}
	return v.back(v.Link("/settings"), "deleted", 1), nil
}

// Gone says whether a time is over.
func (v *visit) Gone(t time.Time) bool { return !t.IsZero() && t.Before(v.now) }

// Span is a length of time in words.
func (v *visit) Span(d time.Duration) string { return spanText(d) }

// Excluded says how much an analyzer leaves out; "" if nothing.
func (v *visit) Excluded(all []store.Exclusion) string {
	accounts, tags := excluded(all)
	var parts []string
	if accounts > 0 {
		parts = append(parts, counted(accounts, "account", "accounts"))
	}
	if tags > 0 {
		parts = append(parts, counted(tags, "tag", "tags"))
	}
	return strings.Join(parts, ", ")
}

// excluded is how many accounts and tags an analyzer leaves out.
func excluded(all []store.Exclusion) (accounts, tags int) {
	for _, e := range all {
		accounts += len(e.AccountIDs)
		for _, set := range e.ResourceTags {
			tags += len(set)
		}
	}
	return accounts, tags
}
