package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// styles are the policies of testdata/rewrite/terraform, by their addresses in Terraform,
// with the live policies that come of each: a style of writing a policy each.
var styles = map[string][]string{
	"aws_iam_policy.documented":                            {"documented"},          // a data source
	"aws_iam_policy.combined":                              {"combined"},            // one made of another
	"aws_iam_policy.overridden":                            {"overridden"},          // one in which another stands in its place
	"aws_iam_role.app":                                     {"app/block"},           // inline_policy, jsonencode, a single statement
	"aws_iam_role_policy.encoded":                          {"encoded/encoded"},     // jsonencode with an interpolation
	"aws_iam_user_policy.robot":                            {"robot/robot"},         // a local list
	"aws_iam_role_policy.plain":                            {"plain/plain"},         // a heredoc
	"aws_iam_role_policy.indented":                         {"indented/indented"},   // an indented heredoc
	"aws_iam_group_policy.people":                          {"people/people"},       // file()
	"aws_iam_role_policy.templated":                        {"templated/templated"}, // templatefile()
	"aws_iam_role_policy.written":                          {"written/written"},     // .tf.json
	"aws_iam_role_policy.varied[0]":                        {"varied/varied"},       // a variable's default, a count
	`module.reader["reader-a"].aws_iam_role_policy.reader`: {"reader-a/reader-a"},   // a module, twice
	`module.reader["reader-b"].aws_iam_role_policy.reader`: {"reader-b/reader-b"},
}

// TestRewriteTerraform has the real Terraform make an account of policies written in every
// style, rewrites them all, and has Terraform say what it would change: each policy in
// place, and nothing else. Once applied it has nothing to change, and what IAM has is what
// was recommended.
func TestRewriteTerraform(t *testing.T) {
	const days = 24 * time.Hour
	used := awstest.Use{At: time.Now().Add(-10 * days), Region: "us-east-1"}
	s := awstest.Start(t, awstest.Options{Ago: 200 * days, LastAccessed: func(string) ([]awstest.Service, bool) {
		return []awstest.Service{
			{Namespace: "s3", Used: used, Actions: []awstest.Action{{Name: "GetBucketAcl", Used: used}, {Name: "GetBucketCORS"}, {Name: "GetBucketPolicy"}, {Name: "ListAllMyBuckets", Used: used}}},
			{Namespace: "ses"}, {Namespace: "sns"}, {Namespace: "sqs"},
		}, true
	}})
	a := &applying{t, s, t.TempDir()}
	tf := newTerraforming(a)
	tf.run("init", "-input=false")
	tf.run("apply", "-input=false", "-auto-approve")
	s.SetAgo(0)
	a.environment()
	a.ok("collect", "--out", a.path("data"), "--quiet")
	a.replace(a.path("data/authorization-details.json"), `"AttachmentCount":`, `"PermissionsBoundaryUsageCount": 0, "AttachmentCount":`) // which moto leaves out
	state := a.path("state.json")
	tf.save(state, "show", "-json")

	plan := a.ok("rewrite", tf.dir, "--data", a.path("data"), "--state", state, "-o", "json", "--quiet")
	recommended := recommendedBy(t, plan)
	if diff := cmp.Diff(slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Values(styles))...))), slices.Sorted(maps.Keys(recommended))); diff != "" {
		t.Fatalf("rewritten: -want +got\n%s", diff)
	}
	a.ok("rewrite", tf.dir, "--data", a.path("data"), "--state", state, "--write", "--quiet")
	tf.run("fmt", "-check", "-recursive")

	tf.run("plan", "-input=false", "-out="+a.path("plan"))
	tf.save(a.path("plan.json"), "show", "-json", a.path("plan"))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(styles)), updated(t, readText(t, a.path("plan.json")))); diff != "" {
		t.Errorf("planned to change in place: -want +got\n%s", diff)
	}
	tf.run("apply", "-input=false", a.path("plan"))
	tf.run("plan", "-input=false", "-detailed-exitcode") // which is 2 if there is something to change

	a.ok("collect", "--out", a.path("after"), "--quiet")
	now := policiesIn(t, a.path("after/authorization-details.json"))
	for name, want := range recommended {
		if c := prove.Compare(now[name], want); c.Relation != prove.Equal {
			t.Errorf("%s: what IAM has is %s to what was recommended:\n%s\n%s", name, c.Relation, now[name].Bytes(), want.Bytes())
		}
	}
	if out := a.ok("rewrite", tf.dir, "--data", a.path("after"), "--quiet"); out != "" {
		t.Errorf("rewritten again:\n%s", out)
	}
}

// terraforming is a folder of Terraform's with a copy of testdata/rewrite/terraform.
type terraforming struct {
	*applying
	program, dir string
	env          []string
}

func newTerraforming(a *applying) *terraforming {
	a.Helper()
	program, env := awstest.TerraformProgram(a)
	tf := &terraforming{a, program, filepath.Join(a.dir, "infra"), append(env, "TF_VAR_endpoint="+a.s.URL)}
	if err := os.CopyFS(tf.dir, os.DirFS(filepath.Join("testdata", "rewrite", "terraform"))); err != nil {
		a.Fatal(err)
	}
	const lock = ".terraform.lock.hcl" // one for all tests with Terraform
	versions := readText(a.T, filepath.Join("..", "..", "internal", "wire", "testdata", "terraform", lock))
	if err := os.WriteFile(filepath.Join(tf.dir, lock), []byte(versions), 0o600); err != nil {
		a.Fatal(err)
	}
	return tf
}

func (tf *terraforming) run(args ...string) string {
	tf.Helper()
	cmd := exec.CommandContext(tf.Context(), tf.program, append([]string{"-chdir=" + tf.dir}, args...)...)
	cmd.Env = append(os.Environ(), tf.env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		tf.Fatalf("terraform %s: %v\n%s%s", strings.Join(args, " "), err, out, said.String())
	}
	return string(out)
}

// save writes what a command prints into a file.
func (tf *terraforming) save(path string, args ...string) {
	tf.Helper()
	if err := os.WriteFile(path, []byte(tf.run(args...)), 0o600); err != nil {
		tf.Fatal(err)
	}
}

// recommendedBy are the policies that `pare rewrite -o json` recommends, by holder and name.
func recommendedBy(t *testing.T, plan string) map[string]*policy.Document {
	t.Helper()
	var got struct {
		Rewrites []struct {
			Instances []struct {
				Live              struct{ Name, Holder string }
				RecommendedPolicy jsontext.Value
				Verdict           string
			}
		}
	}
	if err := json.Unmarshal([]byte(plan), &got, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	out := map[string]*policy.Document{}
	for _, r := range got.Rewrites {
		for _, i := range r.Instances {
			doc, err := policy.Parse(i.Live.Name, i.RecommendedPolicy)
			if err != nil || i.Verdict != "proved" {
				t.Errorf("%s: %s, %v", i.Live.Name, i.Verdict, err)
			}
			out[strings.TrimPrefix(holderName(i.Live.Holder)+"/"+i.Live.Name, "/")] = doc
		}
	}
	return out
}

func holderName(arn string) string {
	parsed, err := policy.ParseARN(arn)
	if err != nil {
		return ""
	}
	return parsed.Name()
}

// updated are the addresses that a plan changes in place, if it changes nothing else and
// of them nothing but a policy.
func updated(t *testing.T, plan string) []string {
	t.Helper()
	var got struct {
		Changes []struct {
			Address, Mode string
			Change        struct {
				Actions       []string
				Before, After map[string]any
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(plan), &got, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range got.Changes {
		switch {
		case c.Mode == "data", slices.Equal(c.Change.Actions, []string{"no-op"}):
			continue
		case !slices.Equal(c.Change.Actions, []string{"update"}):
			t.Errorf("%s: %v", c.Address, c.Change.Actions)
		}
		for name, before := range c.Change.Before {
			if name != "policy" && name != "inline_policy" && !cmp.Equal(before, c.Change.After[name]) {
				t.Errorf("%s: %s changes too: %s", c.Address, name, cmp.Diff(before, c.Change.After[name]))
			}
		}
		out = append(out, c.Address)
	}
	slices.Sort(out)
	return out
}

// policiesIn are the policies of an account, by holder and name.
func policiesIn(t *testing.T, details string) map[string]*policy.Document {
	t.Helper()
	account, problems, err := inventory.Parse(inventory.Files{Details: []inventory.File{{Name: details, Bytes: []byte(readText(t, details))}}})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	out := map[string]*policy.Document{}
	for _, m := range account.Policies {
		out[m.Name] = m.Document
	}
	add := func(e *inventory.Entity) {
		for _, in := range e.Inline {
			out[e.Name+"/"+in.Name] = in.Document
		}
	}
	for _, r := range account.Roles {
		add(&r.Entity)
	}
	for _, u := range account.Users {
		add(&u.Entity)
	}
	for _, g := range account.Groups {
		add(&g.Entity)
	}
	return out
}
