package store

import (
	"context"

	"github.com/pare-iam/pare/finding"
)

// Item is a finding in a list: all but its Permissions, and how many they are.
type Item struct {
	finding.Finding

	UnusedServices int // services that are unused as a whole
	UnusedActions  int // unused actions of the others
}

// record is a finding's row.
type record struct {
	Item
	key  int64
	hash string // of the permissions' text; "" when it has none
	set  string // of the names of what is unused; "" when it has none
	run  int64  // the last one that judged it
}

const findingColumns = `f.key, f.id, f.type, f.status, f.change, f.resource, f.resource_id, f.account,
	f.analyzed_at, f.created_at, f.updated_at, f.archived_by, f.last_accessed, f.access_key_id, f.key_slot,
	f.sources, f.unused_services, f.unused_actions, f.details_hash, f.unused_hash, f.last_run`

// fields are where the columns go.
func (r *record) fields() []any {
	return []any{
		&r.key, &r.ID, &r.Type, &r.Status, &r.Change, &r.Resource, &r.ResourceID, &r.Account,
		instant{&r.AnalyzedAt}, instant{&r.CreatedAt}, instant{&r.UpdatedAt}, &r.ArchivedBy, instant{&r.LastAccessed}, &r.AccessKeyID, &r.KeySlot,
		decoded[[]string]{&r.Sources}, &r.UnusedServices, &r.UnusedActions, &r.hash, &r.set, &r.run,
	}
}

func scanRecord(r row) (record, error) {
	var out record
	err := r.Scan(out.fields()...)
	return out, err
}

// Finding is a finding of an analyzer, in full; ErrNotFound if it has none with this ID.
func (s *Store) Finding(ctx context.Context, analyzer, id string) (finding.Finding, error) {
	st := sqlOf(`SELECT `+findingColumns+`, COALESCE(d.body, '[]') FROM findings f
		JOIN analyzers a ON a.id = f.analyzer LEFT JOIN finding_details d ON d.finding = f.key
		WHERE a.arn = ? AND f.id = ?`, analyzer, id)
	return one(ctx, s.reader, st, scanWhole, notFound("finding", id))
}

// scanWhole scans a record and its permissions.
func scanWhole(r row) (finding.Finding, error) {
	var out record
	var body string
	if err := r.Scan(append(out.fields(), &body)...); err != nil {
		return finding.Finding{}, err
	}
	var err error
	out.Permissions, err = decodePermissions(body)
	return out.Finding, err
}

// Permissions is what is unused by a finding's principal, service by service, in the order of
// their namespaces. A part begins after the service that the last one ended with, also
// when a run changed them meanwhile. Findings of other types have none.
func (s *Store) Permissions(ctx context.Context, analyzer, id string, p Page) (Part[finding.Permissions], error) {
	f, err := s.Finding(ctx, analyzer, id)
	if err != nil {
		return Part[finding.Permissions]{}, err
	}
	of := "permissions of " + analyzer + " " + id
	return partOf(of, f.Permissions, p, func(p finding.Permissions) string { return p.Namespace })
}

// partOf is a part of a list that is in memory, sorted by a text that each item has alone.
func partOf[T any](of string, items []T, p Page, at func(T) string) (Part[T], error) {
	l := listing[T]{of: of, query: new(statement), order: []column{{name: "name"}}, at: func(v T) []string { return []string{at(v)} }}
	if p.Token != "" {
		if err := l.goOn(p.Token); err != nil {
			return Part[T]{}, err
		}
		last := l.query.args[0]
		for len(items) > 0 && at(items[0]) <= last.(string) {
			items = items[1:]
		}
	}
	if n := p.limit(); len(items) > n {
		next, err := l.token(items[n-1])
		return Part[T]{items[:n], next}, err
	}
	return Part[T]{Items: append([]T{}, items...)}, nil
}
