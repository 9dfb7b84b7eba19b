package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/pare-iam/pare/internal/store"
)

// problem is an error that is shown as a page, with a text for who asked.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

func missing(text string) error { return &problem{http.StatusNotFound, text} }
func bad(text string) error     { return &problem{http.StatusBadRequest, text} }

func forbidden(role store.UserRole) error {
	return &problem{http.StatusForbidden, "this needs the role " + string(role)}
}

// problemOf is what an error is shown as. The text of one that isn't expected stays in
// the log.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &problem{http.StatusRequestEntityTooLarge, "the form is too large"}
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &problem{http.StatusNotFound, err.Error()}
	case errors.Is(err, store.ErrToken), errors.Is(err, store.ErrInvalid):
		return &problem{http.StatusBadRequest, err.Error()}
	case errors.Is(err, store.ErrConflict):
		return &problem{http.StatusConflict, err.Error()}
	case store.Away(err):
		return unavailable()
	}
	return &problem{http.StatusInternalServerError, "something went wrong; the server's log says what"}
}

func unavailable() *problem {
	return &problem{http.StatusServiceUnavailable, "the database doesn't answer now; nothing is lost of what was saved"}
}

// errorPage is the content of templates/error.html.
type errorPage struct {
	Status      int
	What, Text  string
	ReloadHelps bool
}

// fail shows an error as a page.
func (v *visit) fail(w http.ResponseWriter, err error) {
	p := problemOf(err)
	if p.status == http.StatusInternalServerError && errors.Is(v.Context().Err(), context.DeadlineExceeded) {
		p = unavailable() // it wasn't answered in time
	}
	if p.status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		v.site.Log.ErrorContext(v.Context(), "page failed", "path", v.URL.Path, "err", err)
	}
	data := errorPage{Status: p.status, What: statusWords(p.status), Text: p.text, ReloadHelps: p.status >= http.StatusInternalServerError}
	shown := page{name: "error", title: data.What, status: p.status, data: data}
	if err := shown.write(w, v); err != nil {
		v.site.Log.ErrorContext(v.Context(), "error page failed", "err", err)
		http.Error(w, data.What, p.status)
	}
}

func statusWords(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Not found"
	case http.StatusForbidden:
		return "Not allowed"
	case http.StatusUnauthorized:
		return "Not logged in"
	case http.StatusConflict:
		return "Not possible now"
	case http.StatusInternalServerError:
		return "Something went wrong"
	case http.StatusServiceUnavailable:
		return "Not available now"
	}
	return http.StatusText(status)
}
