package ingest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/pare-iam/pare/usage"
)

// CoveragePath is where the coverage of a usage file lies: usage.coverage.json beside
// usage.jsonl.
func CoveragePath(out string) string { return strings.TrimSuffix(out, ".jsonl") + ".coverage.json" }

// JournalPath is where the journal of a usage file lies while it is being made.
func JournalPath(out string) string { return out + ".partial" }

// Target is the file that a path of an output means, links followed. The error says why
// nothing can be written there.
func Target(out string) (string, error) {
	there, err := os.Stat(out)
	switch {
	case err == nil && there.IsDir():
		return "", fmt.Errorf("%s: a folder: want the name of a file, such as %s", out, filepath.Join(out, "usage.jsonl"))
	case err == nil && !there.Mode().IsRegular():
		return "", fmt.Errorf("%s: not a file: want the name of one, or - for standard output", out)
	case err == nil:
		return filepath.EvalSymlinks(out)
	}
	folder, err := os.Stat(filepath.Dir(out))
	if err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Dir(out), cause(err))
	}
	if !folder.IsDir() {
		return "", fmt.Errorf("%s: not a folder", filepath.Dir(out))
	}
	return out, nil
}

// Save writes the uses to a path and the coverage beside it, and removes the journal unless
// it is kept.
// Each file is there whole or as it was before. Between them there is a moment without
// a coverage, never one with the coverage of other uses, which could call unused what
// is used.
func (r *Result) Save(out string) error {
	uses, err := writeBeside(out, r.WriteUses)
	if err != nil {
		return err
	}
	coverage, err := writeBeside(CoveragePath(out), func(w io.Writer) error { return usage.WriteCoverage(w, r.Coverage) })
	if err == nil {
		err = replace(out, uses, coverage)
	}
	if err != nil {
		return errors.Join(err, removeAll(uses, coverage))
	}
	return r.Discard()
}

// chunk is how many uses are made lines of at a time.
const chunk = 1024

// WriteUses writes the uses, as usage.WriteUses does, with all processors.
func (r *Result) WriteUses(w io.Writer) error {
	type lines struct {
		text *bytes.Buffer
		err  error
	}
	ahead := runtime.GOMAXPROCS(0)
	queue := make(chan chan lines, ahead) // in order
	free := make(chan *bytes.Buffer, ahead+2)
	for range cap(free) {
		free <- new(bytes.Buffer)
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(queue)
		for uses := range slices.Chunk(r.Uses, chunk) {
			done := make(chan lines, 1)
			select {
			case queue <- done:
			case <-stop:
				return
			}
			go func() {
				b := <-free // there are as many as can be in the queue and out of it
				b.Reset()
				err := usage.WriteUses(b, slices.Values(uses))
				done <- lines{b, err}
			}()
		}
	}()
	for done := range queue {
		l := <-done
		if l.err != nil {
			return l.err
		}
		if _, err := w.Write(l.text.Bytes()); err != nil {
			return err
		}
		free <- l.text
	}
	return nil
}

// Discard removes the journal, unless it is kept: for a result that isn't saved, or written
// elsewhere.
func (r *Result) Discard() error {
	if r.keep {
		return r.Close()
	}
	if r.journal == nil {
		return nil
	}
	return r.journal.remove()
}

// Empty says whether nothing in the files was a log of CloudTrail's.
func (r *Result) Empty() bool {
	c := r.Coverage
	return c.Files.Read == 0 && c.Files.Digests == 0 && c.Records.Read == 0
}

// Close leaves the journal for another run: for a result that couldn't be saved.
func (r *Result) Close() error {
	if r.journal == nil {
		return nil
	}
	return r.journal.close()
}

// replace gives the new files their names.
func replace(out, uses, coverage string) error {
	if err := removeAll(CoveragePath(out)); err != nil {
		return err
	}
	if err := os.Rename(uses, out); err != nil {
		return err
	}
	if err := os.Rename(coverage, CoveragePath(out)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(out))
}

// writeBeside writes a new file beside a path and returns its name.
func writeBeside(path string, write func(io.Writer) error) (string, error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8])
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, cause(err))
	}
	buffered := bufio.NewWriterSize(f, bufferSize)
	err = errors.Join(write(buffered), buffered.Flush())
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("%s: %w", path, cause(err)), os.Remove(name))
	}
	return name, nil
}

// removeAll removes files that may not be there.
func removeAll(paths ...string) error {
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); path != "" && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
