package store

import (
	"context"
	"time"
)

// Account is an AWS account that is looked at.
type Account struct {
	ID        string // twelve digits
	Name      string // alias, or what people call it; ""
	Partition string // "aws", "aws-cn", "aws-us-gov"
	Path      string // where it is in the organization: "Root/Production"; ""
	Source    string // where its data comes from, as the configuration names it
	AddedAt   time.Time
}

// PutAccount adds an account, or changes it; when it was added stays.
func (s *Store) PutAccount(ctx context.Context, by By, a Account) error {
	if a.ID == "" {
		return invalid("account without an ID")
	}
	return s.change(ctx, by, "PutAccount", a.ID, nil, sqlOf(`INSERT INTO accounts (id, name, partition, path, source, added_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, partition = excluded.partition, path = excluded.path, source = excluded.source`,
		a.ID, a.Name, a.Partition, a.Path, a.Source, micros(by.At)))
}

// DeleteAccount removes an account from those that are looked at. Its findings stay.
func (s *Store) DeleteAccount(ctx context.Context, by By, id string) error {
	return s.change(ctx, by, "DeleteAccount", id, notFound("account", id), sqlOf(`DELETE FROM accounts WHERE id = ?`, id))
}

const accountColumns = `id, name, partition, path, source, added_at FROM accounts`

func scanAccount(r row) (a Account, err error) {
	err = r.Scan(&a.ID, &a.Name, &a.Partition, &a.Path, &a.Source, instant{&a.AddedAt})
	return a, err
}

// Account is an account by its ID.
func (s *Store) Account(ctx context.Context, id string) (Account, error) {
	return one(ctx, s.reader, sqlOf(`SELECT `+accountColumns+` WHERE id = ?`, id), scanAccount, notFound("account", id))
}

// Accounts lists all accounts by ID.
func (s *Store) Accounts(ctx context.Context, p Page) (Part[Account], error) {
	return listing[Account]{
		of: "accounts", query: sqlOf(`SELECT ` + accountColumns + ` WHERE 1 = 1`), order: []column{{name: "id"}},
		scan: scanAccount, at: func(a Account) []string { return []string{a.ID} },
	}.read(ctx, s.reader, p)
}
