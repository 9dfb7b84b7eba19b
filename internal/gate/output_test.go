package gate_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/pare-iam/pare/internal/gate"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

var update = flag.Bool("update", false, "rewrite the expected outputs")

// sample is a report with all there is: every rule, a fix, suppressions of each kind, and
// names that mean something to each format.
func sample(t *testing.T) *gate.Report {
	t.Helper()
	hostile := made(t, "module.m[\"a,b:c%\"].aws_iam_role.r`\"</x>@all|*_", allow("iam:PassRole", "*"), allow("s3:GetObject", "arn:aws:s3:::"+unknown+"/*"))
	hostile.At.Path, hostile.Statements = "infra dir/main:a,b%.tf", nil
	quiet := made(t, "aws_iam_policy.quiet", allow("iam:CreateUser", "*"))
	quiet.At.Path = "quiet.tf"
	computed := gate.Policy{Address: "aws_iam_policy.computed", Root: ".", At: gate.Place{Path: "main.tf", Line: 3, Column: 1, EndLine: 3, EndColumn: 1}, Problem: "a for expression\n::error::no"}
	used := made(t, "aws_iam_policy.used", allow("s3:Get*", "*"))
	return checked(t, gate.Input{
		Version: "1.2.3", Against: "origin/main",
		Pairs:    append(gate.Pairs([]gate.Policy{hostile, quiet, used}, []gate.Policy{used}), gate.Alone([]gate.Policy{computed})...),
		Problems: []iac.Problem{{Where: "bad.tf:2:3", What: "an unclosed brace"}},
		Deny:     denials(t, denyList),
		Unused: []gate.Unused{{Policy: &used, Actions: []string{"s3:GetObjectAcl"}, Evidence: "used by nobody in the 90 days up to 2026-11-20", Fixes: []gate.Fix{{
			Description: "take out what nobody used",
			Changes:     []gate.Replacement{{At: gate.Place{Path: "main.tf", Line: 11, Column: 7, EndLine: 11, EndColumn: 14}, Span: policy.Span{Start: 120, End: 127}, Text: "s3:GetObject"}},
		}}}},
		Ignore:   ignores(t, "- {rule: pare/denied-access, address: '*quiet', reason: 'it makes <users>', expires: 2027-01-31, owner: platform}\n- {rule: pare/unused-access, path: none, reason: old, expires: 2020-01-01}"),
		Comments: []gate.Comment{{Path: "quiet.tf", Line: 9, On: 10, Rule: gate.NewAccess, Reason: "a {new} [one](x)"}},
	})
}

var formats = map[string]func(io.Writer, *gate.Report) error{
	"report.txt": gate.Text, "report.json": gate.JSON, "report.sarif": gate.SARIF, "report.md": gate.Markdown, "report.xml": gate.JUnit, "report.github": gate.GitHub,
}

func rendered(t *testing.T, format string, r *gate.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := formats[format](&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOutputs(t *testing.T) {
	for format := range formats {
		got := rendered(t, format, sample(t))
		if again := rendered(t, format, sample(t)); !bytes.Equal(got, again) {
			t.Errorf("%s: two runs, two texts", format)
		}
		path := filepath.Join("testdata", format)
		if *update {
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: -want +got\n%s", format, diff)
		}
	}
}

func reports(t *testing.T) []*gate.Report {
	return []*gate.Report{sample(t), checked(t, gate.Input{}), {}}
}

// The schema is OASIS's, of SARIF 2.1.0 with its first errata.
func TestSARIFIsAsOASISSays(t *testing.T) {
	s := schema(t, readJSON(t, filepath.Join("..", "report", "testdata", "sarif-schema-2.1.0.json")))
	for _, r := range reports(t) {
		valid(t, s, rendered(t, "report.sarif", r))
	}
}

// docs/schema/check.json has every member that the output has.
func TestJSONIsAsItsSchemaSays(t *testing.T) {
	doc := readJSON(t, filepath.Join("..", "..", "docs", "schema", "check.json"))
	closeObjects(doc)
	s := schema(t, doc)
	for _, r := range reports(t) {
		valid(t, s, rendered(t, "report.json", r))
	}
}

// closeObjects makes a schema refuse members that it doesn't name.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"]; ok {
			v["additionalProperties"] = false
		}
		for _, member := range v {
			closeObjects(member)
		}
	case []any:
		for _, entry := range v {
			closeObjects(entry)
		}
	}
}

// docs/schema/ignore.json takes an ignore file if ParseIgnore does.
func TestIgnoreSchema(t *testing.T) {
	s := schema(t, readJSON(t, filepath.Join("..", "..", "docs", "schema", "ignore.json")))
	const entry = "- rule: pare/new-access\n  path: main.tf\n  reason: x\n  expires: '2027-01-31'\n"
	for _, src := range []string{
		entry, entry + "  action: iam:*\n  owner: me\n", "- " + strings.Replace(entry[2:], "path", "address", 1), entry + entry,
		strings.Replace(entry, "new", "no", 1), strings.Replace(entry, "  path: main.tf\n", "", 1), strings.Replace(entry, "x", "' '", 1),
		strings.Replace(entry, "2027-01-31", "soon", 1), strings.Replace(entry, "reason: x", "owner: x", 1), entry + "  because: y\n", entry + "  action: passrole\n",
	} {
		_, parseErr := gate.ParseIgnore("i.yaml", []byte(src))
		var doc any
		if err := yaml.Load([]byte(src), &doc); err != nil {
			t.Fatal(err)
		}
		if schemaErr := s.Validate(doc); (parseErr == nil) != (schemaErr == nil) {
			t.Errorf("%s\nParseIgnore: %v\nschema: %v", src, parseErr, schemaErr)
		}
	}
}

func TestJUnitIsXML(t *testing.T) {
	for _, r := range reports(t) {
		var suites struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Cases    []struct {
				Failure, Error, Skipped *struct{}
			} `xml:"testsuite>testcase"`
		}
		if err := xml.Unmarshal(bytes.ToLower(rendered(t, "report.xml", r)), &suites); err != nil {
			t.Fatal(err)
		}
		if suites.Tests != len(suites.Cases) || suites.Tests == 0 || suites.Errors != r.Partial() || suites.Failures != r.Failing(gate.Low) {
			t.Errorf("%+v", suites)
		}
	}
}

// Every line is one command, whatever is in names and messages.
func TestGitHubCommands(t *testing.T) {
	r := sample(t)
	r.Notes = append(r.Notes, "a note of\r\n::error::two lines")
	r.Results[0].At.Path = "a\n::error::b.tf"
	for line := range strings.SplitSeq(strings.TrimSpace(string(rendered(t, "report.github", r))), "\n") {
		properties, _, _ := strings.Cut(strings.TrimPrefix(line, "::"), "::")
		if !strings.HasPrefix(line, "::") || strings.Count(properties, ":") > 0 || strings.Count(properties, ",") > 3 || strings.HasPrefix(line, "::error::") {
			t.Error(line)
		}
	}
}

func TestFailing(t *testing.T) {
	r := sample(t)
	got := fmt.Sprint(r.Failing(gate.Low), r.Failing(gate.Medium), r.Failing(gate.High), r.Partial())
	if want := "5 4 3 2"; got != want {
		t.Errorf("low, medium, high, partial: %s, want %s", got, want)
	}
}

func readJSON(t *testing.T, file string) any {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func schema(t *testing.T, doc any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	out, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func valid(t *testing.T, s *jsonschema.Schema, doc []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, doc)
	}
}
