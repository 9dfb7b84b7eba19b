package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func asks(method string) *http.Request { return httptest.NewRequest(method, "/", nil) }

// TestPagesTakeTurns takes the only turn, and asks again in all the ways that there are.
func TestPagesTakeTurns(t *testing.T) {
	one := make(turns, 1)
	end := one.wait(asks(http.MethodGet))
	form := one.wait(asks(http.MethodPost))
	if form == nil {
		t.Fatal("a form waits")
	}
	form()
	gone, leave := context.WithCancel(t.Context())
	leave()
	if one.wait(asks(http.MethodGet).WithContext(gone)) != nil {
		t.Fatal("who went away has a turn, and somebody else has the only one")
	}
	next := make(chan func())
	go func() { next <- one.wait(asks(http.MethodHead)) }()
	select {
	case <-next:
		t.Fatal("two have the only turn")
	default:
	}
	end()
	end() // a turn ends once
	(<-next)()
	if len(one) != 0 {
		t.Errorf("%d turns never end", len(one))
	}
}
