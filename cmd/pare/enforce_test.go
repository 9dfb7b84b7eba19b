package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/internal/awstest"
)

// worker is the role app at work: its own session calls moto, which decides by the policies
// that the role has. What moto answered, and when by its clock, is all that IAM's last
// accessed information is made from in this test: nothing else says what was used.
type worker struct {
	*testing.T
	s    *awstest.Server
	used map[string]time.Time // by IAM action: the last call that was answered
}

const appARN = "arn:aws:iam::123456789012:role/app"

// deed is a call of the role's, and the IAM action that it needs.
type deed struct {
	action string
	call   func(context.Context, *s3.Client, *iam.Client) error
}

var (
	bucket = aws.String("reports")

	getACL = deed{"s3:GetBucketAcl", func(ctx context.Context, s *s3.Client, _ *iam.Client) error {
		_, err := s.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: bucket})
		return err
	}}
	listBuckets = deed{"s3:ListAllMyBuckets", func(ctx context.Context, s *s3.Client, _ *iam.Client) error {
		_, err := s.ListBuckets(ctx, &s3.ListBucketsInput{})
		return err
	}}
	getLocation = deed{"s3:GetBucketLocation", func(ctx context.Context, s *s3.Client, _ *iam.Client) error {
		_, err := s.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})
		return err
	}}
	getVersioning = deed{"s3:GetBucketVersioning", func(ctx context.Context, s *s3.Client, _ *iam.Client) error {
		_, err := s.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
		return err
	}}
	getObject = deed{"s3:GetObject", func(ctx context.Context, s *s3.Client, _ *iam.Client) error {
		_, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("march.csv")})
		return err
	}}
	listRoles = deed{"iam:ListRoles", func(ctx context.Context, _ *s3.Client, i *iam.Client) error {
		_, err := i.ListRoles(ctx, &iam.ListRolesInput{})
		return err
	}}
	getRole = deed{"iam:GetRole", func(ctx context.Context, _ *s3.Client, i *iam.Client) error {
		_, err := i.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("app")})
		return err
	}}
	listUsers = deed{"iam:ListUsers", func(ctx context.Context, _ *s3.Client, i *iam.Client) error {
		_, err := i.ListUsers(ctx, &iam.ListUsersInput{})
		return err
	}}

	inMarch   = []deed{getACL, listBuckets, listRoles}
	neverDone = []deed{getLocation, getVersioning, getRole, listUsers}
	unwatched = []deed{getObject} // IAM's last accessed information doesn't track it: nobody knows
)

// enforce has moto decide by policies, or not.
// https://docs.getmoto.org/en/latest/docs/iam.html
func (w *worker) enforce(on bool) {
	w.Helper()
	text := map[bool]string{true: "0", false: "inf"}[on]
	response, err := http.Post(w.s.URL+"/moto-api/reset-auth", "text/plain", strings.NewReader(text))
	if err != nil {
		w.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		w.Fatalf("moto: %s, %v", response.Status, err)
	}
}

// work does deeds with a new session of the role, and returns for each whether it was
// allowed. An error that isn't a refusal ends the test.
func (w *worker) work(deeds ...[]deed) map[string]bool {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	session := w.s.SetUp(awstest.Key{}, "sts", "AssumeRole", "RoleArn", appARN, "RoleSessionName", "work")
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &w.s.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(session.Text("AccessKeyId"), session.Text("SecretAccessKey"), session.Text("SessionToken")),
	}
	buckets := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	w.enforce(true)
	defer w.enforce(false)
	allowed := map[string]bool{}
	for _, list := range deeds {
		for _, d := range list {
			err := d.call(ctx, buckets, iam.NewFromConfig(cfg))
			response, answered := errors.AsType[*awshttp.ResponseError](err)
			switch {
			case err == nil:
				allowed[d.action] = true
				w.used[d.action] = w.s.Now()
			case answered && response.HTTPStatusCode() == http.StatusForbidden:
				allowed[d.action] = false
			default:
				w.Fatalf("%s: %v", d.action, err)
			}
		}
	}
	return allowed
}

// lastAccessed is what IAM would say of the calls that were answered so far: of each
// service that the role may use the actions that IAM tracks, with their last use.
func (w *worker) lastAccessed(arn string) ([]awstest.Service, bool) {
	var out []awstest.Service
	for _, prefix := range []string{"iam", "s3"} {
		service := awstest.Service{Namespace: prefix}
		for _, a := range catalog.Embedded().Service(prefix).Actions {
			var use awstest.Use
			if at, ok := w.used[a.String()]; ok && arn == appARN {
				use = awstest.Use{At: at, Region: "us-east-1"}
			}
			if a.Tracked&catalog.LastAccessed != 0 {
				service.Actions = append(service.Actions, awstest.Action{Name: a.Name, Used: use})
			}
			if use.At.After(service.Used.At) {
				service.Used = use
			}
		}
		out = append(out, service)
	}
	return out, true
}

func allows(allowed bool, deeds ...[]deed) map[string]bool {
	out := map[string]bool{}
	for _, list := range deeds {
		for _, d := range list {
			out[d.action] = allowed
		}
	}
	return out
}

// A role with s3:Get* and more, made in winter, makes some calls in March, 260 days ago. Now,
// within a window of 280 days, pare collects, analyzes and applies: then the role's own
// session is still allowed what it did in March, and what nobody can know of, and refused
// what it never did. After the rollback it is allowed everything again.
func TestUsedAccessWorksAndUnusedIsRefused(t *testing.T) {
	const day = 24 * time.Hour
	w := &worker{T: t, used: map[string]time.Time{}}
	w.s = awstest.Start(t, awstest.Options{Ago: 310 * day, LastAccessed: func(arn string) ([]awstest.Service, bool) { return w.lastAccessed(arn) }})
	a := &applying{t, w.s, t.TempDir()}
	a.environment()
	w.account()
	all := allows(true, inMarch, neverDone, unwatched)

	w.s.SetAgo(260 * day)
	if diff := cmp.Diff(allows(true, inMarch), w.work(inMarch)); diff != "" {
		t.Fatalf("in March: -want +got\n%s", diff)
	}

	w.s.SetAgo(0)
	data, plan, journal := a.path("data"), a.path("app.plan.json"), a.path("app.journal.jsonl")
	window := []string{"--window", "280d"}
	a.ok(append(window, "collect", "--out", data, "--quiet")...)
	found, _, code := a.run(append(window, "analyze", "--data", data, "--quiet")...)
	if code != exitFindings && code != exitOK && code != exitPartial || !strings.Contains(found, "app") {
		t.Fatalf("analyze: exit code %d\n%s", code, found)
	}
	a.ok(append(window, "apply", "--data", data, "--principal", "app", "--plan", plan, "--quiet")...)
	want := []string{
		"role app: Auditing-recommended in place of the customer managed policy Auditing",
		"role app: narrow the inline policy Reports",
	}
	if diff := cmp.Diff(want, a.steps(plan)); diff != "" {
		t.Fatalf("the plan: -want +got\n%s", diff)
	}
	before := w.details()
	a.ok("apply", plan, "--yes", "--settle", "0s")
	kept := allows(false, neverDone)
	for action := range allows(true, inMarch, unwatched) {
		kept[action] = true
	}
	if diff := cmp.Diff(kept, w.work(inMarch, neverDone, unwatched)); diff != "" {
		t.Errorf("applied: -want +got\n%s", diff)
	}

	a.ok("rollback", journal, "--settle", "0s")
	if diff := cmp.Diff(all, w.work(inMarch, neverDone, unwatched)); diff != "" {
		t.Errorf("taken back: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(before, w.details()); diff != "" {
		t.Errorf("taken back, the account: -want +got\n%s", diff)
	}
	if j, err := apply.Read(journal); err != nil || !j.TakenBack() {
		t.Errorf("the journal: %v", err)
	}
}

func (w *worker) account() {
	set := func(operation string, params ...string) { w.s.SetUp(awstest.Key{}, "iam", operation, params...) }
	set("CreateRole", "RoleName", "app", "AssumeRolePolicyDocument", assumeByEC2)
	set("PutRolePolicy", "RoleName", "app", "PolicyName", "Reports", "PolicyDocument", allowing(`"s3:Get*","s3:List*"`))
	set("CreatePolicy", "PolicyName", "Auditing", "PolicyDocument", allowing(`"iam:Get*","iam:List*"`))
	set("AttachRolePolicy", "RoleName", "app", "PolicyArn", "arn:aws:iam::123456789012:policy/Auditing")
	for _, path := range []string{"/reports", "/reports/march.csv"} {
		r, err := http.NewRequestWithContext(w.Context(), http.MethodPut, w.s.URL+path, strings.NewReader(""))
		if err != nil {
			w.Fatal(err)
		}
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			w.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			w.Fatalf("%s: %s, %v", path, response.Status, err)
		}
	}
}

// details is the account's authorization details, but for what every answer has anew and
// the time of the role's last use.
func (w *worker) details() string {
	var lines []string
	for part := range strings.SplitSeq(string(w.s.SetUp(awstest.Key{}, "iam", "GetAccountAuthorizationDetails")), "<") {
		switch name, _, _ := strings.Cut(part, ">"); name {
		case "LastUsedDate", "RequestId", "UpdateDate":
		default:
			lines = append(lines, part)
		}
	}
	return strings.Join(lines, "\n")
}
