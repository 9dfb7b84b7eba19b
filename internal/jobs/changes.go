package jobs

import (
	"context"
	"errors"
	"iter"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// changes gives what a run changed: the findings that it updated, as it dated them, whose
// history has an event of it. A finding that is gone since isn't there.
func (j *Jobs) changes(ctx context.Context, run store.Run) iter.Seq2[Change, error] {
	query := store.Query{
		Analyzer: run.Analyzer, Filter: finding.Filter{"resourceOwnerAccount": {Eq: []string{run.Account}}},
		Sort: store.Sort{By: store.ByUpdate, Descending: true},
	}
	return func(yield func(Change, error) bool) {
		over := errors.New("over") // older, or whoever reads wants no more
		err := pages(ctx, func(ctx context.Context, p store.Page) (store.Part[store.Item], error) {
			return j.store.Findings(ctx, query, p)
		},
			func(item store.Item) error {
				if item.UpdatedAt.Before(run.WindowEnd) {
					return over
				}
				c, ok, err := j.change(ctx, run, item.ID)
				if ok && err == nil && !yield(c, nil) {
					return over
				}
				return err
			})
		if err != nil && !errors.Is(err, over) {
			yield(Change{}, err)
		}
	}
}

// change is what a run did to a finding; ok is false if it did nothing.
func (j *Jobs) change(ctx context.Context, run store.Run, id string) (out Change, ok bool, err error) {
	history := func(ctx context.Context, p store.Page) (store.Part[store.Event], error) {
		return j.store.History(ctx, run.Analyzer, id, p)
	}
	events := 0
	err = pages(ctx, history, func(e store.Event) error {
		events++
		if e.Run == run.ID {
			out.Event, out.Version, ok = e, events, true
		}
		return nil
	})
	if err == nil && ok {
		out.Finding, err = j.store.Finding(ctx, run.Analyzer, id)
	}
	if missing(err) {
		return Change{}, false, nil
	}
	return out, ok, err
}
