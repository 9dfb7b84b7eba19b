package catalogupdate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pare-iam/pare/catalog"
)

// Endpoint is where AWS serves the reference.
const Endpoint = "https://servicereference.us-east-1.amazonaws.com/"

const (
	parallel = 10
	attempts = 4
)

// Fetcher gets the reference over HTTP: the index, then each service's file, ten at a
// time. An answer that is cut short, isn't a file of the reference, or has a status of
// 429 or 5xx is asked for again, four times in all.
type Fetcher struct {
	Client   *http.Client
	Endpoint string        // a URL; the index is at it, files at the paths the index gives
	Pause    time.Duration // before the second attempt; doubles before each further one
	// Progress, if set, is called after each file, from several goroutines at a time.
	Progress func(done, total int)
}

// Files returns the index and the file of every service in it, in the index's order. It
// is all or nothing: one file that can't be had is an error, never a smaller catalog.
//
// The files are asked for at the endpoint, whatever host the index names, so that a
// mirror works and an index can't send us elsewhere.
func (f *Fetcher) Files(ctx context.Context) ([]catalog.File, error) {
	base, err := url.Parse(f.Endpoint)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" {
		return nil, fmt.Errorf("endpoint %q: want a URL such as %s", f.Endpoint, Endpoint)
	}
	var entries []catalog.IndexEntry
	index, err := f.get(ctx, base.String(), func(src []byte) (err error) {
		entries, err = catalog.ReadIndex(base.String(), src)
		return err
	})
	if err != nil {
		return nil, err
	}
	files := make([]catalog.File, len(entries)+1)
	files[0] = catalog.File{Path: "index.json", Bytes: index}
	return files, f.services(ctx, base, entries, files[1:])
}

func (f *Fetcher) services(ctx context.Context, base *url.URL, entries []catalog.IndexEntry, files []catalog.File) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var done atomic.Int64
	for i, entry := range entries {
		group.Go(func() error {
			file, err := f.service(ctx, base, entry)
			if err != nil {
				return err
			}
			files[i] = file
			if n := int(done.Add(1)); f.Progress != nil {
				f.Progress(n, len(entries))
			}
			return nil
		})
	}
	return group.Wait()
}

func (f *Fetcher) service(ctx context.Context, base *url.URL, entry catalog.IndexEntry) (catalog.File, error) {
	listed, err := url.Parse(entry.URL)
	if err != nil {
		return catalog.File{}, fmt.Errorf("%s: the index's url of %s: %w", base, entry.Service, err)
	}
	at := base.JoinPath(listed.EscapedPath()).String()
	name := entry.Service + ".json"
	src, err := f.get(ctx, at, func(src []byte) error {
		_, err := catalog.ReadService(name, src)
		return err
	})
	return catalog.File{Path: name, Bytes: src}, err
}

// statusError is an HTTP status that isn't 200.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("HTTP status %d", int(s)) }

// get returns the body at a URL once check accepts it.
func (f *Fetcher) get(ctx context.Context, at string, check func([]byte) error) ([]byte, error) {
	var err error
	for attempt := range attempts {
		if attempt > 0 {
			if err := wait(ctx, f.Pause<<(attempt-1)); err != nil {
				return nil, err
			}
		}
		var src []byte
		if src, err = f.once(ctx, at); err == nil {
			err = check(src)
		}
		if err == nil {
			return src, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if status, is := errors.AsType[statusError](err); is && status < 500 && status != http.StatusTooManyRequests {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	return nil, fmt.Errorf("%s: %w (%d attempts); try later, or give a copy with --from", at, err, attempts)
}

func (f *Fetcher) once(ctx context.Context, at string) (src []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	response, err := f.Client.Do(request)
	if failed, is := errors.AsType[*url.Error](err); is {
		return nil, failed.Err // the caller names the URL
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, statusError(response.StatusCode)
	}
	src, err = io.ReadAll(io.LimitReader(response.Body, maxFile+1))
	if err == nil && len(src) > maxFile {
		err = fmt.Errorf("over %d bytes", maxFile)
	}
	return src, err
}

// wait pauses for between half and all of d, so that attempts don't come in step.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + rand.N(d/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
