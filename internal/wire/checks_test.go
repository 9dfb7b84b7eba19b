package wire_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

// verdict is the answer of a policy check.
type verdict struct {
	Result  string
	Message string
	Reasons []string // descriptions
	Index   []int32
	IDs     []string
}

func verdictOf(result, message string, reasons []types.ReasonSummary) verdict {
	v := verdict{Result: result, Message: message}
	for _, r := range reasons {
		v.Reasons, v.Index, v.IDs = append(v.Reasons, *r.Description), append(v.Index, *r.StatementIndex), append(v.IDs, aws.ToString(r.StatementId))
	}
	return v
}

func noNewAccess(ctx context.Context, c *accessanalyzer.Client, existing, next string) (verdict, error) {
	out, err := c.CheckNoNewAccess(ctx, &accessanalyzer.CheckNoNewAccessInput{ExistingPolicyDocument: &existing, NewPolicyDocument: &next, PolicyType: types.AccessCheckPolicyTypeIdentityPolicy})
	if err != nil {
		return verdict{}, err
	}
	return verdictOf(string(out.Result), *out.Message, out.Reasons), nil
}

func notGranted(ctx context.Context, c *accessanalyzer.Client, doc string, a types.Access) (verdict, error) {
	out, err := c.CheckAccessNotGranted(ctx, &accessanalyzer.CheckAccessNotGrantedInput{PolicyDocument: &doc, Access: []types.Access{a}, PolicyType: types.AccessCheckPolicyTypeIdentityPolicy})
	if err != nil {
		return verdict{}, err
	}
	return verdictOf(string(out.Result), *out.Message, out.Reasons), nil
}

const (
	getOnly  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`
	getAndDo = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"},
		{"Sid":"Put","Effect":"Allow","Action":"s3:Put*","Resource":"arn:aws:s3:::b/*"},
		{"Effect":"Allow","Action":["s3:GetObject","iam:PassRole"],"Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
		{"Effect":"Deny","Action":"s3:PutObjectAcl","Resource":"*"}]}`
)

func TestChecksThroughTheGoSDK(t *testing.T) {
	c := start(t).client(admin)
	newAccess := func(existing, next string) func() (verdict, error) {
		return func() (verdict, error) { return noNewAccess(t.Context(), c, existing, next) }
	}
	granted := func(doc string, actions, resources []string) func() (verdict, error) {
		return func() (verdict, error) {
			return notGranted(t.Context(), c, doc, types.Access{Actions: actions, Resources: resources})
		}
	}
	const (
		grants   = "The modified permissions grant new access compared to your existing policy."
		doesNot  = "The modified permissions do not grant new access compared to your existing policy."
		listed   = "The policy document grants access to perform one or more of the listed actions."
		unlisted = "The policy document does not grant access to perform one or more of the listed actions."
		both     = "The policy document grants access to perform one or more of the listed actions or resources."
		neither  = "The policy document does not grant access to perform one or more of the listed actions or resources."
	)
	tests := []struct {
		name string
		ask  func() (verdict, error)
		want verdict
	}{
		{"the same policy", newAccess(getOnly, getOnly), verdict{Result: "PASS", Message: doesNot}},
		{"less than before", newAccess(getAndDo, getOnly), verdict{Result: "PASS", Message: doesNot}},
		{"two statements more, one with a Sid", newAccess(getOnly, getAndDo), verdict{
			Result: "FAIL", Message: grants, Index: []int32{1, 2}, IDs: []string{"Put", ""},
			Reasons: []string{"New access in the statement with sid: Put.", "New access in the statement with index: 2."},
		}},
		{"an action that a statement grants", granted(getAndDo, []string{"s3:PutObject", "ec2:RunInstances"}, nil), verdict{
			Result: "FAIL", Message: listed, Index: []int32{1}, IDs: []string{"Put"}, Reasons: []string{"One or more of the listed actions in the statement with sid: Put."},
		}},
		{"an action that is denied", granted(getAndDo, []string{"s3:putobjectACL"}, nil), verdict{Result: "PASS", Message: unlisted}},
		{"actions of which a granted one is denied", granted(getAndDo, []string{"s3:GetObject", "s3:PutObjectAcl"}, []string{"arn:aws:s3:::b/x"}), verdict{
			Result: "FAIL", Message: both, Index: []int32{0, 2}, IDs: []string{"", ""},
			Reasons: []string{"One or more of the listed actions or resources in the statement with index: 0.", "One or more of the listed actions or resources in the statement with index: 2."},
		}},
		{"a pattern of actions", granted(getOnly, []string{"s3:*"}, nil), verdict{
			Result: "FAIL", Message: listed, Index: []int32{0}, IDs: []string{""}, Reasons: []string{"One or more of the listed actions in the statement with index: 0."},
		}},
		{"a resource", granted(getAndDo, nil, []string{"arn:aws:s3:::b/x"}), verdict{
			Result: "FAIL", Message: both, Index: []int32{0, 1, 2}, IDs: []string{"", "Put", ""},
			Reasons: []string{"One or more of the listed actions or resources in the statement with index: 0.", "One or more of the listed actions or resources in the statement with sid: Put.", "One or more of the listed actions or resources in the statement with index: 2."},
		}},
		{"another resource", granted(getOnly, nil, []string{"arn:aws:s3:::c/*"}), verdict{Result: "PASS", Message: neither}},
		{"an action on another resource", granted(getAndDo, []string{"s3:PutObject"}, []string{"arn:aws:s3:::c/*"}), verdict{Result: "PASS", Message: neither}},
		{"an action under a condition", granted(getAndDo, []string{"iam:PassRole"}, []string{"arn:aws:iam::111122223333:role/r"}), verdict{
			Result: "FAIL", Message: both, Index: []int32{2}, IDs: []string{""}, Reasons: []string{"One or more of the listed actions or resources in the statement with index: 2."},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.ask()
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v -want +got\n%s", err, diff)
			}
		})
	}
}

func TestPoliciesThatCannotBeChecked(t *testing.T) {
	s := start(t)
	text := func(v any) string {
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	check := func(doc, typ string) string {
		return text(map[string]string{"newPolicyDocument": doc, "existingPolicyDocument": getOnly, "policyType": typ})
	}
	access := func(access any) string {
		return text(map[string]any{"policyDocument": getOnly, "access": access, "policyType": "IDENTITY_POLICY"})
	}
	list := func(n int) []string { return slices.Repeat([]string{"s3:Get*"}, n) }
	for name, tt := range map[string]struct{ target, body, want string }{
		"not a policy":                {"no-new-access", check(`{"Statement":[]`, "IDENTITY_POLICY"), "400 ValidationException fieldValidationFailed newPolicyDocument"},
		"with a principal":            {"no-new-access", check(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`, "IDENTITY_POLICY"), "400 ValidationException fieldValidationFailed newPolicyDocument"},
		"none":                        {"no-new-access", check("", "IDENTITY_POLICY"), "400 ValidationException fieldValidationFailed newPolicyDocument"},
		"a resource policy":           {"no-new-access", check(getOnly, "RESOURCE_POLICY"), "400 ValidationException notSupported"},
		"a type that there isn't":     {"no-new-access", check(getOnly, "POLICY"), "400 ValidationException fieldValidationFailed policyType"},
		"no access":                   {"access-not-granted", access([]any{}), "400 ValidationException fieldValidationFailed access"},
		"access to nothing":           {"access-not-granted", access([]any{map[string]any{}}), "400 ValidationException fieldValidationFailed access.1.member"},
		"two of them":                 {"access-not-granted", access([]any{map[string]any{"actions": list(1)}, map[string]any{"actions": list(1)}}), "400 ValidationException fieldValidationFailed access"},
		"too many actions":            {"access-not-granted", access([]any{map[string]any{"actions": list(101)}}), "400 ValidationException fieldValidationFailed access.1.member"},
		"an action that isn't one":    {"access-not-granted", access([]any{map[string]any{"actions": []string{"GetObject"}}}), "400 InvalidParameterException"},
		"a resource that is too long": {"access-not-granted", access([]any{map[string]any{"resources": []string{strings.Repeat("a", 2049)}}}), "400 ValidationException fieldValidationFailed access.1.member.resources"},
	} {
		if got := brief(t, s.send(t, request{method: "POST", target: "/policy/check-" + tt.target, body: tt.body})); got != tt.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, tt.want)
		}
	}
}

// TestWhatCannotBeDecidedIsNotPassed asks about policies that are more than is compared,
// by their statements and by what it would take.
func TestWhatCannotBeDecidedIsNotPassed(t *testing.T) {
	s := start(t)
	letters := func(i int) string { return string(rune('a'+i%26)) + string(rune('a'+i/26)) }
	for name, st := range map[string]struct {
		n    int
		make func(i int) statementOf
	}{
		"many statements": {300, func(i int) statementOf { return statementOf{"Allow", []string{"s3:" + letters(i)}, []string{"*"}} }},
		"many stars": {60, func(i int) statementOf {
			return statementOf{"Allow", []string{"s3:*"}, []string{"*" + letters(i) + "*" + letters(i+7) + "*"}}
		}},
	} {
		var all []statementOf
		for i := range st.n {
			all = append(all, st.make(i))
		}
		doc, err := json.Marshal(map[string]any{"Statement": all})
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]any{"policyDocument": string(doc), "policyType": "IDENTITY_POLICY", "access": []any{map[string]any{"actions": []string{"iam:*"}, "resources": []string{"*x*"}}}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if got := brief(t, s.send(t, request{method: "POST", target: "/policy/check-access-not-granted", body: string(body)})); got != "422 UnprocessableEntityException" {
			t.Errorf("%s: got %s", name, got)
		}
		t.Logf("%s: %v", name, time.Since(began))
	}
}

// statementOf is a random statement of few actions and resources.
type statementOf struct {
	Effect   string
	Action   []string
	Resource []string
}

// drawPolicy draws a policy whose patterns tell no other strings apart than those of
// actionStrings and resourceStrings.
func drawPolicy(t *rapid.T, name string) *policy.Document {
	st := rapid.Custom(func(t *rapid.T) statementOf {
		return statementOf{
			rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect"),
			rapid.SliceOfN(rapid.SampledFrom([]string{"*", "s3:*", "s3:Get*", "s3:GetObject", "ec2:*"}), 1, 2).Draw(t, "actions"),
			rapid.SliceOfN(rapid.SampledFrom([]string{"*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/c"}), 1, 2).Draw(t, "resources"),
		}
	})
	src, err := json.Marshal(map[string]any{"Statement": rapid.SliceOfN(st, 1, 3).Draw(t, name)})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := policy.Parse(name, src)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// eachRequest calls a function with a request of each class.
func eachRequest(f func(access.Request)) {
	for _, action := range []string{"s3:GetObject", "s3:GetOther", "s3:Other", "ec2:Other", "iam:Other"} {
		for _, resource := range []string{"arn:aws:s3:::b/c", "arn:aws:s3:::b/d", "other"} {
			a, err := policy.ParseAction(action)
			if err != nil {
				panic(err)
			}
			f(access.Request{Action: a, Resource: resource})
		}
	}
}

// TestChecksAgreeWithDecisions compares both checks, and the statements they blame, with
// what the decision of every kind of request says.
func TestChecksAgreeWithDecisions(t *testing.T) {
	c := start(t).client(admin)
	rapid.Check(t, func(t *rapid.T) {
		existing, next := drawPolicy(t, "existing"), drawPolicy(t, "new")
		beyond := map[string][]int32{}
		blame := func(check string, r access.Request) {
			for i := range next.Statements {
				if st := &next.Statements[i]; st.Effect == policy.Allow && access.Matches(st, r) && !slices.Contains(beyond[check], int32(i)) {
					beyond[check] = append(beyond[check], int32(i))
				}
			}
		}
		action, resource := rapid.SampledFrom([]string{"s3:GetObject", "s3:GetOther", "ec2:Other"}).Draw(t, "asked"), "arn:aws:s3:::b/c"
		eachRequest(func(r access.Request) {
			if !access.Allows(next, r) {
				return
			}
			if !access.Allows(existing, r) {
				blame("new", r)
			}
			if strings.EqualFold(r.Action.String(), action) && r.Resource == resource {
				blame("granted", r)
			}
		})
		got, err := noNewAccess(context.Background(), c, string(existing.Bytes()), string(next.Bytes()))
		agree(t, "new", beyond["new"], got, err)
		got, err = notGranted(context.Background(), c, string(next.Bytes()), types.Access{Actions: []string{action}, Resources: []string{resource}})
		agree(t, "granted", beyond["granted"], got, err)
	})
}

func agree(t *rapid.T, check string, blamed []int32, got verdict, err error) {
	slices.Sort(blamed)
	want := "PASS"
	if len(blamed) > 0 {
		want = "FAIL"
	}
	if err != nil || got.Result != want || !slices.Equal(got.Index, blamed) {
		t.Fatalf("%s: got %+v, %v; want %s because of %v", check, got, err, want, blamed)
	}
}
