package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/pare-iam/pare/internal/ingest"
)

// How often a bar and lines of a log are renewed.
const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
)

// pace is how far the reading is, at a time.
type pace struct {
	began  time.Time
	files  int
	total  int64 // bytes; unknown if there is a stream
	stream bool
	meter  *ingest.Meter
}

// watchIngest shows the progress until the function that it returns is called: a bar on a
// terminal that goes away, a line from time to time elsewhere.
func watchIngest(cmd *cobra.Command, quiet bool, meter *ingest.Meter, logs *ingest.Listing) func() {
	if quiet {
		return func() {}
	}
	p := &pace{began: time.Now(), files: logs.Files(), total: logs.Bytes(), stream: logs.Streams(), meter: meter}
	ctx, cancel := context.WithCancel(cmd.Context())
	stderr := cmd.ErrOrStderr()
	show, finish, every := p.lines(stderr), func() {}, lineEvery
	if file, ok := stderr.(*os.File); ok && cwriter.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		show, finish = p.bar(file)
		every = barEvery
	}
	var shower sync.WaitGroup
	shower.Go(func() { everyTick(ctx, every, show) })
	return func() {
		cancel()
		shower.Wait()
		finish()
	}
}

func everyTick(ctx context.Context, every time.Duration, show func()) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			show()
		}
	}
}

func (p *pace) lines(stderr io.Writer) func() {
	return func() { fmt.Fprintf(stderr, "%s\n", p.line(time.Now())) }
}

func (p *pace) bar(stderr io.Writer) (show, finish func()) {
	bars := mpb.New(mpb.WithOutput(stderr), mpb.WithWidth(40))
	text := decor.Any(func(decor.Statistics) string { return " " + p.line(time.Now()) })
	var bar *mpb.Bar
	if p.stream {
		bar = bars.New(0, mpb.NopStyle(), mpb.BarRemoveOnComplete(), mpb.AppendDecorators(text))
	} else {
		bar = bars.AddBar(max(1, p.total), mpb.BarRemoveOnComplete(), mpb.AppendDecorators(text))
	}
	show = func() { bar.SetCurrent(min(p.meter.Bytes(), p.total-1)) } // it is aborted, not completed
	return show, func() {
		bar.Abort(true)
		bars.Wait()
	}
}

// line is "1.2 of 6.6 GB, 120 of 200 files, 45 MB/s, 2m10s left". What an earlier run has
// read doesn't count for the rate.
func (p *pace) line(now time.Time) string {
	done := p.meter.Bytes()
	text := fmt.Sprintf("%s of %s, %s of %s", megabytes(done), megabytes(p.total), grouped(int(p.meter.Files())), counted(p.files, "file"))
	if p.stream {
		text = fmt.Sprintf("%s, %s of %s", megabytes(done), grouped(int(p.meter.Files())), counted(p.files, "file"))
	}
	rate := float64(done-p.meter.Resumed()) / now.Sub(p.began).Seconds()
	if rate <= 0 {
		return text
	}
	text += fmt.Sprintf(", %s/s", megabytes(int64(rate)))
	if p.stream {
		return text
	}
	left := time.Duration(float64(p.total-done) / rate * float64(time.Second))
	return text + ", " + left.Round(time.Second).String() + " left"
}

func megabytes(n int64) string {
	if n < 10_000_000_000 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
