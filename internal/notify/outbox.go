package notify

import (
	"context"
	"fmt"
	"sync"
)

// Position is the place of a change among all: it grows, and may leave gaps. Those of changes
// by which findings are deleted may be counted by themselves.
type Position int64

// Entry is a change in its place.
type Entry struct {
	Position Position
	Change   Change
}

// Outbox keeps the changes, and for each sink which of them it was told. It is safe for
// concurrent use, and asked for different sinks at the same time.
type Outbox interface {
	// Next returns changes that the sink wasn't told, at most limit, and none when there is
	// nothing to tell now. Those of a finding are in growing order, and none of the finding's
	// may appear later at a position before one that was returned. Where several servers
	// share an outbox, it gives a sink's changes to one of them at a time.
	Next(ctx context.Context, sink string, limit int) ([]Entry, error)

	// Ack says that the sink was told the first entries of what Next returned, or those that
	// follow the ones of the last Ack, and won't be again.
	Ack(ctx context.Context, sink string, told []Entry) error
}

// Memory is an Outbox that lives as long as the process, for tests and trials. The zero
// value is empty.
type Memory struct {
	mu      sync.Mutex
	entries []Entry
	acked   map[string]Position
}

// Add puts changes at the end.
func (m *Memory) Add(changes ...Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range changes {
		m.entries = append(m.entries, Entry{Position(len(m.entries) + 1), c})
	}
}

// Next implements [Outbox].
func (m *Memory) Next(ctx context.Context, sink string, limit int) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.entries[m.acked[sink]:]
	return append([]Entry(nil), rest[:min(limit, len(rest))]...), ctx.Err()
}

// Ack implements [Outbox].
func (m *Memory) Ack(_ context.Context, sink string, told []Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.acked == nil {
		m.acked = map[string]Position{}
	}
	for _, e := range told {
		if e.Position != m.acked[sink]+1 || int(e.Position) > len(m.entries) {
			return fmt.Errorf("position %d of sink %s: want %d of %d", e.Position, sink, m.acked[sink]+1, len(m.entries))
		}
		m.acked[sink] = e.Position
	}
	return nil
}

// Acked is the position of a sink; 0: it was told nothing.
func (m *Memory) Acked(sink string) Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.acked[sink]
}
