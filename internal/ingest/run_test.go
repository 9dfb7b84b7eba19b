package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/usage"
)

// The result is the same in any order of paths, with any number of workers and however
// often they hand over.
func TestOrderAndWorkersChangeNothing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeLogs(t, dir, 30)
	write(t, dir, map[string][]byte{
		"cut.json.gz":        zipped(logText(31, 40))[:600],
		"foreign.json":       []byte(`{"a":1}`),
		"empty.json.gz":      nil,
		"copy/" + logFile(7): zipped(logText(7, 40)),
	})
	paths := []string{"2026/05/01", "2026/05/02", "cut.json.gz", "foreign.json", "empty.json.gz", "copy", "2026/*/01"}
	want := save(t, paths, ingest.Options{Workers: 1})
	if !strings.Contains(want, "arn:aws:iam::111122223333:user/u3") {
		t.Fatalf("nothing was read:\n%s", want)
	}
	rapid.Check(t, func(r *rapid.T) {
		o := ingest.Options{
			Workers:    rapid.IntRange(1, 5).Draw(r, "workers"),
			Checkpoint: rapid.SampledFrom([]time.Duration{1, time.Hour}).Draw(r, "checkpoint"),
		}
		if diff := cmp.Diff(want, save(t, rapid.Permutation(paths).Draw(r, "paths"), o)); diff != "" {
			r.Errorf("-want +got\n%s", diff)
		}
	})
}

// A usage.jsonl that lost lines is noticed by their number.
func TestCoverageCountsTheLines(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeLogs(t, dir, 3)
	text := save(t, []string{"."}, ingest.Options{})
	lines := strings.Count(text, `{"principal":`)
	if want := fmt.Sprintf(`"uses": %d,`, lines); lines == 0 || !strings.Contains(text, want) {
		t.Errorf("%d lines, and the coverage doesn't say %s", lines, want)
	}
}

func TestBrokenFiles(t *testing.T) {
	whole := zipped(logText(1, 40))
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	longer := bytes.Clone(whole)
	longer[len(longer)-1] ^= 1 // in the length
	tests := []struct {
		name    string
		content []byte
		want    string // of its error
		records int    // that were kept
	}{
		{"empty", nil, "want events of CloudTrail", 0},
		{"cut in its first block", whole[:100], "cut off: the gzip data end too early; copy the file again", 0},
		{"cut in its checksum", whole[:len(whole)-3], "cut off: the gzip data end too early; copy the file again", 40},
		{"cut in its header", whole[:5], "cut off: the gzip data end too early; copy the file again", 0},
		{"of another checksum", flipped, "damaged: gzip: invalid checksum; copy the file again", 40},
		{"of another length", longer, "damaged: gzip: invalid checksum; copy the file again", 40},
		{"followed by something", append(bytes.Clone(whole), "more than nothing"...), "damaged: gzip: invalid header; copy the file again", 40},
		{"zipped by name and by its first bytes only", []byte("\x1f\x8bnothing that was ever zipped"), "damaged: gzip: invalid header; copy the file again", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, ".", map[string][]byte{"logs/x.json.gz": tt.content})
			result, err := run(t.Context(), []string{"logs"}, ingest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			wantBroken(t, result, "logs/x.json.gz", tt.want)
			if got := result.Coverage.Records.Read; got != tt.records {
				t.Errorf("got %d records, want %d", got, tt.records)
			}
		})
	}
}

// wantBroken wants one broken file, with a reason that says so much. Package cloudtrail may
// say where that was, and what else it broke.
func wantBroken(t *testing.T, result *ingest.Result, file, reason string) {
	t.Helper()
	said := false
	for _, b := range result.Coverage.Broken {
		if b.File != file {
			t.Errorf("broken: %+v, want %s alone", b, file)
		}
		said = said || b.Record < 0 && strings.HasSuffix(b.Error, reason)
	}
	if got := result.Coverage.Files.Broken; got != 1 || !said {
		t.Errorf("got %d broken files, %+v, want 1: %s", got, result.Coverage.Broken, reason)
	}
}

// Whether a file is zipped is told by its content.
func TestNamesSayNothingOfTheContent(t *testing.T) {
	t.Chdir(t.TempDir())
	plain, packed := logText(1, 40), zipped(logText(1, 40))
	write(t, ".", map[string][]byte{"logs/a.json": plain})
	want := save(t, []string{"logs"}, ingest.Options{})
	for _, content := range [][]byte{plain, packed} {
		for _, name := range []string{"logs/a.json", "logs/a.json.gz", "logs/a.jsonl.gz"} {
			if err := os.RemoveAll("logs"); err != nil {
				t.Fatal(err)
			}
			write(t, ".", map[string][]byte{name: content})
			if diff := cmp.Diff(want, save(t, []string{"logs"}, ingest.Options{})); diff != "" {
				t.Errorf("%s: -want +got\n%s", name, diff)
			}
		}
	}
	// Two members of one gzip file are one text.
	half := len(plain) / 2
	write(t, ".", map[string][]byte{"logs/a.jsonl.gz": append(zipped(plain[:half]), zipped(plain[half:])...)})
	if diff := cmp.Diff(want, save(t, []string{"logs"}, ingest.Options{})); diff != "" {
		t.Errorf("two members: -want +got\n%s", diff)
	}
}

func TestUnreadableFilesAndLinks(t *testing.T) {
	t.Chdir(t.TempDir())
	writeLogs(t, "logs", 2)
	if err := os.Symlink("nowhere", "logs/gone.json"); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	result, err := run(t.Context(), []string{"logs"}, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantBroken(t, result, "logs/gone.json", "no such file or directory")
	if want := (usage.FileCounts{Read: 2, Broken: 1}); result.Coverage.Files != want {
		t.Errorf("got %+v, want %+v", result.Coverage.Files, want)
	}
}

// A file that vanishes between being found and being read is broken.
func TestVanishedFile(t *testing.T) {
	t.Chdir(t.TempDir())
	writeLogs(t, "logs", 1)
	listing, err := ingest.Find(t.Context(), []string{"logs"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll("logs"); err != nil {
		t.Fatal(err)
	}
	result := runListing(t, listing, ingest.Options{})
	wantBroken(t, result, "logs/2026/05/01/"+logFile(0), "no such file or directory")
}

// Of copies one counts: the first that is whole, or the one that has the most.
func TestCopies(t *testing.T) {
	whole, name := zipped(logText(1, 400)), logFile(1)
	tests := []struct {
		name   string
		copies [][]byte
		broken []string
		most   int
	}{
		{"both are whole", [][]byte{whole, whole}, nil, 400},
		{"the first is cut off", [][]byte{whole[:len(whole)/2], whole}, nil, 400},
		{"the second is empty", [][]byte{whole, nil}, nil, 400},
		{"all are cut off", [][]byte{whole[:1000], whole[:len(whole)-4], nil}, []string{"1/" + name}, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for i, content := range tt.copies {
				write(t, ".", map[string][]byte{string(rune('0'+i)) + "/" + name: content})
			}
			result, err := run(t.Context(), []string{"."}, ingest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var broken []string
			for _, b := range result.Coverage.Broken {
				broken = append(broken, b.File)
			}
			if diff := cmp.Diff(tt.broken, broken); diff != "" {
				t.Errorf("broken: -want +got\n%s", diff)
			}
			if got := result.Coverage.Records.Read; got != tt.most {
				t.Errorf("got %d records, want %d", got, tt.most)
			}
			if got, want := result.Coverage.Files.Skipped, len(tt.copies)-1; got != want {
				t.Errorf("got %d files skipped, want %d", got, want)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", map[string][]byte{"stdin": logText(1, 40), "logs/other.json": logText(2, 40)})
	want := save(t, []string{"stdin", "logs"}, ingest.Options{})
	for _, content := range [][]byte{logText(1, 40), zipped(logText(1, 40))} {
		o := ingest.Options{Stdin: bytes.NewReader(content)}
		if diff := cmp.Diff(want, save(t, []string{"-", "logs"}, o)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

// An interrupted run ends although a stream has nothing to say.
func TestInterruptedStream(t *testing.T) {
	silent, _ := io.Pipe() // nobody ever writes
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := run(ctx, []string{"-"}, ingest.Options{Stdin: silent})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// A large file takes no more memory than a small one.
func TestMemoryOfALargeFile(t *testing.T) {
	block := []byte(strings.TrimPrefix(records(1, 2000), ","))
	text := io.MultiReader(
		strings.NewReader(`{"Records":[`),
		&repeated{block: append(block, ','), times: 100}, // 90 MB
		strings.NewReader(strings.TrimPrefix(records(2, 1), ",")+"]}"),
	)
	var result *ingest.Result
	var err error
	most := peakOf(func() {
		result, err = run(t.Context(), []string{"-"}, ingest.Options{Workers: 1, Stdin: text})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := result.Coverage.Records.Read, 200_001; got != want {
		t.Errorf("got %d records, want %d", got, want)
	}
	if limit := uint64(64 << 20); most > limit {
		t.Errorf("memory grew to %d MB, want at most %d", most>>20, limit>>20)
	}
}

// repeated is a text said many times.
type repeated struct {
	block []byte
	times int
	at    int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.times == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.block[r.at:])
	if r.at += n; r.at == len(r.block) {
		r.at = 0
		r.times--
	}
	return n, nil
}

// What is read, the bytes on disk and the files, is what was found.
func TestMeter(t *testing.T) {
	t.Chdir(t.TempDir())
	writeLogs(t, "logs", 9)
	write(t, ".", map[string][]byte{"logs/copy/" + logFile(3): zipped(logText(3, 40))})
	listing, err := ingest.Find(t.Context(), []string{"logs"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var meter ingest.Meter
	runListing(t, listing, ingest.Options{Meter: &meter})
	if got, want := meter.Bytes(), listing.Bytes(); got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
	if got, want := int(meter.Files()), listing.Files(); got != want {
		t.Errorf("got %d files, want %d", got, want)
	}
}

func TestSaveLeavesWholeFilesOrNone(t *testing.T) {
	t.Chdir(t.TempDir())
	writeLogs(t, "logs", 3)
	result, err := run(t.Context(), []string{"logs"}, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, ".", map[string][]byte{"out/usage.jsonl": []byte("before"), "out/usage.coverage.json/is/a/folder": nil})
	if err := result.Save("out/usage.jsonl"); err == nil {
		t.Error("a folder was replaced")
	}
	if got := read(t, "out/usage.jsonl"); got != "before" {
		t.Errorf("got %q, want what was there before", got)
	}
	if diff := cmp.Diff([]string{"usage.coverage.json", "usage.jsonl"}, entries(t, "out")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTarget(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", map[string][]byte{"dir/usage.jsonl": nil})
	tests := []struct{ out, want, err string }{
		{"usage.jsonl", "usage.jsonl", ""},
		{"dir/usage.jsonl", "dir/usage.jsonl", ""},
		{"dir", "", "dir: a folder: want the name of a file, such as " + filepath.Join("dir", "usage.jsonl")},
		{"gone/usage.jsonl", "", "gone: no such file or directory"},
		{"dir/usage.jsonl/x", "", "dir/usage.jsonl: not a folder"},
		{os.DevNull, "", os.DevNull + ": not a file: want the name of one, or - for standard output"},
	}
	for _, tt := range tests {
		got, err := ingest.Target(tt.out)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != tt.want || text != tt.err {
			t.Errorf("%s: got %q, %q, want %q, %q", tt.out, got, text, tt.want, tt.err)
		}
	}
}

func TestCoveragePath(t *testing.T) {
	for out, want := range map[string]string{
		"a/usage.jsonl": "a/usage.coverage.json",
		"usage":         "usage.coverage.json",
		"x.jsonl.txt":   "x.jsonl.txt.coverage.json",
	} {
		if got := ingest.CoveragePath(out); got != want {
			t.Errorf("%s: got %s, want %s", out, got, want)
		}
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}
