package notify

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Options say how a Dispatcher works. The zero value is the default.
type Options struct {
	Batch   int           // most changes that a sink is handed at once; 0: 100
	Idle    time.Duration // how often it looks for changes when nobody wakes it; 0: 5 s
	MinWait time.Duration // before the first further attempt; 0: 1 s. Each wait is twice the last
	MaxWait time.Duration // the longest wait, unless the other side asks for a longer one; 0: 5 min

	// GiveUp is after how long a change is left behind that fails again and again; 0: never.
	// The time is counted anew when the process starts anew.
	GiveUp time.Duration

	// Report is told of every attempt, and of every failure of the outbox. It is called from
	// several goroutines; nil: nobody is told.
	Report func(Report)
}

// Report is what came of an attempt to tell a sink.
type Report struct {
	Sink     string
	Attempt  int // 1 is the first
	Told     int // how many changes arrived
	Dropped  []Failure
	Again    []Failure     // what will be tried again
	Wait     time.Duration // before that; 0: nothing is to be tried again
	Outbox   error         // the outbox failed, not the sink; nil mostly
	Position Position      // of the last change, once all of a round are told or left behind; else 0
}

// Dispatcher tells sinks of the changes in an outbox.
type Dispatcher struct {
	box     Outbox
	options Options
	lanes   []*lane
}

// lane is one sink and what wakes it.
type lane struct {
	Sink
	wake chan struct{}
}

// NewDispatcher prepares to tell the sinks, whose names must differ.
func NewDispatcher(box Outbox, sinks []Sink, o Options) (*Dispatcher, error) {
	d := &Dispatcher{box: box, options: o.filled()}
	known := map[string]bool{}
	for _, s := range sinks {
		if s.Name() == "" || known[s.Name()] {
			return nil, fmt.Errorf("sink %q: want a name of its own for each: its position is kept under it", s.Name())
		}
		known[s.Name()] = true
		d.lanes = append(d.lanes, &lane{s, make(chan struct{}, 1)})
	}
	return d, nil
}

func (o Options) filled() Options {
	fill := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	fill(&o.Idle, 5*time.Second)
	fill(&o.MinWait, time.Second)
	fill(&o.MaxWait, 5*time.Minute)
	o.MaxWait = max(o.MaxWait, o.MinWait)
	if o.Batch <= 0 {
		o.Batch = 100
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	return o
}

// Run tells the sinks until ctx ends, each in a goroutine of its own, and returns when all
// have stopped. What was under way then is told again by the next Run.
func (d *Dispatcher) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, l := range d.lanes {
		all.Go(func() { d.serve(ctx, l) })
	}
	all.Wait()
}

// Wake says that there are new changes, so that nobody waits for Options.Idle.
func (d *Dispatcher) Wake() {
	for _, l := range d.lanes {
		select {
		case l.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// serve tells one sink. Troubles of the outbox are waited out like those of the sink.
func (d *Dispatcher) serve(ctx context.Context, l *lane) {
	for troubles := 0; ctx.Err() == nil; {
		entries, err := d.box.Next(ctx, l.Name(), d.options.Batch)
		if err == nil && len(entries) > 0 {
			err = d.tell(ctx, l, entries)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			troubles++
			wait := d.options.backoff(troubles)
			d.options.Report(Report{Sink: l.Name(), Attempt: troubles, Outbox: err, Wait: wait})
			sleep(ctx, wait, nil)
		case len(entries) == 0:
			troubles = 0
			sleep(ctx, d.options.Idle, l.wake)
		default:
			troubles = 0
		}
	}
}

// tell tells changes round by round. The error is the outbox's.
func (d *Dispatcher) tell(ctx context.Context, l *lane, entries []Entry) error {
	for len(entries) > 0 && ctx.Err() == nil {
		n := round(entries)
		if !d.deliver(ctx, l, entries[:n]) {
			return nil
		}
		if err := d.ack(ctx, l, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// ackLimit is how long a position may take to be saved while the server stops.
const ackLimit = 10 * time.Second

// ack notes what was told. What was told is told: the end of ctx shall not make it be told
// again.
func (d *Dispatcher) ack(ctx context.Context, l *lane, told []Entry) error {
	saving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(ackLimit, cancel) })()
	return d.box.Ack(saving, l.Name(), told)
}

// round is how many entries may be told at once: none of them is about the same finding as
// another, so that none can overtake another that has to be tried again.
func round(entries []Entry) int {
	seen := map[string]bool{}
	for i, e := range entries {
		subject := e.Change.subject()
		if seen[subject] {
			return i
		}
		seen[subject] = true
	}
	return len(entries)
}

// deliver tells a round until each of its changes is told or left behind. It is false if
// ctx ended before.
func (d *Dispatcher) deliver(ctx context.Context, l *lane, entries []Entry) bool {
	pending, dropped := checked(entries)
	began := time.Now()
	for attempt := 1; ; attempt++ {
		var failures []Failure
		if len(pending) > 0 {
			failures = l.Send(ctx, pending)
		}
		r := Report{Sink: l.Name(), Attempt: attempt, Told: len(pending) - len(failures), Dropped: dropped}
		late := d.options.GiveUp > 0 && time.Since(began) >= d.options.GiveUp
		pending, dropped = nil, nil
		for _, f := range failures {
			if f.Final || late {
				r.Dropped = append(r.Dropped, f)
				continue
			}
			r.Again = append(r.Again, f)
			pending = append(pending, f.Change)
			r.Wait = max(r.Wait, min(f.After, askedLimit))
		}
		if len(pending) == 0 {
			r.Position = entries[len(entries)-1].Position
			d.options.Report(r)
			return true
		}
		r.Wait = max(r.Wait, d.options.backoff(attempt))
		d.options.Report(r)
		if !sleep(ctx, r.Wait, nil) {
			return false
		}
	}
}

// checked parts changes that can be told from those that can't.
func checked(entries []Entry) (good []Change, bad []Failure) {
	for _, e := range entries {
		if err := e.Change.Check(); err != nil {
			bad = append(bad, Failure{Change: e.Change, Reason: err.Error(), Final: true})
			continue
		}
		good = append(good, e.Change)
	}
	return good, bad
}
