package login

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// exact is the same limit without a bound on memory, counted in another way: by listing when
// each one that was taken comes back.
type exact struct {
	limit
	level map[string]float64 // how many are left
	at    map[string]time.Time
}

// left is how many a key has left, as real numbers have it.
func (e *exact) left(key string, now time.Time) float64 {
	if _, known := e.level[key]; !known {
		return float64(e.burst)
	}
	return min(float64(e.burst), e.level[key]+now.Sub(e.at[key]).Seconds()/e.every.Seconds())
}

func (e *exact) spend(key string, now time.Time) {
	e.level[key] = e.left(key, now) - 1
	e.at[key] = now
}

// However many keys there are and however small the table, nobody gets more than the limit;
// and with room for all, everybody gets just that.
func TestLimiterLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLimiter(limit{burst: rapid.IntRange(1, 4).Draw(t, "burst"), every: 10 * time.Second})
		l.size = rapid.SampledFrom([]int{1, 2, 100}).Draw(t, "size")
		model := exact{l.limit, map[string]float64{}, map[string]time.Time{}}
		now := time.Unix(1e9, 0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 0, 1, 5, 10, 15}).Draw(t, "seconds")) * time.Second)
			key := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "key"))
			left := model.left(key, now)
			taken, wait := l.take(key, now)
			const rounding = 1e-6
			if wait == 0 && left < 1-rounding {
				t.Fatalf("%s gets one more, and has %v left", key, left)
			}
			if wait > 0 && l.size == 100 && left >= 1+rounding {
				t.Fatalf("%s must wait for %v, and has %v left", key, wait, left)
			}
			if len(l.own) > l.size {
				t.Fatalf("%d keys in a table for %d", len(l.own), l.size)
			}
			if wait > 0 {
				continue
			}
			if rapid.IntRange(0, 3).Draw(t, "succeeds") == 0 {
				taken.back()
				continue
			}
			model.spend(key, now)
		}
	})
}

func TestLimiterSaysWhenToComeAgain(t *testing.T) {
	l := newLimiter(limit{burst: 2, every: 10 * time.Second})
	now := time.Unix(1e9, 0)
	for i, want := range []time.Duration{0, 0, 10 * time.Second, 10 * time.Second} {
		if _, wait := l.take("a", now); wait != want {
			t.Errorf("try %d: wait for %v, want %v", i, wait, want)
		}
	}
	if _, wait := l.take("a", now.Add(10*time.Second)); wait != 0 {
		t.Errorf("having waited: wait for %v", wait)
	}
}

// A flood of other keys doesn't make a limiter forget one.
func TestLimiterIsNotFlushed(t *testing.T) {
	l := newLimiter(limit{burst: 3, every: time.Minute})
	l.size = 50
	now := time.Unix(1e9, 0)
	for range 3 {
		l.take("victim", now)
	}
	for i := range 10_000 {
		l.take(fmt.Sprint(i), now.Add(time.Duration(i)*time.Millisecond))
	}
	if _, wait := l.take("victim", now.Add(11*time.Second)); wait == 0 {
		t.Error("it is forgotten")
	}
	if _, wait := l.take("victim", now.Add(time.Minute)); wait != 0 {
		t.Errorf("after its time: wait for %v", wait)
	}
	if _, wait := l.take("newcomer", now.Add(time.Hour)); wait != 0 {
		t.Errorf("when all is over: wait for %v", wait)
	}
}
