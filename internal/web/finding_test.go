package web_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// page asks for a page and looks it over.
func (s *testSite) page(t testing.TB, role store.UserRole, at string) *element {
	t.Helper()
	w := s.get(t, role, at)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d: %s", at, w.Code, w.Body)
	}
	return checkPage(t, w.Body.String())
}

func wants(t testing.TB, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page doesn't say %q", text)
		}
	}
}

func TestARecommendationGoesThroughItsStates(t *testing.T) {
	s := newSite(t)
	id := s.idOf(t, myRole, finding.UnusedPermission)
	at := "/findings/" + id
	wants(t, s.page(t, store.Operator, at).words(), "None was made yet", "Generate")
	if strings.Contains(s.page(t, store.Viewer, at).words(), "Generate") {
		t.Error("a viewer is offered what they may not do")
	}

	s.queue.held = true
	if w := s.post(t, store.Operator, at+"/recommend", ""); w.Header().Get("Location") != at+"?done=recommend&n=1" {
		t.Errorf("status %d, to %q", w.Code, w.Header().Get("Location"))
	}
	root := s.page(t, store.Operator, at)
	wants(t, root.words(), "It is being made", "Look again")
	box := slices.DeleteFunc(root.find("section"), func(e *element) bool { return e.attr["id"] != "recommendation" })
	if len(box) != 1 || box[0].attr["hx-get"] != at || !strings.HasPrefix(box[0].attr["hx-trigger"], "every") {
		t.Errorf("what is being made isn't asked for again: %v", box)
	}

	r, err := s.store.Recommendation(t.Context(), theARN, id)
	check(t, err)
	check(t, s.queue.finish(t.Context(), r.ID, id))
	root = s.page(t, store.Viewer, at)
	wants(t, root.words(), "proved", "No new access.", "myrole-policy-recommended", "Detach myrole-policy", "Check it yourself",
		"aws iam delete-role-policy --role-name MyRole --policy-name myrole-policy")
	for _, e := range root.find("section") {
		if e.attr["hx-get"] != "" {
			t.Error("what is finished is asked for again")
		}
	}

	// What is unused changes: the recommendation is stale.
	changed := slices.Clone(s.findings)
	for i := range changed {
		if changed[i].ID == id {
			changed[i].Permissions = changed[i].Permissions[:1]
		}
	}
	s.run(t, account, changed, s.principals, store.Report{Roles: 1})
	wants(t, s.page(t, store.Viewer, at).words(), "stale", "Make it anew before you take a step")
}

func TestAFailedRecommendationSaysWhy(t *testing.T) {
	s := newSite(t)
	check(t, s.queue.Recommend(t.Context(), s.by(), theARN, "attack-permission"))
	wants(t, s.page(t, store.Operator, "/findings/attack-permission").words(), "There is no complete recommendation: "+attack, "The steps below hold nevertheless", "Make it anew")
}

func TestFindingsThatHaveNoRecommendationSayWhatToDo(t *testing.T) {
	s := newSite(t)
	for _, f := range s.findings {
		if f.Type == finding.UnusedPermission {
			continue
		}
		root := s.page(t, store.Admin, "/findings/"+f.ID)
		wants(t, root.words(), "How that is known", "What to do", "pare apply --data account --finding "+f.ID)
		if w := s.post(t, store.Admin, "/findings/"+f.ID+"/recommend", ""); w.Code != http.StatusConflict {
			t.Errorf("a recommendation for a %s: status %d, want 409", f.Type, w.Code)
		}
	}
}

func TestEveryUnusedActionIsOnThePageWithItsSource(t *testing.T) {
	s := newSite(t)
	for _, f := range s.findings {
		if f.Type != finding.UnusedPermission || len(f.Permissions) > 50 {
			continue
		}
		root := s.page(t, store.Viewer, "/findings/"+f.ID)
		var shown, want []string
		for _, e := range root.class("names") {
			row := e
			for row.name != "tr" {
				row = row.parent
			}
			service := row.find("strong")[0].words()
			for _, item := range e.find("li") {
				shown = append(shown, service+":"+item.words())
			}
		}
		for _, p := range f.Permissions {
			for _, a := range p.Actions {
				want = append(want, a.Name)
			}
		}
		slices.Sort(shown)
		slices.Sort(want)
		if !slices.Equal(shown, want) {
			t.Errorf("%s: the page has %d actions, the finding %d", f.Resource, len(shown), len(want))
		}
	}
}

func TestManyServicesHaveParts(t *testing.T) {
	s := newSite(t)
	id := s.idOf(t, "arn:aws:iam::111122223333:role/platform-admin", finding.UnusedPermission)
	f, err := s.store.Finding(t.Context(), theARN, id)
	check(t, err)
	seen := map[string]bool{}
	for at := "/findings/" + id; at != ""; {
		root := s.page(t, store.Viewer, at)
		for _, e := range root.class("services")[0].find("strong") {
			seen[e.words()] = true
		}
		at = ""
		for _, e := range root.find("a") {
			if e.attr["rel"] == "next" {
				at = e.attr["href"]
			}
		}
	}
	if len(seen) != len(f.Permissions) {
		t.Errorf("%d services on all parts, want %d", len(seen), len(f.Permissions))
	}
}

func TestTriesAreDrawnForPatternsThatChange(t *testing.T) {
	s := newSite(t)
	root := s.page(t, store.Viewer, "/findings/"+s.idOf(t, myRole, finding.UnusedPermission))
	var patterns []string
	for _, e := range root.find("img") {
		w := s.get(t, store.Viewer, e.attr["src"])
		if typ := w.Header().Get("Content-Type"); w.Code != http.StatusOK || typ != "image/svg+xml" {
			t.Errorf("%s: status %d, %s", e.attr["src"], w.Code, typ)
		}
		pattern, _, _ := strings.Cut(parse(t, w.Body.String()).find("title")[0].words(), " ")
		patterns = append(patterns, pattern)
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") {
			t.Errorf("the picture's policy is %q", csp)
		}
		if w := s.get(t, store.Viewer, strings.Replace(e.attr["src"], "entry=", "entry=9", 1)); w.Code != http.StatusNotFound {
			t.Errorf("a pattern that there isn't: status %d", w.Code)
		}
	}
	if !slices.Equal(patterns, []string{"s3:Get*", "s3:List*"}) {
		t.Errorf("tries of %q", patterns)
	}
	wants(t, root.words(), "s3:Get* matches 63 actions")
}

func TestTheDownloadsAreWhatWasMade(t *testing.T) {
	s := newSite(t)
	id := s.idOf(t, myRole, finding.UnusedPermission)
	check(t, s.queue.Recommend(t.Context(), s.by(), theARN, id))
	r, err := s.store.Recommendation(t.Context(), theARN, id)
	check(t, err)
	w := s.get(t, store.Viewer, "/findings/"+id+"/policy?step=1")
	if w.Body.String() != r.Steps[0].RecommendedPolicy || !strings.Contains(w.Header().Get("Content-Disposition"), r.Steps[0].RecommendedName+".json") {
		t.Errorf("the policy: %q %s", w.Header(), w.Body)
	}
	if w := s.get(t, store.Viewer, "/findings/"+id+"/policy?step=2"); w.Code != http.StatusNotFound {
		t.Errorf("the policy of a detaching step: status %d", w.Code)
	}
	names, err := s.store.Certificates(t.Context(), r.ID)
	check(t, err)
	if len(names) != 3 {
		t.Errorf("certificates: %q", names)
	}
	for _, name := range names {
		want, err := s.store.Certificate(t.Context(), r.ID, name)
		check(t, err)
		got := s.get(t, store.Viewer, "/findings/"+id+"/certificate?name="+url.QueryEscape(name))
		if !bytes.Equal(got.Body.Bytes(), want) || len(want) == 0 {
			t.Errorf("%s: %d bytes, want %d", name, got.Body.Len(), len(want))
		}
	}
	if w := s.get(t, store.Viewer, "/findings/"+id+"/certificate?name=../../etc/passwd"); w.Code != http.StatusNotFound {
		t.Errorf("a certificate that there isn't: status %d", w.Code)
	}
}

func TestTheCommandsAreWords(t *testing.T) {
	sh, err := exec.LookPath("sh")
	check(t, err)
	s := newSite(t)
	root := s.page(t, store.Viewer, "/findings/attack-permission")
	for _, e := range root.class("copied") {
		// A shell must take each command for one with these words, and run nothing else.
		line := e.find("code")[0].words()
		out, err := exec.CommandContext(t.Context(), sh, "-c", "pare() { :; }; aws() { :; }; "+line).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("sh of %s: %v %s", line, err, out)
		}
	}
	if !strings.Contains(root.words(), `role/<script>alert(1)</script>"'\''><img`) {
		t.Error("the ARN isn't quoted for a shell")
	}
}

func TestHistoryAndNotesTellWhoDidWhat(t *testing.T) {
	s := newSite(t)
	id := s.idOf(t, myRole, finding.UnusedPermission)
	at := "/findings/" + id
	for _, to := range []string{"ARCHIVED", "ACTIVE"} {
		if w := s.post(t, store.Reviewer, at+"/status", "to="+to); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), at+"?") {
			t.Errorf("%s: status %d to %q", to, w.Code, w.Header().Get("Location"))
		}
	}
	if w := s.post(t, store.Reviewer, at+"/notes", "text="+url.QueryEscape("month-end "+attack)); w.Code != http.StatusSeeOther {
		t.Errorf("a note: status %d", w.Code)
	}
	for _, text := range []string{"", "+", strings.Repeat("x", 5000)} {
		if w := s.post(t, store.Reviewer, at+"/notes", "text="+text); w.Code != http.StatusBadRequest {
			t.Errorf("a note of %d bytes: status %d", len(text), w.Code)
		}
	}
	if w := s.post(t, store.Viewer, at+"/notes", "text=x"); w.Code != http.StatusForbidden {
		t.Errorf("a viewer's note: status %d", w.Code)
	}
	wants(t, s.page(t, store.Viewer, at).words(), "archived by hand by ann-reviewer", "made active again by ann-reviewer", "found (run 1)", "month-end "+attack)
	log, err := s.store.AuditLog(context.Background(), "", store.Page{})
	check(t, err)
	if !slices.ContainsFunc(log.Items, func(e store.Entry) bool { return e.Who == "ann-reviewer" && e.Origin == "192.0.2.1" }) {
		t.Errorf("the audit log has no line of ann-reviewer: %v", log.Items)
	}
}

func TestARuleThatArchivedIsNamed(t *testing.T) {
	s := newSite(t)
	rule := finding.ArchiveRule{Name: "team-rule", Filter: finding.Filter{"resource": {Eq: []string{myRole}}}}
	check(t, s.store.CreateRule(t.Context(), s.by(), theARN, rule, ""))
	_, err := s.store.ApplyRule(t.Context(), s.by(), theARN, rule.Name)
	check(t, err)
	wants(t, s.page(t, store.Viewer, "/findings/"+s.idOf(t, myRole, finding.UnusedPermission)).words(), "Archived by the rule team-rule", "archived by the rule team-rule")
	wants(t, s.page(t, store.Viewer, "/findings?status=ARCHIVED").words(), "by team-rule")
}

func TestBulkActionsChangeTheSelectedAlone(t *testing.T) {
	s := newSite(t)
	ids := s.listed(t, "/findings?type=UnusedPermission&sort=id&size=25")[:3]
	form := "to=ARCHIVED&id=" + ids[0] + "&id=" + ids[1] + "&id=" + ids[1] + "&back=" + url.QueryEscape("/findings?type=UnusedPermission")
	if got := s.post(t, store.Reviewer, "/findings/status", form).Header().Get("Location"); got != "/findings?done=archived&n=2&type=UnusedPermission" {
		t.Errorf("on to %q", got)
	}
	if got := s.listed(t, "/findings?status=ARCHIVED&sort=id"); !slices.Equal(got, ids[:2]) {
		t.Errorf("archived: %q, want %q", got, ids[:2])
	}
	if w := s.post(t, store.Reviewer, "/findings/status", "to=ARCHIVED&id="+ids[2]+"&id=none"); w.Code != http.StatusNotFound {
		t.Errorf("with an ID that there isn't: status %d", w.Code)
	}
	if w := s.post(t, store.Reviewer, "/findings/status", "to=RESOLVED&id="+ids[2]); w.Code != http.StatusBadRequest {
		t.Errorf("to be resolved: status %d", w.Code)
	}
	if got := s.listed(t, "/findings?status=ARCHIVED&sort=id"); !slices.Equal(got, ids[:2]) {
		t.Errorf("archived: %q, want %q", got, ids[:2])
	}
	role := s.idOf(t, "arn:aws:iam::111122223333:role/old-migration", finding.UnusedIAMRole)
	s.queue.held = true
	if got := s.post(t, store.Operator, "/findings/recommend", "id="+ids[2]+"&id="+role).Header().Get("Location"); got != "/findings?done=recommend&n=1" {
		t.Errorf("on to %q", got)
	}
	if got := s.queue.log(); !slices.Equal(got, []string{"recommend " + ids[2] + " by ann-operator"}) {
		t.Errorf("asked for: %q", got)
	}
}
