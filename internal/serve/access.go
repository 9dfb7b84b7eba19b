package serve

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// note is what the parts of the server find out about a request, for its line in the log
// and its metrics.
type note struct {
	id    string
	route string // a pattern, or the name of a part: there are few
	who   string // ""
}

type noteKey struct{}

// noteOf is a request's note; one that nobody reads where there is none.
func noteOf(ctx context.Context) *note {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return n
	}
	return new(note)
}

// named gives requests that a part answers their route: the pattern that its mux found, or
// else the part's name.
func named(part string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := noteOf(r.Context())
		n.route = part
		r.Pattern = "" // of the mux before
		defer func() {
			if r.Pattern != "" {
				n.route = r.Pattern
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// recorder sees what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// observed gives each request an ID, writes its line in the log, counts it, and turns a
// panic into an answer that says the ID. Queries aren't logged: codes and tokens are there.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &note{id: newID(), route: "none"}
		out := &recorder{ResponseWriter: w}
		w.Header().Set("X-Request-Id", n.id)
		began := time.Now()
		s.metrics.underWay.Inc()
		defer s.metrics.underWay.Dec()
		r = r.WithContext(context.WithValue(r.Context(), noteKey{}, n))
		abort := s.guarded(out, r, next)
		took := time.Since(began)
		s.metrics.request(n.route, out.status, took)
		level := slog.LevelInfo
		if n.route == "health" {
			level = slog.LevelDebug
		}
		s.o.Log.LogAttrs(r.Context(), level, "request",
			slog.String("id", cmp.Or(w.Header().Get("X-Amzn-Requestid"), n.id)), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("route", n.route),
			slog.Int("status", out.status), slog.Int64("bytes", out.bytes), slog.Duration("took", took), slog.String("from", r.RemoteAddr), slog.String("who", n.who))
		if abort {
			panic(http.ErrAbortHandler)
		}
	})
}

// guarded answers a request, also if answering it panics. It is true if the connection is
// to be cut, since part of another answer is on its way.
func (s *Server) guarded(w *recorder, r *http.Request, next http.Handler) (abort bool) {
	defer func() {
		what := recover()
		switch {
		case what == nil:
		case what == http.ErrAbortHandler:
			abort = true
		default:
			id := noteOf(r.Context()).id
			s.o.Log.ErrorContext(r.Context(), "panic", "id", id, "path", r.URL.Path, "panic", what, "stack", string(debug.Stack()))
			if w.status != 0 {
				abort = true
				return
			}
			http.Error(w, "The request could not be answered for a reason that is the server's. It is in its log, by the ID "+id+".", http.StatusInternalServerError)
		}
	}()
	next.ServeHTTP(w, r)
	return false
}

func newID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
