package sigv4

import (
	"sync"
	"time"
)

// memory holds the signatures that were seen, each until its request would be too old
// anyway. They lie in buckets of one minute, so that forgetting is dropping buckets. It
// holds max at most: when it is full nothing new is taken, because forgetting early would
// let a request through twice.
type memory struct {
	mu      sync.Mutex
	buckets map[int64]map[[32]byte]struct{} // by the minute, since 1970, in which they may be forgotten
	count   int
	max     int
}

type seen uint8

const (
	unseen seen = iota
	before
	full
)

// look says whether a signature was seen before, and remembers it if not.
func (m *memory) look(signature [32]byte, now, until time.Time) seen {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	minute := until.Unix()/60 + 1
	bucket := m.buckets[minute]
	if _, ok := bucket[signature]; ok {
		return before
	}
	if m.count >= m.max {
		return full
	}
	if bucket == nil {
		bucket = map[[32]byte]struct{}{}
		m.buckets[minute] = bucket
	}
	bucket[signature] = struct{}{}
	m.count++
	return unseen
}

// forget drops what is past. There are as many buckets as twice the skew has minutes.
func (m *memory) forget(now time.Time) {
	for minute, bucket := range m.buckets {
		if minute < now.Unix()/60 {
			m.count -= len(bucket)
			delete(m.buckets, minute)
		}
	}
}
