package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
)

// querier is a transaction or a pool.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// row is one row of an answer.
type row interface{ Scan(into ...any) error }

// write runs f in a transaction. It may run f again, when Postgres says that the
// transaction failed for another's sake.
func (s *Store) write(ctx context.Context, f func(*sql.Tx) error) error {
	const tries = 5
	for try := 1; ; try++ {
		err := s.writeOnce(ctx, f)
		if err == nil || try == tries || !again(err) {
			return err
		}
	}
}

func (s *Store) writeOnce(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, undo(tx))
	}
	return tx.Commit()
}

// snapshot has all queries of f see the database as it is at one moment, whatever is written
// meanwhile.
func (s *Store) snapshot(ctx context.Context, f func(querier) error) error {
	tx, err := s.reader.BeginTx(ctx, &s.dialect.snapshot)
	if err != nil {
		return err
	}
	return errors.Join(f(tx), undo(tx))
}

// undo ends a transaction that changed nothing, or shall not have.
func undo(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// statement is SQL with its arguments.
type statement struct {
	strings.Builder
	args []any
}

// add writes SQL in which each ? stands for the next of the values. No text of ours has a
// question mark otherwise.
func (st *statement) add(text string, values ...any) *statement {
	for _, v := range values {
		before, after, _ := strings.Cut(text, "?")
		st.WriteString(before)
		st.value(v)
		text = after
	}
	st.WriteString(text)
	return st
}

func (st *statement) value(v any) {
	st.args = append(st.args, v)
	st.WriteByte('$')
	st.WriteString(strconv.Itoa(len(st.args)))
}

// append writes another statement, its values after those that there are.
func (st *statement) append(other *statement) {
	text := other.String()
	for i, v := range other.args {
		before, after, _ := strings.Cut(text, "$"+strconv.Itoa(i+1))
		st.WriteString(before)
		st.value(v)
		text = after
	}
	st.WriteString(text)
}

// list writes ($1, $2, …).
func list[T any](st *statement, values []T) {
	st.WriteByte('(')
	for i, v := range values {
		if i > 0 {
			st.WriteByte(',')
		}
		st.value(v)
	}
	st.WriteByte(')')
}

func sqlOf(text string, values ...any) *statement { return new(statement).add(text, values...) }

// exec runs a statement and says how many rows it changed.
func exec(ctx context.Context, q querier, st *statement) (int64, error) {
	done, err := q.ExecContext(ctx, st.String(), st.args...)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// one reads a row, or returns missing if there is none.
func one[T any](ctx context.Context, q querier, st *statement, scan func(row) (T, error), missing error) (T, error) {
	v, err := scan(q.QueryRowContext(ctx, st.String(), st.args...))
	if errors.Is(err, sql.ErrNoRows) {
		err = missing
	}
	return v, err
}

// all reads all rows; never nil.
func all[T any](ctx context.Context, q querier, st *statement, scan func(row) (T, error)) ([]T, error) {
	out := []T{}
	err := each(ctx, q, st, func(r row) error {
		v, err := scan(r)
		out = append(out, v)
		return err
	})
	return out, err
}

// each calls f with every row.
func each(ctx context.Context, q querier, st *statement, f func(row) error) error {
	rows, err := q.QueryContext(ctx, st.String(), st.args...)
	return eachOf(rows, err, f)
}

// eachOf calls f with every row of an answer that may be an error.
func eachOf(rows *sql.Rows, err error, f func(row) error) error {
	if err != nil {
		return err
	}
	for err == nil && rows.Next() {
		err = f(rows)
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

func scanInt(r row) (n int64, err error)   { err = r.Scan(&n); return n, err }
func scanText(r row) (s string, err error) { err = r.Scan(&s); return s, err }

// micros is a time as it is stored: 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// instant scans a stored time.
type instant struct{ into *time.Time }

// Scan takes what the driver read.
func (i instant) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return errors.New("a time that isn't a number")
	}
	*i.into = fromMicros(n)
	return nil
}
