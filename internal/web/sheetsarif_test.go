package web_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pare-iam/pare/internal/store"
)

// sarifSchema is OASIS's, as the tests of package report have it.
var sarifSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	src, err := os.ReadFile(filepath.Join("..", "report", "testdata", "sarif-schema-2.1.0.json"))
	if err != nil {
		return nil, err
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", schema); err != nil {
		return nil, err
	}
	return c.Compile("sarif.json")
})

// sarifLog is as much of a SARIF file as is looked at here.
type sarifLog struct {
	Runs []struct {
		AutomationDetails struct {
			ID string `json:"id"`
		} `json:"automationDetails"`
		Results []sarifResult `json:"results"`
		Tool    struct {
			Driver struct {
				Rules []struct {
					ID   string `json:"id"`
					Help struct {
						Text string `json:"text"`
					} `json:"help"`
				} `json:"rules"`
			} `json:"driver"`
		} `json:"tool"`
	} `json:"runs"`
}

type sarifResult struct {
	RuleID  string `json:"ruleId"`
	Kind    string `json:"kind"`
	Level   string `json:"level"`
	Message struct {
		Text string `json:"text"`
	} `json:"message"`
	Locations []struct {
		LogicalLocations []struct {
			FullyQualifiedName string `json:"fullyQualifiedName"`
		} `json:"logicalLocations"`
	} `json:"locations"`
	Properties   map[string]any    `json:"properties"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

// readSARIF reads a file that the schema finds valid.
func readSARIF(t testing.TB, src []byte) sarifLog {
	t.Helper()
	schema, err := sarifSchema()
	check(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	check(t, err)
	check(t, schema.Validate(value))
	var out sarifLog
	check(t, json.Unmarshal(src, &out))
	return out
}

// sarifSays wants of a list's export, other than the principals', what its JSON has.
func (s *testSite) sarifSays(t *testing.T, at, format string, want []map[string]any) {
	t.Helper()
	w := s.get(t, store.Admin, at+format)
	log := readSARIF(t, w.Body.Bytes())
	if strings.HasPrefix(at, "/principals") {
		return // these are findings
	}
	if typ := w.Header().Get("Content-Type"); typ != "application/sarif+json" || !strings.Contains(w.Header().Get("Content-Disposition"), ".sarif") {
		t.Errorf("%s: %s, %s", at, typ, w.Header().Get("Content-Disposition"))
	}
	run := log.Runs[0]
	var got []map[string]any
	fingerprints := map[string]bool{}
	for _, r := range run.Results {
		got = append(got, r.Properties)
		fingerprints[r.Fingerprints["pareItem/v1"]] = true
		name := r.Locations[0].LogicalLocations[0].FullyQualifiedName
		if r.RuleID != run.Tool.Driver.Rules[0].ID || name == "" || !strings.HasSuffix(r.Message.Text, ".") {
			t.Errorf("%s: rule %s of %q: %q", at, r.RuleID, name, r.Message.Text)
		}
		failed := r.Properties["state"] == "failed" && (r.RuleID == "Run" || r.RuleID == "Job")
		if want := map[bool]string{true: "fail warning", false: "informational none"}[failed]; r.Kind+" "+r.Level != want {
			t.Errorf("%s: %q is %s %s, want %s", at, name, r.Kind, r.Level, want)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -json +sarif\n%s", at, diff)
	}
	if len(fingerprints) != len(want) || run.Tool.Driver.Rules[0].Help.Text == "" {
		t.Errorf("%s: %d fingerprints of %d items, help %q", at, len(fingerprints), len(want), run.Tool.Driver.Rules[0].Help.Text)
	}
}

// TestSARIFOfListsInWords has a sentence about an item of each list. Names are in them as they
// are: an attack is text, and no placeholder or link.
func TestSARIFOfListsInWords(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	check(t, s.store.Audit(t.Context(), store.Entry{At: s.now, Who: "ann", Origin: "192.0.2.1", Action: "DeleteAnalyzer", Target: "[a](https://example.org) {0}", Outcome: "needs the role admin"}))
	for at, want := range map[string]string{
		"/policies":                            "The policy " + attack + " (inline) is held by 1 principal.",
		"/recommendations":                     "The recommendation for " + hostileARN + " wasn't made: " + attack + ".",
		"/accounts":                            "Its last run, 3, failed: AccessDenied: " + attack + ". The last complete run, 2, saw 2 roles and 1 user.",
		"/runs":                                "The run 3 over the account " + hostile + " failed: AccessDenied: " + attack + ".",
		"/jobs":                                "The job 7, scan, " + attack + ", account " + account + ", is failed, in attempt 3 of 3: " + attack + ".",
		"/rules":                               "The rule attack archives findings of which this holds: ",
		"/audit":                               `ann: DeleteAnalyzer of \[a\](https://example.org) {{0}}, from 192.0.2.1. It wasn't done: needs the role admin.`,
		"/settings/analyzers":                  "The analyzer vacant is ACTIVE. What wasn't used for 90 days is unused.",
		"/settings/users":                      "The user " + attack + " has the role viewer.",
		"/settings/user/tokens?name=ann":       "The token t1 of ann is for " + attack + ". It is good for ever.",
		"/policies/" + s.hashOf(t, hostileARN): "The role " + hostileARN + " is granted 0 actions. 0 actions are unused.",
	} {
		var texts []string
		for _, r := range readSARIF(t, s.get(t, store.Admin, at+map[bool]string{true: "&", false: "?"}[strings.Contains(at, "?")]+"format=sarif").Body.Bytes()).Runs[0].Results {
			texts = append(texts, r.Message.Text)
		}
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, want) }) {
			t.Errorf("%s: no result says %q: %q", at, want, texts)
		}
	}
}

// TestSARIFOfALongListHasSeveralRuns also wants it streamed.
func TestSARIFOfALongListHasSeveralRuns(t *testing.T) {
	const n, full, most = 60_500, 25_000, 6 << 20
	s := emptySite(t)
	s.queue.more = n
	before := inUse()
	c := &counting{ResponseWriter: httptest.NewRecorder()}
	as(store.Viewer, s).ServeHTTP(c, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/jobs?format=sarif", nil))
	if c.bytes < 3*most || c.peak-before > most {
		t.Errorf("%d KB written with %d KB of added memory, want at most %d", c.bytes>>10, (c.peak-before)>>10, most>>10)
	}
	var log sarifLog
	check(t, json.Unmarshal(s.get(t, store.Viewer, "/jobs?format=sarif").Body.Bytes(), &log))
	var sizes []int
	var runs []string
	seen := map[string]bool{}
	for _, run := range log.Runs {
		sizes, runs = append(sizes, len(run.Results)), append(runs, run.AutomationDetails.ID)
		for _, r := range run.Results {
			seen[r.Fingerprints["pareItem/v1"]] = true
		}
	}
	if diff := cmp.Diff([]int{full, full, n - 2*full}, sizes); diff != "" || len(seen) != n {
		t.Errorf("%d jobs, want %d; the runs' sizes (-want +got)\n%s", len(seen), n, diff)
	}
	if diff := cmp.Diff([]string{"pare/jobs/", "pare/jobs/part-2/", "pare/jobs/part-3/"}, runs); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestSARIFOfNothing is a run without results.
func TestSARIFOfNothing(t *testing.T) {
	s := newSite(t)
	for _, at := range []string{"/audit?who=nobody&format=sarif", "/runs?account=000000000000&format=sarif", "/policies?contains=none&format=sarif", "/rules?format=sarif"} {
		log := readSARIF(t, s.get(t, store.Admin, at).Body.Bytes())
		if len(log.Runs) != 1 || log.Runs[0].Results == nil || len(log.Runs[0].Results) != 0 {
			t.Errorf("%s: %+v", at, log.Runs)
		}
	}
}
