package wire_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
)

// Clients that are programs of their own: each goes through the full life of an analyzer,
// with its own signer.

// environment is for a program that shall use the server as somebody: their own
// configuration is out of its reach.
func environment(t testing.TB, o owner) []string {
	t.Helper()
	home := t.TempDir()
	out := []string{
		"HOME=" + home, "AWS_CONFIG_FILE=" + filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "credentials"),
		"AWS_ACCESS_KEY_ID=" + o.key, "AWS_SECRET_ACCESS_KEY=" + o.secret(), "AWS_DEFAULT_REGION=" + region,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "NO_PROXY=127.0.0.1",
	}
	for _, name := range []string{"PATH", "LANG", "PYENV_VERSION", "PYENV_ROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+value)
		}
	}
	return out
}

// run runs a program and returns what it printed.
func run(t testing.TB, env []string, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*soon)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(args, " "), err, stderr.String(), out)
	}
	return strings.TrimSpace(string(out))
}

func TestTheFullLifeThroughTheCLI(t *testing.T) {
	t.Parallel()
	aws := awstest.Need(t, awstest.AWS)
	s := start(t)
	env := environment(t, admin)
	cli := func(args ...string) string {
		return run(t, env, aws, append([]string{"accessanalyzer", "--endpoint-url", s.URL, "--output", "text"}, args...)...)
	}
	f := sample(t).about(t, announced)
	arn := cli("create-analyzer", "--analyzer-name", "cli", "--type", "ACCOUNT_UNUSED_ACCESS", "--configuration", `{"unusedAccess":{"unusedAccessAge":90}}`, "--query", "arn")
	got := []string{
		arn,
		cli("list-findings-v2", "--analyzer-arn", arn, "--filter", `{"resource":{"eq":["`+announced+`"]}}`, "--page-size", "1", "--query", "findings[].id"),
		cli("get-finding-v2", "--analyzer-arn", arn, "--id", f.ID, "--query", "findingDetails[0].unusedPermissionDetails.serviceNamespace"),
		cli("create-archive-rule", "--analyzer-name", "cli", "--rule-name", "my-role", "--filter", `{"resource":{"contains":["MyRole"]}}`),
		cli("apply-archive-rule", "--analyzer-arn", arn, "--rule-name", "my-role"),
		cli("get-finding-v2", "--analyzer-arn", arn, "--id", f.ID, "--query", "status"),
		cli("generate-finding-recommendation", "--analyzer-arn", arn, "--id", f.ID),
		cli("get-finding-recommendation", "--analyzer-arn", arn, "--id", f.ID, "--query", "status"),
		cli("get-finding-recommendation", "--analyzer-arn", arn, "--id", f.ID, "--query", "[status, recommendationType, resourceArn]"),
		cli("delete-analyzer", "--analyzer-name", "cli"),
		cli("list-analyzers", "--query", "analyzers[].name"),
	}
	want := []string{
		"arn:aws:access-analyzer:us-east-1:111122223333:analyzer/cli", f.ID, f.Permissions[0].Namespace, "", "", "ARCHIVED", "",
		"IN_PROGRESS", "SUCCEEDED\tUnusedPermissionRecommendation\t" + announced, "", "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// pythonWithBoto3 finds a Python that has boto3: the one on the PATH, or the one that
// moto was installed with, which needs boto3.
func pythonWithBoto3(t testing.TB) string {
	t.Helper()
	var candidates []string
	if path, err := exec.LookPath("python3"); err == nil {
		candidates = append(candidates, path)
	}
	if moto := awstest.Find(awstest.Moto); moto != "" {
		candidates = append(candidates, filepath.Join(filepath.Dir(moto), "python3"))
	}
	for _, python := range candidates {
		if exec.CommandContext(t.Context(), python, "-c", "import boto3").Run() == nil {
			return python
		}
	}
	return filepath.Join(filepath.Dir(awstest.Need(t, awstest.Moto)), "python3")
}

func TestTheFullLifeThroughBoto3(t *testing.T) {
	t.Parallel()
	python := pythonWithBoto3(t)
	s := start(t)
	printed := run(t, environment(t, admin), python, filepath.Join("testdata", "life.py"), s.URL, announced)
	var got, want any
	if err := json.Unmarshal([]byte(printed), &got); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	r, err := sample(t).Recommend(announced)
	if err != nil {
		t.Fatal(err)
	}
	var services, steps []string
	for _, p := range sample(t).about(t, announced).Permissions {
		services = append(services, p.Namespace)
	}
	for _, step := range r.Steps {
		steps = append(steps, string(step.Action))
	}
	expected, err := json.Marshal(map[string]any{
		"arn": "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/boto", "conflict": "ConflictException", "external": "ValidationException",
		"tags": map[string]string{"team": "a b/c"}, "untagged": map[string]string{}, "findings": len(sample(t).findings), "dated": true,
		"archived": []string{"AWS::IAM::User"}, "rules": []string{}, "services": services, "status": "SUCCEEDED", "steps": steps,
		"one": "ARCHIVED", "gone": "ResourceNotFoundException",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(expected, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
