package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
)

// healthy says that the process answers.
func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) {
	noteText(w, http.StatusOK, "ok\n")
}

// ready says whether requests should come here: not while it stops, and not if the database
// or the jobs are away. Migrations are over before anything is served.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch {
	case s.stopping.Load():
		noteText(w, http.StatusServiceUnavailable, "stopping\n")
	case s.o.Store.Ping(ctx) != nil:
		noteText(w, http.StatusServiceUnavailable, "the database doesn't answer\n")
	case !s.o.Jobs.Alive():
		noteText(w, http.StatusServiceUnavailable, "the jobs don't run\n")
	default:
		noteText(w, http.StatusOK, "ready\n")
	}
}

func noteText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client may be gone
}

// measured answers /metrics: to this machine, to who has the token, and to admins.
func (s *Server) measured() http.Handler {
	figures := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	toAdmins := s.o.Login.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who, ok := login.From(r.Context()); !ok || !who.May(store.Admin) {
			noteText(w, http.StatusForbidden, "metrics are for admins\n")
			return
		}
		figures.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.sameMachine(r) || s.hasMetricsToken(r) {
			figures.ServeHTTP(w, r)
			return
		}
		toAdmins.ServeHTTP(w, r)
	})
}

// sameMachine says whether a request comes from this machine. Behind a proxy nobody can say.
func (s *Server) sameMachine(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && !s.o.BehindProxy && r.Header.Get("X-Forwarded-For") == "" && net.ParseIP(host).IsLoopback()
}

func (s *Server) hasMetricsToken(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.o.MetricsToken))
	return ok && s.o.MetricsToken != "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
