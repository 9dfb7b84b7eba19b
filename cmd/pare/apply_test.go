package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/internal/awstest"
)

// applying is an account on moto, the command's environment, and a folder to work in.
type applying struct {
	*testing.T
	s   *awstest.Server
	dir string
}

const assumeByEC2 = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func allowing(actions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`
}

// newApplying makes an account 200 days ago: the role app uses some of what it has, idle is a role
// that nobody uses, ann has an unused key and password.
func newApplying(t *testing.T) *applying {
	t.Helper()
	const days = 24 * time.Hour
	used := awstest.Use{At: time.Now().Add(-10 * days), Region: "us-east-1"}
	s := awstest.Start(t, awstest.Options{Ago: 200 * days, LastAccessed: func(arn string) ([]awstest.Service, bool) {
		if !strings.Contains(arn, "app") && !strings.Contains(arn, "twin") {
			return nil, true
		}
		return []awstest.Service{
			{Namespace: "s3", Used: used, Actions: []awstest.Action{{Name: "GetBucketAcl", Used: used}, {Name: "GetBucketCORS"}, {Name: "GetBucketPolicy"}}},
			{Namespace: "sns"}, {Namespace: "sqs"},
		}, true
	}})
	a := &applying{t, s, t.TempDir()}
	a.account()
	s.SetAgo(0)
	a.environment()
	a.ok("collect", "--out", a.path("data"), "--quiet")
	a.replace(a.path("data/authorization-details.json"), `"AttachmentCount":`, `"PermissionsBoundaryUsageCount": 0, "AttachmentCount":`) // which moto leaves out
	return a
}

// environment has the command call the server.
func (a *applying) environment() {
	a.Setenv("PARE_CACHE_DIR", filepath.Join(a.dir, "cache"))
	for _, line := range a.s.Environment() {
		name, value, _ := strings.Cut(line, "=")
		if strings.HasPrefix(name, "AWS_") {
			a.Setenv(name, value)
		}
	}
}

// replace changes a text in a file, everywhere.
func (a *applying) replace(path, old, next string) {
	a.Helper()
	src, err := os.ReadFile(path)
	if err == nil && !bytes.Contains(src, []byte(old)) {
		a.Fatalf("%s: no %q in it", path, old)
	}
	if err == nil {
		err = os.WriteFile(path, bytes.ReplaceAll(src, []byte(old), []byte(next)), 0o600)
	}
	if err != nil {
		a.Fatal(err)
	}
}

func (a *applying) path(name string) string { return filepath.Join(a.dir, name) }

func (a *applying) account() {
	set := func(operation string, params ...string) awstest.Answer {
		return a.s.SetUp(awstest.Key{}, "iam", operation, params...)
	}
	for _, p := range []struct{ name, document string }{
		{"Shared", allowing(`"s3:GetBucketAcl","s3:GetBucketCORS"`)}, {"Queues", allowing(`"sqs:*"`)},
	} {
		set("CreatePolicy", "PolicyName", p.name, "PolicyDocument", p.document)
	}
	for _, role := range []string{"app", "twin", "idle", "stacked"} {
		params := []string{"RoleName", role, "AssumeRolePolicyDocument", assumeByEC2}
		if role == "stacked" {
			params = append(params, "Tags.member.1.Key", "ManagedBy", "Tags.member.1.Value", "terraform")
		}
		set("CreateRole", params...)
	}
	const arn = "arn:aws:iam::123456789012:policy/"
	set("PutRolePolicy", "RoleName", "app", "PolicyName", "Own", "PolicyDocument", allowing(`"s3:GetBucketAcl","s3:GetBucketPolicy","sns:*"`))
	set("AttachRolePolicy", "RoleName", "app", "PolicyArn", arn+"Shared")
	set("AttachRolePolicy", "RoleName", "app", "PolicyArn", arn+"Queues")
	set("AttachRolePolicy", "RoleName", "twin", "PolicyArn", arn+"Shared")
	set("CreateUser", "UserName", "ann")
	set("CreateAccessKey", "UserName", "ann")
	set("CreateLoginProfile", "UserName", "ann", "Password", "Correct-horse-1")
}

// run runs the command and returns its output and exit code.
func (a *applying) run(args ...string) (stdout, stderr string, exit int) {
	var out, errs bytes.Buffer
	err := run(context.Background(), args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), exitCode(err, false)
}

func (a *applying) ok(args ...string) string {
	a.Helper()
	out, errs, code := a.run(args...)
	if code != exitOK && code != exitPartial {
		a.Fatalf("%v: exit code %d\n%s%s", args, code, out, errs)
	}
	return out
}

func (a *applying) refused(want string, args ...string) {
	a.Helper()
	_, errs, code := a.run(args...)
	if code != exitRefused || !strings.Contains(errs, want) {
		a.Errorf("%v: exit code %d, want %d and %q\n%s", args, code, exitRefused, want, errs)
	}
}

// writes are the operations after the first n calls that aren't of a kind that reads.
func (a *applying) writes(n int) []string {
	var out []string
	for _, call := range a.s.Calls()[n:] {
		reads := false
		for _, prefix := range []string{"Get", "List", "Generate", "Describe", "Lookup", "GET ", "HEAD ", "AssumeRole"} {
			reads = reads || strings.HasPrefix(call.Operation, prefix)
		}
		if !reads {
			out = append(out, call.Operation)
		}
	}
	return out
}

// state is what the account's roles, users and policies are now, without ids of versions
// and dates; order is AWS's.
func (a *applying) state() string {
	a.Helper()
	get := func(operation string, params ...string) string {
		return string(a.s.SetUp(awstest.Key{}, "iam", operation, params...))
	}
	all := get("GetAccountAuthorizationDetails") + get("ListAccessKeys", "UserName", "ann")
	var lines []string
	for part := range strings.SplitSeq(all, "<") {
		switch name, _, _ := strings.Cut(part, ">"); name {
		case "CreateDate", "UpdateDate", "VersionId", "DefaultVersionId", "RequestId", "LastUsedDate", "/LastUsedDate", "RoleLastUsed", "RoleLastUsed/", "/RoleLastUsed":
		default:
			lines = append(lines, part)
		}
	}
	return strings.Join(lines, "\n")
}

// steps are the plan's, by their titles.
func (a *applying) steps(path string) []string {
	a.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		a.Fatal(err)
	}
	p, err := apply.ReadPlan(path, src)
	if err != nil {
		a.Fatal(err)
	}
	var out []string
	for _, s := range p.Steps {
		out = append(out, s.Title)
	}
	return out
}

// An account is collected, analyzed, changed and taken back by the commands that users give.
func TestApplyByCommand(t *testing.T) {
	a := newApplying(t)
	plan, journal := a.path("all.plan.json"), a.path("all.journal.jsonl")
	began := len(a.s.Calls())

	text, errs, code := a.run("apply", "--data", a.path("data"))
	if code != exitRefused || !strings.Contains(text, "left as it is") || !strings.Contains(errs, "something else manages some of it") {
		t.Errorf("exit code %d\n%s%s", code, text, errs)
	}
	a.refused("manages", "apply", "--data", a.path("data"), "--copy", "--plan", plan)
	key, _, _ := strings.Cut(strings.SplitAfter(a.state(), "AccessKeyId>")[1], "\n")
	want := []string{
		"role app: detach the policy Queues",
		"role app: Shared-recommended in place of the customer managed policy Shared",
		"role app: narrow the inline policy Own",
		"put the role idle into quarantine",
		"role twin: Shared-recommended in place of the customer managed policy Shared",
		"deactivate the access key " + key + " of user ann",
	}
	if diff := cmp.Diff(want, a.steps(plan)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	a.ok("apply", plan)
	if calls := a.s.Calls()[began:]; len(calls) > 0 {
		t.Fatalf("a dry run called %v", calls)
	}

	before := a.state()
	a.refused("stale plan", "apply", plan, "--yes", "--settle", "0s", "--max-age", "1ns")
	out := a.ok("apply", plan, "--yes", "--settle", "0s")
	if strings.Count(out, " applied ") != 10 {
		t.Errorf("not 10 actions applied:\n%s", out)
	}
	after := a.state()
	if after == before {
		t.Error("nothing was applied")
	}
	a.refused("this plan was applied, or begun", "apply", plan, "--yes", "--settle", "0s")
	a.ok("apply", "--resume", journal)
	if a.state() != after {
		t.Error("resuming what is finished changed something")
	}
	a.ok("rollback", journal, "--dry-run")
	if a.state() != after {
		t.Error("a dry run changed something")
	}
	a.ok("rollback", journal, "--policy", "Own", "--action", "s3:GetBucketPolicy", "--settle", "0s")
	a.ok("rollback", journal, "--settle", "0s")
	if diff := cmp.Diff(before, a.state()); diff != "" {
		t.Errorf("taken back: -want +got\n%s", diff)
	}
}

// Choices of what to plan, and plans that don't fit any more.
func TestApplyChoices(t *testing.T) {
	a := newApplying(t)
	data := a.path("data")
	for i, test := range []struct {
		name string
		args string
		want []string
	}{
		{"one role", "--principal app", []string{"role app: detach the policy Queues", "role app: Shared-recommended in place of the customer managed policy Shared", "role app: narrow the inline policy Own"}},
		{"two roles with copies", "--copy --principal app --principal twin", []string{"role app: detach the policy Queues", "role app: Shared-recommended in place of the customer managed policy Shared", "role app: narrow the inline policy Own", "role twin: Shared-recommended in place of the customer managed policy Shared"}},
		{"in place, once for both who have it", "--principal app --principal twin", []string{"role app: detach the policy Queues", "narrow the policy Shared for all who have it", "role app: narrow the inline policy Own"}},
		{"in place for another, too", "--in-place --principal app", []string{"role app: detach the policy Queues", "narrow the policy Shared for all who have it", "role app: narrow the inline policy Own"}},
		{"by tag", "--tag managedby=terraform --allow-managed stacked", []string{"put the role stacked into quarantine"}},
		{"by an ARN", "--principal arn:aws:iam::123456789012:role/idle", []string{"put the role idle into quarantine"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := a.path(test.name[:3] + string(rune('0'+i)) + ".plan.json")
			a.ok(append([]string{"apply", "--data", data, "--plan", plan}, strings.Fields(test.args)...)...)
			if diff := cmp.Diff(test.want, a.steps(plan)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	t.Run("a key", func(t *testing.T) {
		out, _, _ := a.run("apply", "--data", data, "--principal", "ann", "--any-policy-age")
		if !strings.Contains(out, "deactivate the access key") {
			t.Errorf("no key in\n%s", out)
		}
	})
	t.Run("in place there and back", func(t *testing.T) {
		plan := a.path("place.plan.json")
		a.ok("apply", "--data", data, "--in-place", "--principal", "twin", "--plan", plan)
		before := a.state()
		a.ok("apply", plan, "--yes", "--settle", "0s")
		if a.state() == before {
			t.Error("nothing was applied")
		}
		a.ok("rollback", a.path("place.journal.jsonl"), "--settle", "0s")
		if diff := cmp.Diff(before, a.state()); diff != "" {
			t.Errorf("taken back: -want +got\n%s", diff)
		}
	})
	t.Run("a policy changed since", func(t *testing.T) {
		plan := a.path("changed.plan.json")
		a.ok("apply", "--data", data, "--principal", "app", "--plan", plan)
		a.s.SetUp(awstest.Key{}, "iam", "PutRolePolicy", "RoleName", "app", "PolicyName", "Own", "PolicyDocument", allowing(`"s3:*"`))
		n := len(a.s.Calls())
		a.refused("inline policy Own of role app: somebody else changed it", "apply", plan, "--yes", "--settle", "0s")
		if wrote := a.writes(n); wrote != nil {
			t.Errorf("it was refused, and wrote %v", wrote)
		}
		if _, err := os.Stat(a.path("changed.journal.jsonl")); err == nil {
			t.Error("a journal of nothing is left")
		}
	})
	t.Run("an edited plan", func(t *testing.T) {
		plan := a.path("changed.plan.json")
		a.replace(plan, "s3:GetBucketAcl", "s3:PutBucketAcl")
		a.refused("the document was edited", "apply", plan, "--yes", "--settle", "0s")
	})
	t.Run("two at once", func(t *testing.T) {
		plan := a.path("lock.plan.json")
		a.ok("apply", "--data", data, "--principal", "idle", "--plan", plan)
		unlock, err := lockAccount("123456789012")
		if err != nil {
			t.Fatal(err)
		}
		a.refused("another apply or rollback is running", "apply", plan, "--yes", "--settle", "0s")
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
		out := a.ok("apply", plan, "--yes", "--settle", "0s", "-o", "json")
		var got struct{ Actions []struct{ Outcome string } }
		if err := json.Unmarshal([]byte(out), &got, json.MatchCaseInsensitiveNames(true)); err != nil || len(got.Actions) != 2 || got.Actions[0].Outcome != "applied" {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// What stands in the way is refused with exit code 4 before anything is written, and said
// with what to do.
func TestApplyRefusals(t *testing.T) {
	a := newApplying(t)
	data := a.path("data")
	plan := func(name string, args ...string) string {
		a.Helper()
		path := a.path(name + ".plan.json")
		a.ok(append([]string{"apply", "--data", data, "--plan", path}, args...)...)
		return path
	}
	never := func(want string, args ...string) {
		a.Helper()
		n, before := len(a.s.Calls()), a.state()
		a.refused(want, args...)
		if wrote := a.writes(n); wrote != nil {
			t.Errorf("%s: it wrote %v", want, wrote)
		}
		if diff := cmp.Diff(before, a.state()); diff != "" {
			t.Errorf("%s: -want +got\n%s", want, diff)
		}
	}
	twin := plan("twin", "--principal", "twin")
	t.Run("without credentials", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		n := len(a.s.Calls())
		_, errs, code := a.run("apply", twin, "--yes")
		if code != exitError || !strings.HasPrefix(errs, "no AWS credentials: ") || !strings.Contains(errs, "\nhint: log in (") || len(a.s.Calls()) != n {
			t.Errorf("exit code %d, %d calls\n%s", code, len(a.s.Calls())-n, errs)
		}
	})
	t.Run("as the role that it changes", func(t *testing.T) {
		session := a.s.SetUp(awstest.Key{}, "sts", "AssumeRole", "RoleArn", "arn:aws:iam::123456789012:role/twin", "RoleSessionName", "me")
		for name, part := range map[string]string{"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey", "AWS_SESSION_TOKEN": "SessionToken"} {
			t.Setenv(name, session.Text(part))
		}
		never("changes the access of the role twin, as which pare runs", "apply", twin, "--yes")
	})
	t.Run("an unused role that is used by now", func(t *testing.T) {
		idle := plan("idle", "--principal", "idle")
		session := a.s.SetUp(awstest.Key{}, "sts", "AssumeRole", "RoleArn", "arn:aws:iam::123456789012:role/idle", "RoleSessionName", "me")
		a.s.SetUp(awstest.Key{ID: session.Text("AccessKeyId"), Session: session.Text("SessionToken")}, "iam", "ListRoles")
		never("role idle: it was used", "apply", idle, "--yes")
	})
	t.Run("a policy in place that somebody else got", func(t *testing.T) {
		place := plan("place", "--principal", "twin", "--in-place")
		a.s.SetUp(awstest.Key{}, "iam", "AttachRolePolicy", "RoleName", "idle", "PolicyArn", "arn:aws:iam::123456789012:policy/Shared")
		never("policy Shared: the role idle has it too, and wasn't asked", "apply", place, "--yes")
		a.s.SetUp(awstest.Key{}, "iam", "DetachRolePolicy", "RoleName", "idle", "PolicyArn", "arn:aws:iam::123456789012:policy/Shared")
	})
	t.Run("a policy to detach that was changed", func(t *testing.T) {
		const arn = "arn:aws:iam::123456789012:policy/Shared"
		a.s.SetUp(awstest.Key{}, "iam", "CreatePolicyVersion", "PolicyArn", arn, "PolicyDocument", allowing(`"s3:*"`), "SetAsDefault", "true")
		never("policy Shared on role twin: somebody else changed the policy: its version v2", "apply", twin, "--yes")
		a.s.SetUp(awstest.Key{}, "iam", "SetDefaultPolicyVersion", "PolicyArn", arn, "VersionId", "v1")
	})
	t.Run("no room for one more policy", func(t *testing.T) {
		for i := range 9 {
			name := "Extra" + string(rune('0'+i))
			a.s.SetUp(awstest.Key{}, "iam", "CreatePolicy", "PolicyName", name, "PolicyDocument", allowing(`"kms:Decrypt"`))
			a.s.SetUp(awstest.Key{}, "iam", "AttachRolePolicy", "RoleName", "twin", "PolicyArn", "arn:aws:iam::123456789012:policy/"+name)
		}
		full := a.path("full")
		a.ok("collect", "--out", full, "--quiet")
		a.replace(full+"/authorization-details.json", `"AttachmentCount":`, `"PermissionsBoundaryUsageCount": 0, "AttachmentCount":`)
		out := a.ok("apply", "--data", full, "--principal", "twin")
		if !strings.Contains(out, "role twin: policy Shared: no room: role twin has 10 managed policies of 10") || !strings.Contains(out, "0 steps") {
			t.Errorf("got\n%s", out)
		}
		for _, way := range []string{"--attach-quota=11", "--in-place"} {
			if out := a.ok("apply", "--data", full, "--principal", "twin", way); !strings.Contains(out, "1 steps") {
				t.Errorf("%s:\n%s", way, out)
			}
		}
	})
	t.Run("Terraform has the policy", func(t *testing.T) {
		a.s.SetUp(awstest.Key{}, "iam", "TagPolicy", "PolicyArn", "arn:aws:iam::123456789012:policy/Shared", "Tags.member.1.Key", "terraform", "Tags.member.1.Value", "true")
		never("policy Shared: terraform=true manages it", "apply", twin, "--yes")
		a.ok("apply", twin, "--yes", "--allow-managed", "Shared", "--settle", "0s")
	})
}

// A journal that was cut off is gone on with; one that is in use isn't; and what is left of
// an old plan isn't begun.
func TestApplyJournals(t *testing.T) {
	a := newApplying(t)
	plan, journal := a.path("x.plan.json"), a.path("x.journal.jsonl")
	a.ok("apply", "--data", a.path("data"), "--principal", "idle", "--principal", "app", "--plan", plan)
	before := a.state()
	a.ok("apply", plan, "--yes", "--settle", "0s")
	after := a.state()
	a.ok("rollback", journal, "--settle", "0s")
	src, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(src, []byte("\n"))
	cut := bytes.Join(append(lines[:3:3], lines[3][:len(lines[3])/2]), nil) // the plan, the beginning, a call that is not made, half a line
	write := func(src []byte) {
		a.Helper()
		if err := os.WriteFile(journal, src, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write(lines[0][:100])
	if _, errs, code := a.run("apply", "--resume", journal); code != exitError || !strings.Contains(errs, "no whole line in it: nothing was called; remove it") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	write(cut)
	a.refused("stale plan", "apply", "--resume", journal, "--max-age", "1ns")
	held, err := apply.Open(journal)
	if err != nil {
		t.Fatal(err)
	}
	a.refused("another apply or rollback is running with this journal", "apply", "--resume", journal)
	a.refused("another apply or rollback is running with this journal", "rollback", journal)
	a.ok("rollback", journal, "--dry-run")
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if a.state() != before {
		t.Error("something was changed")
	}
	write(cut)
	a.ok("apply", "--resume", journal, "--settle", "0s")
	if diff := cmp.Diff(after, a.state()); diff != "" {
		t.Errorf("resumed: -want +got\n%s", diff)
	}
	a.ok("rollback", journal, "--settle", "0s")
	if diff := cmp.Diff(before, a.state()); diff != "" {
		t.Errorf("taken back: -want +got\n%s", diff)
	}
	a.refused("to apply it again, make a plan anew", "apply", "--resume", journal)
}

func TestApplyUsage(t *testing.T) {
	a := &applying{T: t}
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"apply", exitUsage, "want one of --data DIR"},
		{"apply x.plan.json --data y", exitUsage, "want one of --data DIR"},
		{"apply --data x --yes", exitUsage, "--yes wants a plan"},
		{"apply x.json --plan y", exitUsage, "--plan writes a plan"},
		{"apply nothing.plan.json --yes", exitError, "nothing.plan.json: no such file"},
		{"apply --resume nothing.jsonl", exitError, "nothing.jsonl: no such file"},
		{"apply a b", exitUsage, "arg(s)"},
		{"rollback", exitUsage, "arg(s)"},
		{"rollback nothing.jsonl", exitError, "nothing.jsonl: no such file"},
		{"rollback x -o xml", exitUsage, "-o xml"},
	} {
		_, errs, code := a.run(strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(errs, test.want) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s", test.args, code, test.code, test.want, errs)
		}
	}
}
