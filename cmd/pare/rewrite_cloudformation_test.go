package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/prove"
)

// stacks are the templates of testdata/rewrite/cloudformation, by the stacks made of them.
var stacks = map[string]string{"app": "app.yaml", "robot": "robot.json"}

// TestRewriteCloudFormation has moto make stacks of templates, rewrites the templates by
// what comes of them, has cfn-lint look at them, and makes fresh stacks: what IAM then has
// is what was recommended. (moto says that it updates a stack, and changes no policy.)
func TestRewriteCloudFormation(t *testing.T) {
	const days = 24 * time.Hour
	used := awstest.Use{At: time.Now().Add(-10 * days), Region: "us-east-1"}
	s := awstest.Start(t, awstest.Options{Ago: 200 * days, LastAccessed: func(string) ([]awstest.Service, bool) {
		return []awstest.Service{
			{Namespace: "s3", Used: used, Actions: []awstest.Action{{Name: "GetBucketAcl", Used: used}, {Name: "GetBucketCORS"}, {Name: "GetBucketPolicy"}}},
			{Namespace: "ses"}, {Namespace: "sns"}, {Namespace: "sqs"},
		}, true
	}})
	a := &applying{t, s, t.TempDir()}
	a.environment()
	dir := a.path("templates")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "rewrite", "cloudformation"))); err != nil {
		t.Fatal(err)
	}
	s.SetUp(awstest.Key{}, "iam", "CreateGroup", "GroupName", "people") // of which moto's templates know nothing
	args := []string{"rewrite", dir, "--data", a.path("data"), "--quiet"}
	for _, stack := range slices.Sorted(maps.Keys(stacks)) {
		args = append(args, "--state", a.createStack(stack, filepath.Join(dir, stacks[stack])))
	}
	s.SetUp(awstest.Key{}, "iam", "AddUserToGroup", "GroupName", "people", "UserName", "robot")
	s.SetAgo(0)
	a.ok("collect", "--out", a.path("data"), "--quiet")
	a.replace(a.path("data/authorization-details.json"), `"AttachmentCount":`, `"PermissionsBoundaryUsageCount": 0, "AttachmentCount":`) // which moto leaves out

	recommended := recommendedBy(t, a.ok(append(args, "-o", "json")...))
	a.ok(append(args, "--write")...)
	fresh := &applying{t, awstest.Start(t, awstest.Options{LastAccessed: nobodys}), t.TempDir()}
	fresh.environment()
	fresh.s.SetUp(awstest.Key{}, "iam", "CreateGroup", "GroupName", "people")
	for _, stack := range slices.Sorted(maps.Keys(stacks)) {
		a.lint(filepath.Join(dir, stacks[stack]))
		fresh.createStack(stack, filepath.Join(dir, stacks[stack]))
	}
	fresh.ok("collect", "--out", fresh.path("after"), "--quiet")
	now := policiesIn(t, fresh.path("after/authorization-details.json"))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(stableNames(now))), slices.Sorted(maps.Keys(stableNames(recommended)))); diff != "" {
		t.Fatalf("rewritten: -IAM has +recommended\n%s", diff)
	}
	is := stableNames(now)
	for name, want := range stableNames(recommended) {
		if c := prove.Compare(is[name], want); c.Relation != prove.Equal {
			t.Errorf("%s: what IAM has is %s to what was recommended:\n%s\n%s", name, c.Relation, is[name].Bytes(), want.Bytes())
		}
	}
}

// nobodys is the last accessed information of an account that nobody used yet.
func nobodys(string) ([]awstest.Service, bool) { return nil, true }

// madeUp is a name of the form STACK-LOGICALID-SUFFIX.
var madeUp = regexp.MustCompile(`\b((?:app|robot)-[A-Za-z]+)-[A-Za-z0-9]+`)

// stableNames are policies without what CloudFormation adds to names that it makes up.
func stableNames[V any](policies map[string]V) map[string]V {
	out := map[string]V{}
	for name, p := range policies {
		out[madeUp.ReplaceAllString(name, "$1")] = p
	}
	return out
}

// inlineOf are the inline policies of the templates, by the logical ID of whom they are of.
var inlineOf = map[string]struct{ kind, policy string }{
	"AppRole": {"Role", "reports"}, "ReaderRole": {"Role", "reader"}, "Robot": {"User", "robot"},
}

// createStack makes a stack of a template, and gives the file in which the AWS CLI says
// what came of it.
func (a *applying) createStack(name, path string) string {
	a.Helper()
	a.s.SetUp(awstest.Key{}, "cloudformation", "CreateStack", "StackName", name, "TemplateBody", readText(a.T, path), "Capabilities.member.1", "CAPABILITY_NAMED_IAM")
	said := a.awsCLI("cloudformation", "describe-stack-resources", "--stack-name", name)
	var made struct {
		StackResources []struct{ LogicalResourceID, PhysicalResourceID string }
	}
	if err := json.Unmarshal(said, &made, json.MatchCaseInsensitiveNames(true)); err != nil {
		a.Fatal(err)
	}
	for _, r := range made.StackResources {
		if in, ok := inlineOf[r.LogicalResourceID]; ok {
			a.respell(in.kind, r.PhysicalResourceID, in.policy)
		}
	}
	if name == "robot" {
		a.respell("Group", "people", "people")
	}
	resources := a.path(name + ".resources.json")
	if err := os.WriteFile(resources, said, 0o600); err != nil {
		a.Fatal(err)
	}
	return resources
}

// respell puts an inline policy where it is as JSON: moto keeps what a template says in the
// spelling of Python, and can't show the account then.
func (a *applying) respell(kind, holder, name string) {
	a.Helper()
	of := []string{kind + "Name", holder, "PolicyName", name}
	text := a.s.SetUp(awstest.Key{}, "iam", "Get"+kind+"Policy", of...).Text("PolicyDocument")
	doc := strings.ReplaceAll(unescaped(text), "'", `"`)
	a.s.SetUp(awstest.Key{}, "iam", "Put"+kind+"Policy", append(of, "PolicyDocument", doc)...)
}

// awsCLI runs the AWS CLI.
func (a *applying) awsCLI(args ...string) []byte {
	a.Helper()
	cmd := exec.CommandContext(a.Context(), awstest.Need(a, awstest.AWS), append([]string{"--endpoint-url", a.s.URL, "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), a.s.Environment()...)
	out, err := cmd.Output()
	if err != nil {
		a.Fatalf("aws %v: %v", args, err)
	}
	return out
}

// lint has the real cfn-lint look at a template.
func (a *applying) lint(path string) {
	a.Helper()
	if out, err := exec.CommandContext(a.Context(), awstest.Need(a, awstest.CfnLint), path).CombinedOutput(); err != nil {
		a.Errorf("cfn-lint %s: %v\n%s", filepath.Base(path), err, out)
	}
}
