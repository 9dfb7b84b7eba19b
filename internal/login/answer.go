package login

import (
	"bytes"
	"context"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/internal/store"
)

// unknown is who somebody is in the audit log whose name isn't known. What they typed isn't
// there: people type passwords into the wrong field.
const unknown = "unknown"

// isProgram says whether a request wants JSON rather than a page.
func isProgram(r *http.Request) bool {
	if _, ok := bearer(r); ok {
		return true
	}
	accept := strings.ToLower(r.Header.Get("Accept"))
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// askWho tells somebody unknown how to become known. A page that htmx asked for a part of is
// led away as a whole.
func (l *Login) askWho(w http.ResponseWriter, r *http.Request) {
	next := "/"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		next = r.URL.RequestURI()
	}
	switch {
	case isProgram(r):
		w.Header().Set("WWW-Authenticate", `Bearer realm="pare"`)
		l.say(w, r, refusal{http.StatusUnauthorized, "Log in, or send a token: Authorization: Bearer pare_…"})
	case r.Header.Get("HX-Request") == "true":
		w.Header().Set("HX-Redirect", loginURL("/"))
		l.say(w, r, refusal{http.StatusUnauthorized, "Your session has ended."})
	default:
		http.Redirect(w, r, loginURL(next), http.StatusSeeOther)
	}
}

// message is the JSON that programs get.
type message struct {
	Message string `json:"message"`
}

// say answers with a text: as JSON to programs, as a page to people.
func (l *Login) say(w http.ResponseWriter, r *http.Request, what refusal) {
	if !isProgram(r) {
		l.render(w, what.status, view{Title: http.StatusText(what.status), Message: what.text})
		return
	}
	text, err := json.Marshal(message{what.text})
	if err != nil {
		l.o.Log.Error("login", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	l.write(w, what.status, text)
}

func (l *Login) write(w http.ResponseWriter, status int, text []byte) {
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		l.o.Log.Debug("login: the answer couldn't be sent", "error", err)
	}
}

// retryAfter says how long to wait, in whole seconds.
func retryAfter(w http.ResponseWriter, wait time.Duration) int {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return seconds
}

// crossSite answers what another site's page sent.
func (l *Login) crossSite(w http.ResponseWriter, r *http.Request) {
	l.say(w, r, refusal{http.StatusForbidden, "Another site's page sent this: it isn't done."})
}

// Require lets those through who have a role, or one above it; others get 403, and a line in
// the audit log. Nobody at all is led to log in.
func Require(role Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := From(r.Context()); !ok || !id.May(role) {
			Refuse(w, r, role)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Refuse answers somebody who lacks a role, as Require does.
func Refuse(w http.ResponseWriter, r *http.Request, role Role) {
	id, known := From(r.Context())
	l := within(r.Context())
	switch {
	case l == nil:
		http.Error(w, "this needs the role "+string(role), http.StatusForbidden)
	case !known:
		l.askWho(w, r)
	default:
		l.note(r, "name "+id.Name, store.Entry{Who: id.Name, Action: "Refused", Target: r.Method + " " + clip(r.URL.Path), Outcome: "needs the role " + string(role)})
		l.say(w, r, refusal{http.StatusForbidden, "This needs the role " + string(role) + "; you have " + string(id.Role) + "."})
	}
}

// clip keeps a text from filling the audit log.
func clip(text string) string {
	const most = 256
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// note adds a line to the audit log of something that was refused, unless key has filled its
// share of it. That it can't be written changes nothing for who was refused.
func (l *Login) note(r *http.Request, key string, e store.Entry) {
	if _, wait := l.refusals.take(key, l.o.Now()); wait > 0 {
		return
	}
	if err := l.audit(r, e); err != nil {
		l.o.Log.Error("audit log", "error", err)
	}
}

// audit adds a line to the audit log, also when whoever asked is gone.
func (l *Login) audit(r *http.Request, e store.Entry) error {
	e.At, e.Origin = l.o.Now(), shown(l.client(r))
	return l.o.Store.Audit(context.WithoutCancel(r.Context()), e)
}

// view is what a page shows.
type view struct {
	Title      string
	Stylesheet string
	Message    string // instead of the form
	Notice     string // above the form
	Error      string // of the form
	Name, Next string // as they were typed
	Password   bool   // whether there is a form
	Provider   string // name of the provider; "": there is none
	Start      string // where a login at the provider begins
	Out        string // where to log out at the provider; ""
	Again      string // where to try once more; ""
}

var pages = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}} · pare</title>
<link rel="stylesheet" href="{{.Stylesheet}}">
</head>
<body>
<main class="login">
<h1>{{.Title}}</h1>
{{- if .Message}}
<p class="error" role="alert">{{.Message}}</p>
{{- if .Again}}
<p><a class="button" href="{{.Again}}">Log in again</a></p>
{{- end}}
{{- else}}
{{- with .Notice}}
<p role="status">{{.}}</p>
{{- end}}
{{- if .Out}}
<p><a href="{{.Out}}">Log out at {{.Provider}}, too</a></p>
{{- end}}
{{- with .Error}}
<p class="error" id="login-error" role="alert">{{.}}</p>
{{- end}}
{{- if .Password}}
<form method="post" action="/login">
<input type="hidden" name="next" value="{{.Next}}">
<div class="field">
<label for="name">Name</label>
<input id="name" name="name" value="{{.Name}}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="128" required{{if .Error}} aria-invalid="true" aria-describedby="login-error"{{end}}>
</div>
<div class="field">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{{if .Error}} aria-invalid="true" aria-describedby="login-error"{{end}}>
</div>
<button class="button" type="submit">Log in</button>
</form>
{{- end}}
{{- if .Provider}}
<p><a class="button" href="{{.Start}}">Log in with {{.Provider}}</a></p>
{{- end}}
{{- end}}
</main>
</body>
</html>
`))

// render answers with a page, which is made as a whole before any of it is sent.
func (l *Login) render(w http.ResponseWriter, status int, v view) {
	v.Stylesheet = l.o.Stylesheet
	var page bytes.Buffer
	if err := pages.Execute(&page, v); err != nil {
		l.o.Log.Error("login page", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	l.write(w, status, page.Bytes())
}
