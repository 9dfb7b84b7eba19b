package jobs_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
)

const examples = "../../cmd/pare/testdata/examples/"

func read(t testing.TB, path string) []byte {
	t.Helper()
	return must(os.ReadFile(path))(t)
}

func write(t testing.TB, path string, v any) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o777))
	text := must(json.Marshal(v))(t)
	check(t, os.WriteFile(path, text, 0o666))
}

// object is JSON's.
type object = map[string]any

// announced is the account of the announcement: one role, and AWS's finding about it.
func announced(t testing.TB) jobs.Folders {
	t.Helper()
	dir := t.TempDir()
	long, lately := noon.AddDate(-1, 0, 0).Format(time.RFC3339), noon.AddDate(0, 0, -1).Format(time.RFC3339)
	write(t, filepath.Join(dir, account, "authorization-details.json"), object{
		"UserDetailList": []object{}, "GroupDetailList": []object{}, "Policies": []object{},
		"RoleDetailList": []object{{
			"Path": "/", "RoleName": "MyRole", "RoleId": "AROAEXAMPLE0123456789", "Arn": myRole, "CreateDate": long,
			"AssumeRolePolicyDocument": url.PathEscape(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`), "InstanceProfileList": []object{},
			"RolePolicyList":          []object{{"PolicyName": "MyPolicy", "PolicyDocument": url.PathEscape(string(read(t, examples+"myrole/policy.json")))}},
			"AttachedManagedPolicies": []object{}, "RoleLastUsed": object{"LastUsedDate": lately, "Region": "us-east-1"},
		}},
	})
	var unused []struct {
		Service string   `json:"serviceNamespace"`
		Actions []string `json:"actions"`
	}
	check(t, json.Unmarshal(read(t, examples+"myrole/unused.json"), &unused))
	var details []object
	for _, s := range unused {
		var actions []object
		for _, name := range s.Actions {
			actions = append(actions, object{"action": name, "lastAccessed": long})
		}
		details = append(details, object{"unusedPermissionDetails": object{"serviceNamespace": s.Service, "actions": actions, "lastAccessed": lately}})
	}
	write(t, filepath.Join(dir, account, "findings", "1.json"), object{
		"id": "1", "findingType": "UnusedPermission", "resource": myRole, "resourceType": "AWS::IAM::Role", "resourceOwnerAccount": account,
		"status": "ACTIVE", "analyzedAt": noon.Format(time.RFC3339), "findingDetails": details,
	})
	return jobs.Folders{Root: dir}
}

// The recommended policy is the one of AWS's announcement, by the catalog of its day.
// https://aws.amazon.com/blogs/security/iam-access-analyzer-simplifies-inspection-of-unused-access-in-your-organization/
func TestARecommendationIsTheAnnouncements(t *testing.T) {
	src := announced(t)
	o := quick(src)
	o.Catalog = must(catalog.Read("catalog", jsontext.Value(read(t, examples+"catalog-2024-06.json"))))(t)
	conform(t, func() jobs.Options { return o }, func(t *testing.T, s stand) {
		scanned(t, s.store)
		f := exported(t, s.store)
		if len(f) != 1 || f[0].Type != finding.UnusedPermission {
			t.Fatalf("findings: %+v", f)
		}
		check(t, s.Recommend(t.Context(), by(), theARN, f[0].ID))
		var got store.Recommendation
		await(t, "a recommendation", func() bool {
			got = must(s.store.Recommendation(t.Context(), theARN, f[0].ID))(t)
			return got.State != store.InProgress
		})
		if got.State != finding.Succeeded || got.Verdict != "proved" || len(got.Steps) != 2 || got.Before <= got.After {
			t.Fatalf("got %+v", got)
		}
		if d := cmp.Diff(string(read(t, examples+"myrole/recommended.json")), got.Steps[0].RecommendedPolicy); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
		if d := cmp.Diff([]string{"CREATE_POLICY MyPolicy", "DETACH_POLICY MyPolicy"}, []string{step(got.Steps[0]), step(got.Steps[1])}); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	})
}

func step(s finding.Step) string { return string(s.Action) + " " + s.ExistingPolicyID }
