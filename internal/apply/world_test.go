package apply

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/awstest"
)

const account = "123456789012"

// config is for calls of the server at a URL with an access key.
func config(url string, transport http.RoundTripper, key string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &url, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
	}
}

// clients calls the server at a URL.
func clients(url string, transport http.RoundTripper) (*iam.Client, *sts.Client) {
	cfg := config(url, transport, "AKIATESTTESTTESTTEST")
	return iam.NewFromConfig(cfg), sts.NewFromConfig(cfg)
}

// runner is one whose waits take no time.
func runner(url string, transport http.RoundTripper) *Runner {
	api, caller := clients(url, transport)
	return &Runner{
		IAM: api, Caller: caller, Now: func() time.Time { return time.Now().UTC() },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// world is an account on a server of its own.
type world struct {
	t   *testing.T
	s   *awstest.Server
	api *iam.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, awstest.Options{})
}

func newWorldWith(t *testing.T, o awstest.Options) *world {
	t.Helper()
	s := awstest.Start(t, o)
	api, _ := clients(s.URL, http.DefaultTransport)
	w := &world{t, s, api}
	w.populate()
	return w
}

// wholeWorld has AWS's own policies too, of which the role app has one.
func wholeWorld(t *testing.T) *world {
	t.Helper()
	w := newWorldWith(t, awstest.Options{ManagedPolicies: true})
	must(w.api.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("app"), PolicyArn: aws.String(awsPolicy)}))(t)
	return w
}

const awsPolicy = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"

func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// doc is a policy that allows some actions, as somebody writes it: with blanks.
func doc(actions ...string) string {
	return "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [ {\"Effect\": \"Allow\", \"Action\": [\"" + strings.Join(actions, `", "`) + "\"], \"Resource\": \"*\"} ]\n}"
}

const trust = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`

func policyARN(name string) string { return "arn:aws:iam::" + account + ":policy/team/" + name }

func (w *world) policy(name, document string) {
	w.t.Helper()
	must(w.api.CreatePolicy(w.t.Context(), &iam.CreatePolicyInput{PolicyName: &name, Path: aws.String("/team/"), PolicyDocument: &document}))(w.t)
}

// populate makes roles, a user and a group with policies of all kinds; the policy full has
// five versions, of which the third is the default.
func (w *world) populate() {
	w.t.Helper()
	t, ctx, api := w.t, w.t.Context(), w.api
	w.policy("full", doc("s3:Get1"))
	for _, a := range []string{"s3:Get2", "s3:Get3", "s3:Get4", "s3:Get5"} {
		must(api.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: aws.String(policyARN("full")), PolicyDocument: aws.String(doc(a)), SetAsDefault: a == "s3:Get3"}))(t)
	}
	w.policy("wide", doc("s3:*"))
	w.policy("idle", doc("sqs:*"))
	for name, attachments := range map[string]int{"app": 3, "old": 3, "gone": 1} {
		must(api.CreateRole(ctx, &iam.CreateRoleInput{
			RoleName: &name, Path: aws.String("/service/"), AssumeRolePolicyDocument: aws.String(trust), Description: aws.String("the " + name),
			MaxSessionDuration: aws.Int32(7200), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
		}))(t)
		must(api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("own"), PolicyDocument: aws.String(doc("ec2:Describe*", "ec2:RunInstances"))}))(t)
		if attachments > 1 {
			must(api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("junk"), PolicyDocument: aws.String(doc("sns:*"))}))(t)
		}
		for _, p := range []string{"full", "wide", "idle"}[:attachments] {
			must(api.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String(policyARN(p))}))(t)
		}
	}
	must(api.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("machines")}))(t)
	must(api.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("machines"), RoleName: aws.String("gone")}))(t)
	must(api.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}))(t)
	must(api.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("devs")}))(t)
	must(api.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("devs"), UserName: aws.String("ann")}))(t)
	must(api.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("own"), PolicyDocument: aws.String(doc("ec2:*"))}))(t)
	must(api.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: aws.String("devs"), PolicyName: aws.String("own"), PolicyDocument: aws.String(doc("ec2:*"))}))(t)
	must(api.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("ann"), PolicyArn: aws.String(policyARN("wide"))}))(t)
	must(api.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("devs"), PolicyArn: aws.String(policyARN("wide"))}))(t)
}

// credentials gives ann a password and two keys, one of them inactive, and no others.
func (w *world) credentials() (active, inactive string) {
	w.t.Helper()
	t, ctx, api, ann := w.t, w.t.Context(), w.api, aws.String("ann")
	for _, k := range must(api.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: ann}))(t).AccessKeyMetadata {
		must(api.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ann, AccessKeyId: k.AccessKeyId}))(t)
	}
	if _, err := api.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: ann}); code(err) == "NoSuchEntity" {
		must(api.CreateLoginProfile(ctx, &iam.CreateLoginProfileInput{UserName: ann, Password: aws.String("Correct-horse-1")}))(t)
	}
	active = *must(api.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: ann}))(t).AccessKey.AccessKeyId
	inactive = *must(api.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: ann}))(t).AccessKey.AccessKeyId
	must(api.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: ann, AccessKeyId: &inactive, Status: types.StatusTypeInactive}))(t)
	return active, inactive
}

// change is a target and what to leave there.
type change struct {
	target Target
	leave  Value
}

// plan is a plan of these steps, made from what is there now.
func (w *world) plan(steps ...[]change) *Plan {
	w.t.Helper()
	p := &Plan{SchemaVersion: Schema, Account: account, Partition: "aws", MadeAt: time.Now().UTC()}
	n := 0
	for i, changes := range steps {
		s := Step{ID: "s" + strconv.Itoa(i+1), Type: finding.UnusedPermission, Title: "step", Principal: principal("role/service/app"), Affects: everybody}
		for _, c := range changes {
			n++
			live := must(read(w.t.Context(), w.api, c.target))(w.t)
			live.Others, live.Role = nil, nil
			s.Actions = append(s.Actions, Action{"a" + string(rune('a'+n-1)), c.target, live, c.leave})
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

func principal(id string) string { return "arn:aws:iam::" + account + ":" + id }

var (
	everybody = []string{principal("role/service/app"), principal("role/service/gone"), principal("role/service/old"), principal("user/ann")}

	app  = Entity{RoleEntity, "app"}
	old  = Entity{RoleEntity, "old"}
	gone = Entity{RoleEntity, "gone"}
	ann  = Entity{UserEntity, "ann"}
	devs = Entity{GroupEntity, "devs"}

	there = Value{There: true}
)

// every is a plan with every kind of target, and every way a target can go.
func (w *world) every() *Plan {
	w.t.Helper()
	return w.plan(w.steps()...)
}

func (w *world) steps() [][]change {
	w.t.Helper()
	active, inactive := w.credentials()
	narrow := withDocument(doc("s3:GetObject"))
	return [][]change{
		{{Policy{policyARN("full"), "full", "/team/"}, withDocument(doc("s3:Get3Small"))}},
		{
			{Policy{policyARN("wide-recommended"), "wide-recommended", "/team/"}, narrow},
			{Attachment{app, policyARN("wide-recommended")}, there},
			{Attachment{app, policyARN("wide")}, Value{}},
		},
		{{Inline{app, "own"}, withDocument(doc("ec2:Describe*"))}},
		{{Inline{app, "junk"}, Value{}}},
		{{Inline{old, QuarantinePolicy}, withDocument(quarantineDocument)}, {RoleTag{"old", QuarantineTag}, Value{There: true, Text: "2026-11-23"}}},
		{{AccessKey{"ann", active}, Value{There: true, Text: keyInactive}}},
		{
			{ProfileRole{"machines", "gone"}, Value{}}, {Attachment{gone, policyARN("full")}, Value{}}, {Inline{gone, "own"}, Value{}}, {Role{"gone"}, Value{}},
		},
		{{AccessKey{"ann", inactive}, Value{}}, {Password{"ann"}, Value{}}},
	}
}

// whole is every, and what a wholeWorld has besides: a group's policy, an inline policy that
// becomes a managed one, one of AWS's, a policy that is only detached.
func (w *world) whole() *Plan {
	w.t.Helper()
	return w.plan(w.wholeSteps()...)
}

func (w *world) wholeSteps() [][]change {
	w.t.Helper()
	swap := func(name string, of Entity, old Target) []change {
		return []change{{Policy{policyARN(name), name, "/team/"}, withDocument(doc("s3:GetObject"))}, {Attachment{of, policyARN(name)}, there}, {old, Value{}}}
	}
	return append(w.steps(),
		swap("aws-recommended", app, Attachment{app, awsPolicy}),
		swap("own-recommended", ann, Inline{ann, "own"}),
		[]change{{Inline{devs, "own"}, withDocument(doc("ec2:Get*"))}},
		[]change{{Attachment{app, policyARN("idle")}, Value{}}},
	)
}

// others is a plan about a user and a group.
func (w *world) others() *Plan {
	w.t.Helper()
	return w.plan(
		[]change{
			{Policy{policyARN("wide-recommended"), "wide-recommended", "/team/"}, withDocument(doc("s3:GetObject"))},
			{Attachment{ann, policyARN("wide-recommended")}, there}, {Attachment{ann, policyARN("wide")}, Value{}},
			{Attachment{devs, policyARN("wide-recommended")}, there}, {Attachment{devs, policyARN("wide")}, Value{}},
		},
		[]change{{Inline{ann, "own"}, Value{}}, {Inline{ann, "new"}, withDocument(doc("ec2:Get*"))}},
		[]change{{Inline{devs, "own"}, withDocument(doc("ec2:Get*"))}, {Inline{devs, "new"}, withDocument(doc("ec2:List*"))}},
	)
}

// entityState and the types below are what an account has, without what AWS chooses: ids of
// versions and of roles that were deleted, and dates.
type (
	entityState struct {
		Name, Path, Trust, Boundary string
		Inline, Tags                map[string]string
		Attached, More              []string // groups, instance profiles, keys, a password
	}
	policyState struct {
		Name, Path, Default string
		Others              []string // the oldest first; their order isn't compared
		Attachments         int32
	}
	accountState struct {
		Entities []entityState
		Policies []policyState
	}
)

// state reads the whole of it.
func (w *world) state() accountState {
	w.t.Helper()
	d := must(w.api.GetAccountAuthorizationDetails(w.t.Context(), &iam.GetAccountAuthorizationDetailsInput{
		Filter: []types.EntityType{types.EntityTypeUser, types.EntityTypeRole, types.EntityTypeGroup, types.EntityTypeLocalManagedPolicy},
	}))(w.t)
	if d.IsTruncated {
		w.t.Fatal("more than one page")
	}
	var out accountState
	for _, r := range d.RoleDetailList {
		e := entityState{Name: "role " + *r.RoleName, Path: aws.ToString(r.Path), Trust: digest(plain(r.AssumeRolePolicyDocument)), Inline: inlines(r.RolePolicyList), Tags: tagsOf(r.Tags), Attached: attachedTo(r.AttachedManagedPolicies)}
		if *r.RoleName == gone.Name { // what is made anew needs what the details don't have
			got := must(w.api.GetRole(w.t.Context(), &iam.GetRoleInput{RoleName: r.RoleName}))(w.t).Role
			e.More = append(e.More, aws.ToString(got.Description), (time.Duration(aws.ToInt32(got.MaxSessionDuration)) * time.Second).String())
		}
		for _, p := range r.InstanceProfileList {
			e.More = append(e.More, "in "+*p.InstanceProfileName)
		}
		out.Entities = append(out.Entities, e)
	}
	for _, u := range d.UserDetailList {
		e := entityState{Name: "user " + *u.UserName, Path: aws.ToString(u.Path), Inline: inlines(u.UserPolicyList), Tags: tagsOf(u.Tags), Attached: attachedTo(u.AttachedManagedPolicies), More: u.GroupList}
		for _, k := range must(w.api.ListAccessKeys(w.t.Context(), &iam.ListAccessKeysInput{UserName: u.UserName}))(w.t).AccessKeyMetadata {
			e.More = append(e.More, *k.AccessKeyId+" "+string(k.Status))
		}
		if _, err := w.api.GetLoginProfile(w.t.Context(), &iam.GetLoginProfileInput{UserName: u.UserName}); err == nil {
			e.More = append(e.More, "password")
		}
		slices.Sort(e.More)
		out.Entities = append(out.Entities, e)
	}
	for _, g := range d.GroupDetailList {
		out.Entities = append(out.Entities, entityState{Name: "group " + *g.GroupName, Path: aws.ToString(g.Path), Inline: inlines(g.GroupPolicyList), Attached: attachedTo(g.AttachedManagedPolicies)})
	}
	for _, p := range d.Policies {
		s := policyState{Name: lastName(aws.ToString(p.Arn)), Path: aws.ToString(p.Path), Attachments: aws.ToInt32(p.AttachmentCount)}
		slices.SortFunc(p.PolicyVersionList, func(a, b types.PolicyVersion) int { return number(*a.VersionId) - number(*b.VersionId) })
		for _, v := range p.PolicyVersionList {
			if v.IsDefaultVersion {
				s.Default = plain(v.Document)
			} else {
				s.Others = append(s.Others, plain(v.Document))
			}
		}
		out.Policies = append(out.Policies, s)
	}
	slices.SortFunc(out.Entities, func(a, b entityState) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Policies, func(a, b policyState) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// without takes out what can't be restored: the user's inactive key and the password.
func (s accountState) without(lost ...string) accountState {
	out := accountState{Policies: s.Policies}
	for _, e := range s.Entities {
		e.More = slices.DeleteFunc(slices.Clone(e.More), func(m string) bool { return slices.Contains(lost, m) })
		out.Entities = append(out.Entities, e)
	}
	return out
}

// planned is the state that a plan leaves of one.
func (s accountState) planned(p *Plan) accountState {
	out := accountState{Policies: slices.Clone(s.Policies)}
	for _, e := range s.Entities {
		e.Inline, e.Tags = maps.Clone(e.Inline), maps.Clone(e.Tags)
		e.Attached, e.More = slices.Clone(e.Attached), slices.Clone(e.More)
		out.Entities = append(out.Entities, e)
	}
	for _, a := range p.Actions() {
		out.apply(a)
	}
	return out
}

// apply is what an action means, said once more and simpler.
func (s *accountState) apply(a Action) {
	switch t := a.Target.(type) {
	case Policy:
		if !a.Expect.There {
			s.Policies = append(s.Policies, policyState{Name: t.Name, Path: t.Path, Default: a.Leave.Document})
			slices.SortFunc(s.Policies, func(a, b policyState) int { return cmp.Compare(a.Name, b.Name) })
			return
		}
		p := s.policy(t.ARN)
		p.Others = append(slices.Clone(p.Others), p.Default)
		if len(p.Others) == maxVersions { // the oldest went
			p.Others = p.Others[1:]
		}
		p.Default = a.Leave.Document
	case Attachment:
		e, n := s.entity(t.Of), int32(1)
		if e.Attached = slices.DeleteFunc(e.Attached, func(arn string) bool { return arn == t.Policy }); a.Leave.There {
			e.Attached = append(e.Attached, t.Policy)
			slices.Sort(e.Attached)
		} else {
			n = -1
		}
		if t.Policy != awsPolicy { // which the state doesn't have
			s.policy(t.Policy).Attachments += n
		}
	case Inline:
		if e := s.entity(t.Of); a.Leave.There {
			e.Inline[t.Name] = a.Leave.Document
		} else {
			delete(e.Inline, t.Name)
		}
	case RoleTag:
		s.entity(Entity{RoleEntity, t.Role}).Tags[t.Key] = a.Leave.Text
	case AccessKey:
		e := s.entity(Entity{UserEntity, t.User})
		if e.More = slices.DeleteFunc(e.More, func(m string) bool { return strings.HasPrefix(m, t.ID) }); a.Leave.There {
			e.More = append(e.More, t.ID+" "+a.Leave.Text)
			slices.Sort(e.More)
		}
	case Password:
		e := s.entity(Entity{UserEntity, t.User})
		e.More = slices.DeleteFunc(e.More, func(m string) bool { return m == "password" })
	case ProfileRole:
		e := s.entity(Entity{RoleEntity, t.Role})
		e.More = slices.DeleteFunc(e.More, func(m string) bool { return m == "in "+t.Profile })
	case Role:
		s.Entities = slices.DeleteFunc(s.Entities, func(e entityState) bool { return e.Name == "role "+t.Name })
	}
}

func (s *accountState) entity(e Entity) *entityState {
	return &s.Entities[slices.IndexFunc(s.Entities, func(x entityState) bool { return x.Name == e.String() })]
}

func (s *accountState) policy(arn string) *policyState {
	return &s.Policies[slices.IndexFunc(s.Policies, func(x policyState) bool { return x.Name == lastName(arn) })]
}

func plain(doc *string) string {
	text := aws.ToString(doc)
	if decoded, err := url.PathUnescape(text); err == nil && !strings.HasPrefix(text, "{") {
		return decoded
	}
	return text
}

func inlines(list []types.PolicyDetail) map[string]string {
	out := map[string]string{}
	for _, p := range list {
		out[*p.PolicyName] = plain(p.PolicyDocument)
	}
	return out
}

func attachedTo(list []types.AttachedPolicy) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, *p.PolicyArn)
	}
	slices.Sort(out)
	return out
}
