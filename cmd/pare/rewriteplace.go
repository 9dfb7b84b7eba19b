package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pare-iam/pare/internal/git"
	"github.com/pare-iam/pare/internal/iac/tree"
)

func orHere(args []string) []string {
	if len(args) == 0 {
		return []string{"."}
	}
	return args
}

// placeOf is the tree that paths are in: the repository, or else the working folder, or one
// that has them all. The repository is nil if there is none.
func placeOf(ctx context.Context, args []string) (*git.Repo, tree.Options, error) {
	full, err := fullPaths(orHere(args))
	if err != nil {
		return nil, tree.Options{}, err
	}
	options := tree.Options{Root: full[0]}
	if info, err := os.Stat(options.Root); err == nil && !info.IsDir() {
		options.Root = filepath.Dir(options.Root)
	}
	repo, err := git.Open(ctx, options.Root)
	if err == nil && repo.Ignores(ctx, full) {
		repo, err = nil, git.ErrNone // they only lie in it
	}
	switch {
	case err == nil:
		options.Root, options.Beyond = repo.Root, true
	case !errors.Is(err, git.ErrNone):
		return nil, options, err
	default:
		options.Root = above(options.Root, full)
	}
	for i, at := range full {
		rel, err := filepath.Rel(options.Root, at)
		if err != nil || !filepath.IsLocal(rel) {
			return nil, options, usageError{fmt.Errorf("%s: not in %s: give paths of one repository", args[i], options.Root)}
		}
		options.Paths = append(options.Paths, filepath.ToSlash(rel))
	}
	return repo, options, nil
}

// fullPaths are paths without symlinks in them.
func fullPaths(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		at, err := filepath.Abs(arg)
		if err == nil {
			at, err = filepath.EvalSymlinks(at)
		}
		if err != nil {
			return nil, plainError(err)
		}
		out = append(out, at)
	}
	return out, nil
}

// above is the working folder if it has all paths, or else the innermost that has them.
func above(dir string, paths []string) string {
	has := func(root string) bool {
		return !slices.ContainsFunc(paths, func(p string) bool {
			rel, err := filepath.Rel(root, p)
			return err != nil || !filepath.IsLocal(rel)
		})
	}
	if here, err := fullPaths([]string{"."}); err == nil && has(here[0]) {
		return here[0]
	}
	for !has(dir) {
		dir = filepath.Dir(dir)
	}
	return dir
}
