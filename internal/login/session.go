package login

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/internal/store"
)

// sessions keeps who is logged in by cookie, and the OIDC logins that are under way.
//
// A session is two rows of the store. The first is written once, at login, and ends at its
// absolute time; the second, "seen", ends when nobody has used the session for the idle
// time, and is written anew as it is used. Both must be there. So a request that overlaps a
// logout can bring back the second row at most, and not the session.
type sessions struct {
	manager  *scs.SessionManager
	keep     *store.Sessions
	now      func() time.Time
	idle     time.Duration
	lifetime time.Duration
	rest     atomic.Int64 // until when nothing is noted, in Unix nanoseconds
}

// seeLimit is how long a page waits for the note that somebody is there, and seeRest how
// long it isn't tried after that was too short.
const (
	seeLimit = 50 * time.Millisecond
	seeRest  = 5 * time.Second
)

// session is what the first row has.
type session struct {
	Identity
	mark string // of what the identity rests on: if that changes, the session ends
}

// The keys of a row's values.
const (
	nameValue = "name"
	roleValue = "role"
	viaValue  = "via"
	markValue = "mark"
	atValue   = "at"
)

// newManager makes a keeper of cookies. Where there is TLS, the cookie's name has the prefix
// that keeps other hosts of the domain from setting it. It goes when the browser closes.
// https://www.rfc-editor.org/rfc/rfc6265
func newManager(name string, keep *store.Sessions, secure bool) *scs.SessionManager {
	m := scs.New()
	m.Store, m.Codec = keep, codec{}
	m.Cookie = scs.SessionCookie{Name: name, HttpOnly: true, Path: "/", SameSite: http.SameSiteLaxMode, Secure: secure}
	if secure {
		m.Cookie.Name = "__Host-" + name
	}
	return m
}

// begin logs somebody in under a new token; one that the browser had is gone.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, by session) error {
	ctx, err := load(s.manager, r)
	if err != nil {
		return err
	}
	if err := s.manager.RenewToken(ctx); err != nil {
		return err
	}
	for key, value := range map[string]string{nameValue: by.Name, roleValue: string(by.Role), viaValue: by.Via, markValue: by.mark} {
		s.manager.Put(ctx, key, value)
	}
	s.manager.SetDeadline(ctx, s.now().Add(s.lifetime))
	token, expires, err := s.manager.Commit(ctx)
	if err != nil {
		return err
	}
	if err := s.see(ctx, token, by.Name); err != nil {
		return err
	}
	s.manager.WriteSessionCookie(ctx, w, token, expires)
	return nil
}

// find is who a request's cookie stands for; false if nobody.
func (s *sessions) find(r *http.Request) (session, bool, error) {
	ctx, err := load(s.manager, r)
	if err != nil {
		return session{}, false, err
	}
	token := s.manager.Token(ctx)
	get := func(key string) string { return s.manager.GetString(ctx, key) }
	found := session{Identity{get(nameValue), Role(get(roleValue)), get(viaValue)}, get(markValue)}
	if token == "" || found.Name == "" {
		return session{}, false, nil
	}
	fresh, err := s.seen(ctx, token, found.Name)
	return found, fresh && err == nil, err
}

// seen says whether a session was used within the idle time, and notes that it is now. It
// writes at most twenty times in the idle time.
func (s *sessions) seen(ctx context.Context, token, name string) (bool, error) {
	src, ok, err := s.keep.FindCtx(ctx, seenToken(token))
	if err != nil || !ok {
		return false, err
	}
	at, err := time.Parse(time.RFC3339, rowOf(src).Values[atValue])
	if err != nil || s.now().Sub(at) >= s.idle/20 {
		s.trySee(ctx, token, name)
	}
	return true, nil
}

// trySee is see, unless the database's writer has more to do than a page can wait for. The
// next request will see to it; meanwhile the session is good for the rest of its time.
func (s *sessions) trySee(ctx context.Context, token, name string) {
	if s.now().UnixNano() < s.rest.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, seeLimit)
	defer cancel()
	if err := s.see(ctx, token, name); err != nil {
		s.rest.Store(s.now().Add(seeRest).UnixNano())
	}
}

func (s *sessions) see(ctx context.Context, token, name string) error {
	now := s.now()
	src, err := row{Values: map[string]string{nameValue: name, atValue: now.UTC().Format(time.RFC3339)}}.encode()
	if err != nil {
		return err
	}
	return s.keep.CommitCtx(ctx, seenToken(token), src, now.Add(s.idle))
}

// seenToken can't be a cookie's: those have no colon.
func seenToken(token string) string { return "seen:" + token }

// end logs out, and says who that was.
func (s *sessions) end(w http.ResponseWriter, r *http.Request) (session, bool, error) {
	found, ok, err := s.find(r)
	if err != nil {
		return session{}, false, err
	}
	ctx, err := load(s.manager, r)
	if err != nil {
		return session{}, false, err
	}
	if token := s.manager.Token(ctx); token != "" {
		if err := s.manager.Destroy(ctx); err != nil {
			return session{}, false, err
		}
		if err := s.keep.DeleteCtx(ctx, seenToken(token)); err != nil {
			return session{}, false, err
		}
	}
	s.manager.WriteSessionCookie(ctx, w, "", time.Time{})
	return found, ok, nil
}

// load reads the session of a request's cookie, or makes an empty one.
func load(m *scs.SessionManager, r *http.Request) (context.Context, error) {
	token := ""
	if c, err := r.Cookie(m.Cookie.Name); err == nil {
		token = c.Value
	}
	return m.Load(r.Context(), token)
}

// row is what the database has of a session.
type row struct {
	Deadline time.Time         `json:"deadline,omitzero"`
	Values   map[string]string `json:"values"`
}

func (r row) encode() ([]byte, error) { return json.Marshal(r, json.Deterministic(true)) }

// rowOf reads a row. One that can't be read, such as another version's, has nobody in it.
func rowOf(src []byte) row {
	var r row
	if err := json.Unmarshal(src, &r); err != nil {
		return row{}
	}
	return r
}

// userOf is whose session a row is; "" for a login that is under way.
func userOf(src []byte) string { return rowOf(src).Values[nameValue] }

// codec has the session library write rows.
type codec struct{}

// Encode writes values, all of which are strings.
func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	r := row{deadline, map[string]string{}}
	for key, v := range values {
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("session: %s is %T: want a string", key, v)
		}
		r.Values[key] = text
	}
	return r.encode()
}

// Decode reads a row.
func (codec) Decode(src []byte) (time.Time, map[string]any, error) {
	r := rowOf(src)
	values := make(map[string]any, len(r.Values))
	for key, text := range r.Values {
		values[key] = text
	}
	return r.Deadline, values, nil
}
