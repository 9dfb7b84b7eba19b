//go:build unix

package ingest

import (
	"errors"
	"os"
)

// syncFolder makes renames in the folder survive a power cut.
func syncFolder(folder string) error {
	opened, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
