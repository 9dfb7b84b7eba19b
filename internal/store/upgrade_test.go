package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// lastOfOld is the last migration that a released database may have: each from the first on.
const lastOfOld = 4

// TestFiguresOfAnUpgradedDatabase has a database of each older version with what a new one has,
// row by row as far as the old one knows the columns. Brought up to date, it has the figures of
// the new one, and keeps them through what comes next.
func TestFiguresOfAnUpgradedDatabase(t *testing.T) {
	for _, e := range storetest.Engines() {
		for version := range int64(lastOfOld) {
			t.Run(fmt.Sprint(e, " of version ", version+1), func(t *testing.T) {
				anew := lived(t, storetest.New(t, e))
				url := storetest.New(t, e)
				downgraded(t, anew, url, version+1)
				upgraded := open(t, url)
				same(t, "figures", figuresOf(t, anew), figuresOf(t, upgraded))
				same(t, "principals", principalsOf(t, anew), principalsOf(t, upgraded))
				for _, s := range []*store.Store{anew, upgraded} {
					loadedRun(t, s, 2, 4, 20, 3)
					loadedRun(t, s, 7, 2, 21, 0)
					must(s.Clean(ctxOf(t), store.Retention{Resolved: time.Hour}, day(40)))(t)
				}
				same(t, "figures after more runs", figuresOf(t, anew), figuresOf(t, upgraded))
			})
		}
	}
}

// lived is a store that has had runs, archived and resolved findings, a rule, and a cleaning.
func lived(t testing.TB, url string) *store.Store {
	t.Helper()
	s := open(t, url)
	create(t, s)
	for acct := range 4 {
		check(t, s.PutAccount(ctxOf(t), by(1), store.Account{ID: fmt.Sprintf("%012d", 100000000000+acct)}))
		loadedRun(t, s, acct, 5, 2+acct, 0)
	}
	loadedRun(t, s, 1, 3, 8, 2)
	rule := finding.ArchiveRule{Name: "team", Filter: finding.Filter{"resource": {Contains: []string{"/team-2/"}}}}
	check(t, s.CreateRule(ctxOf(t), by(9), theARN, rule, ""))
	must(s.ApplyRule(ctxOf(t), by(9), theARN, rule.Name))(t)
	must(s.Clean(ctxOf(t), store.Retention{Resolved: time.Hour}, day(10)))(t)
	loadedRun(t, s, 3, 1, 11, 0)
	return s
}

func principalsOf(t testing.TB, s *store.Store) []store.Principal {
	t.Helper()
	q := store.PrincipalQuery{Analyzer: theARN, By: store.PrincipalsByUnused}
	return must(s.FindPrincipals(ctxOf(t), q, store.Page{Limit: 1000}))(t).Items
}

// downgraded makes a database of an older version of what a store has.
func downgraded(t testing.TB, from *store.Store, url string, version int64) {
	t.Helper()
	old, err := store.MakeOld(ctxOf(t), url, version)
	check(t, err)
	to, err := old.Connections().Writer.Conn(ctxOf(t))
	check(t, err)
	postgres := old.Connections().Pool != nil
	order(t, to, map[bool]string{true: "SET session_replication_role = replica", false: "PRAGMA foreign_keys = 0"}[postgres])
	for _, table := range tablesOf(t, to, postgres) {
		copyRows(t, from.Connections().Reader, to, table)
		for _, c := range table.counted {
			order(t, to, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%s', '%s'), (SELECT COALESCE(MAX(%[2]s), 1) FROM %[1]s))`, table.name, c))
		}
	}
	check(t, to.Close())
	check(t, old.Close())
}

// table is a table with its columns; Postgres has sequences for those that are counted.
type table struct {
	name             string
	columns, counted []string
}

func tablesOf(t testing.TB, db *sql.Conn, postgres bool) []table {
	t.Helper()
	query := `SELECT m.name, c.name, 0 FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version' ORDER BY m.name, c.cid`
	if postgres {
		query = `SELECT table_name, column_name, CASE is_identity WHEN 'YES' THEN 1 ELSE 0 END FROM information_schema.columns
			WHERE table_schema = 'public' AND table_name <> 'goose_db_version' ORDER BY table_name, ordinal_position`
	}
	rows, err := db.QueryContext(ctxOf(t), query)
	check(t, err)
	var out []table
	for rows.Next() {
		var name, column string
		var counted int
		check(t, rows.Scan(&name, &column, &counted))
		if len(out) == 0 || out[len(out)-1].name != name {
			out = append(out, table{name: name})
		}
		last := &out[len(out)-1]
		last.columns = append(last.columns, column)
		last.counted = append(last.counted, slices.Repeat([]string{column}, counted)...)
	}
	check(t, rows.Err())
	check(t, rows.Close())
	return out
}

// copyRows puts a table's rows in the place of those that are there.
func copyRows(t testing.TB, from *sql.DB, to *sql.Conn, of table) {
	t.Helper()
	order(t, to, "DELETE FROM "+of.name)
	names := strings.Join(of.columns, ", ")
	places, overriding := make([]string, len(of.columns)), ""
	for i := range places {
		places[i] = fmt.Sprint("$", i+1)
	}
	if len(of.counted) > 0 {
		overriding = " OVERRIDING SYSTEM VALUE"
	}
	rows, err := from.QueryContext(ctxOf(t), "SELECT "+names+" FROM "+of.name)
	check(t, err)
	for rows.Next() {
		values, into := make([]any, len(of.columns)), make([]any, len(of.columns))
		for i := range values {
			into[i] = &values[i]
		}
		check(t, rows.Scan(into...))
		order(t, to, "INSERT INTO "+of.name+" ("+names+")"+overriding+" VALUES ("+strings.Join(places, ", ")+")", values...)
	}
	check(t, rows.Err())
	check(t, rows.Close())
}

func order(t testing.TB, db *sql.Conn, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
