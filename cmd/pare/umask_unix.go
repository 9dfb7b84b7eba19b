//go:build unix

package main

import (
	"os"
	"syscall"
)

// umask is the permissions that new files don't get. It can only be read by setting it.
func umask() os.FileMode {
	mask := syscall.Umask(0)
	syscall.Umask(mask)
	return os.FileMode(mask)
}
