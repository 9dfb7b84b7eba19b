package jobs

import (
	"context"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/internal/store"
)

// LookOnce looks once at what is due.
func (j *Jobs) LookOnce(ctx context.Context) error { return j.look(ctx) }

// BeatOnce says once that this server is there, and looks for jobs that nobody works on.
func (j *Jobs) BeatOnce(ctx context.Context) error { return j.beat(ctx) }

// Bury has this server's row gone, as if another had taken it for dead.
func (j *Jobs) Bury(ctx context.Context) error {
	_, err := j.servers.db.ExecContext(ctx, `DELETE FROM pare_servers WHERE id = $1`, j.servers.id)
	return err
}

// Forget has all jobs running by this server, as the database says, whatever became of them:
// as if it had been away when they were given out or done. It returns how many there are.
func (j *Jobs) Forget(ctx context.Context) (int64, error) {
	done, err := j.servers.db.ExecContext(ctx, `UPDATE river_job SET state = 'running', finalized_at = NULL`)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// Made is what is kept of a recommendation.
func (j *Jobs) Made(rec analyzer.Recommendation) (store.Made, error) { return j.made(rec) }
