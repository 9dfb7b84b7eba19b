package web_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/store"
)

func TestAnAnalyzersLife(t *testing.T) {
	s := newSite(t).making()
	w := s.post(t, store.Admin, "/settings/analyzer/create", url.Values{
		"name": {"mine"}, "type": {"ORGANIZATION_UNUSED_ACCESS"}, "age": {"30"}, "every": {"6h0m0s"}, "accounts": {"222233334444\r\n" + hostile}, "tags": {"team=<b>\r\nkeep="},
	}.Encode())
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/settings?analyzer=mine&done=added" {
		t.Fatalf("status %d to %q: %s", w.Code, got, w.Body)
	}
	got, err := s.store.Analyzer(t.Context(), "mine")
	check(t, err)
	want := store.Analyzer{
		ARN: strings.Replace(theARN, "unused", "mine", 1), Name: "mine", Type: store.OrganizationUnused, UnusedAge: 30, Status: "ACTIVE", Every: 6 * time.Hour, CreatedAt: got.CreatedAt,
		Exclusions: []store.Exclusion{{AccountIDs: []string{"222233334444", hostile}, ResourceTags: []map[string]string{{"team": "<b>"}, {"keep": ""}}}}, Tags: got.Tags,
	}
	if !cmp.Equal(want, got) {
		t.Errorf("made (-want +got):\n%s", cmp.Diff(want, got))
	}
	form := formFields(formWith(t, checkPage(t, s.get(t, store.Admin, "/settings/analyzer?analyzer=mine").Body.String()), "/settings/analyzer"))
	form.Set("age", "45")
	form.Set("every", "")
	if w := s.post(t, store.Admin, "/settings/analyzer", form.Encode()); w.Code != http.StatusSeeOther {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	want.UnusedAge, want.Every = 45, 0
	got, err = s.store.Analyzer(t.Context(), "mine")
	check(t, err)
	if !cmp.Equal(want, got) {
		t.Errorf("changed (-want +got):\n%s", cmp.Diff(want, got))
	}
	w = s.post(t, store.Admin, "/settings/analyzer/delete", "analyzer=mine&confirm=Mine")
	if words := checkPage(t, w.Body.String()).words(); w.Code != http.StatusBadRequest || !strings.Contains(words, "this isn't its name") {
		t.Errorf("a wrong name: status %d: %s", w.Code, words)
	}
	if w := s.post(t, store.Admin, "/settings/analyzer/delete", "confirm=mine"); w.Code != http.StatusBadRequest {
		t.Errorf("no analyzer named: status %d", w.Code)
	}
	if w := s.post(t, store.Admin, "/settings/analyzer/delete", "analyzer=mine&confirm=mine"); w.Code != http.StatusSeeOther {
		t.Errorf("status %d", w.Code)
	}
	if _, err := s.store.Analyzer(t.Context(), "mine"); err == nil {
		t.Error("it is still there")
	}
}

func TestExclusionsThatTheFormCantShowStay(t *testing.T) {
	s := newSite(t).making()
	for name, exclusions := range map[string][]store.Exclusion{
		"several lists":           {{AccountIDs: []string{account}}, {AccountIDs: []string{hostile}, ResourceTags: []map[string]string{{"a": "1", "b": "2"}}}},
		"a key with an equals":    {{ResourceTags: []map[string]string{{"a=b": "c"}}}},
		"a value with a new line": {{ResourceTags: []map[string]string{{"a": "b\nc"}}}},
	} {
		a, err := s.store.Analyzer(t.Context(), "unused")
		check(t, err)
		a.Exclusions = exclusions
		check(t, s.store.UpdateAnalyzer(t.Context(), s.by(), a))
		form := formFields(formWith(t, checkPage(t, s.get(t, store.Admin, "/settings/analyzer").Body.String()), "/settings/analyzer"))
		form.Set("age", "60")
		if w := s.post(t, store.Admin, "/settings/analyzer", form.Encode()); w.Code != http.StatusSeeOther {
			t.Errorf("%s: status %d", name, w.Code)
		}
		got, err := s.store.Analyzer(t.Context(), "unused")
		check(t, err)
		if !cmp.Equal(exclusions, got.Exclusions) || got.UnusedAge != 60 {
			t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(exclusions, got.Exclusions))
		}
		if name != "several lists" {
			form.Set("tags", "other=")
			s.post(t, store.Admin, "/settings/analyzer", form.Encode())
			if got, err := s.store.Analyzer(t.Context(), "unused"); err != nil || !cmp.Equal(exclusions, got.Exclusions) {
				t.Errorf("%s: what can't be shown was lost: %v %v", name, got.Exclusions, err)
			}
		}
	}
}

func TestWhatIsWrongWithAnAnalyzerStandsInTheForm(t *testing.T) {
	s := newSite(t).making()
	for _, c := range []struct{ form, want string }{
		{"name=1&type=ACCOUNT_UNUSED_ACCESS&age=90", "want a letter or _ first"},
		{"name=&type=ACCOUNT_UNUSED_ACCESS&age=90", "want a letter or _ first"},
		{"name=a&type=ACCOUNT&age=90", "want one of those offered"},
		{"name=a&type=ACCOUNT_UNUSED_ACCESS&age=0", "want 1 to 365 days"},
		{"name=a&type=ACCOUNT_UNUSED_ACCESS&age=366", "want 1 to 365 days"},
		{"name=a&type=ACCOUNT_UNUSED_ACCESS&age=ten", "want 1 to 365 days"},
		{"name=a&type=ACCOUNT_UNUSED_ACCESS&age=90&every=1s", "want one of those offered"},
		{"name=a&type=ACCOUNT_UNUSED_ACCESS&age=90&accounts=12", "12 is no account ID"},
		{"name=a&type=ACCOUNT_UNUSED_ACCESS&age=90&tags=%3Dx", "=x has no key"},
		{"name=_AccessAnalyzerForMe&type=ACCOUNT_UNUSED_ACCESS&age=90", "names that begin with _AccessAnalyzerFor are"},
		{"name=a&type=ACCOUNT_UNUSED_ACCESS&age=90&accounts=222233334444", "want none: an analyzer of one account"},
		{"name=a&type=ORGANIZATION_UNUSED_ACCESS&age=90&accounts=222233334444%0A" + account, account + " is the account whose the analyzer is"},
		{"name=a&type=ORGANIZATION_UNUSED_ACCESS&age=90&accounts=" + strings.Repeat("222233334444%0A", 2001), "these are 2,001 accounts: want 2,000 at most"},
	} {
		w := s.post(t, store.Admin, "/settings/analyzer/create", c.form)
		root := checkPage(t, w.Body.String())
		if w.Code != http.StatusBadRequest || len(root.class("wrong")) != 1 || !strings.Contains(root.class("wrong")[0].words(), c.want) {
			t.Errorf("%s: status %d, want %q: %s", c.form, w.Code, c.want, root.words())
		}
	}
	if w := s.post(t, store.Admin, "/settings/analyzer/create", "name=unused&type=ACCOUNT_UNUSED_ACCESS&age=90"); w.Code != http.StatusConflict {
		t.Errorf("a name that is taken: status %d", w.Code)
	}
	plain := newSite(t)
	if w := plain.post(t, store.Admin, "/settings/analyzer/create", "name=a&type=ACCOUNT_UNUSED_ACCESS&age=90"); w.Code != http.StatusNotFound {
		t.Errorf("a server that doesn't make analyzers here: status %d", w.Code)
	}
}

func TestTheAgeOfAServiceLinkedAnalyzerIsFixed(t *testing.T) {
	s := emptySite(t).making()
	const name = "_AccessAnalyzerForPare-1"
	_, err := s.store.CreateAnalyzer(t.Context(), s.by(), store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: strings.Replace(theARN, "unused", name, 1), Name: name, Type: store.AccountUnused, UnusedAge: 90, Status: "ACTIVE", LinkedService: "pare",
	}})
	check(t, err)
	for form, want := range map[string]int{"age=30": http.StatusBadRequest, "age=90&every=1h0m0s&tags=team%3Da": http.StatusSeeOther} {
		if w := s.post(t, store.Admin, "/settings/analyzer", form+"&analyzer="+name); w.Code != want {
			t.Errorf("%s: status %d, want %d: %s", form, w.Code, want, w.Body)
		}
	}
	a, err := s.store.Analyzer(t.Context(), name)
	check(t, err)
	if a.UnusedAge != 90 || len(a.Exclusions) != 1 {
		t.Errorf("%d days, %v", a.UnusedAge, a.Exclusions)
	}
}

func TestATokenIsShownOnceAndGoodUntilItIsRevoked(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	w := s.post(t, store.Admin, "/settings/tokens", "user=ann&label=build&days=30")
	root := checkPage(t, w.Body.String())
	secret := root.class("notice-card")[0].class("copied")[0].find("code")[0].words()
	who, err := s.store.TokenUser(t.Context(), secret, s.now.AddDate(0, 0, 29))
	check(t, err)
	if who.Name != "ann" {
		t.Errorf("the token is %s's", who.Name)
	}
	if _, err := s.store.TokenUser(t.Context(), secret, s.now.AddDate(0, 0, 31)); err == nil {
		t.Error("the token is good for longer than 30 days")
	}
	again := s.get(t, store.Admin, "/settings/user?name=ann").Body.String()
	if strings.Contains(again, secret) || !strings.Contains(again, "build") {
		t.Error("the token is shown a second time, or isn't in the list")
	}
	tokens, err := s.store.Tokens(t.Context(), "ann", store.Page{})
	check(t, err)
	for _, token := range tokens.Items {
		s.post(t, store.Admin, "/settings/tokens/revoke", "id="+token.ID)
	}
	if _, err := s.store.TokenUser(t.Context(), secret, s.now); err == nil {
		t.Error("the token is good after it was revoked")
	}
	for form, want := range map[string]int{"user=ann&label=&days=30": 400, "user=ann&label=x&days=-1": 400, "user=ann&label=x&days=400": 400, "user=ann&label=" + strings.Repeat("x", 201) + "&days=1": 400} {
		if w := s.post(t, store.Admin, "/settings/tokens", form); w.Code != want {
			t.Errorf("%.30s: status %d, want %d", form, w.Code, want)
		}
	}
}

func TestAnAccessKeyIsListedAndRevoked(t *testing.T) {
	s := emptySite(t)
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "keys.db"), store.Options{Key: store.NewKey()})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	s.store = db
	s.making()
	check(t, db.PutUser(t.Context(), s.by(), store.Person{Name: "ann", Role: store.Operator}))
	check(t, db.AddKey(t.Context(), s.by(), store.AccessKey{ID: "AKIAEXAMPLE", User: "ann"}, "the-secret"))
	page := s.get(t, store.Admin, "/settings/user?name=ann").Body.String()
	if words := checkPage(t, page).words(); !strings.Contains(words, "AKIAEXAMPLE") || strings.Contains(page, "the-secret") {
		t.Errorf("the page of the user: %s", words)
	}
	for format, want := range map[string]string{
		"csv": "id,user,createdAt\nAKIAEXAMPLE,ann,", "json": `"id": "AKIAEXAMPLE",`, "sarif": `"text": "The access key AKIAEXAMPLE is of ann, since `,
	} {
		if body := s.get(t, store.Admin, "/settings/user/keys?name=ann&format="+format).Body.String(); !strings.Contains(body, want) || strings.Contains(body, "the-secret") {
			t.Errorf("%s: %s", format, body)
		}
	}
	if w := s.post(t, store.Admin, "/settings/keys/revoke", "id=AKIAEXAMPLE&back="+url.QueryEscape("/settings/user?name=ann")); w.Header().Get("Location") != "/settings/user?done=deleted&n=1&name=ann" {
		t.Errorf("status %d to %q", w.Code, w.Header().Get("Location"))
	}
	if _, _, err := db.Key(t.Context(), "AKIAEXAMPLE"); err == nil {
		t.Error("the key is good after it was revoked")
	}
}

func TestSettingsShowWhereTheyAreFrom(t *testing.T) {
	s := newSite(t).making()
	root := checkPage(t, s.get(t, store.Admin, "/settings").Body.String())
	for _, want := range []string{"listen " + attack + " " + quotes + " flag", "retention.runs " + attack} {
		if !strings.Contains(root.words(), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the settings don't say %q: %s", want, root.words())
		}
	}
}
