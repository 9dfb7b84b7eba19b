package awstest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
)

// ending is a test that notes how it was ended.
type ending struct {
	testing.TB // does the rest
	how        string
}

func (e *ending) Helper() {}

func (e *ending) Fatalf(format string, args ...any) { e.end("failed: ", format, args...) }
func (e *ending) Skipf(format string, args ...any)  { e.end("skipped: ", format, args...) }

func (e *ending) end(how, format string, args ...any) {
	e.how = how + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// run is what f returns, or how it ended the test.
func run(t *testing.T, f func(testing.TB) string) string {
	t.Helper()
	e := &ending{TB: t}
	done := make(chan string)
	go func() {
		defer func() { done <- e.how }()
		e.how = f(e)
	}()
	return <-done
}

func TestNeed(t *testing.T) {
	const hint = "moto_server isn't there: install it with `make deps`, or `bash scripts/deps.sh moto`"
	cache, path := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", path)
	for _, step := range []struct{ name, ci, install, want string }{
		{"a missing part is an error in CI", "true", "", "failed: " + hint},
		{"elsewhere the test is skipped", "", "", "skipped: SKIPPED, NOT TESTED: " + hint},
		{"what deps installed is found", "", filepath.Join(cache, "pare", "venv", "bin"), filepath.Join(cache, "pare", "venv", "bin", "moto_server")},
		{"one on the PATH comes first", "true", path, filepath.Join(path, "moto_server")},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Setenv("CI", step.ci)
			if step.install != "" {
				install(t, filepath.Join(step.install, "moto_server"), "")
			}
			if diff := cmp.Diff(step.want, run(t, func(tb testing.TB) string { return awstest.Need(tb, awstest.Moto) })); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// parts is every part, and where scripts/deps.sh leaves it in the user's cache; "" for what
// only the system has.
var parts = map[awstest.Part]string{
	awstest.Moto: "venv/bin/moto_server", awstest.AWS: "venv/bin/aws", awstest.CfnLint: "venv/bin/cfn-lint", awstest.Faketime: "",
	awstest.Node: "", awstest.Chromium: "", awstest.Terraform: "terraform/bin/terraform", awstest.TerraformAWS: "terraform/providers",
	awstest.JavaScriptSDK: "node/node_modules/@aws-sdk/client-accessanalyzer", awstest.Axe: "node/node_modules/axe-core/axe.min.js",
}

func TestFindLooksInTheCache(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", t.TempDir())
	want, got := map[awstest.Part]string{}, map[awstest.Part]string{}
	for part, path := range parts {
		if found := awstest.Find(part); found != "" {
			t.Errorf("%s is at %s before it is anywhere", part, found)
		}
		want[part] = ""
		if path != "" {
			want[part] = filepath.Join(cache, "pare", filepath.FromSlash(path))
			install(t, want[part], "")
		}
		got[part] = awstest.Find(part)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Somebody's browser may have any of several names.
func TestFindTakesAnyName(t *testing.T) {
	path := t.TempDir()
	t.Setenv("PATH", path)
	install(t, filepath.Join(path, "google-chrome"), "")
	if diff := cmp.Diff(filepath.Join(path, "google-chrome"), awstest.Find(awstest.Chromium)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// What a test says is missing, scripts/deps.sh can be asked for.
func TestDepsKnowsTheParts(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("..", "..", "scripts", "deps.sh"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(script), "\nall=\"")
	all, _, _ := strings.Cut(rest, "\"")
	known := strings.Fields(all)
	for part := range parts {
		if !slices.Contains(known, string(part)) {
			t.Errorf("scripts/deps.sh has no part %s, only %v", part, known)
		}
	}
}

// A moto_server that doesn't start says why.
func TestMotoThatEnds(t *testing.T) {
	path := t.TempDir()
	install(t, filepath.Join(path, "moto_server"), "echo no module named flask >&2\nexit 1\n")
	t.Setenv("PATH", path+string(filepath.ListSeparator)+os.Getenv("PATH"))
	got := run(t, func(tb testing.TB) string { return awstest.Start(tb, awstest.Options{}).URL })
	if diff := cmp.Diff("failed: moto_server ended:\nno module named flask\n", got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func install(t *testing.T, path, script string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o777); err != nil {
		t.Fatal(err)
	}
}
