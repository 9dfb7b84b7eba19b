package serve_test

import (
	"bytes"
	"encoding/csv"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// attack is a name that is hostile wherever it isn't taken for text.
const attack = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`

var attackQuery = url.QueryEscape(attack)

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

// hostileAccount is an account that isn't there any more, with a run that failed, a role and a
// finding; rules and accounts beside. Every text that somebody may choose is an attack.
const hostileAccount = "444455556666"

func (r *running) attacked(t *testing.T, analyzer string) {
	t.Helper()
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Second)
	by := store.By{Who: attack, Origin: attack, At: now}
	arn := "arn:aws:iam::" + hostileAccount + ":role/" + attack
	must(t, r.Store.PutAccount(ctx, by, store.Account{ID: hostileAccount, Name: attack, Path: attack, Partition: "aws"}))
	run, err := r.Store.StartRun(ctx, analyzer, hostileAccount, now)
	must(t, err)
	_, err = r.Store.CompleteRun(ctx, run.ID, store.Found{
		Findings: some(finding.Finding{
			ID: "attack", Type: finding.UnusedPermission, Status: finding.Active, Resource: arn, Account: hostileAccount, AnalyzedAt: now, CreatedAt: now, UpdatedAt: now,
			Permissions: []finding.Permissions{{Namespace: "s3", Source: attack, Granted: 3}}, Sources: []string{attack},
		}),
		Principals: some(store.Principal{
			ARN: arn, Kind: store.Role, Account: hostileAccount, Path: "/" + attack + "/", Granted: 3, Unused: 3,
			Policies: []store.HeldPolicy{{Kind: finding.InlinePolicy, Name: attack, Policy: `{"Version":"2012-10-17","Statement":[]}`}},
		}),
		Closing: func() store.Closing {
			return store.Closing{FinishedAt: now, WindowDays: 90, WindowEnd: now, CatalogDate: "2026-11-01"}
		},
	})
	must(t, err)
	failed, err := r.Store.StartRun(ctx, analyzer, hostileAccount, now)
	must(t, err)
	must(t, r.Store.FailRun(ctx, failed.ID, attack, now))
	making, err := r.Store.StartRecommendation(ctx, by, analyzer, "attack")
	must(t, err)
	must(t, r.Store.FinishRecommendation(ctx, making, store.Made{State: finding.Failed, ErrorCode: attack, Error: attack, At: now}))
	must(t, r.Store.CreateRule(ctx, by, analyzer, finding.ArchiveRule{Name: "hostile", Filter: finding.Filter{"resource": {Contains: []string{attack}}}}, ""))
}

func some[T any](all ...T) func(func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// exported is a list in a format, as a file that is saved.
func (r *running) exported(t *testing.T, list, format string) string {
	t.Helper()
	join := map[bool]string{true: "&", false: "?"}[strings.Contains(list, "?")]
	resp, body := r.get(t, list+join+"format="+format)
	saved := resp.Header.Get("Content-Disposition")
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(saved, "attachment") || !strings.Contains(saved, "."+format) {
		t.Fatalf("%s as %s: %s, %q: %.300s", list, format, resp.Status, saved, body)
	}
	return body
}

var hrefs = regexp.MustCompile(`href="([^"]*)"`)

// linked says whether the page of a list has a link to itself in a format.
func (r *running) linked(t *testing.T, list, format string) bool {
	t.Helper()
	_, body := r.get(t, list)
	at, err := url.Parse(list)
	must(t, err)
	q := at.Query()
	q.Set("format", format)
	want := url.URL{Path: at.Path, RawQuery: q.Encode()}
	return slices.ContainsFunc(hrefs.FindAllStringSubmatch(body, -1), func(m []string) bool {
		return html.UnescapeString(m[1]) == want.String()
	})
}

// sarifKinds validates a file of SARIF, and counts its results by kind and level.
func sarifKinds(t *testing.T, list, src string) map[string]int {
	t.Helper()
	schema, err := sarifSchema()
	must(t, err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(src))
	must(t, err)
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: %v", list, err)
	}
	var log struct {
		Runs []struct {
			Results []struct {
				Kind, Level string
				Message     struct{ Text string }
			}
		}
	}
	must(t, json.Unmarshal([]byte(src), &log, json.MatchCaseInsensitiveNames(true)))
	out := map[string]int{}
	for _, run := range log.Runs {
		for _, r := range run.Results {
			out[r.Kind+" "+r.Level]++
			if strings.Contains(list, attackQuery) && !strings.Contains(r.Message.Text, "<script>") {
				t.Errorf("%s: the name isn't there as it is: %q", list, r.Message.Text)
			}
		}
	}
	return out
}

// TestEveryListIsExported exports the lists of a server that has scanned, with filters, and
// names that are attacks.
func TestEveryListIsExported(t *testing.T) {
	storetest.Each(t, func(t *testing.T, database string) {
		s := start(t, configured(t, database))
		d := s.scanned(t)
		s.attacked(t, d.Analyzer)
		s.everyList(t, d.Analyzer)
	})
}

func (r *running) everyList(t *testing.T, analyzer string) {
	t.Helper()
	part, err := r.Store.Policies(t.Context(), analyzer, attack, store.Page{})
	must(t, err)
	const told, failed = "informational none", "fail warning"
	for list, want := range map[string]struct {
		items int // at the least
		kinds []string
	}{
		"/findings?account=" + hostileAccount + "&status=ALL": {1, []string{"fail note"}},
		"/principals?account=" + hostileAccount:               {1, []string{"fail note"}},
		"/policies?contains=" + attackQuery:                   {1, []string{told}},
		"/policies/" + part.Items[0].Hash:                     {1, []string{told}},
		"/recommendations?state=FAILED":                       {1, []string{told}},
		"/accounts":                                           {2, []string{told}},
		"/runs?account=" + hostileAccount + "&state=failed":   {1, []string{failed}},
		"/runs?account=" + hostileAccount + "&state=complete": {1, []string{told}},
		"/jobs":                     {1, []string{told}},
		"/rules":                    {1, []string{told}},
		"/audit?who=" + attackQuery: {3, []string{told}},
	} {
		rows, err := csv.NewReader(strings.NewReader(r.exported(t, list, "csv"))).ReadAll()
		must(t, err)
		src := r.exported(t, list, "json")
		objects := 1
		if !strings.HasPrefix(list, "/findings") {
			var all []map[string]any
			must(t, json.Unmarshal([]byte(src), &all))
			objects = len(all)
		}
		kinds := sarifKinds(t, list, r.exported(t, list, "sarif"))
		results, seen := 0, []string{}
		for kind, n := range kinds {
			results, seen = results+n, append(seen, kind)
		}
		if len(rows) != objects+1 || results != objects || objects < want.items || !slices.Equal(seen, want.kinds) {
			t.Errorf("%s: %d lines of CSV, %d objects of JSON, %v of SARIF; want %v", list, len(rows), objects, kinds, want)
		}
		for _, format := range []string{"csv", "json", "sarif"} {
			if !r.linked(t, list, format) {
				t.Errorf("%s: no link to it as %s", list, format)
			}
		}
	}
}
