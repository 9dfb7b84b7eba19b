package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"
)

const top = "../../"

// action is as much of action.yml as is looked at.
type action struct {
	Inputs map[string]struct {
		Default string `yaml:"default"`
	} `yaml:"inputs"`
	Runs struct {
		Steps []struct {
			ID   string            `yaml:"id"`
			Uses string            `yaml:"uses"`
			Run  string            `yaml:"run"`
			Env  map[string]string `yaml:"env"`
		} `yaml:"steps"`
	} `yaml:"runs"`
}

func readYAML[T any](t *testing.T, path string) T {
	t.Helper()
	var out T
	if err := yaml.Load([]byte(readText(t, top+path)), &out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

// flagsOf are the flags of commands in a text.
func flagsOf(text string) []string {
	var out []string
	for _, flag := range regexp.MustCompile(`(?:^|[\s"(])--([a-z][a-z-]*)`).FindAllStringSubmatch(text, -1) {
		out = append(out, flag[1])
	}
	return out
}

func has(t *testing.T, where string, cmd *cobra.Command, flags []string) {
	t.Helper()
	if len(flags) == 0 {
		t.Errorf("%s: no flags", where)
	}
	for _, flag := range flags {
		if cmd.Flags().Lookup(flag) == nil {
			t.Errorf("%s: pare %s has no flag --%s", where, cmd.Name(), flag)
		}
	}
}

// Every flag that CI files use is one that the command has, and every input of the action
// reaches it.
func TestFlagsOfCI(t *testing.T) {
	check := newCheckCommand()
	a := readYAML[action](t, "action.yml")
	for _, step := range a.Runs.Steps {
		if step.ID == "check" {
			has(t, "action.yml", check, flagsOf(step.Run))
		}
	}
	text := readText(t, top+"action.yml")
	for name := range a.Inputs {
		if !strings.Contains(text, "inputs."+name+" ") {
			t.Errorf("action.yml: the input %s isn't used", name)
		}
	}
	gitlab := readYAML[map[string]struct {
		Script []string `yaml:"script"`
	}](t, "deploy/ci/gitlab.yml")
	has(t, "gitlab.yml", check, flagsOf(strings.Join(gitlab["pare-check"].Script, "\n")))
}

// snippets are the parts of a Markdown text that are for pasting: blocks, with their
// language, and spans of code.
func snippets(text string) (blocks map[string][]string, spans []string) {
	blocks = map[string][]string{}
	for i, part := range strings.Split(text, "```") {
		if i%2 == 1 {
			lang, body, _ := strings.Cut(part, "\n")
			blocks[lang] = append(blocks[lang], body)
			continue
		}
		for j, span := range strings.Split(part, "`") {
			if j%2 == 1 {
				spans = append(spans, span)
			}
		}
	}
	return blocks, spans
}

// Every command of docs/ci.md is one of ours with flags that it has, every input one of the
// action, every variable one of GitLab's job, and what is YAML or JSON can be read.
func TestSnippetsOfCI(t *testing.T) {
	blocks, spans := snippets(readText(t, top+"docs/ci.md"))
	lines := spans
	for _, lang := range []string{"sh", "yaml"} {
		for _, block := range blocks[lang] {
			lines = append(lines, strings.Split(block, "\n")...)
		}
	}
	commands := 0
	for _, line := range lines {
		for _, command := range regexp.MustCompile(`(?:^|[\s(])pare ([a-z]+)([^&|]*)`).FindAllStringSubmatch(line, -1) {
			cmd, _, err := newRootCommand().Find(command[1:2])
			if err != nil || cmd.Name() != command[1] {
				if !strings.Contains(line, "name: ") {
					t.Errorf("docs/ci.md: %s: no such command", line)
				}
				continue
			}
			commands++
			if flags := flagsOf(command[2]); len(flags) > 0 {
				has(t, "docs/ci.md", cmd, flags)
			}
		}
		if flag, ok := strings.CutPrefix(line, "--"); ok { // in a sentence; of which command, it says
			name, _, _ := strings.Cut(flag, " ")
			if !strings.HasPrefix(flag, "template-stage") && newCheckCommand().Flags().Lookup(name) == nil && newRewriteCommand().Flags().Lookup(name) == nil {
				t.Errorf("docs/ci.md: neither check nor rewrite has %s", line)
			}
		}
	}
	if commands < 10 {
		t.Errorf("docs/ci.md: only %d commands were found", commands)
	}
	inputs, gitlab := readYAML[action](t, "action.yml").Inputs, readText(t, top+"deploy/ci/gitlab.yml")
	for _, block := range blocks["yaml"] {
		var root yaml.Node
		if err := yaml.Load([]byte(block), &root); err != nil {
			t.Errorf("docs/ci.md: %v\n%s", err, block)
			continue
		}
		visit(&root, func(key string, value *yaml.Node, beside map[string]string) {
			if key == "with" && strings.HasPrefix(beside["uses"], "pare-iam/pare@") {
				for i := 0; i < len(value.Content); i += 2 {
					if _, ok := inputs[value.Content[i].Value]; !ok {
						t.Errorf("docs/ci.md: the action has no input %s", value.Content[i].Value)
					}
				}
			}
			if strings.HasPrefix(key, "PARE_") && !strings.Contains(gitlab, "$"+key) && !strings.Contains(gitlab, "${"+key) {
				t.Errorf("docs/ci.md: gitlab.yml doesn't use %s", key)
			}
		})
	}
	for _, block := range blocks["json"] {
		if !json.Valid([]byte(block)) {
			t.Errorf("docs/ci.md: not JSON:\n%s", block)
		}
	}
}

// visit calls fn for each key of a YAML tree, with the plain values of the keys beside it.
func visit(n *yaml.Node, fn func(key string, value *yaml.Node, beside map[string]string)) {
	if n.Kind == yaml.MappingNode {
		beside := map[string]string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			beside[n.Content[i].Value] = n.Content[i+1].Value
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			fn(n.Content[i].Value, n.Content[i+1], beside)
		}
	}
	for _, c := range n.Content {
		visit(c, fn)
	}
}

// The hooks' commands are ours, and their patterns take the files that have policies.
func TestHooks(t *testing.T) {
	hooks := readYAML[[]struct {
		ID    string `yaml:"id"`
		Entry string `yaml:"entry"`
		Files string `yaml:"files"`
		Runs  bool   `yaml:"always_run"`
	}](t, ".pre-commit-hooks.yaml")
	if len(hooks) != 2 || hooks[0].ID != "pare-check" || hooks[1].ID != "pare-rewrite" {
		t.Fatalf("%+v", hooks)
	}
	for _, hook := range hooks {
		words := strings.Fields(hook.Entry)
		cmd, _, err := newRootCommand().Find(words[1:])
		if err != nil || words[0] != "pare" || "pare-"+cmd.Name() != hook.ID {
			t.Errorf("%s: %s: %v", hook.ID, hook.Entry, err)
			continue
		}
		has(t, hook.ID, cmd, flagsOf(hook.Entry))
		if check := hook.ID == "pare-check"; hook.Runs != check || check != (hook.Files == "") {
			t.Errorf("%s: always_run %t, files %q: want the check to miss no commit", hook.ID, hook.Runs, hook.Files)
		}
		if hook.Runs {
			continue
		}
		files := regexp.MustCompile(hook.Files)
		for name, want := range map[string]bool{"a/main.tf": true, "main.tf.json": true, "policy.json": true, "t.yaml": true, "t.yml": true, "x.template": true, "main.go": false, "main.tfx": false, "README.md": false} {
			if files.MatchString(name) != want {
				t.Errorf("%s: %s: matched %t", hook.ID, name, !want)
			}
		}
	}
}

// What CI runs is named by a full commit.
func TestActionsArePinned(t *testing.T) {
	for _, path := range []string{"action.yml", "docs/ci.md"} {
		for _, uses := range regexp.MustCompile(`uses: (\S+)`).FindAllStringSubmatch(readText(t, top+path), -1) {
			if !regexp.MustCompile(`@([0-9a-f]{40}|COMMIT)$`).MatchString(uses[1]) {
				t.Errorf("%s: %s: want a full commit", path, uses[1])
			}
		}
	}
}

// runner is GitHub's, as far as the steps of the action see it.
type runner struct {
	dir, temp, source, path string
	env                     []string
}

func newRunner(t *testing.T, dir string) *runner {
	t.Helper()
	full, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{dir: dir, temp: t.TempDir(), source: full, path: os.Getenv("PATH")}
	r.env = append(os.Environ(), "RUNNER_TEMP="+r.temp, "GITHUB_ACTION_PATH="+full, "GIT_CONFIG_GLOBAL="+os.DevNull)
	for _, file := range []string{"PATH", "OUTPUT", "STEP_SUMMARY"} {
		r.env = append(r.env, "GITHUB_"+file+"="+filepath.Join(r.temp, file))
	}
	return r
}

// step runs a step of the action with bash, as GitHub does, and gives its exit code.
func (r *runner) step(t *testing.T, a action, id string, with map[string]string) (code int, output string) {
	t.Helper()
	for _, step := range a.Runs.Steps {
		if step.ID != id {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
		cmd.Dir, cmd.Env = r.dir, append(r.env, "PATH="+filepath.Join(r.temp, "pare-bin")+":"+r.path)
		for name, value := range step.Env {
			input := strings.TrimSuffix(strings.TrimPrefix(value, "${{ inputs."), " }}")
			text, given := with[input]
			if !given && !strings.Contains(a.Inputs[input].Default, "${{") {
				text = a.Inputs[input].Default
			}
			cmd.Env = append(cmd.Env, name+"="+text)
		}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	t.Fatalf("no step %s", id)
	return 0, ""
}

func (r *runner) file(t *testing.T, name string) string {
	t.Helper()
	return readText(t, filepath.Join(r.temp, name))
}

// workspace is a repository whose policy allows more than at its first commit.
func workspace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	const doc = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "%s", "Resource": "*"}}`
	write("infra dir/policy.json", fmt.Sprintf(doc, "s3:GetObject"))
	write("other/policy.json", fmt.Sprintf(doc, "s3:GetObject"))
	git("init", "-q", "-b", "main")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	write("infra dir/policy.json", fmt.Sprintf(doc, "s3:*"))
	write("deny.yaml", "- actions: [\"s3:Delete*\"]\n  reason: nothing is deleted\n")
	return dir
}

// fakeGo stands for the go command: it writes down what it is asked for, and puts this
// test's own pare where a build would.
func fakeGo(t *testing.T, r *runner) (asked func() string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(r.temp, "go.log")
	script := "#!/bin/sh\necho \"$GOBIN $*\" >> '" + log + "'\nln -sf '" + self + "' \"$RUNNER_TEMP/pare-bin/pare\"\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	r.path = dir + ":" + os.Getenv("PATH")
	return func() string { return readText(t, log) }
}

// The steps of the action, as they are. Only the go command isn't the real one.
func TestActionRuns(t *testing.T) {
	a := readYAML[action](t, "action.yml")
	r := newRunner(t, workspace(t))
	asked := fakeGo(t, r)
	for _, with := range []map[string]string{{"version": "v1.2.3"}, nil} {
		if code, out := r.step(t, a, "install", with); code != 0 {
			t.Fatalf("install: %d\n%s", code, out)
		}
	}
	bin := filepath.Join(r.temp, "pare-bin")
	if diff := cmp.Diff(bin+" install github.com/pare-iam/pare/cmd/pare@v1.2.3\n -C "+r.source+" build -o "+bin+"/pare ./cmd/pare\n", asked()); diff != "" {
		t.Errorf("go: -want +got\n%s", diff)
	}
	if got, want := r.file(t, "PATH"), bin+"\n"+bin+"\n"; got != want {
		t.Errorf("GITHUB_PATH: %s, want %s", got, want)
	}
	for _, c := range []struct {
		name string
		with map[string]string
		code string
		want string // in the output
	}{
		{"a policy allows more", map[string]string{"base": "main"}, "2", "::warning file=infra dir/policy.json,line=1,"},
		{"and what the deny list has", map[string]string{"base": "main", "deny": "deny.yaml", "fail-on": "high"}, "2", "::error file=infra dir/policy.json,line=1,"},
		{"new access isn't high", map[string]string{"base": "main", "fail-on": "high"}, "0", "::warning "},
		{"two paths, of which one has a blank", map[string]string{"base": "main", "paths": "other\ninfra dir"}, "2", "::warning file=infra dir/policy.json"},
		{"a path that didn't change", map[string]string{"base": "main", "paths": "other\n"}, "0", ""},
		{"another base", map[string]string{"base": "main", "base-dir": "."}, "0", ""},
		{"a base that isn't there", map[string]string{"base": "nowhere"}, "1", "nowhere: no such revision"},
		{"a base that is a flag", map[string]string{"base": "--output=x"}, "1", "not a revision"},
		{"a severity that isn't one", map[string]string{"base": "main", "fail-on": "all"}, "64", "--fail-on all"},
	} {
		for _, name := range []string{"OUTPUT", "STEP_SUMMARY"} {
			if err := os.WriteFile(filepath.Join(r.temp, name), nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		code, out := r.step(t, a, "check", c.with)
		if code != 0 || !strings.Contains(r.file(t, "OUTPUT"), "exit-code="+c.code+"\n") || !strings.Contains(out, c.want) {
			t.Errorf("%s: %d, %q, want %s\n%s", c.name, code, r.file(t, "OUTPUT"), c.code, out)
		}
		done := c.code == "0" || c.code == "2"
		if got := strings.Contains(r.file(t, "STEP_SUMMARY"), "### pare check"); got != done {
			t.Errorf("%s: a summary: %t", c.name, got)
		}
		if got := strings.Contains(r.file(t, "OUTPUT"), "sarif="+filepath.Join(r.temp, "pare.sarif")); got != done {
			t.Errorf("%s: SARIF: %t", c.name, got)
		}
	}
	r.env = append(r.env, "PARE_STATUS=2")
	for _, step := range a.Runs.Steps {
		if step.ID == "result" {
			cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", step.Run)
			cmd.Env = append(r.env, "PARE_STATUS=2")
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Run(); cmd.ProcessState.ExitCode() != 2 {
				t.Errorf("the result's step: %v\n%s", err, said.String())
			}
		}
	}
}

// The script of GitLab's job, as it is, with the variables that GitLab sets.
func TestGitLabRuns(t *testing.T) {
	gitlab := readYAML[map[string]struct {
		Script []string `yaml:"script"`
	}](t, "deploy/ci/gitlab.yml")
	dir := workspace(t)
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "pare")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		deny, paths string
		want        int
	}{{"", "", 2}, {"deny.yaml", "", 2}, {"", "other", 0}, {"", "other deny.yaml", 0}} {
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", strings.Join(gitlab["pare-check"].Script, "\n"))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CI_MERGE_REQUEST_DIFF_BASE_SHA=main", "PARE_DENY="+c.deny, "PARE_BASELINE=", "PARE_PATHS="+c.paths)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.want {
			t.Errorf("%+v: %v, want %d\n%s", c, err, c.want, out)
		}
		if diff := cmp.Diff(c.deny != "", strings.Contains(string(out), "denied-access")); diff != "" {
			t.Errorf("%+v: denied access: -want +got\n%s", c, diff)
		}
		for _, name := range []string{"pare.xml", "pare.sarif", "pare.md"} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
}
