package apply

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pare-iam/pare/finding"
)

// What happened after the evidence was collected is noticed before anything is called, and
// again right before a step that comes later in a run.
func TestSince(t *testing.T) {
	for _, test := range []struct {
		name   string
		change []change
		kind   finding.Type
		happen func(*world)
		want   string // "" is allowed
	}{
		{"nothing happened", fullInPlace, finding.UnusedPermission, func(*world) {}, ""},
		{"a policy to narrow in place got to a role that wasn't asked", fullInPlace, finding.UnusedPermission, func(w *world) {
			w.role("late")
			w.attach("late", "full")
		}, "policy full: the role late has it too"},
		{"a policy to narrow in place got to a group with a user who wasn't asked", fullInPlace, finding.UnusedPermission, func(w *world) {
			must(w.api.AttachGroupPolicy(w.t.Context(), &iam.AttachGroupPolicyInput{GroupName: aws.String("devs"), PolicyArn: aws.String(policyARN("full"))}))(w.t)
			w.join("bob")
		}, "the user bob is in the group devs now"},
		{"a user joined the group whose policy is narrowed", []change{{Inline{devs, "own"}, withDocument(doc("ec2:Get*"))}}, finding.UnusedPermission,
			func(w *world) { w.join("bob") }, "the user bob is in the group devs now"},
		{"a policy to detach got other words", detachWide, finding.UnusedPermission, func(w *world) {
			must(w.api.CreatePolicyVersion(w.t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: aws.String(policyARN("wide")), PolicyDocument: aws.String(doc("s3:*", "sqs:SendMessage")), SetAsDefault: true}))(w.t)
		}, "policy wide on role app: somebody else changed the policy: its version v2"},
		{"a policy to detach got a version that isn't the default", detachWide, finding.UnusedPermission, func(w *world) {
			must(w.api.CreatePolicyVersion(w.t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: aws.String(policyARN("wide")), PolicyDocument: aws.String(doc("sqs:*"))}))(w.t)
		}, ""},
		{"a role that nobody used was used", []change{{Inline{app, QuarantinePolicy}, withDocument(quarantineDocument)}}, finding.UnusedIAMRole,
			func(w *world) { w.useRole("app") }, "role app: it was used "},
		{"another role was used", []change{{Inline{old, QuarantinePolicy}, withDocument(quarantineDocument)}}, finding.UnusedIAMRole, func(w *world) { w.useRole("app") }, ""},
		{"permissions go from a role that is used", []change{{Inline{app, "junk"}, Value{}}}, finding.UnusedPermission, func(w *world) { w.useRole("app") }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			plan := w.plan([]change{{Inline{gone, "own"}, Value{}}}, test.change)
			plan.UnusedSince = time.Now().Add(-time.Hour)
			step := &plan.Steps[1]
			step.Type = test.kind
			for i, a := range step.Actions {
				if at, ok := a.Target.(Attachment); ok {
					step.Actions[i].Expect = withDocument(must(readPolicy(t.Context(), w.api, Policy{ARN: at.Policy}))(t).Document)
				}
			}
			test.happen(w)
			r := runner(w.s.URL, http.DefaultTransport)
			for what, err := range map[string]error{"check": r.Check(t.Context(), plan), "apply": r.Apply(t.Context(), journal(t, plan))} {
				if _, conflict := errors.AsType[*Conflict](err); conflict != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: got %v, want %q", what, err, test.want)
				}
			}
		})
	}
}

var (
	fullInPlace = []change{{Policy{policyARN("full"), "full", "/team/"}, withDocument(doc("s3:Get3Small"))}}
	detachWide  = []change{{Attachment{app, policyARN("wide")}, Value{}}}
)

// The same for a user's key and password.
func TestSinceOfUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	active, inactive := w.credentials()
	user := sts.NewFromConfig(config(w.s.URL, http.DefaultTransport, active))
	must(user.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	for _, test := range []struct {
		name   string
		change change
		want   string
	}{
		{"the key that was used", change{AccessKey{"ann", active}, Value{There: true, Text: keyInactive}}, "it was used "},
		{"the one that wasn't", change{AccessKey{"ann", inactive}, Value{}}, ""},
		{"the password", change{Password{"ann"}, Value{}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := w.plan([]change{test.change})
			plan.UnusedSince = time.Now().Add(-time.Hour)
			err := runner(w.s.URL, http.DefaultTransport).Check(t.Context(), plan)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	if got := used(Password{"ann"}, &day, day.Add(-time.Second)); !strings.Contains(got, "password of user ann: it was used 2026-11-20") {
		t.Errorf("got %q", got)
	}
	if got := used(Password{"ann"}, &day, day); got != "" {
		t.Errorf("used right before the window began: %q", got)
	}
}

func (w *world) role(name string) {
	w.t.Helper()
	must(w.api.CreateRole(w.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)}))(w.t)
}

func (w *world) attach(role, policy string) {
	w.t.Helper()
	must(w.api.AttachRolePolicy(w.t.Context(), &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: aws.String(policyARN(policy))}))(w.t)
}

func (w *world) join(user string) {
	w.t.Helper()
	must(w.api.CreateUser(w.t.Context(), &iam.CreateUserInput{UserName: &user}))(w.t)
	must(w.api.AddUserToGroup(w.t.Context(), &iam.AddUserToGroupInput{GroupName: aws.String("devs"), UserName: &user}))(w.t)
}

// useRole makes a call with a session of a role.
func (w *world) useRole(name string) {
	w.t.Helper()
	out := must(sts.NewFromConfig(config(w.s.URL, http.DefaultTransport, "AKIATESTTESTTESTTEST")).AssumeRole(w.t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(principal("role/service/" + name)), RoleSessionName: aws.String("me"),
	}))(w.t)
	cfg := config(w.s.URL, http.DefaultTransport, *out.Credentials.AccessKeyId)
	must(iam.NewFromConfig(cfg).ListRoles(w.t.Context(), &iam.ListRolesInput{}))(w.t)
}
