package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/pare-iam/pare/internal/store"
)

// The paths of Handler.
const (
	loginPath    = "/login"
	logoutPath   = "/logout"
	startPath    = "/oidc/login"
	callbackPath = "/oidc/callback"
)

// Options are what a Login needs.
type Options struct {
	Setup
	Store      *store.Store
	Now        func() time.Time
	Log        *slog.Logger  // what an operator should know; nil: nothing is said
	Stylesheet string        // path of the pages' style; "": /static/pare.css
	Idle       time.Duration // after which an unused session ends; 0: an hour
	Lifetime   time.Duration // after which any session ends; 0: 12 hours
}

// The limits. A login that succeeds counts for nothing, so that many people behind one
// address don't stand in each other's way.
var (
	perName    = limit{burst: 10, every: 30 * time.Second}
	perAddress = limit{burst: 20, every: 6 * time.Second}
	perRefusal = limit{burst: 20, every: 30 * time.Second} // lines of the audit log by name or address
	perStart   = limit{burst: 30, every: 2 * time.Second}  // logins at the provider that are begun, by address
)

// Login knows who asks. It is safe for concurrent use.
type Login struct {
	o         Options
	open      bool // loopback without a login
	passwords *passwords
	provider  *provider
	sessions  *sessions
	flows     *flows
	csrf      *http.CrossOriginProtection

	names, addresses, refusals, starts *limiter
}

// New makes a Login. It refuses what Requirements refuses, and a password file that can't
// be read or has an error in it. Options.Listen is the listener's own address.
func New(o Options) (*Login, error) {
	if err := Requirements(o.Setup); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Stylesheet = cmp.Or(o.Stylesheet, "/static/pare.css")
	l := &Login{
		o: o, open: !o.hasLogin(), csrf: http.NewCrossOriginProtection(),
		names: newLimiter(perName), addresses: newLimiter(perAddress), refusals: newLimiter(perRefusal), starts: newLimiter(perStart),
	}
	l.csrf.SetDenyHandler(http.HandlerFunc(l.crossSite))
	keep := o.Store.Sessions(userOf, o.Now)
	l.sessions = &sessions{
		manager: newManager("pare", keep, o.secure()), keep: keep, now: o.Now,
		idle: cmp.Or(o.Idle, time.Hour), lifetime: cmp.Or(o.Lifetime, 12*time.Hour),
	}
	l.flows = &flows{newManager("pare-oidc", keep, o.secure()), o.Now}
	return l, l.prepare()
}

func (l *Login) prepare() error {
	if l.o.PublicURL != "" {
		if err := l.csrf.AddTrustedOrigin(strings.TrimRight(l.o.PublicURL, "/")); err != nil {
			return err
		}
	}
	if l.o.PasswordFile != "" {
		l.passwords = newPasswords(l.o.PasswordFile)
		if _, _, err := l.passwords.current(); err != nil {
			return err
		}
	}
	if l.o.OIDC != nil {
		var err error
		l.provider, err = newProvider(*l.o.OIDC, l.o.PublicURL, l.o.Now)
		return err
	}
	return nil
}

// errNobody says that nobody is known, and that logging in would help.
var errNobody = errors.New("log in first")

// refusal is an answer that logging in wouldn't change.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

// Middleware puts who asks into the request's context. If nobody does, programs (a Bearer
// token, or Accept: application/json) get 401, and browsers are led to the login page.
//
// Methods that change something are refused when another site's page sends them; a token is
// proof enough that none did.
func (l *Login) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), loginKey{}, l))
		secret, isProgram := bearer(r)
		if isProgram {
			l.answer(w, r, next, func() (Identity, error) { return l.byToken(r, secret) })
			return
		}
		l.csrf.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Vary", "Cookie")
			l.answer(w, r, next, func() (Identity, error) { return l.byBrowser(w, r) })
		})).ServeHTTP(w, r)
	})
}

func (l *Login) answer(w http.ResponseWriter, r *http.Request, next http.Handler, who func() (Identity, error)) {
	id, err := who()
	if err == nil {
		next.ServeHTTP(w, r.WithContext(With(r.Context(), id)))
		return
	}
	if errors.Is(err, errNobody) {
		l.askWho(w, r)
		return
	}
	refused, ok := errors.AsType[refusal](err)
	if !ok {
		refused = l.unavailable(err)
	}
	l.say(w, r, refused)
}

// unavailable is what somebody is told of an error that isn't theirs.
func (l *Login) unavailable(err error) refusal {
	l.o.Log.Error("login", "error", err)
	return refusal{http.StatusServiceUnavailable, "Who you are can't be found out just now. The server's log says why."}
}

// byBrowser is who asks by cookie, or on loopback.
func (l *Login) byBrowser(w http.ResponseWriter, r *http.Request) (Identity, error) {
	if l.open {
		return byLoopback(r)
	}
	s, ok, err := l.sessions.find(r)
	if err != nil {
		return Identity{}, err
	}
	if !ok {
		return Identity{}, errNobody
	}
	good, err := l.stands(s)
	if err != nil {
		return Identity{}, err
	}
	if !good {
		if _, _, err := l.sessions.end(w, r); err != nil {
			return Identity{}, err
		}
		return Identity{}, errNobody
	}
	return s.Identity, nil
}

// stands says whether what a session rests on is still as it was.
func (l *Login) stands(s session) (bool, error) {
	switch {
	case s.Via == ViaPassword && l.passwords != nil:
		line, err := l.passwords.line(s.Name)
		return line != nil && line.mark() == s.mark, err
	case s.Via == ViaOIDC && l.provider != nil:
		return l.provider.mark() == s.mark, nil
	}
	return false, nil // this way to log in is gone
}

// byLoopback is the one who uses this machine, unless the request has come by a foreign
// name or through a proxy: then it may be anybody's.
func byLoopback(r *http.Request) (Identity, error) {
	if !loopbackHost(r.Host) {
		return Identity{}, refusal{http.StatusForbidden, fmt.Sprintf("The name %q isn't this machine's: open http://127.0.0.1 or http://localhost with the port.", r.Host)}
	}
	if from := remote(r); from.IsValid() && !from.IsLoopback() {
		return Identity{}, refusal{http.StatusForbidden, "This server has no login and is for its own machine alone."}
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return Identity{}, refusal{http.StatusForbidden, "This came through a proxy (" + name + "), and there is no login: start the server with a login and --behind-proxy."}
		}
	}
	return Identity{"local", store.Admin, ViaLoopback}, nil
}

// loopbackHost says whether a Host header names this machine, with or without a port.
func loopbackHost(host string) bool {
	if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:at]
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return ok && strings.Contains(inner, ":") && loopbackName(inner)
	}
	return loopbackName(host)
}

// client is where a request comes from.
func (l *Login) client(r *http.Request) netip.Addr { return clientAddress(r, l.o.TrustedProxies) }

// By is who changes something by a request, for the store: the identity of its context, and
// the address that Middleware found. now is the time.
func By(r *http.Request, now time.Time) store.By {
	by := store.By{Origin: shown(remote(r)), At: now}
	if id, ok := From(r.Context()); ok {
		by.Who = id.Name
	}
	if l := within(r.Context()); l != nil {
		by.Origin = shown(l.client(r))
	}
	return by
}
