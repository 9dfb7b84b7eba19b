// Package git asks the git program about a repository, reads revisions of it, and commits
// files to a new branch without touching the working tree or the index.
//
// In: a folder in a repository. Out: its root, what is uncommitted in it, a revision's files
// in another folder, a commit. The program runs with the user's configuration, but without
// prompts and in the C locale.
//
// Limits. Hooks don't run, and submodules aren't read.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNone is the error of a folder that is in no repository, and of a machine without git.
var ErrNone = errors.New("not in a git repository")

// Repo is a repository with a working tree.
type Repo struct {
	Root string // absolute, symlinks resolved
}

// Open finds the repository that a folder is in.
func Open(ctx context.Context, dir string) (*Repo, error) {
	r := &Repo{Root: dir}
	out, err := r.run(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, exec.ErrNotFound) || strings.Contains(err.Error(), "not a git repository") {
			return nil, fmt.Errorf("%s: %w", dir, ErrNone)
		}
		return nil, err
	}
	root, err := filepath.EvalSymlinks(strings.TrimSuffix(string(out), "\n"))
	return &Repo{Root: root}, err
}

// Change is a file that isn't as it is in HEAD.
type Change struct {
	Path      string // relative to Root, with slashes
	Untracked bool   // HEAD doesn't know it; ignored files aren't told
}

// Changes lists what is uncommitted, in the order of paths. A rename is told of its new
// path.
func (r *Repo) Changes(ctx context.Context) ([]Change, error) {
	out, err := r.run(ctx, nil, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
	if err != nil {
		return nil, err
	}
	var changes []Change
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if len(entry) < 4 { // "XY path"
			continue
		}
		changes = append(changes, Change{Path: entry[3:], Untracked: entry[:2] == "??"})
	}
	return changes, nil
}

// Head names where HEAD is: a branch, or a commit when it is detached. It is empty before
// the first commit.
func (r *Repo) Head(ctx context.Context) string {
	for _, args := range [][]string{{"symbolic-ref", "--quiet", "--short", "HEAD"}, {"rev-parse", "--quiet", "--verify", "HEAD"}} {
		if out, err := r.run(ctx, nil, args...); err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}

// Ignores says whether git ignores all of some paths and tracks nothing below them. What git
// can't say isn't so.
func (r *Repo) Ignores(ctx context.Context, paths []string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool {
		if _, err := r.run(ctx, nil, "check-ignore", "--quiet", "--", p); err != nil {
			return true
		}
		tracked, err := r.run(ctx, nil, "ls-files", "--", ":(literal)"+p)
		return err != nil || len(tracked) > 0
	})
}

// run runs git in the repository. The error is what it printed.
func (r *Repo) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return r.runWith(ctx, nil, stdin, args...)
}

func (r *Repo) runWith(ctx context.Context, env []string, stdin []byte, args ...string) ([]byte, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Root, bytes.NewReader(stdin), &out, &said
	cmd.Env = append(append(environment(), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0"), env...)
	if err := cmd.Run(); err != nil {
		return nil, runError(args[0], said.String(), err)
	}
	return out.Bytes(), nil
}

// ofOneRepository are the variables by which git tells its hooks and aliases which repository,
// working tree and index they are about, and that change what a path means. The folder that
// we are given says which repository is meant.
var ofOneRepository = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE",
	"GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
}

// environment is the process's without those.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(ofOneRepository, name)
	})
}

func runError(verb, said string, err error) error {
	said = strings.TrimPrefix(strings.TrimSpace(said), "fatal: ")
	if said == "" {
		return fmt.Errorf("git %s: %w", verb, err)
	}
	return fmt.Errorf("git %s: %s", verb, said)
}
