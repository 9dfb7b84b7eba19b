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
	if err := s.check(); err != nil {
		return err
	}
	temp, err := newTempFile(s.path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(temp.File)
	return temp.finish(errors.Join(write(buffered), buffered.Flush()))
}

// check refuses to overwrite what was read.
func (s sink) check() error {
	target, err := os.Stat(s.path)
	if err != nil {
		return nil // nothing is there, or newTempFile says what is wrong
	}
	if target.IsDir() {
		return fmt.Errorf("%s: a folder: --%s wants the name of a file", s.path, outputFileFlag)
	}
	for _, input := range s.inputs {
		if read, err := os.Stat(input); err == nil && os.SameFile(read, target) {
			return hintError{
				fmt.Errorf("%s: is read from too, and isn't overwritten", s.path),
				"give --" + outputFileFlag + " another name, and move the file when you have looked at it",
			}
		}
	}
	return nil
}

// tempFile is a file on its way to its name, beside it.
type tempFile struct {
	*os.File
	target string
}

func newTempFile(target string) (tempFile, error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	return tempFile{f, target}, err
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
