package report

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/finding"
)

// apiFinding is what finding.Finding is written as, for the schema. That it is so is what
// TestJSONIsAsItsSchemaSays shows.
type apiFinding struct {
	ID           string       `json:"id"`
	FindingType  string       `json:"findingType"`
	Status       string       `json:"status"`
	Resource     string       `json:"resource"`
	ResourceType string       `json:"resourceType"`
	Account      string       `json:"resourceOwnerAccount"`
	AnalyzedAt   time.Time    `json:"analyzedAt,omitzero"`
	CreatedAt    time.Time    `json:"createdAt,omitzero"`
	UpdatedAt    time.Time    `json:"updatedAt,omitzero"`
	Details      []apiDetails `json:"findingDetails"`
	ResourceID   string       `json:"resourceId,omitzero"`
	Change       string       `json:"change,omitzero"`
	ArchivedBy   string       `json:"archivedBy,omitzero"`
	Sources      []string     `json:"sources,omitempty"`
}

type apiDetails struct {
	Role       apiAccessed   `json:"unusedIamRoleDetails,omitzero"`
	Key        apiKey        `json:"unusedIamUserAccessKeyDetails,omitzero"`
	Password   apiAccessed   `json:"unusedIamUserPasswordDetails,omitzero"`
	Permission apiPermission `json:"unusedPermissionDetails,omitzero"`
}

type apiAccessed struct {
	LastAccessed time.Time `json:"lastAccessed,omitzero"`
}

type apiKey struct {
	AccessKeyID  string    `json:"accessKeyId"`
	LastAccessed time.Time `json:"lastAccessed,omitzero"`
	Slot         int       `json:"slot,omitzero"`
}

type apiPermission struct {
	Namespace    string      `json:"serviceNamespace"`
	Actions      []apiAction `json:"actions,omitempty"`
	LastAccessed time.Time   `json:"lastAccessed,omitzero"`
	Granted      int         `json:"granted,omitzero"`
	Kept         int         `json:"kept,omitzero"`
	Source       string      `json:"source,omitzero"`
}

type apiAction struct {
	Action       string    `json:"action"`
	LastAccessed time.Time `json:"lastAccessed,omitzero"`
	Source       string    `json:"source,omitzero"`
}

// readSchema reads a JSON Schema.
func readSchema(t *testing.T, file string) any {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(strings.NewReader(string(src)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// valid validates a JSON document by a schema.
func valid(t *testing.T, schema any, doc string) {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(value); err != nil {
		t.Error(err)
	}
}

// closeObjects lets objects have no members but those that are listed.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if _, ok := s["properties"].(map[string]any); ok && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
		for _, member := range s {
			closeObjects(member)
		}
	case []any:
		for _, member := range s {
			closeObjects(member)
		}
	}
}

func TestJSONIsAsItsSchemaSays(t *testing.T) {
	schema := readSchema(t, filepath.Join("..", "..", "docs", "schema", "findings.json"))
	closeObjects(schema)
	for _, r := range []Findings{sample(t), nothing(t), {}} {
		valid(t, schema, rendered(t, func(w writer) error { return FindingsJSON(w, r) }))
	}
}

// What is written is read again as the same findings.
func TestJSONFindingsAreReadAgain(t *testing.T) {
	r := sample(t)
	var got struct {
		Findings []finding.Finding `json:"findings"`
	}
	if err := json.Unmarshal([]byte(rendered(t, func(w writer) error { return FindingsJSON(w, r) })), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Findings, got.Findings, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b string) bool {
		return strings.TrimPrefix(a, hostile+":") == strings.TrimPrefix(b, hostile+":") // an action without a service gets one
	})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCSVHasARowForEachService(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(rendered(t, func(w writer) error { return FindingsCSV(w, sample(t)) }))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows[1:] {
		got = append(got, row[0][:8]+" "+row[12])
	}
	want := []string{
		"3f2a9c01 ", "3f2a9c02 ", "77aa0003 ", "c0ffee04 ", "c0ffee05 ", "deadbe06 ",
		"ab12cd07 ec2", "ab12cd07 iam", "ab12cd07 rds", "ab12cd07 s3", "ab12cd08 '" + Printable(hostile), "ab12cd09 lambda",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// No field is a formula, whatever it holds, and no text is lost.
func TestCSVIsNoFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.OneOf(rapid.StringMatching(`[-=+@＝＋－＠\t\r'"a\n]*`), rapid.String()).Draw(t, "field")
		got := guarded([]string{field})[0]
		if strings.ContainsAny(first(got), "=+-@\t\r\n＝＋－＠") {
			t.Errorf("%q begins as a formula", got)
		}
		if strings.TrimPrefix(got, "'") != strings.TrimPrefix(Printable(field), "'") {
			t.Errorf("%q became %q", field, got)
		}
	})
}
