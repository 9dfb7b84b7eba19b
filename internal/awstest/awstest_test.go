package awstest_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
)

const (
	app   = "arn:aws:iam::123456789012:role/service/app"
	devs  = "arn:aws:iam::123456789012:group/devs"
	alice = "arn:aws:iam::123456789012:user/alice"
)

var march = time.Date(2026, time.March, 5, 12, 0, 0, 250e6, time.UTC)

// cli runs the AWS CLI and returns what it prints, errors too.
func cli(t *testing.T, s *awstest.Server, args ...string) string {
	t.Helper()
	cmd := exec.Command(awstest.Need(t, awstest.AWS), append(strings.Fields("--output json --endpoint-url "+s.URL), args...)...)
	cmd.Env = s.Environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return strings.TrimSpace(string(out)) + "\n"
	}
	return string(out)
}

func facts(arn string) ([]awstest.Service, bool) {
	used := awstest.Use{At: march, Region: "eu-west-1"}
	return []awstest.Service{
		{Namespace: "sqs"},
		{Namespace: "s3", Name: "Amazon S3", Used: used, Actions: []awstest.Action{{Name: "GetBucketAcl", Used: used}, {Name: "GetBucketCORS"}}},
		{Namespace: "ec2", Used: used},
	}, arn == app
}

// The CLI decodes what the front answers as it decodes AWS's answers.
func TestLastAccessedThroughTheCLI(t *testing.T) {
	t.Parallel()
	s := awstest.Start(t, awstest.Options{LastAccessed: facts, Polls: func(string) int { return 1 }, Page: 2, Entities: func(arn, namespace string) []awstest.Entity {
		return []awstest.Entity{{ARN: alice, ID: "AIDA1"}, {ARN: app, ID: "AROA1", At: march}}
	}})
	generated := cli(t, s, "iam", "generate-service-last-accessed-details", "--arn", app, "--granularity", "ACTION_LEVEL", "--query", "JobId", "--output", "text")
	job := strings.TrimSpace(generated)
	get := func(args ...string) string {
		return cli(t, s, append([]string{"iam", "get-service-last-accessed-details", "--job-id", job}, args...)...)
	}
	const services = "[JobStatus, JobType, IsTruncated, Marker, ServicesLastAccessed]"
	for _, step := range []struct{ name, got, want string }{
		{"not yet", get("--query", services), `["IN_PROGRESS", "ACTION_LEVEL", false, null, []]`},
		{"a page of two", get("--query", services), `["COMPLETED", "ACTION_LEVEL", true, "2", [
			{"ServiceName": "ec2", "LastAuthenticated": "2026-03-05T12:00:00.250Z", "ServiceNamespace": "ec2",
			 "LastAuthenticatedEntity": "` + app + `", "LastAuthenticatedRegion": "eu-west-1", "TotalAuthenticatedEntities": 1},
			{"ServiceName": "Amazon S3", "LastAuthenticated": "2026-03-05T12:00:00.250Z", "ServiceNamespace": "s3",
			 "LastAuthenticatedEntity": "` + app + `", "LastAuthenticatedRegion": "eu-west-1", "TotalAuthenticatedEntities": 1,
			 "TrackedActionsLastAccessed": [
			   {"ActionName": "GetBucketAcl", "LastAccessedEntity": "` + app + `", "LastAccessedTime": "2026-03-05T12:00:00.250Z", "LastAccessedRegion": "eu-west-1"},
			   {"ActionName": "GetBucketCORS"}]}]]`},
		{"the next page", get("--query", services, "--marker", "2"),
			`["COMPLETED", "ACTION_LEVEL", false, null, [{"ServiceName": "sqs", "ServiceNamespace": "sqs", "TotalAuthenticatedEntities": 0}]]`},
		{"smaller pages", get("--query", "ServicesLastAccessed[].ServiceNamespace", "--max-items", "1"), `["ec2"]`},
		{"who", cli(t, s, "iam", "get-service-last-accessed-details-with-entities", "--job-id", job, "--service-namespace", "s3", "--query", "[JobStatus, EntityDetailsList]"),
			`["COMPLETED", [
			{"EntityInfo": {"Arn": "` + app + `", "Name": "app", "Type": "ROLE", "Id": "AROA1", "Path": "/service/"}, "LastAuthenticated": "2026-03-05T12:00:00.250Z"},
			{"EntityInfo": {"Arn": "` + alice + `", "Name": "alice", "Type": "USER", "Id": "AIDA1", "Path": "/"}}]]`},
	} {
		t.Run(step.name, func(t *testing.T) {
			if diff := cmp.Diff(squeeze(step.want), squeeze(step.got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// squeeze leaves out white space, and dates in the form of version 2 of the CLI are as in
// the form of version 1.
func squeeze(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), ""), "000+00:00", "Z")
}

// What is wrong is refused in the form that clients understand.
func TestErrorsThroughTheCLI(t *testing.T) {
	t.Parallel()
	s := awstest.Start(t, awstest.Options{LastAccessed: facts})
	for _, test := range []struct{ name, args, want string }{
		{"no such entity", "generate-service-last-accessed-details --arn " + devs, "NoSuchEntity"},
		{"no such job", "get-service-last-accessed-details --job-id 00000000-0000-0000-0000-000000000000", "NoSuchEntity"},
		{"an error of moto's", "get-user --user-name nobody", "NoSuchEntity"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := cli(t, s, append([]string{"iam"}, strings.Fields(test.args)...)...); !strings.Contains(got, "An error occurred ("+test.want+")") {
				t.Errorf("got %s, want the error %s", got, test.want)
			}
		})
	}
}

// Calls through the front are recorded, set-up isn't; moto answers by the clock it is given.
func TestRecordAndClock(t *testing.T) {
	s := awstest.Start(t, awstest.Options{LastAccessed: facts, Ago: 200 * 24 * time.Hour})
	old := s.SetUp(awstest.Key{}, "iam", "CreateUser", "UserName", "old").Text("CreateDate")
	s.SetAgo(0)
	young := s.SetUp(awstest.Key{}, "iam", "CreateUser", "UserName", "young").Text("CreateDate")
	if apart := parse(t, young).Sub(parse(t, old)).Round(time.Hour); apart != 200*24*time.Hour {
		t.Errorf("users were made %v apart, want 200 days", apart)
	}
	if late := time.Since(parse(t, young)).Round(time.Hour); late != 0 {
		t.Errorf("the second was made %v ago, want now", late)
	}
	cli(t, s, "iam", "list-users")
	cli(t, s, "sts", "get-caller-identity")
	cli(t, s, "dynamodb", "list-tables")
	cli(t, s, "s3api", "list-buckets")
	cli(t, s, "iam", "generate-service-last-accessed-details", "--arn", app)
	var got []string
	for _, c := range s.Calls() {
		got = append(got, fmt.Sprintf("%s %s %s", c.Service, c.Operation, c.Params.Get("Arn")))
	}
	want := []string{"iam ListUsers ", "sts GetCallerIdentity ", "dynamodb ListTables ", "s3 GET / ", "iam GenerateServiceLastAccessedDetails " + app}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func parse(t *testing.T, date string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, date)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
