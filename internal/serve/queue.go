package serve

import (
	"context"

	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/web"
)

// queue is the jobs as the dashboard and the metrics see them.
type queue struct{ *working }

type working = jobs.Jobs

// Jobs implements web.Queue.
func (q queue) Jobs(ctx context.Context, page store.Page) (store.Part[web.JobView], error) {
	part, err := q.working.Jobs(ctx, page)
	out := store.Part[web.JobView]{Items: make([]web.JobView, len(part.Items)), Next: part.Next}
	for i, j := range part.Items {
		out.Items[i] = web.JobView(j)
	}
	return out, err
}

// Counts implements Jobs.
func (q queue) Counts(ctx context.Context) ([]JobCount, error) {
	counts, err := q.working.Counts(ctx)
	out := make([]JobCount, len(counts))
	for i, c := range counts {
		out[i] = JobCount(c)
	}
	return out, err
}
