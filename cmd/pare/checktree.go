package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pare-iam/pare/internal/gate"
	"github.com/pare-iam/pare/internal/git"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
)

// concerning are the problems of the files that are asked for.
func concerning(files *tree.Tree) []iac.Problem {
	return slices.DeleteFunc(slices.Clone(files.Problems), func(p iac.Problem) bool { return !files.Concerns(p) })
}

// policiesOf are the policies of a tree whose folder is still there: expressions may read
// other files of it.
func policiesOf(files *tree.Tree) (out []gate.Policy, err error) {
	root, err := os.OpenRoot(files.Root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // a tree that wasn't there has none
	}
	if err != nil {
		return nil, plainError(err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	definitions := gate.Define(files.Files, root.FS())
	for _, s := range files.Sources {
		if files.Wanted(s) {
			p := gate.FromSource(s)
			definitions.Settle(&p)
			out = append(out, p)
		}
	}
	return out, nil
}

// before are the policies of the tree as it was, and the problems of its files.
func (in *checkInput) before(ctx context.Context, repo *git.Repo, o tree.Options) (before []gate.Policy, problems []iac.Problem, err error) {
	dir := in.baseDir
	if in.base != "" {
		if repo == nil {
			return nil, nil, hintError{fmt.Errorf("--base %s: %s is in no git repository", in.base, o.Root), "run pare in the repository, or give --base-dir with a copy of the tree as it was"}
		}
		if dir, err = os.MkdirTemp("", "pare-base-"); err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		if err := repo.Extract(ctx, in.base, dir); err != nil {
			return nil, nil, hintError{fmt.Errorf("--base %w", err), "git fetch origin, then --base origin/main; in a shallow clone fetch all of the history first"}
		}
	}
	files, err := treeAt(ctx, dir, o)
	if err != nil {
		return nil, nil, err
	}
	before, err = policiesOf(files)
	_, problems, tofuErr := tree.Tofu(files.Options)
	return before, slices.Concat(concerning(files), problems), errors.Join(err, plainError(tofuErr))
}

// treeAt reads another state of a tree. Paths that aren't in it are left out.
func treeAt(ctx context.Context, dir string, now tree.Options) (*tree.Tree, error) {
	o := tree.Options{Root: dir, Beyond: now.Beyond}
	for _, path := range now.Paths {
		switch _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(path))); {
		case err == nil:
			o.Paths = append(o.Paths, path)
		case !errors.Is(err, os.ErrNotExist):
			return nil, plainError(err)
		}
	}
	if _, err := os.Stat(dir); err != nil || len(o.Paths) == 0 {
		return &tree.Tree{Options: o}, plainError(err)
	}
	out, err := tree.Read(ctx, o)
	return out, plainError(err)
}
