package login

import (
	"sync"
	"time"
)

// limit is how often something may be done: so many times at once, and then once again each
// time that every passes.
type limit struct {
	burst int
	every time.Duration
}

// limiter counts by key, in a table that never grows beyond its size.
//
// A bucket is the time when it will be full again. One that is full is as good as none, so
// that dropping it forgets nothing; no other is dropped. When there is no room, new keys
// share one bucket, and who gets an own one later starts at the shared one's level. So
// a full table makes the limiter stricter and never more lenient: who fills it resets
// nobody's count.
type limiter struct {
	limit
	size int

	mu     sync.Mutex
	own    map[string]*bucket
	shared bucket
	swept  time.Time
}

// bucket is when it will be full again.
type bucket struct{ full time.Time }

// tableSize is how many keys a table has, about a megabyte.
const tableSize = 8192

func newLimiter(l limit) *limiter {
	return &limiter{limit: l, size: tableSize, own: map[string]*bucket{}}
}

// taken is one that was taken from a bucket, to be given back.
type taken struct {
	l    *limiter
	from *bucket
}

// take takes one for a key. If there is none, wait is how long until there will be.
func (l *limiter) take(key string, now time.Time) (t taken, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key, now)
	full := later(b.full, now).Add(l.every)
	if wait = full.Sub(now) - time.Duration(l.burst)*l.every; wait > 0 {
		return taken{}, wait
	}
	b.full = full
	return taken{l, b}, 0
}

// back gives back what was taken, by somebody who turned out to be harmless.
func (t taken) back() {
	if t.l == nil {
		return
	}
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	t.from.full = t.from.full.Add(-t.l.every)
}

// bucket is where a key is counted.
func (l *limiter) bucket(key string, now time.Time) *bucket {
	if b := l.own[key]; b != nil {
		return b
	}
	if len(l.own) >= l.size {
		l.sweep(now)
	}
	if len(l.own) >= l.size {
		return &l.shared
	}
	b := &bucket{l.shared.full}
	l.own[key] = b
	return b
}

// sweep drops the buckets that are full. It looks through the table no more often than one
// comes back, so that a flood doesn't pay for it each time.
func (l *limiter) sweep(now time.Time) {
	if since := now.Sub(l.swept); since >= 0 && since < l.every {
		return
	}
	l.swept = now
	for key, b := range l.own {
		if !b.full.After(now) {
			delete(l.own, key)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
