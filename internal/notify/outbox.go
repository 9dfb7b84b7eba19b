package notify

import (
	"context"
	"fmt"
	"sync"
)

// Position is the place of a change among all: it grows, and may leave gaps.
type Position int64

// Entry is a change in its place.
type Entry struct {
	Position Position
	Change   Change
}

// Outbox keeps the changes, and for each sink up to where it was told. It is safe for
// concurrent use, and asked for different sinks at the same time.
type Outbox interface {
	// Next returns the first changes after the sink's position in growing order, at most
	// limit; none when there is nothing to tell now. A sink that it has never heard of is
	// before the first change. Nothing may appear later at a position before one that was
	// returned. Where several servers share an outbox, it gives a sink's changes to one of
	// them at a time.
	Next(ctx context.Context, sink string, limit int) ([]Entry, error)

	// Ack says that the sink was told all up to and with a position, and won't be again.
	Ack(ctx context.Context, sink string, upTo Position) error
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
func (m *Memory) Ack(_ context.Context, sink string, upTo Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if upTo < m.acked[sink] || int(upTo) > len(m.entries) {
		return fmt.Errorf("position %d of sink %s: want %d to %d", upTo, sink, m.acked[sink], len(m.entries))
	}
	if m.acked == nil {
		m.acked = map[string]Position{}
	}
	m.acked[sink] = upTo
	return nil
}

// Acked is the position of a sink; 0: it was told nothing.
func (m *Memory) Acked(sink string) Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.acked[sink]
}
