package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/pare-iam/pare/internal/store"
)

// errReplaced is why work ends that others have been given.
var errReplaced = errors.New("this server was taken for dead, and others do its work")

// migrationLock is the advisory lock under which one server at a time changes tables: any
// number that others of the database don't use.
// https://www.postgresql.org/docs/15/explicit-locking.html#ADVISORY-LOCKS
const migrationLock = 0x70617265 // "pare"

const serversTable = `CREATE TABLE IF NOT EXISTS pare_servers (id TEXT PRIMARY KEY, seen_at BIGINT NOT NULL)`

// migrate brings the tables of the queue up to date. Interrupted, it goes on the next time:
// River's changes are a transaction each.
func migrate(ctx context.Context, at store.Connections) error {
	if at.Pool == nil {
		m, err := rivermigrate.New(riversqlite.New(at.Writer), nil)
		if err != nil {
			return err
		}
		return upTo(ctx, at.Writer, m)
	}
	conn, err := at.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return err
	}
	m, err := rivermigrate.New(riverpgxv5.New(at.Pool), nil)
	if err == nil {
		err = upTo(ctx, at.Writer, m)
	}
	_, unlockErr := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(migrationLock))
	return errors.Join(err, unlockErr)
}

func upTo[T any](ctx context.Context, db *sql.DB, m *rivermigrate.Migrator[T]) error {
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("tables of the job queue: %w", err)
	}
	_, err := db.ExecContext(ctx, serversTable)
	return err
}

// servers is who works on the queue, by the database's clock.
type servers struct {
	db       *sql.DB
	read     *sql.DB // for what may be a moment old
	postgres bool
	id       string        // this server's
	limit    time.Duration // without a beat, after which one is dead

	known atomic.Bool  // that this one has a row
	last  atomic.Int64 // when this one's last beat was, in nanoseconds of this process's clock
}

// now is the database's clock in microseconds, in its SQL.
func (s *servers) now() string {
	if s.postgres {
		return `(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint`
	}
	return `CAST(unixepoch('subsec') * 1000000 AS INTEGER)`
}

// beat says that this server is there. It returns whether the others had given it up: its
// row is gone that was there.
func (s *servers) beat(ctx context.Context) (replaced bool, err error) {
	done, err := s.db.ExecContext(ctx, `UPDATE pare_servers SET seen_at = `+s.now()+` WHERE id = $1`, s.id)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, err
	}
	if n == 0 {
		replaced = s.known.Load()
		_, err = s.db.ExecContext(ctx, `INSERT INTO pare_servers (id, seen_at) VALUES ($1, `+s.now()+`)`, s.id)
	}
	if err == nil {
		s.known.Store(true)
		s.last.Store(time.Now().UnixNano())
	}
	return replaced, err
}

func (s *servers) alive() bool {
	last := s.last.Load()
	return last != 0 && time.Since(time.Unix(0, last)) < s.limit
}

// leave takes this server's row away.
func (s *servers) leave(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM pare_servers WHERE id = $1`, s.id)
	s.known.Store(false)
	s.last.Store(0)
	return err
}

// living removes those that are dead, and returns the others. This one isn't, however long it
// waited for the database since its beat.
func (s *servers) living(ctx context.Context) (map[string]bool, error) {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM pare_servers WHERE seen_at < `+s.now()+` - $1 AND id <> $2`, s.limit.Microseconds(), s.id); err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM pare_servers`)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for err == nil && rows.Next() {
		var id string
		if err = rows.Scan(&id); err == nil {
			out[id] = true
		}
	}
	return out, errors.Join(err, rows.Err(), rows.Close())
}

// free makes a job available again that was running, unless somebody has begun it anew.
func (s *servers) free(ctx context.Context, job *rivertype.JobRow) error {
	_, err := s.db.ExecContext(ctx, `UPDATE river_job SET state = 'available' WHERE id = $1 AND attempt = $2 AND state = 'running'`, job.ID, job.Attempt)
	return err
}

// beat says that this server is there, and hands on the jobs of those that aren't.
func (j *Jobs) beat(ctx context.Context) error {
	replaced, err := j.servers.beat(ctx)
	if replaced {
		j.interrupt(errReplaced)
	}
	if err != nil {
		return err
	}
	return j.rescue(ctx)
}

// attempt is one at a job.
type attempt struct {
	job int64
	n   int
}

// stray says whether a job is this server's by the database alone, and has been for so long
// that it isn't about to begin or to end: the database was away when it gave the job, or
// when River said that it was done, which River tries for less than a minute. Those that
// are so for now are put into strays.
func (j *Jobs) stray(job *rivertype.JobRow, now time.Time, strays map[attempt]time.Time) bool {
	if lastOf(job) != j.servers.id {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, working := j.running[job.ID]; working {
		return false
	}
	key := attempt{job.ID, job.Attempt}
	since, known := j.strays[key]
	if !known {
		since = now
	}
	strays[key] = since
	return now.Sub(since) >= j.Stray
}

// rescue makes jobs available that nobody works on any more.
func (j *Jobs) rescue(ctx context.Context) error {
	living, err := j.servers.living(ctx)
	if err != nil {
		return err
	}
	strays := map[attempt]time.Time{}
	params := river.NewJobListParams().States(rivertype.JobStateRunning).OrderBy(river.JobListOrderByID, river.SortOrderAsc).First(1000)
	for {
		got, err := j.client.JobList(ctx, params)
		if err != nil {
			return err
		}
		for _, job := range got.Jobs {
			why := "job taken over from a server that is gone"
			if living[lastOf(job)] {
				if !j.stray(job, time.Now(), strays) {
					continue
				}
				why = "job begun anew that this server lost while the database was away"
			}
			if err := j.servers.free(ctx, job); err != nil {
				return err
			}
			j.Logger.WarnContext(ctx, why, "job", job.ID, "kind", job.Kind, "server", lastOf(job))
		}
		if len(got.Jobs) < 1000 || got.LastCursor == nil {
			j.mu.Lock()
			j.strays = strays
			j.mu.Unlock()
			return nil
		}
		params = params.After(got.LastCursor)
	}
}

// lastOf is the server that began a job last.
func lastOf(job *rivertype.JobRow) string {
	if n := len(job.AttemptedBy); n > 0 {
		return job.AttemptedBy[n-1]
	}
	return ""
}
