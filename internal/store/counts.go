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
	}
	return nil
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

// tally selects how many findings of a query there are, by a column; "" for all together.
// The rows are still to be grouped.
func (s *Store) tally(ctx context.Context, owner int64, q Query, column, join string) (*statement, error) {
	by := column
	if by != "" {
		by += ", "
	}
	table := countedIn(q, column)
	if table == "" {
		st := sqlOf(`SELECT `+by+`COUNT(*) FROM findings f`+join+` WHERE f.analyzer = ?`, owner)
		return st, s.where(ctx, st, owner, q)
	}
	if column == "g.service" {
		by = "f.service, "
	}
	st := sqlOf(`SELECT `+by+`CAST(COALESCE(SUM(f.n), 0) AS BIGINT) FROM `+table+` f WHERE f.analyzer = ?`, owner)
	if q.Service != "" {
		if err := checkText(q.Service); err != nil {
			return nil, err
		}
		st.add(` AND f.service = ?`, q.Service)
	}
	return st, s.dialect.filter(st, q.Filter)
}
