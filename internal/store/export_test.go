package store

import "database/sql"

// SetFew sets how many rows are few enough to be looked up and sorted.
func (s *Store) SetFew(findings, resources int) { s.few = few{findings, resources} }

// SetReader has the store read by other connections, and returns the ones it had.
func (s *Store) SetReader(db *sql.DB) *sql.DB {
	was := s.reader
	s.reader = db
	return was
}
