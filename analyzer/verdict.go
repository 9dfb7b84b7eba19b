package analyzer

import (
	"slices"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// verdict is what of a principal's permissions is unused: what is kept of a judgement,
// because other principals' recommendations ask for it.
type verdict struct {
	skip     Skipped   // why it isn't judged; its Reason is 0 when it is
	actions  actionSet // unused, those of wholly unused services included
	services []string  // unused as a whole, sorted
	young    int       // how many more would be, if they weren't younger than the window
}

func (v verdict) any() bool { return len(v.services) > 0 || v.actions.count() > 0 }

// verdictOf judges a principal, once. Whether it is excluded doesn't matter here.
func (a *Analysis) verdictOf(p *principal) verdict {
	p.once.Do(func() {
		if a.old(p.CreatedAt) {
			p.verdict = a.subject(p).decide()
			return
		}
		p.verdict = verdict{skip: Skipped{Reason: Young}}
	})
	return p.verdict
}

// verdict is verdictOf the subject, without gathering anew what it holds.
func (s *subject) verdict() verdict {
	s.once.Do(func() { s.principal.verdict = s.decide() })
	return s.principal.verdict
}

// decide says what is unused. Used is what any source saw; unused is what some source
// would have seen for the whole window, and none did; what is younger than the window is
// kept, and so is what nobody would know of.
func (s *subject) decide() verdict {
	v := verdict{actions: newActionSet(s.Catalog)}
	switch {
	case s.err != nil:
		v.skip = Skipped{Reason: NoEvidence, Detail: s.err.Error()}
		return v
	case !s.active():
		v.skip = Skipped{Reason: Inactive}
		return v
	case len(s.sources) == 0:
		v.skip = Skipped{Reason: NoEvidence, Detail: "nothing says which services it used"}
		return v
	}
	for i := range s.judgement.Services {
		svc := &s.judgement.Services[i]
		all := svc.State == usage.NotUsed && !s.young.services[svc.Prefix]
		for k := range svc.Actions {
			switch act := &svc.Actions[k]; {
			case act.State != usage.NotUsed:
				all = false
			case s.young.actions.has(act.Action.ID):
				all = false
				v.young++
			default:
				v.actions.add(act.Action.ID)
			}
		}
		if all {
			v.services = append(v.services, svc.Prefix)
		}
	}
	return v
}

// meet is what is unused by both: of a service that is unused as a whole by one alone,
// the actions.
func (v verdict) meet(w verdict) verdict {
	out := verdict{actions: slices.Clone(v.actions)}
	out.actions.retain(w.actions)
	for _, prefix := range v.services {
		if _, both := slices.BinarySearch(w.services, prefix); both {
			out.services = append(out.services, prefix)
		}
	}
	return out
}

// within is what of a verdict a policy can grant.
func (v verdict) within(g grant) verdict {
	out := verdict{actions: slices.Clone(v.actions)}
	out.actions.retain(g.actions)
	for _, prefix := range v.services {
		if g.services[prefix] {
			out.services = append(out.services, prefix)
		}
	}
	return out
}

// unused is the verdict as refine and prove take it.
func (a *Analysis) unused(v verdict) usage.Unused {
	var actions []policy.Action
	for id := range v.actions.all() {
		act := a.Catalog.Action(id)
		if _, whole := slices.BinarySearch(v.services, act.Service.Prefix); !whole {
			actions = append(actions, policy.Action{Service: act.Service.Prefix, Name: act.Lower})
		}
	}
	return usage.Of(actions, v.services)
}
