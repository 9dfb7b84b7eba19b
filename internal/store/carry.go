package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
)

// carried is a finding of this run beside what the database has of it.
type carried struct {
	staged
	hash   string // of Body
	before *record
	body   string // of before, when it isn't the same; else ""
}

// carry takes some of the run's findings over.
func (c *completion) carry(ctx context.Context, batch []staged) error {
	all := make([]*carried, len(batch))
	byID := make(map[string]*carried, len(batch))
	for i := range batch {
		n, err := c.match(batch[i])
		if err != nil {
			return err
		}
		all[i], byID[n.Finding.ID] = n, n
	}
	previous, err := c.previous(ctx, all)
	if err != nil {
		return err
	}
	current := make([]finding.Finding, len(all))
	for i, n := range all {
		if current[i], err = n.whole(); err != nil {
			return err
		}
	}
	return c.save(ctx, analyzer.Carry(previous, current, c.summary(previous, current), c.closing.WindowEnd), byID)
}

// match puts a finding beside the one that was there, and has the rules look at it.
func (c *completion) match(st staged) (*carried, error) {
	id := st.Finding.ID
	if c.seen[id] {
		return nil, invalid("finding %q comes twice", id)
	}
	if st.Finding.Account != c.account {
		return nil, invalid("finding %q is of account %q: want %q", id, st.Finding.Account, c.account)
	}
	c.seen[id] = true
	c.last = max(c.last, st.Finding.Resource)
	finding.Archive(&st.Finding, c.rules)
	n := &carried{staged: st, before: c.byID[id]}
	if len(st.Body) > 0 {
		n.hash = digest(string(st.Body))
	}
	return n, nil
}

// whole is the finding with its permissions, where the comparison needs them.
func (n *carried) whole() (finding.Finding, error) {
	f := n.Finding
	if n.body == "" {
		return f, nil
	}
	var err error
	f.Permissions, err = decodePermissions(string(n.Body))
	return f, err
}

// load reads the rows of all findings of the account, without their permissions. It is one
// query whatever the database knows of its tables, and some 700 bytes a finding.
func (c *completion) load(ctx context.Context) error {
	rows, err := all(ctx, c.tx, sqlOf(`SELECT `+findingColumns+` FROM findings f WHERE f.analyzer = ? AND f.account = ? ORDER BY f.key`,
		c.owner, c.account), scanRecord)
	c.before, c.byID = rows, make(map[string]*record, len(rows))
	for i := range rows {
		c.byID[rows[i].ID] = &rows[i]
		c.last = max(c.last, rows[i].Resource)
	}
	return err
}

// previous is what the database has of findings. Permissions are only there where they
// aren't the same now: without them on either side, Carry sees no change.
func (c *completion) previous(ctx context.Context, batch []*carried) ([]finding.Finding, error) {
	changed := map[int64]*carried{}
	for _, n := range batch {
		if r := n.before; r != nil && r.hash != n.hash && r.hash != "" {
			changed[r.key] = n
		}
	}
	if err := c.bodies(ctx, changed); err != nil {
		return nil, err
	}
	var out []finding.Finding
	for _, n := range batch {
		if n.before == nil {
			continue
		}
		f := n.before.Finding
		if n.body != "" {
			var err error
			if f.Permissions, err = decodePermissions(n.body); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// bodies reads the permissions' texts of findings, by their keys.
func (c *completion) bodies(ctx context.Context, of map[int64]*carried) error {
	if len(of) == 0 {
		return nil
	}
	keys := make([]int64, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	st := sqlOf(`SELECT finding, body FROM finding_details WHERE finding IN `)
	list(st, keys)
	return each(ctx, c.tx, st, func(r row) error {
		var key int64
		var body string
		if err := r.Scan(&key, &body); err != nil {
			return err
		}
		of[key].body = body
		return nil
	})
}

// leave sees to the findings of the account that the run didn't find: they are resolved, or
// stay if the run couldn't judge them. Those that were resolved before are Clean's.
func (c *completion) leave(ctx context.Context) error {
	var rest []*record
	for i := range c.before {
		if r := &c.before[i]; !c.seen[r.ID] && r.Status != finding.Resolved {
			rest = append(rest, r)
		}
	}
	for some := range slices.Chunk(rest, findingBatch) {
		previous := make([]finding.Finding, len(some))
		byID := map[string]*carried{}
		for i, r := range some {
			previous[i] = r.Finding
			byID[r.ID] = &carried{staged: staged{Services: r.UnusedServices, Actions: r.UnusedActions, Set: r.set}, before: r, hash: r.hash}
		}
		out := analyzer.Carry(previous, nil, c.summary(previous), c.closing.WindowEnd)
		if len(out) != len(some) {
			return fmt.Errorf("%d of %d findings are lost on the way", len(some)-len(out), len(some))
		}
		if err := c.save(ctx, out, byID); err != nil {
			return err
		}
	}
	return nil
}
