package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

const (
	outputFileFlag  = "output-file"
	outputFileUsage = "write the result to this `file` instead of standard output"
)

// sink is where a result goes: standard output, or a file that is there whole or not at
// all.
type sink struct {
	path   string   // empty: standard output
	inputs []string // files that were read, which aren't overwritten
}

// write writes the result. On an error the file is as it was before.
func (s sink) write(cmd *cobra.Command, write func(io.Writer) error) error {
	if s.path == "" {
		return write(cmd.OutOrStdout())
	}
	path, err := s.target()
	if err != nil {
		return err
	}
	temp, err := newTempFile(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(temp.File)
	return temp.finish(errors.Join(write(buffered), buffered.Flush()))
}

// target is the file to write, links followed. It refuses to replace what was read, and
// what isn't a file.
func (s sink) target() (string, error) {
	there, err := os.Stat(s.path)
	if err != nil {
		return s.path, nil // nothing is there, or newTempFile says what is wrong
	}
	if !there.Mode().IsRegular() {
		return "", hintError{fmt.Errorf("%s: not a file", s.path), "--" + outputFileFlag + " wants the name of a file; for a pipe or a device use > " + s.path}
	}
	for _, input := range s.inputs {
		if read, err := os.Stat(input); err == nil && os.SameFile(read, there) {
			return "", hintError{
				fmt.Errorf("%s: is read from too, and isn't overwritten", s.path),
				"give --" + outputFileFlag + " another name, and move the file when you have looked at it",
			}
		}
	}
	return filepath.EvalSymlinks(s.path)
}

// tempFile is a file on its way to its name, beside it.
type tempFile struct {
	*os.File
	target string
}

func newTempFile(target string) (tempFile, error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return tempFile{}, fmt.Errorf("%s: %w", target, errors.Unwrap(err))
	}
	return tempFile{f, target}, nil
}

// finish gives the file its name, or removes it if there was an error.
func (t tempFile) finish(err error) error {
	err = errors.Join(err, t.close())
	if err == nil {
		err = os.Rename(t.Name(), t.target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return nil
}

// close makes the file as readable as any other new file.
func (t tempFile) close() error {
	return errors.Join(t.Chmod(0o666&^umask()), t.Sync(), t.Close())
}
