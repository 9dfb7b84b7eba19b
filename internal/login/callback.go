package login

import (
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/oauth2"

	"github.com/pare-iam/pare/internal/store"
)

// flowTime is how long somebody may take at the provider.
const flowTime = 10 * time.Minute

// flows keeps logins that are under way, each under a cookie of its own, and each good for
// one end.
type flows struct {
	manager *scs.SessionManager
	now     func() time.Time
}

// begin keeps a new flow, in the place of one that the browser had.
func (f *flows) begin(w http.ResponseWriter, r *http.Request, next string) (flow, error) {
	fl := flow{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), next: LocalPath(next)}
	ctx, err := load(f.manager, r)
	if err != nil {
		return flow{}, err
	}
	if err := f.manager.RenewToken(ctx); err != nil {
		return flow{}, err
	}
	for key, value := range map[string]string{"state": fl.state, "nonce": fl.nonce, "verifier": fl.verifier, "next": fl.next} {
		f.manager.Put(ctx, key, value)
	}
	f.manager.SetDeadline(ctx, f.now().Add(flowTime))
	token, expires, err := f.manager.Commit(ctx)
	if err != nil {
		return flow{}, err
	}
	f.manager.WriteSessionCookie(ctx, w, token, expires)
	return fl, nil
}

// end is the flow of a browser, which is gone by then; the zero flow if there is none.
func (f *flows) end(w http.ResponseWriter, r *http.Request) (flow, error) {
	ctx, err := load(f.manager, r)
	if err != nil {
		return flow{}, err
	}
	if f.manager.Token(ctx) == "" {
		return flow{}, nil
	}
	get := func(key string) string { return f.manager.GetString(ctx, key) }
	fl := flow{get("state"), get("nonce"), get("verifier"), get("next")}
	if err := f.manager.Destroy(ctx); err != nil {
		return flow{}, err
	}
	f.manager.WriteSessionCookie(ctx, w, "", time.Time{})
	return fl, nil
}

// startOIDC sends somebody to the provider.
func (l *Login) startOIDC(w http.ResponseWriter, r *http.Request) {
	if l.provider == nil {
		l.say(w, r, refusal{http.StatusNotFound, "There is no login with a provider here."})
		return
	}
	if _, wait := l.starts.take(subscriber(l.client(r)), l.o.Now()); wait > 0 {
		retryAfter(w, wait)
		l.say(w, r, refusal{http.StatusTooManyRequests, "Too many logins were begun from your address. Wait a moment."})
		return
	}
	to, err := l.provider.discover(r.Context())
	if err != nil {
		l.o.Log.Error("login", "error", err)
		retryAfter(w, restraint)
		l.say(w, r, refusal{http.StatusServiceUnavailable, l.provider.Name + " doesn't answer. Try again in a moment."})
		return
	}
	f, err := l.flows.begin(w, r, r.URL.Query().Get("next"))
	if err != nil {
		l.say(w, r, l.unavailable(err))
		return
	}
	http.Redirect(w, r, to.page(f), http.StatusSeeOther)
}

// notTaken is a login that isn't taken: what the audit log has of it, and what its owner is
// told.
type notTaken struct{ who, outcome, text string }

func (n notTaken) Error() string { return n.outcome }

const beginAgain = "This login can't be finished: it has taken too long, was finished already, or was begun elsewhere."

// finishOIDC is where the provider sends somebody back to.
func (l *Login) finishOIDC(w http.ResponseWriter, r *http.Request) {
	if l.provider == nil {
		l.say(w, r, refusal{http.StatusNotFound, "There is no login with a provider here."})
		return
	}
	f, err := l.flows.end(w, r)
	if err != nil {
		l.say(w, r, l.unavailable(err))
		return
	}
	id, err := l.callback(r, f)
	if err == nil {
		l.enter(w, r, session{id, l.provider.mark()}, f.next)
		return
	}
	refused, ok := errors.AsType[notTaken](err)
	if !ok {
		l.o.Log.Warn("login at the provider", "error", err)
		refused = notTaken{unknown, "the provider's answer isn't good", "What " + l.provider.Name + " answered isn't good for a login here. The server's log says why."}
	}
	l.note(r, subscriber(l.client(r)), store.Entry{Who: refused.who, Action: "Login", Target: ViaOIDC, Outcome: refused.outcome})
	l.render(w, http.StatusForbidden, view{Title: "Not logged in", Message: refused.text, Again: withNext(startPath, f.next)})
}

// callback is who the provider says somebody is.
func (l *Login) callback(r *http.Request, f flow) (Identity, error) {
	q := r.URL.Query()
	if !same(q.Get("state"), f.state) {
		return Identity{}, notTaken{unknown, "no such login is under way", beginAgain}
	}
	if code := q.Get("error"); isWord(code) {
		return Identity{}, notTaken{unknown, "the provider said " + code, l.provider.Name + " said: " + code + "."}
	}
	if iss := q.Get("iss"); iss != "" && iss != l.provider.Issuer { // RFC 9207
		return Identity{}, errors.New("the answer is another issuer's")
	}
	claims, err := l.provider.redeem(r.Context(), f, q.Get("code"))
	if err != nil {
		return Identity{}, err
	}
	id, err := l.provider.identity(claims)
	if errors.Is(err, errNoRole) {
		return Identity{}, notTaken{id.Name, "no group has a role", "You are " + id.Name + ", and none of your groups has a role here. Ask who runs this server."}
	}
	if err == nil {
		err = l.notAnothers(id.Name)
	}
	return id, err
}

// notAnothers refuses a name of the password file: the audit log couldn't tell them apart.
func (l *Login) notAnothers(name string) error {
	if l.passwords == nil {
		return nil
	}
	line, err := l.passwords.line(name)
	if err == nil && line != nil {
		err = notTaken{unknown, name + " is in the password file", "Somebody else is called " + name + " here. Ask who runs this server."}
	}
	return err
}
