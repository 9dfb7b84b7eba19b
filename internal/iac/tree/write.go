package tree

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/pare-iam/pare/internal/iac"
)

// ChangedError says that a file isn't what it was when it was read. Nothing was written.
type ChangedError struct{ Path string }

// Error is "PATH: …".
func (e *ChangedError) Error() string {
	return e.Path + ": changed since it was read: nothing is written"
}

// Write gives files of the tree new bytes: all of them, or none. Each is first written
// beside its place; then it is looked whether every file is still as it was read; then
// they take their names one by one, and if that fails for one, those before it get their
// old bytes back. A file keeps its mode. One that is read-only is refused, and so is a
// folder in which another process writes. A write that is killed while files take their names
// leaves some as they were; what it left besides in the folders of the files goes.
func (t *Tree) Write(ctx context.Context, changed map[*iac.File][]byte) error {
	root, err := os.OpenRoot(t.Root)
	if err != nil {
		return err
	}
	w := writer{root: root}
	files := slices.SortedFunc(maps.Keys(changed), func(a, b *iac.File) int { return cmp.Compare(a.Path, b.Path) })
	err = w.hold(files)
	for _, f := range files {
		if err == nil {
			err = cmp.Or(ctx.Err(), w.stage(f, changed[f]))
		}
	}
	if err == nil {
		err = cmp.Or(ctx.Err(), w.unchanged())
	}
	if err == nil {
		err = w.rename()
	}
	return errors.Join(err, w.clean(), w.letGo(), root.Close())
}

// staged is a file's new bytes under another name.
type staged struct {
	file *iac.File
	temp string
	mode fs.FileMode
	done bool
}

type writer struct {
	root    *os.Root
	files   []staged
	folders []*os.File // with files, locked
}

// stage writes the new bytes beside the file.
func (w *writer) stage(f *iac.File, src []byte) error {
	name := filepath.FromSlash(f.Path)
	info, err := w.root.Lstat(name)
	switch {
	case err != nil:
		return plain(f, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: not a file: not written", f.Path)
	case info.Mode().Perm()&0o200 == 0:
		return fmt.Errorf("%s: read-only: nothing is written; chmod u+w %s", f.Path, f.Path)
	}
	return w.put(f, src, info.Mode().Perm())
}

// put writes a temporary file and remembers it.
func (w *writer) put(f *iac.File, src []byte, mode fs.FileMode) error {
	name := filepath.FromSlash(f.Path)
	temp := filepath.Join(filepath.Dir(name), tempName())
	out, err := w.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return plain(f, err)
	}
	w.files = append(w.files, staged{file: f, temp: temp, mode: mode})
	_, err = out.Write(src)
	return plain(f, errors.Join(err, out.Chmod(mode), out.Sync(), out.Close()))
}

// unchanged compares every file with what was read.
func (w *writer) unchanged() error {
	for _, s := range w.files {
		f, err := w.root.Open(filepath.FromSlash(s.file.Path))
		if err != nil {
			return plain(s.file, err)
		}
		src, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return plain(s.file, err)
		}
		if !bytes.Equal(src, s.file.Src) {
			return &ChangedError{s.file.Path}
		}
	}
	return nil
}

// rename gives the new files their names; if one can't have it, the others get their old
// bytes back.
func (w *writer) rename() error {
	for i := range w.files {
		s := &w.files[i]
		if err := w.root.Rename(s.temp, filepath.FromSlash(s.file.Path)); err != nil {
			return errors.Join(plain(s.file, err), w.restore())
		}
		s.done = true
	}
	return nil
}

func (w *writer) restore() error {
	var errs []error
	for _, s := range slices.Clone(w.files) {
		if !s.done {
			continue
		}
		err := w.put(s.file, s.file.Src, s.mode)
		if err == nil {
			last := &w.files[len(w.files)-1]
			err = plain(s.file, w.root.Rename(last.temp, filepath.FromSlash(s.file.Path)))
			last.done = err == nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// clean removes what didn't take its name.
func (w *writer) clean() error {
	var errs []error
	for _, s := range w.files {
		if !s.done {
			errs = append(errs, w.root.Remove(s.temp))
		}
	}
	return errors.Join(errs...)
}

// plain names the file and what is wrong, without the system call and the temporary name.
func plain(f *iac.File, err error) error {
	if err == nil {
		return nil
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("%s: %w", f.Path, err)
}
