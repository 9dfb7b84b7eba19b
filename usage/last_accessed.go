package usage

import (
	"fmt"
	"maps"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// LastAccessed is IAM's last accessed information of one role or user: a Source at two
// levels. It is read-only.
//
// The service level sees every authenticated attempt to call a service, denied ones and
// those of the data plane too, for each service that it lists. A service that wasn't
// called in the window leaves all of its actions unused, but for iam:PassRole, which isn't
// a call. The action level sees attempts at management actions alone, those that it lists.
// In a service that was called, an action that isn't listed is Unknown.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html
type LastAccessed struct {
	Principal string    // ARN of the role or user
	Until     time.Time // when the job was completed, the end of what is known; zero: not known, and nothing is unused
	Actions   bool      // the job was for the action level too
	Truncated bool      // there are more pages; what isn't listed is Unknown
	Warnings  []string  // what a reader should know, sorted; mostly empty

	services map[string]*lastService // by prefix
}

// lastService is what is known of one service that the principal's policies allow.
type lastService struct {
	start   time.Time            // trackingStart
	at      time.Time            // the last attempt, at an action too; zero: none in the tracking period
	actions map[string]time.Time // tracked actions by name in lower case
}

// reach is how far back attempts are kept: "at least 400 days".
const reach = 400 * Day

// trackingStart is the first day on which AWS recorded the actions of a service. Regions
// that AWS opened later began later; the answers don't say.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html, "Tracking period"
func trackingStart(prefix string) time.Time {
	switch prefix {
	case "s3":
		return time.Date(2020, time.April, 12, 0, 0, 0, 0, time.UTC)
	case "ec2", "iam", "lambda":
		return time.Date(2021, time.April, 7, 0, 0, 0, 0, time.UTC)
	default:
		return time.Date(2023, time.May, 23, 0, 0, 0, 0, time.UTC)
	}
}

// Action implements Source.
func (l *LastAccessed) Action(a policy.Action, w Window) Sighting { return l.view(w).Action(a, false) }

// Service implements Source.
func (l *LastAccessed) Service(prefix string, w Window) Sighting { return l.view(w).Whole(prefix) }

func (l *LastAccessed) view(w Window) *lastView {
	v := &lastView{l: l, w: w, from: w.From()}
	switch {
	case l.Until.IsZero():
		v.short, v.why, v.note = true, EndsEarly, "the end isn't known"
	case w.Now.Sub(l.Until) > Day:
		v.short, v.why, v.note = true, EndsEarly, "ends "+stamp(l.Until)
	case v.from.Before(l.Until.Add(-reach)):
		v.short, v.why, v.note = true, ShorterWindow, "begins "+stamp(l.Until.Add(-reach))
	}
	return v
}

// lastView is a LastAccessed at one window.
type lastView struct {
	l    *LastAccessed
	w    Window
	from time.Time // of the window

	short bool // the evidence doesn't reach over the window: nothing is unused, for the reason why
	why   Why
	note  string
}

func (v *lastView) Whole(prefix string) Sighting {
	s := v.l.services[prefix]
	out := Sighting{Source: ServiceLastAccessed, Until: v.l.Until}
	switch {
	case s == nil:
		out.Why = NotListed
		return out
	case v.w.Used(s.at):
		out.State, out.Why = InUse, Seen
	case v.short:
		out.Why, out.Note = v.why, v.note
	default:
		o := unused(ServiceLastAccessed, s.at)
		out.State, out.Why = o.state, o.why
	}
	out.Last = s.at
	return out
}

func (v *lastView) Action(a policy.Action, doubted bool) Sighting {
	out := v.one(v.l.services[a.Service], a, doubted).sighting()
	out.Until = v.l.Until
	switch out.Why {
	case v.why:
		out.Note = v.note
	case TrackedLate:
		out.Note = "tracked since " + stamp(trackingStart(a.Service))
	}
	return out
}

func (v *lastView) Each(actions []*catalog.Action, doubted bool, out []outcome) {
	if len(actions) == 0 {
		return
	}
	s := v.l.services[actions[0].Service.Prefix]
	for i, a := range actions {
		out[i] = v.one(s, policy.Action{Service: a.Service.Prefix, Name: a.Lower}, doubted)
	}
}

// one decides one action of a service; s is nil if the service isn't listed.
func (v *lastView) one(s *lastService, a policy.Action, doubted bool) outcome {
	if s == nil {
		return outcome{source: ServiceLastAccessed, why: NotListed}
	}
	at, tracked := time.Time{}, false
	if len(s.actions) > 0 {
		at, tracked = s.actions[a.Name]
	}
	if v.w.Used(at) {
		return outcome{source: ActionLastAccessed, state: InUse, why: Seen, last: at}
	}
	if a == passRole {
		return outcome{source: ServiceLastAccessed, why: NotTracked}
	}
	silent := !v.w.Used(s.at)
	switch {
	case silent && !doubted:
		return v.byService(s, at)
	case !tracked && silent:
		return outcome{source: ServiceLastAccessed, why: Contradicted}
	case !tracked:
		return outcome{source: ServiceLastAccessed, why: NotTracked}
	}
	return v.byAction(s, at)
}

// byService decides an action of a service that wasn't called in the window. The time of
// the last attempt at the service isn't that of the action.
func (v *lastView) byService(s *lastService, at time.Time) outcome {
	o := unused(ServiceLastAccessed, s.at)
	if v.short {
		o.state, o.why = Unknown, v.why
	}
	o.last = at
	return o
}

// byAction decides a tracked action that wasn't seen in the window.
func (v *lastView) byAction(s *lastService, at time.Time) outcome {
	switch {
	case s.start.After(v.from):
		return outcome{source: ActionLastAccessed, why: TrackedLate, last: at}
	case v.short:
		return outcome{source: ActionLastAccessed, why: v.why, last: at}
	}
	return unused(ActionLastAccessed, at)
}

// Merge joins the pages of one answer, or answers about one principal, in any order. The
// result ends where the first of them does. Of two different principals it is an error.
func (l *LastAccessed) Merge(other *LastAccessed) (*LastAccessed, error) {
	if l.Principal != other.Principal {
		return nil, fmt.Errorf("last accessed information of %s and of %s: want pages about one principal", l.Principal, other.Principal)
	}
	out := &LastAccessed{
		Principal: l.Principal,
		Until:     earlier(l.Until, other.Until),
		Actions:   l.Actions || other.Actions,
		Truncated: l.Truncated && other.Truncated,
		Warnings:  mergeWarnings(l, other),
		services:  maps.Clone(l.services),
	}
	for prefix, s := range other.services {
		out.services[prefix] = s.merge(out.services[prefix])
	}
	return out, nil
}

// merge makes a new service of both; other may be nil.
func (s *lastService) merge(other *lastService) *lastService {
	out := &lastService{start: s.start, at: s.at, actions: maps.Clone(s.actions)}
	if other == nil {
		return out
	}
	out.at = later(s.at, other.at)
	for name, at := range other.actions {
		out.add(name, at)
	}
	return out
}

// add notes an attempt at an action, which is one at the service as well.
func (s *lastService) add(name string, at time.Time) {
	if s.actions == nil {
		s.actions = map[string]time.Time{}
	}
	s.actions[name] = later(s.actions[name], at)
	s.at = later(s.at, at)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stamp is a time as notes have it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
