package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/pare-iam/pare/internal/store"
)

// worker does the jobs of a kind.
type worker[A river.JobArgs] struct {
	river.WorkerDefaults[A]
	jobs   *Jobs
	do     func(ctx context.Context, job *river.Job[A]) error
	gaveUp func(ctx context.Context, args A, why error) error // nil: nothing is left to do
}

// pointlessError is of a job that will never succeed.
type pointlessError struct{ error }

func (e pointlessError) Unwrap() error { return e.error }

// Timeout is none.
func (w *worker[A]) Timeout(*river.Job[A]) time.Duration { return -1 }

// Work does a job, and says in River's terms how it ended.
func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	j := w.jobs
	work, done := j.begin(ctx, job.ID)
	defer done()
	if job.Attempt > job.MaxAttempts { // the server was killed at the last one
		return w.end(ctx, job, pointlessError{fmt.Errorf("given up: the server was gone before the end of %d attempts", job.MaxAttempts)})
	}
	err := guarded(func() error { return w.do(work, job) })
	switch {
	case err == nil:
		return nil
	case work.Err() != nil:
		return j.interrupted(ctx, job.JobRow, context.Cause(work))
	}
	j.Logger.WarnContext(ctx, "job failed", "job", job.ID, "kind", job.Kind, "attempt", job.Attempt, "error", err)
	return w.end(ctx, job, err)
}

// guarded calls f. If it panics, it has failed.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// end is what becomes of a job that failed: it is tried again, or given up.
func (w *worker[A]) end(ctx context.Context, job *river.Job[A], err error) error {
	_, pointless := errors.AsType[pointlessError](err)
	if !pointless && job.Attempt < job.MaxAttempts {
		return err
	}
	if w.gaveUp != nil {
		if gaveUpErr := w.gaveUp(ctx, job.Args, err); gaveUpErr != nil {
			return errors.Join(err, gaveUpErr)
		}
	}
	if pointless {
		return river.JobCancel(err)
	}
	return err
}

// begin is the context of a job that this server works on, until done.
func (j *Jobs) begin(ctx context.Context, job int64) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	j.mu.Lock()
	j.running[job] = cancel
	j.mu.Unlock()
	return ctx, func() {
		j.mu.Lock()
		delete(j.running, job)
		j.mu.Unlock()
		cancel(nil)
	}
}

// interrupt ends all jobs that this server works on.
func (j *Jobs) interrupt(why error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, cancel := range j.running {
		cancel(why)
	}
}

// interrupted is how a job ends whose context has ended: available to the next, with no attempt
// counted; nothing, if somebody else has it by now.
func (j *Jobs) interrupted(ctx context.Context, job *rivertype.JobRow, why error) error {
	if errors.Is(why, errReplaced) {
		ctx, cancel := shortly(ctx)
		defer cancel()
		now, err := j.client.JobGet(ctx, job.ID)
		if err == nil && (now.Attempt != job.Attempt || now.State != rivertype.JobStateRunning) {
			return nil
		}
	}
	return river.JobSnooze(0)
}

// shortly is a context for what is still to be noted when the work's own has ended.
func shortly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// missing says whether an error is the store's that what a job is about is gone.
func missing(err error) bool { return errors.Is(err, store.ErrNotFound) }
