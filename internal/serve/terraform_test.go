package serve_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/store"
)

// TestTerraformOnTheService has Terraform's AWS provider make analyzers with archive rules on one
// service, with its database and its signatures, find nothing to change, change them, find
// nothing again, and destroy them. internal/wire looks at each step more closely.
func TestTerraformOnTheService(t *testing.T) {
	program, env := awstest.TerraformProgram(t)
	s := small(t)
	key, err := s.key(t, store.Admin).Retrieve(t.Context())
	must(t, err)
	dir := t.TempDir()
	env = append(append(os.Environ(), env...), "TF_VAR_endpoint="+s.url, "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey, "NO_PROXY=127.0.0.1")
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	use := func(name, as string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("..", "wire", "testdata", "terraform", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, as), text, 0o600))
	}
	has := func(want int) {
		t.Helper()
		all, err := s.Store.Analyzers(t.Context(), "", store.Page{})
		must(t, err)
		made := 0
		for _, a := range all.Items {
			if a.Name == "kept" || a.Name == "replaced" {
				made++
			}
		}
		if made != want {
			t.Errorf("the service has %d of Terraform's analyzers, want %d", made, want)
		}
	}
	use("provider.tf", "provider.tf")
	use("before.tf", "main.tf")
	run("init", "-input=false")
	run("apply", "-input=false", "-auto-approve")
	has(2)
	run("plan", "-input=false", "-detailed-exitcode") // which is 2 if there is something to change
	use("after.tf", "main.tf")
	run("apply", "-input=false", "-auto-approve")
	run("plan", "-input=false", "-detailed-exitcode")
	run("destroy", "-input=false", "-auto-approve")
	has(0)
	if strings.Contains(s.log.String(), "request failed") {
		t.Error(s.log.String())
	}
}
