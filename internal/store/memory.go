package store

import (
	"context"
	"fmt"
	"sync"
)

// memory keeps counts until what they count changes. A count reads as many rows as there are
// findings, and a page asks for several; they change when a run ends or somebody archives.
// An answer is kept as a text, so that nobody can change another's.
//
// It is exact: an answer is good for one revision of the analyzer, which each transaction
// that changes findings counts up. Who asks after a change gets the answer after it, on
// whichever server.
type memory struct {
	mu   sync.Mutex
	have map[string]remembered
	busy map[string]chan struct{} // closed when who asked first has the answer
}

// remembered is an answer.
type remembered struct {
	revision int64
	text     string
}

// memorySize is how many answers are kept; they are some 100 bytes to 20 KB.
const memorySize = 512

func newMemory() *memory {
	return &memory{have: map[string]remembered{}, busy: map[string]chan struct{}{}}
}

// get is the answer to what, of a revision or a later one. Of those who ask at once, one
// works it out.
func (m *memory) get(ctx context.Context, what string, revision int64, work func() (string, error)) (string, error) {
	for {
		m.mu.Lock()
		if r, ok := m.have[what]; ok && r.revision >= revision {
			m.mu.Unlock()
			return r.text, nil
		}
		other := m.busy[what]
		if other == nil {
			m.busy[what] = make(chan struct{})
		}
		m.mu.Unlock()
		if other == nil {
			return m.work(what, revision, work)
		}
		select {
		case <-other: // it may have failed, or be of an earlier revision: look again
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (m *memory) work(what string, revision int64, work func() (string, error)) (text string, err error) {
	done := false
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		close(m.busy[what])
		delete(m.busy, what)
		if !done || err != nil {
			return
		}
		if len(m.have) >= memorySize {
			clear(m.have)
		}
		m.have[what] = remembered{revision, text}
	}()
	text, err = work()
	done = true
	return text, err
}

// counted is what count says of an analyzer, given by its ARN, worked out once until its
// findings change.
func counted[T any](ctx context.Context, s *Store, analyzer, what string, count func(owner int64) (T, error)) (T, error) {
	var out T
	type state struct{ owner, revision int64 }
	now, err := one(ctx, s.reader, sqlOf(`SELECT id, revision FROM analyzers WHERE arn = ?`, analyzer), func(r row) (v state, err error) {
		err = r.Scan(&v.owner, &v.revision)
		return v, err
	}, notFound("analyzer", analyzer))
	if err != nil {
		return out, err
	}
	text, err := s.memory.get(ctx, fmt.Sprintf("%d %s", now.owner, what), now.revision, func() (string, error) {
		v, err := count(now.owner)
		if err != nil {
			return "", err
		}
		return encode(v)
	})
	if err == nil {
		err = decode(text, &out)
	}
	return out, err
}
