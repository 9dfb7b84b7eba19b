package usage

import (
	"time"

	"github.com/pare-iam/pare/policy"
)

// Window is the time that is looked back over.
type Window struct {
	Age time.Duration // whole days, 1 to 365; AWS API reference, UnusedAccessConfiguration
	Now time.Time     // its end
}

// Day is the unit of a window.
const Day = 24 * time.Hour

// From is the beginning of the window.
func (w Window) From() time.Time { return w.Now.Add(-w.Age) }

// Used says whether something last seen at this time is in use. What is unused for
// exactly Age is unused: AWS counts "that many days or more". A time after Now is in use;
// the zero time is never.
func (w Window) Used(last time.Time) bool { return !last.IsZero() && w.Now.Sub(last) < w.Age }

// State is what is known of a use in a window. The zero value is the safe one.
type State uint8

// The states.
const (
	Unknown State = iota // neither of the others: never removed
	NotUsed              // a source would have seen a use at any time of the window, and none saw one
	InUse                // a source saw one in the window
)

// Kind is a source of evidence.
type Kind uint8

// The sources.
const (
	NoSource            Kind = iota
	ServiceLastAccessed      // IAM last accessed information, service level
	ActionLastAccessed       // IAM last accessed information, action level
	CloudTrail               // log files, through usage.jsonl
	AccessAnalyzer           // AWS's own unused access findings
)

// Why says why a source can't tell, or how it can.
type Why uint8

// The reasons. The first is that of a source that knows nothing.
const (
	NotListed     Why = iota // the source doesn't list the action or its service
	NotTracked               // the source never records this action, such as iam:PassRole
	TrackedLate              // the tracking of the service began after the window did
	EndsEarly                // the evidence ends more than a day before the window does
	Gap                      // the logs don't cover the whole window
	DataEvents               // the action makes data events, and nothing says that all are recorded
	NotRecorded              // the trail doesn't record such events (no read events, no KMS events)
	ShorterWindow            // the source's verdict is on less than the window
	Seen                     // seen in the window: InUse
	SeenBefore               // tracked, last seen before the window: NotUsed
	NeverSeen                // tracked, never seen: NotUsed
)

// Sighting is what one source says of one action or service of one principal.
type Sighting struct {
	Source Kind
	State  State
	Why    Why
	Last   time.Time // last seen, at any time; zero when never, or when the source doesn't say
	First  time.Time // first seen, by sources that know; else zero
	Count  int       // how often, by sources that count; else 0
	Until  time.Time // up to when the source would have seen a use
	Note   string    // which gap, which date: a detail of Why; mostly empty
}

// A Source is what one source of evidence knows of one principal. It is read-only and
// safe for concurrent use.
type Source interface {
	// Action says what is known of an action in the window.
	Action(a policy.Action, w Window) Sighting
	// Service says what is known of a service as a whole, actions that no catalog knows
	// included. Only a source that sees every use of a service may say NotUsed.
	Service(prefix string, w Window) Sighting
}
