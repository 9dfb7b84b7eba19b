package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Extract writes the files of a revision into an empty folder. Symlinks and submodules are
// left out; attributes that leave files out of archives or change them there mean nothing.
// The error of a revision that isn't there says how to have it in a shallow clone.
func (r *Repo) Extract(ctx context.Context, revision, dir string) (err error) {
	if strings.HasPrefix(revision, "-") {
		return fmt.Errorf("%q: not a revision", revision)
	}
	commit, err := r.run(ctx, nil, "rev-parse", "--quiet", "--verify", revision+"^{commit}")
	if err != nil {
		return r.missing(ctx, revision)
	}
	temp, err := os.MkdirTemp("", "pare-index-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(temp, "index")}
	if _, err := r.runWith(ctx, env, nil, "read-tree", strings.TrimSpace(string(commit))); err != nil {
		return err
	}
	files, err := r.regular(ctx, env)
	if err != nil || len(files) == 0 {
		return err
	}
	_, err = r.runWith(ctx, env, files, "checkout-index", "--ignore-skip-worktree-bits", "-z", "--stdin", "--prefix="+dir+string(filepath.Separator))
	return err
}

// regular lists the files of an index that aren't symlinks or submodules, each with a NUL
// behind it.
func (r *Repo) regular(ctx context.Context, env []string) ([]byte, error) {
	out, err := r.runWith(ctx, env, nil, "ls-files", "--stage", "-z")
	if err != nil {
		return nil, err
	}
	var files []byte
	for entry := range strings.SplitSeq(string(out), "\x00") {
		_, path, found := strings.Cut(entry, "\t") // "MODE HASH STAGE\tPATH"
		if found && strings.HasPrefix(entry, "100") {
			files = append(append(files, path...), 0)
		}
	}
	return files, nil
}

func (r *Repo) missing(ctx context.Context, revision string) error {
	err := fmt.Errorf("%s: no such revision", revision)
	if out, shallowErr := r.run(ctx, nil, "rev-parse", "--is-shallow-repository"); shallowErr == nil && strings.TrimSpace(string(out)) == "true" {
		err = fmt.Errorf("%w in this shallow clone: fetch it (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)", err)
	}
	return err
}
