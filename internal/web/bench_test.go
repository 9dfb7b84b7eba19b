package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/store"
)

// BenchmarkPages asks for pages of 100,000 findings in 100 accounts, one after the other, on
// SQLite.
func BenchmarkPages(b *testing.B) {
	s := manySite(b, 100_000)
	for _, at := range []string{
		"/", "/findings", "/findings?account=100000000007&type=UnusedPermission&sort=-actions", "/findings?resource=app-000777",
		"/findings?service=service03&actions=3", "/findings?group=account", "/findings?group=principal", "/findings/100000000007-000042",
	} {
		b.Run(at, func(b *testing.B) {
			var longest time.Duration
			for b.Loop() {
				begin := time.Now()
				if w := s.get(b, store.Viewer, at); w.Code != http.StatusOK {
					b.Fatalf("status %d", w.Code)
				}
				longest = max(longest, time.Since(begin))
			}
			b.ReportMetric(float64(longest.Milliseconds()), "ms-longest")
		})
	}
}
