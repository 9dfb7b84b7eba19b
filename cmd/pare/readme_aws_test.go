package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscloudtrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pare-iam/pare/internal/awstest"
)

// liveSections are the parts of README.md whose commands need an account.
var liveSections = regexp.MustCompile(`(?s)\n## Your account in five minutes\n.*\n## A dashboard for the team, and an API\n`)

// The commands of these sections, each as it is written, work on an account of moto.
func TestReadmeAgainstAWS(t *testing.T) {
	var shown, run []string
	section := liveSections.FindString(readText(t, readme))
	for _, block := range regexp.MustCompile("(?s)\n```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, "#")
			shown = append(shown, strings.TrimSpace(line))
		}
	}
	for line := range strings.Lines(readText(t, "testdata/aws/readme.txtar")) {
		if command, ok := strings.CutPrefix(line, "exec "); ok {
			run = append(run, strings.TrimSpace(command))
		}
	}
	if diff := cmp.Diff(shown, run); diff != "" {
		t.Errorf("commands: -README.md +testdata/aws/readme.txtar\n%s", diff)
	}
	s := fiveMinuteAccount(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/aws", RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PARE_CACHE_DIR", env.WorkDir+"/cache")
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Vars = append(env.Vars, s.Environment()...)
			return nil
		},
	})
}

// fiveMinuteAccount was made 200 days ago. Its role app used one of the actions that it has,
// its role idle nothing.
func fiveMinuteAccount(t *testing.T) *awstest.Server {
	const day = 24 * time.Hour
	used := awstest.Use{At: time.Now().Add(-40 * day), Region: "us-east-1"}
	s := awstest.Start(t, awstest.Options{Ago: 200 * day, LastAccessed: func(arn string) ([]awstest.Service, bool) {
		if !strings.HasSuffix(arn, "/app") {
			return nil, true
		}
		return []awstest.Service{
			{Namespace: "s3", Used: used, Actions: []awstest.Action{{Name: "GetBucketAcl", Used: used}, {Name: "GetBucketPolicy"}}},
			{Namespace: "sqs"},
		}, true
	}})
	set := func(operation string, params ...string) { s.SetUp(awstest.Key{}, "iam", operation, params...) }
	for _, role := range []string{"app", "idle"} {
		set("CreateRole", "RoleName", role, "AssumeRolePolicyDocument", assumeByEC2)
	}
	set("PutRolePolicy", "RoleName", "app", "PolicyName", "buckets", "PolicyDocument", allowing(`"s3:GetBucketAcl","s3:GetBucketPolicy"`))
	set("PutRolePolicy", "RoleName", "app", "PolicyName", "queues", "PolicyDocument", allowing(`"sqs:ReceiveMessage","sqs:SendMessage"`))
	set("CreateUser", "UserName", "ann")
	s.SetAgo(0)
	managementEvents(t, s)
	return s
}

// managementEvents is the account's trail, with a log file of a day ago in its bucket.
func managementEvents(t *testing.T, s *awstest.Server) {
	t.Helper()
	l := newBucket(t, s, t.TempDir())
	trails := awscloudtrail.New(awscloudtrail.Options{BaseEndpoint: aws.String(s.URL), Region: "us-east-1", Credentials: l.bucket.Options().Credentials})
	if _, err := trails.CreateTrail(t.Context(), &awscloudtrail.CreateTrailInput{Name: aws.String("management-events"), S3BucketName: aws.String(logBucket)}); err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Add(-24 * time.Hour)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := fmt.Fprintf(w, `{"Records": [{"eventVersion": "1.11", "eventTime": %q, "eventSource": "s3.amazonaws.com", "eventName": "GetBucketAcl",
"awsRegion": "us-east-1", "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true, "readOnly": true, "recipientAccountId": "123456789012",
"userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/app/i-1", "accountId": "123456789012",
"sessionContext": {"sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::123456789012:role/app"}}}}]}`, at.Format(time.RFC3339))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	l.put("AWSLogs/123456789012/CloudTrail/us-east-1/"+at.Format("2006/01/02")+"/123456789012_CloudTrail_us-east-1_"+at.Format("20060102T1504Z")+"_abcdefghijklmnop.json.gz", packed.Bytes())
}
