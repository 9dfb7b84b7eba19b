package main

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/policy"
)

// collectScript is what README.md shows: it fills a folder by the AWS CLI alone.
var collectScript = filepath.Join("testdata", "collect.sh")

func TestReadmeShowsHowToCollect(t *testing.T) {
	if script := readText(t, collectScript); !strings.Contains(readText(t, readme), "```sh\n"+script+"```\n") {
		t.Errorf("README.md: want %s between ```sh and ```, word for word:\n%s", collectScript, script)
	}
}

// A folder that holds nothing but what the AWS CLI prints, filled as README.md says,
// analyzes; and filling it changes nothing in the account.
func TestAFolderOfAWSCLIOutput(t *testing.T) {
	s := awstest.Start(t, awstest.Options{
		Ago: 200 * aDay, ManagedPolicies: true, LastAccessed: liveLastAccessed,
		Polls: func(arn string) int { return strings.Count(arn, "role/app") }, // that job takes a while
	})
	key := liveDays(s)
	folder := filepath.Join(t.TempDir(), "account")
	if out, err := collectByCLI(t, s, folder); err != nil || out != "" {
		t.Fatalf("%s: %v\n%s", collectScript, err, out)
	}
	t.Run("analyzes", func(t *testing.T) {
		stdout, stderr, code := command(t, "", "analyze", "--data", folder, "-o", "json")
		warning := "warning: " + folder + ": no usage.jsonl: permissions aren't judged by CloudTrail (pare ingest PATH… --out usage.jsonl)\n"
		if code != 0 || stderr != warning {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		if diff := cmp.Diff(strings.ReplaceAll(liveFindings, "KEY", key), liveLines(t, stdout)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
	t.Run("changes nothing", func(t *testing.T) {
		enough := access.Actions(catalog.Embedded(), managed(t, s, "IAMReadOnlyAccess"))
		calls := map[string]int{}
		for _, c := range s.Calls() {
			calls[c.Service+":"+c.Operation]++
			action := catalog.Embedded().Lookup(c.Service, c.Operation)
			if action == nil || action.Level != catalog.LevelRead && action.Level != catalog.LevelList {
				t.Errorf("%s:%s isn't known to read alone", c.Service, c.Operation)
			}
			if !slices.Contains(enough.Actions, action) {
				t.Errorf("%s:%s isn't in IAMReadOnlyAccess, which README.md says is enough", c.Service, c.Operation)
			}
		}
		want := map[string]int{
			"iam:GetAccountAuthorizationDetails": 1,
			"iam:GenerateCredentialReport":       2, "iam:GetCredentialReport": 1,
			"iam:ListUsers": 1, "iam:ListAccessKeys": 2, "iam:GetAccessKeyLastUsed": 2, "iam:ListRoles": 1,
			"iam:GenerateServiceLastAccessedDetails": 7, // no service-linked role's
			"iam:GetServiceLastAccessedDetails":      7 + 1 + 1,
		}
		if diff := cmp.Diff(want, calls); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// managed is an AWS managed policy.
func managed(t *testing.T, s *awstest.Server, name string) *policy.Document {
	t.Helper()
	arn := "arn:aws:iam::aws:policy/" + name
	version := s.SetUp(awstest.Key{}, "iam", "GetPolicy", "PolicyArn", arn).Text("DefaultVersionId")
	encoded := s.SetUp(awstest.Key{}, "iam", "GetPolicyVersion", "PolicyArn", arn, "VersionId", version).Text("Document")
	text, err := url.QueryUnescape(encoded)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := policy.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// What can't be asked for ends the script, and leaves no folder that says it is complete.
func TestCollectingStopsAtAnError(t *testing.T) {
	s := awstest.Start(t, awstest.Options{}) // nothing is last accessed by anybody
	s.SetUp(awstest.Key{}, "iam", "CreateRole", "RoleName", "app", "AssumeRolePolicyDocument", trust)
	folder := filepath.Join(t.TempDir(), "account")
	out, err := collectByCLI(t, s, folder)
	if err == nil || !strings.Contains(out, "An error occurred (NoSuchEntity)") {
		t.Errorf("error %v, want one\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(folder, "snapshot.json")); !os.IsNotExist(err) {
		t.Errorf("there is a snapshot.json (%v)", err)
	}
}

// collect runs README.md's commands, which fill a folder, and returns what they print. The
// CLI is told the endpoint by an option: Debian 12 has one of 2023 that doesn't look for it
// in the environment.
func collectByCLI(t *testing.T, s *awstest.Server, folder string) (string, error) {
	t.Helper()
	script, err := filepath.Abs(collectScript)
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	aws := fmt.Sprintf("#!/bin/sh\nexec '%s' --endpoint-url '%s' \"$@\"\n", awstest.Need(t, awstest.AWS), s.URL)
	if err := os.WriteFile(filepath.Join(tools, "aws"), []byte(aws), 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", script)
	cmd.Dir = filepath.Dir(folder)
	cmd.Env = append(s.Environment(), "PATH="+tools+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// liveFindings are what nobody used in the last 90 of those days, and then the steps for
// each with unused permissions. KEY is bob's.
const liveFindings = `
UnusedPermission role/app: s3 GetBucketCORS, sqs
UnusedPermission role/deploy: lambda, s3 …, s3-object-lambda
UnusedIAMRole role/forgotten
UnusedPermission role/wide: a2c … xray
UnusedPermission user/alice: ec2 CreateVpc
UnusedIAMUserAccessKey user/bob: KEY
UnusedIAMUserPassword user/bob
SUCCEEDED role/app: proved
  CREATE_POLICY app-inline { "Version": "2012-10-17", "Statement": [ { "Sid": "App", "Effect": "Allow", "Action": [ "s3:GetBucketAcl", "s3:GetObject" ], "Resource": "*" } ] }
  DETACH_POLICY app-inline
SUCCEEDED role/deploy: proved
  DETACH_POLICY arn:aws:iam::123456789012:policy/deploy
  CREATE_POLICY arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
  DETACH_POLICY arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
SUCCEEDED role/wide: proved
  CREATE_POLICY everything
  DETACH_POLICY everything
SUCCEEDED user/alice: proved
  CREATE_POLICY dev of arn:aws:iam::123456789012:group/devs { "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": [ "ec2:DescribeVpcs" ], "Resource": "*" } ] }
  DETACH_POLICY dev of arn:aws:iam::123456789012:group/devs
`

// liveAnalysis is what the test reads of the output of pare analyze -o json.
type liveAnalysis struct {
	Findings        []liveFinding `json:"findings"`
	Recommendations []struct {
		Resource string `json:"resourceArn"`
		Status   string `json:"status"`
		Proof    struct {
			Verdict string `json:"verdict"`
		} `json:"proof"`
		Steps []struct {
			Step struct {
				Action   string `json:"recommendedAction"`
				Policy   string `json:"recommendedPolicy"`
				Existing string `json:"existingPolicyId"`
				Group    string `json:"group"`
			} `json:"unusedPermissionsRecommendedStep"`
		} `json:"recommendedSteps"`
	} `json:"recommendations"`
}

type liveFinding struct {
	Type     string `json:"findingType"`
	Resource string `json:"resource"`
	Details  []struct {
		Key *struct {
			ID string `json:"accessKeyId"`
		} `json:"unusedIamUserAccessKeyDetails"`
		Permission *struct {
			Service string `json:"serviceNamespace"`
			Actions []struct {
				Action string `json:"action"`
			} `json:"actions"`
		} `json:"unusedPermissionDetails"`
	} `json:"findingDetails"`
}

// liveLines are the findings and recommendations of an analysis, a line each. Of long lists,
// which change with the catalog, a few are enough.
func liveLines(t *testing.T, src string) string {
	t.Helper()
	var a liveAnalysis
	if err := json.Unmarshal([]byte(src), &a); err != nil {
		t.Fatal(err)
	}
	lines := []string{""}
	for _, f := range a.Findings {
		lines = append(lines, f.line())
	}
	for _, r := range a.Recommendations {
		lines = append(lines, r.Status+" "+strings.TrimPrefix(r.Resource, liveAccount)+": "+r.Proof.Verdict)
		for _, s := range r.Steps {
			line := "  " + s.Step.Action + " " + s.Step.Existing
			if s.Step.Group != "" {
				line += " of " + s.Step.Group
			}
			if text := strings.Join(strings.Fields(s.Step.Policy), " "); text != "" && len(text) < 200 {
				line += " " + text
			}
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func (f *liveFinding) line() string {
	line := f.Type + " " + strings.TrimPrefix(f.Resource, liveAccount)
	var details []string
	for _, d := range f.Details {
		if d.Key != nil {
			details = append(details, d.Key.ID)
		}
		if d.Permission != nil {
			words := []string{d.Permission.Service}
			for _, a := range d.Permission.Actions {
				words = append(words, a.Action)
			}
			if len(words) > 6 {
				words = []string{d.Permission.Service, "…"}
			}
			details = append(details, strings.Join(words, " "))
		}
	}
	switch n := len(details); {
	case n == 0:
		return line
	case n > 5:
		return line + ": " + details[0] + " … " + details[n-1]
	default:
		return line + ": " + strings.Join(details, ", ")
	}
}

// liveDays is an account's last 200 days. The clock ends at now. The result is the ID of
// bob's key.
func liveDays(s *awstest.Server) string {
	admin := awstest.Key{}
	for _, name := range []string{"app", "deploy", "wide", "forgotten"} {
		s.SetUp(admin, "iam", "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trust)
	}
	s.SetUp(admin, "iam", "CreateServiceLinkedRole", "AWSServiceName", "autoscaling.amazonaws.com")
	s.SetUp(admin, "iam", "PutRolePolicy", "RoleName", "app", "PolicyName", "app-inline", "PolicyDocument", appPolicy)
	s.SetUp(admin, "iam", "PutRolePolicy", "RoleName", "wide", "PolicyName", "everything", "PolicyDocument", allow(`"*"`))
	s.SetUp(admin, "iam", "PutRolePolicy", "RoleName", "forgotten", "PolicyName", "old", "PolicyDocument", allow(`"ec2:*"`))
	made := s.SetUp(admin, "iam", "CreatePolicy", "PolicyName", "deploy", "PolicyDocument", allow(`"lambda:*"`)).Text("Arn")
	s.SetUp(admin, "iam", "AttachRolePolicy", "RoleName", "deploy", "PolicyArn", made)
	s.SetUp(admin, "iam", "AttachRolePolicy", "RoleName", "deploy", "PolicyArn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	for _, name := range []string{"alice", "bob"} {
		s.SetUp(admin, "iam", "CreateUser", "UserName", name)
	}
	s.SetUp(admin, "iam", "CreateGroup", "GroupName", "devs")
	s.SetUp(admin, "iam", "PutGroupPolicy", "GroupName", "devs", "PolicyName", "dev", "PolicyDocument", allow(`["ec2:DescribeVpcs", "ec2:CreateVpc"]`))
	s.SetUp(admin, "iam", "AddUserToGroup", "GroupName", "devs", "UserName", "alice")
	alices := s.SetUp(admin, "iam", "CreateAccessKey", "UserName", "alice").Text("AccessKeyId")
	bobs := s.SetUp(admin, "iam", "CreateAccessKey", "UserName", "bob").Text("AccessKeyId")
	s.SetUp(admin, "iam", "CreateLoginProfile", "UserName", "bob", "Password", "correct horse battery staple")

	s.SetAgo(5 * aDay)
	for _, name := range []string{"app", "deploy", "wide"} {
		session := s.SetUp(admin, "sts", "AssumeRole", "RoleArn", liveAccount+"role/"+name, "RoleSessionName", "s")
		s.SetUp(awstest.Key{ID: session.Text("AccessKeyId"), Session: session.Text("SessionToken")}, "sts", "GetCallerIdentity")
	}
	s.SetUp(awstest.Key{ID: alices}, "sts", "GetCallerIdentity")
	s.SetUp(admin, "iam", "CreateRole", "RoleName", "young", "AssumeRolePolicyDocument", trust)
	s.SetUp(admin, "iam", "PutRolePolicy", "RoleName", "young", "PolicyName", "new", "PolicyDocument", allow(`"ec2:*"`))
	s.SetAgo(0)
	return bobs
}

const (
	aDay = 24 * time.Hour

	liveAccount = "arn:aws:iam::123456789012:"
	trust       = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}]}`

	appPolicy = `{
  "Version": "2012-10-17",
  "Statement": [{
    "Sid": "App",
    "Effect": "Allow",
    "Action": ["s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetObject", "sqs:CreateQueue"],
    "Resource": "*"
  }]
}`
)

func allow(actions string) string {
	return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ` + actions + `, "Resource": "*"}]}`
}

// liveLastAccessed is what IAM says of each role and user.
func liveLastAccessed(arn string) ([]awstest.Service, bool) {
	recently := awstest.Use{At: time.Now().Add(-5 * aDay), Region: "us-east-1"}
	used := func(service string, actions ...string) awstest.Service {
		out := awstest.Service{Namespace: service, Used: recently}
		s := catalog.Embedded().Service(service)
		for i := range s.Actions {
			if a := &s.Actions[i]; a.Tracked.Has(catalog.LastAccessed) {
				tracked := awstest.Action{Name: a.Name}
				if slices.Contains(actions, a.Name) {
					tracked.Used = recently
				}
				out.Actions = append(out.Actions, tracked)
			}
		}
		return out
	}
	unused := func(service string) awstest.Service { return awstest.Service{Namespace: service} }
	switch strings.TrimPrefix(arn, liveAccount) {
	case "role/app":
		return []awstest.Service{used("s3", "GetBucketAcl"), unused("sqs")}, true
	case "role/deploy":
		return []awstest.Service{unused("lambda"), used("s3", "GetBucketAcl"), unused("s3-object-lambda")}, true
	case "role/wide":
		services := []awstest.Service{used("ec2", "RunInstances"), unused("xray")} // that is on the second page
		for _, s := range catalog.Embedded().Services()[:110] {
			services = append(services, unused(s.Prefix))
		}
		return services, true
	case "role/forgotten", "role/young":
		return []awstest.Service{unused("ec2")}, true
	case "user/alice":
		return []awstest.Service{used("ec2", "DescribeVpcs")}, true
	case "user/bob":
		return nil, true
	default:
		return nil, false
	}
}
