package store

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
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

// countOf reads a count of its account, and a text "ACTIVE UnusedIAMRole".
func countOf(a amount[int]) count {
	status, rest, _ := strings.Cut(a.name, " ")
	typ, account, _ := strings.Cut(rest, " ")
	return count{finding.Status(status), account, finding.Type(typ), a.n}
}

// Statistics counts an analyzer's findings, as GetFindingsStatistics does.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingsStatistics.html
func (s *Store) Statistics(ctx context.Context, analyzer string) (finding.Statistics, error) {
	alike, err := together(ctx, s, s.counts, analyzer, counting[int]{
		what: "statistics",
		query: func(_ context.Context, _ querier, owner int64, accounts []string) (*statement, error) {
			st := sqlOf(`SELECT f.account, f.status || ' ' || f.type || ' ' || f.account, f.n FROM finding_counts f WHERE f.analyzer = ?`, owner)
			only(st, "f.account", accounts)
			return st, nil
		},
		scan: scanTally, add: plus,
	})
	counts := make([]count, len(alike))
	for i, a := range alike {
		counts[i] = countOf(a)
	}
	return statistics(counts), err
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
	return s.groups(ctx, grouping{of: q, column: key.name}, limit)
}

// Services counts the findings of a query by the services that they say something is unused
// of, the most frequent first, at most limit of them. A finding counts for each of its
// services.
func (s *Store) Services(ctx context.Context, q Query, limit int) ([]Group, error) {
	return s.groups(ctx, grouping{q, "g.service", ` JOIN finding_services g ON g.finding = f.key`}, limit)
}

func (s *Store) groups(ctx context.Context, g grouping, limit int) ([]Group, error) {
	amounts, err := s.tallied(ctx, g)
	if err != nil {
		return nil, err
	}
	out := make([]Group, len(amounts))
	for i, a := range amounts {
		out[i] = Group{a.name, a.n}
	}
	slices.SortFunc(out, func(a, b Group) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value)) })
	return out[:min(len(out), limit)], nil
}

// StatusCount is how many findings are in each state.
type StatusCount struct{ Active, Archived, Resolved int }

// StatusCounts counts the findings of a query by their status, whatever it says of that.
func (s *Store) StatusCounts(ctx context.Context, q Query) (StatusCount, error) {
	groups, err := s.Groups(ctx, q.withoutStatus(), ByStatus, 3)
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
// removed yet. The start of a day is the least work.
func (s *Store) Trend(ctx context.Context, analyzer string, since time.Time) ([]DayCount, error) {
	owner, err := s.analyzerID(ctx, s.reader, analyzer)
	if err != nil {
		return nil, err
	}
	from, first := micros(since), startOfDay(micros(since))
	if from == first {
		return all(ctx, s.reader, sqlOf(`SELECT day, change, to_status, n FROM day_counts WHERE analyzer = ? AND day >= ? AND n > 0 ORDER BY 1, 2, 3`,
			owner, from), scanDay)
	}
	next := first + day.Microseconds()
	return all(ctx, s.reader, sqlOf(`SELECT day, change, to_status, n FROM day_counts WHERE analyzer = ? AND day >= ? AND n > 0
		UNION ALL SELECT `+dayOfEvent+`, change, to_status, COUNT(*) FROM finding_history WHERE analyzer = ? AND at >= ? AND at < ? GROUP BY 1, 2, 3
		ORDER BY 1, 2, 3`, owner, next, owner, from, next), scanDay)
}

func scanDay(r row) (d DayCount, err error) {
	err = r.Scan(instant{&d.Day}, &d.Change, &d.To, &d.Count)
	return d, err
}

// dayOfEvent is the start of the day of a line of finding_history, in SQL.
const dayOfEvent = `at / 86400000000 * 86400000000`

func startOfDay(at int64) int64 { return at / day.Microseconds() * day.Microseconds() }

// happening is what happened to findings, as trends count it.
type happening struct {
	change finding.Change
	to     finding.Status
}

// countDays adds lines of finding_history, which all are of one time, to day_counts.
func countDays(ctx context.Context, tx *sql.Tx, owner, at int64, lines map[happening]int) error {
	for _, change := range slices.SortedFunc(maps.Keys(lines), func(a, b happening) int {
		return cmp.Or(strings.Compare(string(a.change), string(b.change)), strings.Compare(string(a.to), string(b.to)))
	}) {
		if _, err := exec(ctx, tx, sqlOf(`INSERT INTO day_counts (analyzer, day, change, to_status, n) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (analyzer, day, change, to_status) DO UPDATE SET n = day_counts.n + excluded.n`,
			owner, startOfDay(at), string(change.change), string(change.to), lines[change])); err != nil {
			return err
		}
	}
	return nil
}

// uncountDays takes the lines of findings f that a condition is about from day_counts, before
// they go with their findings.
func uncountDays(ctx context.Context, tx *sql.Tx, where *statement) error {
	st := sqlOf(`INSERT INTO day_counts (analyzer, day, change, to_status, n)
		SELECT analyzer, ` + dayOfEvent + `, change, to_status, -COUNT(*) FROM finding_history WHERE finding IN (SELECT f.key FROM findings f`)
	st.append(where)
	_, err := exec(ctx, tx, st.add(`) GROUP BY 1, 2, 3, 4
		ON CONFLICT (analyzer, day, change, to_status) DO UPDATE SET n = day_counts.n + excluded.n`))
	return err
}
