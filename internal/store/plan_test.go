package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// listener is SQLite's driver, and keeps what it is asked.
type listener struct {
	sqlite driver.Driver
	dsn    string
	mu     sync.Mutex
	heard  []question
}

type question struct {
	text string
	args []any
}

func (l *listener) Connect(context.Context) (driver.Conn, error) {
	c, err := l.sqlite.Open(l.dsn)
	return listening{c, l}, err
}

func (l *listener) Driver() driver.Driver { return l.sqlite }

type listening struct {
	driver.Conn
	to *listener
}

func (c listening) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	q := question{text: text}
	for _, a := range args {
		q.args = append(q.args, a.Value)
	}
	c.to.mu.Lock()
	c.to.heard = append(c.to.heard, q)
	c.to.mu.Unlock()
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
}

func (c listening) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

// plan is how SQLite goes about a question, a line a step.
func plan(t *testing.T, db *sql.DB, q question) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+q.text, q.args...)
	check(t, err)
	var out []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		check(t, rows.Scan(&id, &parent, &unused, &detail))
		out = append(out, detail)
	}
	check(t, errors.Join(rows.Err(), rows.Close()))
	return strings.Join(out, "\n")
}

// What grows with findings and principals is never looked through from end to end, and lists
// that are read in an index's order aren't sorted.
var (
	throughAll = regexp.MustCompile(`(?m)^SCAN (f|m|v|g|p|h|n|finding_history|findings|principals|resources)( |$)`)
	sortedAll  = regexp.MustCompile(`USE TEMP B-TREE FOR (LAST TERM OF )?(ORDER|GROUP) BY`)
	inOrder    = map[string]bool{
		"list-latest": true, "list-active": true, "list-type": true, "list-most-unused": true, "list-by-account": true, "list-by-status": true,
		"history": true, "notes": true, "principals": true, "policies": true, "recommendations": true, "recommendations-stale": true, "runs": true, "audit": true,
	}
)

func TestPlansUseIndexes(t *testing.T) {
	s := loaded(t, storetest.SQLite, 3, 4)
	for name, few := range map[string]int{"few fit": 2000, "many fit": -1} {
		s.SetFew(few, few)
		for _, c := range calls() {
			for _, q := range asked(t, s, c) {
				p := plan(t, s.Connections().Reader, q)
				if throughAll.MatchString(p) || inOrder[c.name] && sortedAll.MatchString(p) {
					t.Errorf("%s, %s:\n%s\n%s", c.name, name, q.text, p)
				}
			}
		}
	}
}

// asked is what a call asks the database.
func asked(t *testing.T, s *store.Store, c call) []question {
	t.Helper()
	// Counts are asked anew after a change.
	_, err := s.SetStatusOf(t.Context(), by(60), theARN, "ACTIVE", "arn:none")
	check(t, err)
	own := s.Connections().Reader
	var seq int
	var name, path string
	check(t, own.QueryRowContext(t.Context(), "PRAGMA database_list").Scan(&seq, &name, &path))
	l := &listener{sqlite: own.Driver(), dsn: path}
	db := sql.OpenDB(l)
	s.SetReader(db)
	err = c.ask(t.Context(), s, 2)
	s.SetReader(own)
	check(t, errors.Join(err, db.Close()))
	if len(l.heard) == 0 {
		t.Errorf("%s asks nothing", c.name)
	}
	return l.heard
}
