//go:build !unix

package apply

import (
	"errors"
	"io/fs"
	"os"
)

// Lock takes a lock: a file that is there while it is held. After a crash it has to be
// removed by hand.
func Lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}

// hold has nothing to do where open files can't be locked; there is Lock.
func hold(*os.File) error { return nil }

func release(*os.File) error { return nil }

// syncFolder has nothing to do where folders can't be synced.
func syncFolder(string) error { return nil }
