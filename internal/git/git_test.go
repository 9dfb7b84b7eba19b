package git_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/git"
)

// repository makes one with a commit of two files.
func repository(t *testing.T) (*git.Repo, string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	for _, name := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+name+"_NAME", "Somebody")
		t.Setenv("GIT_"+name+"_EMAIL", "somebody@example.com")
	}
	do(t, dir, "init", "--quiet", "--initial-branch=main")
	write(t, dir, "main.tf", "# one\n")
	write(t, dir, "a folder/ünï.tf", "# two\n")
	do(t, dir, "add", ".")
	do(t, dir, "commit", "--quiet", "-m", "first")
	r, err := git.Open(t.Context(), filepath.Join(dir, "a folder"))
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func do(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
		t.Fatal(err)
	}
}

func TestOpenFindsTheRoot(t *testing.T) {
	r, dir := repository(t)
	if want, err := filepath.EvalSymlinks(dir); err != nil || r.Root != want {
		t.Errorf("root %s, want %s (%v)", r.Root, want, err)
	}
	if _, err := git.Open(t.Context(), t.TempDir()); !errors.Is(err, git.ErrNone) {
		t.Errorf("a folder in no repository: %v", err)
	}
}

func TestChangesAreThoseOfTrackedAndUntrackedFiles(t *testing.T) {
	r, dir := repository(t)
	write(t, dir, "a folder/ünï.tf", "# changed\n")
	write(t, dir, "new.tf", "# new\n")
	write(t, dir, ".gitignore", "*.log\n")
	write(t, dir, "x.log", "ignored\n")
	got, err := r.Changes(t.Context())
	want := []git.Change{{Path: "a folder/ünï.tf"}, {Path: ".gitignore", Untracked: true}, {Path: "new.tf", Untracked: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestCommitTouchesNothingElse holds the commit against what git shows of it.
func TestCommitTouchesNothingElse(t *testing.T) {
	r, dir := repository(t)
	write(t, dir, "main.tf", "# the user's own change\n")
	before := do(t, dir, "status", "--porcelain")
	hash, err := r.Commit(t.Context(), "pare/less", "Less access\n\nWhy.\n", map[string][]byte{"a folder/ünï.tf": []byte("# less\n")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want, got string }{
		{"the branch", hash, strings.TrimSpace(do(t, dir, "rev-parse", "pare/less"))},
		{"its parent", do(t, dir, "rev-parse", "main"), do(t, dir, "rev-parse", "pare/less^")},
		{"the message", "Less access\n\nWhy.\n", do(t, dir, "log", "-1", "--format=%B", "pare/less")[:len("Less access\n\nWhy.\n")]},
		{"the file", "# less\n", do(t, dir, "show", "pare/less:a folder/ünï.tf")},
		{"the other file", "# one\n", do(t, dir, "show", "pare/less:main.tf")},
		{"the status", before, do(t, dir, "status", "--porcelain")},
		{"HEAD", "main", r.Head(t.Context())},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCommitRefuses(t *testing.T) {
	r, dir := repository(t)
	do(t, dir, "branch", "taken")
	for _, tt := range []struct{ name, branch, file, want string }{
		{"a branch that is there", "taken", "main.tf", "branch taken is there already"},
		{"what isn't a name", "a..b", "main.tf", `"a..b": not a name for a branch`},
		{"what looks like a flag", "--force", "main.tf", `"--force": not a name for a branch`},
		{"a file that HEAD doesn't have", "new", "none.tf", "none.tf: not in HEAD: git add and commit it first"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Commit(t.Context(), tt.branch, "m", map[string][]byte{tt.file: []byte("x")})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if got := do(t, dir, "branch", "--format=%(refname:short)"); got != "main\ntaken\n" {
		t.Errorf("branches afterwards: %q", got)
	}
}

func TestExtractWritesARevision(t *testing.T) {
	r, dir := repository(t)
	write(t, dir, "main.tf", "# later\n")
	do(t, dir, "commit", "--quiet", "-am", "second")
	to := t.TempDir()
	if err := r.Extract(t.Context(), "HEAD~1", to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"main.tf": "# one\n", "a folder/ünï.tf": "# two\n"} {
		got, err := os.ReadFile(filepath.Join(to, filepath.FromSlash(name)))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestExtractSaysWhatIsMissing(t *testing.T) {
	_, dir := repository(t)
	write(t, dir, "main.tf", "# later\n")
	do(t, dir, "commit", "--quiet", "-am", "second")
	shallow := t.TempDir()
	do(t, shallow, "clone", "--quiet", "--depth=1", "file://"+filepath.ToSlash(dir), ".")
	r, err := git.Open(t.Context(), shallow)
	if err != nil {
		t.Fatal(err)
	}
	for revision, want := range map[string]string{
		"HEAD~1": "HEAD~1: no such revision in this shallow clone: fetch it (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)",
		"--help": `"--help": not a revision`,
	} {
		if err := r.Extract(t.Context(), revision, t.TempDir()); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", revision, err, want)
		}
	}
}

func TestExtractTakesAllFiles(t *testing.T) {
	r, dir := repository(t)
	write(t, dir, ".gitattributes", "main.tf export-ignore\nid.tf export-subst\n")
	write(t, dir, "id.tf", "# $Format:%H$\n")
	write(t, dir, "x\ny/*.tf", "# three\n")
	do(t, dir, "add", ".")
	do(t, dir, "commit", "--quiet", "-m", "attributes")
	do(t, dir, "sparse-checkout", "set", "--no-cone", "/id.tf")
	to := t.TempDir()
	if err := r.Extract(t.Context(), "HEAD", to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"main.tf": "# one\n", "a folder/ünï.tf": "# two\n", "x\ny/*.tf": "# three\n", "id.tf": "# $Format:%H$\n"} {
		if got, err := os.ReadFile(filepath.Join(to, name)); string(got) != want {
			t.Errorf("%q: %q, want %q (%v)", name, got, want, err)
		}
	}
	if got := do(t, dir, "status", "--porcelain"); got != "" {
		t.Errorf("the repository changed: %s", got)
	}
}

// A hook's environment names a repository and an index, which aren't those of the folder.
func TestEnvironmentOfHooks(t *testing.T) {
	_, dir := repository(t)
	t.Setenv("GIT_DIR", filepath.Join(dir, ".git"))
	t.Setenv("GIT_INDEX_FILE", filepath.Join(t.TempDir(), "index"))
	r, err := git.Open(t.Context(), filepath.Join(dir, "a folder"))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := r.Changes(t.Context())
	if want, _ := filepath.EvalSymlinks(dir); r.Root != want || err != nil || len(changes) > 0 {
		t.Errorf("root %s, want %s; changes %v (%v)", r.Root, want, changes, err)
	}
}

// What git was told not to look at isn't committed by the way, nor are line endings.
func TestCommitTakesNothingElseAlong(t *testing.T) {
	r, dir := repository(t)
	do(t, dir, "update-index", "--assume-unchanged", "main.tf")
	write(t, dir, "main.tf", "# mine\n")
	want := "main.tf: git add would change more of it than the policy: commit that first"
	if _, err := r.Commit(t.Context(), "b", "m", map[string][]byte{"main.tf": []byte("# new\n")}); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	write(t, dir, "crlf.tf", "# one\r\n")
	do(t, dir, "add", "crlf.tf")
	do(t, dir, "commit", "--quiet", "-m", "crlf")
	do(t, dir, "config", "core.autocrlf", "true")
	want = strings.Replace(want, "main", "crlf", 1)
	if _, err := r.Commit(t.Context(), "b", "m", map[string][]byte{"crlf.tf": []byte("# new\r\n")}); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestCommitBeforeTheFirst(t *testing.T) {
	_, dir := repository(t)
	do(t, dir, "checkout", "--quiet", "--orphan", "other")
	r, err := git.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(t.Context(), "b", "m", nil); err == nil || !strings.HasPrefix(err.Error(), "HEAD has no commit yet") {
		t.Error(err)
	}
}
