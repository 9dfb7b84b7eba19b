package trail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/snapshot"
)

// Reading says how Ingest reads, and where to.
type Reading struct {
	Catalog *catalog.Catalog
	Window  Window
	Target  string       // the file to write, usage.jsonl; its coverage goes beside it
	Journal string       // file in which the next call finds what this one has read
	Version string       // of pare
	Warn    func(string) // what is worth knowing of the journal
}

// Ingest reads a source's log files of a window into a file of uses and its coverage. Log
// files that an earlier call with the same journal has read, and that are still as they were,
// aren't read again: what is saved is the same.
//
// What couldn't be read of some files is missing, and their hours are in no coverage. On an
// error, also that of a source without log files in the window, the target is as it was.
func Ingest(ctx context.Context, cfg aws.Config, s Source, r Reading) (missing []snapshot.Missing, err error) {
	buckets, err := s.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	logs := new(ingest.Listing)
	if err := r.Window.Add(ctx, logs, buckets, func(*Bucket) {}); err != nil {
		return nil, err
	}
	if logs.Files() == 0 {
		return nil, &Error{Message: fmt.Sprintf("%s: no log files from %s to %s", names(buckets), day(r.Window.From), day(r.Window.Until))}
	}
	got, err := ingest.Run(ctx, r.Catalog, logs, ingest.Options{
		Workers: Workers(), Journal: r.Journal, Keep: true, Version: r.Version, Warn: r.Warn,
	})
	if err != nil {
		return nil, err
	}
	if got.Empty() {
		return nil, errors.Join(unreadable(names(buckets), got), got.Close())
	}
	if err := got.Save(r.Target); err != nil {
		return nil, errors.Join(err, got.Close())
	}
	if n := got.Coverage.Files.Broken; n > 0 {
		missing = append(missing, snapshot.Missing{
			What: "part of the " + snapshot.TrailEvidence,
			Why:  fmt.Sprintf("%d of %d log files couldn't be read whole, the first: %s", n, logs.Files(), first(got)),
		})
	}
	return missing, nil
}

// unreadable is the error of log files of which none can be read.
func unreadable(from string, got *ingest.Result) error {
	return &Error{Message: fmt.Sprintf("%s: none of the log files could be read, the first: %s", from, first(got))}
}

// first is the first file that couldn't be read, and why.
func first(got *ingest.Result) string {
	for _, b := range got.Coverage.Broken {
		return b.File + ": " + b.Error
	}
	return "it isn't a log of CloudTrail's"
}

func names(buckets []*Bucket) string {
	out := make([]string, len(buckets))
	for i, b := range buckets {
		out[i] = b.String()
	}
	return strings.Join(out, ", ")
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
