package store

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// A figure of an analyzer is a sum over its accounts, and a run changes one account of
// hundreds. So figures are remembered account by account: after a change those accounts
// alone are counted anew that it concerned, as account_changes says.
//
//	findings by status   account 1: ACTIVE 4, RESOLVED 1
//	                     account 2: ACTIVE 2             ← a run: counted anew
//	                     together:  ACTIVE 6, RESOLVED 1
//
// What is remembered and what has changed since are read in one snapshot of the database, so
// that a figure is that of one moment.

// amount is how much there is of something that has a name.
type amount[T any] struct {
	name string
	n    T
}

// figure is what is remembered of one.
type figure[T any] struct {
	accounts map[string][]amount[T]
	together []amount[T] // each name once, sorted by it
}

// figureRoom is how many amounts are kept of all figures of a kind; each takes about 100 bytes.
const figureRoom = 250_000

func weighFigure[T any](f figure[T]) int {
	n := 1 + len(f.together)
	for _, part := range f.accounts {
		n += len(part)
	}
	return n
}

// mostAnew is how many accounts are counted one by one; when more have changed, all are.
const mostAnew = 25

// counting is how a figure is worked out.
type counting[T any] struct {
	what  string // tells figures of an analyzer apart
	query func(ctx context.Context, q querier, owner int64, accounts []string) (*statement, error)
	scan  func(row) (account string, a amount[T], err error)
	add   func(a, b T) T
}

// together are the amounts of all of an analyzer's accounts. They mustn't be changed.
func together[T any](ctx context.Context, s *Store, m *memory[figure[T]], analyzer string, c counting[T]) ([]amount[T], error) {
	now, err := s.stateOf(ctx, s.reader, analyzer)
	if err != nil {
		return nil, err
	}
	f, err := m.get(ctx, now.named(c.what), now.revision, func(had remembered[figure[T]]) (next remembered[figure[T]], err error) {
		err = s.snapshot(ctx, func(q querier) error {
			now, err := s.stateOf(ctx, q, analyzer)
			if err == nil {
				next.revision = now.revision
				next.value, err = c.since(ctx, q, now.owner, had)
			}
			return err
		})
		return next, err
	})
	return f.together, err
}

// since brings a figure up to date.
func (c counting[T]) since(ctx context.Context, q querier, owner int64, had remembered[figure[T]]) (figure[T], error) {
	var changed []string // nil: all
	if had.value.accounts != nil {
		var err error
		if changed, err = changedSince(ctx, q, owner, had.revision); err != nil {
			return had.value, err
		}
		if len(changed) == 0 {
			return had.value, nil
		}
	}
	out := figure[T]{accounts: map[string][]amount[T]{}}
	if len(changed) > mostAnew {
		changed = nil
	}
	if changed != nil {
		out.accounts = maps.Clone(had.value.accounts)
		for _, account := range changed {
			delete(out.accounts, account)
		}
	}
	st, err := c.query(ctx, q, owner, changed)
	if err != nil {
		return out, err
	}
	err = each(ctx, q, st, func(r row) error {
		account, a, err := c.scan(r)
		out.accounts[account] = append(out.accounts[account], a)
		return err
	})
	out.together = c.sum(out.accounts)
	return out, err
}

// sum adds accounts up.
func (c counting[T]) sum(accounts map[string][]amount[T]) []amount[T] {
	at := map[string]int{}
	out := []amount[T]{}
	for _, part := range accounts {
		for _, a := range part {
			i, ok := at[a.name]
			if !ok {
				at[a.name] = len(out)
				out = append(out, a)
				continue
			}
			out[i].n = c.add(out[i].n, a.n)
		}
	}
	slices.SortFunc(out, func(a, b amount[T]) int { return strings.Compare(a.name, b.name) })
	return out
}

// changedSince are the accounts that changed after a revision, sorted.
func changedSince(ctx context.Context, q querier, owner, revision int64) ([]string, error) {
	out, err := all(ctx, q, sqlOf(`SELECT account FROM account_changes WHERE analyzer = ? AND revision > ?`, owner, revision), scanText)
	slices.Sort(out)
	return out, err
}

// only adds that a column is one of some accounts; nil are all.
func only(st *statement, column string, accounts []string) {
	if accounts != nil {
		st.add(` AND ` + column + ` IN `)
		list(st, accounts)
	}
}
