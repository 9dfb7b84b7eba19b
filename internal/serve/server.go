package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/sigv4"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/turns"
	"github.com/pare-iam/pare/internal/web"
	"github.com/pare-iam/pare/internal/wire"
)

// Jobs are the work that takes longer than a request.
type Jobs interface {
	web.Queue

	// Alive says whether jobs are being worked on, here.
	Alive() bool

	// Counts says how many jobs there are, by kind and state.
	Counts(ctx context.Context) ([]jobs.Count, error)
}

// Options are what a server is made of. Those up to Now must be there.
type Options struct {
	Store   *store.Store
	Jobs    Jobs
	Login   *login.Login
	Catalog *catalog.Catalog
	Place   Place
	Key     []byte // of the key file: 32 bytes
	Log     *slog.Logger
	Now     func() time.Time

	Version      string
	Settings     []web.Setting // that the dashboard shows
	MetricsToken string        // with which /metrics may be read from elsewhere; "": none
	Sinks        []string      // who is told of events, for the metrics
	BehindProxy  bool          // requests come from a proxy: their address isn't the client's
	Limits       Limits
}

// Limits are how long and how much a client may send. The zero value is the default.
type Limits struct {
	Header time.Duration // until a request's header is there; 0: 10 s
	Read   time.Duration // until all of it is; 0: 30 s
	Write  time.Duration // until its answer is written; 0: 2 min
	Idle   time.Duration // between two requests; 0: 2 min
	Body   int64         // bytes of a body; 0: 1 MiB
}

const maxHeader = 32 << 10 // bytes

func (l Limits) filled() Limits {
	l.Header = cmp.Or(l.Header, 10*time.Second)
	l.Read = cmp.Or(l.Read, 30*time.Second)
	l.Write = cmp.Or(l.Write, 2*time.Minute)
	l.Idle = cmp.Or(l.Idle, 2*time.Minute)
	l.Body = cmp.Or(l.Body, 1<<20)
	return l
}

// answer is how long an answer is worked on: a little less than until it is written, so that
// what a database that hangs doesn't answer is said, and holds nobody up any longer.
func (l Limits) answer() time.Duration { return l.Write - l.Write/8 }

// Server answers requests. It is safe for concurrent use.
type Server struct {
	o        Options
	metrics  *metrics
	handler  http.Handler
	stopping atomic.Bool
}

// New puts a server together. The error says what of the options is wrong.
func New(o Options) (*Server, error) {
	o.Limits = o.Limits.filled()
	s := &Server{o: o, metrics: newMetrics(o.Version)}
	if err := s.metrics.registry.Register(&state{store: o.Store, jobs: o.Jobs.Counts, sinks: o.Sinks, now: o.Now}); err != nil {
		return nil, err
	}
	shared := turns.New()
	api, err := s.api(shared)
	if err != nil {
		return nil, err
	}
	own := http.NewServeMux()
	own.Handle("GET /healthz", named("health", http.HandlerFunc(s.healthy)))
	own.Handle("GET /readyz", named("health", http.HandlerFunc(s.ready)))
	own.Handle("GET /metrics", named("metrics", s.measured()))
	pages := named("dashboard", identified(web.New(web.Options{
		Store: o.Store, Queue: o.Jobs, Catalog: o.Catalog, Now: o.Now, Who: who, Log: o.Log, Version: o.Version, Settings: o.Settings,
		Origin: func(r *http.Request) string { return login.By(r, time.Time{}).Origin }, LogOut: canLeave, AnalyzerARN: o.Place.arn,
		Turns: shared,
	})))
	entry := named("login", o.Login.Handler())
	for _, path := range []string{"/login", "/logout", "/oidc/"} {
		own.Handle(path, entry)
	}
	own.Handle("/static/", pages) // the page of the login needs them
	own.Handle("/", named("login", o.Login.Middleware(pages)))
	s.handler = s.observed(s.bounded(apart(named("API", retriable(api, http.StatusInternalServerError)), o.Login.Headers(retriable(own, http.StatusServiceUnavailable)))))
	return s, nil
}

// apart has the API answer what is the API's, and other the rest.
func apart(api, other http.Handler) http.Handler {
	roots := wire.Roots()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		root, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if _, found := slices.BinarySearch(roots, root); found || signed(r) {
			api.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	})
}

func signed(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-") }

// bounded refuses bodies that say that they are too large, and cuts those that don't say.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > s.o.Limits.Body && !signed(r) { // the API has words of its own for it
			noteText(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is longer than %d bytes.\n", s.o.Limits.Body))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, s.o.Limits.Body+1)
		ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.answer())
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// who says who asks, to the dashboard.
func who(ctx context.Context) (string, store.UserRole, bool) {
	id, ok := login.From(ctx)
	return id.Name, id.Role, ok
}

// canLeave says whether somebody has logged in, and can log out.
func canLeave(ctx context.Context) bool {
	id, ok := login.From(ctx)
	return ok && (id.Via == login.ViaPassword || id.Via == login.ViaOIDC)
}

// identified notes who asks for a page.
func identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noteOf(r.Context()).who, _, _ = who(r.Context())
		next.ServeHTTP(w, r)
	})
}

func (s *Server) api(shared turns.Turns) (http.Handler, error) {
	tokenKey, err := derived(s.o.Key, "nextToken")
	if err != nil {
		return nil, err
	}
	v, err := sigv4.New(sigv4.Options{
		Keys: accessKeys{s.o.Store, s.o.Place.Account}, Services: wire.Services(), Region: s.o.Place.Region, MaxBody: s.o.Limits.Body, Now: s.o.Now,
	})
	if err != nil {
		return nil, err
	}
	return wire.New(wire.Options{
		Backend: &backend{s.o.Store, s.o.Jobs, s.o.Place, s.o.Now}, Verifier: v, Catalog: s.o.Catalog, Allow: allowed,
		Region: s.o.Place.Region, Partition: s.o.Place.Partition, TokenKey: tokenKey,
		Turns: shared,
		Report: func(ctx context.Context, f wire.Failure) {
			s.o.Log.ErrorContext(ctx, "request failed", "id", f.RequestID, "operation", f.Operation, "error", f.Err)
		},
	})
}

// Handler is all that the server answers.
func (s *Server) Handler() http.Handler { return s.handler }

// Stop is how a server stops: for Drain it says that it isn't ready and goes on, then it takes
// no more connections, and requests under way have Grace.
type Stop struct{ Drain, Grace time.Duration }

// Run answers requests until ctx ends, and then stops. It returns when the last request has
// been answered or cut.
func (s *Server) Run(ctx context.Context, l net.Listener, t *tls.Config, stop Stop) error {
	limits := s.o.Limits
	srv := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: limits.Header, ReadTimeout: limits.Read, WriteTimeout: limits.Write, IdleTimeout: limits.Idle,
		MaxHeaderBytes: maxHeader, TLSConfig: t, ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() {
		if t != nil {
			ended <- srv.ServeTLS(l, "", "")
		} else {
			ended <- srv.Serve(l)
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	select {
	case <-time.After(stop.Drain):
	case err := <-ended:
		return err
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stop.Grace)
	defer cancel()
	err := srv.Shutdown(bounded)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests were cut after %v", stop.Grace), srv.Close())
	}
	return err
}
