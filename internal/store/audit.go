package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Entry is a line of the audit log.
type Entry struct {
	Seq     int64 // grows with time
	At      time.Time
	Who     string
	Origin  string // address; ""
	Action  string // "CreateAnalyzer", "Login"
	Target  string // ARN or name; ""
	Outcome string // "" when it was done; else why not
}

// Audit adds a line to the audit log, of what the database doesn't see itself: a login, a
// request that was refused. Seq isn't looked at.
func (s *Store) Audit(ctx context.Context, e Entry) error {
	return s.write(ctx, func(tx *sql.Tx) error { return insertEntry(ctx, tx, e) })
}

func insertEntry(ctx context.Context, tx *sql.Tx, e Entry) error {
	_, err := exec(ctx, tx, sqlOf(`INSERT INTO audit (at, who, origin, action, target, outcome) VALUES (?, ?, ?, ?, ?, ?)`,
		micros(e.At), clean(e.Who), clean(e.Origin), clean(e.Action), clean(e.Target), clean(e.Outcome)))
	return err
}

// audit notes what a transaction does.
func audit(ctx context.Context, tx *sql.Tx, by By, action, target string) error {
	return insertEntry(ctx, tx, Entry{At: by.At, Who: by.Who, Origin: by.Origin, Action: action, Target: target})
}

// AuditQuery says which lines of the audit log, by a part of each, in its case. What is empty
// lets all through.
type AuditQuery struct{ Who, Target, Action string }

// AuditLog lists the audit log, the last line first; of targets with a part, if it is given.
func (s *Store) AuditLog(ctx context.Context, target string, p Page) (Part[Entry], error) {
	return s.FindAudit(ctx, AuditQuery{Target: target}, p)
}

// FindAudit lists lines of the audit log, the last first.
func (s *Store) FindAudit(ctx context.Context, q AuditQuery, p Page) (Part[Entry], error) {
	st := sqlOf(`SELECT key, at, who, origin, action, target, outcome FROM audit WHERE 1 = 1`)
	for _, c := range []struct{ column, part string }{{"who", q.Who}, {"target", q.Target}, {"action", q.Action}} {
		if err := checkText(c.part); err != nil {
			return Part[Entry]{}, err
		}
		if c.part != "" {
			st.add(` AND `+s.dialect.position+`(`+c.column+`, ?) > 0`, c.part)
		}
	}
	return listing[Entry]{
		of: fmt.Sprintf("audit log %+q", q), query: st, order: []column{{"key", true}}, descending: true,
		scan: scanEntry, at: func(e Entry) []string { return []string{decimal(e.Seq)} },
	}.read(ctx, s.reader, p)
}

func scanEntry(r row) (e Entry, err error) {
	err = r.Scan(&e.Seq, instant{&e.At}, &e.Who, &e.Origin, &e.Action, &e.Target, &e.Outcome)
	return e, err
}
