package git

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Extract writes the files of a revision into an empty folder. Symlinks are left out. The
// error of a revision that isn't there says how to have it in a shallow clone.
func (r *Repo) Extract(ctx context.Context, revision, dir string) error {
	if strings.HasPrefix(revision, "-") {
		return fmt.Errorf("%q: not a revision", revision)
	}
	if _, err := r.run(ctx, nil, "rev-parse", "--quiet", "--verify", revision+"^{commit}"); err != nil {
		return r.missing(ctx, revision)
	}
	out, err := r.run(ctx, nil, "archive", "--format=tar", revision)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	return errors.Join(unpack(root, tar.NewReader(bytes.NewReader(out))), root.Close())
}

func (r *Repo) missing(ctx context.Context, revision string) error {
	err := fmt.Errorf("%s: no such revision", revision)
	if out, shallowErr := r.run(ctx, nil, "rev-parse", "--is-shallow-repository"); shallowErr == nil && strings.TrimSpace(string(out)) == "true" {
		err = fmt.Errorf("%w in this shallow clone: fetch it (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)", err)
	}
	return err
}

func unpack(root *os.Root, files *tar.Reader) error {
	for {
		h, err := files.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case h.Typeflag != tar.TypeReg:
			continue
		}
		name := filepath.FromSlash(h.Name)
		if err := root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := unpackFile(root, name, files); err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, src io.Reader) error {
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, src)
	return errors.Join(err, f.Close())
}
