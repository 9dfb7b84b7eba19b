package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// UserRole is what a user may do.
type UserRole string

// The roles, each with what the ones before may.
const (
	Viewer   UserRole = "viewer"
	Reviewer UserRole = "reviewer"
	Operator UserRole = "operator"
	Admin    UserRole = "admin"
)

var userRoles = []UserRole{Viewer, Reviewer, Operator, Admin}

// Person is a user of the server. The password isn't here: only what argon2id made of it.
type Person struct {
	Name      string
	Role      UserRole
	Password  string // "$argon2id$…"; "" for one who can't log in with a password
	CreatedAt time.Time
}

// PutUser adds a user, or changes role and password. Sessions of one whose password or role
// changes end.
func (s *Store) PutUser(ctx context.Context, by By, u Person) error {
	if u.Name == "" || !slices.Contains(userRoles, u.Role) {
		return invalid("user %q with role %q: want a name, and one of %v", u.Name, u.Role, userRoles)
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		was, err := one(ctx, tx, sqlOf(`SELECT `+userColumns+` WHERE u.name = ?`+s.dialect.lock, u.Name), scanUser, ErrNotFound)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if _, err := exec(ctx, tx, sqlOf(`INSERT INTO users (name, role, password, created_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET role = excluded.role, password = excluded.password`,
			u.Name, string(u.Role), u.Password, micros(by.At))); err != nil {
			return err
		}
		if was.Role != u.Role || was.Password != u.Password {
			if err := endSessions(ctx, tx, u.Name); err != nil {
				return err
			}
		}
		return audit(ctx, tx, by, "PutUser", u.Name)
	})
}

// DeleteUser removes a user with tokens, access keys and sessions.
func (s *Store) DeleteUser(ctx context.Context, by By, name string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, sqlOf(`DELETE FROM users WHERE name = ?`, name))
		if err == nil && n == 0 {
			err = notFound("user", name)
		}
		if err != nil {
			return err
		}
		if err := endSessions(ctx, tx, name); err != nil {
			return err
		}
		return audit(ctx, tx, by, "DeleteUser", name)
	})
}

const userColumns = `u.name, u.role, u.password, u.created_at FROM users u`

func scanUser(r row) (u Person, err error) {
	err = r.Scan(&u.Name, &u.Role, &u.Password, instant{&u.CreatedAt})
	return u, err
}

// User is a user by name.
func (s *Store) User(ctx context.Context, name string) (Person, error) {
	return one(ctx, s.reader, sqlOf(`SELECT `+userColumns+` WHERE u.name = ?`, name), scanUser, notFound("user", name))
}

// Users lists all users by name.
func (s *Store) Users(ctx context.Context, p Page) (Part[Person], error) {
	return listing[Person]{
		of: "users", query: sqlOf(`SELECT ` + userColumns + ` WHERE 1 = 1`), order: []column{{name: "u.name"}},
		scan: scanUser, at: func(u Person) []string { return []string{u.Name} },
	}.read(ctx, s.reader, p)
}
