package serve_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/store"
)

// seen is what a client of another language saw of the life of an analyzer.
type seen struct {
	ARN            string   `json:"arn"`
	Findings       int      `json:"findings"`
	Type           string   `json:"type"`
	Services       []string `json:"services"`
	Archived       []string `json:"archived"`
	Recommendation string   `json:"recommendation"`
	Steps          []string `json:"steps"`
	One            string   `json:"one"`
	Analyzers      []string `json:"analyzers"`
}

// TestTheLifeOfAnAnalyzerThroughOtherSDKs has the SDKs for Python and JavaScript go through it
// on one service, with its scans, jobs and database.
func TestTheLifeOfAnAnalyzerThroughOtherSDKs(t *testing.T) {
	moto, node, sdk := awstest.Need(t, awstest.Moto), awstest.Need(t, awstest.Node), awstest.Need(t, awstest.JavaScriptSDK)
	s := small(t)
	var findings int
	for name, c := range map[string]struct{ program, script string }{
		"boto": {filepath.Join(filepath.Dir(moto), "python3"), "life.py"}, "javascript": {node, "life.js"},
	} {
		printed := s.program(t, filepath.Dir(filepath.Dir(sdk)), c.program, filepath.Join("testdata", c.script), s.url, announced)
		var got seen
		if err := json.Unmarshal([]byte(printed), &got); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, printed)
		}
		if findings == 0 {
			findings = got.Findings
		}
		want := seen{
			ARN: "arn:aws:access-analyzer:us-east-1:" + sample + ":analyzer/" + name, Findings: findings, Type: "UnusedPermission",
			Services: []string{"lambda", "s3"}, Archived: []string{"AWS::IAM::User"}, Recommendation: "SUCCEEDED",
			Steps: []string{"CREATE_POLICY", "DETACH_POLICY"}, One: "ARCHIVED", Analyzers: []string{},
		}
		if diff := cmp.Diff(want, got); diff != "" || findings < 20 {
			t.Errorf("%s: %d findings, -want +got\n%s", name, findings, diff)
		}
	}
	if strings.Contains(s.log.String(), "request failed") {
		t.Error(s.log.String())
	}
}

// program runs a program as an admin of the service, and returns what it printed. Its own
// configuration is out of its reach.
func (r *running) program(t *testing.T, modules, program string, args ...string) string {
	t.Helper()
	key, err := r.key(t, store.Admin).Retrieve(t.Context())
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*soon)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NODE_PATH=" + modules, "NO_PROXY=127.0.0.1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=" + key.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + key.SecretAccessKey, "AWS_DEFAULT_REGION=" + region,
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", program, args, err, &stderr, out)
	}
	return string(out)
}
