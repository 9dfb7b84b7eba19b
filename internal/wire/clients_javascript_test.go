package wire_test

import (
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/awstest"
)

// TestTheFullLifeThroughTheJavaScriptSDK runs testdata/life.js and compares what it saw: the
// SDK decodes unions, dates and errors in its own way, and pages by itself.
func TestTheFullLifeThroughTheJavaScriptSDK(t *testing.T) {
	t.Parallel()
	node, sdk := awstest.Need(t, awstest.Node), awstest.Need(t, awstest.JavaScriptSDK)
	s := start(t)
	env := append(environment(t, admin), "NODE_PATH="+filepath.Dir(filepath.Dir(sdk)))
	printed := run(t, env, node, filepath.Join("testdata", "life.js"), s.URL, announced)
	var got, want any
	if err := json.Unmarshal([]byte(printed), &got); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	expected, err := json.Marshal(seenByJavaScript(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(expected, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(s.failures) > 0 {
		t.Errorf("reported: %+v", s.failures)
	}
}

// seenByJavaScript is what testdata/life.js shall see of the sample's account.
func seenByJavaScript(t testing.TB) map[string]any {
	t.Helper()
	r, err := sample(t).Recommend(announced)
	if err != nil {
		t.Fatal(err)
	}
	var ids, services, steps, policies []string
	for _, f := range sample(t).findings {
		ids = append(ids, f.ID)
	}
	about := sample(t).about(t, announced)
	for _, p := range about.Permissions {
		services = append(services, p.Namespace)
	}
	for _, step := range r.Steps {
		steps = append(steps, string(step.Action))
		if step.Action == finding.CreatePolicy {
			policies = append(policies, step.RecommendedPolicy)
		}
	}
	type object = map[string]any
	return object{
		"arn":      "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/javascript",
		"conflict": "409 ConflictException", "external": "400 ValidationException", "missing": "404 ResourceNotFoundException",
		"unfiltered": "400 ValidationException", "before": "404 ResourceNotFoundException", "gone": "404 ResourceNotFoundException",
		"configuration": object{"unusedAccess": object{
			"unusedAccessAge": 120, "analysisRule": object{"exclusions": []object{{"resourceTags": []object{{"stage": ""}}}}},
		}},
		"changed": object{"unusedAccess": object{"unusedAccessAge": 90}}, "dated": true, "analyzers": []string{"javascript"},
		"tags": object{"team": "a b/c", "stage": "é"}, "retagged": object{"team": "d"},
		"findings": sorted(ids), "longest": 7, "sorted": true, "wanted": []string{about.ID}, "services": services,
		"archived": []string{"AWS::IAM::User"}, "left": 0, "rules": []string{},
		"rule":     object{"resource": object{"contains": []string{":user/", "é"}}, "error": object{"exists": false}},
		"statuses": []string{"IN_PROGRESS", "SUCCEEDED"}, "type": "UnusedPermissionRecommendation", "steps": steps, "policies": policies, "finished": true,
		"one": "ARCHIVED", "statistics": object{"active": len(ids) - 1, "archived": 1},
	}
}
