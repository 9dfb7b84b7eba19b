package store

import (
	"context"

	"github.com/pare-iam/pare/finding"
)

// How a list finds its rows. Lists are read in the order of an index until a page is full,
// which is quick unless hardly any row fits: then all are looked at for nothing. So where
// few can fit, it is the rows that fit that are looked up and sorted. Whether they are few
// is asked first, and costs as many steps as few has.
//
// Neither engine's planner knows how often a service occurs, or a part of an ARN.
type few struct{ findings, resources int }

// where adds the conditions of a query on findings f of an analyzer, given by its key.
func (s *Store) where(ctx context.Context, st *statement, owner int64, q Query) error {
	if err := checkText(q.Service); err != nil {
		return err
	}
	if err := s.dialect.filter(st, q.Filter); err != nil {
		return err
	}
	if q.Service != "" {
		if err := s.condition(ctx, st, condition{
			few:  sqlOf(`SELECT v.finding FROM finding_services v WHERE v.analyzer = ? AND v.service = ?`, owner, q.Service),
			many: sqlOf(`EXISTS (SELECT 1 FROM finding_services v WHERE v.finding = f.key AND v.service = ?)`, q.Service),
			key:  "f.key", atMost: s.few.findings,
		}); err != nil {
			return err
		}
	}
	if q.MinActions > 0 {
		if err := s.condition(ctx, st, condition{
			few:  sqlOf(`SELECT m.key FROM findings m WHERE m.analyzer = ? AND m.unused_actions >= ?`, owner, q.MinActions),
			many: sqlOf(`f.unused_actions >= ?`, q.MinActions),
			key:  "f.key", atMost: s.few.findings,
		}); err != nil {
			return err
		}
	}
	return s.namesFew(ctx, st, owner, q.Filter["resource"])
}

// namesFew narrows a search for parts of ARNs down, beside the filter's own condition.
func (s *Store) namesFew(ctx context.Context, st *statement, owner int64, c finding.Criterion) error {
	if len(c.Contains) == 0 {
		return nil
	}
	few := sqlOf(`SELECT n.arn FROM resources n WHERE n.analyzer = ?`, owner)
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

func (s *Store) condition(ctx context.Context, st *statement, c condition) error {
	probe := sqlOf(`SELECT COUNT(*) FROM (`)
	probe.append(c.few)
	n, err := one(ctx, s.reader, probe.add(` LIMIT ?) AS probe`, c.atMost+1), scanInt, nil)
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
