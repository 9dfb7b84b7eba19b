package refine_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// A case is a small catalog, a policy over it and what of it is unused. The words are
// chosen so that names are prefixes of each other with and without a word's end between
// them, in every mix of cases.
type testCase struct {
	catalog *catalog.Catalog
	names   map[string][]string
	policy  []byte
	unused  []string
}

var words = []string{"Get", "Gets", "List", "Volume", "Volumes", "Status", "S", "DB", "DBs", "Cluster", "Tag", "Tags", "2", "V2", "a", "able", "-X"}

func drawCase(t *rapid.T) testCase {
	c := testCase{names: map[string][]string{}}
	for _, service := range []string{"aa", "b-b", "s3"} {
		seen := map[string]bool{}
		for range rapid.IntRange(1, 16).Draw(t, "size of "+service) {
			name := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 4).Draw(t, "name"), "")
			name = strings.TrimLeft(name, "-")
			if lower := strings.ToLower(name); name != "" && !seen[lower] {
				seen[lower] = true
				c.names[service] = append(c.names[service], name)
			}
		}
	}
	src, err := json.Marshal(map[string]any{"date": "2026-01-01", "services": c.names})
	if err != nil {
		t.Fatal(err)
	}
	if c.catalog, err = catalog.Read("names.json", src); err != nil {
		t.Fatal(err)
	}
	c.policy = drawPolicy(t, c)
	c.unused = drawUnused(t, c)
	return c
}

func drawPolicy(t *rapid.T, c testCase) []byte {
	statements := []any{}
	for i := range rapid.IntRange(1, 4).Draw(t, "statements") {
		element := rapid.SampledFrom([]string{"Action", "Action", "Action", "NotAction"}).Draw(t, "element")
		st := map[string]any{
			"Sid":      fmt.Sprint("S", i),
			"Effect":   rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(t, "effect"),
			"Resource": "arn:aws:s3:::r" + fmt.Sprint(i%2),
		}
		patterns := []string{}
		for range rapid.IntRange(1, 5).Draw(t, "entries") {
			patterns = append(patterns, drawPattern(t, c))
		}
		st[element] = patterns
		if len(patterns) == 1 && rapid.Bool().Draw(t, "scalar") {
			st[element] = patterns[0]
		}
		if rapid.Bool().Draw(t, "condition") {
			st["Condition"] = map[string]any{"StringEquals": map[string]any{"aws:x": fmt.Sprint(i)}}
		}
		statements = append(statements, st)
	}
	doc := map[string]any{"Version": "2012-10-17", "Statement": statements}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	if rapid.Bool().Draw(t, "indent") {
		enc.SetIndent("", rapid.SampledFrom([]string{"  ", "\t", "    "}).Draw(t, "indentation"))
	}
	if err := enc.Encode(doc); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// drawPattern makes a pattern of a name: the name itself, a prefix, a wildcard in the
// middle, in front, question marks, another casing, or something unknown.
func drawPattern(t *rapid.T, c testCase) string {
	service := rapid.SampledFrom(slices.Sorted(maps.Keys(c.names))).Draw(t, "service")
	name := rapid.SampledFrom(c.names[service]).Draw(t, "of")
	cut := rapid.IntRange(0, len(name)).Draw(t, "cut")
	end := rapid.IntRange(cut, len(name)).Draw(t, "end")
	text := service + ":" + rapid.SampledFrom([]string{
		name, name[:cut] + "*", name[:cut] + "*", name[:cut] + "*" + name[end:], "*" + name[cut:end] + "*", "*" + name[cut:],
		name[:cut] + "?" + name[min(cut+1, len(name)):], name[:cut] + "*" + name[cut:end] + "*", "*", name + "Unknown*",
	}).Draw(t, "pattern")
	switch rapid.IntRange(0, 9).Draw(t, "case") {
	case 0:
		text = strings.ToUpper(text)
	case 1:
		text = strings.ToLower(text)
	case 2:
		return "*"
	case 3:
		return "unknown:" + name
	}
	return text
}

func drawUnused(t *rapid.T, c testCase) []string {
	var unused []string
	for _, service := range slices.Sorted(maps.Keys(c.names)) {
		if rapid.IntRange(0, 5).Draw(t, "whole") == 0 {
			unused = append(unused, service+":*")
			continue
		}
		share := rapid.IntRange(0, 3).Draw(t, "share")
		for _, name := range c.names[service] {
			if rapid.IntRange(0, 3).Draw(t, "unused") < share {
				unused = append(unused, service+":"+name)
			}
		}
	}
	return unused
}

func (c testCase) refine(t *rapid.T) (*policy.Document, usage.Unused, refine.Result) {
	doc, err := policy.Parse("policy.json", c.policy)
	if err != nil {
		t.Fatal(err)
	}
	src, err := json.Marshal(append([]string{}, c.unused...))
	if err != nil {
		t.Fatal(err)
	}
	unused, err := usage.ParseUnused("unused.json", src)
	if err != nil {
		t.Fatal(err)
	}
	result, err := refine.Policy(c.catalog, doc, unused)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, c.policy, src)
	}
	return doc, unused, result
}

// The oracle reads both texts with encoding/json and matches with package regexp.

type oracleStatement struct {
	Sid, Effect       string
	Action, NotAction any
}

func oracleStatements(t *rapid.T, src []byte) map[string]oracleStatement {
	var doc struct{ Statement []oracleStatement }
	if err := json.Unmarshal(src, &doc); err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	out := map[string]oracleStatement{}
	for _, st := range doc.Statement {
		out[st.Sid] = st
	}
	return out
}

func (st oracleStatement) matches(action string) bool {
	if st.Effect == "" {
		return false // the statement is gone
	}
	if st.NotAction != nil {
		return !oracleListed(st.NotAction, action)
	}
	return oracleListed(st.Action, action)
}

func oracleListed(list any, action string) bool {
	entries, ok := list.([]any)
	if !ok {
		entries = []any{list}
	}
	for _, e := range entries {
		form := regexp.QuoteMeta(e.(string))
		form = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(form)
		if regexp.MustCompile(`(?is)^` + form + `$`).MatchString(action) {
			return true
		}
	}
	return false
}

func checkAgainstBruteForce(t *rapid.T) {
	c := drawCase(t)
	_, unused, result := c.refine(t)
	before := oracleStatements(t, c.policy)
	after := map[string]oracleStatement{}
	if result.Document != nil {
		after = oracleStatements(t, result.Document.Bytes())
	}
	isUnused := map[string]bool{}
	for _, u := range c.unused {
		isUnused[strings.ToLower(u)] = true
	}
	for _, sid := range slices.Sorted(maps.Keys(before)) {
		old := before[sid]
		for _, service := range slices.Sorted(maps.Keys(c.names)) {
			names := c.names[service]
			for _, name := range names {
				action := service + ":" + name
				gone := isUnused[strings.ToLower(action)] || isUnused[service+":*"]
				want := old.matches(action) && (old.Effect == "Deny" || !gone)
				if got := after[sid].matches(action); got != want {
					t.Fatalf("%s: %s is matched %t, want %t\nunused %v\n%s\n%v", sid, action, got, want, c.unused, c.policy, show(result))
				}
			}
			for range 8 {
				action := service + ":" + drawString(t, names)
				if old.Effect == "Allow" && after[sid].matches(action) && !old.matches(action) {
					t.Fatalf("%s: %s is new\nunused %v\n%s\n%v", sid, action, c.unused, c.policy, show(result))
				}
			}
		}
		for _, u := range c.unused {
			service, whole := strings.CutSuffix(u, ":*")
			if whole && old.Effect == "Allow" && after[sid].matches(service+":SomethingNobodyKnows") {
				t.Fatalf("%s: service %s isn't gone\n%s\n%v", sid, service, c.policy, show(result))
			}
		}
	}
	checkProof(t, c, unused, result)
}

// drawString is a string near the names, mostly in no catalog.
func drawString(t *rapid.T, names []string) string {
	name := rapid.SampledFrom(names).Draw(t, "near")
	cut := rapid.IntRange(0, len(name)).Draw(t, "at")
	return name[:cut] + rapid.StringMatching(`[A-Za-z0-9]{0,3}`).Draw(t, "inserted") + name[cut:]
}

func show(r refine.Result) string {
	if r.Document == nil {
		return r.Outcome.String()
	}
	return string(r.Document.Bytes())
}

// checkProof wants prove to agree, and refine to have nothing left to do.
func checkProof(t *rapid.T, c testCase, unused usage.Unused, result refine.Result) {
	doc, err := policy.Parse("policy.json", c.policy)
	if err != nil {
		t.Fatal(err)
	}
	proof := prove.Refinement(c.catalog, doc, result.Document, unused)
	if proof.Verdict != prove.Proved || result.Document != nil && proof.ShapeKept.Verdict != prove.Proved {
		t.Fatalf("%+v\nunused %v\n%s\n%v", proof, c.unused, c.policy, show(result))
	}
	if result.Document == nil {
		return
	}
	again, err := refine.Policy(c.catalog, result.Document, unused)
	if err != nil {
		t.Fatal(err)
	}
	if again.Outcome != refine.Unchanged {
		t.Fatalf("refining again: %+v\nunused %v\n%s\n%s", again.Edits, c.unused, c.policy, show(result))
	}
}

// TestMain asks for more draws than rapid's 100, unless the command line says how many:
// the traps need several names that share words and a pattern that meets them in the
// middle.
func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("1000"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func TestRefineAgreesWithBruteForce(t *testing.T) { rapid.Check(t, checkAgainstBruteForce) }
func FuzzRefineAgreesWithBruteForce(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkAgainstBruteForce)) }

func checkNothingUnused(t *rapid.T) {
	c := drawCase(t)
	c.unused = nil
	_, _, result := c.refine(t)
	if diff := cmp.Diff(string(c.policy), show(result)); diff != "" || result.Outcome != refine.Unchanged {
		t.Fatalf("%v (-want +got):\n%s", result.Outcome, diff)
	}
}

func TestNothingUnusedChangesNoByte(t *testing.T) { rapid.Check(t, checkNothingUnused) }
