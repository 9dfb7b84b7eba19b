package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func TestFindingsComeBackAsTheyWere(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		role, key, word := plain(finding.UnusedIAMRole, 1, 5), plain(finding.UnusedIAMUserAccessKey, 2, 5), plain(finding.UnusedIAMUserPassword, 3, 5)
		role.LastAccessed = day(2)
		key.AccessKeyID, key.KeySlot = "AKIA1", 2
		all := []finding.Finding{role, key, word, permission(4, 5, "A", "B"), permission(5, 5)}
		run := scan(t, s, 5, all...)
		for i := range all {
			all[i].Change = finding.New
			same(t, all[i].ID, all[i], must(s.Finding(ctxOf(t), theARN, all[i].ID))(t))
		}
		same(t, "export", all, exported(t, s, store.Query{}))
		want := store.Run{
			ID: run.ID, Analyzer: theARN, Account: account, State: store.Complete, StartedAt: day(5), FinishedAt: day(5),
			WindowDays: 90, WindowEnd: day(5), CatalogDate: "2026-01-01", Changes: map[finding.Change]int{finding.New: 5},
		}
		same(t, "run", want, run)
		same(t, "runs", []store.Run{want}, must(s.Runs(ctxOf(t), theARN, "", store.Page{}))(t).Items)
		same(t, "latest", []store.Run{want}, must(s.LatestRuns(ctxOf(t), theARN, store.Page{}))(t).Items)
		got := must(s.Analyzer(ctxOf(t), theARN))(t)
		same(t, "last run", day(5), got.LastRunAt)
		same(t, "last resource", all[4].Resource, got.LastResource)
		if _, err := s.Finding(ctxOf(t), theARN, "none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no such finding: %v", err)
		}
	})
}

// step is what a finding is after a run.
type step struct {
	Status           finding.Status
	Change           finding.Change
	Created, Updated time.Time
	Unused           int
}

func stepOf(f finding.Finding) step {
	n := 0
	for _, p := range f.Permissions {
		n += len(p.Actions)
	}
	return step{f.Status, f.Change, f.CreatedAt, f.UpdatedAt, n}
}

func TestLifeOfAFinding(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		id := permission(1, 1).ID
		skip := []analyzer.Skipped{{Resource: permission(1, 1).Resource, Reason: analyzer.NoEvidence}}
		days := []struct {
			skipped []analyzer.Skipped
			found   []finding.Finding
			want    step
		}{
			{nil, []finding.Finding{permission(1, 1, "A", "B")}, step{finding.Active, finding.New, day(1), day(1), 2}},
			{nil, []finding.Finding{permission(1, 2, "A", "B")}, step{finding.Active, finding.Same, day(1), day(1), 2}},
			{nil, []finding.Finding{permission(1, 3, "A")}, step{finding.Active, finding.PartlyFixed, day(1), day(3), 1}},
			{skip, nil, step{finding.Active, finding.NotJudged, day(1), day(3), 1}},
			{nil, []finding.Finding{permission(1, 5, "A", "C")}, step{finding.Active, finding.Updated, day(1), day(5), 2}},
			{skip, []finding.Finding{permission(1, 6, "A")}, step{finding.Active, finding.NotJudged, day(1), day(5), 2}},
			{nil, nil, step{finding.Resolved, finding.Fixed, day(1), day(7), 2}},
			{nil, nil, step{finding.Resolved, finding.Fixed, day(1), day(7), 2}},
			{nil, []finding.Finding{permission(1, 9, "A", "C")}, step{finding.Active, finding.Reopened, day(1), day(9), 2}},
		}
		for i, d := range days {
			scanBut(t, s, i+1, d.skipped, d.found...)
			same(t, day(i+1).Format(time.DateOnly), d.want, stepOf(must(s.Finding(ctxOf(t), theARN, id))(t)))
		}
		history := must(s.History(ctxOf(t), theARN, id, store.Page{}))(t).Items
		type event struct {
			At       time.Time
			Change   finding.Change
			From, To finding.Status
			Before   int // unused actions; -1: they didn't change
		}
		var got []event
		for _, e := range history {
			n := -1
			if e.Before != nil {
				n = stepOf(finding.Finding{Permissions: e.Before}).Unused
			}
			got = append(got, event{e.At, e.Change, e.From, e.To, n})
		}
		same(t, "history", []event{
			{day(1), finding.New, "", finding.Active, -1},
			{day(3), finding.PartlyFixed, finding.Active, finding.Active, 2},
			{day(5), finding.Updated, finding.Active, finding.Active, 1},
			{day(7), finding.Fixed, finding.Active, finding.Resolved, -1},
			{day(9), finding.Reopened, finding.Resolved, finding.Active, 2},
		}, got)
	})
}

func TestARunThatFailsLeavesNothing(t *testing.T) {
	broken := errors.New("broken")
	conform(t, func(t *testing.T, s *store.Store) {
		scan(t, s, 1, permission(1, 1, "A"))
		before := exported(t, s, store.Query{})
		elsewhere := permission(3, 2, "A")
		elsewhere.Account = "999999999999"
		odd := permission(3, 2, "A")
		odd.Type = "ExternalAccess"
		cut := func(yield func(finding.Finding, error) bool) {
			_ = yield(permission(2, 2, "A"), nil) && yield(finding.Finding{}, broken)
		}
		for _, c := range []struct {
			name  string
			found store.Found
			want  error
		}{
			{"an analysis that ends in an error", store.Found{Findings: cut, Closing: found(2, nil).Closing}, broken},
			{"a finding twice", found(2, nil, permission(2, 2, "A"), permission(2, 2, "A")), store.ErrInvalid},
			{"a finding of another account", found(2, nil, permission(2, 2, "A"), elsewhere), store.ErrInvalid},
			{"a finding of a type that isn't ours", found(2, nil, permission(2, 2, "A"), odd), store.ErrInvalid},
		} {
			run := must(s.StartRun(ctxOf(t), theARN, account, day(2)))(t)
			if _, err := s.CompleteRun(ctxOf(t), run.ID, c.found); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			same(t, c.name, before, exported(t, s, store.Query{}))
			same(t, c.name, store.Running, must(s.Run(ctxOf(t), run.ID))(t).State)
		}
		same(t, "left over", 4, must(s.FailRuns(ctxOf(t), day(3), "the server was killed", day(3)))(t))
		got := must(s.Runs(ctxOf(t), theARN, account, store.Page{Limit: 1}))(t).Items[0]
		same(t, "why", "the server was killed", got.Failure)
	})
}

func TestARunIsCompletedOnce(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		older := must(s.StartRun(ctxOf(t), theARN, account, day(1)))(t)
		run := scan(t, s, 3, permission(1, 3, "A"))
		for name, err := range map[string]error{
			"again":              again(s.CompleteRun(ctxOf(t), run.ID, found(3, nil))),
			"failed after all":   s.FailRun(ctxOf(t), run.ID, "no", day(3)),
			"an older window":    again(s.CompleteRun(ctxOf(t), older.ID, found(2, nil))),
			"a run that isn't":   orConflict(again(s.CompleteRun(ctxOf(t), 999, found(2, nil)))),
			"an analyzer gone":   orConflict(again(s.StartRun(ctxOf(t), "arn:none", account, day(1)))),
			"failed, and isn't":  orConflict(s.FailRun(ctxOf(t), 999, "no", day(3))),
			"no account is said": orInvalid(again(s.StartRun(ctxOf(t), theARN, "", day(1)))),
		} {
			if !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		same(t, "findings", 1, must(s.Count(ctxOf(t), store.Query{Analyzer: theARN}))(t))
		check(t, s.FailRun(ctxOf(t), older.ID, "too old", day(4)))
	})
}

// A run that went by a clock in the future holds up none that goes by the right one.
func TestAWindowOfTheFutureDoesNotCount(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		scan(t, s, 300, permission(1, 300, "A"))
		run := scan(t, s, 5, permission(2, 5, "A"))
		same(t, "the last run", run.ID, must(s.LatestRuns(ctxOf(t), theARN, store.Page{}))(t).Items[0].ID)
		active := store.Query{Analyzer: theARN, Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}}}
		same(t, "findings of the last run", 1, must(s.Count(ctxOf(t), active))(t))
		older := must(s.StartRun(ctxOf(t), theARN, account, day(5)))(t)
		if _, err := s.CompleteRun(ctxOf(t), older.ID, found(4, nil)); !errors.Is(err, store.ErrConflict) {
			t.Errorf("an older window: %v", err)
		}
	})
}

func again[T any](_ T, err error) error { return err }

// orConflict makes the error that is wanted the one that is looked for.
func orConflict(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrConflict
	}
	return err
}

func orInvalid(err error) error {
	if errors.Is(err, store.ErrInvalid) {
		return store.ErrConflict
	}
	return err
}

func TestOtherAccountsStay(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		const other = "999999999999"
		elsewhere := permission(2, 1, "A")
		elsewhere.Account = other
		scan(t, s, 1, permission(1, 1, "A"))
		run := must(s.StartRun(ctxOf(t), theARN, other, day(1)))(t)
		must(s.CompleteRun(ctxOf(t), run.ID, found(1, nil, elsewhere)))(t)
		scan(t, s, 2)
		same(t, "this account's", finding.Resolved, must(s.Finding(ctxOf(t), theARN, permission(1, 1).ID))(t).Status)
		same(t, "the other's", finding.Active, must(s.Finding(ctxOf(t), theARN, elsewhere.ID))(t).Status)
		same(t, "latest", 2, len(must(s.LatestRuns(ctxOf(t), theARN, store.Page{}))(t).Items))
	})
}

func TestStatisticsOfManyAccounts(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		var tally finding.Tally
		for n := range 13 {
			acct := fmt.Sprintf("%012d", n)
			var all []finding.Finding
			for i := range 1 + n*5%7 {
				f := permission(i, 1, "A")
				f.ID, f.Account = acct+f.ID, acct
				all = append(all, f)
				tally.Add(&f)
			}
			run := must(s.StartRun(ctxOf(t), theARN, acct, day(1)))(t)
			must(s.CompleteRun(ctxOf(t), run.ID, found(1, nil, all...)))(t)
		}
		same(t, "statistics", tally.Statistics(), must(s.Statistics(ctxOf(t), theARN))(t))
	})
}
