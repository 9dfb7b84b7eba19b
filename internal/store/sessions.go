package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Sessions keeps the sessions of a browser, as the session library scs asks its stores to.
// The database has the hash of the token alone, so that who reads a backup has no session.
// https://pkg.go.dev/github.com/alexedwards/scs/v2#CtxStore
type Sessions struct {
	store *Store
	user  func(data []byte) string
	now   func() time.Time
}

// Sessions makes a keeper of sessions. It asks user whose session some data is, "" for
// nobody's, so that the sessions of a user can be ended; and now for the time.
func (s *Store) Sessions(user func(data []byte) string, now func() time.Time) *Sessions {
	return &Sessions{s, user, now}
}

// FindCtx is the data of a session; false if there is none, or it has ended.
func (s *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	data, err := one(ctx, s.store.reader, sqlOf(`SELECT data FROM sessions WHERE hash = ? AND expires_at > ?`, digest(token), micros(s.now())),
		func(r row) (data []byte, err error) {
			err = r.Scan(&data)
			return data, err
		}, ErrNotFound)
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx keeps a session's data until it expires.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expires time.Time) error {
	return s.store.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, sqlOf(`INSERT INTO sessions (hash, user_name, data, expires_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (hash) DO UPDATE SET user_name = excluded.user_name, data = excluded.data, expires_at = excluded.expires_at`,
			digest(token), s.user(data), append([]byte{}, data...), micros(expires)))
		return err
	})
}

// DeleteCtx ends a session. That there is none is no error.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.store.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, sqlOf(`DELETE FROM sessions WHERE hash = ?`, digest(token)))
		return err
	})
}

// Find is FindCtx without a context; the library asks for it.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s *Sessions) Commit(token string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expires)
}

// Delete is DeleteCtx without a context.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// EndSessions ends all sessions of a user.
func (s *Store) EndSessions(ctx context.Context, by By, user string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if err := endSessions(ctx, tx, user); err != nil {
			return err
		}
		return audit(ctx, tx, by, "EndSessions", user)
	})
}

func endSessions(ctx context.Context, tx *sql.Tx, user string) error {
	_, err := exec(ctx, tx, sqlOf(`DELETE FROM sessions WHERE user_name = ?`, user))
	return err
}
