package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// removedColumns are findingColumns of removed_findings, in their order.
const removedColumns = `key, id, type, status, change, resource, resource_id, account,
	analyzed_at, created_at, updated_at, archived_by, last_accessed, access_key_id, key_slot,
	sources, unused_services, unused_actions, details_hash, unused_hash, last_run`

// remember keeps findings that are about to be removed, as far as there are sinks to be told
// of it. which is the WHERE clause that says which of the findings f. Whoever calls it holds
// the analyzer's lock. Of an analyzer that was deleted those are told who were there then.
func remember(ctx context.Context, tx *sql.Tx, which *statement, at time.Time) error {
	sinks, err := one(ctx, tx, sqlOf(`SELECT COUNT(*) FROM sinks`), scanInt, nil)
	if err != nil || sinks == 0 {
		return err
	}
	kept := sqlOf(`INSERT INTO removed_findings (analyzer, at, version, body, `+removedColumns+`)
		SELECT CASE WHEN a.gone_arn = '' THEN a.arn ELSE a.gone_arn END, ?, 1 + (SELECT COUNT(*) FROM finding_history h WHERE h.finding = f.key), COALESCE(d.body, '[]'), `+findingColumns+`
		FROM findings f JOIN analyzers a ON a.id = f.analyzer LEFT JOIN finding_details d ON d.finding = f.key`, micros(at))
	kept.append(which)
	if _, err := exec(ctx, tx, kept); err != nil {
		return err
	}
	untold := sqlOf(`INSERT INTO removals_untold (sink, removal) SELECT s.name, f.key FROM sinks s CROSS JOIN findings f JOIN analyzers a ON a.id = f.analyzer
		AND (a.gone_arn = '' OR EXISTS (SELECT 1 FROM sink_positions p WHERE p.sink = s.name AND p.analyzer = a.id))`)
	untold.append(which)
	_, err = exec(ctx, tx, untold)
	return err
}

// removals are steps by which findings were removed that a sink wasn't told, the first first.
func removals(ctx context.Context, q querier, sink string, limit int) ([]Step, error) {
	return all(ctx, q, sqlOf(`SELECT `+removedColumns+`, analyzer, at, version, body FROM removals_untold u
		JOIN removed_findings ON key = u.removal WHERE u.sink = ? ORDER BY u.removal LIMIT ?`, sink, limit), scanRemoval)
}

func scanRemoval(r row) (Step, error) {
	var of record
	var body string
	out := Step{Removed: true}
	err := r.Scan(append(of.fields(), &out.Analyzer, instant{&out.At}, &out.Version, &body)...)
	if err != nil {
		return out, err
	}
	out.Seq, out.Change, out.From, out.To = of.key, of.Change, of.Status, of.Status
	out.Finding = of.Finding
	out.Finding.Permissions, err = decodePermissions(body)
	return out, err
}

// ToldRemovals notes that a sink was told of findings that were removed, by the Seq of their
// steps. ErrConflict: the holder isn't who may tell it any more, and nothing is noted.
func (s *Store) ToldRemovals(ctx context.Context, sink, holder string, seqs []int64) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		err := s.heldBy(ctx, tx, sink, holder)
		for chunk := range slices.Chunk(seqs, 500) {
			if err != nil {
				return err
			}
			of := sqlOf(` WHERE sink = ? AND removal IN `, sink)
			list(of, chunk)
			st := sqlOf(`DELETE FROM removals_untold`)
			st.append(of)
			_, err = exec(ctx, tx, st)
		}
		return err
	})
}

// heldBy checks that a holder may tell a sink, and has it stay so until the transaction ends.
func (s *Store) heldBy(ctx context.Context, tx *sql.Tx, sink, holder string) error {
	_, err := one(ctx, tx, sqlOf(`SELECT 1 FROM sinks WHERE name = ? AND holder = ?`+s.dialect.lock, sink, holder), scanInt,
		fmt.Errorf("sink %s is told by another server: %w", sink, ErrConflict))
	return err
}

// forget is what of removed findings is over: all sinks were told, or one of them isn't for so
// long that a resolved finding would be gone too.
func forget(until time.Time, batch int) *statement {
	return sqlOf(`DELETE FROM removed_findings WHERE key IN (SELECT key FROM removed_findings r
		WHERE r.at <= ? OR NOT EXISTS (SELECT 1 FROM removals_untold u WHERE u.removal = r.key) LIMIT ?)`, micros(until), batch)
}
