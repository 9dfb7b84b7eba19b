package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/ingest"
)

// memory is a store of what is in memory, by paths.
type memory struct {
	content map[string][]byte
	tag     string
	broken  string // the end of a path whose reads fail

	mu     sync.Mutex
	opened []string
}

var errStore = errors.New("the store broke off")

func (m *memory) Open(_ context.Context, o ingest.Object) (io.ReadCloser, error) {
	m.mu.Lock()
	m.opened = append(m.opened, o.Path())
	m.mu.Unlock()
	content, ok := m.content[o.Path()]
	if !ok {
		return nil, errors.New("the store has none")
	}
	if m.broken != "" && strings.HasSuffix(o.Path(), m.broken) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(content[:len(content)/2]), failing{errStore})), nil
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (m *memory) objects() []ingest.Object {
	var out []ingest.Object
	for name, content := range m.content {
		dir, base := path.Split(name)
		out = append(out, ingest.Object{Folder: dir, Name: base, Size: int64(len(content)), Changed: time.Unix(1, 0), Tag: m.tag, Store: m})
	}
	return out
}

// newMemory has the files of writeLogs.
func newMemory(n int) *memory {
	m := &memory{content: map[string][]byte{}, tag: "1"}
	for i := range n {
		m.content["s3://b/logs/"+logFile(i)] = zipped(logText(i, 40))
	}
	return m
}

func (m *memory) listing(t *testing.T, paths ...string) *ingest.Listing {
	t.Helper()
	l, err := ingest.Find(t.Context(), paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Add(m.objects())
	return l
}

// Objects come to the same bytes as files, and with them they are copies by CloudTrail's names.
func TestObjectsAreLikeFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeLogs(t, dir, 10)
	want := save(t, []string{"2026"}, ingest.Options{})
	m := newMemory(10)
	m.content["s3://b/logs/readme.txt"] = []byte("no log")
	l := m.listing(t)
	if !l.Objects() || l.PassedOver.Count != 1 || l.Files() != 10 || l.Bytes() == 0 {
		t.Errorf("%v %+v %d %d", l.Objects(), l.PassedOver, l.Files(), l.Bytes())
	}
	meter := new(ingest.Meter)
	if got := saved(t, runListing(t, l, ingest.Options{Workers: 1, Meter: meter}), "usage.jsonl"); got != want {
		t.Errorf("-files +objects\n%s", cmp.Diff(want, got))
	}
	if meter.Bytes() != l.Bytes() {
		t.Errorf("%d of %d bytes read", meter.Bytes(), l.Bytes())
	}
	both := m.listing(t, "2026")
	if both.Copies.Count != 10 || both.Files() != 10 {
		t.Errorf("%d copies, %d files", both.Copies.Count, both.Files())
	}
	both.Add(m.objects())
	if both.Copies.Count != 10 || both.Files() != 10 {
		t.Errorf("added twice: %d copies, %d files", both.Copies.Count, both.Files())
	}
}

// What broke off in a store is a broken file, with what came before it.
func TestObjectsThatBreakOff(t *testing.T) {
	m := newMemory(2)
	m.broken = logFile(1)
	result := runListing(t, m.listing(t), ingest.Options{})
	wantBroken(t, result, "s3://b/logs/"+logFile(1), errStore.Error())
	m = newMemory(2)
	l := m.listing(t)
	delete(m.content, "s3://b/logs/"+logFile(0))
	wantBroken(t, runListing(t, l, ingest.Options{}), "s3://b/logs/"+logFile(0), "the store has none")
}

// An interrupted run doesn't read again what it has read, unless the object is another.
func TestObjectsAreResumed(t *testing.T) {
	m := newMemory(6)
	journal := filepath.Join(t.TempDir(), "j")
	for _, tt := range []struct {
		tag  string
		want int // objects read
	}{{"1", 6}, {"1", 0}, {"2", 6}} {
		m.tag, m.opened = tt.tag, nil
		ctx, cancel := context.WithCancel(t.Context())
		l := m.listing(t, "-")
		stdin := readerFunc(func([]byte) (int, error) { // it is read last
			cancel()
			<-ctx.Done()
			return 0, io.EOF
		})
		_, err := ingest.Run(ctx, catalog.Embedded(), l, ingest.Options{Workers: 1, Journal: journal, Version: "v", Stdin: stdin, Warn: func(string) {}})
		cancel()
		if !errors.Is(err, context.Canceled) || len(m.opened) != tt.want {
			t.Errorf("%+v: %v, read %q", tt, err, m.opened)
		}
	}
}

// The files of a listing can be read one by one, and tell when they are others.
func TestLogFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", map[string][]byte{"a.json.gz": zipped([]byte("text")), "b.json": []byte("plain"), "c.json.gz": []byte("\x1f\x8bnothing that was ever zipped")})
	m := newMemory(1)
	var got []string
	versions := map[string]bool{}
	for f := range m.listing(t, "a.json.gz", "b.json", "c.json.gz").LogFiles() {
		in := f.Open(t.Context())
		text, err := io.ReadAll(in)
		if len(text) > 8 {
			text = text[:8]
		}
		line := f.Path() + " " + string(text)
		if err != nil {
			line += err.Error()
		}
		got = append(got, line)
		versions[f.Version()] = true
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
	want := []string{"s3://b/logs/" + logFile(0) + ` {"Record`, "a.json.gz text", "b.json plain", "c.json.gz damaged: gzip: invalid header; copy the file again"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	m.tag = "2"
	for f := range m.listing(t).LogFiles() {
		versions[f.Version()] = true
	}
	if len(versions) != 5 {
		t.Errorf("%v: want five versions", versions)
	}
}
