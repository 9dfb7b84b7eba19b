package watch

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"golang.org/x/time/rate"

	"github.com/pare-iam/pare/internal/ingest"
)

// Files are log files, of folders or a bucket. Each is read once, and again when it has
// changed.
type Files struct {
	// List lists the log files since a time, of which it may leave out those from before.
	List func(ctx context.Context, since time.Time) (*ingest.Listing, error)
	Now  func() time.Time

	read   map[string]bool // versions
	looked time.Time       // when the last look began that missed nothing
}

// late is how long a file may arrive after its events: so far each look goes back.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
const late = 24 * time.Hour

// Read reads the files that are new.
func (f *Files) Read(ctx context.Context, since time.Time, visit Visit, problem func(error)) error {
	began, whole := f.Now(), true
	if recent := f.looked.Add(-late); recent.After(since) {
		since = recent
	}
	err := f.readAll(ctx, since, visit, func(err error) {
		whole = false
		problem(err)
	})
	if err == nil && whole {
		f.looked = began
	}
	return err
}

func (f *Files) readAll(ctx context.Context, since time.Time, visit Visit, problem func(error)) error {
	logs, err := f.List(ctx, since)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		problem(err)
		return nil
	}
	logs.Problems(func(path string, err error) { problem(fmt.Errorf("%s: %w", path, err)) })
	if f.read == nil {
		f.read = map[string]bool{}
	}
	for file := range logs.LogFiles() {
		if f.read[file.Version()] {
			continue
		}
		text := file.Open(ctx)
		err := visit(file.Path(), text)
		_ = text.Close() // nothing was written
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			problem(err)
		default:
			f.read[file.Version()] = true
		}
	}
	return nil
}

// History is CloudTrail's history of management events in one Region.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
type History struct {
	Region string
	now    func() time.Time
	client *cloudtrail.Client
	pace   *rate.Limiter
	newest time.Time // of the events of the last look that came to its end
}

// kept is how long the history keeps events; CloudTrail refuses to look further back.
const kept = 90 * 24 * time.Hour

// perSecond is how many lookups CloudTrail answers a second, in an account and a Region.
const perSecond = 2

// delay is how long an event may take until the history has it.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
const delay = 30 * time.Minute

// NewHistory returns the history of a Region. CloudTrail takes one attribute to filter by, and
// has none for a principal or an error: everything is asked for.
func NewHistory(cfg aws.Config, region string, now func() time.Time) *History {
	client := cloudtrail.NewFromConfig(cfg, func(o *cloudtrail.Options) { o.Region = region })
	return &History{Region: region, now: now, client: client, pace: rate.NewLimiter(perSecond, perSecond)}
}

// Read reads the events since a time, or of a while before the newest one of the last look.
func (h *History) Read(ctx context.Context, since time.Time, visit Visit, problem func(error)) error {
	from := since.Add(-slack)
	for _, bound := range []time.Time{h.newest.Add(-delay), h.now().Add(slack - kept)} {
		if bound.After(from) {
			from = bound
		}
	}
	newest := h.newest
	pages := cloudtrail.NewLookupEventsPaginator(h.client, &cloudtrail.LookupEventsInput{StartTime: aws.Time(from)})
	for pages.HasMorePages() {
		if err := h.pace.Wait(ctx); err != nil {
			return err
		}
		page, err := pages.NextPage(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			problem(&HistoryError{h.Region, err})
			return nil
		}
		var texts []io.Reader
		for _, e := range page.Events {
			texts = append(texts, strings.NewReader(aws.ToString(e.CloudTrailEvent)+"\n"))
			if at := aws.ToTime(e.EventTime); at.After(newest) {
				newest = at
			}
		}
		if len(texts) == 0 {
			continue
		}
		if err := visit("CloudTrail's history of "+h.Region, io.MultiReader(texts...)); err != nil {
			problem(err)
		}
	}
	h.newest = newest
	return nil
}

// HistoryError is that the history of a Region couldn't be read.
type HistoryError struct {
	Region string
	Err    error
}

func (e *HistoryError) Error() string {
	return "CloudTrail's history of " + e.Region + ": " + e.Err.Error()
}
func (e *HistoryError) Unwrap() error { return e.Err }
