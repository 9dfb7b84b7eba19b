package usage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// Judgement is what all sources together say of what a principal is granted.
type Judgement struct {
	Services []ServiceVerdict // sorted by prefix; each has a granted namespace, known to the catalog or not
}

// ServiceVerdict is what is known of a service, and of its granted actions.
type ServiceVerdict struct {
	Prefix string
	// State is InUse if any source saw a use of any action of the service, or of the
	// service. It is NotUsed if a source that sees every use says so, none saw one, and
	// every granted action is NotUsed.
	State  State
	Why    Why
	Source Kind      // whose word State and Why are; NoSource when there is none
	Last   time.Time // last seen by any source, at any time; zero when never or not known

	Actions []ActionVerdict // granted ones that the catalog knows, by id
}

// ActionVerdict is what is known of an action: InUse if any source saw a use in the
// window; NotUsed if none did, and one would have; else Unknown.
type ActionVerdict struct {
	Action   *catalog.Action
	State    State
	Why      Why
	Source   Kind      // whose word State and Why are; NoSource when there is none
	Possible bool      // InUse only because calls may have needed it
	Last     time.Time // last seen by any source, at any time; zero when never or not known
}

// Judge says of each granted action, and of each granted namespace as a whole, whether
// the principal used it. The order of sources doesn't matter. Of two reasons not to know,
// the Why that comes later is named, which is nearer to a verdict; of two sources with the
// same verdict and reason, the Kind that comes first.
//
// If a source takes a whole service for unused and another saw a call of it, then the
// first isn't believed about the service: what it says rests on having seen every call.
//
// The cost is a few steps an action and source, and one allocation for all verdicts.
func Judge(granted []*catalog.Action, services []string, sources []Source, w Window) Judgement {
	j := judge{views: viewsOf(sources, w), actions: byID(granted)}
	j.out = make([]ActionVerdict, len(j.actions))
	prefixes := j.prefixes(services)
	out := Judgement{Services: make([]ServiceVerdict, len(prefixes))}
	from := 0
	for i, prefix := range prefixes {
		to := from
		for to < len(j.actions) && j.actions[to].Service.Prefix == prefix {
			to++
		}
		out.Services[i] = j.service(prefix, from, to)
		from = to
	}
	return out
}

// judge is a judgement at work.
type judge struct {
	views   []view
	actions []*catalog.Action // by id, so those of a service stand together
	out     []ActionVerdict   // one for each of actions
	scratch []outcome
	wholes  []Sighting // of one service, by view
}

func viewsOf(sources []Source, w Window) []view {
	views := make([]view, len(sources))
	for i, s := range sources {
		views[i] = viewOf(s, w)
	}
	return views
}

// byID returns the actions sorted by id, each once.
func byID(actions []*catalog.Action) []*catalog.Action {
	order := func(a, b *catalog.Action) int {
		return cmp.Or(strings.Compare(a.Service.Prefix, b.Service.Prefix), cmp.Compare(a.ID, b.ID))
	}
	sorted := true
	for i := 1; i < len(actions) && sorted; i++ {
		sorted = actions[i-1].ID < actions[i].ID
	}
	if sorted {
		return actions
	}
	actions = slices.Clone(actions)
	slices.SortFunc(actions, order)
	return slices.Compact(actions)
}

// prefixes lists the services and those of the actions, sorted, each once.
func (j *judge) prefixes(services []string) []string {
	out := slices.Clone(services)
	for i, a := range j.actions {
		if i == 0 || a.Service != j.actions[i-1].Service {
			out = append(out, a.Service.Prefix)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// service judges one service, whose granted actions are those from here to there.
func (j *judge) service(prefix string, from, to int) ServiceVerdict {
	actions, verdicts := j.actions[from:to], j.out[from:to:to]
	j.wholes = j.wholes[:0]
	for _, v := range j.views {
		j.wholes = append(j.wholes, v.Whole(prefix))
	}
	j.scratch = slices.Grow(j.scratch[:0], len(actions))[:len(actions)]
	for i, a := range actions {
		verdicts[i] = ActionVerdict{Action: a}
	}
	for i, v := range j.views {
		v.Each(actions, doubted(j.wholes, i), j.scratch)
		for k := range j.scratch {
			verdicts[k].add(&j.scratch[k])
		}
	}
	return conclude(prefix, j.wholes, verdicts)
}

// doubted says whether source i takes a whole service for unused, of which another saw a
// call.
func doubted(wholes []Sighting, i int) bool {
	return wholes[i].State == NotUsed && slices.ContainsFunc(wholes, func(s Sighting) bool { return s.State == InUse && !s.Possible })
}

// add takes one more source's word into a verdict, in any order.
func (a *ActionVerdict) add(o *outcome) {
	if o.last.After(a.Last) {
		a.Last = o.last
	}
	if o.state < a.State {
		return
	}
	if o.stronger(&outcome{source: a.Source, state: a.State, why: a.Why, possible: a.Possible}) {
		a.State, a.Why, a.Source, a.Possible = o.state, o.why, o.source, o.possible
	}
}

// stronger is a total order of outcomes but for their times: InUse before NotUsed before
// Unknown, sure before possible; of NotUsed, seen before never seen; of Unknown, the reason
// that comes later; and then the source that comes first.
func (o *outcome) stronger(than *outcome) bool {
	switch {
	case o.state != than.state:
		return o.state > than.state
	case o.possible != than.possible:
		return !o.possible
	case o.why != than.why:
		return (o.why > than.why) == (o.state == Unknown)
	case o.source == NoSource || than.source == NoSource:
		return o.source > than.source
	}
	return o.source < than.source
}

// conclude judges a service as a whole.
func conclude(prefix string, wholes []Sighting, actions []ActionVerdict) ServiceVerdict {
	var sum ActionVerdict
	for _, s := range wholes {
		o := s.outcome()
		sum.add(&o)
	}
	for i := range actions {
		a := &actions[i]
		sum.Last = later(sum.Last, a.Last)
		switch {
		case a.State == InUse:
			sum.add(&outcome{a.Source, InUse, a.Why, a.Possible, a.Last})
		case a.State == Unknown && sum.State == NotUsed:
			sum.State, sum.Why, sum.Source = Unknown, a.Why, a.Source
		}
	}
	if sum.State == NotUsed && prefix == passRole.Service && !passRoleJudged(actions) {
		sum.State, sum.Why = Unknown, NotTracked
	}
	return ServiceVerdict{Prefix: prefix, State: sum.State, Why: sum.Why, Source: sum.Source, Last: sum.Last, Actions: actions}
}

// passRoleJudged says whether the catalog of iam's granted actions has iam:PassRole, so
// that it would be among them if it was granted. No source sees its uses.
func passRoleJudged(actions []ActionVerdict) bool {
	return len(actions) > 0 && actions[0].Action.Service.Lookup(passRole.Name) != nil
}

// Unused lists what may be taken away: services that are unused as a whole, and unused
// actions of others.
func (j Judgement) Unused() Unused {
	var actions []policy.Action
	var services []string
	for i := range j.Services {
		s := &j.Services[i]
		if s.State == NotUsed {
			services = append(services, s.Prefix)
			continue
		}
		for k := range s.Actions {
			if a := &s.Actions[k]; a.State == NotUsed {
				actions = append(actions, policy.Action{Service: s.Prefix, Name: a.Action.Lower})
			}
		}
	}
	return Of(actions, services)
}

// Counts counts granted actions by verdict.
type Counts struct {
	Granted, InUse, NotUsed, Unknown int
	ByWhy                            [whys]int // of the unknown ones, by Why
}

// Counts counts the granted actions of all services that the catalog knows.
func (j Judgement) Counts() Counts {
	var c Counts
	for i := range j.Services {
		for k := range j.Services[i].Actions {
			a := &j.Services[i].Actions[k]
			c.Granted++
			switch a.State {
			case InUse:
				c.InUse++
			case NotUsed:
				c.NotUsed++
			case Unknown:
				c.Unknown++
				c.ByWhy[a.Why]++
			}
		}
	}
	return c
}

// Explain is what each source says of one action, in the order of the sources, as Judge
// takes it.
func Explain(a policy.Action, sources []Source, w Window) []Sighting {
	views := viewsOf(sources, w)
	wholes := make([]Sighting, len(views))
	for i, v := range views {
		wholes[i] = v.Whole(a.Service)
	}
	out := make([]Sighting, len(views))
	for i, v := range views {
		out[i] = v.Action(a, doubted(wholes, i))
	}
	return out
}
