package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/pare-iam/pare/finding"
)

// Step is an event of a finding, with the finding as the event left it. That it was removed
// is one too, which changes no status and isn't in its history.
type Step struct {
	Event    // without Before; Seq is of removals, or of events, and each grows by itself
	Analyzer string
	Version  int  // how many events the finding had had by then: 1 when it was found
	Removed  bool // the finding is gone, and Finding is what it was in the end

	// Finding is in full. Its status, its rule and what is unused are as of the event; when
	// it was analyzed and last used, and on what evidence, is as of now.
	Finding finding.Finding
}

// AddSink has somebody be told of what happens to findings from now on. One that is known
// already goes on where it was.
func (s *Store) AddSink(ctx context.Context, name string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, sqlOf(`INSERT INTO sinks (name, holder, held_until) VALUES (?, '', 0) ON CONFLICT DO NOTHING`, name))
		if err != nil || n == 0 {
			return err
		}
		_, err = exec(ctx, tx, sqlOf(`INSERT INTO sink_positions (sink, analyzer, position) SELECT ?, a.id,
			COALESCE((SELECT MAX(h.key) FROM finding_history h WHERE h.analyzer = a.id), 0) FROM analyzers a WHERE a.gone_arn = ''`, name))
		return err
	})
}

// LeaseSink lets a holder tell a sink for a time, by the database's clock, unless another
// one may. The holder itself may go on.
func (s *Store) LeaseSink(ctx context.Context, sink, holder string, limit time.Duration) (bool, error) {
	n, err := exec(ctx, s.writer, sqlOf(`UPDATE sinks SET holder = ?, held_until = `+s.dialect.now+` + ?
		WHERE name = ? AND (holder = ? OR held_until < `+s.dialect.now+`)`, holder, limit.Microseconds(), sink, holder))
	return n > 0, err
}

// ReleaseSink ends a lease, so that others needn't wait for its end.
func (s *Store) ReleaseSink(ctx context.Context, sink, holder string) error {
	_, err := exec(ctx, s.writer, sqlOf(`UPDATE sinks SET holder = '', held_until = 0 WHERE name = ? AND holder = ?`, sink, holder))
	return err
}

// Untold is what a sink is to be told next, at most limit of it: what was removed first, and
// then the events of an analyzer in their order. Of a finding that is removed, its removal
// alone is told, and before the events of one that has its ID later: those of an analyzer wait
// until all is removed of one that had its ARN before (RemoveDeleted).
//
// Each analyzer has a position of its own, and so nothing is skipped. Whoever writes history
// holds the analyzer's lock (lockAnalyzer) from before the keys are given out until after
// the commit. So the keys of an analyzer become visible in their order: behind one that can
// be seen, none of this analyzer is still to come. For keys of different analyzers, Postgres
// promises no such thing: the lower one may be committed later.
func (s *Store) Untold(ctx context.Context, sink string, limit int) (out []Step, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		if out, err = removals(ctx, q, sink, limit); err != nil || len(out) == limit {
			return err
		}
		events, err := untoldEvents(ctx, q, sink, limit-len(out))
		out = append(out, events...)
		return err
	})
	return out, err
}

func untoldEvents(ctx context.Context, q querier, sink string, limit int) ([]Step, error) {
	type place struct {
		id, position int64
		arn          string
	}
	behind, err := all(ctx, q, sqlOf(`SELECT w.id, w.arn, w.position FROM (SELECT a.id, a.arn, COALESCE(p.position, 0) AS position,
			(SELECT MIN(h.key) FROM finding_history h WHERE h.analyzer = a.id AND h.key > COALESCE(p.position, 0)) AS next
			FROM analyzers a LEFT JOIN sink_positions p ON p.analyzer = a.id AND p.sink = ?
			WHERE a.gone_arn = '' AND NOT EXISTS (SELECT 1 FROM analyzers before WHERE before.gone_arn = a.arn AND before.gone_arn <> '')) w
		WHERE w.next IS NOT NULL ORDER BY w.next LIMIT ?`, sink, limit), func(r row) (place, error) {
		var p place
		err := r.Scan(&p.id, &p.arn, &p.position)
		return p, err
	})
	var out []Step
	for _, p := range behind {
		if err != nil || len(out) == limit {
			break
		}
		err = each(ctx, q, sqlOf(stepQuery, p.id, p.position, limit-len(out)), func(r row) error {
			step, err := scanStep(r)
			step.Analyzer = p.arn
			out = append(out, step)
			return err
		})
	}
	return out, err
}

// stepQuery reads events after a key with their findings. What was unused after an event is
// what a later one says was unused before it, or what the finding says.
const stepQuery = `SELECT ` + findingColumns + `, h.key, h.at, h.change, h.from_status, h.to_status, h.run, h.who, h.archived_by,
	(SELECT COUNT(*) FROM finding_history e WHERE e.finding = h.finding AND e.key <= h.key),
	COALESCE((SELECT l.details_before FROM finding_history l
		WHERE l.finding = h.finding AND l.key > h.key AND l.details_before <> '' ORDER BY l.key LIMIT 1), d.body, '[]')
	FROM finding_history h JOIN findings f ON f.key = h.finding LEFT JOIN finding_details d ON d.finding = f.key
	WHERE h.analyzer = ? AND h.key > ? ORDER BY h.key LIMIT ?`

func scanStep(r row) (Step, error) {
	var out Step
	var of record
	var body string
	err := r.Scan(append(of.fields(), &out.Seq, instant{&out.At}, &out.Change, &out.From, &out.To, &out.Run, &out.Who, &out.ArchivedBy,
		&out.Version, &body)...)
	if err != nil {
		return out, err
	}
	f := of.Finding
	f.Status, f.Change, f.ArchivedBy = out.To, out.Change, out.ArchivedBy
	if f.UpdatedAt.After(out.At) { // by a later event
		f.UpdatedAt = out.At
	}
	f.Permissions, err = decodePermissions(body)
	out.Finding = f
	return out, err
}

// Told notes up to which event of each analyzer, by its ARN, a sink was told. ErrConflict: the
// holder isn't who may tell it any more, and nothing is noted.
func (s *Store) Told(ctx context.Context, sink, holder string, upTo map[string]int64) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		err := s.heldBy(ctx, tx, sink, holder)
		for _, arn := range slices.Sorted(maps.Keys(upTo)) {
			if err != nil {
				return err
			}
			_, err = exec(ctx, tx, sqlOf(`INSERT INTO sink_positions (sink, analyzer, position) SELECT ?, a.id, ? FROM analyzers a WHERE a.arn = ?
				ON CONFLICT (sink, analyzer) DO UPDATE SET position = excluded.position WHERE sink_positions.position < excluded.position`,
				sink, upTo[arn], arn))
		}
		return err
	})
}

// Lag is how far behind a sink is.
type Lag struct {
	Sink   string
	Untold int       // events and removals
	Since  time.Time // when the oldest of them happened; zero when there is none
}

// Lags lists all sinks by name.
func (s *Store) Lags(ctx context.Context) ([]Lag, error) {
	return all(ctx, s.reader, sqlOf(`SELECT w.name, COUNT(w.at), COALESCE(MIN(w.at), 0) FROM (
		SELECT s.name, h.at FROM sinks s
			LEFT JOIN analyzers a ON a.gone_arn = ''
			LEFT JOIN sink_positions p ON p.sink = s.name AND p.analyzer = a.id
			LEFT JOIN finding_history h ON h.analyzer = a.id AND h.key > COALESCE(p.position, 0)
		UNION ALL SELECT u.sink, r.at FROM removals_untold u JOIN removed_findings r ON r.key = u.removal) w
		GROUP BY w.name ORDER BY w.name`), func(r row) (Lag, error) {
		var out Lag
		err := r.Scan(&out.Sink, &out.Untold, instant{&out.Since})
		return out, err
	})
}
