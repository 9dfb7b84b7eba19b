package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pare-iam/pare/finding"
)

// count is how many findings are alike.
type count struct {
	status  finding.Status
	account string
	typ     finding.Type
	n       int
}

func scanCount(r row) (c count, err error) {
	err = r.Scan(&c.status, &c.account, &c.typ, &c.n)
	return c, err
}

// Statistics counts an analyzer's findings, as GetFindingsStatistics does.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingsStatistics.html
func (s *Store) Statistics(ctx context.Context, analyzer string) (finding.Statistics, error) {
	return counted(ctx, s, analyzer, "statistics", func(owner int64) (finding.Statistics, error) {
		counts, err := all(ctx, s.reader, sqlOf(`SELECT status, account, type, n FROM finding_counts WHERE analyzer = ?`, owner), scanCount)
		return statistics(counts), err
	})
}

// topAccounts is how many accounts statistics list.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UnusedAccessFindingsStatistics.html
const topAccounts = 10

func statistics(counts []count) finding.Statistics {
	out := finding.Statistics{Types: []finding.TypeCount{}, Accounts: []finding.AccountCount{}}
	types := map[finding.Type]int{}
	accounts := map[string]*finding.AccountCount{}
	for _, c := range counts {
		switch c.status {
		case finding.Archived:
			out.Archived += c.n
		case finding.Resolved:
			out.Resolved += c.n
		case finding.Active:
			out.Active += c.n
			types[c.typ] += c.n
			if accounts[c.account] == nil {
				accounts[c.account] = &finding.AccountCount{Account: c.account, Details: map[finding.Type]int{}}
			}
			accounts[c.account].Active += c.n
			accounts[c.account].Details[c.typ] += c.n
		}
	}
	for _, t := range finding.Types() {
		if types[t] > 0 {
			out.Types = append(out.Types, finding.TypeCount{Type: t, Total: types[t]})
		}
	}
	for _, a := range accounts {
		out.Accounts = append(out.Accounts, *a)
	}
	slices.SortFunc(out.Accounts, func(a, b finding.AccountCount) int {
		return cmp.Or(cmp.Compare(b.Active, a.Active), cmp.Compare(a.Account, b.Account))
	})
	out.Accounts = out.Accounts[:min(len(out.Accounts), topAccounts)]
	return out
}

// Group is how many findings of a query have a value.
type Group struct {
	Value string
	Count int
}

// Groups counts the findings of a query by a key, the most frequent values first, at most
// limit of them.
func (s *Store) Groups(ctx context.Context, q Query, by SortKey, limit int) ([]Group, error) {
	key, ok := sortColumns[by]
	if !ok || key.number {
		return nil, invalid("findings aren't grouped by %q", by)
	}
	return s.groups(ctx, q, grouping{column: key.name}, limit)
}

// Services counts the findings of a query by the services that they say something is unused
// of, the most frequent first, at most limit of them. A finding counts for each of its
// services.
func (s *Store) Services(ctx context.Context, q Query, limit int) ([]Group, error) {
	return s.groups(ctx, q, grouping{"g.service", ` JOIN finding_services g ON g.finding = f.key`}, limit)
}

// grouping is what findings are counted by.
type grouping struct{ column, join string }

func (s *Store) groups(ctx context.Context, q Query, by grouping, limit int) ([]Group, error) {
	of, err := q.of()
	if err != nil {
		return nil, err
	}
	return counted(ctx, s, q.Analyzer, fmt.Sprintf("groups by %s, %d of %s", by.column, limit, of), func(owner int64) ([]Group, error) {
		st, err := s.tally(ctx, owner, q, by.column, by.join)
		if err != nil {
			return nil, err
		}
		st.add(` GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?`, limit)
		return all(ctx, s.reader, st, func(r row) (g Group, err error) {
			err = r.Scan(&g.Value, &g.Count)
			return g, err
		})
	})
}

// StatusCount is how many findings are in each state.
type StatusCount struct{ Active, Archived, Resolved int }

// StatusCounts counts the findings of a query by their status, whatever it says of that.
func (s *Store) StatusCounts(ctx context.Context, q Query) (StatusCount, error) {
	q.Filter = maps.Clone(q.Filter)
	delete(q.Filter, "status")
	groups, err := s.Groups(ctx, q, ByStatus, 3)
	var out StatusCount
	for _, g := range groups {
		switch finding.Status(g.Value) {
		case finding.Active:
			out.Active = g.Count
		case finding.Archived:
			out.Archived = g.Count
		case finding.Resolved:
			out.Resolved = g.Count
		}
	}
	return out, err
}

// DayCount is how many changes of a kind there were on a day.
type DayCount struct {
	Day    time.Time // its start, UTC
	Change finding.Change
	To     finding.Status
	Count  int
}

// Trend counts what happened to findings since a time, by day, for findings that aren't
// removed yet. Who gives the start of a day gets an answer that is often ready.
func (s *Store) Trend(ctx context.Context, analyzer string, since time.Time) ([]DayCount, error) {
	day := (24 * time.Hour).Microseconds()
	return counted(ctx, s, analyzer, "trend since "+decimal(micros(since)), func(owner int64) ([]DayCount, error) {
		return all(ctx, s.reader, sqlOf(`SELECT at / ? * ?, change, to_status, COUNT(*) FROM finding_history
			WHERE analyzer = ? AND at >= ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, day, day, owner, micros(since)), scanDay)
	})
}

func scanDay(r row) (d DayCount, err error) {
	err = r.Scan(instant{&d.Day}, &d.Change, &d.To, &d.Count)
	return d, err
}
