package tree

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
)

// A write that is killed leaves its temporary files. Whoever writes holds a lock on each
// folder in which it writes, from before its first temporary file to after its last, and the
// lock ends with the process. So what is found there with the lock held is nobody's any more,
// and goes. Without locks nothing is taken for stale.

// errBusy is the error of a folder in which another process writes.
var errBusy = errors.New("another pare writes here: nothing is written; wait for it")

const (
	tempPrefix = ".pare-tmp-"
	tempLetter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // of rand.Text
	tempLength = 26                                 // that rand.Text has at least
)

// tempName is a new name for a temporary file: not longer than any name may be.
func tempName() string { return tempPrefix + rand.Text()[:tempLength] }

// isTemp says whether tempName may have made a name.
func isTemp(name string) bool {
	text, ok := strings.CutPrefix(name, tempPrefix)
	return ok && len(text) == tempLength && strings.Trim(text, tempLetter) == ""
}

// hold locks the folders of files, and removes what is stale in them.
func (w *writer) hold(files []*iac.File) error {
	var dirs []string
	for _, f := range files {
		dirs = append(dirs, path.Dir(f.Path))
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		folder, err := w.root.Open(filepath.FromSlash(dir))
		if err != nil {
			return inFolder(dir, err)
		}
		w.folders = append(w.folders, folder)
		held, err := lock(folder)
		if err == nil && held {
			err = w.sweep(dir, folder)
		}
		if err != nil {
			return inFolder(dir, err)
		}
	}
	return nil
}

// sweep removes the temporary files of a folder whose lock is held.
func (w *writer) sweep(dir string, folder *os.File) error {
	entries, err := folder.ReadDir(-1)
	for _, e := range entries {
		if err == nil && e.Type().IsRegular() && isTemp(e.Name()) {
			err = w.root.Remove(filepath.Join(filepath.FromSlash(dir), e.Name()))
		}
	}
	return err
}

// letGo gives the folders' locks back.
func (w *writer) letGo() error {
	var errs []error
	for _, folder := range w.folders {
		errs = append(errs, unlock(folder))
	}
	return errors.Join(errs...)
}

func inFolder(dir string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("%s: %w", dir, err)
}
