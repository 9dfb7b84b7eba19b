package serve_test

import (
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// TestWhatADeletedAnalyzerFoundIsRemoved deletes an analyzer through one server; another that is
// started later does the rest.
func TestWhatADeletedAnalyzerFoundIsRemoved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, database string) {
		s := start(t, configured(t, database))
		d := s.scanned(t)
		must(t, s.stop())
		by, err := store.Open(t.Context(), database, store.Options{})
		must(t, err)
		must(t, by.DeleteAnalyzer(t.Context(), store.By{Who: "test", At: time.Now()}, d.Analyzer, ""))
		left := func() (n int) {
			must(t, by.Connections().Reader.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM findings`).Scan(&n))
			return n
		}
		if left() < d.Findings {
			t.Errorf("%d findings in the database, want %d: nobody is there to remove them", left(), d.Findings)
		}
		start(t, configured(t, database))
		until(t, "the findings are removed", func() bool { return left() == 0 })
		must(t, by.Close())
	})
}
