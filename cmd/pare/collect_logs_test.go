package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// collect reads a trail's logs into the folder of the account that they are about.
func TestCollectReadsLogs(t *testing.T) {
	s := fiveMinuteAccount(t)
	setEnvironment(t, s)
	for _, test := range []struct {
		name, folder string
		args         []string
	}{
		{"of a trail", "", []string{"--cloudtrail", "management-events"}},
		{"of a bucket", "", []string{"--cloudtrail", "s3://" + logBucket}},
		{"of one account of several", "123456789012", []string{"--cloudtrail", "s3://" + logBucket, "--accounts", "123456789012"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			out, said, code := command(t, "", append([]string{"collect", "--out", dir, "--quiet"}, test.args...)...)
			if code != exitOK {
				t.Fatalf("exit code %d\n%s%s", code, out, said)
			}
			uses, err := os.ReadFile(filepath.Join(dir, test.folder, "usage.jsonl"))
			if err != nil || !strings.Contains(string(uses), `"action":"s3:GetBucketAcl"`) {
				t.Errorf("%v\n%s", err, uses)
			}
			if _, said, code := command(t, "", "analyze", "--data", dir, "--quiet"); code != exitOK || strings.Contains(said, "no usage.jsonl") {
				t.Errorf("analyze: exit code %d\n%s", code, said)
			}
		})
	}
	_, said, code := command(t, "", "collect", "--out", t.TempDir(), "--quiet", "--cloudtrail", "s3://"+logBucket, "--accounts", "123456789012,210987654321")
	if want := "account 210987654321: s3://" + logBucket + ": no log files found"; code != exitPartial || !strings.Contains(said, want) {
		t.Errorf("exit code %d, want %d and %q\n%s", code, exitPartial, want, said)
	}
}
