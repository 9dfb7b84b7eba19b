package store

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// spool keeps values in a file until they are needed again, so that what makes them can
// take its time before a transaction begins, and memory doesn't grow with them.
type spool[T any] struct {
	file *os.File
	w    *bufio.Writer
}

func newSpool[T any](folder string) (*spool[T], error) {
	f, err := os.CreateTemp(folder, ".pare-run-*")
	if err != nil {
		return nil, err
	}
	// Without a name it goes when it is closed, or when we are killed. Where that can't
	// be, close removes it.
	_ = os.Remove(f.Name())
	return &spool[T]{f, bufio.NewWriterSize(f, 1<<18)}, nil
}

func (s *spool[T]) close() error {
	err := s.file.Close()
	if removed := os.Remove(s.file.Name()); !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// fill takes all of a sequence, each as prepare makes it.
func fill[V, T any](s *spool[T], from iter.Seq2[V, error], prepare func(V) (T, error)) error {
	for v, err := range from {
		if err != nil {
			return err
		}
		t, err := prepare(v)
		if err != nil {
			return err
		}
		if err := json.MarshalWrite(s.w, &t); err != nil {
			return err
		}
	}
	return s.w.Flush()
}

// batches calls f with the values, up to n at a time.
func (s *spool[T]) batches(n int, f func([]T) error) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	dec := jsontext.NewDecoder(bufio.NewReaderSize(s.file, 1<<18))
	batch := make([]T, 0, n)
	for {
		var v T
		err := json.UnmarshalDecode(dec, &v)
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return err
		}
		if !ended {
			batch = append(batch, v)
		}
		if len(batch) == n || ended && len(batch) > 0 {
			if err := f(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		if ended {
			return nil
		}
	}
}
