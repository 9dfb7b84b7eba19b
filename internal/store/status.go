package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/pare-iam/pare/finding"
)

// SetStatus archives findings by hand, or takes them back: Archived or Active. Those that
// are so already, and resolved ones, stay as they are; one that a rule archived is from now
// on archived by hand. It says how many changed. An ID that there isn't is ErrNotFound,
// and then none is changed.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UpdateFindings.html
func (s *Store) SetStatus(ctx context.Context, by By, analyzer string, to finding.Status, ids []string) (int, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	total := 0
	err := s.writeAsked(ctx, by, func(tx *sql.Tx) error {
		total = 0
		owner, err := s.lockAnalyzer(ctx, tx, analyzer)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(ids, findingBatch) {
			if err := allThere(ctx, tx, owner, some); err != nil {
				return err
			}
			where := sqlOf(` WHERE f.analyzer = ? AND f.id IN `, owner)
			list(where, some)
			n, err := setStatus(ctx, tx, transition{by: by, owner: owner, to: to}, where)
			if err != nil {
				return err
			}
			total += n
		}
		return audit(ctx, tx, by, "UpdateFindings", analyzer)
	})
	return total, err
}

// SetStatusOf does what SetStatus does for all findings of a resource, an ARN. Whether there
// are any doesn't matter.
func (s *Store) SetStatusOf(ctx context.Context, by By, analyzer string, to finding.Status, resource string) (int, error) {
	total := 0
	err := s.writeAsked(ctx, by, func(tx *sql.Tx) error {
		owner, err := s.lockAnalyzer(ctx, tx, analyzer)
		if err != nil {
			return err
		}
		total, err = setStatus(ctx, tx, transition{by: by, owner: owner, to: to}, sqlOf(` WHERE f.analyzer = ? AND f.resource = ?`, owner, resource))
		if err != nil {
			return err
		}
		return audit(ctx, tx, by, "UpdateFindings", analyzer)
	})
	return total, err
}

// ApplyRule archives the active findings that a rule matches, and says how many.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ApplyArchiveRule.html
func (s *Store) ApplyRule(ctx context.Context, by By, analyzer, rule string) (int, error) {
	total := 0
	err := s.writeAsked(ctx, by, func(tx *sql.Tx) error {
		owner, err := s.lockAnalyzer(ctx, tx, analyzer)
		if err != nil {
			return err
		}
		r, err := s.rule(ctx, tx, analyzer, rule)
		if err != nil {
			return err
		}
		where := sqlOf(` WHERE f.analyzer = ?`, owner)
		if err := s.dialect.filter(where, r.Filter); err != nil {
			return err
		}
		if total, err = setStatus(ctx, tx, transition{by, owner, finding.Archived, r.Name}, where); err != nil {
			return err
		}
		return audit(ctx, tx, by, "ApplyArchiveRule", analyzer+"/"+rule)
	})
	return total, err
}

// transition is what becomes of findings.
type transition struct {
	by    By
	owner int64 // the analyzer
	to    finding.Status
	rule  string // that archives them; "" by hand
}

// from says, in SQL, which findings it concerns.
func (t transition) from(st *statement) error {
	switch {
	case t.to == finding.Active:
		st.add(` AND f.status = 'ARCHIVED'`)
	case t.to == finding.Archived && t.rule != "":
		st.add(` AND f.status = 'ACTIVE'`)
	case t.to == finding.Archived:
		st.add(` AND (f.status = 'ACTIVE' OR f.status = 'ARCHIVED' AND f.archived_by <> '')`)
	default:
		return invalid("status %q: want ACTIVE or ARCHIVED", t.to)
	}
	return nil
}

// setStatus notes what happens to the findings of a condition, and does it.
func setStatus(ctx context.Context, tx *sql.Tx, t transition, where *statement) (int, error) {
	if err := t.from(where); err != nil {
		return 0, err
	}
	accounts, err := accountsOf(ctx, tx, where)
	if err != nil {
		return 0, err
	}
	event := &statement{args: slices.Clone(where.args)}
	event.add(`INSERT INTO finding_history (finding, analyzer, at, change, from_status, to_status, run, who, archived_by, details_before)
		SELECT f.key, f.analyzer, ?, ?, f.status, ?, 0, ?, ?, '' FROM findings f`,
		micros(t.by.At), string(finding.Updated), string(t.to), clean(t.by.Who), t.rule)
	event.WriteString(where.String() + ` ORDER BY f.key`)
	lines, err := exec(ctx, tx, event)
	if err == nil {
		err = countDays(ctx, tx, t.owner, micros(t.by.At), map[happening]int{{finding.Updated, t.to}: int(lines)})
	}
	if err != nil {
		return 0, err
	}
	update := &statement{args: slices.Clone(where.args)}
	update.add(`UPDATE findings AS f SET status = ?, change = ?, archived_by = ?, updated_at = ?`,
		string(t.to), string(finding.Updated), t.rule, micros(t.by.At))
	update.WriteString(where.String())
	changed, err := exec(ctx, tx, update)
	if err != nil {
		return 0, err
	}
	return int(changed), recount(ctx, tx, t.owner, accounts)
}

// allThere is ErrNotFound if an analyzer lacks one of the findings.
func allThere(ctx context.Context, tx *sql.Tx, owner int64, ids []string) error {
	st := sqlOf(`SELECT f.id FROM findings f WHERE f.analyzer = ? AND f.id IN `, owner)
	list(st, ids)
	there, err := all(ctx, tx, st.add(` ORDER BY f.id`), scanText)
	if err != nil || len(there) == len(ids) {
		return err
	}
	for i, id := range ids {
		if i >= len(there) || there[i] != id {
			return notFound("finding", id)
		}
	}
	return nil
}
