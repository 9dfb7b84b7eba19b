package serve

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pare-iam/pare/internal/store"
)

// sweepEvery is how often it is looked whether an analyzer was deleted.
const sweepEvery = 2 * time.Second

// sweeper removes what was found by analyzers that were deleted, by this server or another.
// What is left when it ends is removed by another server, or by the next that is started.
type sweeper struct {
	store *store.Store
	log   *slog.Logger
	every time.Duration
	stop  context.CancelFunc
	loop  sync.WaitGroup
}

// startSweeper sweeps until close.
func startSweeper(ctx context.Context, s *store.Store, log *slog.Logger, every time.Duration) *sweeper {
	out := &sweeper{store: s, log: log, every: every}
	ctx, out.stop = context.WithCancel(context.WithoutCancel(ctx))
	out.loop.Go(func() { out.run(ctx) })
	return out
}

func (s *sweeper) run(ctx context.Context) {
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		n, err := s.store.RemoveDeleted(ctx, 0)
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.ErrorContext(ctx, "removing what deleted analyzers found", "error", err)
		case n > 0:
			s.log.InfoContext(ctx, "removed what deleted analyzers found", "findings", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// close ends the sweeping, and with it the transaction that is under way.
func (s *sweeper) close() {
	s.stop()
	s.loop.Wait()
}
