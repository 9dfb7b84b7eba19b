package login_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// What a request costs more for knowing who asks.
func BenchmarkMiddleware(b *testing.B) {
	for _, e := range storetest.Engines() {
		b.Run(string(e), func(b *testing.B) {
			s := newServerOn(b, storetest.New(b, e), nil)
			ann := cookieOf(b, s)
			token := "Bearer " + s.addToken(store.Viewer)
			for name, header := range map[string]http.Header{
				"cookie": {"Cookie": {ann.Name + "=" + ann.Value}}, "token": {"Authorization": {token}},
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), "GET", "/viewer", nil)
						r.Header = header
						if s.Config.Handler.ServeHTTP(w, r); w.Code != http.StatusOK {
							b.Fatal(w.Code)
						}
					}
				})
			}
		})
	}
}

func cookieOf(b *testing.B, s *server) *http.Cookie {
	b.Helper()
	a := s.browser().login("ann", annsPassword)
	return (&http.Response{Header: a.header}).Cookies()[0]
}

// What a login costs at the cost of Hash.
func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		if _, err := login.Hash(annsPassword); err != nil {
			b.Fatal(err)
		}
	}
}
