package store

import (
	"errors"
	"fmt"
)

// What callers branch on, by errors.Is. The texts around them say which and why.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("conflict")               // it is there already, or isn't in the state for this
	ErrInvalid  = errors.New("invalid")                // an argument is wrong
	ErrToken    = errors.New("invalid paging token")   // of another list, or not one of ours
	ErrNewer    = errors.New("database is too new")    // a newer pare wrote it
	ErrDamaged  = errors.New("not a sound database")   // or not one of pare's
	ErrNoKey    = errors.New("no key to seal it with") // Options.Key is needed
)

// ErrReused is an ErrConflict: a client's token was used before for something else.
var ErrReused = fmt.Errorf("used before for something else: %w", ErrConflict)

func notFound(what, name string) error { return fmt.Errorf("%s %q: %w", what, name, ErrNotFound) }

func exists(what, name string) error {
	return fmt.Errorf("%s %q is there already: %w", what, name, ErrConflict)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
