package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres opens one pool for reading and writing.
func (s *Store) openPostgres(ctx context.Context, dsn string, readers int) error {
	s.dialect = postgresDialect
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return err
	}
	config.MaxConns = max(config.MaxConns, int32(min(readers, 1<<10)))
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	if err := s.pool.Ping(ctx); err != nil {
		return err
	}
	s.writer = stdlib.OpenDBFromPool(s.pool)
	s.reader = s.writer
	return nil
}

// shown is a database URL without its password, for messages.
func shown(dsn string) string {
	if !isPostgres(dsn) {
		return dsn
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "postgres"
	}
	u.RawQuery = ""
	return u.Redacted()
}

// Away says whether an error is that the database can't be reached, or ended the connection:
// it is stopped, started or out of connections, and what was asked may succeed later.
// Whether a change was made that ended so isn't known. A file of SQLite's is never away.
// https://www.postgresql.org/docs/15/errcodes-appendix.html
func Away(err error) bool {
	if of, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch of.Code {
		case "57P01", "57P02", "57P03", "53300": // it is stopped, crashed, starts; too many connections
			return true
		}
		return strings.HasPrefix(of.Code, "08") // of the connection
	}
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[*net.OpError](err)
	_, syntax := errors.AsType[*jsontext.SyntacticError](err) // half a document is no half answer
	ended := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
	return refused || network || ended && !syntax || pgconn.SafeToRetry(err) && !errors.Is(err, context.Canceled)
}
