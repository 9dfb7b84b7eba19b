package notify

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Sink is somebody who is told of changes.
type Sink interface {
	// Name is the sink's own, stable from run to run: its position is kept under it.
	Name() string

	// Send tries once to tell the changes, which are checked, and each of another finding.
	// It returns those that failed, in any order; a change that isn't among them is told.
	// When ctx ends, all that isn't known to be told has failed.
	Send(ctx context.Context, changes []Change) []Failure
}

// Failure is a change that a sink wasn't told.
type Failure struct {
	Change Change
	Code   string        // the other side's word for it: "ThrottlingException", "503"; "" if it said nothing
	Reason string        // what happened, for a person
	Final  bool          // it would fail again, however often it was tried
	After  time.Duration // how long the other side asked to wait; 0 if it didn't
}

func (f Failure) Error() string {
	if f.Code == "" {
		return fmt.Sprintf("finding %s: %s", f.Change.Finding.ID, f.Reason)
	}
	return fmt.Sprintf("finding %s: %s: %s", f.Change.Finding.ID, f.Code, f.Reason)
}

// failAll is the same failure of several changes.
func failAll(changes []Change, f Failure) []Failure {
	out := make([]Failure, len(changes))
	for i, c := range changes {
		out[i] = f
		out[i].Change = c
	}
	return out
}

// shaped is a change in the shape in which it leaves.
type shaped[T any] struct {
	change Change
	item   T
	size   int // bytes
}

// changesOf are the changes of a batch.
func changesOf[T any](batch []shaped[T]) []Change {
	out := make([]Change, len(batch))
	for i, s := range batch {
		out[i] = s.change
	}
	return out
}

// batches divides items, in their order, into batches of at most so many items and so many
// bytes together. An item that is larger than that is a batch of its own.
func batches[T any](items []shaped[T], most, bytes int) iter.Seq[[]shaped[T]] {
	return func(yield func([]shaped[T]) bool) {
		for len(items) > 0 {
			n, sum := 1, items[0].size
			for n < len(items) && n < most && sum+items[n].size <= bytes {
				sum += items[n].size
				n++
			}
			if !yield(items[:n]) {
				return
			}
			items = items[n:]
		}
	}
}
