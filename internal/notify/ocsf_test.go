package notify_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pare-iam/pare/internal/notify"
)

// ocsfLines are the changes as OCSF, one a line.
func ocsfLines(t *testing.T, changes []notify.Change) []string {
	t.Helper()
	var b bytes.Buffer
	if failures := notify.NewOCSFWriter(&b, notify.OCSFOptions{Version: "1.2.3"}).Send(t.Context(), changes); len(failures) > 0 {
		t.Fatal(failures)
	}
	return strings.SplitAfter(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func TestOCSFShape(t *testing.T) {
	var out []byte
	for _, line := range ocsfLines(t, life(t)) {
		value := jsontext.Value(line)
		if err := value.Indent(); err != nil {
			t.Fatal(err)
		}
		out = append(append(out, bytes.TrimSpace(value)...), '\n')
	}
	golden(t, "ocsf.json", out)
}

// schemaOf compiles the part of the class that we use, written by hand from its page:
// what is required, the enumerations, and no member beside those that the schema has.
func schemaOf(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "ocsf-1.8.0-iam_analysis_finding.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parsed(t *testing.T, doc string) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestOCSFIsAsTheSchemaSays(t *testing.T) {
	schema := schemaOf(t)
	changes := life(t)
	for _, f := range sampleFindings(t) {
		c := changes[0]
		c.Finding = f
		changes = append(changes, c)
	}
	changes = append(changes, roles(1)...) // no use on record, no ID of the role
	for i, line := range ocsfLines(t, changes) {
		if err := schema.Validate(parsed(t, line)); err != nil {
			t.Errorf("%s: %v", changes[i].Finding.ID, err)
		}
	}
}

// The schema is worth something: whatever required attribute is missing, it says so.
func TestOCSFSchemaMissesWhatIsRequired(t *testing.T) {
	schema := schemaOf(t)
	line := ocsfLines(t, life(t))[1] // of an access key
	for _, path := range []string{
		"activity_id", "category_uid", "class_uid", "cloud", "finding_info", "metadata", "severity_id", "time", "type_uid", "identity_activity_metrics",
		"cloud/provider", "finding_info/uid", "finding_info/analytic/type_id", "metadata/version", "metadata/product", "remediation/desc",
		"identity_activity_metrics/programmatic_credentials/0/uid",
	} {
		value := parsed(t, line)
		if !remove(value, strings.Split(path, "/")) {
			t.Errorf("%s: isn't there", path)
		}
		if schema.Validate(value) == nil {
			t.Errorf("%s: may be missing, the schema says", path)
		}
	}
}

// remove takes a member out; false: it isn't there.
func remove(value any, path []string) bool {
	switch v := value.(type) {
	case []any:
		return len(v) > 0 && remove(v[0], path[1:])
	case map[string]any:
		next, ok := v[path[0]]
		if len(path) == 1 {
			delete(v, path[0])
			return ok
		}
		return ok && remove(next, path[1:])
	}
	return false
}

func TestOCSFFileAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	sink, err := notify.NewOCSFFile(path, notify.OCSFOptions{Name: "lake"})
	if err != nil {
		t.Fatal(err)
	}
	send := func(changes []notify.Change) {
		t.Helper()
		if failures := sink.Send(t.Context(), changes); len(failures) > 0 {
			t.Fatal(failures)
		}
	}
	send(roles(2))
	torn := func(text string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	torn(`{"activity_id":1,"act`)
	send(roles(1))
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	two, one := strings.Join(ocsfLinesWithout(t, roles(2)), ""), strings.Join(ocsfLinesWithout(t, roles(1)), "")
	if diff := cmp.Diff(two+`{"activity_id":1,"act`+"\n"+one, string(src)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if err := os.Rename(path, path+".1"); err != nil { // as logrotate does
		t.Fatal(err)
	}
	send(roles(1))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != int64(len(one)) || info.Mode().Perm() != 0o600 || sink.Name() != "lake" {
		t.Errorf("after rotation: %d bytes, %v; name %s", info.Size(), info.Mode(), sink.Name())
	}
}

// ocsfLinesWithout are the lines without pare's version.
func ocsfLinesWithout(t *testing.T, changes []notify.Change) []string {
	t.Helper()
	var b bytes.Buffer
	notify.NewOCSFWriter(&b, notify.OCSFOptions{}).Send(t.Context(), changes)
	return strings.SplitAfter(b.String(), "\n")
}

func TestOCSFFailures(t *testing.T) {
	missing, err := notify.NewOCSFFile(filepath.Join(t.TempDir(), "no", "such", "folder"), notify.OCSFOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := told(missing.Send(t.Context(), roles(2))); len(got) != 2 || !strings.Contains(got[0], "no such file") || strings.HasSuffix(got[0], "(for good)") {
		t.Errorf("a folder that isn't there: %q", got)
	}
	if _, err := notify.NewOCSFFile("", notify.OCSFOptions{}); err == nil {
		t.Error("no path: no error")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var b bytes.Buffer
	if got := notify.NewOCSFWriter(&b, notify.OCSFOptions{}).Send(gone, roles(1)); len(got) != 1 || b.Len() > 0 {
		t.Errorf("after the end: %v, %d bytes", got, b.Len())
	}
}
