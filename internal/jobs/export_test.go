package jobs

import (
	"context"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/internal/store"
)

// LookOnce looks once at what is due.
func (j *Jobs) LookOnce(ctx context.Context) error { return j.look(ctx) }

// Bury has this server's row gone, as if another had taken it for dead.
func (j *Jobs) Bury(ctx context.Context) error {
	_, err := j.servers.db.ExecContext(ctx, `DELETE FROM pare_servers WHERE id = $1`, j.servers.id)
	return err
}

// Made is what is kept of a recommendation.
func (j *Jobs) Made(rec analyzer.Recommendation) (store.Made, error) { return j.made(rec) }
