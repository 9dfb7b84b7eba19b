package web

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/pare-iam/pare/internal/store"
)

// answer is what a page comes to. An error of write is shown as a page, if nothing was
// written yet.
//
//sumtype:decl
type answer interface {
	write(w http.ResponseWriter, v *visit) error
}

// page is an answer made with templates/name.html.
type page struct {
	name   string
	title  string
	menu   string // the pattern of the route whose entry in the menu is the current one
	status int    // 0: 200
	data   any    // .Data in the template
}

// frame is what a template sees as $.
type frame struct {
	*visit
	Title     string
	Menu      []menuItem
	User      string
	LogOut    bool
	Role      store.UserRole
	Analyzers []store.Analyzer
	Analyzer  store.Analyzer
	Notice    string
	Version   string
	Now       time.Time
	Data      any
}

type menuItem struct {
	Label, URL string
	Current    bool
}

func (p page) write(w http.ResponseWriter, v *visit) error {
	f := frame{
		visit: v, Title: p.title, User: v.name, LogOut: v.site.LogOut(v.Context()), Role: v.role, Analyzers: v.analyzers, Analyzer: v.analyzer,
		Now: v.now, Notice: noticeText(v.query("done"), v.query("n")), Version: v.site.Version, Data: p.data,
	}
	for _, r := range v.site.menu {
		if v.May(r.role) {
			f.Menu = append(f.Menu, menuItem{r.menu, v.Link(menuPath(r.pattern)), r.pattern == p.menu})
		}
	}
	var out bytes.Buffer
	if err := v.site.templates[p.name].ExecuteTemplate(&out, "layout", f); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	v.send(w, &out)
	return nil
}

// send writes what was made already. Who went away meanwhile needs no page about it.
func (v *visit) send(w http.ResponseWriter, r io.Reader) {
	v.made()
	if _, err := io.Copy(w, r); err != nil {
		v.site.Log.DebugContext(v.Context(), "answer not sent", "path", v.URL.Path, "err", err)
	}
}

// redirect is an answer that sends on to another page, which is then got.
type redirect string

func (to redirect) write(w http.ResponseWriter, v *visit) error {
	http.Redirect(w, v.Request, string(to), http.StatusSeeOther)
	return nil
}

// download is an answer that is saved as a file; or shown, if it has no name.
type download struct {
	name   string
	typ    string // "text/csv; charset=utf-8"
	policy string // its content security policy; "" for the pages'
	body   func(io.Writer) error
}

func (d download) write(w http.ResponseWriter, v *visit) error {
	v.made() // it is made while it is sent, as slowly as it is taken
	w.Header().Set("Content-Type", d.typ)
	if d.name != "" {
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.name}))
	}
	if d.policy != "" {
		w.Header().Set("Content-Security-Policy", d.policy)
	}
	started := &startedWriter{Writer: w}
	err := d.body(started)
	if err == nil || !started.yes {
		if err != nil {
			w.Header().Del("Content-Disposition")
		}
		return err
	}
	// Half a file must not look like a whole one: the connection is cut.
	v.site.Log.ErrorContext(v.Context(), "download broke off", "path", v.URL.Path, "err", err)
	panic(http.ErrAbortHandler)
}

// startedWriter knows whether something was written.
type startedWriter struct {
	io.Writer
	yes bool
}

func (w *startedWriter) Write(p []byte) (int, error) {
	w.yes = w.yes || len(p) > 0
	return w.Writer.Write(p)
}
