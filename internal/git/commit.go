package git

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Commit makes a branch at HEAD with one more commit, in which files have new bytes, and
// gives the commit's hash. Paths are relative to Root, with slashes; each must be in
// HEAD, and be in the working tree as it is there. The working tree, the index and HEAD stay as they are. Filters such as line
// ending conversion are applied as by git add; the commit is signed if commit.gpgSign
// says so.
//
// The error is of a branch that there is already, of a bad name, of a file that HEAD
// doesn't have; then nothing points at what was made.
func (r *Repo) Commit(ctx context.Context, branch, message string, files map[string][]byte) (hash string, err error) {
	if _, err := r.run(ctx, nil, "check-ref-format", "--branch", branch); err != nil {
		return "", fmt.Errorf("%q: not a name for a branch", branch)
	}
	ref := "refs/heads/" + branch
	if _, err := r.run(ctx, nil, "rev-parse", "--quiet", "--verify", ref); err == nil {
		return "", fmt.Errorf("branch %s is there already", branch)
	}
	dir, err := os.MkdirTemp("", "pare-index-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	head, err := r.run(ctx, nil, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
	if err != nil {
		return "", errors.New("HEAD has no commit yet: make one first")
	}
	parent := strings.TrimSpace(string(head)) // once: it may move meanwhile
	tree, err := r.tree(ctx, parent, filepath.Join(dir, "index"), files)
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", tree, "-p", parent}
	if out, err := r.run(ctx, nil, "config", "--type=bool", "commit.gpgSign"); err == nil && strings.TrimSpace(string(out)) == "true" {
		args = append(args, "-S")
	}
	out, err := r.run(ctx, []byte(message), args...)
	if err != nil {
		return "", err
	}
	hash = strings.TrimSpace(string(out))

	_, err = r.run(ctx, nil, "update-ref", "-m", "pare rewrite", ref, hash, "") // it must not be there yet
	return hash, err
}

// tree writes a commit's tree with other bytes in some files, by an index of its own.
func (r *Repo) tree(ctx context.Context, commit, index string, files map[string][]byte) (string, error) {
	env := []string{"GIT_INDEX_FILE=" + index}
	if _, err := r.runWith(ctx, env, nil, "read-tree", commit); err != nil {
		return "", err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		out, err := r.runWith(ctx, env, nil, "ls-files", "--stage", "-z", "--", ":(literal)"+path)
		if err != nil {
			return "", err
		}
		entry := strings.Fields(string(out)) // MODE HASH STAGE PATH
		if len(entry) < 3 {
			return "", fmt.Errorf("%s: not in HEAD: git add and commit it first", path)
		}
		if err := r.asIn(ctx, entry[1], path); err != nil {
			return "", err
		}
		blob, err := r.run(ctx, files[path], "hash-object", "-w", "--stdin", "--path", path)
		if err != nil {
			return "", err
		}
		info := entry[0] + "," + strings.TrimSpace(string(blob)) + "," + path
		if _, err := r.runWith(ctx, env, nil, "update-index", "--cacheinfo", info); err != nil {
			return "", err
		}
	}
	out, err := r.runWith(ctx, env, nil, "write-tree")
	return strings.TrimSpace(string(out)), err
}

// asIn is the error of a file that isn't in the working tree what a commit has: changes
// that git was told not to look at, or line endings that its filters would change in every line.
func (r *Repo) asIn(ctx context.Context, blob, path string) error {
	out, err := r.run(ctx, nil, "hash-object", "--", path)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(out)) != blob {
		return fmt.Errorf("%s: git add would change more of it than the policy: commit that first", path)
	}
	return nil
}
