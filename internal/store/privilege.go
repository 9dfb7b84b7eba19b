package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// Privilege is how much of what is granted is used, summed over the principals that were
// judged, as the last complete runs saw them. Actions are those of the catalog.
type Privilege struct {
	Name       string // the account, or the service's namespace; "" for a sum of all
	Principals int    // that are granted something
	Granted    int
	Used       int
	Unused     int
	After      int // granted after the recommended steps; of a service: 0, since steps aren't told apart by service
}

// sums are those of an account by service; "" is all of them.
type sums map[string]*Privilege

func (s sums) add(p Principal) {
	if p.Unjudged {
		return
	}
	s.of("").count(Privilege{Principals: 1, Granted: p.Granted, Used: p.Used, Unused: p.Unused, After: p.After})
	for _, e := range p.Evidence {
		if e.Service != "" {
			s.of(e.Service).count(Privilege{Principals: 1, Granted: e.Granted, Used: e.Actions, Unused: e.Unused})
		}
	}
}

func (s sums) of(service string) *Privilege {
	if s[service] == nil {
		s[service] = &Privilege{Name: service}
	}
	return s[service]
}

func (p *Privilege) count(o Privilege) {
	p.Principals += o.Principals
	p.Granted += o.Granted
	p.Used += o.Used
	p.Unused += o.Unused
	p.After += o.After
}

// saveSums puts the account's sums in the place of the last ones.
func (c *completion) saveSums(ctx context.Context, totals sums) error {
	if _, err := exec(ctx, c.tx, sqlOf(`DELETE FROM account_sums WHERE analyzer = ? AND account = ?`, c.owner, c.account)); err != nil {
		return err
	}
	rows := make([][]any, 0, len(totals))
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		t := totals[name]
		rows = append(rows, []any{c.owner, c.account, clean(name), t.Principals, t.Granted, t.Used, t.Unused, t.After})
	}
	return c.insert(ctx, `INSERT INTO account_sums (analyzer, account, service, principals, granted, used, unused, left_over) VALUES `, rows, "")
}

const sumColumns = `f.principals, f.granted, f.used, f.unused, f.left_over FROM account_sums f WHERE f.analyzer = ?`

func scanPrivilege(r row) (account string, a amount[Privilege], err error) {
	err = r.Scan(&account, &a.name, &a.n.Principals, &a.n.Granted, &a.n.Used, &a.n.Unused, &a.n.After)
	a.n.Name = a.name
	return account, a, err
}

// PrivilegeByAccount lists the sums of each account, the most unused first.
func (s *Store) PrivilegeByAccount(ctx context.Context, analyzer string, p Page) (Part[Privilege], error) {
	return s.privileges(ctx, "accounts of "+analyzer, analyzer, p, func(owner int64) *statement {
		return sqlOf(`SELECT f.account, f.account, `+sumColumns+` AND f.service = ''`, owner)
	})
}

// PrivilegeByService lists the sums of each service, the most unused first; of one account,
// if it is given.
func (s *Store) PrivilegeByService(ctx context.Context, analyzer, account string, p Page) (Part[Privilege], error) {
	if err := checkText(account); err != nil {
		return Part[Privilege]{}, err
	}
	return s.privileges(ctx, fmt.Sprintf("services of %q %q", analyzer, account), analyzer, p, func(owner int64) *statement {
		st := sqlOf(`SELECT f.account, f.service, `+sumColumns+` AND f.service <> ''`, owner)
		if account != "" {
			st.add(` AND f.account = ?`, account)
		}
		return st
	})
}

// PrivilegeOf is the sum of an account; "" is all accounts. Its Name is the account.
func (s *Store) PrivilegeOf(ctx context.Context, analyzer, account string) (Privilege, error) {
	out := Privilege{Name: account}
	all, err := s.PrivilegeByAccount(ctx, analyzer, Page{Limit: maxLimit})
	for next := true; next && err == nil; {
		for _, p := range all.Items {
			if account == "" || account == p.Name {
				out.count(p)
			}
		}
		if next = all.Next != ""; next {
			all, err = s.PrivilegeByAccount(ctx, analyzer, Page{Limit: maxLimit, Token: all.Next})
		}
	}
	return out, err
}

func (s *Store) privileges(ctx context.Context, of, analyzer string, p Page, query func(int64) *statement) (Part[Privilege], error) {
	amounts, err := together(ctx, s, s.privilege, analyzer, counting[Privilege]{
		what: of,
		query: func(_ context.Context, _ querier, owner int64, accounts []string) (*statement, error) {
			st := query(owner)
			only(st, "f.account", accounts)
			return st, nil
		},
		scan: scanPrivilege,
		add: func(a, b Privilege) Privilege {
			a.count(b)
			return a
		},
	})
	if err != nil {
		return Part[Privilege]{}, err
	}
	items := make([]Privilege, len(amounts))
	for i, a := range amounts {
		items[i] = a.n
	}
	slices.SortFunc(items, func(a, b Privilege) int { return cmp.Or(cmp.Compare(b.Unused, a.Unused), cmp.Compare(a.Name, b.Name)) })
	// Where one stands, as a text that sorts as they do.
	return partOf("privilege, "+of, items, p, func(p Privilege) string { return fmt.Sprintf("%020d %s", 1<<62-int64(p.Unused), p.Name) })
}
