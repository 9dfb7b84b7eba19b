package catalogupdate

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/pare-iam/pare/catalog"
)

// FileName is the name of the snapshot in the cache folder.
const FileName = "catalog.pare"

// Save writes the catalog as a snapshot to a path, making the folder if need be. The
// file is written beside, synced and renamed: whatever interrupts it, the path holds
// the old snapshot or the new one. A context that is done before the rename leaves
// nothing behind.
func Save(ctx context.Context, name string, c *catalog.Catalog) (err error) {
	folder := filepath.Dir(name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	err = writeAndSync(file, c)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncFolder(folder)
}

func writeAndSync(file *os.File, c *catalog.Catalog) error {
	err := catalog.Write(file, c)
	if err == nil {
		err = file.Chmod(0o644)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
