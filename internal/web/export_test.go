package web_test

import (
	"encoding/csv"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/store"
)

// listed are the IDs of the findings on all parts of a list, as its pages show them.
func (s *testSite) listed(t testing.TB, at string) []string {
	t.Helper()
	var out []string
	for at != "" {
		root := parse(t, s.get(t, store.Reviewer, at).Body.String())
		for _, e := range root.find("input") {
			if e.attr["name"] == "id" {
				out = append(out, e.attr["value"])
			}
		}
		at = ""
		for _, e := range root.find("a") {
			if e.attr["rel"] == "next" {
				at = e.attr["href"]
			}
		}
	}
	return out
}

var someFilters = []string{
	"/findings?size=25", "/findings?status=ALL&size=25", "/findings?type=credentials", "/findings?account=" + hostile, "/findings?resource=role/&sort=-actions&size=25",
	"/findings?service=s3", "/findings?actions=40&sort=principal", "/findings?status=ARCHIVED", "/findings?status=RESOLVED",
}

// archivedSite is a site with some findings archived.
func archivedSite(t testing.TB) *testSite {
	t.Helper()
	s := newSite(t)
	var ids []string
	for _, f := range s.findings[:12] {
		ids = append(ids, f.ID)
	}
	_, err := s.store.SetStatus(t.Context(), s.by(), theARN, finding.Archived, ids)
	check(t, err)
	return s
}

func TestCSVIsTheList(t *testing.T) {
	s := archivedSite(t)
	for _, at := range someFilters {
		rows, err := csv.NewReader(s.get(t, store.Viewer, at+"&format=csv").Body).ReadAll()
		check(t, err)
		if rows[0][0] != "finding_id" {
			t.Errorf("%s: the first row is %q", at, rows[0])
		}
		var ids []string
		for _, row := range rows[1:] {
			ids = append(ids, row[0])
		}
		if diff := cmp.Diff(s.listed(t, at), slices.Compact(ids)); diff != "" {
			t.Errorf("%s: -list +export\n%s", at, diff)
		}
	}
}

func TestJSONIsTheListAndReadsBack(t *testing.T) {
	s := archivedSite(t)
	for _, at := range someFilters {
		w := s.get(t, store.Viewer, at+"&format=json")
		got, err := report.ReadFindings("export.json", w.Body.Bytes())
		check(t, err)
		var ids []string
		var tally finding.Tally
		for _, f := range got.Findings {
			ids = append(ids, f.ID)
			tally.Add(&f)
			want, err := s.store.Finding(t.Context(), theARN, f.ID)
			check(t, err)
			if diff := cmp.Diff(want.Permissions, f.Permissions); diff != "" {
				t.Errorf("%s: -store +export\n%s", f.ID, diff)
			}
		}
		if diff := cmp.Diff(s.listed(t, at), ids); diff != "" {
			t.Errorf("%s: -list +export\n%s", at, diff)
		}
		var doc struct {
			Statistics finding.Statistics `json:"statistics"`
			Partial    bool               `json:"partial"`
		}
		check(t, json.Unmarshal(w.Body.Bytes(), &doc, json.MatchCaseInsensitiveNames(true)))
		if doc.Statistics.Active != tally.Statistics().Active || !doc.Partial {
			t.Errorf("%s: %d active findings, partial %v", at, doc.Statistics.Active, doc.Partial)
		}
	}
}

func TestSARIFIsTheListWithoutTheResolved(t *testing.T) {
	s := archivedSite(t)
	for _, at := range someFilters {
		var doc struct {
			Version string `json:"version"`
			Runs    []struct {
				Results []struct {
					RuleID       string            `json:"ruleId"`
					Fingerprints map[string]string `json:"partialFingerprints"`
				} `json:"results"`
			} `json:"runs"`
		}
		check(t, json.Unmarshal(s.get(t, store.Viewer, at+"&format=sarif").Body.Bytes(), &doc))
		ids := []string{}
		for _, r := range doc.Runs[0].Results {
			ids = append(ids, r.Fingerprints["pareFinding/v1"])
		}
		want := append([]string{}, s.listed(t, at)...)
		slices.Sort(want)
		slices.Sort(ids)
		if diff := cmp.Diff(want, ids); diff != "" || doc.Version != "2.1.0" {
			t.Errorf("%s: version %q, -list +export\n%s", at, doc.Version, diff)
		}
	}
}

// many are findings of an account, each with the services of a usual role.
func many(account string, n int, s *sample) iter.Seq2[finding.Finding, error] {
	return func(yield func(finding.Finding, error) bool) {
		for i := range n {
			f := finding.Finding{
				ID: fmt.Sprintf("%s-%06d", account, i), Type: finding.UnusedPermission, Status: finding.Active, Account: account,
				Resource: fmt.Sprintf("arn:aws:iam::%s:role/app-%06d", account, i), AnalyzedAt: s.now, CreatedAt: s.now, UpdatedAt: s.now,
			}
			for k := range 8 {
				p := finding.Permissions{Namespace: fmt.Sprintf("service%02d", k), Granted: 20, Source: "iam-last-accessed"}
				for a := range k % 5 {
					p.Actions = append(p.Actions, finding.Action{Name: fmt.Sprintf("service%02d:Describe%d", k, a), Source: "iam-last-accessed"})
				}
				f.Permissions = append(f.Permissions, p)
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

// manySite has n findings in accounts of a thousand each.
func manySite(t testing.TB, n int) *testSite {
	t.Helper()
	s := emptySite(t)
	s.analyzer(t, theARN, "unused")
	for i := range n / 1000 {
		id := fmt.Sprintf("%012d", 100000000000+i)
		run, err := s.store.StartRun(t.Context(), theARN, id, s.now)
		check(t, err)
		_, err = s.store.CompleteRun(t.Context(), run.ID, store.Found{Findings: many(id, 1000, s.sample), Closing: func() store.Closing {
			return store.Closing{FinishedAt: s.now, WindowDays: 90, WindowEnd: s.now}
		}})
		check(t, err)
	}
	return s
}

// counting is a client that throws away what it gets, and looks now and then how much
// memory is in use.
type counting struct {
	http.ResponseWriter
	bytes, peak, looks int64
}

func (c *counting) Write(p []byte) (int, error) {
	if c.bytes += int64(len(p)); c.bytes > c.looks<<22 {
		c.peak, c.looks = max(c.peak, inUse()), c.looks+1
	}
	return len(p), nil
}

// inUse is how many bytes of memory are in use, garbage not counted.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestAnExportIsStreamed has an export that is larger than what it may hold.
func TestAnExportIsStreamed(t *testing.T) {
	const most, least = 6 << 20, 12 << 20
	s := manySite(t, 8000)
	for _, format := range []string{"csv", "json", "sarif"} {
		before := inUse()
		c := &counting{ResponseWriter: httptest.NewRecorder()}
		as(store.Viewer, s).ServeHTTP(c, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/findings?format="+format, nil))
		t.Logf("%s: %d KB written, %d KB added", format, c.bytes>>10, (c.peak-before)>>10)
		if c.bytes < least || c.peak-before > most {
			t.Errorf("%s: %d KB written with %d KB of added memory, want at most %d", format, c.bytes>>10, (c.peak-before)>>10, most>>10)
		}
	}
}

func TestPagingGoesThereAndBack(t *testing.T) {
	s := manySite(t, 1000)
	at := "/findings?size=25&sort=id"
	var seen []string
	for range 30 {
		root := parse(t, s.get(t, store.Viewer, at).Body.String())
		seen = append(seen, at)
		at = ""
		for _, e := range root.find("a") {
			if e.attr["rel"] == "next" {
				at = e.attr["href"]
			}
		}
		if at == "" || len(at) > 8000 {
			t.Fatalf("after %d parts the next is %q", len(seen), at)
		}
	}
	places := func(at string) (string, string) {
		root := parse(t, s.get(t, store.Viewer, at).Body.String())
		previous := ""
		for _, e := range root.find("a") {
			if e.attr["rel"] == "prev" {
				previous = e.attr["href"]
			}
		}
		return root.class("pager")[0].find("span")[0].words() + " " + root.find("tbody")[0].find("a")[0].words(), previous
	}
	at = seen[29]
	for i := 29; i > 10; i-- {
		_, at = places(at)
		want, _ := places(seen[i-1])
		got, _ := places(at)
		if got != want || !strings.Contains(got, "–") {
			t.Errorf("back from part %d: %q, want %q", i, got, want)
		}
	}
}
