package collect_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/internal/snapshot"
)

const guard = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}`

// company makes an organization: the management account, and three in an OU with a policy.
func company(t *testing.T) (f *front, members []string) {
	t.Helper()
	f = newFront(t, awstest.Options{LastAccessed: everybody})
	cfg := f.config()
	cfg.BaseEndpoint = &f.Server.URL
	client := organizations.NewFromConfig(cfg)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll})
	must(err)
	roots, err := client.ListRoots(t.Context(), &organizations.ListRootsInput{})
	must(err)
	root := roots.Roots[0].Id
	_, err = client.EnablePolicyType(t.Context(), &organizations.EnablePolicyTypeInput{RootId: root, PolicyType: types.PolicyTypeServiceControlPolicy})
	must(err)
	unit, err := client.CreateOrganizationalUnit(t.Context(), &organizations.CreateOrganizationalUnitInput{ParentId: root, Name: aws.String("shops")})
	must(err)
	guarded, err := client.CreatePolicy(t.Context(), &organizations.CreatePolicyInput{
		Content: aws.String(guard), Name: aws.String("guard"), Description: aws.String("guard"), Type: types.PolicyTypeServiceControlPolicy,
	})
	must(err)
	_, err = client.AttachPolicy(t.Context(), &organizations.AttachPolicyInput{PolicyId: guarded.Policy.PolicySummary.Id, TargetId: unit.OrganizationalUnit.Id})
	must(err)
	f.SetUp(awstest.Key{}, "iam", "CreateRole", "RoleName", "pare", "AssumeRolePolicyDocument", trust)
	for _, name := range []string{"red", "green", "blue"} {
		made, err := client.CreateAccount(t.Context(), &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@example.com")})
		must(err)
		id := aws.ToString(made.CreateAccountStatus.AccountId)
		_, err = client.MoveAccount(t.Context(), &organizations.MoveAccountInput{AccountId: &id, SourceParentId: root, DestinationParentId: unit.OrganizationalUnit.Id})
		must(err)
		session := f.SetUp(awstest.Key{}, "sts", "AssumeRole", "RoleArn", "arn:aws:iam::"+id+":role/setup", "RoleSessionName", "setup")
		key := awstest.Key{ID: session.Text("AccessKeyId"), Session: session.Text("SessionToken")}
		f.SetUp(key, "iam", "CreateRole", "RoleName", "app-"+name, "AssumeRolePolicyDocument", trust)
		members = append(members, id)
	}
	return f, members
}

var everyone = collect.Selection{Organization: true, RoleName: "pare-read"}

// An account that doesn't let us in doesn't hinder the others; the next run asks for it alone.
func TestAnOrganization(t *testing.T) {
	f, ids := company(t)
	dir := t.TempDir()
	denied := ids[1]
	f.with(on("sts:AssumeRole arn:aws:iam::"+denied, deny))
	result, err := collect.Many(t.Context(), f.config(), dir, everyone, options())
	if err != nil {
		t.Fatal(err)
	}
	f.onlyReads(t)
	same(t, "beginnings and ends", slices.Sorted(slices.Values(append(slices.Clip(ids), own))), accounts(result, func(collect.Account) bool { return true }))
	same(t, "accounts that failed", []string{denied}, accounts(result, func(a collect.Account) bool { return a.Err != nil }))
	found, err := snapshot.Find(dir)
	if err != nil || len(found) != 3 {
		t.Fatalf("%q, %v", found, err)
	}
	for _, path := range found {
		folder := open(t, path)
		same(t, "account", filepath.Base(path), folder.Info.AccountID)
		same(t, "missing", nil, folder.Info.Missing)
	}
	same(t, "levels above a member", []string{"Allow", "Allow+Deny", "Allow"}, effects(open(t, filepath.Join(dir, ids[0])).Info.ServiceControlPolicies))
	same(t, "levels above the management account", nil, effects(open(t, filepath.Join(dir, own)).Info.ServiceControlPolicies))

	f.with(nil)
	again, err := collect.Many(t.Context(), f.config(), dir, everyone, options())
	if err != nil || !again.Complete() || !again.Began.Equal(result.Began) {
		t.Errorf("%+v, %v", again, err)
	}
	same(t, "calls", map[string]int{
		// Who one is, at home and in the account that wasn't there; and that account.
		"sts:GetCallerIdentity": 2, "sts:AssumeRole": 1, "iam:GetAccountAuthorizationDetails": 1, "iam:ListAccountAliases": 1,
		"iam:GenerateCredentialReport": 2, "iam:GetCredentialReport": 1, "cloudtrail:DescribeTrails": 1,
		"iam:GenerateServiceLastAccessedDetails": len(rolesOf(t, dir, denied)), "iam:GetServiceLastAccessedDetails": len(rolesOf(t, dir, denied)),
	}, counted(f.taken()))
}

// What the organization doesn't tell is missing in each account that it is about.
func TestAnOrganizationThatTellsNoPolicies(t *testing.T) {
	f, ids := company(t)
	dir := t.TempDir()
	f.with(func(w http.ResponseWriter, c call) bool {
		if c.name != "organizations:DescribePolicy" {
			return false
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_, err := w.Write([]byte(`{"__type":"AccessDeniedException","Message":"no"}`))
		return err == nil
	})
	some := everyone
	some.Accounts = []string{own, ids[0]}
	result, err := collect.Many(t.Context(), f.config(), dir, some, options())
	if err != nil || len(result.Accounts) != 2 {
		t.Fatalf("%+v, %v", result, err)
	}
	want := []snapshot.Missing{{What: "policies of the organization", Why: "AccessDeniedException: no"}}
	same(t, "missing", want, open(t, filepath.Join(dir, ids[0])).Info.Missing)
	same(t, "missing in the management account", nil, open(t, filepath.Join(dir, own)).Info.Missing)
	f.with(nil)
	again, err := collect.Many(t.Context(), f.config(), dir, some, options())
	if err != nil || !again.Complete() {
		t.Errorf("%+v, %v", again, err)
	}
	same(t, "levels", []string{"Allow", "Allow+Deny", "Allow"}, effects(open(t, filepath.Join(dir, ids[0])).Info.ServiceControlPolicies))
	if calls := counted(f.taken()); calls["iam:GetAccountAuthorizationDetails"] != 0 {
		t.Errorf("asked again: %v", calls)
	}
}

// Accounts can be named without an organization, and an account that isn't in one is a slip.
func TestAccountsByName(t *testing.T) {
	f, ids := company(t)
	f.with(nil)
	named := collect.Selection{Accounts: []string{ids[2], ids[0], ids[2]}, RoleName: "pare-read"}
	result, err := collect.Many(t.Context(), f.config(), t.TempDir(), named, options())
	if err != nil || !result.Complete() {
		t.Fatalf("%+v, %v", result, err)
	}
	same(t, "accounts", slices.Sorted(slices.Values([]string{ids[0], ids[2]})), accounts(result, func(collect.Account) bool { return true }))
	for _, c := range f.taken() {
		if strings.HasPrefix(c, "organizations:") {
			t.Errorf("%s was called", c)
		}
	}
	slip := everyone
	slip.Accounts = []string{"999999999999"}
	_, err = collect.Many(t.Context(), f.config(), t.TempDir(), slip, options())
	if want := "account 999999999999 isn't in the organization of " + own; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func accounts(r collect.Result, is func(collect.Account) bool) []string {
	var out []string
	for _, a := range r.Accounts {
		if is(a) {
			out = append(out, a.ID)
		}
	}
	return out
}

// effects are the effects of the policies of each level.
func effects(levels [][]snapshot.Policy) []string {
	var out []string
	for _, level := range levels {
		var each []string
		for _, p := range level {
			effect := "Allow"
			if strings.Contains(string(p.Bytes()), "Deny") {
				effect = "Deny"
			}
			each = append(each, effect)
		}
		out = append(out, strings.Join(slices.Sorted(slices.Values(each)), "+"))
	}
	return out
}

func counted(calls []string) map[string]int {
	out := map[string]int{}
	for _, c := range calls {
		name, _, _ := strings.Cut(c, " ")
		out[name]++
	}
	return out
}

// rolesOf are the roles that were asked about in an account.
func rolesOf(t *testing.T, dir, id string) []string {
	t.Helper()
	var out []string
	for _, f := range open(t, filepath.Join(dir, id)).LastAccessed {
		out = append(out, f.Path)
	}
	return out
}
