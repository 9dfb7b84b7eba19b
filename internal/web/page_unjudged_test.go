package web_test

import (
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// unjudged is one of the sample's principals that its run left out.
func (s *testSite) unjudged(t testing.TB) store.Principal {
	t.Helper()
	i := slices.IndexFunc(s.principals, func(p store.Principal) bool { return p.Unjudged })
	if i < 0 {
		t.Fatal("the sample's principals were all judged")
	}
	return s.principals[i]
}

func TestWhoWasNotJudgedHasNoFigureOfWhatIsUnused(t *testing.T) {
	s := newSite(t)
	p := s.unjudged(t)
	arn := url.QueryEscape(p.ARN)
	list := parse(t, s.get(t, store.Viewer, "/principals?contains="+arn).Body.String())
	if got := list.find("tbody")[0].words(); !strings.Contains(got, "not judged") {
		t.Errorf("the list says %q", got)
	}
	page := checkPage(t, s.get(t, store.Viewer, "/principal?arn="+arn).Body.String())
	tile := page.class("tiles")[0].find("li")[2].words()
	if tile != "– Unused not judged" {
		t.Errorf("the principal's page says %q", tile)
	}
	if got := page.class("warnings")[0].words(); !strings.Contains(got, "Its permissions weren't judged") {
		t.Errorf("the principal's page warns %q", got)
	}
	policy := parse(t, s.get(t, store.Viewer, "/policies/"+s.hashOf(t, p.ARN)).Body.String())
	if got := policy.words(); !strings.Contains(got, "not judged") || !strings.Contains(got, "the account's last run didn't judge its permissions") {
		t.Error("the policy's page doesn't say that its holder wasn't judged")
	}
	rows, err := csv.NewReader(s.get(t, store.Viewer, "/principals?format=csv&contains="+arn).Body).ReadAll()
	check(t, err)
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	if got["unusedActions"] != "" || got["grantedAfterSteps"] != "" || got["judged"] != "false" {
		t.Errorf("the export says %v", got)
	}
}

func TestPrincipalsThatWereNotJudgedAreCounted(t *testing.T) {
	s := newSite(t)
	n := 0
	for _, p := range s.principals {
		if p.Unjudged {
			n++
		}
	}
	want := ", " + number(int64(n)) + " not judged"
	page := s.get(t, store.Viewer, "/accounts/"+account).Body.String()
	if got := parse(t, page).class("tiles")[0].words(); !strings.Contains(got, want) {
		t.Errorf("the account's figures are %q, want one with %q", got, want)
	}
}

func TestSARIFOfPrincipalsIsTheirFindings(t *testing.T) {
	s := newSite(t)
	for query, of := range map[string]string{
		"":                                  "/findings?status=ALL",
		"kind=user":                         "/findings?status=ALL&resource=user",
		"contains=MyR":                      "/findings?status=ALL&resource=MyR",
		"account=" + hostile + "&kind=role": "/findings?status=ALL&account=" + hostile,
	} {
		var doc struct {
			Runs []struct {
				Results []struct {
					Fingerprints map[string]string `json:"partialFingerprints"`
				} `json:"results"`
			} `json:"runs"`
		}
		check(t, json.Unmarshal(s.get(t, store.Viewer, "/principals?format=sarif&"+query).Body.Bytes(), &doc))
		got := []string{}
		for _, r := range doc.Runs[0].Results {
			got = append(got, r.Fingerprints["pareFinding/v1"])
		}
		want := append([]string{}, s.listed(t, of+"&size=250")...)
		slices.Sort(got)
		slices.Sort(want)
		if !cmp.Equal(want, got) || len(got) == 0 {
			t.Errorf("%q (-list +export):\n%s", query, cmp.Diff(want, got))
		}
	}
}

func TestJobsLeadToTheirFindings(t *testing.T) {
	s := newSite(t)
	root := parse(t, s.get(t, store.Viewer, "/jobs").Body.String())
	var links, texts []string
	for _, row := range root.find("tbody")[0].find("tr") {
		cell := row.find("td")[0]
		texts = append(texts, cell.words())
		for _, a := range cell.find("a") {
			links = append(links, a.attr["href"])
		}
	}
	id := s.findings[0].ID
	want := []string{"/findings/" + id + "?analyzer=unused", "/accounts/" + account}
	if got := slices.DeleteFunc(links, func(l string) bool { return l == "" }); len(got) != 2 || got[0] != want[0] || !strings.HasPrefix(got[1], want[1]) {
		t.Errorf("links %q, want %q", got, want)
	}
	if n := strings.Count(texts[2], account); n != 1 {
		t.Errorf("a scan names its account %d times: %q", n, texts[2])
	}
}

func TestTheOverviewSaysThatDataIsOld(t *testing.T) {
	s := newSite(t)
	if page := s.get(t, store.Viewer, "/").Body.String(); strings.Contains(page, "is old") {
		t.Error("new data is called old")
	}
	run, err := s.store.StartRun(t.Context(), theARN, "777788889999", s.now)
	check(t, err)
	_, err = s.store.CompleteRun(t.Context(), run.ID, store.Found{
		Findings: sequence[finding.Finding](nil), Principals: sequence[store.Principal](nil),
		Closing: func() store.Closing {
			return store.Closing{FinishedAt: s.now, WindowDays: 90, WindowEnd: s.now.AddDate(0, 0, -22), CatalogDate: "2026-11-01"}
		},
	})
	check(t, err)
	got := parse(t, s.get(t, store.Viewer, "/").Body.String()).class("warnings")[0].words()
	if !strings.Contains(got, "The data of 1 account is old: the oldest ends 22 days ago.") {
		t.Errorf("the overview warns %q", got)
	}
}

// On a phone the menu is wider than the screen, and opens at the page that is shown.
func TestTheMenuOpensAtThePageOnAPhone(t *testing.T) {
	b := newBrowser(t, store.Admin, "phone-menu-")
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	b.visit("/settings")
	const hidden = `(() => { const a = document.querySelector(".top nav a[aria-current]").getBoundingClientRect(), n = document.querySelector(".top nav").getBoundingClientRect();
		return Math.max(0, n.left - a.left, a.right - n.right) })()`
	if px := value(b, chromedp.Evaluate[float64](hidden)); px > 1 {
		t.Errorf("%v pixels of the open page's name are outside the menu", px)
	}
	// Then it scrolls to where it is wanted, and stays.
	value(b, chromedp.Poll[bool](`document.getAnimations().every(a => a.playState === "finished")`))
	b.do(chromedp.Evaluate[chromedp.Void](`void document.querySelector(".top nav").scrollTo(0, 0)`))
	if x := value(b, chromedp.Evaluate[float64](`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(document.querySelector(".top nav").scrollLeft))))`, chromedp.EvalAwaitPromise)); x != 0 {
		t.Errorf("the menu scrolls back to %v", x)
	}
	b.picture("settings")
}
