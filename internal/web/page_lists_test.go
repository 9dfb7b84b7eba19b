package web_test

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// rowHeads are the texts of the rows' heads, from all parts of a list, in order.
func (s *testSite) rowHeads(t testing.TB, at string) []string {
	t.Helper()
	var out []string
	for at != "" {
		root := parse(t, s.get(t, store.Admin, at).Body.String())
		at = ""
		for _, e := range root.find("tbody") {
			for _, th := range e.find("th") {
				out = append(out, th.find("a")[0].words())
			}
		}
		for _, a := range root.find("a") {
			if a.attr["rel"] == "next" {
				at = a.attr["href"]
			}
		}
	}
	return out
}

func TestPrincipalsAreListedPartByPartAsTheStoreHasThem(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		name, query string
		q           store.PrincipalQuery
	}{
		{"all, the most unused first", "", store.PrincipalQuery{By: store.PrincipalsByUnused}},
		{"by account", "sort=account", store.PrincipalQuery{}},
		{"users alone", "kind=user", store.PrincipalQuery{Kind: store.User, By: store.PrincipalsByUnused}},
		{"of one account", "account=" + account, store.PrincipalQuery{Account: account, By: store.PrincipalsByUnused}},
		{"by a part of the ARN", "contains=role%2FM", store.PrincipalQuery{Contains: "role/M", By: store.PrincipalsByUnused}},
	} {
		c.q.Analyzer = theARN
		part, err := s.store.FindPrincipals(t.Context(), c.q, store.Page{Limit: 1000})
		check(t, err)
		var want []string
		for _, p := range part.Items {
			_, name, _ := strings.Cut(p.ARN, "/")
			if p.ARN == hostileARN {
				name = "script>\"'><img src=x onerror=alert(2)>"
			}
			want = append(want, name[strings.LastIndex(name, "/")+1:])
		}
		if got := s.rowHeads(t, "/principals?size=25&"+c.query); !cmp.Equal(want, got) || len(got) == 0 {
			t.Errorf("%s (-want +got):\n%s", c.name, cmp.Diff(want, got))
		}
	}
}

func TestExportsOfTheOtherListsAreWhole(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	for i := range 1100 { // more than one part
		check(t, s.store.Audit(t.Context(), store.Entry{At: s.now, Who: "=cmd|' /C calc'!A0", Action: fmt.Sprintf("Act%04d", i), Target: "\x1b[31m"}))
	}
	for at, want := range map[string]int{
		"/principals": len(s.principals) + 1, "/principals?kind=user": 12, "/recommendations": 2, "/recommendations?state=FAILED": 1, "/accounts": 3,
		"/runs": 3, "/runs?state=failed": 1, "/jobs": 3, "/rules": 2, "/audit?who=" + url.QueryEscape("=cmd|' /C calc'!A0"): 1100, "/policies?contains=developers-access": 1,
		"/policies/" + s.mostHeld(t): 4, "/settings/analyzers": 2, "/settings/users": 3, "/settings/user/tokens?name=ann": 2,
	} {
		join := map[bool]string{true: "&", false: "?"}[strings.Contains(at, "?")]
		w := s.get(t, store.Admin, at+join+"format=json")
		var objects []map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &objects); err != nil {
			t.Fatalf("%s as JSON: %v", at, err)
		}
		s.sarifSays(t, at, join+"format=sarif", objects)
		w = s.get(t, store.Admin, at+join+"format=csv")
		rows, err := csv.NewReader(w.Body).ReadAll()
		check(t, err)
		if len(objects) != want || len(rows) != want+1 {
			t.Errorf("%s: %d objects and %d lines, want %d and one more", at, len(objects), len(rows), want)
		}
		if typ := w.Header().Get("Content-Disposition"); !strings.HasPrefix(typ, "attachment") || !strings.Contains(typ, ".csv") {
			t.Errorf("%s: Content-Disposition %q", at, typ)
		}
		for _, row := range rows {
			for _, cell := range row {
				if strings.Contains(cell, "$argon2id$") {
					t.Errorf("%s: a hash of a password is exported: %s", at, cell)
				}
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\x1b") {
					t.Errorf("%s: a spreadsheet takes %q for a formula", at, cell)
				}
			}
		}
	}
}

func TestAPrincipalsFiguresAreThoseOfTheStore(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	p, err := s.store.Principal(t.Context(), theARN, myRole)
	check(t, err)
	root := checkPage(t, s.get(t, store.Viewer, "/principal?arn="+url.QueryEscape(myRole)).Body.String())
	got := map[string]string{}
	for _, e := range root.class("tiles")[0].find("li") {
		got[e.class("what")[0].words()] = e.class("figure")[0].words()
	}
	r, err := s.store.Recommendation(t.Context(), theARN, s.idOf(t, myRole, finding.UnusedPermission))
	check(t, err)
	want := map[string]string{"Granted": fmt.Sprint(p.Granted), "Used": fmt.Sprint(p.Used), "Unused": fmt.Sprint(p.Unused), "After the steps": fmt.Sprint(r.After)}
	if !cmp.Equal(want, got) {
		t.Errorf("the figures (-want +got):\n%s", cmp.Diff(want, got))
	}
	var services []string
	for _, e := range p.Evidence {
		services = append(services, fmt.Sprintf("%s %d %d %d", e.Service, e.Granted, e.Actions, e.Unused))
	}
	var rows []string
	for _, tr := range root.find("table")[0].find("tbody")[0].find("tr") {
		td := tr.find("td")
		unused, _, _ := strings.Cut(td[2].words(), " ")
		rows = append(rows, tr.find("th")[0].words()+" "+td[0].words()+" "+td[1].words()+" "+unused)
	}
	slices.Sort(services)
	slices.Sort(rows)
	if !cmp.Equal(services, rows) {
		t.Errorf("the services (-want +got):\n%s", cmp.Diff(services, rows))
	}
	for _, h := range p.Policies {
		if !slices.Contains(links(root), "/policies/"+h.Hash+"?analyzer=unused") {
			t.Errorf("no link to %s among %v", h.Name, links(root))
		}
	}
}

func TestAUsersPoliciesOfGroupsStandApart(t *testing.T) {
	s := newSite(t)
	for _, p := range s.principals {
		groups := map[string]bool{}
		for _, h := range p.Policies {
			groups[h.Group] = true
		}
		delete(groups, "")
		if len(groups) == 0 {
			continue
		}
		page := checkPage(t, s.get(t, store.Viewer, "/principal?arn="+url.QueryEscape(p.ARN)).Body.String()).words()
		for arn := range groups {
			if want := "By the group " + arn[strings.LastIndex(arn, "/")+1:]; !strings.Contains(page, want) {
				t.Errorf("%s doesn't say %q", p.ARN, want)
			}
		}
		return
	}
	t.Fatal("no user of the sample is in a group")
}

func TestTheQueueHasACommandForWhatIsProvedAlone(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	id := s.idOf(t, myRole, finding.UnusedPermission)
	root := checkPage(t, s.get(t, store.Operator, "/recommendations").Body.String())
	if got := root.class("copied"); len(got) != 1 || got[0].find("code")[0].words() != "pare apply --data account --finding "+id+" --plan plan.json" {
		t.Errorf("%d commands", len(got))
	}
	// What is unused changes, and so the recommendation is stale: a step would undo a change.
	some := slices.Clone(s.findings)
	for i := range some {
		if some[i].ID == id {
			some[i].Permissions = some[i].Permissions[:1]
		}
	}
	s.run(t, account, some, s.principals, store.Report{})
	root = checkPage(t, s.get(t, store.Operator, "/recommendations?age=stale").Body.String())
	if got := root.class("copied"); len(got) != 0 || !strings.Contains(root.words(), "MyRole") {
		t.Errorf("%d commands of stale recommendations: %s", len(got), root.words())
	}
	w := s.post(t, store.Operator, "/findings/recommend", "analyzer=unused&id="+id+"&back=%2Frecommendations%3Fage%3Dstale")
	if got := w.Header().Get("Location"); got != "/recommendations?age=stale&done=recommend&n=1" {
		t.Errorf("after making it anew: %d to %q", w.Code, got)
	}
}

func TestARunsPageHasItsReport(t *testing.T) {
	s := newSite(t)
	run, err := s.store.StartRun(t.Context(), theARN, account, s.now)
	check(t, err)
	_, err = s.store.CompleteRun(t.Context(), run.ID, store.Found{Findings: sequence(s.findings[:5]), Closing: func() store.Closing {
		return store.Closing{FinishedAt: s.now, WindowDays: 90, WindowEnd: s.now, CatalogDate: "2026-11-01", Report: store.Report{
			Roles: 3, Users: 4, Granted: 1000, Unused: 500, Removed: 250, Skipped: map[string]int{"service-linked": 6, "no evidence": 7},
		}}
	}})
	check(t, err)
	page := checkPage(t, s.get(t, store.Viewer, "/runs/"+number(run.ID)).Body.String()).words()
	for _, want := range []string{"7 Principals 3 roles, 4 users", "1,000 Actions granted", "500 Unused 50 %", "250 Removable with proof 50 %", "service-linked 6", "no evidence 7", "13 times in all", "Unchanged 5", fmt.Sprintf("Resolved %d", len(s.findings)-5)} {
		if !strings.Contains(page, want) {
			t.Errorf("the run doesn't say %q: %s", want, page)
		}
	}
}

func TestTheAuditLogIsFiltered(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	for at, want := range map[string][]string{
		"/audit?action=CreateArchiveRule":                         {"CreateArchiveRule", "CreateArchiveRule"},
		"/audit?target=ann%2Ft1":                                  {"CreateToken"},
		"/audit?who=" + url.QueryEscape(attack) + "&format=":      {attack},
		"/audit?who=setup&action=CreateAnalyzer&target=" + theARN: {"CreateAnalyzer"},
	} {
		var got []string
		for _, tr := range checkPage(t, s.get(t, store.Admin, at).Body.String()).find("tr") {
			if td := tr.find("td"); len(td) > 1 {
				got = append(got, td[1].words())
			}
		}
		if !cmp.Equal(want, got) {
			t.Errorf("%s (-want +got):\n%s", at, cmp.Diff(want, got))
		}
	}
}
