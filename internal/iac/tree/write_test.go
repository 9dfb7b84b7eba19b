package tree_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
)

// contents are the files of a folder, temporary ones too.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		src, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(src)
	}
	return out
}

// two reads a folder of two files, and gives new bytes for both.
func two(t *testing.T) (dir string, got *tree.Tree, changed map[*iac.File][]byte) {
	t.Helper()
	dir = folder(t, map[string]string{"a.tf": named(hcl, "a"), "b.tf": named(hcl, "b")})
	got = read(t, tree.Options{Root: dir})
	changed = map[*iac.File][]byte{}
	for _, f := range got.Files {
		changed[f] = []byte("# new " + f.Path + "\n")
	}
	return dir, got, changed
}

func TestWriteKeepsModes(t *testing.T) {
	dir, got, changed := two(t)
	if err := os.Chmod(filepath.Join(dir, "a.tf"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := got.Write(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a.tf": "# new a.tf\n", "b.tf": "# new b.tf\n"}, contents(t, dir)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(dir, "a.tf")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestWriteIsAllOrNothing spoils the second file in some way: then nothing is written, and
// nothing is left behind.
func TestWriteIsAllOrNothing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(path string) error
		want  string
	}{
		{"changed since it was read", func(path string) error { return os.WriteFile(path, []byte("# somebody's\n"), 0o666) }, "b.tf: changed since it was read: nothing is written"},
		{"read-only", func(path string) error { return os.Chmod(path, 0o444) }, "b.tf: read-only: nothing is written; chmod u+w b.tf"},
		{"gone", os.Remove, "b.tf: no such file or directory"},
		{"a folder now", func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o777)) }, "b.tf: not a file: not written"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, got, changed := two(t)
			if err := tt.spoil(filepath.Join(dir, "b.tf")); err != nil {
				t.Fatal(err)
			}
			err := got.Write(t.Context(), changed)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if src, err := os.ReadFile(filepath.Join(dir, "a.tf")); err != nil || string(src) != named(hcl, "a") {
				t.Errorf("a.tf was written: %v\n%s", err, src)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") }) {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

func TestWriteThatIsInterruptedWritesNothing(t *testing.T) {
	dir, got, changed := two(t)
	before := contents(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := got.Write(ctx, changed); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}
