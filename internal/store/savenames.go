package store

import (
	"context"
	"maps"
	"slices"

	"github.com/pare-iam/pare/finding"
)

// saveNames keeps what findings are looked for by: their resources, and the services of which
// they say that something is unused.
func (c *completion) saveNames(ctx context.Context, rows []finding.Finding, byID map[string]*carried, keys map[string]int64) error {
	fresh := map[string]bool{}
	var changed []int64
	var services [][]any
	for i := range rows {
		n := byID[rows[i].ID]
		if n.before == nil {
			fresh[rows[i].Resource] = true
		}
		if len(n.Body) == 0 || n.before != nil && n.before.hash == n.hash {
			continue
		}
		if n.before != nil {
			changed = append(changed, keys[rows[i].ID])
		}
		names, err := namespaces(string(n.Body))
		if err != nil {
			return err
		}
		for _, name := range names {
			services = append(services, []any{keys[rows[i].ID], name, c.owner})
		}
	}
	resources := make([][]any, 0, len(fresh))
	for _, arn := range slices.Sorted(maps.Keys(fresh)) {
		resources = append(resources, []any{c.owner, arn})
	}
	if err := c.insert(ctx, `INSERT INTO resources (analyzer, arn) VALUES `, resources, ` ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	if len(changed) > 0 {
		st := sqlOf(`DELETE FROM finding_services WHERE finding IN `)
		list(st, changed)
		if err := c.exec(ctx, st); err != nil {
			return err
		}
	}
	return c.insert(ctx, `INSERT INTO finding_services (finding, service, analyzer) VALUES `, services, "")
}

// insert writes many rows, some at a time.
func (c *completion) insert(ctx context.Context, into string, rows [][]any, after string) error {
	for some := range slices.Chunk(rows, c.store.dialect.rows) {
		st := sqlOf(into)
		for i, r := range some {
			st.add([]string{"", ","}[min(i, 1)])
			list(st, r)
		}
		if err := c.exec(ctx, st.add(after)); err != nil {
			return err
		}
	}
	return nil
}
