package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"time"
)

// APIToken is a token that a program sends in the place of a login. The database has its
// hash alone.
type APIToken struct {
	ID        string // to name it by; not secret
	User      string
	Label     string // what it is for
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}

// AddToken keeps a token, whose text the caller has made with at least 128 random bits: no
// salt or slow hash is needed for such.
func (s *Store) AddToken(ctx context.Context, by By, t APIToken, secret string) error {
	if t.ID == "" || len(secret) < 22 {
		return invalid("token %q: want an ID and a secret of 128 random bits or more", t.ID)
	}
	if _, err := s.User(ctx, t.User); err != nil {
		return err
	}
	return s.change(ctx, by, "CreateToken", t.User+"/"+t.ID, exists("token", t.ID), sqlOf(`INSERT INTO api_tokens
		(id, user_name, label, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		t.ID, t.User, t.Label, digest(secret), micros(by.At), micros(t.ExpiresAt)))
}

// RemoveToken revokes a token.
func (s *Store) RemoveToken(ctx context.Context, by By, id string) error {
	return s.change(ctx, by, "DeleteToken", id, notFound("token", id), sqlOf(`DELETE FROM api_tokens WHERE id = ?`, id))
}

// TokenUser is who a token stands for; ErrNotFound if nobody, or it has expired.
func (s *Store) TokenUser(ctx context.Context, secret string, now time.Time) (Person, error) {
	return one(ctx, s.reader, sqlOf(`SELECT `+userColumns+` JOIN api_tokens t ON t.user_name = u.name
		WHERE t.hash = ? AND (t.expires_at = 0 OR t.expires_at > ?)`, digest(secret), micros(now)), scanUser, notFound("token", "…"))
}

// Tokens lists a user's tokens by ID.
func (s *Store) Tokens(ctx context.Context, user string, p Page) (Part[APIToken], error) {
	return listing[APIToken]{
		of:    "tokens of " + user,
		query: sqlOf(`SELECT id, user_name, label, created_at, expires_at FROM api_tokens WHERE user_name = ?`, user),
		order: []column{{name: "id"}},
		scan: func(r row) (t APIToken, err error) {
			err = r.Scan(&t.ID, &t.User, &t.Label, instant{&t.CreatedAt}, instant{&t.ExpiresAt})
			return t, err
		},
		at: func(t APIToken) []string { return []string{t.ID} },
	}.read(ctx, s.reader, p)
}

// AccessKey is a key that requests are signed with, as AWS's clients do.
type AccessKey struct {
	ID        string // "AKIA…"
	User      string
	CreatedAt time.Time
}

// AddKey keeps an access key. Its secret is sealed with Options.Key; ErrNoKey without one.
func (s *Store) AddKey(ctx context.Context, by By, k AccessKey, secret string) error {
	if k.ID == "" || secret == "" {
		return invalid("access key %q: want an ID and a secret", k.ID)
	}
	sealed, err := s.sealed(k, secret)
	if err != nil {
		return err
	}
	if _, err := s.User(ctx, k.User); err != nil {
		return err
	}
	return s.change(ctx, by, "CreateAccessKey", k.User+"/"+k.ID, exists("access key", k.ID), sqlOf(
		`INSERT INTO access_keys (id, user_name, sealed, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, k.ID, k.User, sealed, micros(by.At)))
}

// RemoveKey removes an access key.
func (s *Store) RemoveKey(ctx context.Context, by By, id string) error {
	return s.change(ctx, by, "DeleteAccessKey", id, notFound("access key", id), sqlOf(`DELETE FROM access_keys WHERE id = ?`, id))
}

// Key gives an access key's secret, and whose it is.
func (s *Store) Key(ctx context.Context, id string) (secret string, user Person, err error) {
	var sealed []byte
	user, err = one(ctx, s.reader, sqlOf(`SELECT k.sealed, u.name, u.role, u.password, u.created_at
		FROM access_keys k JOIN users u ON u.name = k.user_name WHERE k.id = ?`, id), func(r row) (u Person, err error) {
		err = r.Scan(&sealed, &u.Name, &u.Role, &u.Password, instant{&u.CreatedAt})
		return u, err
	}, notFound("access key", id))
	if err != nil {
		return "", Person{}, err
	}
	if secret, err = s.opened(AccessKey{ID: id, User: user.Name}, sealed); err != nil {
		return "", Person{}, err
	}
	return secret, user, nil
}

// Keys lists a user's access keys by ID.
func (s *Store) Keys(ctx context.Context, user string, p Page) (Part[AccessKey], error) {
	return listing[AccessKey]{
		of: "keys of " + user, query: sqlOf(`SELECT id, user_name, created_at FROM access_keys WHERE user_name = ?`, user), order: []column{{name: "id"}},
		scan: func(r row) (k AccessKey, err error) {
			err = r.Scan(&k.ID, &k.User, instant{&k.CreatedAt})
			return k, err
		},
		at: func(k AccessKey) []string { return []string{k.ID} },
	}.read(ctx, s.reader, p)
}

const keyLength = 32

func (s *Store) setKey(key []byte) error {
	if key == nil {
		return nil
	}
	if len(key) != keyLength {
		return invalid("a key of %d bytes: want %d", len(key), keyLength)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	s.seal, err = cipher.NewGCMWithRandomNonce(block)
	return err
}

// sealed is a secret that only who has the key can read, and only as the secret of this
// access key of this user: a row that is copied to another can't be opened.
func (s *Store) sealed(k AccessKey, secret string) ([]byte, error) {
	if s.seal == nil {
		return nil, ErrNoKey
	}
	return s.seal.Seal(nil, nil, []byte(secret), bound(k)), nil
}

func (s *Store) opened(k AccessKey, sealed []byte) (string, error) {
	if s.seal == nil {
		return "", ErrNoKey
	}
	secret, err := s.seal.Open(nil, nil, sealed, bound(k))
	if err != nil {
		return "", fmt.Errorf("access key %q: %w: it was sealed with another key, or changed", k.ID, ErrDamaged)
	}
	return string(secret), nil
}

func bound(k AccessKey) []byte { return fmt.Appendf(nil, "%d:%s%s", len(k.ID), k.ID, k.User) }

// NewKey makes a key for Options.Key.
func NewKey() []byte {
	key := make([]byte, keyLength)
	_, _ = rand.Read(key) // never fails
	return key
}
