package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/turns"
	"github.com/pare-iam/pare/internal/web"
)

// TestPagesTakeTurns has somebody else hold the only turn: forms don't wait for it, and who asks
// for a page is told when it has taken too long. Pages end their turns.
func TestPagesTakeTurns(t *testing.T) {
	s := newSite(t)
	one := make(turns.Turns, 1)
	s.Handler = web.New(web.Options{
		Store: s.store, Queue: s.queue, Catalog: s.catalog, Now: func() time.Time { return s.now }, Who: whoOf, Turns: one,
	})
	end := one.Wait(t.Context())
	if w := s.post(t, store.Reviewer, "/findings/status", "to=ARCHIVED&id="+s.findings[0].ID); w.Code != http.StatusSeeOther {
		t.Errorf("a form: status %d, %s", w.Code, w.Body)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		late, done := context.WithTimeout(t.Context(), 10*time.Millisecond)
		w := httptest.NewRecorder()
		as(store.Viewer, s).ServeHTTP(w, httptest.NewRequestWithContext(late, method, "/findings", nil))
		if done(); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s without a turn in time: status %d", method, w.Code)
		}
	}
	end()
	for _, at := range []string{"/findings", "/findings?format=csv", "/nowhere"} {
		s.get(t, store.Viewer, at)
	}
	if len(one) != 0 {
		t.Errorf("%d turns never end", len(one))
	}
}
