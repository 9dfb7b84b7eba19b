package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// BenchmarkDeleteAnalyzer deletes an analyzer with 100,000 findings, of which a sink is to be told:
// how long who deletes it waits, how long anybody else who writes meanwhile does at the most, and
// how long it takes until all is removed.
func BenchmarkDeleteAnalyzer(b *testing.B) {
	for _, e := range storetest.Engines() {
		b.Run(string(e), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := loaded(b, e, manyAccounts, manyPrincipals)
				check(b, s.AddSink(ctxOf(b), sink))
				end, waited := make(chan struct{}), make(chan time.Duration)
				go func() { waited <- longestWrite(s, end) }()
				b.StartTimer()
				begun := time.Now()
				check(b, s.DeleteAnalyzer(ctxOf(b), by(60), theARN, ""))
				b.ReportMetric(time.Since(begun).Seconds()*1000, "delete-ms")
				must(s.RemoveDeleted(ctxOf(b), 0))(b)
				b.ReportMetric(time.Since(begun).Seconds(), "removed-s")
				close(end)
				b.ReportMetric((<-waited).Seconds()*1000, "others-wait-ms")
			}
		})
	}
}

// longestWrite writes again and again, and says how long the longest took.
func longestWrite(s *store.Store, end <-chan struct{}) (longest time.Duration) {
	for {
		select {
		case <-end:
			return longest
		default:
		}
		begun := time.Now()
		if err := s.Audit(context.Background(), store.Entry{At: day(60), Who: "ann", Action: "Login"}); err != nil {
			return time.Hour
		}
		longest = max(longest, time.Since(begun))
	}
}
