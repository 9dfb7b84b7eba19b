package store

import (
	"context"
	"fmt"

	"github.com/pare-iam/pare/finding"
)

// PolicyItem is a policy in a list: a text under a name.
type PolicyItem struct {
	Hash    string // of the text
	Name    string
	Kind    finding.PolicyKind
	ARN     string // of a managed one; of several that are alike the first
	Holders int    // how many principals have it, themselves or through a group
}

// Policies lists the policies of an analyzer's principals by name and text; those with a
// part of the name, if it is given. A text under two names comes twice, and Holders has the
// principals of both.
func (s *Store) Policies(ctx context.Context, analyzer, contains string, p Page) (Part[PolicyItem], error) {
	if err := checkText(contains); err != nil {
		return Part[PolicyItem]{}, err
	}
	what := fmt.Sprintf("policies with %q, %d after %q", contains, p.limit(), p.Token)
	return counted(ctx, s, analyzer, what, func(owner int64) (Part[PolicyItem], error) {
		return s.policies(ctx, fmt.Sprintf("policies of %q with %q", analyzer, contains), owner, contains, p)
	})
}

func (s *Store) policies(ctx context.Context, of string, owner int64, contains string, p Page) (Part[PolicyItem], error) {
	st := sqlOf(`SELECT h.name, h.hash, MIN(h.kind), MIN(h.arn), COUNT(DISTINCT h.principal) FROM principal_policies h WHERE h.analyzer = ?`, owner)
	if contains != "" {
		st.add(` AND `+s.dialect.position+`(h.name, ?) > 0`, contains)
	}
	return listing[PolicyItem]{
		of: of, query: st, group: true,
		order: []column{{name: "h.name"}, {name: "h.hash"}},
		scan: func(r row) (i PolicyItem, err error) {
			err = r.Scan(&i.Name, &i.Hash, &i.Kind, &i.ARN, &i.Holders)
			return i, err
		},
		at: func(i PolicyItem) []string { return []string{i.Name, i.Hash} },
	}.read(ctx, s.reader, p)
}
