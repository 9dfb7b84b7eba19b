package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/web"
)

// making has the site make analyzers, as a server does.
func (s *testSite) making() *testSite {
	s.Handler = web.New(web.Options{
		Store: s.store, Queue: s.queue, Catalog: s.catalog, Now: func() time.Time { return s.now.Add(6 * time.Hour) }, Who: whoOf,
		AnalyzerARN: func(name string) string { return strings.Replace(theARN, "unused", name, 1) },
		Settings:    []web.Setting{{Name: "listen", Value: quotes, Origin: "flag", Help: attack}, {Name: "retention.runs", Value: attack, Origin: quotes}},
	})
	return s
}

func TestWhoMaySeeWhatElse(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	id := s.idOf(t, myRole, finding.UnusedPermission)
	check(t, s.queue.Recommend(t.Context(), s.by(), theARN, id))
	all := map[string]store.UserRole{
		"/": store.Viewer, "/findings": store.Viewer, "/findings?format=csv": store.Viewer, "/findings/" + id: store.Viewer,
		"/principals": store.Viewer, "/principal?arn=" + url.QueryEscape(myRole): store.Viewer, "/policies": store.Viewer, "/policies/" + s.hashOf(t, myRole): store.Viewer,
		"/recommendations": store.Viewer, "/accounts": store.Viewer, "/accounts/" + account: store.Viewer, "/runs": store.Viewer, "/runs/1": store.Viewer, "/jobs": store.Viewer,
		"/rules": store.Viewer, "/rules/edit": store.Viewer, "/rules/edit?rule=emergency": store.Viewer,
		"/settings": store.Admin, "/settings/analyzer": store.Admin, "/settings/user?name=ann": store.Admin, "/audit": store.Admin, "/audit?format=csv": store.Admin,
		"/settings/analyzers?format=csv": store.Admin, "/settings/users?format=csv": store.Admin, "/settings/user/tokens?name=ann&format=csv": store.Admin, "/settings/user/keys?name=ann&format=csv": store.Admin,
	}
	for _, e := range parse(t, s.get(t, store.Viewer, "/findings/"+id).Body.String()).find("*") { // tries, policies, certificates
		for _, at := range []string{e.attr["href"], e.attr["src"]} {
			if strings.HasPrefix(at, "/findings/"+id+"/") {
				all[at] = store.Viewer
			}
		}
	}
	if len(all) < 25 {
		t.Errorf("only %d pages", len(all))
	}
	for at, least := range all {
		for _, role := range append([]store.UserRole{""}, everyRole...) {
			w := s.get(t, role, at)
			if want := statusFor(role, least, http.StatusOK); w.Code != want {
				t.Errorf("GET %s as %q: status %d, want %d", at, role, w.Code, want)
			}
			if w.Code == http.StatusOK && strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				s.onlyAllowedForms(t, role, parse(t, w.Body.String()))
			}
		}
	}
}

// statusFor is the answer that somebody with a role gets where one is needed.
func statusFor(role, least store.UserRole, done int) int {
	switch {
	case role == "":
		return http.StatusUnauthorized
	case slices.Index(everyRole, role) < slices.Index(everyRole, least):
		return http.StatusForbidden
	}
	return done
}

// changes are the forms of the other pages, and who may send them.
var changes = []struct {
	url, form string
	role      store.UserRole // the least that may
	done      int
}{
	{"/accounts/scan", "account=" + account, store.Operator, http.StatusSeeOther},
	{"/jobs/7/retry", "", store.Operator, http.StatusSeeOther},
	{"/rules/save", "rule=emergency&key=resource&op=contains&values=x", store.Operator, http.StatusSeeOther},
	{"/rules/apply", "rule=emergency", store.Operator, http.StatusSeeOther},
	{"/rules/delete", "rule=emergency", store.Operator, http.StatusSeeOther},
	{"/settings/analyzer", "analyzer=unused&age=90", store.Admin, http.StatusSeeOther},
	{"/settings/analyzer/create", "name=mine&type=ACCOUNT_UNUSED_ACCESS&age=30", store.Admin, http.StatusSeeOther},
	{"/settings/analyzer/delete", "analyzer=vacant&confirm=vacant", store.Admin, http.StatusSeeOther},
	{"/settings/tokens", "user=ann&label=x&days=30", store.Admin, http.StatusOK},
	{"/settings/tokens/revoke", "id=t1", store.Admin, http.StatusSeeOther},
}

func TestWhoMayChangeWhatElse(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	s.making()
	for _, c := range changes {
		for _, role := range append([]store.UserRole{""}, everyRole[:slices.Index(everyRole, c.role)+1]...) {
			before := s.lastLine(t)
			w := s.post(t, role, c.url, c.form)
			if want := statusFor(role, c.role, c.done); w.Code != want {
				t.Errorf("POST %s as %q: status %d, want %d: %s", c.url, role, w.Code, want, w.Body)
			}
			if after := s.lastLine(t); w.Code >= 400 && after != before {
				t.Errorf("POST %s as %q was refused, and changed something: %v", c.url, role, after)
			}
		}
		if w := s.send(t, store.Admin, c.url, c.form, map[string]string{"Sec-Fetch-Site": "cross-site"}); w.Code != http.StatusForbidden {
			t.Errorf("POST %s from another site: status %d", c.url, w.Code)
		}
	}
}

func TestOnlyAdminsRevokeKeys(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	for role, want := range map[store.UserRole]int{
		"": http.StatusUnauthorized, store.Viewer: http.StatusForbidden, store.Reviewer: http.StatusForbidden, store.Operator: http.StatusForbidden, store.Admin: http.StatusNotFound,
	} {
		if w := s.post(t, role, "/settings/keys/revoke", "id=none"); w.Code != want {
			t.Errorf("as %q: status %d, want %d", role, w.Code, want)
		}
	}
}

// lastLine is the last line of the audit log.
func (s *testSite) lastLine(t testing.TB) store.Entry {
	t.Helper()
	part, err := s.store.AuditLog(t.Context(), "", store.Page{Limit: 1})
	check(t, err)
	return part.Items[0]
}

// onlyAllowedForms wants no form on a page that who sees it may not send.
func (s *testSite) onlyAllowedForms(t testing.TB, role store.UserRole, root *element) {
	t.Helper()
	for _, e := range root.find("*") {
		for _, name := range []string{"action", "formaction"} {
			for _, c := range changes {
				if e.attr[name] == c.url && slices.Index(everyRole, role) < slices.Index(everyRole, c.role) {
					t.Errorf("%s sees a form to %s", role, c.url)
				}
			}
		}
	}
}

func TestEveryChangeIsInTheAuditLogWithWhoAndWhence(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	s.making()
	s.post(t, store.Admin, changes[0].url, changes[0].form)
	s.post(t, store.Admin, changes[1].url, changes[1].form)
	for _, c := range changes {
		if c.url == "/accounts/scan" || c.url == "/jobs/7/retry" {
			continue // the queue's own affair
		}
		before := s.lastLine(t).Seq
		s.post(t, store.Admin, c.url, c.form)
		e := s.lastLine(t)
		if e.Seq == before || e.Who != "ann-admin" || e.Origin != "192.0.2.1" {
			t.Errorf("POST %s: the last line of the log is %+v", c.url, e)
		}
	}
	want := []string{
		"scan " + theARN + " " + account + " by ann-admin", "retry 7 by ann-admin",
		"scan " + theARN + "  by ann-admin", "scan " + strings.Replace(theARN, "unused", "mine", 1) + "  by ann-admin",
	}
	for _, w := range want {
		if !slices.Contains(s.queue.log(), w) {
			t.Errorf("nobody asked for %q: %q", w, s.queue.log())
		}
	}
}

func TestEmptyStatesOfTheOtherPages(t *testing.T) {
	s := emptySite(t)
	for _, at := range []string{"/principals", "/policies", "/recommendations", "/accounts", "/runs", "/rules"} {
		if page := checkPage(t, s.get(t, store.Admin, at).Body.String()).words(); !strings.Contains(page, "No analyzer yet") {
			t.Errorf("%s doesn't say that there is no analyzer: %s", at, page)
		}
	}
	for _, at := range []string{"/principal?arn=x", "/policies/x", "/accounts/" + account, "/rules/edit", "/settings/analyzer"} {
		if w := s.get(t, store.Admin, at); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", at, w.Code)
		}
	}
	if page := checkPage(t, s.get(t, store.Admin, "/settings").Body.String()).words(); !strings.Contains(page, "There is none yet") {
		t.Errorf("the settings don't say that there is no analyzer: %s", page)
	}
	s.analyzer(t, theARN, "unused")
	for at, want := range map[string]string{
		"/principals": "has seen no role and no user", "/principals?contains=x": "No role or user matches", "/policies": "has seen no policy yet", "/policies?contains=x": "No policy has this in its name",
		"/recommendations": "None was asked for yet", "/recommendations?state=FAILED": "No recommendation is in this state", "/accounts": "No account is set up",
		"/runs": "has had no run yet", "/runs?state=failed": "No run matches", "/rules": "stays active until somebody archives it", "/audit?who=nobody": "No line matches",
	} {
		if page := checkPage(t, s.get(t, store.Admin, at).Body.String()).words(); !strings.Contains(page, want) {
			t.Errorf("%s doesn't say %q: %s", at, want, page)
		}
	}
	check(t, s.store.PutAccount(t.Context(), s.by(), store.Account{ID: account}))
	if page := checkPage(t, s.get(t, store.Viewer, "/accounts/"+account).Body.String()).words(); !strings.Contains(page, "No complete run yet") {
		t.Errorf("the account doesn't say that there was no run: %s", page)
	}
}

func TestPartialDataOfTheOtherPages(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	for at, want := range map[string][]string{
		"/accounts":                {"failed", "AccessDenied: " + attack, "1 problem", "none yet"},
		"/accounts/" + hostile:     {"rests on partial data", "The last run failed", "AccessDenied: " + attack, "credential-report.csv: " + attack},
		"/runs?account=" + hostile: {"failed", "AccessDenied: " + attack},
		"/runs/3":                  {"It failed", "AccessDenied: " + attack, "stays as it was"},
		"/runs/2":                  {"1 problem with the data", "credential-report.csv: " + attack},
		"/principal?arn=" + url.QueryEscape(hostileARN): {"The account's data is partial"},
		"/jobs":            {"failed", "3 of 3", attack},
		"/recommendations": {"failed", attack},
	} {
		page := checkPage(t, s.get(t, store.Viewer, at).Body.String()).words()
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("%s doesn't say %q: %s", at, w, page)
			}
		}
	}
}

func TestErrorsOfTheOtherPages(t *testing.T) {
	s := newSite(t)
	for at, want := range map[string]int{
		"/principal": 404, "/principal?arn=none": 404, "/policies/none": 404, "/accounts/none": 404, "/runs/none": 404, "/runs/99": 404, "/rules/edit?rule=none": 404, "/settings/user?name=none": 404,
		"/settings/user/tokens?name=none&format=csv": 404, "/settings/user/keys?name=none&format=csv": 404, "/settings/users": 400,
		"/principals?kind=x": 400, "/principals?sort=x": 400, "/principals?page=AAAA": 400, "/principals?contains=%00": 400, "/policies?format=xml": 400,
		"/policies?page=AAAA": 400, "/recommendations?state=x": 400, "/recommendations?verdict=x": 400, "/recommendations?age=x": 400, "/runs?state=x": 400,
		"/audit?who=%ff": 400, "/audit?page=AAAA": 400, "/rules/edit?key=resource&op=eq&values=%00": 400,
	} {
		w := s.get(t, store.Admin, at)
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", at, w.Code, want)
		}
		checkPage(t, w.Body.String())
	}
	for at, form := range map[string]string{"/rules/delete": "rule=none", "/rules/apply": "rule=none", "/settings/tokens/revoke": "id=none", "/settings/keys/revoke": "id=none", "/settings/tokens": "user=none&label=x&days=1"} {
		if w := s.post(t, store.Admin, at, form); w.Code != http.StatusNotFound {
			t.Errorf("POST %s: status %d, want 404", at, w.Code)
		}
	}
}

func TestAttacksAreTextOnEveryOtherPage(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	s.making()
	pages := s.otherPages(t)
	maps.Copy(pages, map[string]string{
		"user": "/settings/user?name=" + url.QueryEscape(attack), "user2": "/settings/user?name=" + url.QueryEscape(quotes), "rule2": "/rules/edit?rule=attack", "audit2": "/audit?who=" + url.QueryEscape(attack),
		"search": "/principals?contains=" + url.QueryEscape(quotes), "search2": "/policies?contains=" + url.QueryEscape(attack), "account2": "/runs?account=" + url.QueryEscape(quotes), "hostile policy": "/policies/" + s.hashOf(t, hostileARN),
		"form": "/rules/edit?name=" + url.QueryEscape(attack) + "&key=" + url.QueryEscape(quotes) + "&op=" + url.QueryEscape(attack) + "&values=" + url.QueryEscape(attack),
		"done": "/rules?done=" + url.QueryEscape(attack) + "&n=" + url.QueryEscape(attack),
	})
	for name, at := range pages {
		w := s.get(t, store.Admin, at)
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", at, w.Code)
		}
		for _, part := range []string{"<script>", "<img src=x", "onerror=alert(2)>"} {
			if strings.Contains(w.Body.String(), part) {
				t.Errorf("%s (%s): %q stands in the page", name, at, part)
			}
		}
		checkPage(t, w.Body.String())
	}
	for _, name := range []string{"accounts", "audit", "settings", "settings-user", "rules", "principal-attack", "account-attack", "jobs", "user"} {
		if words := parse(t, s.get(t, store.Admin, pages[name]).Body.String()).words(); !strings.Contains(words, attack) {
			t.Errorf("%s doesn't show the attack as text: %s", pages[name], words)
		}
	}
	for _, name := range []string{"accounts", "audit", "settings", "settings-user", "rules", "user2", "search"} {
		root := parse(t, s.get(t, store.Admin, pages[name]).Body.String())
		shown := []string{root.words()}
		for _, e := range root.find("input") {
			shown = append(shown, e.attr["value"])
		}
		if !slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, quotes) }) {
			t.Errorf("%s doesn't show the quotes as text: %q", pages[name], shown)
		}
	}
	if _, err := s.store.Finding(t.Context(), theARN, s.idOf(t, myRole, finding.UnusedPermission)); err != nil {
		t.Errorf("after all the attacks: %v", err)
	}
}
