//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package collect

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps other processes from working on the same folder. It goes with the process.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another pare collect is at work on this folder: wait for it, or give another --out")
	}
	return err
}
