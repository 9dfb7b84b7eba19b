package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pare-iam/pare/internal/notify"
	"github.com/pare-iam/pare/internal/store"
)

// events tells sinks what happens to findings: each sink from one server at a time, the one that has
// its lease, at its own pace and from where it was told last.
type events struct {
	store   *store.Store
	sinks   []notify.Sink
	region  string
	log     *slog.Logger
	metrics *metrics
	beat    time.Duration // how often a lease is renewed, and looked after by those who don't have it
	idle    time.Duration // how often somebody looks for events; 0: as package notify does

	holder string // this server among those of the database
	stop   context.CancelFunc
	lanes  sync.WaitGroup
}

// giveUp is how long an event is tried again and again: longer than a receiver is down, and
// not so long that one event which a receiver always fails at keeps all others back forever.
const giveUp = 24 * time.Hour

// A lease is good for so many beats. Who couldn't renew it for patient beats stops telling, before
// another begins: a run that is being completed keeps SQLite busy for some seconds.
const (
	leaseBeats = 12
	patient    = 9
)

// start begins to tell, until close. A sink that the database doesn't know is told what
// happens from now on.
func (e *events) start(ctx context.Context) error {
	e.holder = newID()
	for _, s := range e.sinks {
		if err := e.store.AddSink(ctx, s.Name()); err != nil {
			return fmt.Errorf("sink %s: %w", s.Name(), err)
		}
	}
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, s := range e.sinks {
		e.lanes.Go(func() { e.lane(ctx, s) })
	}
	return nil
}

// close ends the telling. What was under way is told again by whoever is next.
func (e *events) close() {
	if e.stop != nil {
		e.stop()
		e.lanes.Wait()
	}
}

// names are the sinks'.
func (e *events) names() []string {
	out := make([]string, len(e.sinks))
	for i, s := range e.sinks {
		out[i] = s.Name()
	}
	return out
}

// lane waits for a sink's lease, again and again, and tells the sink while it has it.
func (e *events) lane(ctx context.Context, s notify.Sink) {
	ticker := time.NewTicker(e.beat)
	defer ticker.Stop()
	for ctx.Err() == nil {
		asked := time.Now()
		mine, err := e.lease(ctx, s)
		if mine {
			err = e.hold(ctx, s, asked)
		}
		if err != nil && ctx.Err() == nil {
			e.log.Error("events", "sink", s.Name(), "error", err)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func (e *events) lease(ctx context.Context, s notify.Sink) (bool, error) {
	return e.store.LeaseSink(ctx, s.Name(), e.holder, leaseBeats*e.beat)
}

// hold tells a sink until ctx ends or the lease, which was asked for at a time, is lost.
func (e *events) hold(ctx context.Context, s notify.Sink, asked time.Time) error {
	d, err := notify.NewDispatcher(outbox{e.store, e.holder, e.region}, []notify.Sink{s}, notify.Options{
		GiveUp: giveUp, Idle: e.idle, Report: e.report,
	})
	if err != nil {
		return err
	}
	telling, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		defer cancel()
		err = e.renew(telling, s, asked)
	})
	d.Run(telling)
	cancel()
	renewing.Wait()
	releasing, done := context.WithTimeout(context.WithoutCancel(ctx), slack)
	defer done()
	return errors.Join(err, e.store.ReleaseSink(releasing, s.Name(), e.holder))
}

// renew renews a lease until ctx ends. The error is why it is lost, or may be soon.
func (e *events) renew(ctx context.Context, s notify.Sink, since time.Time) error {
	ticker := time.NewTicker(e.beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		asked := time.Now()
		bounded, cancel := context.WithDeadline(ctx, since.Add(patient*e.beat))
		mine, err := e.lease(bounded, s)
		over := bounded.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && !mine:
			return errors.New("another server has taken over")
		case err == nil:
			since = asked
		case over:
			return fmt.Errorf("the lease couldn't be renewed: %w", err)
		}
	}
}

// outbox is the store's history as package notify sees it.
type outbox struct {
	store  *store.Store
	holder string
	region string
}

// Next implements notify.Outbox.
func (o outbox) Next(ctx context.Context, sink string, limit int) ([]notify.Entry, error) {
	steps, err := o.store.Untold(ctx, sink, limit)
	out := make([]notify.Entry, len(steps))
	for i, s := range steps {
		out[i] = notify.Entry{Position: notify.Position(s.Seq), Change: notify.Change{
			Finding: s.Finding, Previous: s.From, Version: s.Version, At: s.At, Analyzer: s.Analyzer, Region: o.region, Deleted: s.Removed,
		}}
	}
	return out, err
}

// Ack implements notify.Outbox.
func (o outbox) Ack(ctx context.Context, sink string, told []notify.Entry) error {
	upTo := map[string]int64{}
	var removed []int64
	for _, e := range told {
		if e.Change.Deleted {
			removed = append(removed, int64(e.Position))
			continue
		}
		upTo[e.Change.Analyzer] = int64(e.Position)
	}
	if err := o.store.ToldRemovals(ctx, sink, o.holder, removed); err != nil {
		return err
	}
	return o.store.Told(ctx, sink, o.holder, upTo)
}

func (e *events) report(r notify.Report) {
	e.metrics.told.WithLabelValues(r.Sink, outcome(true)).Add(float64(r.Told))
	e.metrics.told.WithLabelValues(r.Sink, outcome(false)).Add(float64(len(r.Dropped)))
	for _, f := range r.Dropped {
		e.log.Error("a change wasn't told", "sink", r.Sink, "finding", f.Change.Finding.ID, "code", f.Code, "reason", f.Reason)
	}
	if len(r.Again) > 0 {
		e.log.Warn("a sink is tried again", "sink", r.Sink, "changes", len(r.Again), "reason", r.Again[0].Error(), "wait", r.Wait)
	}
	if r.Outbox != nil {
		e.log.Error("the events couldn't be read, or noted as told", "sink", r.Sink, "error", r.Outbox, "wait", r.Wait)
	}
}
