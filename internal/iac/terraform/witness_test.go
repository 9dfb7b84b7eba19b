package terraform

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// provider is a configuration of the AWS provider that calls nobody, and a root module's
// calls of the trees that are below it.
const provider = `
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "x"
  secret_key                  = "x"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

module "styles" {
  source = "./styles"
}

module "merged" {
  source = "./merged"
}
`

// TestTerraformPlansTheSame has the real Terraform plan the trees of testdata/find that
// say so: the policies that it would make are those that Find reads, under the same names,
// and there are no others.
func TestTerraformPlansTheSame(t *testing.T) {
	program, env := awstest.TerraformProgram(t)
	all := &txtar.Archive{Files: []txtar.File{{Name: "provider.tf", Data: []byte(provider)}}}
	for name, dir := range map[string]string{"styles": "styles", "merged": "merged", "followed": "."} {
		ar, err := txtar.ParseFile(filepath.Join("testdata", "find", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if f.Name != "want" {
				all.Files = append(all.Files, txtar.File{Name: path.Join(dir, f.Name), Data: f.Data})
			}
		}
	}
	dir := t.TempDir()
	if err := txtar.Write(all, dir); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), program, append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = append(os.Environ(), env...)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("terraform %v: %v\n%s\n%s", args, err, out, said.String())
		}
		return out
	}
	run("init", "-input=false", "-no-color")
	run("plan", "-input=false", "-no-color", "-out=plan")
	samePolicies(t, readPolicies(t, treeOf(all)), plannedPolicies(t, run("show", "-json", "plan")))
}

// namedPolicy is a policy with its name, "" if the name isn't known beforehand.
type namedPolicy struct {
	*policy.Document
	name string
}

func samePolicies(t *testing.T, got, planned map[string]namedPolicy) {
	t.Helper()
	for address, want := range planned {
		if got[address].Document == nil {
			t.Errorf("%s: not found", address)
			continue
		}
		if c := prove.Compare(got[address].Document, want.Document); c.Relation != prove.Equal {
			t.Errorf("%s: what was read is %s to what Terraform plans: %+v\n%s\n%s", address, c.Relation, c, got[address].Bytes(), want.Bytes())
		}
		if name := got[address].name; name != "" && name != want.name {
			t.Errorf("%s: planned as %q, read as %q", address, want.name, name)
		}
	}
	if len(got) != len(planned) || len(got) == 0 {
		t.Errorf("%d policies are planned, %d found", len(planned), len(got))
	}
}

// readPolicies are the policies that Find reads, by address.
func readPolicies(t *testing.T, c Config) map[string]namedPolicy {
	t.Helper()
	out := map[string]namedPolicy{}
	sources, problems := Find(c)
	if len(problems) > 0 {
		t.Error(problems)
	}
	for _, s := range sources {
		p, err := s.Policy()
		if err != nil {
			t.Errorf("%s: %v", s.Address, err)
			continue
		}
		out[s.Address] = namedPolicy{p.Doc, nameOf(s)}
	}
	return out
}

func nameOf(s *iac.Source) string {
	if s.Name == nil || len(s.Name.Holes) > 0 {
		return ""
	}
	return s.Name.Text
}

// plannedModule is a module in a plan's planned values.
// https://developer.hashicorp.com/terraform/internals/json-format
type plannedModule struct {
	Resources []struct {
		Address string `json:"address"`
		Type    string `json:"type"`
		Values  struct {
			Name   string `json:"name"`
			Policy string `json:"policy"`
			Inline []struct {
				Name   string `json:"name"`
				Policy string `json:"policy"`
			} `json:"inline_policy"`
		} `json:"values"`
	} `json:"resources"`
	Modules []plannedModule `json:"child_modules"`
}

// plannedPolicies are the policies of a plan, by address without keys.
func plannedPolicies(t *testing.T, src []byte) map[string]namedPolicy {
	t.Helper()
	var plan struct {
		Values struct {
			Root plannedModule `json:"root_module"`
		} `json:"planned_values"`
	}
	if err := json.Unmarshal(src, &plan); err != nil {
		t.Fatal(err)
	}
	out := map[string]namedPolicy{}
	add := func(address, name, text string) {
		doc, err := policy.Parse(address, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out[address] = namedPolicy{doc, name}
	}
	var walk func(m plannedModule)
	walk = func(m plannedModule) {
		for _, r := range m.Resources {
			address, _, _ := strings.Cut(r.Address, "[")
			if r.Values.Policy != "" {
				add(address, r.Values.Name, r.Values.Policy)
			}
			for _, in := range r.Values.Inline {
				add(address+".inline_policy[0]", in.Name, in.Policy)
			}
		}
		for _, in := range m.Modules {
			walk(in)
		}
	}
	walk(plan.Values.Root)
	return out
}
