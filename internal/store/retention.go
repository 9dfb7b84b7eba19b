package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Retention says how long what is over is kept. A zero is the default.
type Retention struct {
	Resolved time.Duration // findings, after they were resolved: 90 days, as AWS
	Runs     time.Duration // runs that aren't an account's last complete one: 400 days
	Tokens   time.Duration // client tokens: a day
	Batch    int           // findings removed by one transaction: 1,000
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html
const (
	day         = 24 * time.Hour
	keepFinding = 90 * day
	keepRun     = 400 * day
	keepToken   = day
)

// Cleaned is what a clean-up removed.
type Cleaned struct{ Findings, Runs, Policies, Tokens, Sessions int }

// Clean removes what is over: resolved findings with their history, old runs, policies that
// nobody has, used client tokens, sessions that ended; and what RemoveDeleted does. It does so in small transactions, so
// that others get their turn, and can be interrupted and begun again.
func (s *Store) Clean(ctx context.Context, r Retention, now time.Time) (Cleaned, error) {
	var out Cleaned
	var err error
	batch := or(r.Batch, 1000)
	if _, err = s.RemoveDeleted(ctx, batch); err != nil {
		return out, err
	}
	if out.Findings, err = s.cleanFindings(ctx, or(r.Resolved, keepFinding), now, batch); err != nil {
		return out, err
	}
	for _, step := range []struct {
		n  *int
		st func() *statement
	}{
		{&out.Runs, func() *statement {
			return sqlOf(`DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE state <> 'running' AND started_at <= ?
				AND id NOT IN (SELECT complete_run FROM account_states) ORDER BY id LIMIT ?)`,
				micros(now.Add(-or(r.Runs, keepRun))), batch)
		}},
		{&out.Policies, func() *statement { // seen_at keeps one that a run is about to hold
			return sqlOf(`DELETE FROM policies WHERE hash IN (SELECT hash FROM policies WHERE seen_at <= ?
				AND NOT EXISTS (SELECT 1 FROM principal_policies h WHERE h.hash = policies.hash) LIMIT ?) AND seen_at <= ?`,
				micros(now.Add(-day)), batch, micros(now.Add(-day)))
		}},
		{&out.Tokens, func() *statement {
			return sqlOf(`DELETE FROM client_tokens WHERE at <= ?`, micros(now.Add(-or(r.Tokens, keepToken))))
		}},
		{new(int), func() *statement { return forget(now.Add(-or(r.Resolved, keepFinding)), batch) }},
		{&out.Sessions, func() *statement { return sqlOf(`DELETE FROM sessions WHERE expires_at <= ?`, micros(now)) }},
	} {
		n, err := s.drain(ctx, batch, func(tx *sql.Tx) (int64, error) { return exec(ctx, tx, step.st()) })
		*step.n = n
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// cleanFindings removes what was resolved for so long, analyzer by analyzer. Each is locked
// first: a run may be about to find one of them again.
func (s *Store) cleanFindings(ctx context.Context, keep time.Duration, now time.Time, batch int) (int, error) {
	until := now.Add(-keep)
	arns, err := all(ctx, s.reader, sqlOf(`SELECT arn FROM analyzers a WHERE a.gone_arn = '' AND EXISTS
		(SELECT 1 FROM findings f WHERE f.analyzer = a.id AND f.status = 'RESOLVED' AND f.updated_at <= ?) ORDER BY arn`, micros(until)), scanText)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, arn := range arns {
		n, err := s.drain(ctx, batch, func(tx *sql.Tx) (int64, error) {
			owner, err := s.lockAnalyzer(ctx, tx, arn)
			if errors.Is(err, ErrNotFound) { // it was removed meanwhile, and they with it
				return 0, nil
			}
			if err != nil {
				return 0, err
			}
			over := sqlOf(` WHERE f.key IN (SELECT key FROM findings
				WHERE analyzer = ? AND status = 'RESOLVED' AND updated_at <= ? ORDER BY updated_at, key LIMIT ?)`, owner, micros(until), batch)
			accounts, err := accountsOf(ctx, tx, over)
			if err == nil {
				err = remember(ctx, tx, over, now)
			}
			if err != nil {
				return 0, err
			}
			if err := uncountDays(ctx, tx, over); err != nil {
				return 0, err
			}
			gone := sqlOf(`DELETE FROM findings AS f`)
			gone.append(over)
			n, err := exec(ctx, tx, gone)
			if err == nil {
				err = recount(ctx, tx, owner, accounts)
			}
			if err != nil || n == int64(batch) {
				return n, err
			}
			_, err = exec(ctx, tx, sqlOf(`DELETE FROM resources WHERE analyzer = ? AND NOT EXISTS
				(SELECT 1 FROM findings f WHERE f.analyzer = resources.analyzer AND f.resource = resources.arn)`, owner))
			return n, err
		})
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

func or[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// drain removes up to a number of rows at a time, until there are fewer.
func (s *Store) drain(ctx context.Context, batch int, remove func(*sql.Tx) (int64, error)) (int, error) {
	for total := 0; ; {
		var n int64
		err := s.write(ctx, func(tx *sql.Tx) (err error) {
			n, err = remove(tx)
			return err
		})
		if err != nil {
			return total, err
		}
		if total += int(n); n < int64(batch) {
			return total, nil
		}
	}
}
