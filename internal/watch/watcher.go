package watch

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/pare-iam/pare/cloudtrail"
)

// Source is where records come from.
type Source interface {
	// Read calls visit for each text with records since a time that it hasn't come to its
	// end with before; records may come more than once. What couldn't be read is told to
	// problem, and is read again next time. The error is the context's.
	Read(ctx context.Context, since time.Time, visit Visit, problem func(error)) error
}

// Visit reads a text of records. Its error is that the text isn't one, or that of reading
// it.
type Visit func(name string, text io.Reader) error

// Watcher looks for denials again and again. It isn't safe for concurrent use.
type Watcher struct {
	Journal string // path; it is read anew each time
	Mapper  *cloudtrail.Mapper
	Sources []Source

	seen map[string]bool // events that were reported
}

// Look is what one look has found.
type Look struct {
	Changes  *Changes
	Denials  []*Denial // that weren't found before, in order of their times
	Texts    int       // that were read whole
	Problems []error   // what couldn't be read
}

// Look reads what is new in the sources. The error is that of the journal, or the context's.
// Before the first change of the journal nothing is read.
func (w *Watcher) Look(ctx context.Context) (*Look, error) {
	changes, err := w.changes()
	if err != nil {
		return nil, err
	}
	look := &Look{Changes: changes}
	if changes.Since.IsZero() {
		return look, nil
	}
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	visit := func(name string, text io.Reader) error {
		err := readRecords(text, func(r record) { w.take(look, r) })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		look.Texts++
		return nil
	}
	for _, s := range w.Sources {
		err := s.Read(ctx, changes.Since, visit, func(err error) { look.Problems = append(look.Problems, err) })
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(look.Denials, byTime)
	return look, nil
}

func (w *Watcher) changes() (*Changes, error) {
	src, err := os.ReadFile(w.Journal)
	if err != nil {
		return nil, err
	}
	return ReadChanges(w.Journal, src)
}

// take notes a record that is a denial since the changes, and wasn't found before.
func (w *Watcher) take(look *Look, r record) {
	if r.Time.Before(look.Changes.Since.Add(-slack)) || w.seen[r.ID] && r.ID != "" {
		return
	}
	if d := look.Changes.denial(w.Mapper, r); d != nil {
		w.seen[r.ID] = true
		look.Denials = append(look.Denials, d)
	}
}
