package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/pare-iam/pare/internal/collect"
)

// progressNow is how far a run is. It is safe for concurrent use.
type progressNow struct {
	mu  sync.Mutex
	now collect.Progress
}

func (l *progressNow) set(p collect.Progress) {
	l.mu.Lock()
	l.now = p
	l.mu.Unlock()
}

func (l *progressNow) get() collect.Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// watchCollect shows how far collecting is until finish is called: a bar on a terminal that
// goes away, a line from time to time elsewhere.
func watchCollect(cmd *cobra.Command) (report func(collect.Progress), finish func()) {
	var far progressNow
	stderr := cmd.ErrOrStderr()
	show, done, every := func() { fmt.Fprintln(stderr, collectLine(far.get())) }, func() {}, lineEvery
	if file, ok := stderr.(*os.File); ok && cwriter.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		show, done = collectBar(file, &far)
		every = barEvery
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	var shower sync.WaitGroup
	shower.Go(func() { everyTick(ctx, every, show) })
	return far.set, func() {
		cancel()
		shower.Wait()
		done()
	}
}

func collectBar(stderr *os.File, far *progressNow) (show, finish func()) {
	bars := mpb.New(mpb.WithOutput(stderr), mpb.WithWidth(40))
	text := decor.Any(func(decor.Statistics) string { return " " + collectLine(far.get()) })
	bar := bars.AddBar(1, mpb.BarRemoveOnComplete(), mpb.AppendDecorators(text))
	show = func() {
		p := far.get()
		bar.SetTotal(int64(p.Total)+1, false) // it is aborted, not completed
		bar.SetCurrent(int64(p.Done))
	}
	return show, func() {
		bar.Abort(true)
		bars.Wait()
	}
}

// collectLine is "3 of 20 accounts, 612 of 4,000 roles and users", the accounts only if
// there are several.
func collectLine(p collect.Progress) string {
	text := fmt.Sprintf("%s of %s roles and users", grouped(p.Done), grouped(p.Total))
	if p.Accounts > 1 {
		text = fmt.Sprintf("%s of %s, %s", grouped(p.AccountsDone), counted(p.Accounts, "account"), text)
	}
	return text
}
