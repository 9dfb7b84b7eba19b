package wire_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/turns"
	"github.com/pare-iam/pare/internal/wire"
)

// TestReadsTakeTurns takes the only turn: calls that read wait for it, and those that change
// something don't.
func TestReadsTakeTurns(t *testing.T) {
	one := make(turns.Turns, 1)
	s := &server{backend: newMemory(sample(t))}
	o := options(t, s)
	o.Turns = one
	h, err := wire.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(h)
	defer s.Close()
	end := one.Wait(t.Context())

	if got := s.send(t, request{method: http.MethodPut, target: "/analyzer", body: `{"analyzerName": "new", "type": "ACCOUNT_UNUSED_ACCESS"}`}); got.status != http.StatusOK {
		t.Fatalf("a call that changes something: %+v", got)
	}
	leaves, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	gone := s.signed(t, request{method: http.MethodGet, target: "/analyzer"}).WithContext(leaves)
	if resp, err := s.Client().Do(gone); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a call that reads has a turn that another has: %v, %v", resp, err)
	}
	answered := make(chan int, 2)
	for _, q := range []request{
		{method: http.MethodGet, target: "/analyzer"},
		{method: http.MethodPost, target: "/policy/check-no-new-access", body: `{"newPolicyDocument": "{\"Statement\": []}", "existingPolicyDocument": "{\"Statement\": []}", "policyType": "IDENTITY_POLICY"}`},
	} {
		r := s.signed(t, q)
		go func() {
			resp, err := s.Client().Do(r)
			if err != nil {
				answered <- 0
				return
			}
			if resp.Body.Close() != nil {
				resp.StatusCode = 0
			}
			answered <- resp.StatusCode
		}()
	}
	select {
	case status := <-answered:
		t.Fatalf("answered with %d without a turn", status)
	case <-time.After(100 * time.Millisecond):
	}
	late, done := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer done()
	busy := httptest.NewRecorder()
	h.ServeHTTP(busy, s.signed(t, request{method: http.MethodGet, target: "/analyzer"}).WithContext(late))
	if busy.Code != http.StatusInternalServerError {
		t.Errorf("no turn in time: %d %s", busy.Code, busy.Body)
	}
	end()
	for range 2 {
		if status := <-answered; status != http.StatusOK && status != http.StatusBadRequest {
			t.Errorf("status %d", status)
		}
	}
	one.Wait(t.Context())() // waits for ever if one of them never ends
}
