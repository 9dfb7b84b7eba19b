package apply

import (
	"errors"
	"strings"
)

// ErrLocked is that another apply or rollback is running, in the account or with a journal.
var ErrLocked = errors.New("another apply or rollback is running")

// Conflict is what is refused: the account isn't as the plan expects it, or the plan is
// about what is never changed. Nothing was called for what it names.
type Conflict struct{ Lines []string }

func (c *Conflict) Error() string { return strings.Join(c.Lines, "\n") }

// Stop is a run that ended before its end, with what it has done in the journal.
type Stop struct {
	Action string // id
	Target Target
	Err    error
}

func (s *Stop) Error() string {
	return "action " + s.Action + ": " + s.Target.String() + ": " + s.Err.Error()
}

func (s *Stop) Unwrap() error { return s.Err }
