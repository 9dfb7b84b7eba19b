package snapshot

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Writer writes the files of a snapshot folder. Each is written beside, synced and renamed:
// whatever interrupts it, a name holds the old file or the new one, whole. Methods are safe
// for concurrent use with different names.
type Writer struct{ dir string }

// NewWriter makes the folder if need be. What an account's folder holds isn't for
// everybody: what is made here is readable by its owner alone.
func NewWriter(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Writer{dir}, nil
}

// WriteFile writes a file of the folder through a function. The name is slash-separated
// and may have one folder: "last-accessed/app.json". When the function returns an error, so
// does WriteFile, and the folder is as before.
func (w *Writer) WriteFile(name string, write func(io.Writer) error) (err error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return fmt.Errorf("%s: want a name inside %s", name, w.dir)
	}
	path := filepath.Join(w.dir, local)
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	err = writeAndSync(file, write)
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncFolder(folder)
}

func writeAndSync(file *os.File, write func(io.Writer) error) error {
	buffered := bufio.NewWriterSize(file, 1<<16)
	err := write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// WriteInfo writes snapshot.json; what ReadInfo would refuse is an error. The schema version
// is put in.
func (w *Writer) WriteInfo(info Info) error {
	info.SchemaVersion = Version
	if pointer, wrong := info.wrong(); wrong != "" {
		return fmt.Errorf("%s: %s: %s", InfoFile, pointer, wrong)
	}
	return w.WriteFile(InfoFile, func(out io.Writer) error {
		if err := json.MarshalWrite(out, info, jsontext.WithIndent("  ")); err != nil {
			return err
		}
		_, err := io.WriteString(out, "\n")
		return err
	})
}
