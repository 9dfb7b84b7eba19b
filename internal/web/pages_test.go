package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

var everyRole = []store.UserRole{store.Viewer, store.Reviewer, store.Operator, store.Admin}

// checkPage looks over a page of any kind: what must hold for all of them.
func checkPage(t testing.TB, src string) *element {
	t.Helper()
	root := parse(t, src)
	checkHeadings(t, root)
	checkControls(t, root)
	checkIDs(t, root)
	for _, e := range root.find("*") {
		for name := range e.attr {
			if strings.HasPrefix(name, "on") || name == "style" || strings.HasPrefix(name, "hx-on") {
				t.Errorf("<%s %s=…>: the content security policy forbids it", e.name, name)
			}
		}
		switch e.name {
		case "style":
			t.Error("there is a style in the page")
		case "script":
			if !strings.HasPrefix(e.attr["src"], "/static/") || e.words() != "" {
				t.Errorf("a script that isn't a file of ours: %v %q", e.attr, e.words())
			}
		case "img":
			if !strings.HasPrefix(e.attr["src"], "/") || e.attr["alt"] == "" {
				t.Errorf("a picture from elsewhere, or without a text: %v", e.attr)
			}
		}
	}
	for _, one := range []string{"title", "main", "h1"} {
		if n := len(root.find(one)); n < 1 || one != "title" && n != 1 {
			t.Errorf("the page has %d <%s>", n, one)
		}
	}
	return root
}

// checkHeadings wants no level left out.
func checkHeadings(t testing.TB, root *element) {
	t.Helper()
	last := 0
	for _, e := range root.find("*") {
		if len(e.name) == 2 && e.name[0] == 'h' && e.name[1] >= '1' && e.name[1] <= '6' {
			level := int(e.name[1] - '0')
			if level > last+1 {
				t.Errorf("<%s> %q follows <h%d>", e.name, e.words(), last)
			}
			if e.words() == "" {
				t.Errorf("an empty <%s>", e.name)
			}
			last = level
		}
	}
}

// checkControls wants a name for each control and each link.
func checkControls(t testing.TB, root *element) {
	t.Helper()
	labels := map[string]string{}
	for _, l := range root.find("label") {
		labels[l.attr["for"]] = l.words()
	}
	for _, e := range root.find("*") {
		switch e.name {
		case "input", "select", "textarea":
			if e.attr["type"] != "hidden" && labels[e.attr["id"]] == "" && e.attr["aria-label"] == "" {
				t.Errorf("<%s name=%q> has no label", e.name, e.attr["name"])
			}
		case "button", "a", "summary":
			if e.words() == "" && e.attr["aria-label"] == "" {
				t.Errorf("<%s %v> has no words", e.name, e.attr)
			}
		case "form":
			if e.attr["method"] != "get" && e.attr["method"] != "post" {
				t.Errorf("a form with method %q", e.attr["method"])
			}
		}
	}
}

func checkIDs(t testing.TB, root *element) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range root.find("*") {
		if id := e.attr["id"]; id != "" && seen[id] {
			t.Errorf("two elements have the ID %q", id)
		} else if id != "" {
			seen[id] = true
		}
	}
	for _, e := range root.find("*") {
		for id := range strings.FieldsSeq(e.attr["aria-labelledby"]) {
			if !seen[id] {
				t.Errorf("<%s> is labelled by %q, which isn't there", e.name, id)
			}
		}
	}
}

// links are the addresses on a page that lead to this server, without fragments.
func links(root *element) []string {
	var out []string
	for _, e := range root.find("*") {
		for _, name := range []string{"href", "src", "hx-get"} {
			to, _, _ := strings.Cut(e.attr[name], "#")
			if strings.HasPrefix(to, "/") {
				out = append(out, to)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// walk visits every page that links lead to, and looks each over. Of lists that differ in
// parameters alone so many are enough.
func (s *testSite) walk(t *testing.T, role store.UserRole) map[string]int {
	t.Helper()
	const enough = 60
	seen, byPath := map[string]int{}, map[string]int{}
	for todo := []string{"/"}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		u, err := url.Parse(at)
		check(t, err)
		if _, done := seen[at]; done || byPath[u.Path] >= enough {
			continue
		}
		byPath[u.Path]++
		w := s.get(t, role, at)
		if seen[at] = w.Code; w.Code != http.StatusOK {
			t.Errorf("%s as %s: status %d", at, role, w.Code)
			continue
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			root := checkPage(t, w.Body.String())
			if t.Failed() {
				t.Fatalf("that was %s as %s", at, role)
			}
			todo = append(todo, links(root)...)
		}
	}
	return seen
}

func TestEveryLinkOfEveryPageLeadsSomewhere(t *testing.T) {
	s := newSite(t)
	for _, role := range everyRole {
		seen := s.walk(t, role)
		if len(seen) < 40 {
			t.Errorf("only %d pages were found as %s", len(seen), role)
		}
	}
}

func TestEmptyStatesSayWhatToDo(t *testing.T) {
	s := emptySite(t)
	for _, at := range []string{"/", "/findings"} {
		if page := checkPage(t, s.get(t, store.Viewer, at).Body.String()).words(); !strings.Contains(page, "No analyzer yet") {
			t.Errorf("%s doesn't say that there is no analyzer: %s", at, page)
		}
	}
	s.analyzer(t, theARN, "unused")
	if page := checkPage(t, s.get(t, store.Viewer, "/").Body.String()).words(); !strings.Contains(page, "No run yet") {
		t.Errorf("the overview doesn't say that there was no run: %s", page)
	}
	run, err := s.store.StartRun(t.Context(), theARN, account, s.now)
	check(t, err)
	check(t, s.store.FailRun(t.Context(), run.ID, "AccessDenied: "+attack, s.now))
	if page := checkPage(t, s.get(t, store.Viewer, "/").Body.String()).words(); !strings.Contains(page, "AccessDenied: "+attack) {
		t.Errorf("the overview doesn't say why the run failed: %s", page)
	}
}

func TestPartialDataIsSaid(t *testing.T) {
	s := newSite(t)
	run, err := s.store.StartRun(t.Context(), theARN, account, s.now)
	check(t, err)
	check(t, s.store.FailRun(t.Context(), run.ID, "AccessDenied", s.now))
	page := checkPage(t, s.get(t, store.Viewer, "/").Body.String()).words()
	for _, want := range []string{"rest on partial data", "credential-report.csv: " + attack, "the last run failed", "AccessDenied"} {
		if !strings.Contains(page, want) {
			t.Errorf("the overview doesn't say %q", want)
		}
	}
}

func TestErrorsAreOwnPages(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		name, url string
		role      store.UserRole
		status    int
	}{
		{"a page that there isn't", "/nowhere", store.Viewer, 404},
		{"a finding that there isn't", "/findings/none", store.Viewer, 404},
		{"an analyzer that there isn't", "/findings?analyzer=none", store.Viewer, 404},
		{"a status that there isn't", "/findings?status=OPEN", store.Viewer, 400},
		{"a type that there isn't", "/findings?type=x", store.Viewer, 400},
		{"an order that there isn't", "/findings?sort=-x", store.Viewer, 400},
		{"a group that there isn't", "/findings?group=x", store.Viewer, 400},
		{"a format that there isn't", "/findings?format=xls", store.Viewer, 400},
		{"a token of another list", "/findings?page=AAAA", store.Viewer, 400},
		{"a filter that isn't text", "/findings?resource=%00", store.Viewer, 400},
		{"an export by a filter that isn't text", "/findings?resource=%00&format=csv", store.Viewer, 400},
		{"an export by a service that isn't text", "/findings?service=%00&format=json", store.Viewer, 400},
		{"an address that can't be read", "/findings?status=%zz", store.Viewer, 400},
		{"nobody", "/findings", "", 401},
		{"a role that there isn't", "/findings", "king", 403},
	} {
		for _, partial := range []string{"", "true"} {
			w := s.getAs(t, c.role, c.url, partial)
			if w.Code != c.status {
				t.Errorf("%s: status %d, want %d", c.name, w.Code, c.status)
			}
			root := checkPage(t, w.Body.String())
			if len(links(root)) < 3 {
				t.Errorf("%s: no way on", c.name)
			}
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	for _, c := range []struct {
		url, form string
		role      store.UserRole // the least that may
	}{
		{"/findings/status", "to=ARCHIVED&id=%s", store.Reviewer},
		{"/findings/recommend", "id=%s", store.Operator},
		{"/findings/%s/status", "to=ARCHIVED", store.Reviewer},
		{"/findings/%s/recommend", "", store.Operator},
		{"/findings/%s/notes", "text=x", store.Reviewer},
	} {
		s := newSite(t)
		id := s.idOf(t, myRole, finding.UnusedPermission)
		for _, role := range append([]store.UserRole{""}, everyRole...) {
			at, form := strings.ReplaceAll(c.url, "%s", id), strings.ReplaceAll(c.form, "%s", id)
			want := http.StatusForbidden
			if role == "" {
				want = http.StatusUnauthorized
			} else if slices.Index(everyRole, role) >= slices.Index(everyRole, c.role) {
				want = http.StatusSeeOther
			}
			if w := s.post(t, role, at, form); w.Code != want {
				t.Errorf("POST %s as %q: status %d, want %d: %s", at, role, w.Code, want, w.Body)
			}
		}
	}
}

func TestAPostFromAnotherSiteIsRefused(t *testing.T) {
	s := newSite(t)
	id := s.idOf(t, myRole, finding.UnusedPermission)
	w := s.send(t, store.Admin, "/findings/status", "to=ARCHIVED&id="+id, map[string]string{"Sec-Fetch-Site": "cross-site"})
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
	f, err := s.store.Finding(t.Context(), theARN, id)
	check(t, err)
	if f.Status != finding.Active {
		t.Errorf("the finding is %s", f.Status)
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	s := newSite(t)
	if w := s.post(t, store.Admin, "/findings/status", "to=ARCHIVED&id="+strings.Repeat("x", 2<<20)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", w.Code)
	}
}

func TestAFormLeadsBackToOurPagesAlone(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ back, want string }{
		{"/findings?status=ACTIVE", "/findings?done=nothing&n=0&status=ACTIVE"},
		{"https://evil.example/", "/findings?done=nothing&n=0"},
		{"//evil.example/", "/findings?done=nothing&n=0"},
		{"/%2Fevil.example/", "/findings?done=nothing&n=0"},
		{`/\evil.example/`, "/findings?done=nothing&n=0"},
		{"javascript:alert(1)", "/findings?done=nothing&n=0"},
		{"", "/findings?done=nothing&n=0"},
	} {
		w := s.post(t, store.Admin, "/findings/status", "to=ARCHIVED&back="+url.QueryEscape(c.back))
		if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != c.want {
			t.Errorf("back to %q: %d to %q, want %q", c.back, w.Code, got, c.want)
		}
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	s := newSite(t)
	for _, at := range []string{"/", "/findings", "/nowhere", "/findings?format=csv"} {
		h := s.get(t, store.Viewer, at).Header()
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", at, name, h.Get(name), want)
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the content security policy is %q", at, csp)
		}
	}
	root := parse(t, s.get(t, store.Viewer, "/").Body.String())
	for _, e := range root.find("script") {
		w := s.get(t, store.Viewer, e.attr["src"])
		if got := w.Header().Get("Cache-Control"); w.Code != http.StatusOK || !strings.Contains(got, "immutable") {
			t.Errorf("%s: status %d, Cache-Control %q", e.attr["src"], w.Code, got)
		}
	}
}

func TestSeveralAnalyzersAreToldApart(t *testing.T) {
	s := newSite(t)
	s.analyzer(t, strings.Replace(theARN, "unused", "zeta", 1), "zeta")
	root := checkPage(t, s.get(t, store.Viewer, "/?analyzer=zeta").Body.String())
	if !strings.Contains(root.words(), "No run yet") {
		t.Error("the overview of zeta isn't about zeta")
	}
	for _, to := range links(root) {
		if strings.HasPrefix(to, "/findings") && !strings.Contains(to, "analyzer=zeta") {
			t.Errorf("%s doesn't keep the analyzer", to)
		}
	}
}

func TestAttacksAreText(t *testing.T) {
	s := newSite(t)
	check(t, s.queue.Recommend(t.Context(), s.by(), theARN, "attack-permission"))
	for at := range s.walk(t, store.Admin) {
		w := s.get(t, store.Admin, at)
		body := w.Body.String()
		if typ := w.Header().Get("Content-Type"); strings.HasPrefix(typ, "text/html") || strings.HasPrefix(typ, "image/svg") {
			for _, part := range []string{"<script>", "<img src=x", "onerror=alert(2)>"} {
				if strings.Contains(body, part) {
					t.Errorf("%s: %q stands in the page", at, part)
				}
			}
		}
	}
	page := parse(t, s.get(t, store.Admin, "/findings/attack-permission").Body.String()).words()
	if !strings.Contains(page, attack) {
		t.Errorf("the attack isn't shown as text: %s", page)
	}
}

func TestNumbersOnTheOverviewAreThoseOfTheStore(t *testing.T) {
	s := newSite(t)
	stats, err := s.store.Statistics(t.Context(), theARN)
	check(t, err)
	root := parse(t, s.get(t, store.Viewer, "/").Body.String())
	tiles := map[string]string{}
	for _, e := range root.class("tiles")[0].find("li") {
		tiles[e.class("what")[0].words()] = e.class("figure")[0].words()
	}
	want := map[string]string{"Active findings": fmt.Sprint(stats.Active)}
	for name, figure := range want {
		if tiles[name] != figure {
			t.Errorf("%s is %s, want %s", name, tiles[name], figure)
		}
	}
	for _, e := range root.class("tiles")[0].find("a") {
		list := parse(t, s.get(t, store.Viewer, e.attr["href"]).Body.String())
		if len(list.find("table")) == 0 && len(list.class("empty")) == 0 {
			t.Errorf("%s leads to %s, which isn't a list", e.words(), e.attr["href"])
		}
	}
}
