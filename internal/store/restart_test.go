package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// answerWithin is how long a request may take while the database is away: it fails, and
// doesn't hang.
const answerWithin = 20 * time.Second

// traffic is readers and a writer that go on whatever happens.
type traffic struct {
	store          *store.Store
	served, failed atomic.Int64
	slowest        atomic.Int64 // nanoseconds
	written        atomic.Int64 // runs that CompleteRun said are complete
	strange        sync.Map     // errors that don't say that the database is away
	end            chan struct{}
	all            sync.WaitGroup
}

func (c *traffic) request(ask func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	begun := time.Now()
	err := ask(ctx)
	if took := int64(time.Since(begun)); took > c.slowest.Load() {
		c.slowest.Store(took)
	}
	if err != nil {
		if !store.Away(err) {
			c.strange.Store(fmt.Sprintf("%T %v", err, err), true)
		}
		c.failed.Add(1)
		return
	}
	c.served.Add(1)
}

func (c *traffic) keepOn(ask func(context.Context) error) {
	c.all.Go(func() {
		for {
			select {
			case <-c.end:
				return
			default:
				c.request(ask)
			}
		}
	})
}

func (c *traffic) list(ctx context.Context) error {
	_, err := c.store.Findings(ctx, store.Query{Analyzer: theARN}, store.Page{})
	return err
}

// write completes a run with a history event for each finding.
func (c *traffic) write(ctx context.Context) error {
	n := int(c.written.Load()) + 2
	run, err := c.store.StartRun(ctx, theARN, account, day(n))
	if err != nil {
		return err
	}
	var all []finding.Finding
	for i := range 50 {
		all = append(all, permission(i, n, []string{"A", "B"}[n%2]))
	}
	if _, err := c.store.CompleteRun(ctx, run.ID, found(n, nil, all...)); err != nil {
		// Whether it was done is the database's to say: the answer may be what was lost.
		return c.settle(run.ID, err)
	}
	c.written.Add(1)
	return nil
}

// settle asks until there is an answer whether a run is complete.
func (c *traffic) settle(id int64, lost error) error {
	for {
		r, err := c.store.Run(context.Background(), id)
		if err != nil {
			continue
		}
		if r.State == store.Complete {
			c.written.Add(1)
		}
		return lost
	}
}

// until waits until so many more requests have been counted.
func until(t *testing.T, n *atomic.Int64, more int64) {
	t.Helper()
	for want, last := n.Load()+more, time.Now().Add(time.Minute); n.Load() < want; {
		if time.Now().After(last) {
			t.Fatalf("%d more in a minute: want %d", n.Load()-want+more, more)
		}
		time.Sleep(time.Millisecond)
	}
}

// While Postgres is away requests fail, none hangs; when it is back they are served again
// by the same Store, and what was said to be done is there, once.
func TestPostgresIsRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	server := storetest.Own(t)
	s := open(t, server.URL())
	create(t, s)
	c := &traffic{store: s, end: make(chan struct{})}
	scan(t, s, 1, permission(0, 1, "A"))
	for range 8 {
		c.keepOn(c.list)
	}
	c.keepOn(c.write)
	for _, end := range []func(testing.TB){server.Stop, server.Crash, server.Crash, server.Stop} {
		until(t, &c.served, 200)
		until(t, &c.written, 2)
		end(t)
		until(t, &c.failed, 50)
		if err := s.Ping(t.Context()); !store.Away(err) {
			t.Errorf("Ping of a database that is away: %v", err)
		}
		server.Start(t)
		until(t, &c.served, 50)
		check(t, s.Ping(t.Context()))
	}
	close(c.end)
	c.all.Wait()
	t.Logf("%d served, %d failed, %d runs, slowest %v", c.served.Load(), c.failed.Load(), c.written.Load(), time.Duration(c.slowest.Load()))
	if slowest := time.Duration(c.slowest.Load()); slowest >= answerWithin {
		t.Errorf("a request took %v", slowest)
	}
	for text := range c.strange.Range {
		t.Errorf("while the database is away: %s", text)
	}
	runs, err := completeRuns(t.Context(), s)
	check(t, err)
	same(t, "complete runs", int(c.written.Load())+1, len(runs))
	events := must(s.History(t.Context(), theARN, permission(1, 1).ID, store.Page{Limit: 1000}))(t).Items
	same(t, "events", int(c.written.Load()), len(events))
}

// What is wrong with a request, or with what the database holds, isn't over in a moment.
func TestWhatIsNotAwayIsNotSaidToBe(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		_, missing := s.Analyzer(t.Context(), "arn:none")
		_, token := s.Analyzers(t.Context(), "", store.Page{Token: "AAAA"})
		_, syntax := s.Connections().Writer.ExecContext(t.Context(), "SELECT FROM WHERE")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, gone := s.Analyzers(ended, "", store.Page{})
		var half struct{ A []int }
		document := json.UnmarshalRead(strings.NewReader(`{"A":[1`), &half)
		for what, err := range map[string]error{
			"no error": nil, "missing": missing, "token": token, "syntax": syntax, "the client is gone": gone, "half a document": document, "no rows": sql.ErrNoRows,
		} {
			if store.Away(err) || (err == nil) != (what == "no error") {
				t.Errorf("%s: %v is taken for a database that is away", what, err)
			}
		}
		for _, err := range []error{io.ErrUnexpectedEOF, sql.ErrConnDone, errors.Join(store.ErrNotFound, &pgconn.PgError{Code: "57P03"}), &pgconn.PgError{Code: "08006"}} {
			if !store.Away(fmt.Errorf("page 1: %w", err)) {
				t.Errorf("%v isn't taken for a database that is away", err)
			}
		}
	})
}
