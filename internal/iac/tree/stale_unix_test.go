//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package tree_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
)

// writeIn names the folder that a process of this test is to write in.
const writeIn = "PARE_TEST_WRITE_IN"

// stopping is a context by which a process waits for the end of its input when it is asked
// for the third time: before the third file.
type stopping struct {
	context.Context
	asked int
}

// Err waits, or is the context's.
func (s *stopping) Err() error {
	if s.asked++; s.asked == 3 {
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
	return s.Context.Err()
}

// renewed are the files of a folder, with new bytes.
func renewed(t *testing.T, dir string) (*tree.Tree, map[*iac.File][]byte) {
	t.Helper()
	got := read(t, tree.Options{Root: dir})
	changed := map[*iac.File][]byte{}
	for _, f := range got.Files {
		changed[f] = []byte("# new\n")
	}
	return got, changed
}

// temporary counts the temporary files of a folder.
func temporary(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".pare-") {
			n++
		}
	}
	return n
}

// TestWhatAKilledWriteLeft has a process that waits as it writes, and kills it. While it lives,
// nobody else writes in its folder or touches what it has begun; the next write after its end
// leaves nothing of it.
func TestWhatAKilledWriteLeft(t *testing.T) {
	if dir := os.Getenv(writeIn); dir != "" {
		got, changed := renewed(t, dir)
		if err := got.Write(&stopping{Context: t.Context()}, changed); err != nil {
			t.Fatal(err)
		}
		return
	}
	files := map[string]string{}
	for i := range 5 {
		files[fmt.Sprintf("%d.tf", i)] = "# old\n"
	}
	dir := folder(t, files)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWhatAKilledWriteLeft$")
	cmd.Env = append(os.Environ(), writeIn+"="+dir)
	if _, err := cmd.StdinPipe(); err != nil { // stays open
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for temporary(t, dir) < 2 {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	got, changed := renewed(t, dir)
	const busy = ".: another pare writes here: nothing is written; wait for it"
	if err := got.Write(t.Context(), changed); err == nil || err.Error() != busy {
		t.Errorf("while another writes: got %v, want %s", err, busy)
	}
	if n := temporary(t, dir); n != 2 {
		t.Errorf("while another writes: %d of its 2 temporary files", n)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("it came to its end")
	}
	got, changed = renewed(t, dir)
	if err := got.Write(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	for name := range files {
		files[name] = "# new\n"
	}
	if diff := cmp.Diff(files, contents(t, dir)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestWriteRemovesItsOwnAlone has a folder with names that are like those of temporary files.
func TestWriteRemovesItsOwnAlone(t *testing.T) {
	const stale = ".pare-tmp-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	want := map[string]string{".pare-notes": "mine", ".pare-tmp-abcdefghijklmnopqrstuvwxyz": "mine", ".pareignore.yaml": "[]\n", "pare-ABCDEFGHIJKLMNOPQRSTUVWXYZ": "mine"}
	dir := folder(t, want)
	for name, text := range map[string]string{"a.tf": "# old\n", stale: "left"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(".pare-notes", filepath.Join(dir, stale+"A")); err != nil {
		t.Fatal(err)
	}
	got, changed := renewed(t, dir)
	if err := got.Write(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	want["a.tf"], want[stale+"A"] = "# new\n", "mine"
	if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
