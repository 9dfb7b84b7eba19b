package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pare-iam/pare/finding"
)

// PrincipalKind is what a principal is.
type PrincipalKind string

// The kinds.
const (
	Role PrincipalKind = "role"
	User PrincipalKind = "user"
)

// Principal is a role or a user, as the last run of an analyzer over its account saw it.
type Principal struct {
	ARN       string            `json:"arn"`
	ID        string            `json:"id"` // "AROA…", "AIDA…"; "" when not known
	Kind      PrincipalKind     `json:"kind"`
	Account   string            `json:"account"`
	Path      string            `json:"path"`
	Tags      map[string]string `json:"tags,omitempty"`
	CreatedAt time.Time         `json:"createdAt,omitzero"`
	LastUsed  time.Time         `json:"lastUsed,omitzero"` // zero: never, or not known

	// Actions of the catalog: all that its policies grant, those of them used in the window,
	// those unused, and how many would be granted after the recommended steps.

	Granted int `json:"granted,omitzero"`
	Used    int `json:"used,omitzero"`
	Unused  int `json:"unused,omitzero"`
	After   int `json:"after,omitzero"`

	// Unjudged says that the run didn't judge its permissions: what of them is unused isn't
	// known, whatever Unused is, and no Privilege has it. Of those that an older pare saved it
	// isn't known, and they count as judged.
	Unjudged bool `json:"unjudged,omitzero"`

	Policies []HeldPolicy `json:"policies,omitempty"`
	Evidence []Evidence   `json:"evidence,omitempty"` // by service: all that are granted
}

// HeldPolicy is a policy that a principal has, itself or through a group.
type HeldPolicy struct {
	Kind   finding.PolicyKind `json:"kind"`
	Name   string             `json:"name"`
	ARN    string             `json:"arn,omitzero"`   // of a managed one
	Group  string             `json:"group,omitzero"` // ARN of the group that has it; "" when the principal itself does
	Hash   string             `json:"hash,omitzero"`  // of the text: the store fills it in
	Policy string             `json:"policy,omitzero"`
}

// Evidence is what is known of a principal's use of a service.
type Evidence struct {
	Service      string    `json:"s"` // namespace
	LastAccessed time.Time `json:"l,omitzero"`
	Source       string    `json:"o,omitzero"`
	Actions      int       `json:"a,omitzero"` // how many actions were seen in use
	Granted      int       `json:"g,omitzero"` // how many actions are granted
	Unused       int       `json:"u,omitzero"` // how many are unused
}

func checkPrincipal(p Principal) (Principal, error) {
	if p.ARN == "" || p.Kind != Role && p.Kind != User {
		return p, invalid("principal %q of kind %q: want an ARN, and role or user", p.ARN, p.Kind)
	}
	if err := checkText(p.ARN); err != nil {
		return p, err
	}
	p.Policies = slices.Clone(p.Policies)
	for i := range p.Policies {
		p.Policies[i].Policy = clean(p.Policies[i].Policy)
		p.Policies[i].Hash = digest(p.Policies[i].Policy)
	}
	return p, nil
}

const principalColumns = `p.arn, p.id, p.kind, p.account, p.path, p.tags, p.created_at, p.last_used, p.granted, p.used, p.unused, p.left_over, p.judged, p.evidence, p.key
	FROM principals p`

// principalRow is a principal with its key.
type principalRow struct {
	Principal
	key int64
}

// judged is the column of Unjudged.
func (p Principal) judged() int64 {
	if p.Unjudged {
		return 0
	}
	return 1
}

func scanPrincipal(r row) (principalRow, error) {
	var p principalRow
	judged := 0
	err := r.Scan(&p.ARN, &p.ID, &p.Kind, &p.Account, &p.Path, decoded[map[string]string]{&p.Tags}, instant{&p.CreatedAt}, instant{&p.LastUsed},
		&p.Granted, &p.Used, &p.Unused, &p.After, &judged, decoded[[]Evidence]{&p.Evidence}, &p.key)
	p.Unjudged = judged == 0
	return p, err
}

// Principal is a role or user by its ARN, with its policies' texts.
func (s *Store) Principal(ctx context.Context, analyzer, arn string) (Principal, error) {
	owner, err := s.analyzerID(ctx, s.reader, analyzer)
	if err != nil {
		return Principal{}, err
	}
	var p principalRow
	err = s.snapshot(ctx, func(q querier) error { // a run may replace it meanwhile
		p, err = one(ctx, q, sqlOf(`SELECT `+principalColumns+` WHERE p.analyzer = ? AND p.arn = ?`, owner, arn), scanPrincipal, notFound("principal", arn))
		if err != nil {
			return err
		}
		p.Policies, err = all(ctx, q, sqlOf(`SELECT h.kind, h.name, h.arn, h.held_by, h.hash, d.body
			FROM principal_policies h JOIN policies d ON d.hash = h.hash WHERE h.principal = ? ORDER BY h.position`, p.key), scanHeld)
		return err
	})
	return p.Principal, err
}

func scanHeld(r row) (h HeldPolicy, err error) {
	err = r.Scan(&h.Kind, &h.Name, &h.ARN, &h.Group, &h.Hash, &h.Policy)
	return h, err
}

// PrincipalSort is what principals are sorted by.
type PrincipalSort string

// The orders.
const (
	PrincipalsByAccount PrincipalSort = ""       // and ARN
	PrincipalsByUnused  PrincipalSort = "unused" // the most unused actions first, those that weren't judged last
)

// PrincipalQuery says which principals, in which order. What is empty lets all through.
type PrincipalQuery struct {
	Analyzer string // ARN; never empty
	Account  string
	Kind     PrincipalKind
	Contains string // a part of the ARN
	By       PrincipalSort
}

// Principals lists an analyzer's principals by account and ARN, without their policies; of
// one account, if it is given.
func (s *Store) Principals(ctx context.Context, analyzer, account string, p Page) (Part[Principal], error) {
	return s.FindPrincipals(ctx, PrincipalQuery{Analyzer: analyzer, Account: account}, p)
}

// FindPrincipals lists principals, without their policies.
func (s *Store) FindPrincipals(ctx context.Context, q PrincipalQuery, p Page) (Part[Principal], error) {
	if err := errors.Join(checkText(q.Account), checkText(string(q.Kind)), checkText(q.Contains)); err != nil {
		return Part[Principal]{}, err
	}
	return s.principals(ctx, fmt.Sprintf("principals %+q", q), q, p, func(st *statement) {
		if q.Account != "" {
			st.add(` AND p.account = ?`, q.Account)
		}
		if q.Kind != "" {
			st.add(` AND p.kind = ?`, string(q.Kind))
		}
		if q.Contains != "" {
			st.add(` AND `+s.dialect.position+`(p.arn, ?) > 0`, q.Contains)
		}
	})
}

// Holders lists the principals that have a policy with a text of this hash, as Principals
// does.
func (s *Store) Holders(ctx context.Context, analyzer, hash string, p Page) (Part[Principal], error) {
	return s.principals(ctx, fmt.Sprintf("holders of %q by %q", hash, analyzer), PrincipalQuery{Analyzer: analyzer}, p, func(st *statement) {
		st.add(` AND p.key IN (SELECT h.principal FROM principal_policies h WHERE h.hash = ?)`, hash)
	})
}

// principals lists what where lets through of a query's analyzer, in the query's order.
func (s *Store) principals(ctx context.Context, of string, q PrincipalQuery, p Page, where func(*statement)) (Part[Principal], error) {
	owner, err := s.analyzerID(ctx, s.reader, q.Analyzer)
	if err != nil {
		return Part[Principal]{}, err
	}
	st := sqlOf(`SELECT `+principalColumns+` WHERE p.analyzer = ?`, owner)
	where(st)
	l := listing[principalRow]{of: of, query: st, scan: scanPrincipal}
	switch q.By {
	case PrincipalsByAccount:
		l.order = []column{{name: "p.account"}, {name: "p.arn"}}
		l.at = func(p principalRow) []string { return []string{p.Account, p.ARN} }
	case PrincipalsByUnused:
		l.order, l.descending = []column{{"p.judged", true}, {"p.unused", true}, {"p.key", true}}, true
		l.at = func(p principalRow) []string {
			return []string{decimal(p.judged()), decimal(int64(p.Unused)), decimal(p.key)}
		}
	default:
		return Part[Principal]{}, invalid("principals aren't sorted by %q", q.By)
	}
	got, err := l.read(ctx, s.reader, p)
	out := Part[Principal]{Items: make([]Principal, len(got.Items)), Next: got.Next}
	for i := range got.Items {
		out.Items[i] = got.Items[i].Principal
	}
	return out, err
}

// Policy is a policy's text by its hash.
func (s *Store) Policy(ctx context.Context, hash string) (string, error) {
	return one(ctx, s.reader, sqlOf(`SELECT body FROM policies WHERE hash = ?`, hash), scanText, notFound("policy", hash))
}
