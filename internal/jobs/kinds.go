package jobs

import (
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// The queues: a scan takes minutes and a recommendation a second, and somebody waits for it.
const (
	scanQueue      = "scan"
	recommendQueue = "recommend"
	otherQueue     = "other"
)

// How often a job is tried. Between two tries River waits the fourth power of their number in
// seconds: the last scan begins six minutes after the first.
const (
	scanAttempts      = 5
	recommendAttempts = 3
	otherAttempts     = 5
)

// unfinished are the states in which a job stands for all others that are the same.
func unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
}

// asker is who asked for a job; empty for the server itself.
type asker struct {
	Who    string `json:"who,omitempty"`
	Origin string `json:"origin,omitempty"`
}

// scanArgs is a look of an analyzer at an account.
type scanArgs struct {
	Analyzer string `json:"analyzer" river:"unique"`
	Account  string `json:"account" river:"unique"`
	Due      bool   `json:"due,omitempty"` // the schedule asks, and takes a look that was done meanwhile
	asker
}

// Kind is the name in the queue.
func (scanArgs) Kind() string { return "scan" }

// InsertOpts are River's.
func (scanArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: scanQueue, MaxAttempts: scanAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished()}}
}

// recommendArgs is the making of a recommendation that was started in the store.
type recommendArgs struct {
	ID       int64  `json:"id" river:"unique"` // of this making
	Analyzer string `json:"analyzer"`
	Finding  string `json:"finding"`
	asker
}

// Kind is the name in the queue.
func (recommendArgs) Kind() string { return "recommend" }

// InsertOpts are River's.
func (recommendArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: recommendQueue, MaxAttempts: recommendAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished()}}
}

// ruleArgs is an archive rule that is applied to the findings there are.
type ruleArgs struct {
	Analyzer string `json:"analyzer" river:"unique"`
	Rule     string `json:"rule" river:"unique"`
	asker
}

// Kind is the name in the queue.
func (ruleArgs) Kind() string { return "apply-rule" }

// InsertOpts are River's.
func (ruleArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: otherQueue, MaxAttempts: otherAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished()}}
}

// cleanArgs removes what is over, once a day.
type cleanArgs struct{ asker }

// Kind is the name in the queue.
func (cleanArgs) Kind() string { return "clean" }

// InsertOpts are River's.
func (cleanArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: otherQueue, MaxAttempts: otherAttempts, UniqueOpts: river.UniqueOpts{ByPeriod: 24 * time.Hour}}
}
