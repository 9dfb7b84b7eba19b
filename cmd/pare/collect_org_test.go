package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/snapshot"
)

// The size of an organization that is big. Organizations makes a role in each of its accounts beside.
const (
	orgAccounts     = 20
	rolesMade       = 200
	rolesPerAccount = rolesMade + 1
)

// bigOrganization has 20 accounts of 200 roles beside the management account, which has one.
func bigOrganization(t *testing.T) (s *awstest.Server, ids []string) {
	t.Helper()
	s = awstest.Start(t, awstest.Options{LastAccessed: everybodyReads})
	useAWS(t, s)
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := organizations.NewFromConfig(cfg)
	if _, err := client.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll}); err != nil {
		t.Fatal(err)
	}
	s.SetUp(awstest.Key{}, "iam", "CreateRole", "RoleName", "pare", "AssumeRolePolicyDocument", trust)
	template := manyRoles()
	var making sync.WaitGroup
	for i := range orgAccounts {
		name := fmt.Sprintf("team%02d", i)
		made, err := client.CreateAccount(t.Context(), &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@example.com")})
		if err != nil {
			t.Fatal(err)
		}
		id := aws.ToString(made.CreateAccountStatus.AccountId)
		ids = append(ids, id)
		making.Go(func() {
			s.SetUp(inAccount(s, id), "cloudformation", "CreateStack", "StackName", "roles", "TemplateBody", template)
		})
	}
	making.Wait()
	return s, ids
}

// manyRoles is a CloudFormation template: one call makes an account's roles.
func manyRoles() string {
	var roles []string
	for i := range rolesMade {
		roles = append(roles, fmt.Sprintf(`"R%[1]d":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"role%03[1]d","AssumeRolePolicyDocument":%[2]s}}`, i, trust))
	}
	return `{"Resources":{` + strings.Join(roles, ",") + `}}`
}

// Two accounts don't let us in and one throttles us hard: the others are complete, the error names
// the three, and the same command then asks for what they lack and for nothing else.
func TestCollectABigOrganization(t *testing.T) {
	s, ids := bigOrganization(t)
	dir := filepath.Join(t.TempDir(), "organization")
	collect := []string{"collect", "--out", dir, "--org", "--max-rps", "1e6"}
	denied, throttled := []string{ids[3], ids[11]}, ids[7]
	s.SetFault(awstest.Any(
		awstest.On(func(c awstest.Call) bool {
			role := c.Params.Get("RoleArn")
			return c.Operation == "AssumeRole" && (strings.Contains(role, denied[0]) || strings.Contains(role, denied[1]))
		}, awstest.Deny),
		awstest.On(func(c awstest.Call) bool { return c.Account == throttled && c.Service == "iam" }, awstest.Throttle),
	))
	began := len(s.Calls())
	stdout, stderr := wants(t, exitPartial, collect...)
	callsAfter(t, s, began)
	for _, id := range denied {
		if want := "account " + id + ": the role can't be assumed: AccessDenied: not authorized to perform this; check its trust policy"; !strings.Contains(stderr, want) {
			t.Errorf("no %q in\n%s", want, stderr)
		}
	}
	if want := "account " + throttled + ": IAM GetAccountAuthorizationDetails: Throttling: Rate exceeded\n"; !strings.Contains(stderr, want) {
		t.Errorf("no %q in\n%s", want, stderr)
	}
	if got := strings.Count(stderr, "account "); got != 3 {
		t.Errorf("%d accounts are named, want 3:\n%s", got, stderr)
	}
	if got := strings.Count(stdout, "): 201 roles, 0 users: "); got != orgAccounts-3 {
		t.Errorf("%d accounts are complete, want %d:\n%s", got, orgAccounts-3, stdout)
	}

	t.Run("throttled in the middle", func(t *testing.T) {
		// Now they let us in, and the third throttles one operation.
		s.SetFault(awstest.On(func(c awstest.Call) bool {
			return c.Account == throttled && c.Operation == "GenerateServiceLastAccessedDetails"
		}, awstest.Throttle))
		began = len(s.Calls())
		stdout, stderr := wants(t, exitPartial, collect...)
		if want := throttled + ":role/role000, arn"; !strings.Contains(stdout, want) || !strings.HasPrefix(stderr, "1 part missing: ") {
			t.Errorf("no %q in\n%s%s", want, stdout, stderr)
		}
		got := callsAfter(t, s, began)
		if n := got["iam:GenerateServiceLastAccessedDetails"]; n < 2*rolesPerAccount+5 || n > 2*rolesPerAccount+64+5 {
			t.Errorf("%d reports were asked for: want all of two accounts, and few of the one that throttles", n)
		}
		delete(got, "iam:GenerateServiceLastAccessedDetails")
		want := map[string]int{
			"sts:GetCallerIdentity": 4, "sts:AssumeRole": 3, "iam:GetAccountAuthorizationDetails": 3, "iam:ListAccountAliases": 3,
			"iam:GenerateCredentialReport": 6, "iam:GetCredentialReport": 3, "cloudtrail:DescribeTrails": 3,
			"iam:GetServiceLastAccessedDetails": 2 * rolesPerAccount,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls: -want +got\n%s", diff)
		}
	})
	t.Run("what is missing", func(t *testing.T) {
		s.SetFault(nil)
		began = len(s.Calls())
		wants(t, exitOK, collect...)
		want := map[string]int{
			"sts:GetCallerIdentity": 2, "sts:AssumeRole": 1,
			"iam:GenerateServiceLastAccessedDetails": rolesPerAccount, "iam:GetServiceLastAccessedDetails": rolesPerAccount,
		}
		if diff := cmp.Diff(want, callsAfter(t, s, began)); diff != "" {
			t.Errorf("calls: -want +got\n%s", diff)
		}
	})
	found, err := snapshot.Find(dir)
	if err != nil || len(found) != orgAccounts+1 {
		t.Errorf("%d folders, %v: want %d", len(found), err, orgAccounts+1)
	}
	wants(t, exitOK, "analyze", "--data", dir)
}
