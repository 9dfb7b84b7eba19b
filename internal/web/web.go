package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/turns"
	"github.com/pare-iam/pare/refine"
)

// Options are what the pages need. Store, Queue, Catalog, Now and Who must be there.
type Options struct {
	Store   *store.Store
	Queue   Queue
	Catalog *catalog.Catalog
	Now     func() time.Time

	// Who says who asks; false for nobody, who is shown nothing.
	Who func(ctx context.Context) (name string, role store.UserRole, ok bool)

	// Origin is the address that a request comes from, for the audit log; nil: as the
	// connection says, which behind a proxy is the proxy's.
	Origin func(*http.Request) string

	// LogOut says whether who asks has a session to end, by a POST to /logout, which the
	// caller serves. nil: nobody has.
	LogOut func(ctx context.Context) bool

	// AnalyzerARN is the ARN that an analyzer with a name gets on this server; nil: analyzers
	// are made by the API alone.
	AnalyzerARN func(name string) string

	Turns    turns.Turns  // of pages; nil: they take them among themselves
	Log      *slog.Logger // nil: errors are shown to who asked, without their text, and nowhere else
	Version  string       // of pare
	Settings []Setting    // sorted by name
}

// site is the dashboard.
type site struct {
	Options
	refiner   *refine.Refiner
	assets    assets
	templates templates
	menu      []route         // those that have an entry, in their order
	paths     map[string]bool // what can be got: "/findings"
}

// Stylesheet is the address of the pages' stylesheet, for pages of others, such as the one
// to log in. It changes with its content.
func Stylesheet() string { return readAssets().urls["pare.css"] }

// New is the dashboard: all its pages, and the files below /static/. The caller sees to it
// that only those come here whom Who knows.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Turns == nil {
		o.Turns = turns.New()
	}
	if o.Origin == nil {
		o.Origin = origin
	}
	if o.LogOut == nil {
		o.LogOut = func(context.Context) bool { return false }
	}
	s := &site{Options: o, refiner: refine.New(o.Catalog), assets: readAssets(), paths: map[string]bool{}}
	s.templates = readTemplates(s.assets)
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.handler(r))
		if method, p, _ := strings.Cut(r.pattern, " "); method == http.MethodGet {
			s.paths[p] = true
		}
		if r.menu != "" {
			s.menu = append(s.menu, r)
		}
	}
	mux.Handle("GET /static/{file}", s.assets)
	mux.Handle("/", s.handler(route{role: store.Viewer, answer: (*visit).nowhere}))
	return guarded(http.NewCrossOriginProtection().Handler(mux))
}

// nowhere answers a path that no page has.
func (v *visit) nowhere() (answer, error) {
	return nil, missing("there is no page " + v.URL.Path)
}

// contentPolicy lets a page have this server's files and forms, and no script or style of its own.
// https://www.w3.org/TR/CSP3/
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxBody is how many bytes a form may send.
const maxBody = 1 << 20

func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
