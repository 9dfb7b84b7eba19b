package collect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/internal/snapshot"
)

const (
	own   = "123456789012"
	day   = 24 * time.Hour
	trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	// The white space is the author's, and stays.
	spaced = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [ {\"Effect\": \"Allow\", \"Action\": [\"s3:Get*\", \"sqs:*\"], \"Resource\": \"*\"} ]\n}"
)

// call is a call that came to the front.
type call struct {
	name string     // "iam:ListAccessKeys"
	form url.Values // of the query protocol
	body string
}

// String names the call with whom it is about.
func (c call) String() string {
	return strings.TrimSpace(c.name + " " + c.form.Get("UserName") + c.form.Get("Arn") + c.form.Get("RoleArn"))
}

// fault may answer a call in moto's stead, and says whether it did.
type fault func(w http.ResponseWriter, c call) bool

// front stands before the awstest server: it records the calls, has faults, and answers
// LookupEvents.
type front struct {
	*awstest.Server
	url string

	mu    sync.Mutex
	calls []call
	fault fault
}

func newFront(t *testing.T, o awstest.Options) *front {
	t.Helper()
	f := &front{Server: awstest.Start(t, o)}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c := call{body: string(body)}
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	service := "?"
	if parts := strings.Split(scope, "/"); len(parts) > 3 {
		service = parts[3]
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		c.name = service + ":" + target[strings.LastIndex(target, ".")+1:]
	} else {
		c.form, _ = url.ParseQuery(string(body))
		c.name = service + ":" + c.form.Get("Action")
	}
	f.mu.Lock()
	f.calls = append(f.calls, c)
	fault := f.fault
	f.mu.Unlock()
	switch {
	case fault != nil && fault(w, c):
	case c.name == "cloudtrail:LookupEvents":
		answerJSON(w, `{"Events":[]}`)
	default:
		f.Server.ServeHTTP(w, r)
	}
}

func answerJSON(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	fmt.Fprint(w, text)
}

// refuse answers as the query protocol's services do.
func refuse(w http.ResponseWriter, status int, code, message string) bool {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%d</RequestId></ErrorResponse>`, code, message, time.Now().UnixNano())
	return true
}

// with sets the fault, and forgets the calls so far.
func (f *front) with(fault fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.calls = fault, nil
}

// taken are the calls since the fault was set.
func (f *front) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		out = append(out, c.String())
	}
	return out
}

// config is a configuration that leads to the front and doesn't wait between attempts.
func (f *front) config() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &f.url,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATESTTESTTESTTEST", "secret", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.RateLimiter, o.MaxAttempts = ratelimit.None, 3
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

// options are those of most tests: one call at a time, and nothing is waited for.
func options() collect.Options {
	return collect.AtOnce(collect.Options{Principals: 1, FirstWait: time.Millisecond})
}

func (f *front) collect(t *testing.T, dir string, o collect.Options) collect.Result {
	t.Helper()
	result, err := collect.One(t.Context(), f.config(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// populate makes an account with something of every kind.
func populate(s *awstest.Server, as awstest.Key) {
	iam := func(operation string, params ...string) awstest.Answer {
		return s.SetUp(as, "iam", operation, params...)
	}
	iam("CreateAccountAlias", "AccountAlias", "shop")
	managed := iam("CreatePolicy", "PolicyName", "orders", "PolicyDocument", spaced, "Path", "/team/").Text("Arn")
	iam("CreatePolicyVersion", "PolicyArn", managed, "PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	iam("CreateGroup", "GroupName", "devs")
	iam("PutGroupPolicy", "GroupName", "devs", "PolicyName", "inline", "PolicyDocument", spaced)
	for _, user := range []string{"ann", "bob"} {
		iam("CreateUser", "UserName", user, "Tags.member.1.Key", "team", "Tags.member.1.Value", "a \"b\" é")
		iam("CreateAccessKey", "UserName", user)
	}
	iam("AddUserToGroup", "GroupName", "devs", "UserName", "ann")
	iam("PutUserPolicy", "UserName", "bob", "PolicyName", "own", "PolicyDocument", spaced)
	iam("CreateRole", "RoleName", "app", "AssumeRolePolicyDocument", trust, "Path", "/service/", "PermissionsBoundary", managed)
	iam("PutRolePolicy", "RoleName", "app", "PolicyName", "p+1", "PolicyDocument", spaced)
	iam("AttachRolePolicy", "RoleName", "app", "PolicyArn", managed)
	iam("CreateInstanceProfile", "InstanceProfileName", "app")
	iam("AddRoleToInstanceProfile", "InstanceProfileName", "app", "RoleName", "app")
	iam("CreateRole", "RoleName", "idle", "AssumeRolePolicyDocument", trust)
	iam("CreateServiceLinkedRole", "AWSServiceName", "autoscaling.amazonaws.com")
}

// everybody was last seen in spring.
func everybody(arn string) ([]awstest.Service, bool) {
	used := awstest.Use{At: time.Date(2026, time.March, 5, 12, 0, 0, 250e6, time.UTC), Region: "eu-west-1"}
	return []awstest.Service{
		{Namespace: "s3", Name: "Amazon S3", Used: used, Actions: []awstest.Action{{Name: "GetBucketAcl", Used: used}, {Name: "GetBucketCORS"}}},
		{Namespace: "sqs", Name: "Amazon SQS"},
	}, true
}

// reads says whether an operation changes nothing, or makes one of IAM's two reports.
func reads(name string) bool {
	_, operation, _ := strings.Cut(name, ":")
	for _, verb := range []string{"Get", "List", "Describe", "Lookup"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return slices.Contains([]string{"GenerateCredentialReport", "GenerateServiceLastAccessedDetails", "AssumeRole"}, operation)
}

// onlyReads checks that nothing that was called writes.
func (f *front) onlyReads(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if !reads(c.name) {
			t.Errorf("%s was called: it writes", c)
		}
	}
}

// open reads a folder, in which nothing may be wrong.
func open(t *testing.T, dir string) *snapshot.Folder {
	t.Helper()
	folder, err := snapshot.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, problems, err := folder.Inventory()
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", problems, err)
	}
	return folder
}

// names lists the files below a folder, hidden ones left out.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			name, relErr := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(name))
			return relErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

// cancelAt is a fault that cancels when the nth call comes, before it is answered.
func cancelAt(n int, cancel context.CancelFunc) fault {
	var mu sync.Mutex
	seen := 0
	return func(w http.ResponseWriter, _ call) bool {
		mu.Lock()
		defer mu.Unlock()
		seen++
		if seen != n {
			return false
		}
		cancel()
		return cut(w)
	}
}

// unreachableHost is a network in which one service can't be reached.
type unreachableHost struct {
	client  aws.HTTPClient
	service string
}

func (u unreachableHost) Do(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.Header.Get("Authorization"), "/"+u.service+"/") {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}
	}
	if u.client == nil {
		return http.DefaultClient.Do(r)
	}
	return u.client.Do(r)
}
