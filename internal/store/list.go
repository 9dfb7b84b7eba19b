package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/pare-iam/pare/finding"
)

// Query says which findings, in which order.
type Query struct {
	Analyzer string         // ARN
	Filter   finding.Filter // empty: all
	Sort     Sort

	// Beyond what the API can ask for:

	Service    string // those that say something is unused of a service, by its namespace; "": all
	MinActions int    // those with as many unused actions or more, beside services that are unused as a whole; 0: all
}

// of says which findings, for what must tell queries apart.
func (q Query) of() (string, error) {
	filter, err := encode(q.Filter)
	return fmt.Sprintf("%q %s service %q actions %d", q.Analyzer, filter, q.Service, q.MinActions), err
}

// counted names the number of findings of a query by a column.
func (q Query) counted(column string) (string, error) {
	of, err := q.of()
	return "findings by " + column + " of " + of, err
}

// withoutStatus is the query with findings of any status.
func (q Query) withoutStatus() Query {
	q.Filter = maps.Clone(q.Filter)
	delete(q.Filter, "status")
	return q
}

// Sort is an order. Findings that are equal in it come in the order in which they were
// found first, or in the reverse; those of one status in that of their updates before.
type Sort struct {
	By         SortKey // "": ByUpdate
	Descending bool
}

// SortKey is what findings are sorted by: a member of FindingSummaryV2, or unusedActions.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_FindingSummaryV2.html
type SortKey string

// The keys.
const (
	ByAccount      SortKey = "resourceOwnerAccount"
	ByActions      SortKey = "unusedActions"
	ByAnalysis     SortKey = "analyzedAt"
	ByCreation     SortKey = "createdAt"
	ByID           SortKey = "id"
	ByResource     SortKey = "resource"
	ByResourceType SortKey = "resourceType"
	ByStatus       SortKey = "status"
	ByType         SortKey = "findingType"
	ByUpdate       SortKey = "updatedAt"
)

// sorted is a key's column, and its value in a row.
type sorted struct {
	column
	value func(*record) string
}

var sortColumns = map[SortKey]sorted{
	ByAccount:      {column{name: "f.account"}, func(r *record) string { return r.Account }},
	ByActions:      {column{"f.unused_actions", true}, func(r *record) string { return decimal(int64(r.UnusedActions)) }},
	ByAnalysis:     {column{"f.analyzed_at", true}, func(r *record) string { return decimal(micros(r.AnalyzedAt)) }},
	ByCreation:     {column{"f.created_at", true}, func(r *record) string { return decimal(micros(r.CreatedAt)) }},
	ByID:           {column{name: "f.id"}, func(r *record) string { return r.ID }},
	ByResource:     {column{name: "f.resource"}, func(r *record) string { return r.Resource }},
	ByResourceType: {column{name: "f.resource_type"}, func(r *record) string { return r.ResourceType() }},
	ByStatus:       {column{name: "f.status"}, func(r *record) string { return string(r.Status) }},
	ByType:         {column{name: "f.type"}, func(r *record) string { return string(r.Type) }},
	ByUpdate:       {column{"f.updated_at", true}, func(r *record) string { return decimal(micros(r.UpdatedAt)) }},
}

// Findings lists findings, without their permissions. ErrNotFound if there is no such
// analyzer, ErrToken for a token of another query.
func (s *Store) Findings(ctx context.Context, q Query, p Page) (Part[Item], error) {
	l, err := s.listing(ctx, q, findingColumns, "")
	if err != nil {
		return Part[Item]{}, err
	}
	l.scan = scanRecord
	got, err := l.read(ctx, s.reader, p)
	out := Part[Item]{Items: make([]Item, len(got.Items)), Next: got.Next}
	for i := range got.Items {
		out.Items[i] = got.Items[i].Item
	}
	return out, err
}

// listing is the list that a query stands for, with the columns that are asked for.
func (s *Store) listing(ctx context.Context, q Query, columns, join string) (listing[record], error) {
	var none listing[record]
	if q.Sort.By == "" {
		q.Sort.By = ByUpdate
	}
	by, ok := sortColumns[q.Sort.By]
	if !ok {
		return none, invalid("findings aren't sorted by %q", q.Sort.By)
	}
	now, err := s.stateOf(ctx, s.reader, q.Analyzer)
	if err != nil {
		return none, err
	}
	st := sqlOf(`SELECT `+columns+` FROM findings f`+join+` WHERE f.analyzer = ?`, now.owner)
	if err := s.which(ctx, st, now, q); err != nil {
		return none, err
	}
	of, err := q.of()
	l := listing[record]{
		of:         fmt.Sprintf("findings by %s %v of %s", q.Sort.By, q.Sort.Descending, of),
		query:      st,
		order:      []column{by.column, {"f.key", true}},
		descending: q.Sort.Descending,
		at:         func(r record) []string { return []string{by.value(&r), decimal(r.key)} },
	}
	if q.Sort.By == ByStatus { // as the index has it
		updated := sortColumns[ByUpdate]
		l.order = slices.Insert(l.order, 1, updated.column)
		l.at = func(r record) []string { return []string{by.value(&r), updated.value(&r), decimal(r.key)} }
	}
	return l, err
}

// Export gives all findings of a query in full, one by one as the database has them at the
// start, and holds no more than one. It ends after the first error. A connection is held
// as long as it is read, and one that is read slowly holds back the clean-up of SQLite's
// log; so that slow ones never take all connections, more than half as many wait.
func (s *Store) Export(ctx context.Context, q Query) iter.Seq2[finding.Finding, error] {
	return func(yield func(finding.Finding, error) bool) {
		select {
		case s.exports <- struct{}{}:
			defer func() { <-s.exports }()
		case <-ctx.Done():
			yield(finding.Finding{}, ctx.Err())
			return
		}
		l, err := s.listing(ctx, q, findingColumns+`, COALESCE(d.body, '[]')`, ` LEFT JOIN finding_details d ON d.finding = f.key`)
		if err != nil {
			yield(finding.Finding{}, err)
			return
		}
		l.sort()
		enough := errors.New("enough") // whoever reads wants no more
		err = each(ctx, s.reader, l.query, func(r row) error {
			f, err := scanWhole(r)
			if err == nil && !yield(f, nil) {
				return enough
			}
			return err
		})
		if err != nil && !errors.Is(err, enough) {
			yield(finding.Finding{}, err)
		}
	}
}

// Count is how many findings a query has; its order doesn't matter.
func (s *Store) Count(ctx context.Context, q Query) (int, error) {
	groups, err := s.tallied(ctx, grouping{of: q})
	if err != nil || len(groups) == 0 {
		return 0, err
	}
	return groups[0].n, nil
}
