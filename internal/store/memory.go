package store

import (
	"context"
	"fmt"
	"sync"
)

// memory keeps answers until what they are about changes. A count reads as many rows as there
// are findings, and a page asks for several; they change when a run ends or somebody archives.
// What an answer holds is never changed.
//
// It is exact: an answer is good for one revision of the analyzer, which each transaction
// that changes findings counts up. Who asks after a change gets the answer after it, on
// whichever server.
type memory[T any] struct {
	weigh func(T) int // how much room an answer takes
	room  int         // that there is

	mu   sync.Mutex
	have map[string]remembered[T]
	busy map[string]chan struct{} // closed when who asked first has the answer
	held int
}

// remembered is an answer.
type remembered[T any] struct {
	revision int64
	value    T
}

func newMemory[T any](room int, weigh func(T) int) *memory[T] {
	return &memory[T]{weigh: weigh, room: room, have: map[string]remembered[T]{}, busy: map[string]chan struct{}{}}
}

// get is the answer to what, of a revision or a later one. Of those who ask at once, one
// works it out, and is given what there was: of revision 0, if there was nothing.
func (m *memory[T]) get(ctx context.Context, what string, revision int64, work func(remembered[T]) (remembered[T], error)) (T, error) {
	var none T
	for {
		m.mu.Lock()
		had, ok := m.have[what]
		if ok && had.revision >= revision {
			m.mu.Unlock()
			return had.value, nil
		}
		other := m.busy[what]
		if other == nil {
			m.busy[what] = make(chan struct{})
		}
		m.mu.Unlock()
		if other == nil {
			return m.work(what, had, work)
		}
		select {
		case <-other: // it may have failed, or be of an earlier revision: look again
		case <-ctx.Done():
			return none, ctx.Err()
		}
	}
}

// peek is an answer that is there.
func (m *memory[T]) peek(what string, revision int64) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	had, ok := m.have[what]
	return had.value, ok && had.revision >= revision
}

func (m *memory[T]) work(what string, had remembered[T], work func(remembered[T]) (remembered[T], error)) (T, error) {
	var now remembered[T]
	err := fmt.Errorf("%s: broken off", what) // work may panic
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		close(m.busy[what])
		delete(m.busy, what)
		if err == nil {
			m.put(what, now)
		}
	}()
	now, err = work(had)
	return now.value, err
}

// put keeps an answer, and forgets any others until there is room for it.
func (m *memory[T]) put(what string, now remembered[T]) {
	m.forget(what)
	for other := range m.have {
		if m.held+m.weigh(now.value) <= m.room {
			break
		}
		m.forget(other)
	}
	m.have[what] = now
	m.held += m.weigh(now.value)
}

func (m *memory[T]) forget(what string) {
	if had, ok := m.have[what]; ok {
		m.held -= m.weigh(had.value)
		delete(m.have, what)
	}
}

// textRoom is how many bytes of answers that are texts are kept.
const textRoom = 8 << 20

// counted is what count says of an analyzer, given by its ARN, worked out once until its
// findings change. It is kept as a text, so that nobody can change another's.
func counted[T any](ctx context.Context, s *Store, analyzer, what string, count func(owner int64) (T, error)) (T, error) {
	var out T
	now, err := s.stateOf(ctx, s.reader, analyzer)
	if err != nil {
		return out, err
	}
	text, err := s.texts.get(ctx, now.named(what), now.revision, func(remembered[string]) (remembered[string], error) {
		v, err := count(now.owner)
		if err != nil {
			return remembered[string]{}, err
		}
		text, err := encode(v)
		return remembered[string]{now.revision, text}, err
	})
	if err == nil {
		err = decode(text, &out)
	}
	return out, err
}

// analyzerState is an analyzer's key, and how often it was changed.
type analyzerState struct{ owner, revision int64 }

// named is a name for something of an analyzer.
func (s analyzerState) named(what string) string { return fmt.Sprintf("%d %s", s.owner, what) }

func (s *Store) stateOf(ctx context.Context, q querier, analyzer string) (analyzerState, error) {
	return one(ctx, q, sqlOf(`SELECT id, revision FROM analyzers WHERE arn = ?`, analyzer), func(r row) (v analyzerState, err error) {
		err = r.Scan(&v.owner, &v.revision)
		return v, err
	}, notFound("analyzer", analyzer))
}
