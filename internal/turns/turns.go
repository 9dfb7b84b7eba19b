// Package turns has what is asked answered a few at a time, in the order in which it was
// asked for. Answered all at once, each would take as long as all together, and those that
// ask the database most would take longest.
package turns

import (
	"context"
	"runtime"
	"sync"
)

// Turns are shared by all who answer from one database. It is safe for concurrent use.
type Turns chan struct{}

// perProcessor is how many have a turn for each processor: more than one, since they wait
// for the database too.
const perProcessor = 3

// New makes turns for as many as this machine answers well at a time.
func New() Turns { return make(Turns, perProcessor*runtime.GOMAXPROCS(0)) }

// Wait waits for a turn, and returns what ends it, which may be called again. It is nil if
// ctx ended before. Who may have to wait for something that takes long, such as a run that
// writes, takes no turn: others would wait for it.
func (t Turns) Wait(ctx context.Context) (end func()) {
	select {
	case t <- struct{}{}:
		return sync.OnceFunc(func() { <-t })
	case <-ctx.Done():
		return nil
	}
}
