package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
)

// served is a `pare serve` in a process of its own, and what it printed until it was ready.
type served struct {
	cmd     *exec.Cmd
	printed string
	url     string
	stderr  *bytes.Buffer
	took    time.Duration // until then
}

// serveProcess starts a server and waits until it says where it is.
func serveProcess(t *testing.T, args ...string) *served {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &served{cmd: exec.Command(program, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...), stderr: new(bytes.Buffer)}
	s.cmd.Args[0] = "pare" // by which TestMain knows the command
	s.cmd.Dir, s.cmd.Stderr = t.TempDir(), s.stderr
	s.cmd.Env = append(os.Environ(), "TMPDIR="+s.cmd.Dir)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		s.printed += lines.Text() + "\n"
		if url, found := strings.CutPrefix(lines.Text(), "pare serves "); found {
			s.url, s.took = url, time.Since(began)
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return s
		}
	}
	err = s.cmd.Wait()
	t.Fatalf("pare serve: %v\n%s", err, s.stderr)
	return nil
}

// stop ends it as systemd does, and returns its exit code.
func (s *served) stop(t *testing.T) int {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // an exit code that isn't 0 is an error, and the test's to judge
	return s.cmd.ProcessState.ExitCode()
}

// environment has what the demo printed for AWS's clients.
func (s *served) environment() []string {
	out := []string{"HOME=" + s.cmd.Dir, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER="}
	for _, name := range []string{"PATH", "LANG", "PYENV_VERSION", "PYENV_ROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return append(out, regexp.MustCompile(`AWS_[A-Z_]+=\S+`).FindAllString(s.printed, -1)...)
}

// TestTheDemoServesTheCLI starts the demo as a user does, and asks it with AWS's own command
// line what it found, and what to do about the role of the announcement.
func TestTheDemoServesTheCLI(t *testing.T) {
	program := awstest.Need(t, awstest.AWS)
	s := serveProcess(t, "--demo")
	t.Logf("the demo was full after %v", s.took)
	cli := func(args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, append([]string{"accessanalyzer", "--endpoint-url", s.url, "--output", "text"}, args...)...)
		cmd.Env = s.environment()
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, &stderr)
		}
		return strings.TrimSpace(string(out))
	}
	arn := cli("list-analyzers", "--query", "analyzers[].arn")
	id := cli("list-findings-v2", "--analyzer-arn", arn, "--filter", `{"resource":{"eq":["`+demoRole+`"]}}`, "--query", "findings[].id")
	got := []string{
		arn,
		cli("get-finding-v2", "--analyzer-arn", arn, "--id", id, "--query", "[resource, findingType, status]"),
		cli("generate-finding-recommendation", "--analyzer-arn", arn, "--id", id),
	}
	want := []string{"arn:aws:access-analyzer:us-east-1:111122223333:analyzer/unused-access", demoRole + "\tUnusedPermission\tACTIVE", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	status := "IN_PROGRESS"
	for deadline := time.Now().Add(time.Minute); status == "IN_PROGRESS" && time.Now().Before(deadline); {
		status = cli("get-finding-recommendation", "--analyzer-arn", arn, "--id", id, "--query", "status")
	}
	if status != "SUCCEEDED" {
		t.Errorf("the recommendation: %s", status)
	}
	for _, page := range []string{"/", "/findings", "/findings/" + id} {
		resp, err := http.Get(s.url + page)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("MyRole")) && page != "/" {
			t.Errorf("%s: %s, %d bytes, %v", page, resp.Status, len(body), err)
		}
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, s.stderr)
	}
	left, err := filepath.Glob(filepath.Join(s.cmd.Dir, "pare-demo-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestAServerGoesOnWhereItWas starts a server on a database, stops it and starts it again.
func TestAServerGoesOnWhereItWas(t *testing.T) {
	dir := t.TempDir()
	first := serveProcess(t, "--data-dir", dir)
	if code := first.stop(t); code != 0 {
		t.Fatalf("exit code %d\n%s", code, first.stderr)
	}
	key, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	second := serveProcess(t, "--data-dir", dir)
	resp, err := http.Get(second.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	again, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil || !bytes.Equal(key, again) || resp.StatusCode != http.StatusOK {
		t.Errorf("%s, key %q and %q, %v", resp.Status, key, again, err)
	}
	if code := second.stop(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, second.stderr)
	}
}

// TestTheServedSampleIsThatOfTheDemo compares the evidence of the server's sample with what
// the commands of `pare demo` make.
func TestTheServedSampleIsThatOfTheDemo(t *testing.T) {
	dir := t.TempDir()
	if err := writeSample(t.Context(), filepath.Join(dir, "served")); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"demo", "--dir", filepath.Join(dir, "demo")}, nil, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"usage.jsonl", "usage.coverage.json", "authorization-details.json"} {
		served, err := os.ReadFile(filepath.Join(dir, "served", "account", name))
		if err != nil {
			t.Fatal(err)
		}
		demo, err := os.ReadFile(filepath.Join(dir, "demo", "account", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(served, demo) {
			t.Errorf("%s: %d bytes, want %d like those of the demo", name, len(served), len(demo))
		}
	}
}
