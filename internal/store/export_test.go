package store

import (
	"context"
	"database/sql"
)

// SetFew sets how many rows are few enough to be looked up and sorted.
func (s *Store) SetFew(findings, resources int) { s.few = few{findings, resources} }

// SetReader has the store read by other connections, and returns the ones it had.
func (s *Store) SetReader(db *sql.DB) *sql.DB {
	was := s.reader
	s.reader = db
	return was
}

// MakeOld makes a database as a pare left it whose last migration had a version.
func MakeOld(ctx context.Context, url string, version int64) (*Store, error) {
	s := &Store{path: SQLitePath(url)}
	open := s.openSQLite
	if s.path == "" {
		open = func(ctx context.Context, readers int) error { return s.openPostgres(ctx, url, readers) }
	}
	if err := open(ctx, 1); err != nil {
		return s, err
	}
	p, err := migrator(s.writer, s.dialect)
	if err == nil {
		_, err = p.UpTo(ctx, version)
	}
	return s, err
}
