package store

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// principals puts the run's principals in the place of the account's last ones.
func (c *completion) principals(ctx context.Context, found *spool[Principal]) error {
	if _, err := exec(ctx, c.tx, sqlOf(`DELETE FROM principals WHERE analyzer = ? AND account = ?`, c.owner, c.account)); err != nil {
		return err
	}
	seen := map[string]bool{} // hashes that are there
	totals := sums{}
	if err := found.batches(c.store.dialect.rows, func(batch []Principal) error {
		for _, p := range batch {
			totals.add(p)
		}
		if err := c.documents(ctx, batch, seen); err != nil {
			return err
		}
		keys, err := c.savePrincipals(ctx, batch)
		if err != nil {
			return err
		}
		return c.saveHeld(ctx, batch, keys)
	}); err != nil {
		return err
	}
	return c.saveSums(ctx, totals)
}

// documents keeps each policy's text once. That it was seen keeps Clean from removing it
// before the transaction's end.
func (c *completion) documents(ctx context.Context, batch []Principal, seen map[string]bool) error {
	texts := map[string]string{}
	for _, p := range batch {
		for _, h := range p.Policies {
			if !seen[h.Hash] {
				seen[h.Hash] = true
				texts[h.Hash] = h.Policy
			}
		}
	}
	// In one order, so that two runs never wait for each other.
	for some := range slices.Chunk(slices.Sorted(maps.Keys(texts)), c.store.dialect.rows) {
		st := sqlOf(`INSERT INTO policies (hash, body, seen_at) VALUES `)
		for i, hash := range some {
			st.add([]string{"", ","}[min(i, 1)])
			list(st, []any{hash, texts[hash], micros(c.closing.FinishedAt)})
		}
		if err := c.exec(ctx, st.add(` ON CONFLICT (hash) DO UPDATE SET seen_at = excluded.seen_at`)); err != nil {
			return err
		}
	}
	return nil
}

func (c *completion) savePrincipals(ctx context.Context, batch []Principal) (map[string]int64, error) {
	st := sqlOf(`INSERT INTO principals (analyzer, arn, id, kind, account, path, tags, created_at, last_used,
		granted, used, unused, left_over, judged, evidence, policies, run) VALUES `)
	for i, p := range batch {
		if p.Account != c.account {
			return nil, invalid("principal %q is of account %q: want %q", p.ARN, p.Account, c.account)
		}
		tags, err := encode(p.Tags)
		if err != nil {
			return nil, err
		}
		evidence, err := encode(p.Evidence)
		if err != nil {
			return nil, err
		}
		st.add([]string{"", ","}[min(i, 1)])
		list(st, []any{
			c.owner, p.ARN, p.ID, string(p.Kind), p.Account, p.Path, tags, micros(p.CreatedAt), micros(p.LastUsed),
			p.Granted, p.Used, p.Unused, p.After, p.judged(), evidence, policiesHash(p), c.run,
		})
	}
	keys := make(map[string]int64, len(batch))
	err := c.query(ctx, st.add(` ON CONFLICT DO NOTHING RETURNING arn, key`), func(r row) error {
		var arn string
		var key int64
		err := r.Scan(&arn, &key)
		keys[arn] = key
		return err
	})
	if err == nil && len(keys) != len(batch) {
		err = invalid("a principal comes twice, or is in another account too")
	}
	return keys, err
}

func (c *completion) saveHeld(ctx context.Context, batch []Principal, keys map[string]int64) error {
	var rows [][]any
	for _, p := range batch {
		for i, h := range p.Policies {
			rows = append(rows, []any{keys[p.ARN], i, c.owner, h.Hash, string(h.Kind), h.Name, h.ARN, h.Group})
		}
	}
	return c.insert(ctx, `INSERT INTO principal_policies (principal, position, analyzer, hash, kind, name, arn, held_by) VALUES `, rows, "")
}

// policiesHash tells whether a principal's policies are the same ones with the same texts.
func policiesHash(p Principal) string {
	var all []string
	for _, h := range p.Policies {
		all = append(all, string(h.Kind), h.Name, h.ARN, h.Group, h.Hash)
	}
	return digest(strings.Join(all, "\x00"))
}
