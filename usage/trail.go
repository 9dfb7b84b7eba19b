package usage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// DeniedCalls says what calls that were refused for lack of permission count for.
type DeniedCalls uint8

// AWS's last accessed information counts attempts, so the zero value does too.
const (
	DeniedCount   DeniedCalls = iota // a denied call is a use
	DeniedIgnored                    // a day on which all calls were denied is no use
)

// Trail is what CloudTrail's log files show, of all principals of all accounts. First all
// uses are added, then sources taken from it; a Trail isn't safe for concurrent use
// before that, and read-only after.
//
// A use of an action is InUse, and so is a possible one. An action without a use is
// NotUsed only if its use would have been in the logs: AWS finds it in CloudTrail's
// management events (it supports policy generation), or it is made by data events and
// somebody says that all of them are recorded; the logs of the account cover the whole
// window in every Region that they have; they do hold such events; no call within the
// window changed what trails record; and no event of the window that nobody can map may
// have been a use of it.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-policy-generation.html
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
type Trail struct {
	catalog    *catalog.Catalog
	denied     DeniedCalls
	recorded   []recording                // by id of the action
	accounts   map[string]AccountCoverage // by number
	unmapped   map[string]Unmapped        // the last unmapped event of a service, by prefix
	named      map[int]Unmapped           // the last unmapped event that is named as calls are that need an action, by its id
	principals map[string]*trailSource    // by ARN
	lines      int                        // uses that were added
	expected   int                        // uses that the coverage counts, 0: not known
}

// NewTrail makes a trail without uses. A zero Coverage never leads to NotUsed; the
// coverage must not be changed afterwards. What an action's event is, the catalog says.
func NewTrail(c *catalog.Catalog, coverage Coverage, denied DeniedCalls) *Trail {
	t := &Trail{
		catalog: c, denied: denied, recorded: recordings(c), expected: coverage.Uses,
		accounts:   make(map[string]AccountCoverage, len(coverage.Accounts)),
		unmapped:   map[string]Unmapped{},
		named:      map[int]Unmapped{},
		principals: map[string]*trailSource{},
	}
	for _, a := range coverage.Accounts {
		t.accounts[a.ID] = a
	}
	for _, u := range coverage.Unmapped {
		prefix := u.Service
		if prefix == "" {
			prefix, _, _ = strings.Cut(u.Event, ".")
		}
		if prefix = strings.ToLower(prefix); !t.unmapped[prefix].LastSeen.After(u.LastSeen) {
			t.unmapped[prefix] = u
		}
		t.name(u)
	}
	return t
}

// name notes which actions an unmapped event may have used whatever service its source
// belongs to: those of the event's name, and those that an operation of that name needs.
// Sources aren't always called like their service, and nobody lists them.
func (t *Trail) name(u Unmapped) {
	event := u.Event[strings.LastIndexByte(u.Event, ':')+1:]
	note := func(service, name string) {
		if a := t.catalog.Lookup(service, name); a != nil && !t.named[a.ID].LastSeen.After(u.LastSeen) {
			t.named[a.ID] = u
		}
	}
	for _, s := range t.catalog.Services() {
		note(s.Prefix, event)
		if o := s.Details().Operation(event); o != nil {
			for _, a := range o.Authorized {
				note(a.Service, a.Name)
			}
		}
	}
}

// Add adds a line of a usage.jsonl. It keeps nothing of u but numbers and dates.
func (t *Trail) Add(u Use) error {
	if problem := u.problem(); problem != "" {
		return fmt.Errorf("use of %s by %s: %s", u.Action, u.Principal, problem)
	}
	a, err := policy.ParseAction(u.Action)
	if err != nil {
		return fmt.Errorf("action %q: %w", u.Action, err)
	}
	t.lines++
	if t.denied == DeniedIgnored && u.Denied == u.Count {
		return nil
	}
	p := t.principals[u.Principal]
	if p == nil {
		p = &trailSource{trail: t, arn: strings.Clone(u.Principal), services: map[string]map[string]seen{}}
		t.principals[p.arn] = p
	}
	s := p.services[a.Service]
	if s == nil {
		s = map[string]seen{}
		p.services[strings.Clone(a.Service)] = s
	}
	before, known := s[a.Name]
	if !known {
		a.Name = strings.Clone(a.Name)
	}
	s[a.Name] = before.with(u)
	return nil
}

// Principals lists the ARNs that have uses, sorted.
func (t *Trail) Principals() []string { return slices.Sorted(maps.Keys(t.principals)) }

// Of is what the trail says of one principal. One without uses has a source too: in logs
// that cover its account it used nothing.
func (t *Trail) Of(principal string) Source {
	if p := t.principals[principal]; p != nil {
		return p
	}
	return &trailSource{trail: t, arn: principal}
}

// trailSource is what a trail says of one principal.
type trailSource struct {
	trail    *Trail
	arn      string
	services map[string]map[string]seen // by prefix, by name in lower case
}

// seen is all uses of one action.
type seen struct {
	first, last time.Time
	sure        time.Time // the last event of the action's own; zero: it was only possible or inferred
	count       int
}

func (s seen) with(u Use) seen {
	s.first, s.last = earliest(s.first, u.FirstSeen), later(s.last, u.LastSeen)
	if u.Primary && !u.Inferred {
		s.sure = later(s.sure, u.LastSeen)
	}
	s.count += u.Count
	return s
}

// join is the uses of two actions together.
func (s seen) join(other seen) seen {
	return seen{earliest(s.first, other.first), later(s.last, other.last), later(s.sure, other.sure), s.count + other.count}
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return earlier(a, b)
}

// Action implements Source.
func (p *trailSource) Action(a policy.Action, w Window) Sighting { return p.view(w).Action(a, false) }

// Service implements Source. Uses of actions that no catalog knows aren't seen, so it is
// never NotUsed.
func (p *trailSource) Service(prefix string, w Window) Sighting { return p.view(w).Whole(prefix) }

func (p *trailSource) view(w Window) *trailView {
	v := &trailView{p: p, w: w}
	v.covered.read(p, w)
	return v
}

// trailView is a trailSource at one window.
type trailView struct {
	p       *trailSource
	w       Window
	covered covered
}

func (v *trailView) Whole(prefix string) Sighting {
	var all seen
	for _, s := range v.p.services[prefix] {
		all = all.join(s)
	}
	out := v.sighting(all)
	if out.State != InUse {
		out.Why = NotTracked
	}
	return out
}

func (v *trailView) Action(a policy.Action, _ bool) Sighting {
	out := v.sighting(v.p.services[a.Service][a.Name])
	if out.State == InUse {
		return out
	}
	known := v.p.trail.catalog.Lookup(a.Service, a.Name)
	if known == nil {
		out.Why = NotListed
		return out
	}
	o, note := v.unseen(known, out.Last)
	out.State, out.Why, out.Note = o.state, o.why, note
	return out
}

// sighting is what uses say by themselves.
func (v *trailView) sighting(s seen) Sighting {
	out := Sighting{Source: CloudTrail, Last: s.last, First: s.first, Count: s.count, Until: v.covered.until}
	if v.w.Used(s.last) {
		out.State, out.Why, out.Possible = InUse, Seen, !v.w.Used(s.sure)
	}
	return out
}

func (v *trailView) Each(actions []*catalog.Action, _ bool, out []outcome) {
	if len(actions) == 0 {
		return
	}
	uses := v.p.services[actions[0].Service.Prefix]
	for i, a := range actions {
		var s seen
		if len(uses) > 0 {
			s = uses[a.Lower]
		}
		if v.w.Used(s.last) {
			out[i] = outcome{source: CloudTrail, state: InUse, why: Seen, possible: !v.w.Used(s.sure), last: s.last}
			continue
		}
		out[i], _ = v.unseen(a, s.last)
	}
}

// unseen decides an action without a use in the window, and says what its reason is about.
func (v *trailView) unseen(a *catalog.Action, last time.Time) (outcome, string) {
	t := v.p.trail
	why, note := v.covered.why(t.recording(a), a.Service.Prefix)
	if why == NeverSeen {
		if u, ok := v.puzzling(a); ok {
			why, note = NotRecorded, "an event of which it isn't known what it needs: "+u.Event
		}
	}
	if why == NeverSeen {
		return unused(CloudTrail, last), ""
	}
	return outcome{source: CloudTrail, why: why, last: last}, note
}

// puzzling returns an unmapped event of the window that may have used an action.
func (v *trailView) puzzling(a *catalog.Action) (u Unmapped, ok bool) {
	t := v.p.trail
	if u, ok = t.unmapped[a.Service.Prefix]; ok && v.w.Used(u.LastSeen) {
		return u, true
	}
	if known := t.known(a); known != nil {
		u, ok = t.named[known.ID]
	}
	return u, ok && v.w.Used(u.LastSeen)
}
