package store

import (
	"context"
	"net/url"

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
