package store_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

const (
	theARN  = "arn:aws:access-analyzer:us-east-1:123456789012:analyzer/unused"
	account = "123456789012"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func ctxOf(t testing.TB) context.Context { return t.Context() }

// day is a day's noon; the first is 1.
func day(n int) time.Time {
	return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, n-1)
}

func by(n int) store.By { return store.By{Who: "ann", Origin: "192.0.2.1", At: day(n)} }

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(ctxOf(t), url, store.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// conform runs f on a new store of each engine, with an analyzer in it.
func conform(t *testing.T, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		create(t, s)
		f(t, s)
	})
}

func create(t testing.TB, s *store.Store) {
	t.Helper()
	_, err := s.CreateAnalyzer(ctxOf(t), by(1), store.NewAnalyzer{Analyzer: theAnalyzer()})
	check(t, err)
}

func theAnalyzer() store.Analyzer {
	return store.Analyzer{ARN: theARN, Name: "unused", Type: store.AccountUnused, UnusedAge: 90, Status: "ACTIVE"}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func same[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

// permission is a finding of unused permissions as a run on a day makes it: of the n-th
// role, with unused actions of s3.
func permission(n, at int, actions ...string) finding.Finding {
	f := plain(finding.UnusedPermission, n, at)
	if len(actions) == 0 {
		f.Permissions = []finding.Permissions{{Namespace: "s3"}}
		return f
	}
	p := finding.Permissions{Namespace: "s3", LastAccessed: day(at - 1), Granted: 9, Kept: 1, Source: "iam-last-accessed"}
	for _, a := range actions {
		p.Actions = append(p.Actions, finding.Action{Name: "s3:" + a, LastAccessed: day(1), Source: "cloudtrail"})
	}
	f.Permissions = []finding.Permissions{{Namespace: "ec2", Granted: 7}, p}
	return f
}

func plain(t finding.Type, n, at int) finding.Finding {
	return finding.Finding{
		ID: fmt.Sprintf("%s-%03d", t, n), Type: t, Status: finding.Active, Resource: fmt.Sprintf("arn:aws:iam::%s:role/r%03d", account, n),
		ResourceID: "AROA1", Account: account, AnalyzedAt: day(at), CreatedAt: day(at), UpdatedAt: day(at), Sources: []string{"iam"},
	}
}

func sequence[T any](all ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func found(at int, skipped []analyzer.Skipped, all ...finding.Finding) store.Found {
	return store.Found{
		Findings: sequence(all...),
		Closing: func() store.Closing {
			return store.Closing{FinishedAt: day(at), WindowEnd: day(at), WindowDays: 90, CatalogDate: "2026-01-01", Skipped: skipped}
		},
	}
}

// scan is a whole run on a day.
func scan(t testing.TB, s *store.Store, at int, all ...finding.Finding) store.Run {
	t.Helper()
	return scanBut(t, s, at, nil, all...)
}

func scanBut(t testing.TB, s *store.Store, at int, skipped []analyzer.Skipped, all ...finding.Finding) store.Run {
	t.Helper()
	run := must(s.StartRun(ctxOf(t), theARN, account, day(at)))(t)
	return must(s.CompleteRun(ctxOf(t), run.ID, found(at, skipped, all...)))(t)
}

// listed lists all findings, a few at a time.
func listed(t testing.TB, s *store.Store, q store.Query, limit int) []store.Item {
	t.Helper()
	if q.Analyzer == "" {
		q.Analyzer = theARN
	}
	out := []store.Item{}
	for p := (store.Page{Limit: limit}); ; {
		part := must(s.Findings(ctxOf(t), q, p))(t)
		out = append(out, part.Items...)
		if p.Token = part.Next; p.Token == "" {
			return out
		}
	}
}

func exported(t testing.TB, s *store.Store, q store.Query) []finding.Finding {
	t.Helper()
	q.Analyzer = theARN
	out := []finding.Finding{}
	for f, err := range s.Export(ctxOf(t), q) {
		check(t, err)
		out = append(out, f)
	}
	return out
}
