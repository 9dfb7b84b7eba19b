package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/ingest"
)

const oneEvent = `{"eventVersion":"1.09","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333"},"eventTime":"2026-05-01T10:20:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"us-east-1","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333"}` + "\n"

// An interrupted run is code 130, writes nothing, says how to go on, and goes on.
func TestIngestGoesOnAfterAnInterruption(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("log.jsonl", []byte(oneEvent), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waiting := readerFunc(func([]byte) (int, error) { // standard input is read last
		cancel()
		<-ctx.Done()
		return 0, io.EOF
	})
	var stdout, stderr strings.Builder
	args := []string{"ingest", "log.jsonl", "--catalog", "embedded", "--workers", "1", "--out", "usage.jsonl"}
	err := run(ctx, append(args, "-"), waiting, &stdout, &stderr)
	if got := exitCode(err, ctx.Err() != nil); got != exitInterrupted {
		t.Errorf("got exit code %d (%v), want %d", got, err, exitInterrupted)
	}
	if want := "interrupted\nhint: nothing was written; the same command goes on from here\n"; stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("got %q and %q, want %q", stdout.String(), stderr.String(), want)
	}
	if _, err := os.Stat("usage.jsonl"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("usage.jsonl: %v", err)
	}
	out, _, code := command(t, "", args...)
	if code != exitOK {
		t.Errorf("got exit code %d, want %d", code, exitOK)
	}
	if want := "1 of them by an earlier run"; !strings.Contains(out, want) {
		t.Errorf("got %q, want %q in it", out, want)
	}
	left, err := filepath.Glob("*.partial")
	if err != nil || left != nil {
		t.Errorf("%q is left (%v)", left, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestIngestProgressLine(t *testing.T) {
	began := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		pace pace
		want string
	}{
		{"nothing yet", pace{files: 3, total: 1_500_000}, "0.0 MB of 1.5 MB, 0 of 3 files"},
		{"many", pace{files: 12_345, total: 66_000_000_000}, "0.0 MB of 66.0 GB, 0 of 12,345 files"},
		{"a stream has no total", pace{files: 1, stream: true}, "0.0 MB, 0 of 1 file"},
	}
	for _, tt := range tests {
		tt.pace.began, tt.pace.meter = began, new(ingest.Meter)
		if got := tt.pace.line(began.Add(time.Second)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Without a terminal a short run shows no progress.
func TestIngestProgressOnStderr(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("log.jsonl", []byte(oneEvent), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--quiet"}} {
		_, stderr, code := command(t, "", append([]string{"ingest", "log.jsonl", "--catalog", "embedded", "--out", "usage.jsonl"}, args...)...)
		if code != exitOK || stderr != "" {
			t.Errorf("%q: got code %d, %q on stderr, want nothing of so short a run", args, code, stderr)
		}
	}
}

func TestCountsAreWrittenForPeople(t *testing.T) {
	for want, got := range map[string]string{
		"1 file": counted(1, "file"), "0 days": counted(0, "day"), "2 copies": counted(2, "copy"), "1,234,567 lines": counted(1234567, "line"),
		"47 hours": span(47 * time.Hour), "2 days": span(71 * time.Hour),
		"a, b, c, …": names(ingest.Names{Count: 9, First: []string{"a", "b", "c", "d"}}),
		"9.9 MB":     megabytes(9_940_000), "10.0 GB": megabytes(10_000_000_000),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
