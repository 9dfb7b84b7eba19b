//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package tree

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps other processes from writing in an open folder, until unlock or the end of
// this process, however it ends. It isn't held, without an error, where the file system
// has no such locks.
func lock(folder *os.File) (held bool, err error) {
	err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, errBusy
	}
	return err == nil, nil
}

// unlock gives the lock back at once, though a child that is just being started may have
// the folder open too. Where there are no such locks there is none to give back.
func unlock(folder *os.File) error {
	_ = syscall.Flock(int(folder.Fd()), syscall.LOCK_UN)
	return folder.Close()
}
