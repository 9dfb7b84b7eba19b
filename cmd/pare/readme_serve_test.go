package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
)

// scriptSection is the part of README.md whose commands talk to a server.
var scriptSection = regexp.MustCompile("(?s)\n### Point your scripts at pare\n.*?\n```sh\n(.*?)```")

// The commands of that section, each as it is written, get from the demo what it found.
func TestReadmeAgainstTheDemo(t *testing.T) {
	program := awstest.Need(t, awstest.AWS)
	found := scriptSection.FindStringSubmatch(readText(t, readme))
	if found == nil {
		t.Fatal("README.md: no such section")
	}
	s := serveProcess(t, "--demo")
	script := "aws() { command '" + program + "' \"$@\"; }\n" + strings.ReplaceAll(found[1], "http://127.0.0.1:8080", s.url)
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	cmd.Env = append(s.environment(), "AWS_DEFAULT_OUTPUT=json")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &stderr)
	}
	var got []string
	for _, word := range regexp.MustCompile(`"(totalActiveFindings|status|recommendedAction|existingPolicyId|findingType)": ("\w[\w-]*"|\d+)`).FindAllString(string(out), -1) {
		if len(got) == 0 || got[len(got)-1] != word {
			got = append(got, word)
		}
	}
	want := readText(t, filepath.Join("testdata", "readme_serve.txt"))
	if diff := cmp.Diff(want, strings.Join(got, "\n")+"\n"); diff != "" {
		t.Errorf("-testdata/readme_serve.txt +commands\n%s", diff)
	}
}
