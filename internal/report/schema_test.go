package report

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
)

var rewrite = flag.Bool("update", false, "rewrite docs/schema and the expected outputs")

// schema is a JSON Schema, as much of it as is needed here.
type schema struct {
	Schema               string             `json:"$schema,omitzero"`
	Title                string             `json:"title,omitzero"`
	Type                 any                `json:"type,omitzero"`
	Enum                 []string           `json:"enum,omitzero"`
	Required             []string           `json:"required,omitzero"`
	Properties           map[string]*schema `json:"properties,omitzero"`
	Items                *schema            `json:"items,omitzero"`
	AdditionalProperties *schema            `json:"additionalProperties,omitzero"`
	AnyOf                []*schema          `json:"anyOf,omitzero"`
}

// closed are the fields with a closed set of values.
var closed = map[string][]string{
	"outcome":     {"refined", "unchanged", "detach"},
	"element":     {"Action", "NotAction", "Statement"},
	"verdict":     {"proved", "refuted", "undecided"},
	"noNewAccess": {"proved", "refuted", "undecided"},
	"usedKept":    {"proved", "refuted", "undecided"},
	"unusedGone":  {"proved", "refuted", "undecided"},
	"shapeKept":   {"proved", "refuted", "undecided"},
	"findingType": {"UnusedIAMRole", "UnusedIAMUserAccessKey", "UnusedIAMUserPassword", "UnusedPermission"},
	"change":      {"new", "unchanged", "updated", "partly fixed", "resolved", "reopened", "not judged"},

	"recommendedAction": {"CREATE_POLICY", "DETACH_POLICY"},

	"relation": {"equal", "narrower", "wider", "incomparable", "undecided"},
}

var titles = map[string]string{
	"recommend": "pare recommend -o json, and a line of --batch",
	"prove":     "pare prove -o json, and a line of --batch",
	"compare":   "pare compare -o json, and a line of --batch",
	"findings":  "pare analyze -o json",
	"principal": "pare recommend --data DIR --principal ARN -o json",
}

// The schemas in docs/schema say what the types say.
func TestSchemas(t *testing.T) {
	for name, shown := range map[string]any{
		"recommend": shownRecommendation{}, "prove": shownProofAnswer{}, "compare": shownComparison{}, "findings": shownFindings{},
		"principal": shownPrincipal{},
	} {
		s := schemaOf(reflect.TypeOf(shown))
		s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", titles[name]
		want, err := json.Marshal(s, jsontext.WithIndent("  "), json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		path := filepath.Join("..", "..", "docs", "schema", name+".json")
		if *rewrite {
			if err := os.WriteFile(path, want, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("-types +%s (go test ./internal/report -update rewrites it)\n%s", path, diff)
		}
	}
}

func schemaOf(t reflect.Type) *schema {
	switch {
	case t == reflect.TypeFor[jsontext.Value]():
		return &schema{}
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string"}
	case t == reflect.TypeFor[finding.Finding]():
		return schemaOf(reflect.TypeFor[apiFinding]())
	case t.Kind() == reflect.Map:
		return &schema{Type: "object", AdditionalProperties: schemaOf(t.Elem())}
	case t == reflect.TypeFor[shownContext]():
		text := &schema{Type: "string"}
		return &schema{Type: "object", AdditionalProperties: &schema{AnyOf: []*schema{text, {Type: "array", Items: text}}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		if s := schemaOf(t.Elem()); s.Type != nil {
			return &schema{AnyOf: []*schema{s, {Type: "null"}}}
		}
		return &schema{}
	case reflect.Slice:
		return &schema{Type: "array", Items: schemaOf(t.Elem())}
	case reflect.Struct:
		s := &schema{Type: "object", Properties: map[string]*schema{}}
		s.fields(t)
		return s
	default:
		return &schema{Type: map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean"}[t.Kind()]}
	}
}

func (s *schema) fields(t reflect.Type) {
	for f := range t.Fields() {
		if f.Anonymous {
			s.fields(f.Type)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		s.Properties[name] = schemaOf(f.Type)
		s.Properties[name].Enum = closed[name]
		if options == "" {
			s.Required = append(s.Required, name)
		}
	}
}
