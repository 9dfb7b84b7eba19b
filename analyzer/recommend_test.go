package analyzer_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

func file(t *testing.T, path string) []byte {
	t.Helper()
	src, err := os.ReadFile("../refine/testdata/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// listed is the evidence that what a list names is unused, and all else used.
type listed struct {
	actions  map[policy.Action]bool
	services map[string]bool
}

func (l listed) Action(a policy.Action, w usage.Window) usage.Sighting {
	if l.actions[a] || l.services[a.Service] {
		return usage.Sighting{Source: usage.AccessAnalyzer, State: usage.NotUsed, Why: usage.NeverSeen}
	}
	return usage.Sighting{Source: usage.AccessAnalyzer, State: usage.InUse, Why: usage.Seen, Last: w.Now}
}

func (l listed) Service(prefix string, w usage.Window) usage.Sighting {
	if l.services[prefix] {
		return usage.Sighting{Source: usage.AccessAnalyzer, State: usage.NotUsed, Why: usage.NeverSeen}
	}
	return usage.Sighting{Source: usage.AccessAnalyzer}
}

const lambdaInline = `{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "InlinePolicyLambda",
            "Effect": "Allow",
            "Action": [
                "lambda:ListFunctions",
                "lambda:ListLayers",
                "lambda:ListAliases",
                "lambda:ListFunctionUrlConfigs"
            ],
            "Resource": "*",
            "Condition": {
                "NotIpAddress": {
                    "aws:SourceIp": "100.100.100.100/32"
                }
            }
        }
    ]
}`

// The case of the AWS Security Blog, 18 September 2024: a policy to detach, an inline
// policy and an AWS managed policy to make anew.
func TestPublishedCase(t *testing.T) {
	cat, err := catalog.Read("catalog-2024-06.json", file(t, "catalog-2024-06.json"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := usage.ParseUnused("unused.json", file(t, "s3readonly/unused.json"))
	if err != nil {
		t.Fatal(err)
	}
	source := listed{map[policy.Action]bool{{Service: "lambda", Name: "listaliases"}: true, {Service: "lambda", Name: "listfunctionurlconfigs"}: true}, map[string]bool{"bedrock": true}}
	for _, a := range list.ActionSet() {
		source.actions[a] = true
	}
	w := newWorld(t)
	w.input.Catalog = cat
	r := w.role("IAMRole_IA2_Blog_EC2Role", source)
	s3 := w.managed("aws", "AmazonS3ReadOnlyAccess", parse(t, string(file(t, "s3readonly/policy.json"))), &r.Entity)
	bedrock := w.managed("aws", "AmazonBedrockReadOnly", allow(t, "bedrock:Get*", "bedrock:List*"), &r.Entity)
	inline(&r.Entity, "InlinePolicyListLambda", parse(t, lambdaInline))
	got := w.recommend(r.ARN)
	lambdaWant := strings.Replace(lambdaInline, `"lambda:ListLayers",
                "lambda:ListAliases",
                "lambda:ListFunctionUrlConfigs"`, `"lambda:ListLayers"`, 1)
	want := finding.Recommendation{Resource: r.ARN, Outcome: finding.Succeeded, Steps: []finding.Step{
		{Action: finding.DetachPolicy, ExistingPolicyID: bedrock.ARN, PolicyUpdatedAt: bedrock.UpdatedAt},
		{Action: finding.CreatePolicy, ExistingPolicyID: s3.ARN, PolicyUpdatedAt: s3.UpdatedAt,
			RecommendedPolicy: string(file(t, "s3readonly/recommended.json")), RecommendedName: "AmazonS3ReadOnlyAccess-recommended"},
		{Action: finding.DetachPolicy, ExistingPolicyID: s3.ARN, PolicyUpdatedAt: s3.UpdatedAt},
		{Action: finding.CreatePolicy, ExistingPolicyID: "InlinePolicyListLambda", RecommendedPolicy: lambdaWant, RecommendedName: "InlinePolicyListLambda-recommended"},
		{Action: finding.DetachPolicy, ExistingPolicyID: "InlinePolicyListLambda"},
	}}
	if diff := cmp.Diff(want, got.Recommendation); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, p := range got.Policies {
		proved(t, p.Name, p.Refinement)
	}
	found, _ := w.run()
	if len(found) != 1 || found[0].ID != got.FindingID {
		t.Errorf("the recommendation is for the finding %s, and the findings are %v", got.FindingID, lines(found))
	}
}

// proved asserts every claim of a proof.
func proved(t *testing.T, name string, r analyzer.Refinement) {
	t.Helper()
	claims := []prove.Verdict{r.Proof.Verdict, r.Proof.NoNewAccess.Verdict, r.Proof.UsedKept.Verdict, r.Proof.UnusedGone.Verdict}
	if len(r.Parts) == 0 {
		claims = append(claims, r.Proof.ShapeKept.Verdict)
	}
	for i, c := range claims {
		if c != prove.Proved {
			t.Errorf("%s: claim %d is %s", name, i, c)
		}
	}
	if !r.Leaves() {
		t.Errorf("%s doesn't leave", name)
	}
}

const wrap = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[%s],"Resource":"*"}]}`

func text(actions ...string) string { return fmt.Sprintf(wrap, quoted(actions)) }

func TestRecommend(t *testing.T) {
	const p = "arn:aws:iam::123456789012:policy/p"
	s3Object := []string{"s3", "s3:*", "sqs", "sqs:*"}
	tests := []struct {
		name  string
		build func(w *world) string // returns whom to ask about
		steps []string
		error string
		notes []string // of all
	}{
		{
			"an action that two policies grant goes from both", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "a", allow(w.t, "s3:GetObject", "s3:PutObject"))
				inline(&r.Entity, "b", allow(w.t, "s3:PutObject"))
				return r.ARN
			},
			[]string{"CREATE_POLICY a as a-recommended " + text("s3:GetObject"), "DETACH_POLICY a", "DETACH_POLICY b"}, "", nil,
		},
		{
			"policies of one length that leave the same unused aren't taken for each other", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				for _, bucket := range []string{"a", "b"} {
					inline(&r.Entity, bucket, parse(w.t, `{"Statement":{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::`+bucket+`/*"}}`))
				}
				return r.ARN
			},
			[]string{
				`CREATE_POLICY a as a-recommended {"Statement":{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::a/*"}}`, "DETACH_POLICY a",
				`CREATE_POLICY b as b-recommended {"Statement":{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::b/*"}}`, "DETACH_POLICY b",
			}, "", nil,
		},
		{
			"everything is used: no steps", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "a", allow(w.t, "s3:GetObject"))
				return r.ARN
			}, nil, "", nil,
		},
		{
			"a principal that is too young fails, and says so", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				r.CreatedAt = ago(10)
				inline(&r.Entity, "a", allow(w.t, "s3:*"))
				return r.ARN
			}, nil, "it isn't judged: younger than the window", nil,
		},
		{
			"NotAction, which AWS refuses", func(w *world) string {
				r := w.role("r", tracking([]string{"s3"}, "s3:GetObject"))
				inline(&r.Entity, "a", parse(w.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","lambda:*","sqs:*","s3:ListBucket"],"Resource":"*"}]}`))
				return r.ARN
			},
			[]string{
				`CREATE_POLICY a as a-recommended {"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","lambda:*","sqs:*","s3:ListBucket","s3:DeleteObject","s3:GetBucketAcl","s3:GetBucketTagging","s3:PutObject"],"Resource":"*"}]}`,
				"DETACH_POLICY a",
			}, "", nil,
		},
		{
			"a Deny statement stays, and is noted where it already cuts", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "a", parse(w.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:Put*","Resource":"*"},{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"*"}]}`))
				return r.ARN
			},
			[]string{
				`CREATE_POLICY a as a-recommended {"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:Put*","Resource":"*"},{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"*"}]}`,
				"DETACH_POLICY a",
			}, "", []string{"1 of the unused actions is already denied by a Deny statement of these policies"},
		},
		{
			"a Deny of some resources, or under a condition, cuts nothing for sure", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "a", parse(w.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/*"},
					{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`))
				inline(&r.Entity, "b", allow(w.t, "s3:PutObject"))
				return r.ARN
			},
			[]string{"DETACH_POLICY b"}, "", nil,
		},
		{
			"the boundary and service control policies cut, and aren't folded in", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "a", allow(w.t, "s3:*Object", "sqs:*"))
				r.Boundary = w.customer("limit", allow(w.t, "s3:*")).ARN
				w.input.ServiceControl = [][]*policy.Document{{allow(w.t, "*")}, {allow(w.t, "*"), parse(w.t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}`)}}
				return r.ARN
			},
			[]string{"CREATE_POLICY a as a-recommended " + text("s3:GetObject"), "DETACH_POLICY a"}, "",
			[]string{
				"2 of the unused actions are already not allowed by the permissions boundary arn:aws:iam::123456789012:policy/limit",
				"1 of the unused actions is already not allowed by service control policies",
			},
		},
		{
			"a boundary that isn't in the files", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "a", allow(w.t, "sqs:*"))
				r.Boundary = "arn:aws:iam::123456789012:policy/limit"
				return r.ARN
			},
			[]string{"DETACH_POLICY a"}, "",
			[]string{"the permissions boundary arn:aws:iam::123456789012:policy/limit isn't in the files: what it cuts isn't known"},
		},
		{
			"a role of Identity Center, though it is excluded", func(w *world) string {
				r := w.roleAt("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_Data_Team_0123456789abcdef", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "AwsSSOInlinePolicy", allow(w.t, "sqs:*"))
				return r.ARN
			},
			[]string{"DETACH_POLICY AwsSSOInlinePolicy"}, "",
			[]string{"IAM Identity Center made this role: change the policies of the permission set Data_Team, in every account that has it"},
		},
		{
			"a name that is taken, in any case", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				w.customer("p", allow(w.t, "s3:GetObject", "s3:PutObject"), &r.Entity)
				w.customer("P-Recommended", allow(w.t, "sqs:*"))
				return r.ARN
			},
			[]string{"CREATE_POLICY " + p + " as p-recommended-2 " + text("s3:GetObject"), "DETACH_POLICY " + p}, "", nil,
		},
		{
			"a recommended policy is numbered, not recommended twice", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "p-recommended", allow(w.t, "s3:GetObject", "s3:PutObject"))
				inline(&r.Entity, "p-recommended-2", allow(w.t, "s3:GetObject", "s3:DeleteObject"))
				return r.ARN
			},
			[]string{
				"CREATE_POLICY p-recommended as p-recommended-3 " + text("s3:GetObject"), "DETACH_POLICY p-recommended",
				"CREATE_POLICY p-recommended-2 as p-recommended-4 " + text("s3:GetObject"), "DETACH_POLICY p-recommended-2",
			}, "", nil,
		},
		{
			"a policy that couldn't be read has no step, the others have", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "a", nil)
				inline(&r.Entity, "b", allow(w.t, "sqs:*"))
				return r.ARN
			},
			[]string{"DETACH_POLICY b"}, "", nil,
		},
		{
			"what a change in the window may have added is kept", func(w *world) string {
				r := w.role("r", tracking(s3Object, "s3:GetObject"))
				inline(&r.Entity, "a", allow(w.t, "s3:PutObject"))
				w.customer("p", allow(w.t, "s3:PutObject", "s3:DeleteObject"), &r.Entity).UpdatedAt = ago(3)
				return r.ARN
			},
			[]string{"CREATE_POLICY " + p + " as p-recommended " + text("s3:DeleteObject"), "DETACH_POLICY " + p, "DETACH_POLICY a"}, "",
			[]string{"1 actions unused so far are kept: the policies that grant them changed within the window"},
		},
		{
			"a group's policy goes by what all members leave unused", func(w *world) string {
				u := w.user("u", tracking(s3Object, "s3:GetObject"))
				g := w.group("g", u, w.user("v", tracking(s3Object, "s3:GetObject", "s3:PutObject")))
				inline(&g.Entity, "a", allow(w.t, "s3:*Object"))
				return u.ARN
			},
			[]string{"CREATE_POLICY a as a-recommended " + text("s3:GetObject", "s3:PutObject") + " of g", "DETACH_POLICY a of g"}, "", nil,
		},
		{
			"a group with a member of whom nothing is known keeps its policy", func(w *world) string {
				u := w.user("u", tracking(s3Object, "s3:GetObject"))
				g := w.group("g", u, w.user("v"))
				inline(&g.Entity, "a", allow(w.t, "s3:PutObject"))
				inline(&u.Entity, "b", allow(w.t, "s3:PutObject"))
				return u.ARN
			},
			[]string{"DETACH_POLICY b"},
			"inline policy a of the group g: arn:aws:iam::123456789012:user/v has it too, and isn't judged: not used in the window", nil,
		},
		{
			"a group with a member that is excluded keeps its policy", func(w *world) string {
				u := w.user("u", tracking(s3Object, "s3:GetObject"))
				g := w.group("g", u, w.user("v", tracking(s3Object, "s3:GetObject")))
				inline(&g.Entity, "a", allow(w.t, "s3:PutObject"))
				w.settings.Exclude.Names = []string{"v"}
				return u.ARN
			},
			nil, "inline policy a of the group g: arn:aws:iam::123456789012:user/v has it too, and isn't judged: excluded name: v", nil,
		},
		{
			"a group with a member who isn't in the files keeps its policy", func(w *world) string {
				u := w.user("u", tracking(s3Object, "s3:GetObject"))
				g := w.group("g", u)
				g.Members = append(g.Members, "ghost")
				inline(&g.Entity, "a", allow(w.t, "s3:PutObject"))
				return u.ARN
			},
			nil, "inline policy a of the group g: the group g has 2 members, and the files hold 1 of them", nil,
		},
		{
			"a group keeps its policy where users are left out", func(w *world) string {
				u := w.user("u", tracking(s3Object, "s3:GetObject"))
				g := w.group("g", u)
				inline(&g.Entity, "a", allow(w.t, "s3:PutObject"))
				w.account.Incomplete = true
				return u.ARN
			},
			nil, "inline policy a of the group g: the files lack users of the account, and the group g may have them as members", nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			got := w.recommend(tt.build(w))
			if diff := cmp.Diff(tt.steps, steps(got)); diff != "" {
				t.Errorf("steps: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(tt.error, got.Error); diff != "" || (got.Outcome == finding.Failed) != (tt.error != "") {
				t.Errorf("%s: -want +got\n%s", got.Outcome, diff)
			}
			if diff := cmp.Diff(tt.notes, noteTexts(got.Notes)); diff != "" {
				t.Errorf("notes: -want +got\n%s", diff)
			}
			for _, p := range got.Policies {
				if p.Changes() {
					proved(t, p.Name, p.Refinement)
				}
			}
		})
	}
}

func TestRecommendNamesWhomItDoesNotKnow(t *testing.T) {
	w := newWorld(t)
	w.roleAt("/service/", "App")
	_, err := w.analysis().Recommend("arn:aws:iam::123456789012:role/team/app")
	want := "arn:aws:iam::123456789012:role/team/app: no role or user of account 123456789012 has this ARN; is it arn:aws:iam::123456789012:role/service/App?"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestCounts(t *testing.T) {
	w := newWorld(t)
	r := w.role("r", tracking([]string{"s3"}, "s3:GetObject"))
	inline(&r.Entity, "a", allow(t, "s3:Get*", "sqs:*"))
	inline(&r.Entity, "b", allow(t, "s3:PutObject"))
	if got := w.recommend(r.ARN); got.Before != 6 || got.After != 3 {
		t.Errorf("%d actions before, %d after: want 6 and 3", got.Before, got.After)
	}
}

func TestSharedPolicies(t *testing.T) {
	all := []string{"s3"}
	tests := []struct {
		name    string
		build   func(w *world, r *inventory.Role, m *inventory.ManagedPolicy)
		want    string // the policy in place
		affects []string
		problem string
	}{
		{"only this role has it", func(*world, *inventory.Role, *inventory.ManagedPolicy) {}, text("s3:GetObject"), []string{"r"}, ""},
		{"another role uses more of it", func(w *world, _ *inventory.Role, m *inventory.ManagedPolicy) {
			w.attach(m, &w.role("q", tracking(all, "s3:PutObject")).Entity)
		}, text("s3:GetObject", "s3:PutObject"), []string{"q", "r"}, ""},
		{"a group's member uses more of it", func(w *world, _ *inventory.Role, m *inventory.ManagedPolicy) {
			w.attach(m, &w.group("g", w.user("u", tracking(all, "s3:DeleteObject"))).Entity)
		}, text("s3:DeleteObject", "s3:GetObject"), []string{"r", "u"}, ""},
		{"nobody uses less than all of it", func(w *world, _ *inventory.Role, m *inventory.ManagedPolicy) {
			w.attach(m, &w.role("q", tracking(all, "s3:PutObject", "s3:DeleteObject")).Entity)
		}, text("s3:*Object"), []string{"q", "r"}, ""},
		{"another role isn't used itself", func(w *world, _ *inventory.Role, m *inventory.ManagedPolicy) {
			q := w.role("q", tracking(all))
			q.LastUsed.At = ago(100)
			w.attach(m, &q.Entity)
		}, "", []string{"q", "r"}, "arn:aws:iam::123456789012:role/q has it too, and isn't judged: not used in the window"},
		{"another role is excluded", func(w *world, _ *inventory.Role, m *inventory.ManagedPolicy) {
			w.attach(m, &w.role("q", tracking(all, "s3:GetObject")).Entity)
			w.settings.Exclude.Names = []string{"q"}
		}, "", []string{"q", "r"}, "arn:aws:iam::123456789012:role/q has it too, and isn't judged: excluded name: q"},
		{"a service-linked role has it", func(w *world, _ *inventory.Role, m *inventory.ManagedPolicy) {
			w.attach(m, &w.roleAt("/aws-service-role/x/", "q", tracking(all, "s3:GetObject")).Entity)
		}, "", []string{"q", "r"}, "arn:aws:iam::123456789012:role/aws-service-role/x/q has it too, and isn't judged: service-linked"},
		{"it is a boundary", func(w *world, _ *inventory.Role, m *inventory.ManagedPolicy) { m.BoundaryOf = 1 }, "", []string{"r"}, "it is the permissions boundary of somebody"},
		{"somebody in the files has it as boundary", func(w *world, r *inventory.Role, m *inventory.ManagedPolicy) { r.Boundary = m.ARN }, "", []string{"r"},
			"it is the permissions boundary of somebody"},
		{"whether it is a boundary isn't known", func(_ *world, _ *inventory.Role, m *inventory.ManagedPolicy) { m.BoundaryOf = -1 }, "", []string{"r"},
			"whether it is a permissions boundary isn't known"},
		{"somebody has it who isn't in the files", func(_ *world, _ *inventory.Role, m *inventory.ManagedPolicy) { m.Attachments = 2 }, "", []string{"r"},
			"it is attached to 2 entities, and the files hold 1 of them"},
		{"how many have it isn't known", func(_ *world, _ *inventory.Role, m *inventory.ManagedPolicy) { m.Attachments = -1 }, "", []string{"r"},
			"how many entities have it isn't known"},
		{"a group's member isn't in the files", func(w *world, _ *inventory.Role, m *inventory.ManagedPolicy) {
			g := w.group("g")
			g.Members = []string{"ghost"}
			w.attach(m, &g.Entity)
		}, "", []string{"r"}, "the group g has 1 members, and the files hold 0 of them"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.role("r", tracking(all, "s3:GetObject"))
			m := w.customer("p", allow(t, "s3:*Object"), &r.Entity)
			tt.build(w, r, m)
			p := w.recommend(r.ARN).Policies[0]
			if got := string(p.Documents()[0].Bytes()); got != text("s3:GetObject") {
				t.Errorf("for this role: %s", got)
			}
			proved(t, "for this role", p.Refinement)
			in := p.InPlace
			if diff := cmp.Diff(tt.problem, in.Problem); diff != "" {
				t.Fatalf("problem: -want +got\n%s", diff)
			}
			var names []string
			for _, arn := range in.Affects {
				names = append(names, last(arn))
			}
			if diff := cmp.Diff(tt.affects, names); diff != "" {
				t.Errorf("affects: -want +got\n%s", diff)
			}
			if tt.problem != "" {
				if in.Changes() || in.Documents() != nil {
					t.Error("there is an answer in place nevertheless")
				}
				return
			}
			if diff := cmp.Diff(tt.want, string(in.Documents()[0].Bytes())); diff != "" {
				t.Errorf("in place: -want +got\n%s", diff)
			}
			if in.Changes() != (tt.want != text("s3:*Object")) {
				t.Errorf("changes: %v", in.Changes())
			}
			if in.Changes() {
				proved(t, "in place", in.Refinement)
			}
		})
	}
}

// attach attaches a managed policy to one more.
func (w *world) attach(m *inventory.ManagedPolicy, e *inventory.Entity) {
	e.Attached = append(e.Attached, inventory.Attachment{Name: m.Name, ARN: m.ARN, Policy: m})
	m.Attachments++
}

// Whom a policy is shared with, and what of a group's policy others use, is said.
func TestNotesOnPolicies(t *testing.T) {
	w := newWorld(t)
	u := w.user("u", tracking([]string{"s3"}, "s3:GetObject"))
	v := w.user("v", tracking([]string{"s3"}, "s3:PutObject"))
	g := w.group("g", u, v)
	w.customer("p", allow(t, "s3:*Object"), &u.Entity, &v.Entity)
	w.customer("q", allow(t, "s3:PutObject", "s3:DeleteObject"), &g.Entity)
	got := w.recommend(u.ARN)
	want := [][]string{
		{"the policy is shared with arn:aws:iam::123456789012:user/v"},
		{"1 of the unused actions stay, because other members of the group use them or may",
			"the policy comes from a group: the step affects arn:aws:iam::123456789012:user/u, arn:aws:iam::123456789012:user/v",
			"the policy is shared with arn:aws:iam::123456789012:user/v"},
	}
	for i, p := range got.Policies {
		if diff := cmp.Diff(want[i], noteTexts(p.Notes)); diff != "" {
			t.Errorf("%s: -want +got\n%s", p.Name, diff)
		}
	}
	for _, s := range got.Steps {
		if s.Group != "" && !slices.Equal(s.Affects, []string{u.ARN, v.ARN}) {
			t.Errorf("%s affects %v", s.ExistingPolicyID, s.Affects)
		}
	}
}

func TestRecommendationsAreThoseOfPrincipalsWithFindings(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"c", "a", "b"} {
		inline(&w.role(name, tracking([]string{"s3"}, "s3:GetObject")).Entity, "p", allow(t, "s3:GetObject", "s3:PutObject"))
	}
	w.role("used", tracking([]string{"s3"}, "s3:GetObject"))
	inline(&w.roleAt("/aws-service-role/x/", "linked", tracking([]string{"s3"}, "s3:GetObject")).Entity, "p", allow(t, "s3:PutObject"))
	w.settings.Exclude.Names = []string{"b"}
	var got []string
	err := w.analysis().Recommendations(func(r analyzer.Recommendation) error {
		got = append(got, last(r.Resource))
		if r.Outcome != finding.Succeeded || r.Policies[0].Result.Outcome != refine.Refined {
			t.Errorf("%s: %s", r.Resource, r.Outcome)
		}
		return nil
	})
	if diff := cmp.Diff([]string{"a", "c"}, got); err != nil || diff != "" {
		t.Errorf("%v -want +got\n%s", err, diff)
	}
}
