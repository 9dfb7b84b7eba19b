package store

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Options are what a database needs beside its place. The zero value is the default.
type Options struct {
	// Key seals the secrets of access keys, by AES-256-GCM: 32 bytes. They must be read
	// again, since SigV4 signs with the secret itself; so the key must live elsewhere than
	// the database and its backups. nil: there are no access keys.
	Key []byte

	// Temp is the folder for what a run found until it is complete; it takes about 1 KB a
	// finding. "": beside the SQLite file, or the system's folder.
	Temp string

	// Readers is how many connections read at a time; 0: 16.
	Readers int
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	writer  *sql.DB // SQLite: one connection; Postgres: the same as reader
	reader  *sql.DB
	pool    *pgxpool.Pool // of Postgres; else nil
	dialect dialect
	path    string // of the SQLite file; else ""
	temp    string
	few     few
	saved   savings
	exports chan struct{} // has as many as may run at a time
	seal    cipher.AEAD   // nil without Options.Key

	texts     *memory[string]
	counts    *memory[figure[int]]
	privilege *memory[figure[Privilege]]
}

// By is who changes something, from where, and when. Every change of settings says it,
// and the audit log has it.
type By struct {
	Who    string    // name of a user, or of a part of the server: "retention"
	Origin string    // address that it came from; "" for the server itself
	At     time.Time // now
	Ask    Ask       // of a client that may ask again; else zero
}

// Ask is how a request that is made again is known. Under the same Token and Operation,
// for Retention.Tokens, a change is made once: asked again with the same Input it is done
// already, with another one it is ErrReused. Changes that take a token of their own take
// either.
type Ask struct {
	Token     string // the client's; "": each time is a new one
	Operation string
	Input     [32]byte // a digest of all that was asked for
}

const defaultReaders = 16

// Open opens the database, makes it if there is none, and brings it up to date. The URL is
// "sqlite:path", a path alone, or "postgres://user@host/name". An interrupted migration
// starts again. A database of a newer pare is ErrNewer, a file of something else
// ErrDamaged.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s := &Store{
		temp: o.Temp, few: few{findings: 2000, resources: 100},
		texts: newMemory(textRoom, func(text string) int { return len(text) }), counts: newMemory(figureRoom, weighFigure[int]), privilege: newMemory(figureRoom, weighFigure[Privilege]),
	}
	if err := s.setKey(o.Key); err != nil {
		return nil, err
	}
	if o.Readers == 0 {
		o.Readers = defaultReaders
	}
	s.exports = make(chan struct{}, max(1, o.Readers/2))
	var err error
	if isPostgres(url) {
		err = s.openPostgres(ctx, url, o.Readers)
	} else {
		s.path = SQLitePath(url)
		if s.temp == "" {
			s.temp = filepath.Dir(s.path)
		}
		err = s.openSQLite(ctx, o.Readers)
	}
	if err == nil {
		err = migrate(ctx, s.writer, s.dialect)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", shown(url), err), s.Close())
	}
	return s, nil
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// SQLitePath is the file that a database URL names; "" if it is one of Postgres.
func SQLitePath(url string) string {
	if isPostgres(url) {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "//")
}

// Close ends all connections. What runs is interrupted.
func (s *Store) Close() error {
	var errs []error
	if s.reader != nil && s.reader != s.writer {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	if s.pool != nil {
		s.pool.Close()
	}
	return errors.Join(errs...)
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.reader.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// Connections are the ways into the same database for a library with tables of its own,
// such as a job queue. Whoever writes on SQLite uses Writer, so that there is one.
type Connections struct {
	Writer *sql.DB
	Reader *sql.DB       // can't write on SQLite; the same as Writer on Postgres
	Pool   *pgxpool.Pool // nil on SQLite
}

// Connections gives out the connections. They end with the Store.
func (s *Store) Connections() Connections { return Connections{s.writer, s.reader, s.pool} }
