package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/ingest"
)

// test is a test, or a check of a property.
type test interface {
	rapid.TB
	Context() context.Context
}

// again is what reads objects again and again with a journal that is kept.
type again struct {
	test
	dir string
	o   ingest.Options
}

func newAgain(t test, dir string) *again {
	return &again{t, dir, ingest.Options{Workers: 1, Keep: true, Version: "v", Checkpoint: 1, Journal: filepath.Join(dir, "j"), Warn: func(w string) { t.Errorf("warned: %s", w) }}}
}

// part is a store with the files from one number on, up to another.
func part(from, to int) *memory {
	m := newMemory(to)
	for i := range from {
		delete(m.content, "s3://b/logs/"+logFile(i))
	}
	return m
}

// read reads a store, and returns what is saved of it.
func (a *again) read(m *memory) string {
	a.Helper()
	return a.save(m, a.o)
}

func (a *again) save(m *memory, o ingest.Options) string {
	a.Helper()
	l := new(ingest.Listing)
	l.Add(m.objects())
	result, err := ingest.Run(a.Context(), catalog.Embedded(), l, o)
	if err != nil {
		a.Fatal(err)
	}
	out := filepath.Join(a.dir, "usage.jsonl")
	if err := result.Save(out); err != nil {
		a.Fatal(err)
	}
	var text []byte
	for _, path := range []string{out, ingest.CoveragePath(out)} {
		src, err := os.ReadFile(path)
		if err != nil {
			a.Fatal(err)
		}
		text = append(text, src...)
	}
	return string(text)
}

// Of a window that moves on the new files alone are read, what is saved is as if all had
// been, and the journal doesn't grow.
func TestAKeptJournalReadsOnlyWhatIsNew(t *testing.T) {
	a := newAgain(t, t.TempDir())
	var sizes []int64
	for i, want := range []int{6, 2, 2, 2, 0} {
		from := 2 * min(i, 3)
		m := part(from, from+6)
		got := a.read(m)
		if len(m.opened) != want {
			t.Errorf("run %d: read %q, want %d", i, m.opened, want)
		}
		if diff := cmp.Diff(a.save(m, ingest.Options{}), got); diff != "" {
			t.Errorf("run %d: -all files +journal\n%s", i, diff)
		}
		there, err := os.Stat(a.o.Journal)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, there.Size())
	}
	if last := sizes[len(sizes)-1]; last > sizes[0]*5/4 {
		t.Errorf("the journal grows: %d bytes", sizes)
	}
}

// What couldn't be read is tried again: a bucket may be closed for an hour.
func TestAKeptJournalHasNothingBroken(t *testing.T) {
	a := newAgain(t, t.TempDir())
	a.o.Checkpoint = 0 // all in one batch
	m := part(0, 4)
	m.broken = logFile(2)
	a.read(m)
	m = part(0, 4)
	got := a.read(m)
	if diff := cmp.Diff(a.save(m, ingest.Options{}), got); diff != "" || len(m.opened) < 4 {
		t.Errorf("-all files +journal\n%s\nread %q", diff, m.opened)
	}
}

// Runs of other options begin anew, and leave a journal of their own.
func TestAKeptJournalIsOfOneVersion(t *testing.T) {
	a := newAgain(t, t.TempDir())
	a.read(part(0, 3))
	a.o.Version = "v2"
	warned := 0
	a.o.Warn = func(string) { warned++ }
	for _, want := range []int{3, 0} {
		m := part(0, 3)
		if a.read(m); len(m.opened) != want {
			t.Errorf("read %q, want %d", m.opened, want)
		}
	}
	if warned != 1 {
		t.Errorf("warned %d times, want once", warned)
	}
}

// Whatever windows follow each other, in batches of whatever size, with objects that break
// off or change in between and a journal that is cut anywhere: what is saved is what the
// files come to.
func TestAKeptJournalChangesNothing(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			r.Fatal(err)
		}
		a := newAgain(r, dir)
		for range rapid.IntRange(1, 5).Draw(r, "runs") {
			from := rapid.IntRange(0, 6).Draw(r, "from")
			m := part(from, from+rapid.IntRange(1, 6).Draw(r, "files"))
			m.tag = rapid.SampledFrom([]string{"1", "1", "1", "2"}).Draw(r, "tag")
			if rapid.IntRange(0, 3).Draw(r, "breaks") == 0 {
				m.broken = logFile(from)
			}
			a.o.Workers = rapid.IntRange(1, 3).Draw(r, "workers")
			if rapid.Bool().Draw(r, "one batch") {
				a.o.Checkpoint = 0
			} else {
				a.o.Checkpoint = 1
			}
			a.cut(rapid.IntRange(0, 400).Draw(r, "cut off"))
			got := a.read(m)
			if !slices.ContainsFunc(m.opened, func(path string) bool { return strings.HasSuffix(path, m.broken) }) {
				m.broken = "" // it was whole when it was read
			}
			if diff := cmp.Diff(a.save(m, ingest.Options{}), got); diff != "" {
				r.Fatalf("-all files +journal\n%s", diff)
			}
		}
	})
}

// cut takes bytes off the end of the journal, as a crash may; at most a few frames.
func (a *again) cut(n int) {
	const head = 100
	there, err := os.Stat(a.o.Journal)
	if errors.Is(err, os.ErrNotExist) || err == nil && there.Size() < int64(n)+head {
		return
	}
	if err == nil {
		err = os.Truncate(a.o.Journal, there.Size()-int64(n))
	}
	if err != nil {
		a.Fatal(err)
	}
}
