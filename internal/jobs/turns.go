package jobs

import (
	"context"
	"sync"

	"github.com/pare-iam/pare/internal/store"
)

// turns lets one at a time collect an account: several analyzers may look at it, and its
// data lies in one place.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // by account; closed when it is free again
}

// take waits until an account is free, and returns what frees it again.
func (t *turns) take(ctx context.Context, id string) (free func(), err error) {
	for {
		done, mine := t.try(id)
		if mine {
			return func() { t.free(id) }, nil
		}
		select {
		case <-done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *turns) try(id string) (done <-chan struct{}, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if there := t.taken[id]; there != nil {
		return there, false
	}
	if t.taken == nil {
		t.taken = map[string]chan struct{}{}
	}
	t.taken[id] = make(chan struct{})
	return nil, true
}

func (t *turns) free(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.taken[id])
	delete(t.taken, id)
}

// collect brings an account's data up to date, when nobody else does.
func (j *Jobs) collect(ctx context.Context, a store.Account) (dir string, err error) {
	free, err := j.turns.take(ctx, a.ID)
	if err != nil {
		return "", err
	}
	defer free()
	return j.Source.Collect(ctx, a)
}
