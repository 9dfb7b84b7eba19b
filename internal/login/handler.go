package login

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pare-iam/pare/internal/store"
)

// maxForm bounds the body of a login.
const maxForm = 64 << 10

// Handler serves the login page and what belongs to it: /login, /logout, /oidc/login and
// /oidc/callback. It needs no Middleware, and has the headers of Headers.
func (l *Login) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+loginPath, l.showLogin)
	mux.HandleFunc("POST "+loginPath, l.passwordLogin)
	mux.HandleFunc("POST "+logoutPath, l.logout)
	mux.HandleFunc("GET "+startPath, l.startOIDC)
	mux.HandleFunc("GET "+callbackPath, l.finishOIDC)
	return l.Headers(l.csrf.Handler(mux))
}

// showLogin shows the login page, or leads on who is logged in.
func (l *Login) showLogin(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	_, err := l.byBrowser(w, r)
	refused, isRefusal := errors.AsType[refusal](err)
	switch {
	case err == nil:
		http.Redirect(w, r, LocalPath(q.Get("next")), http.StatusSeeOther)
	case isRefusal:
		l.say(w, r, refused)
	case !errors.Is(err, errNobody):
		l.say(w, r, l.unavailable(err))
	default:
		v := l.form(q.Get("next"))
		if q.Has("out") {
			v.Notice = "You are logged out."
			v.Out = l.logoutElsewhere()
		}
		l.render(w, http.StatusOK, v)
	}
}

func (l *Login) logoutElsewhere() string {
	if l.provider == nil {
		return ""
	}
	return l.provider.logout()
}

// form is the login page with nothing typed.
func (l *Login) form(next string) view {
	v := view{Title: "Log in", Next: LocalPath(next), Password: l.passwords != nil}
	if l.provider != nil {
		v.Provider, v.Start = l.provider.Name, withNext(startPath, next)
	}
	return v
}

// wrong is what anybody is told whose login failed, whyever.
const wrong = "The name or the password is wrong."

func (l *Login) passwordLogin(w http.ResponseWriter, r *http.Request) {
	if l.passwords == nil {
		l.say(w, r, refusal{http.StatusNotFound, "There is no login with a password here."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		l.say(w, r, refusal{http.StatusBadRequest, "The form can't be read."})
		return
	}
	v := l.form(r.PostForm.Get("next"))
	v.Name = r.PostForm.Get("name")
	tokens, wait := l.attempt(r, v.Name)
	if wait > 0 {
		seconds := retryAfter(w, wait)
		v.Error = "Too many tries. Wait for " + strconv.Itoa(seconds) + " s."
		l.render(w, http.StatusTooManyRequests, v)
		return
	}
	line, err := l.passwords.check(r.Context(), v.Name, r.PostForm.Get("password"))
	switch {
	case err != nil:
		giveBack(tokens)
		l.cantCheck(w, r, v, err)
	case line == nil:
		l.failed(w, r, v)
	default:
		giveBack(tokens)
		l.enter(w, r, session{Identity{line.Name, line.Role, ViaPassword}, line.mark()}, v.Next)
	}
}

// attempt counts a try, by address and by name; wait is positive if it is one too many.
func (l *Login) attempt(r *http.Request, name string) (out []taken, wait time.Duration) {
	now := l.o.Now()
	byAddress, wait := l.addresses.take(subscriber(l.client(r)), now)
	if wait > 0 {
		return nil, wait // and somebody who tries all names locks none
	}
	byName, wait := l.names.take(digest(name), now)
	return []taken{byAddress, byName}, wait
}

func giveBack(tokens []taken) {
	for _, t := range tokens {
		t.back()
	}
}

// cantCheck answers when a password can't be checked now.
func (l *Login) cantCheck(w http.ResponseWriter, r *http.Request, v view, err error) {
	if !errors.Is(err, errBusy) {
		l.say(w, r, l.unavailable(err))
		return
	}
	retryAfter(w, time.Second)
	v.Error = "Too many people log in just now. Try again."
	l.render(w, http.StatusServiceUnavailable, v)
}

// failed answers a wrong name or password, alike. Each such line of the audit log was paid
// for by attempt.
func (l *Login) failed(w http.ResponseWriter, r *http.Request, v view) {
	e := store.Entry{Who: unknown, Action: "Login", Outcome: "unknown name"}
	if line, err := l.passwords.line(v.Name); err == nil && line != nil {
		e.Who, e.Outcome = line.Name, "wrong password"
	}
	if err := l.audit(r, e); err != nil {
		l.say(w, r, l.unavailable(err))
		return
	}
	v.Error = wrong
	l.render(w, http.StatusForbidden, v)
}

// enter begins a session, once the audit log has it.
func (l *Login) enter(w http.ResponseWriter, r *http.Request, s session, next string) {
	err := l.audit(r, store.Entry{Who: s.Name, Action: "Login", Target: s.Via})
	if err == nil {
		err = l.sessions.begin(w, r, s)
	}
	if err != nil {
		l.say(w, r, l.unavailable(err))
		return
	}
	http.Redirect(w, r, LocalPath(next), http.StatusSeeOther)
}

func (l *Login) logout(w http.ResponseWriter, r *http.Request) {
	if l.open {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s, ok, err := l.sessions.end(w, r)
	if err == nil && ok {
		err = l.audit(r, store.Entry{Who: s.Name, Action: "Logout", Target: s.Via})
	}
	if err != nil {
		l.say(w, r, l.unavailable(err))
		return
	}
	http.Redirect(w, r, loginPath+"?out=1", http.StatusSeeOther)
}

// isWord takes the error codes of OAuth, which may be shown.
func isWord(text string) bool {
	return text != "" && len(text) <= 64 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") == ""
}
