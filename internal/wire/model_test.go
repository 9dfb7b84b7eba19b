package wire_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
)

// model is the shapes of an API, as the source of AWS's SDK for Go has them: each
// structure's members with their types, and which must be there. Unions are interfaces
// whose members are structures of their own.
type model struct {
	shapes map[string]map[string]member // by structure, by name in JSON
	unions map[string]map[string]ast.Expr
	rename func(string) string // a Go field's name in JSON
}

type member struct {
	typ      ast.Expr
	required bool
}

// api is a package of the SDK.
type api struct {
	path   string
	rename func(string) string
}

var (
	accessAnalyzerModel = api{"github.com/aws/aws-sdk-go-v2/service/accessanalyzer", lowerFirst}
	securityHubModel    = api{"github.com/aws/aws-sdk-go-v2/service/securityhub", func(s string) string { return s }}
)

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

var readModels sync.Map // by path: a model is read once

func readModel(t testing.TB, a api) *model {
	t.Helper()
	if m, ok := readModels.Load(a.path); ok {
		return m.(*model)
	}
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", a.path).Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(dir))
	files, err := filepath.Glob(filepath.Join(root, "api_op_*.go"))
	if err != nil {
		t.Fatal(err)
	}
	m := &model{shapes: map[string]map[string]member{}, unions: map[string]map[string]ast.Expr{}, rename: a.rename}
	for _, file := range append(files, filepath.Join(root, "types", "types.go")) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, m.add)
	}
	readModels.Store(a.path, m)
	return m
}

func (m *model) add(n ast.Node) bool {
	spec, ok := n.(*ast.TypeSpec)
	if !ok {
		return true
	}
	name := spec.Name.Name
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return false
	}
	if union, choice, ok := strings.Cut(name, "Member"); ok && choice != "" && len(s.Fields.List) > 0 && s.Fields.List[0].Names[0].Name == "Value" {
		if m.unions[union] == nil {
			m.unions[union] = map[string]ast.Expr{}
		}
		m.unions[union][m.rename(choice)] = s.Fields.List[0].Type
		return false
	}
	members := map[string]member{}
	for _, f := range s.Fields.List {
		if len(f.Names) == 1 && f.Names[0].Name != "ResultMetadata" && unicode.IsUpper(rune(f.Names[0].Name[0])) {
			members[m.rename(f.Names[0].Name)] = member{f.Type, strings.Contains(f.Doc.Text(), "This member is required.")}
		}
	}
	m.shapes[name] = members
	return false
}

// check says where a document isn't what a structure is: members that it hasn't, those
// that are missing, and values of other types. No document is an empty one.
func (m *model) check(shape string, doc []byte) []string {
	if _, ok := m.shapes[shape]; !ok {
		return []string{shape + ": the SDK has no such structure"}
	}
	var value any = map[string]any{}
	if len(doc) > 0 {
		if err := json.Unmarshal(doc, &value); err != nil {
			return []string{err.Error()}
		}
	}
	return m.value(shape, &ast.Ident{Name: shape}, value)
}

func (m *model) value(at string, typ ast.Expr, value any) []string {
	switch typ := typ.(type) {
	case *ast.StarExpr:
		return m.value(at, typ.X, value)
	case *ast.SelectorExpr:
		if typ.Sel.Name == "Time" {
			return timestamp(at, value)
		}
		return m.named(at, typ.Sel.Name, value)
	case *ast.Ident:
		return m.named(at, typ.Name, value)
	case *ast.ArrayType:
		list, ok := value.([]any)
		return append(unless(ok, at, value, "a list"), each(list, func(i int, v any) []string { return m.value(fmt.Sprintf("%s[%d]", at, i), typ.Elt, v) })...)
	case *ast.MapType:
		object, ok := value.(map[string]any)
		out := unless(ok, at, value, "an object")
		for _, key := range slices.Sorted(maps.Keys(object)) {
			out = append(out, m.value(at+"."+key, typ.Value, object[key])...)
		}
		return out
	}
	return []string{fmt.Sprintf("%s: the test knows no %T", at, typ)}
}

func each(list []any, f func(int, any) []string) (out []string) {
	for i, v := range list {
		out = append(out, f(i, v)...)
	}
	return out
}

func unless(ok bool, at string, value any, want string) []string {
	if ok {
		return nil
	}
	return []string{fmt.Sprintf("%s: %v isn't %s", at, value, want)}
}

// timestamp is as AWS writes them.
func timestamp(at string, value any) []string {
	text, _ := value.(string)
	_, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	return unless(err == nil, at, value, "a time in milliseconds")
}

func (m *model) named(at, name string, value any) []string {
	switch name {
	case "string":
		_, ok := value.(string)
		return unless(ok, at, value, "a string")
	case "bool":
		_, ok := value.(bool)
		return unless(ok, at, value, "a boolean")
	case "int32", "int64":
		n, ok := value.(float64)
		return unless(ok && n == float64(int64(n)), at, value, "a whole number")
	}
	if union, ok := m.unions[name]; ok {
		object, ok := value.(map[string]any)
		out := unless(ok && len(object) == 1, at, value, "an object of one member")
		for key, v := range object {
			if typ, ok := union[key]; ok {
				out = append(out, m.value(at+"."+key, typ, v)...)
			} else {
				out = append(out, fmt.Sprintf("%s: %s is no member of %s", at, key, name))
			}
		}
		return out
	}
	if members, ok := m.shapes[name]; ok {
		return m.structure(at, members, value)
	}
	_, ok := value.(string) // an enumeration
	return unless(ok, at, value, "a string of "+name)
}

func (m *model) structure(at string, members map[string]member, value any) []string {
	object, ok := value.(map[string]any)
	out := unless(ok, at, value, "an object")
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if f, ok := members[key]; ok {
			out = append(out, m.value(at+"."+key, f.typ, object[key])...)
		} else {
			out = append(out, fmt.Sprintf("%s: %s is no member", at, key))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if _, there := object[key]; members[key].required && !there {
			out = append(out, fmt.Sprintf("%s: %s is missing", at, key))
		}
	}
	return out
}

func TestTheModelFindsWhatIsWrong(t *testing.T) {
	m := readModel(t, accessAnalyzerModel)
	for doc, want := range map[string]string{
		`{}`:                         "GetAnalyzerOutput: analyzer is missing",
		`{"analyzer": []}`:           "isn't an object",
		`{"analyzer": {"Arn": "a"}}`: "Arn is no member",
		`{"analyzer": {"createdAt": "2026-01-31T12:00:00Z"}}`:                         "isn't a time in milliseconds",
		`{"analyzer": {"configuration": {"unused": {}}}}`:                             "unused is no member of AnalyzerConfiguration",
		`{"analyzer": {"configuration": {"unusedAccess": {"unusedAccessAge": "1"}}}}`: "isn't a whole number",
	} {
		if got := strings.Join(m.check("GetAnalyzerOutput", []byte(doc)), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", doc, got, want)
		}
	}
}
