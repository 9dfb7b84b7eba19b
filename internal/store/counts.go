package store

import (
	"context"
	"database/sql"
	"slices"
)

// Every page counts findings, and there are 100,000, with half a million services. So their
// numbers are kept by account, status and type, and by account, service and status; whoever
// changes findings of an account counts that account anew in the same transaction.

// recount counts accounts anew.
func recount(ctx context.Context, tx *sql.Tx, owner int64, accounts []string) error {
	for some := range slices.Chunk(accounts, findingBatch) {
		for _, c := range []struct{ gone, now, by string }{
			{
				`DELETE FROM finding_counts WHERE analyzer = ? AND account IN `,
				`INSERT INTO finding_counts (analyzer, account, status, type, n)
					SELECT f.analyzer, f.account, f.status, f.type, COUNT(*) FROM findings f WHERE f.analyzer = ? AND f.account IN `,
				` GROUP BY f.analyzer, f.account, f.status, f.type`,
			},
			{
				`DELETE FROM service_counts WHERE analyzer = ? AND account IN `,
				`INSERT INTO service_counts (analyzer, account, service, status, n)
					SELECT f.analyzer, f.account, v.service, f.status, COUNT(*) FROM findings f JOIN finding_services v ON v.finding = f.key
					WHERE f.analyzer = ? AND f.account IN `,
				` GROUP BY f.analyzer, f.account, v.service, f.status`,
			},
		} {
			gone, now := sqlOf(c.gone, owner), sqlOf(c.now, owner)
			list(gone, some)
			list(now, some)
			if _, err := exec(ctx, tx, gone); err != nil {
				return err
			}
			if _, err := exec(ctx, tx, now.add(c.by)); err != nil {
				return err
			}
		}
		if err := noteChange(ctx, tx, owner, some); err != nil {
			return err
		}
	}
	return nil
}

// noteChange notes that accounts aren't as they were before this revision of the analyzer,
// which the transaction has counted up.
func noteChange(ctx context.Context, tx *sql.Tx, owner int64, accounts []string) error {
	st := sqlOf(`INSERT INTO account_changes (analyzer, account, revision) VALUES `)
	for i, account := range accounts {
		st.add([]string{"(", ",("}[min(i, 1)]+`?, ?, (SELECT revision FROM analyzers WHERE id = ?))`, owner, account, owner)
	}
	_, err := exec(ctx, tx, st.add(` ON CONFLICT (analyzer, account) DO UPDATE SET revision = excluded.revision`))
	return err
}

// accountsOf are the accounts of the findings f of a condition.
func accountsOf(ctx context.Context, tx *sql.Tx, where *statement) ([]string, error) {
	st := sqlOf(`SELECT DISTINCT f.account FROM findings f`)
	st.append(where)
	return all(ctx, tx, st.add(` ORDER BY f.account`), scanText)
}

// countedIn names the table that answers how many findings of a query there are by a column of
// findings f, or of their services g; "" if none does.
func countedIn(q Query, column string) string {
	table, keys := "finding_counts", []string{"status", "resourceOwnerAccount", "findingType"}
	if q.Service != "" || column == "g.service" {
		table, keys = "service_counts", keys[:2]
	}
	byType := column == sortColumns[ByType].name
	counted := column == "" || byType || column == "g.service" || column == sortColumns[ByStatus].name || column == sortColumns[ByAccount].name
	switch {
	case q.MinActions > 0, !counted, byType && table == "service_counts", q.Service != "" && column == "g.service":
		return ""
	}
	for key := range q.Filter {
		if !slices.Contains(keys, key) {
			return ""
		}
	}
	return table
}

// grouping is what findings of a query are counted by.
type grouping struct {
	of           Query
	column, join string // "" for all together
}

// tally selects how many there are of accounts, nil for all.
func (g grouping) tally(ctx context.Context, by narrowing, accounts []string) (*statement, error) {
	value, table := g.column, countedIn(g.of, g.column)
	if value == "" {
		value = "''"
	}
	var st *statement
	var err error
	if table != "" {
		st, err = g.ready(by, table, value)
	} else {
		st = sqlOf(`SELECT f.account, `+value+`, COUNT(*) FROM findings f`+g.join+` WHERE f.analyzer = ?`, by.owner)
		where := by.where
		if accounts != nil { // few rows, each of which is looked at
			where = by.whereOfRow
		}
		err = where(ctx, st, g.of)
	}
	if err != nil {
		return nil, err
	}
	only(st, "f.account", accounts)
	return st.add(` GROUP BY 1, 2`), nil
}

// ready is the same from a table that has the numbers.
func (g grouping) ready(by narrowing, table, value string) (*statement, error) {
	if value == "g.service" {
		value = "f.service"
	}
	st := sqlOf(`SELECT f.account, `+value+`, CAST(SUM(f.n) AS BIGINT) FROM `+table+` f WHERE f.analyzer = ?`, by.owner)
	if g.of.Service != "" {
		if err := checkText(g.of.Service); err != nil {
			return nil, err
		}
		st.add(` AND f.service = ?`, g.of.Service)
	}
	return st, by.dialect.filter(st, g.of.Filter)
}

func scanTally(r row) (account string, a amount[int], err error) {
	err = r.Scan(&account, &a.name, &a.n)
	return account, a, err
}

func plus(a, b int) int { return a + b }

// tallied counts findings, those with the same value together.
func (s *Store) tallied(ctx context.Context, g grouping) ([]amount[int], error) {
	what, err := g.of.counted(g.column)
	if err != nil {
		return nil, err
	}
	return together(ctx, s, s.counts, g.of.Analyzer, counting[int]{
		what: what, scan: scanTally, add: plus,
		query: func(ctx context.Context, q querier, owner int64, accounts []string) (*statement, error) {
			return g.tally(ctx, narrowing{s.dialect, q, owner, s.few}, accounts)
		},
	})
}
