package notify

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// A wait grows to MaxWait, is never more, and never less than half of what it grew to.
func TestBackoffStaysInItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			MinWait: time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "min")),
			MaxWait: time.Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "max")),
		}.filled()
		attempts := rapid.IntRange(1, 100).Draw(t, "attempts")
		whole := o.MinWait
		for range attempts - 1 {
			whole = min(2*whole, o.MaxWait)
		}
		if got := o.backoff(attempts); got < whole/2 || got > whole {
			t.Fatalf("attempt %d of %v to %v: %v, want %v to %v", attempts, o.MinWait, o.MaxWait, got, whole/2, whole)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		header string
		want   time.Duration
	}{
		{"", 0}, {"soon", 0}, {"0", 0}, {"-5", 0}, {"7", 7 * time.Second}, {"86400", time.Hour}, {"99999999999999999999", 0},
		{now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{now.Add(72 * time.Hour).Format(http.TimeFormat), time.Hour},
	} {
		if got := retryAfter(tt.header, now); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.header, got, tt.want)
		}
	}
}

// A text that fits is left alone; one that doesn't is cut between characters, and marked.
func FuzzClip(f *testing.F) {
	f.Add("unused permissions", 10)
	f.Add("ééééééééé", 8)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 3 + (limit&0xff+0x100)%0x100
		got := clip(text, limit)
		kept, cut := strings.CutSuffix(got, "…")
		switch {
		case len(got) > limit:
			t.Fatalf("%d bytes: %q", len(got), got)
		case len(text) <= limit && got != text:
			t.Fatalf("%q was cut to %q", text, got)
		case len(text) > limit && (!cut || !strings.HasPrefix(text, kept)):
			t.Fatalf("%q was cut to %q", text, got)
		case utf8.ValidString(text) && !utf8.ValidString(got):
			t.Fatalf("%q was cut within a character", text)
		case utf8.ValidString(text) && cut && len(text) > limit && len(kept) < limit-len("…")-utf8.UTFMax:
			t.Fatalf("%d of %d bytes are left", len(kept), limit)
		}
	})
}

// Batches have every item in order, and no more than fits, but for an item that fits nowhere.
func TestBatchesLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "sizes")
		most, bytes := rapid.IntRange(1, 8).Draw(t, "most"), rapid.IntRange(1, 30).Draw(t, "bytes")
		items := make([]shaped[int], len(sizes))
		for i, size := range sizes {
			items[i] = shaped[int]{item: i, size: size}
		}
		next, room := 0, -1
		for batch := range batches(items, most, bytes) {
			sum := 0
			for _, s := range batch {
				if s.item != next {
					t.Fatalf("item %d comes in the place of %d", s.item, next)
				}
				next++
				sum += s.size
			}
			if len(batch) == 0 || len(batch) > most || sum > bytes && len(batch) > 1 {
				t.Fatalf("a batch of %d items and %d bytes", len(batch), sum)
			}
			if room >= batch[0].size {
				t.Fatalf("item %d had room in the batch before", batch[0].item)
			}
			room = -1
			if len(batch) < most {
				room = bytes - sum
			}
		}
		if next != len(sizes) {
			t.Fatalf("%d of %d items", next, len(sizes))
		}
	})
}
