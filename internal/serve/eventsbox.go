package serve

import (
	"context"
	"sync"

	"github.com/pare-iam/pare/internal/notify"
)

// countdown ends the telling when the last sink has been told the last change.
type countdown struct {
	mu   sync.Mutex
	left int
	done func()
}

func (c *countdown) one() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		c.done()
	}
}

// counted is an outbox that notices when a sink has come to its end.
type counted struct {
	*notify.Memory
	told *countdown
	last notify.Position
}

// Ack implements notify.Outbox.
func (c counted) Ack(ctx context.Context, sink string, upTo notify.Position) error {
	err := c.Memory.Ack(ctx, sink, upTo)
	if err == nil && upTo == c.last {
		c.told.one()
	}
	return err
}
