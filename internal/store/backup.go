package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes the SQLite database, as it is at one moment, into a new file. Others read
// and write meanwhile. The file is there as a whole or not at all; one that is there is
// never overwritten: ErrConflict. Postgres has pg_dump, and this is ErrInvalid.
// https://www.sqlite.org/lang_vacuum.html#vacuuminto
func (s *Store) Backup(ctx context.Context, to string) error {
	if s.path == "" {
		return invalid("only SQLite is backed up here: want pg_dump for Postgres")
	}
	if err := copyDatabase(ctx, s.path, to); err != nil {
		return fmt.Errorf("backup of %s to %s: %w", s.path, to, err)
	}
	return nil
}

// Restore makes a database file of a backup. It looks first whether the backup is sound,
// one of pare's, and not newer than this program: ErrDamaged, ErrNewer. A database that is
// there isn't overwritten: ErrConflict.
func Restore(ctx context.Context, from, to string) error {
	err := checkBackup(ctx, from)
	if err == nil {
		err = copyDatabase(ctx, from, to)
	}
	if err != nil {
		return fmt.Errorf("restore of %s from %s: %w", to, from, err)
	}
	return nil
}

// copyDatabase copies a database in one step: under another name first.
func copyDatabase(ctx context.Context, from, to string) (err error) {
	// A log beside the file would be taken for the new one's.
	for _, there := range []string{to, to + "-wal", to + "-shm", to + "-journal"} {
		if _, err := os.Lstat(there); !errors.Is(err, os.ErrNotExist) {
			return errors.Join(fmt.Errorf("%s is there: move it away first: %w", there, ErrConflict), err)
		}
	}
	folder, err := os.MkdirTemp(filepath.Dir(to), ".pare-backup-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	part := filepath.Join(folder, "part")
	if err := makePrivate(part); err != nil { // VACUUM INTO takes an empty file
		return err
	}
	if err := vacuumInto(ctx, from, part); err != nil {
		return err
	}
	if err := syncPath(part); err != nil {
		return err
	}
	// A link, unlike a rename, doesn't replace what came meanwhile.
	if err := os.Link(part, to); err != nil {
		if errors.Is(err, os.ErrExist) {
			err = fmt.Errorf("%w: %w", ErrConflict, err)
		}
		return err
	}
	return syncPath(filepath.Dir(to))
}

func vacuumInto(ctx context.Context, from, to string) error {
	db, err := openSQLiteFile(from, "deferred", []string{"busy_timeout(10000)"})
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, to)
	return errors.Join(err, db.Close())
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// checkBackup says what is wrong with a backup.
func checkBackup(ctx context.Context, path string) error {
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.Size() == 0 {
		return fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	if err := checkSQLiteFile(path); err != nil {
		return err
	}
	db, err := openSQLiteFile(path, "deferred", []string{"busy_timeout(10000)", "query_only(1)"})
	if err != nil {
		return err
	}
	return errors.Join(checkContent(ctx, db), db.Close())
}

func checkContent(ctx context.Context, db *sql.DB) error {
	says, err := one(ctx, db, sqlOf(`PRAGMA integrity_check(1)`), scanText, nil)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case says != "ok":
		return fmt.Errorf("%w: %s", ErrDamaged, says)
	}
	version, err := one(ctx, db, sqlOf(`SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`), scanInt, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	p, err := migrator(db, sqliteDialect)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	if known := sources[len(sources)-1].Version; version > known {
		return newer(version, known)
	}
	return nil
}
