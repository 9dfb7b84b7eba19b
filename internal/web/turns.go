package web

import (
	"net/http"
	"runtime"
	"sync"
)

// turns has pages made a few at a time, in the order in which they were asked for. Made all
// at once, each would take as long as all together, and those that ask the database most
// would take longest.
type turns chan struct{}

// perProcessor is how many pages are made at a time for each processor: more than one, since
// they wait for the database too.
const perProcessor = 4

func newTurns() turns { return make(turns, perProcessor*runtime.GOMAXPROCS(0)) }

// wait waits for a request's turn, and returns what ends it, which may be called again. It is
// nil if who asked went away. Forms don't wait: they may have to wait for a run that writes,
// and pages would wait for them.
func (t turns) wait(r *http.Request) (end func()) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return func() {}
	}
	select {
	case t <- struct{}{}:
		return sync.OnceFunc(func() { <-t })
	case <-r.Context().Done():
		return nil
	}
}
