package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

const (
	secret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	bearer  = "pare_0123456789abcdef0123456789"
	session = "session-token-of-a-browser"
)

func TestPeopleAndTheirKeys(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		ann := store.Person{Name: "ann", Role: store.Reviewer, Password: "$argon2id$v=19$…"}
		check(t, s.PutUser(ctxOf(t), by(1), ann))
		ann.Role = store.Admin
		check(t, s.PutUser(ctxOf(t), by(2), ann))
		ann.CreatedAt = day(1)
		same(t, "users", []store.Person{ann}, must(s.Users(ctxOf(t), store.Page{}))(t).Items)

		k := store.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE", User: "ann"}
		check(t, s.AddKey(ctxOf(t), by(3), k, secret))
		got, user, err := s.Key(ctxOf(t), k.ID)
		check(t, err)
		same(t, "secret", secret, got)
		same(t, "whose", ann, user)
		k.CreatedAt = day(3)
		same(t, "keys", []store.AccessKey{k}, must(s.Keys(ctxOf(t), "ann", store.Page{}))(t).Items)

		check(t, s.AddToken(ctxOf(t), by(3), store.APIToken{ID: "1", User: "ann", Label: "ci", ExpiresAt: day(9)}, bearer))
		same(t, "token", ann, must(s.TokenUser(ctxOf(t), bearer, day(8)))(t))
		for name, c := range map[string]struct {
			err, want error
		}{
			"expired":              {again(s.TokenUser(ctxOf(t), bearer, day(9))), store.ErrNotFound},
			"another token":        {again(s.TokenUser(ctxOf(t), bearer+"x", day(8))), store.ErrNotFound},
			"the key's ID again":   {s.AddKey(ctxOf(t), by(3), k, secret), store.ErrConflict},
			"the token's ID again": {s.AddToken(ctxOf(t), by(3), store.APIToken{ID: "1", User: "ann"}, bearer+"y"), store.ErrConflict},
			"a short token":        {s.AddToken(ctxOf(t), by(3), store.APIToken{ID: "2", User: "ann"}, "short"), store.ErrInvalid},
			"nobody's key":         {s.AddKey(ctxOf(t), by(3), store.AccessKey{ID: "AKIA2", User: "bob"}, secret), store.ErrNotFound},
			"no such role":         {s.PutUser(ctxOf(t), by(3), store.Person{Name: "bob", Role: "root"}), store.ErrInvalid},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: %v, want %v", name, c.err, c.want)
			}
		}
		check(t, s.DeleteUser(ctxOf(t), by(4), "ann"))
		for name, err := range map[string]error{"key": thirdOf(s.Key(ctxOf(t), k.ID)), "token": again(s.TokenUser(ctxOf(t), bearer, day(8)))} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the %s of one who is gone: %v", name, err)
			}
		}
	})
}

func thirdOf[T, U any](_ T, _ U, err error) error { return err }

func TestSessions(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		now := day(1)
		keep := s.Sessions(func(data []byte) string { return string(data[:3]) }, nowIs(&now))
		check(t, keep.Commit(session, []byte("ann 1"), day(3)))
		check(t, keep.Commit(session, []byte("ann 2"), day(3)))
		check(t, keep.Commit("other", []byte("bob 1"), day(3)))
		ann := store.Person{Name: "ann", Role: store.Viewer}
		check(t, s.PutUser(ctxOf(t), by(1), ann))
		check(t, keep.Commit(session, []byte("ann 2"), day(3)))
		check(t, s.PutUser(ctxOf(t), by(1), ann))
		data, ok, err := keep.Find(session)
		check(t, err)
		same(t, "data", "ann 2 true", string(data)+map[bool]string{true: " true"}[ok])
		ann.Role = store.Admin
		check(t, s.PutUser(ctxOf(t), by(1), ann))
		_, ok, err = keep.Find(session)
		check(t, err)
		same(t, "after another role", false, ok)
		check(t, keep.Commit(session, []byte("ann 2"), day(3)))
		check(t, s.EndSessions(ctxOf(t), by(1), "ann"))
		_, ok, err = keep.Find(session)
		check(t, err)
		same(t, "ended", false, ok)
		now = day(3)
		_, ok, err = keep.Find("other")
		check(t, err)
		same(t, "expired", false, ok)
		same(t, "cleaned", 1, must(s.Clean(ctxOf(t), store.Retention{}, now))(t).Sessions)
		check(t, keep.Delete("other"))
	})
}

// What a thief of the file would look for isn't in it, and the key is needed.
func TestSecretsAreNotInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pare.db")
	s := open(t, path)
	check(t, s.PutUser(ctxOf(t), by(1), store.Person{Name: "ann", Role: store.Admin}))
	check(t, s.AddKey(ctxOf(t), by(1), store.AccessKey{ID: "AKIA1", User: "ann"}, secret))
	check(t, s.AddToken(ctxOf(t), by(1), store.APIToken{ID: "1", User: "ann"}, bearer))
	check(t, s.Sessions(func([]byte) string { return "ann" }, nil).Commit(session, []byte("{}"), day(9)))
	check(t, s.Close())
	file, err := os.ReadFile(path)
	check(t, err)
	same(t, "who may read it", "-rw-------", must(os.Stat(path))(t).Mode().String())
	for _, text := range []string{secret, bearer, session} {
		if bytes.Contains(file, []byte(text)) {
			t.Errorf("%q is in the file", text)
		}
	}
	for name, c := range map[string]struct {
		key  []byte
		want error
	}{"without a key": {nil, store.ErrNoKey}, "with another": {store.NewKey(), store.ErrDamaged}} {
		s, err := store.Open(ctxOf(t), path, store.Options{Key: c.key})
		check(t, err)
		if _, _, err := s.Key(ctxOf(t), "AKIA1"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		check(t, s.Close())
	}
	if _, err := store.Open(ctxOf(t), path, store.Options{Key: []byte("short")}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a short key: %v", err)
	}
}

// The database itself refuses to rewrite what has happened.
func TestWhatHappenedStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		create(t, s)
		scan(t, s, 1, permission(1, 1, "A"))
		check(t, s.AddNote(ctxOf(t), by(1), theARN, permission(1, 1).ID, "a note"))
		check(t, s.Audit(ctxOf(t), store.Entry{At: day(1), Who: "bob", Action: "Login", Outcome: "wrong password"}))
		forbidden := []string{
			`UPDATE finding_history SET who = 'nobody'`, `DELETE FROM finding_history`, `UPDATE finding_notes SET body = 'another'`, `DELETE FROM finding_notes`,
			`UPDATE audit SET who = 'nobody'`, `DELETE FROM audit`,
		}
		if s.Connections().Pool != nil {
			forbidden = append(forbidden, `TRUNCATE audit`, `TRUNCATE finding_history`, `TRUNCATE finding_notes`, `TRUNCATE findings CASCADE`)
		}
		for _, q := range forbidden {
			if _, err := s.Connections().Writer.ExecContext(ctxOf(t), q); err == nil {
				t.Errorf("%s is done", q)
			}
		}
		e := must(s.AuditLog(ctxOf(t), "", store.Page{Limit: 1}))(t).Items[0]
		same(t, "the last line", "bob Login wrong password", e.Who+" "+e.Action+" "+e.Outcome)
		check(t, s.DeleteAnalyzer(ctxOf(t), by(2), theARN, "")) // what goes as a whole may go
	})
}
