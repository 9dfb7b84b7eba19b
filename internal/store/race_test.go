package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// held is a transaction of somebody else's that holds a finding's row, so that the order of
// what others do is the test's to say. It returns what lets go.
func held(t *testing.T, url, id string) func() {
	t.Helper()
	conn := must(pgx.Connect(ctxOf(t), url))(t)
	t.Cleanup(func() { check(t, conn.Close(context.Background())) })
	tx := must(conn.Begin(ctxOf(t)))(t)
	_, err := tx.Exec(ctxOf(t), `SELECT 1 FROM findings WHERE id = $1 FOR UPDATE`, id)
	check(t, err)
	return func() { check(t, tx.Rollback(ctxOf(t))) }
}

// waiting returns when so many connections of the database wait for a lock.
func waiting(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for {
		var got int
		check(t, s.Connections().Pool.QueryRow(ctxOf(t), `SELECT COUNT(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&got))
		if got >= n {
			return
		}
	}
}

// A clean-up that comes while a run finds a resolved finding again leaves it, with all it
// says.
func TestCleaningWhatARunFindsAgain(t *testing.T) {
	url := storetest.New(t, storetest.Postgres)
	s := open(t, url)
	create(t, s)
	want := permission(1, 200, "A", "B")
	scan(t, s, 1, permission(1, 1, "A", "B"))
	scan(t, s, 2)
	letGo := held(t, url, want.ID)
	run := must(s.StartRun(ctxOf(t), theARN, account, day(200)))(t)
	var both sync.WaitGroup
	both.Go(func() { must(s.CompleteRun(ctxOf(t), run.ID, found(200, nil, want)))(t) })
	waiting(t, s, 1)
	both.Go(func() {
		same(t, "cleaned", 0, must(s.Clean(ctxOf(t), store.Retention{}, day(200)))(t).Findings)
	})
	waiting(t, s, 2)
	letGo()
	both.Wait()
	got := must(s.Finding(ctxOf(t), theARN, want.ID))(t)
	same(t, "status", finding.Active, got.Status)
	same(t, "permissions", want.Permissions, got.Permissions)
}

// Of recommendations that are asked for at once, one is the last and the others are gone.
func TestRecommendationsAskedForAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		create(t, s)
		scan(t, s, 1, permission(1, 1, "A"))
		var ids sync.Map
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 5 {
					id, err := s.StartRecommendation(ctxOf(t), by(2), theARN, permission(1, 1).ID)
					if err != nil {
						t.Error(err)
					}
					if _, twice := ids.LoadOrStore(id, true); twice {
						t.Errorf("%d was given out twice", id)
					}
				}
			})
		}
		all.Wait()
		last := must(s.Advised(ctxOf(t), store.AdviceQuery{}, store.Page{}))(t).Items
		if _, ours := ids.Load(last[0].ID); len(last) != 1 || !ours {
			t.Errorf("left: %v", last)
		}
		said := must(s.FindAudit(ctxOf(t), store.AuditQuery{Action: "GenerateFindingRecommendation", Who: "ann"}, store.Page{}))(t).Items
		same(t, "in the audit log", 40, len(said))
	})
}

// Who looks at a principal while runs replace it sees one run's policies, never none.
func TestAPrincipalIsSeenWhole(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		arn := "arn:aws:iam::123456789012:role/a"
		replace := func(at int) {
			in := found(at, nil)
			p := store.Principal{ARN: arn, Kind: store.Role, Account: account, Granted: at}
			for i := range 3 {
				p.Policies = append(p.Policies, store.HeldPolicy{Name: fmt.Sprint(at), Kind: finding.InlinePolicy, Policy: fmt.Sprint(at, i)})
			}
			in.Principals = sequence(p)
			run := must(s.StartRun(ctxOf(t), theARN, account, day(at)))(t)
			must(s.CompleteRun(ctxOf(t), run.ID, in))(t)
		}
		replace(1)
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for {
					p, err := s.Principal(ctxOf(t), theARN, arn)
					if err != nil || len(p.Policies) != 3 || p.Policies[2].Name != fmt.Sprint(p.Granted) {
						t.Errorf("%v %+v", err, p)
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		for at := 2; at < 30; at++ {
			replace(at)
		}
		close(done)
		readers.Wait()
	})
}

// Exports that nobody reads on with don't keep others from reading.
func TestSlowExportsLeaveConnections(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s, err := store.Open(ctxOf(t), url, store.Options{Readers: 4})
		check(t, err)
		create(t, s)
		scan(t, s, 1, permission(1, 1, "A"), permission(2, 1, "A"))
		ctx, end := context.WithCancel(ctxOf(t))
		begun := make(chan error, 8*3) // of each two items and an error
		var slow sync.WaitGroup
		for range 8 {
			slow.Go(func() {
				for _, err := range s.Export(ctx, store.Query{Analyzer: theARN}) {
					begun <- err
					<-ctx.Done()
				}
			})
		}
		check(t, <-begun)
		check(t, <-begun)
		for range 100 { // by then the others are there
			same(t, "a list", 2, len(listed(t, s, store.Query{}, 10)))
		}
		must(s.SetStatusOf(ctxOf(t), by(2), theARN, finding.Archived, permission(1, 1).Resource))(t)
		end()
		slow.Wait()
		for len(begun) > 0 {
			if err := <-begun; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		check(t, s.Close())
	})
}
