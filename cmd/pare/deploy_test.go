package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/policy"
)

const deploy = "../../deploy/"

// deployed are the policies of deploy/, by the role that has them.
var deployed = map[string][]string{
	"pare-read":  {"read/policy.json", "read/organization.json", "read/logs.json"},
	"pare-apply": {"apply/policy.json"},
}

// operator is an organization whose management account has the roles of deploy/ since 200
// days, and what takes every call that pare makes.
type operator struct {
	*applying
	key string // of the user ann
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	const day = 24 * time.Hour
	s := awstest.Start(t, awstest.Options{Ago: 200 * day, LastAccessed: func(string) ([]awstest.Service, bool) { return nil, true }})
	o := &operator{applying: &applying{t, s, t.TempDir()}}
	o.environment()
	o.account()
	for role, files := range deployed {
		o.set("CreateRole", "RoleName", role, "AssumeRolePolicyDocument", readText(t, deploy+"trust.json"))
		for _, file := range files {
			o.set("PutRolePolicy", "RoleName", role, "PolicyName", filepath.Base(file), "PolicyDocument", readText(t, deploy+file))
		}
	}
	// One permission too many, so that the test can tell.
	o.set("CreateRole", "RoleName", "pare-wide", "AssumeRolePolicyDocument", assumeByEC2)
	o.set("PutRolePolicy", "RoleName", "pare-wide", "PolicyName", "wide", "PolicyDocument", strings.Replace(readText(t, deploy+"read/policy.json"), `"iam:ListAccessKeys",`, `"iam:ListAccessKeys", "iam:CreateUser",`, 1))
	s.SetAgo(0)
	return o
}

func (o *operator) set(operation string, params ...string) awstest.Answer {
	o.Helper()
	return o.s.SetUp(awstest.Key{}, "iam", operation, params...)
}

const (
	ours  = "arn:aws:iam::123456789012:policy/"
	inaws = "arn:aws:iam::123456789012:"
)

func (o *operator) account() {
	o.Helper()
	for _, name := range []string{"Full", "Wide"} {
		o.set("CreatePolicy", "PolicyName", name, "PolicyDocument", allowing(`"s3:*"`))
	}
	for range 4 {
		o.set("CreatePolicyVersion", "PolicyArn", ours+"Full", "PolicyDocument", allowing(`"s3:Get*"`))
	}
	o.set("CreateUser", "UserName", "ann")
	o.set("CreateGroup", "GroupName", "devs")
	o.set("AddUserToGroup", "GroupName", "devs", "UserName", "ann")
	for _, role := range []string{"app", "gone"} {
		o.set("CreateRole", "RoleName", role, "AssumeRolePolicyDocument", assumeByEC2)
	}
	o.set("CreateInstanceProfile", "InstanceProfileName", "machines")
	o.set("AddRoleToInstanceProfile", "InstanceProfileName", "machines", "RoleName", "gone")
	o.set("CreateLoginProfile", "UserName", "ann", "Password", "Correct-horse-1")
	o.key = o.set("CreateAccessKey", "UserName", "ann").Text("AccessKeyId")
	for _, e := range [][2]string{{"Role", "app"}, {"User", "ann"}, {"Group", "devs"}} {
		o.set("Attach"+e[0]+"Policy", e[0]+"Name", e[1], "PolicyArn", ours+"Wide")
		o.set("Put"+e[0]+"Policy", e[0]+"Name", e[1], "PolicyName", "old", "PolicyDocument", allowing(`"sqs:*"`))
	}
	o.organization()
	o.bucket()
}

// organization makes one with a member and a policy, and a trail.
func (o *operator) organization() {
	o.Helper()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &o.s.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIATESTTESTTESTTEST", "secret", "")}
	org, trails, ctx := organizations.NewFromConfig(cfg), cloudtrail.NewFromConfig(cfg), o.Context()
	must := func(err error) {
		o.Helper()
		if err != nil {
			o.Fatal(err)
		}
	}
	_, err := org.CreateOrganization(ctx, &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll})
	must(err)
	roots, err := org.ListRoots(ctx, &organizations.ListRootsInput{})
	must(err)
	_, err = org.EnablePolicyType(ctx, &organizations.EnablePolicyTypeInput{RootId: roots.Roots[0].Id, PolicyType: types.PolicyTypeServiceControlPolicy})
	must(err)
	_, err = org.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: aws.String("shop"), Email: aws.String("shop@example.com")})
	must(err)
	o.put("/logs", "")
	_, err = trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("all"), S3BucketName: aws.String("logs")})
	must(err)
}

// bucket has a log file.
func (o *operator) bucket() {
	at := time.Now().UTC()
	o.put("/logs/AWSLogs/123456789012/CloudTrail/us-east-1/"+at.Format("2006/01/02")+"/123456789012_CloudTrail_us-east-1_"+at.Format("20060102T1504Z")+"_abcdefghijklmnop.json",
		`{"Records":[`+string(record(event{"pare-read", "iam", "ListAccessKeys"}, 0, at))+`]}`)
}

func (o *operator) put(path, text string) {
	o.Helper()
	r, err := http.NewRequestWithContext(o.Context(), http.MethodPut, o.s.URL+path, strings.NewReader(text))
	if err != nil {
		o.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		o.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		o.Fatalf("%s: %s, %v", path, response.Status, err)
	}
}

// event is a call as CloudTrail has it.
type event struct{ role, service, operation string }

// record is CloudTrail's record of an event.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func record(e event, n int, at time.Time) jsontext.Value {
	category, management := "Management", true
	if e.operation == "GetObject" {
		category, management = "Data", false
	}
	text, err := json.Marshal(map[string]any{
		"eventVersion": "1.09", "eventID": fmt.Sprintf("00000000-0000-4000-8000-%012d", n), "eventTime": at.Format(time.RFC3339), "awsRegion": "us-east-1",
		"eventSource": e.service + ".amazonaws.com", "eventName": e.operation, "eventType": "AwsApiCall", "eventCategory": category, "managementEvent": management,
		"recipientAccountId": "123456789012",
		"userIdentity": map[string]any{
			"type": "AssumedRole", "accountId": "123456789012", "principalId": "AROATESTTESTTESTTEST:pare",
			"arn": "arn:aws:sts::123456789012:assumed-role/" + e.role + "/pare",
			"sessionContext": map[string]any{"sessionIssuer": map[string]any{
				"type": "Role", "principalId": "AROATESTTESTTESTTEST", "arn": inaws + "role/" + e.role, "accountId": "123456789012", "userName": e.role,
			}},
		},
	}, json.Deterministic(true))
	if err != nil {
		panic(err) // maps and texts
	}
	return text
}

// events are the calls since the first n, each once, as a role's.
func (o *operator) events(n int, role string) []event {
	var out []event
	for _, call := range o.s.Calls()[n:] {
		e := event{role, call.Service, call.Operation}
		if call.Service == "s3" {
			method, path, _ := strings.Cut(call.Operation, " ")
			switch key := strings.Trim(path, "/"); {
			case method == http.MethodHead:
				e.operation = "HeadBucket"
			case strings.Contains(key, "/"):
				e.operation = "GetObject"
			default:
				e.operation = "ListObjects"
			}
		}
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// What pare calls when it reads all of an organization, applies and takes back a plan with
// every kind of action, and watches, is written as CloudTrail would; from that, pare itself
// finds nothing unused in the policies of deploy/, and they allow all that was called.
func TestDeployedPoliciesAreWhatIsCalled(t *testing.T) {
	o := newOperator(t)
	everything, journal := o.path("all"), o.path("x.journal.jsonl")
	n := len(o.s.Calls())
	o.ok("collect", "--org", "--role-name", "pare-read", "--out", everything, "--quiet")
	o.ok("ingest", "s3://logs/AWSLogs/", "--out", o.path("logs.jsonl"), "--window", "2d")
	all := o.events(n, "pare-read")

	o.write("x.plan.json", o.plan())
	before := o.state()
	n = len(o.s.Calls())
	o.ok("apply", o.path("x.plan.json"), "--yes", "--settle", "0s")
	if _, errs, code := o.run("rollback", journal, "--settle", "0s"); code != exitPartial || !strings.Contains(errs, "2 credentials deleted for good") {
		t.Fatalf("rollback: exit code %d\n%s", code, errs)
	}
	all = append(all, o.events(n, "pare-apply")...)
	if o.state() == before {
		t.Error("what is deleted for good came back")
	}
	n = len(o.s.Calls())
	o.ok("watch", journal, "--once", "--quiet", "--regions", "us-east-1")
	all = append(all, o.events(n, "pare-read")...)
	for _, e := range slices.Clone(all) {
		if e.role == "pare-read" && !slices.Contains([]string{"s3", "organizations"}, e.service) {
			all = append(all, event{"pare-wide", e.service, e.operation})
		}
	}

	data := filepath.Join(everything, "123456789012")
	now := time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)
	o.write("logs/records.json", logs(all, now))
	o.ok("ingest", o.path("logs"), "--out", filepath.Join(data, "usage.jsonl"))
	for role := range deployed {
		if got := o.unused(data, role, now); got != nil {
			t.Errorf("%s: deploy/ grants what isn't called: %v", role, got)
		}
		if got := missing(t, role, all); got != nil {
			t.Errorf("%s: deploy/ lacks what is called: %v", role, got)
		}
	}
	if got := o.unused(data, "pare-wide", now); !slices.Equal(got, []string{"iam:CreateUser"}) {
		t.Errorf("one permission too many isn't found: %v", got)
	}
	var want []string
	for _, p := range collect.Permissions() {
		want = append(want, p.Action)
	}
	got := slices.Concat(actions(t, "read/policy.json"), actions(t, "read/organization.json"))
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what doctor asks for, and what deploy/ grants: -want +got\n%s", diff)
	}
}

func (o *operator) write(name string, text []byte) {
	o.Helper()
	path := o.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		o.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		o.Fatal(err)
	}
}

// logs is a log file with each event in each of the two days before now, and one in every
// hour: logs without a gap.
func logs(all []event, now time.Time) []byte {
	var records [][]byte
	calls := max(48, 2*len(all))
	for i := range calls {
		at := now.Add(-48 * time.Hour).Add(time.Duration(i) * 48 * time.Hour / time.Duration(calls))
		records = append(records, record(all[i%len(all)], i, at))
	}
	return slices.Concat([]byte(`{"Records":[`), bytes.Join(records, []byte(",")), []byte("]}"))
}

// unused are the actions that pare takes out of a role's policies.
func (o *operator) unused(data, role string, now time.Time) []string {
	o.Helper()
	out, errs, code := o.run("recommend", "--data", data, "--principal", inaws+"role/"+role, "--window", "1d", "--now", now.Format(time.RFC3339), "-o", "json")
	var got struct {
		Policies []struct {
			Edits []struct {
				Out []string `json:"out"`
			} `json:"edits"`
		} `json:"policies"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		o.Fatalf("%s: exit code %d: %v\n%s%s", role, code, err, out, errs)
	}
	if code != exitOK {
		o.Fatalf("%s: exit code %d\n%s", role, code, errs)
	}
	var names []string
	for _, p := range got.Policies {
		for _, e := range p.Edits {
			names = append(names, e.Out...)
		}
	}
	return names
}

// needless needs no permission: anybody may ask who he is.
var needless = []string{"sts:GetCallerIdentity"}

// s3Needs are the actions of S3's operations that aren't named for them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var s3Needs = map[string]string{"HeadBucket": "ListBucket", "ListObjects": "ListBucket"}

// missing are calls that no policy of a role allows.
func missing(t *testing.T, role string, all []event) []string {
	t.Helper()
	var granted, out []string
	for _, file := range deployed[role] {
		granted = append(granted, actions(t, file)...)
	}
	for _, e := range all {
		name := e.service + ":" + e.operation
		if needs, ok := s3Needs[e.operation]; ok {
			name = e.service + ":" + needs
		}
		if e.role == role && !slices.Contains(granted, name) && !slices.Contains(needless, name) {
			out = append(out, name)
		}
	}
	return out
}

// actions are those that a policy of deploy/ allows, none with a wildcard.
func actions(t *testing.T, file string) []string {
	t.Helper()
	doc, err := policy.Parse(file, []byte(readText(t, deploy+file)))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range doc.Statements {
		for _, p := range s.Action.Entries {
			if s.Effect == policy.Allow {
				out = append(out, p.Text)
			}
		}
	}
	return out
}

// value is a document of a plan.
func value(doc string) apply.Value {
	canonical := jsontext.Value(doc)
	if err := canonical.Canonicalize(); err != nil {
		panic(err) // they are this file's
	}
	sum := sha256.Sum256(canonical)
	return apply.Value{There: true, Document: doc, SHA256: hex.EncodeToString(sum[:])}
}

// plan has every kind of action.
func (o *operator) plan() []byte {
	o.Helper()
	there := apply.Value{There: true}
	wide, queues, narrow := value(allowing(`"s3:*"`)), value(allowing(`"sqs:*"`)), value(allowing(`"s3:GetObject"`))
	steps := []apply.Step{
		{Type: finding.UnusedPermission, Actions: []apply.Action{{ID: "full", Target: apply.Policy{ARN: ours + "Full", Name: "Full", Path: "/"}, Expect: wide, Leave: narrow}}},
		{Type: finding.UnusedPermission, Actions: []apply.Action{{ID: "new", Target: apply.Policy{ARN: ours + "New", Name: "New", Path: "/"}, Leave: narrow}}},
		{Type: finding.UnusedIAMRole, Actions: []apply.Action{
			{ID: "tag", Target: apply.RoleTag{Role: "app", Key: apply.QuarantineTag}, Leave: apply.Value{There: true, Text: "2026-11-23"}},
			{ID: "profile", Target: apply.ProfileRole{Profile: "machines", Role: "gone"}, Expect: there},
			{ID: "role", Target: apply.Role{Name: "gone"}, Expect: value(assumeByEC2)},
		}},
		{Type: finding.UnusedIAMUserAccessKey, Actions: []apply.Action{
			{ID: "key", Target: apply.AccessKey{User: "ann", ID: o.key}, Expect: apply.Value{There: true, Text: "Active"}, Leave: apply.Value{There: true, Text: "Inactive"}},
		}},
		{Type: finding.UnusedIAMUserPassword, Actions: []apply.Action{{ID: "password", Target: apply.Password{User: "ann"}, Expect: there}}},
	}
	for i, e := range []apply.Entity{{Kind: apply.RoleEntity, Name: "app"}, {Kind: apply.UserEntity, Name: "ann"}, {Kind: apply.GroupEntity, Name: "devs"}} {
		id := fmt.Sprintf("e%d", i)
		steps = append(steps, apply.Step{Type: finding.UnusedPermission, Actions: []apply.Action{
			{ID: id + "attach", Target: apply.Attachment{Of: e, Policy: ours + "New"}, Leave: there},
			{ID: id + "detach", Target: apply.Attachment{Of: e, Policy: ours + "Wide"}, Expect: wide},
			{ID: id + "put", Target: apply.Inline{Of: e, Name: "new"}, Leave: narrow},
			{ID: id + "delete", Target: apply.Inline{Of: e, Name: "old"}, Expect: queues},
		}})
	}
	second := o.set("CreateAccessKey", "UserName", "ann").Text("AccessKeyId")
	o.set("UpdateAccessKey", "UserName", "ann", "AccessKeyId", second, "Status", "Inactive")
	steps[3].Actions = append(steps[3].Actions, apply.Action{ID: "old key", Target: apply.AccessKey{User: "ann", ID: second}, Expect: apply.Value{There: true, Text: "Inactive"}})
	for i := range steps {
		steps[i].ID, steps[i].Principal, steps[i].Affects = fmt.Sprintf("s%d", i+1), inaws+"role/app", []string{inaws + "role/app", inaws + "user/ann"}
	}
	var out bytes.Buffer
	p := apply.Plan{SchemaVersion: apply.Schema, Account: "123456789012", Partition: "aws", MadeAt: time.Now().UTC(), UnusedSince: time.Now().Add(-time.Hour), Steps: steps}
	if err := p.Write(&out); err != nil {
		o.Fatal(err)
	}
	return out.Bytes()
}

// The templates make the roles that the JSON files say: CloudFormation's are run.
func TestDeployTemplates(t *testing.T) {
	s := awstest.Start(t, awstest.Options{})
	for _, test := range []struct {
		role, template string
		params         []string
	}{
		{"pare-read", "read/template.yaml", []string{"Organization", "true", "LogBucket", "LOG-BUCKET"}},
		{"pare-apply", "apply/template.yaml", nil},
	} {
		t.Run(test.template, func(t *testing.T) {
			if out, err := exec.Command(awstest.Need(t, awstest.CfnLint), deploy+test.template).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			params := []string{"StackName", test.role, "TemplateBody", readText(t, deploy+test.template), "Capabilities.member.1", "CAPABILITY_NAMED_IAM"}
			given := append([]string{"TrustedPrincipal", "arn:aws:iam::111122223333:role/who-runs-pare", "ExternalId", "a-value-of-your-own"}, test.params...)
			for i := 0; i < len(given); i += 2 {
				at := fmt.Sprintf("Parameters.member.%d.Parameter", i/2+1)
				params = append(params, at+"Key", given[i], at+"Value", given[i+1])
			}
			s.SetUp(awstest.Key{}, "cloudformation", "CreateStack", params...)
			role := s.SetUp(awstest.Key{}, "iam", "GetRole", "RoleName", test.role)
			sameJSON(t, "trust.json", readText(t, deploy+"trust.json"), role.Text("AssumeRolePolicyDocument"))
			for i, file := range deployed[test.role] {
				name := []string{map[string]string{"pare-read": "collect", "pare-apply": "apply"}[test.role], "organization", "logs"}[i]
				got := s.SetUp(awstest.Key{}, "iam", "GetRolePolicy", "RoleName", test.role, "PolicyName", name).Text("PolicyDocument")
				sameJSON(t, file, readText(t, deploy+file), got)
			}
		})
	}
}

// sameJSON compares two documents; the second may be URL-encoded, as IAM sends it, and in the
// spelling of Python, as moto keeps what a template says.
func sameJSON(t *testing.T, what, want, got string) {
	t.Helper()
	var texts [2]string
	for i, text := range []string{want, strings.ReplaceAll(unescaped(got), "'", `"`)} {
		v := jsontext.Value(text)
		if err := v.Canonicalize(); err != nil {
			t.Fatalf("%s: %v\n%s", what, err, text)
		}
		if err := v.Indent(); err != nil {
			t.Fatal(err)
		}
		texts[i] = string(v)
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Errorf("%s: -JSON +template\n%s", what, diff)
	}
}

// Terraform's files have no policy of their own: they read the JSON files beside them.
func TestDeployTerraform(t *testing.T) {
	for role, files := range deployed {
		dir, _, _ := strings.Cut(files[0], "/")
		text := readText(t, deploy+dir+"/main.tf")
		for _, file := range files {
			if !strings.Contains(text, `file("${path.module}/`+filepath.Base(file)+`")`) {
				t.Errorf("%s/main.tf doesn't read %s", dir, file)
			}
		}
		if !strings.Contains(text, `"`+role+`"`) || strings.Count(text, "\n  policy ") != len(files) {
			t.Errorf("%s/main.tf: want the role %s with %d policies", dir, role, len(files))
		}
	}
}

func unescaped(text string) string {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return text
	}
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}
