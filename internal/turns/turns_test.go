package turns_test

import (
	"context"
	"testing"

	"github.com/pare-iam/pare/internal/turns"
)

// TestTurns takes the only turn, and asks again in all the ways that there are.
func TestTurns(t *testing.T) {
	one := make(turns.Turns, 1)
	end := one.Wait(t.Context())
	gone, leave := context.WithCancel(t.Context())
	leave()
	if one.Wait(gone) != nil {
		t.Fatal("who went away has a turn, and somebody else has the only one")
	}
	next := make(chan func())
	go func() { next <- one.Wait(t.Context()) }()
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

func TestThereAreTurns(t *testing.T) {
	if n := cap(turns.New()); n < 2 {
		t.Errorf("%d turns: want two or more, since one may wait for the database", n)
	}
}
