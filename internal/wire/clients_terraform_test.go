package wire_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/wire"
)

// TestTerraformManagesAnalyzers has Terraform's AWS provider make analyzers with archive
// rules, find nothing to change, change them, import them into an empty state without a
// change, and destroy them. What the server has is compared after each step.
//
// Each run costs seven seconds of a processor, nearly all of them the provider's start: that
// nothing more is to be changed after a change, the import shows.
func TestTerraformManagesAnalyzers(t *testing.T) {
	t.Parallel()
	s := start(t)
	tf := newTerraform(t, s)

	tf.use("provider.tf", "before.tf")
	tf.run("init", "-input=false")
	tf.step(step{"makes", applied("apply"), "4 added", []string{"create kept", "create replaced", "create changed", "create same"}, before()})
	tf.step(step{"finds nothing to change", planned(), "", nil, before()})
	tf.remove("before.tf")
	tf.use("after.tf")
	tf.step(step{"changes", applied("apply"), "1 added, 2 changed, 1 removed", []string{"update kept", "replace replaced", "update changed"}, after()})

	tf.remove("terraform.tfstate", "terraform.tfstate.backup")
	tf.use("import.tf")
	imports := []string{"import kept", "import replaced", "import changed", "import same"}
	tf.step(step{"imports without a change", applied("apply"), "4 imported", imports, after()})
	tf.remove("import.tf")
	deletes := []string{"delete kept", "delete replaced", "delete changed", "delete same"}
	tf.step(step{"destroys", applied("apply", "-destroy", "-refresh=false"), "4 removed", deletes, map[string]had{}})
	if len(s.failures) > 0 {
		t.Errorf("reported: %+v", s.failures)
	}
}

// had is what the server has of an analyzer.
type had struct {
	wire.Configuration
	Tags  map[string]string
	Rules map[string]finding.Filter
}

// before and after are what the server has once before.tf and after.tf are applied.
func before() map[string]had {
	no := false
	return map[string]had{
		"kept": {
			wire.Configuration{Age: 120, Exclusions: []wire.Exclusion{{Tags: []map[string]string{{"team": "core", "stage": "test"}, {"owner": "d"}}}}},
			map[string]string{"owner": "a b/c", "stage": "test"},
			map[string]finding.Filter{
				"changed": {"resource": {Contains: []string{"user/b", "user/a"}}, "resourceType": {Eq: []string{"AWS::IAM::User"}}},
				"same":    {"error": {Exists: &no}, "findingType": {Neq: []string{"UnusedPermission"}}},
			},
		},
		"replaced": {wire.Configuration{Age: 90}, map[string]string{}, map[string]finding.Filter{}},
	}
}

func after() map[string]had {
	out := before()
	kept := out["kept"]
	kept.Tags = map[string]string{"owner": "d", "team": "core"}
	kept.Rules["changed"] = finding.Filter{"resource": {Contains: []string{":user/"}}}
	out["kept"] = kept
	out["replaced"] = had{wire.Configuration{Age: 60}, map[string]string{}, map[string]finding.Filter{}}
	return out
}

// terraform is a folder that Terraform runs in.
type terraform struct {
	t       *testing.T
	s       *server
	program string
	dir     string
	env     []string
}

// newTerraform has Terraform take its provider from the machine, and ask nobody but the server.
func newTerraform(t *testing.T, s *server) terraform {
	t.Helper()
	program, settings := awstest.TerraformProgram(t)
	env := append(append(environment(t, admin), settings...), "TF_VAR_endpoint="+s.URL)
	return terraform{t, s, program, t.TempDir(), env}
}

// use puts files of testdata/terraform into the folder.
func (tf terraform) use(names ...string) {
	tf.t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", "terraform", name))
		if err != nil {
			tf.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tf.dir, name), text, 0o600); err != nil {
			tf.t.Fatal(err)
		}
	}
}

func (tf terraform) remove(names ...string) {
	tf.t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(tf.dir, name)); err != nil {
			tf.t.Fatal(err)
		}
	}
}

func (tf terraform) run(args ...string) string {
	tf.t.Helper()
	return run(tf.t, tf.env, tf.program, append([]string{"-chdir=" + tf.dir}, args...)...)
}

// step is a run of Terraform, what it does, and what the server has then.
type step struct {
	name    string
	args    []string
	summary string         // what it has done; "" for a plan
	actions []string       // on resources, by their names in the order of their addresses
	has     map[string]had // analyzers by name
}

func applied(args ...string) []string {
	return append(args, "-json", "-auto-approve", "-input=false")
}

// planned fails if there is something to change.
func planned() []string {
	return []string{"plan", "-json", "-input=false", "-detailed-exitcode"}
}

func (tf terraform) step(s step) {
	tf.t.Helper()
	summary, actions := events(tf.t, tf.run(s.args...))
	if diff := cmp.Diff(s.summary, summary); diff != "" {
		tf.t.Errorf("%s: -want +got\n%s", s.name, diff)
	}
	if diff := cmp.Diff(s.actions, actions); diff != "" {
		tf.t.Errorf("%s: -want +got\n%s", s.name, diff)
	}
	if diff := cmp.Diff(s.has, tf.s.has(tf.t)); diff != "" {
		tf.t.Errorf("%s: the server has: -want +got\n%s", s.name, diff)
	}
}

// event is a line of what Terraform prints.
// https://developer.hashicorp.com/terraform/internals/machine-readable-ui
type event struct {
	Type   string `json:"type"`
	Change struct {
		Action   string `json:"action"`
		Resource struct {
			Address string `json:"addr"`
			Name    string `json:"resource_name"`
		} `json:"resource"`
	} `json:"change"`
	Changes struct {
		Operation string `json:"operation"`
		Import    int    `json:"import"`
		Add       int    `json:"add"`
		Change    int    `json:"change"`
		Remove    int    `json:"remove"`
	} `json:"changes"`
}

// events reads what Terraform says that it has done, and planned to do.
func events(t testing.TB, printed string) (summary string, actions []string) {
	t.Helper()
	var changes []event
	for line := range strings.Lines(printed) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		switch {
		case e.Type == "planned_change":
			changes = append(changes, e)
		case e.Type == "change_summary" && e.Changes.Operation != "plan":
			summary = e.done()
		}
	}
	slices.SortFunc(changes, func(a, b event) int { return strings.Compare(a.Change.Resource.Address, b.Change.Resource.Address) })
	for _, e := range changes {
		actions = append(actions, e.Change.Action+" "+e.Change.Resource.Name)
	}
	return summary, actions
}

// done is a summary in words, of what was done at all.
func (e event) done() string {
	var out []string
	for _, part := range []struct {
		n    int
		word string
	}{{e.Changes.Import, "imported"}, {e.Changes.Add, "added"}, {e.Changes.Change, "changed"}, {e.Changes.Remove, "removed"}} {
		if part.n > 0 {
			out = append(out, fmt.Sprint(part.n, " ", part.word))
		}
	}
	return strings.Join(out, ", ")
}

// has is what the backend has of the sample's account.
func (s *server) has(t testing.TB) map[string]had {
	t.Helper()
	page := wire.Page{Max: 100}
	all, _, err := s.backend.ListAnalyzers(t.Context(), sampleAccount, "", page)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]had{}
	for _, a := range all {
		rules, _, err := s.backend.ListRules(t.Context(), wire.Ref{Account: sampleAccount, Name: a.Name}, page)
		if err != nil {
			t.Fatal(err)
		}
		one := had{a.Configuration, a.Tags, map[string]finding.Filter{}}
		for _, r := range rules {
			one.Rules[r.Name] = r.Filter
		}
		out[a.Name] = one
	}
	return out
}
