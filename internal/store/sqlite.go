package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// openSQLite opens one connection that writes, and a pool of others that can't.
//
// In write-ahead mode readers see the last commit while a transaction writes. The writer
// takes its lock when it begins, since a lock that is taken halfway can fail at once.
// https://www.sqlite.org/lang_transaction.html#deferred_immediate_and_exclusive_transactions
func (s *Store) openSQLite(ctx context.Context, readers int) error {
	s.dialect = sqliteDialect
	if s.path == "" {
		return invalid("no path: want sqlite:path or postgres://…")
	}
	if err := checkSQLiteFile(s.path); err != nil {
		return err
	}
	if err := makePrivate(s.path); err != nil {
		return err
	}
	common := []string{"busy_timeout(10000)", "foreign_keys(1)", "trusted_schema(0)"}
	var err error
	if s.writer, err = openSQLiteFile(s.path, "immediate", append(common,
		"journal_mode(WAL)", "synchronous(FULL)", "cache_size(-65536)", "journal_size_limit(67108864)")); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	s.writer.SetConnMaxIdleTime(0)
	if err := s.writer.PingContext(ctx); err != nil {
		return err
	}
	if s.reader, err = openSQLiteFile(s.path, "deferred", append(common, "query_only(1)", "cache_size(-8192)", mapped)); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return nil
}

// mapped has readers see the file as memory, as far as it isn't in the log. Through their
// caches they would get in each other's way: this build of SQLite has one lock for the pages
// of all caches. https://www.sqlite.org/mmap.html
const mapped = "mmap_size(1073741824)"

// makePrivate makes a file that only its owner can read, if there is none: it will have hashes
// of passwords. SQLite makes the log beside it alike.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// openSQLiteFile makes a pool. Each pragma is set on each of its connections.
func openSQLiteFile(path, lock string, pragmas []string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"_txlock": {lock}, "_pragma": pragmas}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}
	return sql.Open("sqlite", u.String())
}

// checkSQLiteFile looks at the first bytes of a file, so that a wrong path is not an error
// about pages.
// https://www.sqlite.org/fileformat.html#the_database_header
func checkSQLiteFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	head := make([]byte, 100)
	n, readErr := f.Read(head)
	if err := f.Close(); err != nil {
		return err
	}
	const magic = "SQLite format 3\x00"
	switch id := string(head[68:72]); {
	case n == 0: // new, or made by somebody who was interrupted
		return nil
	case readErr != nil:
		return readErr
	case n < len(head) || string(head[:len(magic)]) != magic:
		return fmt.Errorf("%w: it isn't SQLite's", ErrDamaged)
	case id != "pare" && id != "\x00\x00\x00\x00":
		return fmt.Errorf("%w: it is another program's", ErrDamaged)
	}
	return nil
}
