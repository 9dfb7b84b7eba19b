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
// HEAD. The working tree, the index and HEAD stay as they are. Filters such as line
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
	tree, err := r.tree(ctx, filepath.Join(dir, "index"), files)
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", tree, "-p", "HEAD"}
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

// tree writes HEAD's tree with other bytes in some files, by an index of its own.
func (r *Repo) tree(ctx context.Context, index string, files map[string][]byte) (string, error) {
	env := []string{"GIT_INDEX_FILE=" + index}
	if _, err := r.runWith(ctx, env, nil, "read-tree", "HEAD"); err != nil {
		return "", err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		out, err := r.runWith(ctx, env, nil, "ls-files", "--stage", "-z", "--", ":(literal)"+path)
		if err != nil {
			return "", err
		}
		mode, _, known := strings.Cut(string(out), " ")
		if !known {
			return "", fmt.Errorf("%s: not in HEAD: git add and commit it first", path)
		}
		blob, err := r.run(ctx, files[path], "hash-object", "-w", "--stdin", "--path", path)
		if err != nil {
			return "", err
		}
		info := mode + "," + strings.TrimSpace(string(blob)) + "," + path
		if _, err := r.runWith(ctx, env, nil, "update-index", "--cacheinfo", info); err != nil {
			return "", err
		}
	}
	out, err := r.runWith(ctx, env, nil, "write-tree")
	return strings.TrimSpace(string(out)), err
}
