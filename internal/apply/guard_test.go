package apply

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// somebody is a caller.
type somebody struct{ account, arn string }

func (s somebody) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: &s.account, Arn: &s.arn}, nil
}

// What is refused is refused before anything that writes is called.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	must(w.api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("stacked"), AssumeRolePolicyDocument: aws.String(trust), Tags: []types.Tag{{Key: aws.String("aws:cloudformation:stack-name"), Value: aws.String("web")}}}))(t)
	must(w.api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("formed"), AssumeRolePolicyDocument: aws.String(trust), Tags: []types.Tag{{Key: aws.String("ManagedBy"), Value: aws.String("Terraform")}}}))(t)
	must(w.api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("linked"), Path: aws.String("/aws-service-role/x.amazonaws.com/"), AssumeRolePolicyDocument: aws.String(trust)}))(t)
	must(w.api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("sso"), Path: aws.String("/aws-reserved/sso.amazonaws.com/"), AssumeRolePolicyDocument: aws.String(trust)}))(t)
	must(w.api.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("stackpolicy"), Path: aws.String("/team/"), PolicyDocument: aws.String(doc("s3:*")), Tags: []types.Tag{{Key: aws.String("terraform"), Value: aws.String("true")}}}))(t)
	put := func(role string) []change {
		return []change{{Inline{Entity{RoleEntity, role}, "x"}, withDocument(doc("s3:Get*"))}}
	}
	stale := w.plan(put("app"))
	stale.Steps[0].Actions[0].Expect = withDocument(doc("s3:*"))
	touching := w.plan(put("old"))
	touching.Steps[0].Affects = []string{"arn:aws:iam::" + account + ":role/admin"}
	for _, test := range []struct {
		name   string
		plan   *Plan
		caller Caller
		allow  []string
		want   string // "" is allowed
	}{
		{"a plan that is as it should be", w.plan(put("app")), nil, nil, ""},
		{"a policy that was changed", stale, nil, nil, "action aa: inline policy x of role app: somebody else changed it"},
		{"a stack's role", w.plan(put("stacked")), nil, nil, "role stacked: the CloudFormation stack web manages it"},
		{"a stack's role, allowed by name", w.plan(put("stacked")), nil, []string{"stacked"}, ""},
		{"a stack's role, another allowed", w.plan(put("stacked")), nil, []string{"formed"}, "role stacked: the CloudFormation"},
		{"Terraform's role", w.plan(put("formed")), nil, nil, "role formed: ManagedBy=Terraform manages it"},
		{"Terraform's policy", w.plan([]change{{Policy{policyARN("stackpolicy"), "stackpolicy", "/team/"}, withDocument(doc("s3:Get*"))}}), nil, nil, "policy stackpolicy: terraform=true manages it"},
		{"a service-linked role, allowed by name", w.plan(put("linked")), nil, []string{"linked"}, "role linked: it is a service-linked role"},
		{"Identity Center's role", w.plan(put("sso")), nil, nil, "role sso: IAM Identity Center made it"},
		{"another account", w.plan(put("app")), somebody{"999999999999", "arn:aws:iam::999999999999:user/x"}, nil, "credentials (arn:aws:iam::999999999999:user/x) are of account 999999999999"},
		{"the role it runs as", w.plan(put("old")), somebody{account, "arn:aws:sts::" + account + ":assumed-role/old/me"}, nil, "changes the access of the role old, as which pare runs"},
		{"a policy of the role it runs as", touching, somebody{account, "arn:aws:sts::" + account + ":assumed-role/admin/me"}, nil, "changes the access of the role admin"},
		{"another role than it runs as", w.plan(put("old")), somebody{account, "arn:aws:sts::" + account + ":assumed-role/other/old"}, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(w.s.Calls())
			r := runner(w.s.URL, http.DefaultTransport)
			r.AllowManaged = test.allow
			if test.caller != nil {
				r.Caller = test.caller
			}
			err := r.Check(ctx, test.plan)
			if _, conflict := errors.AsType[*Conflict](err); conflict != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			for _, call := range w.s.Calls()[before:] {
				if !strings.HasPrefix(call.Operation, "Get") && !strings.HasPrefix(call.Operation, "List") {
					t.Errorf("a check called %s", call.Operation)
				}
			}
		})
	}
}

func TestStale(t *testing.T) {
	made := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := &Plan{MadeAt: made}
	for _, test := range []struct {
		name string
		now  time.Time
		want string
	}{
		{"a day old", made.Add(24 * time.Hour), ""},
		{"older", made.Add(24*time.Hour + time.Second), "stale plan: it was made 2026-11-22T10:00:00Z"},
		{"clocks differ a little", made.Add(-time.Minute), ""},
		{"from the future", made.Add(-2 * time.Hour), "in the future"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := p.Stale(test.now, 24*time.Hour)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestManagedBy(t *testing.T) {
	for _, test := range []struct{ key, value, want string }{
		{"aws:cloudformation:stack-name", "web", "the CloudFormation stack web"},
		{"aws:cloudformation:stack-id", "arn", "CloudFormation"},
		{"managed-by", "terraform", "managed-by=terraform"},
		{"Managed_By", "OpenTofu", "Managed_By=OpenTofu"},
		{"ManagedBy", "the platform team", ""},
		{"terraform", "true", "terraform=true"},
		{"Terraform", "false", ""},
		{"terraform:workspace", "prod", "terraform:workspace=prod"},
		{"pulumi:project", "x", "pulumi:project=x"},
		{"team", "terraform", ""},
		{"sample", "yes", ""},
		{"CreatedBy", "CDK", "CreatedBy=CDK"},
	} {
		if got := managedBy(map[string]string{"Name": "x", test.key: test.value}); got != test.want {
			t.Errorf("%s=%s: got %q, want %q", test.key, test.value, got, test.want)
		}
	}
}

// A plan that comes back from its file is the same, and one with another document isn't read.
func TestPlanFiles(t *testing.T) {
	w := newWorld(t)
	var first strings.Builder
	if err := w.every().Write(&first); err != nil {
		t.Fatal(err)
	}
	p, err := ReadPlan("x.plan.json", []byte(first.String()))
	if err != nil {
		t.Fatal(err)
	}
	var second strings.Builder
	if err := p.Write(&second); err != nil || first.String() != second.String() {
		t.Errorf("it isn't the same: %v\n%s", err, second.String())
	}
	text := first.String()
	for _, test := range []struct{ name, src, want string }{
		{"an edited document", strings.Replace(text, "s3:GetObject", "s3:PutObject", 1), "the document was edited"},
		{"cut in half", text[:len(text)/2], "x.plan.json:"},
		{"no JSON", "plan", "x.plan.json:1: not JSON"},
		{"something else", `{"Version":"2012-10-17"}`, "schemaVersion 0: want 1"},
		{"of a later pare", strings.Replace(text, `"schemaVersion": 1`, `"schemaVersion": 2`, 1), "update pare"},
		{"a target of no kind", strings.Replace(text, `"kind": "roleTag"`, `"kind": "tag"`, 1), "want policy, attachment"},
		{"an attachment to nobody", strings.Replace(text, `"role": "app"`, `"x": "app"`, 1), "names 0 entities"},
		{"an id twice", strings.Replace(text, `"id": "ab"`, `"id": "aa"`, 1), "an id of its own"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := ReadPlan("x.plan.json", []byte(test.src)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	j := journal(t, p)
	if _, err := Create(j.Path, p, time.Now()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a journal that is there: %v", err)
	}
}

// A part is taken back, and the rest stays; and where somebody else changed something, the
// rest is taken back.
func TestPartialRollback(t *testing.T) {
	w := newWorld(t)
	plan, before := w.every(), w.state()
	r := runner(w.s.URL, http.DefaultTransport)
	j := journal(t, plan)
	if err := r.Apply(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	all := len(plan.Actions())
	for _, test := range []struct {
		name string
		sel  Selection
		want string // ids of the actions, the last first
	}{
		{"by the old policy's name", Selection{Policies: []string{"wide"}}, "ad ac ab"},
		{"by the new policy's ARN", Selection{Policies: []string{policyARN("wide-recommended")}}, "ad ac ab"},
		{"by an inline policy's name", Selection{Policies: []string{"junk"}}, "af"},
		{"by an IAM action that was taken away", Selection{Removed: []string{"EC2:runinstances"}}, "am al ak aj ah ag ae"},
		{"by an action and a policy", Selection{Removed: []string{"ec2:RunInstances"}, Policies: []string{"own"}}, "am al ak aj ae"},
		{"by ids of an action and a step", Selection{Actions: []string{"aa", "s4"}}, "af aa"},
		{"none", Selection{Policies: []string{"nothing"}}, "error"},
		{"an action that is none", Selection{Removed: []string{"s3:*"}}, "error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			results, err := j.Undoable(test.sel)
			var got []string
			for _, result := range results {
				got = append(got, result.Action.ID)
			}
			if err != nil {
				got = []string{"error"}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %v (%v), want %s", got, err, test.want)
			}
		})
	}
	if _, err := r.Rollback(t.Context(), j, Selection{Policies: []string{"wide"}}); err != nil {
		t.Fatal(err)
	}
	rest := *plan
	rest.Steps = append(append([]Step{}, plan.Steps[:1]...), plan.Steps[2:]...)
	differ(t, "a part taken back", before.planned(&rest), w.state())
	if err := r.Apply(t.Context(), j); err == nil || !strings.Contains(err.Error(), "being taken back") {
		t.Errorf("applied while it is taken back: %v", err)
	}

	must(w.api.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("app"), PolicyName: aws.String("own"), PolicyDocument: aws.String(doc("sqs:*"))}))(t)
	results, err := r.Rollback(t.Context(), j, Selection{})
	if _, conflict := errors.AsType[*Conflict](err); !conflict || !strings.Contains(err.Error(), "inline policy own of role app: somebody else changed it") {
		t.Fatalf("got %v", err)
	}
	if len(results) != all {
		t.Errorf("%d of %d results", len(results), all)
	}
	must(w.api.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("app"), PolicyName: aws.String("own"), PolicyDocument: aws.String(doc("ec2:Describe*"))}))(t)
	if _, err := r.Rollback(t.Context(), j, Selection{}); err != nil {
		t.Fatal(err)
	}
	differ(t, "all taken back", before.without(lostBy(plan)...), w.state())
	calls := len(w.s.Calls())
	if _, err := r.Rollback(t.Context(), j, Selection{}); err != nil {
		t.Fatal(err)
	}
	for _, call := range w.s.Calls()[calls:] {
		if !strings.HasPrefix(call.Operation, "Get") && !strings.HasPrefix(call.Operation, "List") {
			t.Errorf("taken back twice: %s", call.Operation)
		}
	}
}
