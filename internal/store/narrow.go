package store

import (
	"context"
	"slices"

	"github.com/pare-iam/pare/finding"
)

// How a list finds its rows. Lists are read in the order of an index until a page is full,
// which is quick unless hardly any row fits: then all are looked at for nothing. So where
// few can fit, it is the rows that fit that are looked up and sorted. Whether they are few
// is asked first, and costs as many steps as few has.
//
// Neither engine's planner knows how often a service occurs, or a part of an ARN.
type few struct{ findings, resources int }

// narrowing is a way to say which findings f of an analyzer.
type narrowing struct {
	dialect dialect
	on      querier
	owner   int64 // the analyzer
	few     few
}

// where adds the conditions of a query.
func (s narrowing) where(ctx context.Context, st *statement, q Query) error {
	if err := checkText(q.Service); err != nil {
		return err
	}
	if err := s.dialect.filter(st, q.Filter); err != nil {
		return err
	}
	if q.Service != "" {
		if err := s.condition(ctx, st, condition{
			few:  sqlOf(`SELECT v.finding FROM finding_services v WHERE v.analyzer = ? AND v.service = ?`, s.owner, q.Service),
			many: sqlOf(`EXISTS (SELECT 1 FROM finding_services v WHERE v.finding = f.key AND v.service = ?)`, q.Service),
			key:  "f.key", atMost: s.few.findings,
		}); err != nil {
			return err
		}
	}
	if q.MinActions > 0 {
		if err := s.condition(ctx, st, condition{
			few:  sqlOf(`SELECT m.key FROM findings m WHERE m.analyzer = ? AND m.unused_actions >= ?`, s.owner, q.MinActions),
			many: sqlOf(`f.unused_actions >= ?`, q.MinActions),
			key:  "f.key", atMost: s.few.findings,
		}); err != nil {
			return err
		}
	}
	return s.namesFew(ctx, st, q.Filter["resource"])
}

// whereOfRow adds the same conditions so that they are asked of each row that there is.
func (s narrowing) whereOfRow(_ context.Context, st *statement, q Query) error {
	if err := checkText(q.Service); err != nil {
		return err
	}
	if q.Service != "" {
		st.add(` AND EXISTS (SELECT 1 FROM finding_services v WHERE v.finding = f.key AND v.service = ?)`, q.Service)
	}
	if q.MinActions > 0 {
		st.add(` AND f.unused_actions >= ?`, q.MinActions)
	}
	return s.dialect.filter(st, q.Filter)
}

// namesFew narrows a search for parts of ARNs down, beside the filter's own condition.
func (s narrowing) namesFew(ctx context.Context, st *statement, c finding.Criterion) error {
	if len(c.Contains) == 0 {
		return nil
	}
	few := sqlOf(`SELECT n.arn FROM resources n WHERE n.analyzer = ?`, s.owner)
	s.dialect.criterion(few, "n.arn", finding.Criterion{Contains: c.Contains})
	return s.condition(ctx, st, condition{few: few, key: "f.resource", atMost: s.few.resources})
}

// condition is one that can be asked in two ways.
type condition struct {
	few    *statement // gives the values of key that fit
	key    string     // column
	atMost int        // of them
	many   *statement // the same of a row; nil: nothing more
}

func (s narrowing) condition(ctx context.Context, st *statement, c condition) error {
	probe := sqlOf(`SELECT COUNT(*) FROM (`)
	probe.append(c.few)
	n, err := one(ctx, s.on, probe.add(` LIMIT ?) AS probe`, c.atMost+1), scanInt, nil)
	switch {
	case err != nil:
		return err
	case int(n) <= c.atMost:
		st.add(` AND ` + c.key + s.dialect.among[0])
		st.append(c.few)
		st.add(s.dialect.among[1])
	case c.many != nil:
		st.add(` AND `)
		st.append(c.many)
	}
	return nil
}

// How many findings are so few that whatever they are known by is looked up, and by how much
// more may be looked up then.
const (
	fewest   = 500
	moreThan = 20
)

// which adds the conditions of a query on the database as it is now.
func (s *Store) which(ctx context.Context, st *statement, now analyzerState, q Query) error {
	by, none := s.narrowed(now, q)
	if none {
		st.add(` AND FALSE`)
		return s.dialect.filter(st, q.Filter) // which may be wrong
	}
	return by.where(ctx, st, q)
}

// narrowed is how the findings of a query are best found. What
// nothing fits needn't be looked for, and where hardly anything fits, going through a list
// would be in vain: so it is looked at how many there are, if that is known already.
func (s *Store) narrowed(now analyzerState, q Query) (by narrowing, none bool) {
	by = narrowing{s.dialect, s.reader, now.owner, s.few}
	n, ok := s.known(now, q)
	if ok && n <= min(fewest, s.few.findings) {
		by.few.resources *= moreThan
	}
	return by, ok && n == 0
}

// known is how many findings a query has, if their number by status is remembered.
func (s *Store) known(now analyzerState, q Query) (int, bool) {
	status, restricted := q.Filter["status"]
	if restricted && (len(status.Eq) == 0 || len(status.Neq)+len(status.Contains) > 0 || status.Exists != nil) {
		return 0, false
	}
	what, err := q.withoutStatus().counted(sortColumns[ByStatus].name)
	if err != nil {
		return 0, false
	}
	f, ok := s.counts.peek(now.named(what), now.revision)
	n := 0
	for _, a := range f.together {
		if !restricted || slices.Contains(status.Eq, a.name) {
			n += a.n
		}
	}
	return n, ok
}
