package store

import (
	"cmp"
	"context"
	"reflect"
	"slices"

	"github.com/pare-iam/pare/finding"
)

// save writes what Carry made of some findings: what changed as a whole, what didn't as
// its date alone.
func (c *completion) save(ctx context.Context, out []finding.Finding, byID map[string]*carried) error {
	var whole []finding.Finding
	dates := map[finding.Change][]int64{} // keys
	for _, f := range out {
		c.changes[f.Change]++
		n := byID[f.ID]
		switch {
		case f.Change == finding.NotJudged:
			dates[f.Change] = append(dates[f.Change], n.before.key)
		case f.Change == finding.Same && n.hash == n.before.hash && sameButDates(f, n.before.Finding):
			dates[f.Change] = append(dates[f.Change], n.before.key)
		default:
			whole = append(whole, f)
			c.saved++
		}
	}
	if err := c.date(ctx, dates); err != nil {
		return err
	}
	for rows := range slices.Chunk(whole, c.store.dialect.rows) {
		if err := c.saveRows(ctx, rows, byID); err != nil {
			return err
		}
	}
	return nil
}

// sameButDates compares what a run writes anew each time with what is there.
func sameButDates(a, b finding.Finding) bool {
	a.Permissions, a.AnalyzedAt, a.Change = b.Permissions, b.AnalyzedAt, b.Change
	a.Sources, b.Sources = append([]string{}, a.Sources...), append([]string{}, b.Sources...)
	return reflect.DeepEqual(a, b)
}

// date notes that findings were found as they were, or couldn't be judged.
func (c *completion) date(ctx context.Context, keys map[finding.Change][]int64) error {
	if same := keys[finding.Same]; len(same) > 0 {
		st := sqlOf(`UPDATE findings SET change = ?, analyzed_at = ?, last_run = ? WHERE key IN `,
			string(finding.Same), micros(c.closing.WindowEnd), c.run)
		list(st, same)
		if _, err := exec(ctx, c.tx, st); err != nil {
			return err
		}
	}
	if missed := keys[finding.NotJudged]; len(missed) > 0 {
		st := sqlOf(`UPDATE findings SET change = ?, last_run = ? WHERE key IN `, string(finding.NotJudged), c.run)
		list(st, missed)
		_, err := exec(ctx, c.tx, st)
		return err
	}
	return nil
}

// saveRows writes findings as a whole, their permissions, and what happened to them.
func (c *completion) saveRows(ctx context.Context, rows []finding.Finding, byID map[string]*carried) error {
	keys, err := c.saveFindings(ctx, rows, byID)
	if err != nil {
		return err
	}
	if err := c.saveBodies(ctx, rows, byID, keys); err != nil {
		return err
	}
	if err := c.saveNames(ctx, rows, byID, keys); err != nil {
		return err
	}
	return c.saveEvents(ctx, rows, byID, keys)
}

// saveFindings returns the findings' keys by their IDs.
func (c *completion) saveFindings(ctx context.Context, rows []finding.Finding, byID map[string]*carried) (map[string]int64, error) {
	st := sqlOf(`INSERT INTO findings (analyzer, id, type, status, change, resource, resource_type, resource_id, account,
		analyzed_at, created_at, updated_at, archived_by, last_accessed, access_key_id, key_slot,
		sources, unused_services, unused_actions, details_hash, unused_hash, last_run) VALUES `)
	for i := range rows {
		f := &rows[i]
		n := byID[f.ID]
		sources, err := encode(append([]string{}, f.Sources...))
		if err != nil {
			return nil, err
		}
		st.add([]string{"", ","}[min(i, 1)])
		list(st, []any{
			c.owner, f.ID, string(f.Type), string(f.Status), string(f.Change), f.Resource, f.ResourceType(), f.ResourceID, f.Account,
			micros(f.AnalyzedAt), micros(f.CreatedAt), micros(f.UpdatedAt), f.ArchivedBy, micros(f.LastAccessed), f.AccessKeyID, f.KeySlot,
			sources, n.Services, n.Actions, n.hash, n.Set, c.run,
		})
	}
	st.add(` ON CONFLICT (analyzer, id) DO UPDATE SET status = excluded.status, change = excluded.change,
		resource_id = excluded.resource_id, analyzed_at = excluded.analyzed_at, created_at = excluded.created_at,
		updated_at = excluded.updated_at, archived_by = excluded.archived_by, last_accessed = excluded.last_accessed,
		access_key_id = excluded.access_key_id, key_slot = excluded.key_slot, sources = excluded.sources,
		unused_services = excluded.unused_services, unused_actions = excluded.unused_actions,
		details_hash = excluded.details_hash, unused_hash = excluded.unused_hash, last_run = excluded.last_run
		WHERE findings.account = excluded.account RETURNING id, key`)
	keys := make(map[string]int64, len(rows))
	err := c.query(ctx, st, func(r row) error {
		var id string
		var key int64
		err := r.Scan(&id, &key)
		keys[id] = key
		return err
	})
	if err == nil && len(keys) != len(rows) {
		err = invalid("a finding has the ID of one of another account")
	}
	return keys, err
}

func (c *completion) saveBodies(ctx context.Context, rows []finding.Finding, byID map[string]*carried, keys map[string]int64) error {
	st := sqlOf(`INSERT INTO finding_details (finding, body) VALUES `)
	for i := range rows {
		n := byID[rows[i].ID]
		if len(n.Body) == 0 || n.before != nil && n.before.hash == n.hash {
			continue
		}
		st.add([]string{"", ","}[min(len(st.args), 1)])
		list(st, []any{keys[rows[i].ID], string(n.Body)})
	}
	if len(st.args) == 0 {
		return nil
	}
	return c.exec(ctx, st.add(` ON CONFLICT (finding) DO UPDATE SET body = excluded.body`))
}

// at is when what happened to findings did.
func (c *completion) at() int64 { return micros(cmp.Or(c.closing.FinishedAt, c.closing.WindowEnd)) }

func (c *completion) saveEvents(ctx context.Context, rows []finding.Finding, byID map[string]*carried, keys map[string]int64) error {
	st := sqlOf(`INSERT INTO finding_history (finding, analyzer, at, change, from_status, to_status, run, who, archived_by, details_before) VALUES `)
	for i := range rows {
		f := &rows[i]
		if f.Change == finding.Same {
			continue
		}
		var from finding.Status
		n := byID[f.ID]
		if n.before != nil {
			from = n.before.Status
		}
		c.lines[happening{f.Change, f.Status}]++
		st.add([]string{"", ","}[min(len(st.args), 1)])
		list(st, []any{
			keys[f.ID], c.owner, c.at(), string(f.Change),
			string(from), string(f.Status), c.run, "", f.ArchivedBy, n.body,
		})
	}
	if len(st.args) == 0 {
		return nil
	}
	return c.exec(ctx, st)
}

// query is exec for a statement with an answer.
func (c *completion) query(ctx context.Context, st *statement, f func(row) error) error {
	p, err := c.prepare(ctx, st)
	if err != nil {
		return err
	}
	rows, err := p.QueryContext(ctx, st.args...)
	return eachOf(rows, err, f)
}
