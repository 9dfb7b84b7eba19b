package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/ingest"
)

// childVariable makes the test binary a process that reads the logs of its working
// folder and can be killed.
const childVariable = "PARE_TEST_INGEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child says on a line each that it has done a file, waits for an answer, and goes on.
func child() error {
	answers := bufio.NewScanner(os.Stdin)
	o := journaled()
	o.Workers = 1
	o.Meter = new(ingest.Meter)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for said := int64(0); ; time.Sleep(time.Millisecond) {
			if n := o.Meter.Files(); n > said {
				said = n
				fmt.Println(n)
				answers.Scan()
			}
		}
	}()
	_, err := run(ctx, []string{"logs"}, o)
	return err
}

// journaled are options that put each file into the journal as soon as it is read.
func journaled() ingest.Options {
	return ingest.Options{Workers: 2, Journal: "usage.jsonl.partial", Version: "v1", Checkpoint: 1}
}

// manyLogs makes a working folder with logs, some broken, and returns what they come to.
func manyLogs(t *testing.T) (want string) {
	t.Helper()
	t.Chdir(t.TempDir())
	writeLogs(t, "logs", 40)
	write(t, ".", map[string][]byte{
		"logs/cut.json.gz":        zipped(logText(50, 40))[:700],
		"logs/plain.json":         logText(51, 40),
		"logs/copy/" + logFile(7): zipped(logText(7, 40)),
	})
	return save(t, []string{"logs"}, ingest.Options{})
}

func TestResumeAfterInterruption(t *testing.T) {
	want := manyLogs(t)
	for after := range int64(20) {
		o := journaled()
		interrupt(t, 2*after, o)
		result, err := run(t.Context(), []string{"logs"}, o)
		if err != nil {
			t.Fatal(err)
		}
		if after > 2 && result.Resumed == 0 {
			t.Errorf("after %d files: all were read again", 2*after)
		}
		if diff := cmp.Diff(want, saved(t, result, "usage.jsonl")); diff != "" {
			t.Errorf("after %d files: -want +got\n%s", 2*after, diff)
		}
		if _, err := os.Stat(o.Journal); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the journal is still there: %v", err)
		}
	}
}

// An interruption between two entries of the journal costs nothing, if the files are small.
func TestInterruptionKeepsWhatIsRead(t *testing.T) {
	manyLogs(t)
	o := journaled()
	o.Checkpoint = time.Hour
	interrupt(t, 20, o)
	result, err := run(t.Context(), []string{"logs"}, journaled())
	if err != nil {
		t.Fatal(err)
	}
	if result.Resumed < 20 {
		t.Errorf("resumed %d files, want at least 20", result.Resumed)
	}
	if err := result.Discard(); err != nil {
		t.Fatal(err)
	}
}

// A file that doesn't end doesn't keep an interrupted run from ending.
func TestInterruptionOfAnEndlessFile(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", map[string][]byte{"logs/long.json.gz": bytes.Repeat(zipped(logText(1, 5000)), 200)}) // seconds
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	began := time.Now()
	if _, err := run(ctx, []string{"logs"}, journaled()); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

// interrupt runs until about so many files are done.
func interrupt(t *testing.T, after int64, o ingest.Options) {
	t.Helper()
	o.Meter = new(ingest.Meter)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for o.Meter.Files() < after && ctx.Err() == nil {
			time.Sleep(50 * time.Microsecond)
		}
		cancel()
	}()
	if result, err := run(ctx, []string{"logs"}, o); err == nil {
		// It was done before the interruption came: as if the process died before it saved.
		if err := result.Close(); err != nil {
			t.Fatal(err)
		}
	} else if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestResumeAfterKill(t *testing.T) {
	want := manyLogs(t)
	for _, after := range []int{1, 5, 17, 30} {
		killAfter(t, after)
		o := journaled()
		result, err := run(t.Context(), []string{"logs"}, o)
		if err != nil {
			t.Fatal(err)
		}
		if after > 2 && result.Resumed < 1 {
			t.Errorf("after %d files: all were read again", after)
		}
		if diff := cmp.Diff(want, saved(t, result, "usage.jsonl")); diff != "" {
			t.Errorf("after %d files: -want +got\n%s", after, diff)
		}
	}
}

// killAfter runs a process and kills it when it has said so many lines.
func killAfter(t *testing.T, lines int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for range lines {
		if !said.Scan() {
			break
		}
		if _, err := fmt.Fprintln(in); err != nil {
			break // it has come to its end
		}
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
}

// leftJournal is the journal of a run that was interrupted when it had read all files.
func leftJournal(t *testing.T) string {
	t.Helper()
	o := journaled()
	interruptAtStdin(t, o)
	return read(t, o.Journal)
}

// interruptAtStdin interrupts a run that has read all files and waits for standard input.
func interruptAtStdin(t *testing.T, o ingest.Options) {
	t.Helper()
	listing, err := ingest.Find(t.Context(), []string{"logs"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Meter = new(ingest.Meter)
	ctx, cancel := context.WithCancel(t.Context())
	o.Stdin = readerFunc(func([]byte) (int, error) {
		for int(o.Meter.Files()) < listing.Files() {
			time.Sleep(time.Millisecond)
		}
		cancel()
		<-ctx.Done()
		return 0, ctx.Err()
	})
	if _, err := run(ctx, []string{"-", "logs"}, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Whatever a crash has left of a journal, and whatever has been scribbled into it, the
// result is that of the logs.
func TestDamagedJournal(t *testing.T) {
	want := manyLogs(t)
	whole := leftJournal(t)
	damage := map[string]string{
		"another file":       "this was never a journal",
		"empty":              "",
		"zeros at the end":   whole + strings.Repeat("\x00", 100),
		"a frame twice":      whole + whole[54:],
		"a frame far longer": whole + "\xff\xff\xff\xff0000",
	}
	for i := 1; i < len(whole); i += 1 + len(whole)/12 {
		damage[fmt.Sprintf("cut at %d of %d", i, len(whole))] = whole[:i]
		damage[fmt.Sprintf("a bit wrong at %d of %d", i, len(whole))] = whole[:i] + string(whole[i]^1) + whole[i+1:]
	}
	for name, journal := range damage {
		write(t, ".", map[string][]byte{journaled().Journal: []byte(journal)})
		result, err := run(t.Context(), []string{"logs"}, journaled())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, saved(t, result, "usage.jsonl")); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestJournalOfSomethingElse(t *testing.T) {
	want := manyLogs(t)
	old, err := catalog.Embedded().WithDate("2020-01-01")
	if err != nil {
		t.Fatal(err)
	}
	stale := []string{"usage.jsonl.partial: what an earlier run left is of another version of pare, catalog or --data-events: all files are read again"}
	tests := []struct {
		name    string
		change  func(*ingest.Options)
		catalog *catalog.Catalog
		want    []string
		resumed bool
	}{
		{"nothing else", func(*ingest.Options) {}, catalog.Embedded(), nil, true},
		{"other workers", func(o *ingest.Options) { o.Workers = 5 }, catalog.Embedded(), nil, true},
		{"another version", func(o *ingest.Options) { o.Version = "v2" }, catalog.Embedded(), stale, false},
		{"answers that are whole", func(o *ingest.Options) { o.WholeAnswers = true }, catalog.Embedded(), stale, false},
		{"other data events", func(o *ingest.Options) { o.AllData = []string{"AWS::S3::Object"} }, catalog.Embedded(), stale, false},
		{"another catalog", func(*ingest.Options) {}, old, stale, false},
		{"a fresh start", func(o *ingest.Options) { o.Fresh = true }, catalog.Embedded(), nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leftJournal(t)
			var warnings []string
			o := journaled()
			o.Warn = func(w string) { warnings = append(warnings, w) }
			tt.change(&o)
			listing, err := ingest.Find(t.Context(), []string{"logs"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			result, err := ingest.Run(t.Context(), tt.catalog, listing, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Resumed > 0; got != tt.resumed {
				t.Errorf("resumed %d files, want some: %v", result.Resumed, tt.resumed)
			}
			if diff := cmp.Diff(tt.want, warnings); diff != "" {
				t.Errorf("warnings: -want +got\n%s", diff)
			}
			got := saved(t, result, "usage.jsonl")
			if diff := cmp.Diff(want, got); diff != "" && o.AllData == nil {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What has changed since is read again, and what has gone isn't in the result.
func TestResumeOfChangedFiles(t *testing.T) {
	manyLogs(t)
	first := "logs/2026/05/01/" + logFile(0)
	changes := []struct {
		name   string
		change func() error
	}{
		{"another content", func() error { return os.WriteFile(first, zipped(logText(0, 90)), 0o666) }},
		{"another content of the same size", func() error {
			text := bytes.ReplaceAll(logText(51, 40), []byte("GetBucketAcl"), []byte("GetObjectAcl"))
			return errors.Join(os.WriteFile("logs/plain.json", text, 0o666), os.Chtimes("logs/plain.json", time.Unix(1, 0), time.Unix(1, 0)))
		}},
		{"a file more", func() error { return os.WriteFile("logs/more.json", logText(60, 5), 0o666) }},
		{"a copy more", func() error { return os.WriteFile("logs/"+logFile(3), zipped(logText(3, 40)), 0o666) }},
		{"a file less", func() error { return os.Remove(first) }},
	}
	for _, c := range changes {
		leftJournal(t)
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		result, err := run(t.Context(), []string{"logs"}, journaled())
		if err != nil {
			t.Fatal(err)
		}
		if result.Resumed == 0 {
			t.Errorf("%s: all were read again", c.name)
		}
		if diff := cmp.Diff(save(t, []string{"logs"}, ingest.Options{}), saved(t, result, "usage.jsonl")); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.name, diff)
		}
	}
}

// A stream is never resumed, and what was read before it waited is.
func TestStreamsAreNotInTheJournal(t *testing.T) {
	want := manyLogs(t)
	o := journaled()
	o.Checkpoint = time.Hour
	interruptAtStdin(t, o)
	result, err := run(t.Context(), []string{"logs"}, journaled())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := result.Resumed, 42; got != want {
		t.Errorf("resumed %d files, want %d", got, want)
	}
	if diff := cmp.Diff(want, saved(t, result, "usage.jsonl")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTwoRunsAtOnce(t *testing.T) {
	manyLogs(t)
	leftJournal(t)
	first, err := run(t.Context(), []string{"logs"}, journaled())
	if err != nil {
		t.Fatal(err)
	}
	want := "usage.jsonl.partial: another pare ingest is at work on this output: wait for it, or give another --out"
	if _, err := run(t.Context(), []string{"logs"}, journaled()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJournalThatCannotBeWritten(t *testing.T) {
	manyLogs(t)
	o := journaled()
	o.Journal = filepath.Join("gone", "usage.jsonl.partial")
	want := o.Journal + ": no such file or directory"
	if _, err := run(t.Context(), []string{"logs"}, o); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
