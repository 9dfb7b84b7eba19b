package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the database up to date. Each step is one transaction with the note that
// it was taken, so that an interrupted one starts again. On Postgres several servers may
// start at once: one migrates and the others wait. On SQLite the one that comes second
// finds the tables made, and looks again.
func migrate(ctx context.Context, db *sql.DB, d dialect) error {
	p, err := migrator(db, d)
	if err != nil {
		return err
	}
	const tries = 3
	for try := 1; ; try++ {
		if err = upOnce(ctx, p); err == nil || try == tries || ctx.Err() != nil {
			return err
		}
	}
}

func upOnce(ctx context.Context, p *goose.Provider) error {
	current, target, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return err
	case current > target:
		return newer(current, target)
	case current == target:
		return nil
	}
	_, err = p.Up(ctx)
	return err
}

func newer(current, target int64) error {
	return fmt.Errorf("%w: it has version %d and this pare knows version %d: use a newer pare, or restore a backup", ErrNewer, current, target)
}

func migrator(db *sql.DB, d dialect) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, d.migrations)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	if d.goose == goose.DialectPostgres {
		one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // a second, up to 300 times
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(one))
	}
	return goose.NewProvider(d.goose, db, files, options...)
}
