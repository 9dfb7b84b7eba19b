package store

import "context"

// AccountState is an account with an analyzer's last runs over it.
type AccountState struct {
	Account      // with its ID alone if it isn't looked at any more
	Last     Run // that was begun last; ID 0 if none was
	Complete Run // that was completed last; ID 0 if none was
}

// AccountStates lists accounts by ID: those that there are, and others that the analyzer
// has looked at.
func (s *Store) AccountStates(ctx context.Context, analyzer string, p Page) (Part[AccountState], error) {
	owner, err := s.analyzerID(ctx, s.reader, analyzer)
	if err != nil {
		return Part[AccountState]{}, err
	}
	var out Part[AccountState]
	err = s.snapshot(ctx, func(q querier) error {
		got, err := listing[stateRow]{
			of: "states by " + analyzer, order: []column{{name: "i.id"}}, scan: scanState, at: func(r stateRow) []string { return []string{r.ID} },
			query: sqlOf(`SELECT i.id, COALESCE(c.name, ''), COALESCE(c.partition, ''), COALESCE(c.path, ''), COALESCE(c.source, ''),
				COALESCE(c.added_at, 0), COALESCE(t.last_run, 0), COALESCE(t.complete_run, 0)
				FROM (SELECT id FROM accounts UNION SELECT account FROM account_states WHERE analyzer = ?) i
				LEFT JOIN accounts c ON c.id = i.id LEFT JOIN account_states t ON t.account = i.id AND t.analyzer = ? WHERE 1 = 1`, owner, owner),
		}.read(ctx, q, p)
		if err != nil {
			return err
		}
		out, err = withRuns(ctx, q, got)
		return err
	})
	return out, err
}

// stateRow is an account with its runs' IDs.
type stateRow struct {
	Account
	last, complete int64
}

func scanState(r row) (s stateRow, err error) {
	err = r.Scan(&s.ID, &s.Name, &s.Partition, &s.Path, &s.Source, instant{&s.AddedAt}, &s.last, &s.complete)
	return s, err
}

func withRuns(ctx context.Context, q querier, rows Part[stateRow]) (Part[AccountState], error) {
	out := Part[AccountState]{Items: make([]AccountState, len(rows.Items)), Next: rows.Next}
	ids := []int64{0}
	for _, r := range rows.Items {
		ids = append(ids, r.last, r.complete)
	}
	st := sqlOf(`SELECT ` + runColumns + ` WHERE r.id IN `)
	list(st, ids)
	found, err := all(ctx, q, st, scanRun)
	byID := map[int64]Run{}
	for _, r := range found {
		byID[r.ID] = r
	}
	for i, r := range rows.Items {
		out.Items[i] = AccountState{Account: r.Account, Last: byID[r.last], Complete: byID[r.complete]}
	}
	return out, err
}
