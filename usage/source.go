package usage

import (
	"time"

	"github.com/pare-iam/pare/catalog"
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
	Contradicted             // the source says that the whole service is unused, and another saw a use of it
	Seen                     // seen in the window: InUse
	SeenBefore               // tracked, last seen before the window: NotUsed
	NeverSeen                // tracked, never seen: NotUsed

	whys = iota // how many there are
)

// Sighting is what one source says of one action or service of one principal.
type Sighting struct {
	Source   Kind
	State    State
	Why      Why
	Possible bool      // InUse because calls may have needed it; no call is named for it
	Last     time.Time // last seen, at any time; zero when never, or when the source doesn't say
	First    time.Time // first seen, by sources that know; else zero
	Count    int       // how often, by sources that count; else 0
	Until    time.Time // up to when the source would have seen a use; zero when it doesn't say
	Note     string    // which gap, which date: a detail of Why; mostly empty
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

// passRole is the action that no source ever tracks: it isn't an API call. A call of
// another service that passes a role needs it, and only from such calls can its use be
// inferred.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
var passRole = policy.Action{Service: "iam", Name: "passrole"}

// outcome is the part of a Sighting that a judgement is made of.
type outcome struct {
	source   Kind
	state    State
	why      Why
	possible bool
	last     time.Time
}

func (o outcome) sighting() Sighting {
	return Sighting{Source: o.source, State: o.state, Why: o.why, Possible: o.possible, Last: o.last}
}

func (s Sighting) outcome() outcome {
	return outcome{s.Source, s.State, s.Why, s.Possible, s.Last}
}

// unused is the outcome of something tracked that wasn't seen in the window.
func unused(source Kind, last time.Time) outcome {
	o := outcome{source: source, state: NotUsed, why: NeverSeen, last: last}
	if !last.IsZero() {
		o.why = SeenBefore
	}
	return o
}

// A view is a source at one window. If others saw a use of the service while this source
// takes the service as a whole for unused, then its verdict on the whole is doubted, and
// what rests on it is Unknown.
type view interface {
	Whole(prefix string) Sighting
	Action(a policy.Action, doubted bool) Sighting
	// Each puts what is known of actions, all of one service, into out, at the same
	// places.
	Each(actions []*catalog.Action, doubted bool, out []outcome)
}

// viewOf is a view that is quick for the sources of this package.
func viewOf(s Source, w Window) view {
	switch s := s.(type) {
	case *LastAccessed:
		return s.view(w)
	case *trailSource:
		return s.view(w)
	case *Reported:
		return s.view(w)
	default:
		return plainView{s, w}
	}
}

// plainView is the view of a source of another package.
type plainView struct {
	source Source
	w      Window
}

func (v plainView) Whole(prefix string) Sighting { return v.source.Service(prefix, v.w) }

func (v plainView) Action(a policy.Action, doubted bool) Sighting {
	s := v.source.Action(a, v.w)
	if doubted && s.State == NotUsed {
		s.State, s.Why = Unknown, Contradicted
	}
	return s
}

func (v plainView) Each(actions []*catalog.Action, doubted bool, out []outcome) {
	for i, a := range actions {
		out[i] = v.Action(policy.Action{Service: a.Service.Prefix, Name: a.Lower}, doubted).outcome()
	}
}
