package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// steps are what a sink is to be told, without noting it.
func steps(t *testing.T, s *store.Store, of string) []store.Step {
	t.Helper()
	return must(s.Untold(ctxOf(t), of, 10))(t)
}

// gone is a store with a finding that retention removed, which had been found, resolved and
// archived before that, and of which two sinks are to be told.
func gone(t *testing.T, s *store.Store) finding.Finding {
	t.Helper()
	scan(t, s, 1, permission(1, 1, "A", "B"), plain(finding.UnusedIAMRole, 2, 1))
	scan(t, s, 2, plain(finding.UnusedIAMRole, 2, 2))
	withSink(t, s)
	check(t, s.AddSink(ctxOf(t), "late"))
	was := must(s.Finding(ctxOf(t), theARN, permission(1, 1).ID))(t)
	same(t, "cleaned", 1, must(s.Clean(ctxOf(t), store.Retention{}, day(92)))(t).Findings)
	return was
}

func TestWhatRetentionRemovesIsTold(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		was := gone(t, s)
		same(t, "lags", []store.Lag{{"late", 1, day(92)}, {sink, 1, day(92)}}, must(s.Lags(ctxOf(t)))(t))
		got := told(t, s, 10)
		same(t, "told", []string{was.ID + ".3 RESOLVED>RESOLVED removed"}, said(got))
		same(t, "as it was", was, got[0].Finding)
		same(t, "whose and when", []string{theARN, day(92).String()}, []string{got[0].Analyzer, got[0].At.String()})
		same(t, "told once", []string{}, said(told(t, s, 10)))
		same(t, "another sink", 1, len(steps(t, s, "late")))
		if err := s.ToldRemovals(ctxOf(t), sink, "second", []int64{got[0].Seq}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("from who hasn't the lease: %v", err)
		}
		must(s.Clean(ctxOf(t), store.Retention{}, day(181)))(t)
		same(t, "kept for who wasn't told", 1, len(steps(t, s, "late")))
		must(s.Clean(ctxOf(t), store.Retention{}, day(182)))(t)
		same(t, "but not forever", 0, len(steps(t, s, "late")))
	})
}

// A finding may come back under the ID of one that was removed: that the old one is gone is
// told first, or a receiver would take the new one for gone.
func TestARemovalIsToldBeforeWhatHasItsID(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		was := gone(t, s)
		scan(t, s, 93, permission(1, 93, "A"), plain(finding.UnusedIAMRole, 2, 93))
		want := []string{was.ID + ".3 RESOLVED>RESOLVED removed", was.ID + ".1 >ACTIVE "}
		same(t, "one at a time", want, said(told(t, s, 1)))
		check(t, s.DeleteAnalyzer(ctxOf(t), by(94), theARN, ""))
		create(t, s)
		scan(t, s, 95, permission(1, 95, "A"))
		same(t, "while the one before is being removed", []string{}, said(told(t, s, 10)))
		same(t, "removed", 2, must(s.RemoveDeleted(ctxOf(t), 1))(t))
		same(t, "of an analyzer that was made again", []string{
			"UnusedIAMRole-002.2 ACTIVE>ACTIVE removed", was.ID + ".2 ACTIVE>ACTIVE removed", was.ID + ".1 >ACTIVE ",
		}, said(told(t, s, 10)))
	})
}

// Where nobody is to be told, nothing is kept of what was removed.
func TestNothingIsKeptForNobody(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		scan(t, s, 1, permission(1, 1, "A"))
		check(t, s.DeleteAnalyzer(ctxOf(t), by(2), theARN, ""))
		withSink(t, s) // and wasn't there then
		same(t, "removed", 1, must(s.RemoveDeleted(ctxOf(t), 0))(t))
		same(t, "told", []string{}, said(told(t, s, 10)))
		create(t, s)
		scan(t, s, 3, permission(1, 3, "A"))
		told(t, s, 10)
		check(t, s.DeleteAnalyzer(ctxOf(t), by(4), theARN, ""))
		same(t, "removed", 1, must(s.RemoveDeleted(ctxOf(t), 0))(t))
		same(t, "told in the end", 1, len(told(t, s, 10)))
		must(s.Clean(ctxOf(t), store.Retention{Resolved: 24 * time.Hour}, day(5)))(t)
		left := 0
		check(t, s.Connections().Writer.QueryRowContext(ctxOf(t), `SELECT COUNT(*) FROM removed_findings`).Scan(&left))
		same(t, "left in the database", 0, left)
	})
}
