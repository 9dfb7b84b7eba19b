package store

import (
	"context"
	"database/sql"
	"errors"
)

// An analyzer is deleted in two steps. The first is one short transaction, after which nobody
// finds it any more and its ARN and its name are free: its row is called by its key. The
// second, RemoveDeleted, takes what was found by it away, some at a time, so that nobody who
// writes waits for long, and notes for the sinks what is gone, each finding in the
// transaction that removes it. Its row goes last. Several servers may be at it, and who is
// killed leaves the rest to the next.
//
// Whoever goes through analyzers, rather than for one by its ARN, leaves those out that have
// a gone_arn. Nobody adds to such a one: that takes lockAnalyzer.

// markGone is the first step, of an analyzer that is locked. Who is to be told of what it
// found are the sinks that there are by now: they have positions.
func markGone(ctx context.Context, tx *sql.Tx, owner int64, by By) error {
	for _, st := range []*statement{
		sqlOf(`INSERT INTO sink_positions (sink, analyzer, position) SELECT s.name, a.id, 0 FROM sinks s CROSS JOIN analyzers a WHERE a.id = ?
			ON CONFLICT (sink, analyzer) DO NOTHING`, owner),
		sqlOf(`UPDATE analyzers SET gone_arn = arn, gone_at = ?, arn = ?, name = ? WHERE id = ?`, micros(by.At), "gone "+decimal(owner), "gone "+decimal(owner), owner),
	} {
		if _, err := exec(ctx, tx, st); err != nil {
			return err
		}
	}
	return nil
}

// RemoveDeleted removes what was found by analyzers that were deleted, up to batch findings,
// or rows of another kind, in a transaction; 0 is 500. It says how many findings it removed.
func (s *Store) RemoveDeleted(ctx context.Context, batch int) (int, error) {
	gone, err := all(ctx, s.reader, sqlOf(`SELECT id FROM analyzers WHERE gone_arn <> '' ORDER BY id`), scanInt)
	total := 0
	for _, owner := range gone {
		if err != nil {
			break
		}
		var n int
		n, err = s.removeGone(ctx, owner, or(batch, 500))
		total += n
	}
	return total, err
}

func (s *Store) removeGone(ctx context.Context, owner int64, batch int) (int, error) {
	findings, err := s.drain(ctx, batch, func(tx *sql.Tx) (int64, error) { return s.removeFound(ctx, tx, owner, batch) })
	for _, part := range [...]struct{ table, by string }{ // the largest of what else is an analyzer's
		{"principals", "key"}, {"resources", "arn"}, {"account_sums", "account"}, {"service_counts", "account"}, {"runs", "id"},
	} {
		if err != nil {
			return findings, err
		}
		_, err = s.drain(ctx, batch, func(tx *sql.Tx) (int64, error) {
			return exec(ctx, tx, sqlOf(`DELETE FROM `+part.table+` WHERE analyzer = ? AND `+part.by+` IN
				(SELECT `+part.by+` FROM `+part.table+` WHERE analyzer = ? ORDER BY `+part.by+` LIMIT ?)`, owner, owner, batch))
		})
	}
	if err != nil {
		return findings, err
	}
	return findings, s.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, sqlOf(`DELETE FROM analyzers WHERE id = ? AND gone_arn <> '' AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.analyzer = analyzers.id)`, owner))
		return err
	})
}

// removeFound removes some findings of an analyzer that was deleted.
func (s *Store) removeFound(ctx context.Context, tx *sql.Tx, owner int64, batch int) (int64, error) {
	at, err := one(ctx, tx, sqlOf(`UPDATE analyzers SET revision = revision + 1 WHERE id = ? AND gone_arn <> '' RETURNING gone_at`, owner), scanInt, ErrNotFound)
	if errors.Is(err, ErrNotFound) { // another server was through with it
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if s.dialect.plain != "" {
		if _, err := exec(ctx, tx, sqlOf(s.dialect.plain)); err != nil {
			return 0, err
		}
	}
	some := sqlOf(` WHERE f.key IN (SELECT key FROM findings WHERE analyzer = ? ORDER BY updated_at, key LIMIT ?)`, owner, batch)
	if err := remember(ctx, tx, some, fromMicros(at)); err != nil {
		return 0, err
	}
	st := sqlOf(`DELETE FROM findings AS f`)
	st.append(some)
	return exec(ctx, tx, st)
}
