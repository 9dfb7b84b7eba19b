package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// figuresOf are all figures that are remembered, of queries of each kind.
func figuresOf(t testing.TB, s *store.Store) map[string]any {
	t.Helper()
	out := map[string]any{"statistics": must(s.Statistics(ctxOf(t), theARN))(t)}
	for name, q := range map[string]store.Query{
		"all": {}, "active": {Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}}}, "name": {Filter: finding.Filter{"resource": {Contains: []string{"team-1"}}}},
		"no name": {Filter: finding.Filter{"resource": {Contains: []string{"nobody"}}}}, "service": {Service: "service03"}, "actions": {MinActions: 6},
		"name and service": {Filter: finding.Filter{"resource": {Contains: []string{"app-0000"}}}, Service: "service04", MinActions: 2},
		"an account":       {Filter: finding.Filter{"resourceOwnerAccount": {Eq: []string{"100000000001"}}}},
	} {
		q.Analyzer = theARN
		for _, key := range []store.SortKey{store.ByStatus, store.ByType, store.ByAccount, store.ByResource} {
			out[fmt.Sprint(name, " by ", key)] = must(s.Groups(ctxOf(t), q, key, 1000))(t)
		}
		out[name+" by service"] = must(s.Services(ctxOf(t), q, 1000))(t)
		out[name+" by status"] = must(s.StatusCounts(ctxOf(t), q))(t)
		out[name+" counted"] = must(s.Count(ctxOf(t), q))(t)
		out[name+" listed"] = must(s.Findings(ctxOf(t), q, store.Page{Limit: 1000}))(t)
	}
	out["privilege"] = must(s.PrivilegeByAccount(ctxOf(t), theARN, store.Page{}))(t)
	for _, account := range []string{"", "100000000001"} {
		out["services of "+account] = must(s.PrivilegeByService(ctxOf(t), theARN, account, store.Page{}))(t)
	}
	for _, since := range []time.Time{day(1).Truncate(24 * time.Hour), day(1), day(3), day(5).Add(-time.Hour)} {
		out["trend since "+since.String()] = must(s.Trend(ctxOf(t), theARN, since))(t)
	}
	return out
}

// TestFiguresThatAreRememberedAreThoseThatAreCounted has one store remember figures all along,
// and after each kind of change holds them against those of a store that has just been opened.
// Changes are made by the one or the other, as by two servers.
func TestFiguresThatAreRememberedAreThoseThatAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		remembers, other := open(t, url), open(t, url)
		create(t, remembers)
		rule := finding.ArchiveRule{Name: "team", Filter: finding.Filter{"resource": {Contains: []string{"/team-2/"}}}}
		age := theAnalyzer()
		age.UnusedAge = 30
		for n, c := range []struct {
			name string
			do   func(s *store.Store)
		}{
			{"a run", func(s *store.Store) { loadedRun(t, s, 1, 4, 2, 0) }},
			{"a run over another account", func(s *store.Store) { loadedRun(t, s, 2, 5, 3, 0) }},
			{"many runs", func(s *store.Store) {
				for acct := range 30 {
					loadedRun(t, s, 10+acct, 1, 3, 0)
				}
			}},
			{"a run that finds something else", func(s *store.Store) { loadedRun(t, s, 1, 4, 4, 2) }},
			{"nothing", func(*store.Store) {}},
			{"archiving by ID", func(s *store.Store) {
				must(s.SetStatus(ctxOf(t), by(5), theARN, finding.Archived, []string{manyID(1, 3), manyID(2, 14)}))(t)
			}},
			{"making active", func(s *store.Store) {
				must(s.SetStatus(ctxOf(t), by(5), theARN, finding.Active, []string{manyID(1, 3)}))(t)
			}},
			{"archiving by resource", func(s *store.Store) {
				must(s.SetStatusOf(ctxOf(t), by(5), theARN, finding.Archived, "arn:aws:iam::100000000002:role/service/team-1/app-00001"))(t)
			}},
			{"a rule", func(s *store.Store) {
				check(t, s.CreateRule(ctxOf(t), by(6), theARN, rule, ""))
				must(s.ApplyRule(ctxOf(t), by(6), theARN, "team"))(t)
			}},
			{"other settings", func(s *store.Store) { check(t, s.UpdateAnalyzer(ctxOf(t), by(6), age)) }},
			{"principals that are gone", func(s *store.Store) { loadedRun(t, s, 2, 1, 7, 0) }},
			{"cleaning", func(s *store.Store) {
				if must(s.Clean(ctxOf(t), store.Retention{Resolved: time.Hour}, day(9)))(t).Findings == 0 {
					t.Error("nothing was cleaned")
				}
			}},
			{"an account that is empty", func(s *store.Store) { loadedRun(t, s, 1, 0, 10, 0) }},
		} {
			c.do([]*store.Store{remembers, other}[n%2])
			same(t, c.name, figuresOf(t, open(t, url)), figuresOf(t, remembers))
		}
	})
}

// TestATrendIsTheHistory holds the days' counts against the lines of history.
func TestATrendIsTheHistory(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		loadedRun(t, s, 1, 3, 2, 0)
		loadedRun(t, s, 1, 3, 4, 2)
		must(s.SetStatusOf(ctxOf(t), by(4), theARN, finding.Archived, "arn:aws:iam::100000000001:role/service/team-1/app-00001"))(t)
		loadedRun(t, s, 1, 1, 6, 0)
		must(s.Clean(ctxOf(t), store.Retention{Resolved: day(8).Sub(day(6))}, day(8)))(t)
		loadedRun(t, s, 1, 2, 9, 0)
		type line struct {
			day    time.Time
			change finding.Change
			to     finding.Status
		}
		for _, since := range []time.Time{day(1), day(2).Add(-time.Minute), day(2).Add(time.Minute), day(9)} {
			want, got := map[string]int{}, map[string]int{}
			for _, f := range listed(t, s, store.Query{}, 1000) {
				for _, e := range must(s.History(ctxOf(t), theARN, f.ID, store.Page{}))(t).Items {
					if !e.At.Before(since) {
						want[fmt.Sprint(line{e.At.Truncate(24 * time.Hour), e.Change, e.To})]++
					}
				}
			}
			for _, d := range must(s.Trend(ctxOf(t), theARN, since))(t) {
				got[fmt.Sprint(line{d.Day, d.Change, d.To})] = d.Count
			}
			same(t, "since "+since.String(), want, got)
		}
	})
}
