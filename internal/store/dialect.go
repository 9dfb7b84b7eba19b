package store

import (
	"database/sql"
	"errors"
	"regexp"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
)

// dialect is all in which the two engines differ once a connection is open. Both take $1
// for the first argument, ON CONFLICT, RETURNING, and (a, b) > ($1, $2).
type dialect struct {
	goose      goose.Dialect
	migrations string    // folder of migrations/
	position   string    // the function that gives where a text has another as a part; 0: nowhere
	rows       int       // how many rows of findings one INSERT takes: measured
	statistics string    // what tells the planner of many new findings; "": nothing needs to
	among      [2]string // around the few values that a column is to be one of, so that they are looked up first
	lock       string    // has a SELECT keep others from changing its rows; "": a writer is alone
	now        string    // the database's clock, in microseconds
	plain      string    // has no statement of a transaction compiled, which takes longer than few rows do; "": none is
	snapshot   sql.TxOptions
	places     func(string) string // writes the places $1, $2, … of a statement's values as is best
}

var (
	sqliteDialect = dialect{
		goose: goose.DialectSQLite3, migrations: "migrations/sqlite", position: "instr", rows: 50, among: [2]string{" IN (", ")"},
		now: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)", places: withoutNames,
	}
	postgresDialect = dialect{
		goose: goose.DialectPostgres, migrations: "migrations/postgres", position: "strpos", rows: 250,
		statistics: "ANALYZE findings, finding_services, resources",
		among:      [2]string{" = ANY (ARRAY(", "))"},
		now:        "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint",
		plain:      "SET LOCAL jit = off",
		lock:       " FOR NO KEY UPDATE", snapshot: sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		places: func(text string) string { return text },
	}
)

var place = regexp.MustCompile(`\$[0-9]+`)

// withoutNames has the values of a statement go by their order alone, in which they are in
// every statement. To SQLite $1 is a name, of which its driver asks for each value, and
// finding one takes as long as there are names: an eighth of a run that is all new.
func withoutNames(text string) string { return place.ReplaceAllString(text, "?") }

// again says whether a transaction failed for no fault of its own, and may be tried again:
// Postgres found a deadlock, or couldn't serialize it.
// https://www.postgresql.org/docs/15/mvcc-serialization-failure-handling.html
func again(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
