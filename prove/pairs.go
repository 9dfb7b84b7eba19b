package prove

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// pair is a statement of the old policy and the one of the new that took its place.
//
// Each check of a pair proves its claim by itself, whichever statements were paired: a
// poor pairing can leave a claim to the general comparison, never prove a false one.
type pair struct {
	old  *policy.Statement
	next *policy.Statement // nil: the statement is gone
}

// align pairs the statements in order: a new statement takes the place of the first old
// one that is left, has the same effect, resources and conditions, and whose actions
// contain its own.
func (r *refinement) align() {
	rest := make([]*policy.Statement, 0, len(r.old.Statements))
	r.pairs = make([]pair, 0, len(r.old.Statements))
	for _, d := range r.next {
		for i := range d.Statements {
			rest = append(rest, &d.Statements[i])
		}
	}
	for i := range r.old.Statements {
		p := pair{old: &r.old.Statements[i]}
		if len(rest) > 0 && r.sameButActions(p.old, rest[0]) && narrows(rest[0].Action, p.old.Action) {
			p.next, rest = rest[0], rest[1:]
		}
		r.pairs = append(r.pairs, p)
	}
	r.matched = len(rest) == 0
}

// sameButActions says whether two statements have the same effect, resources, conditions
// and principals, and both Action or both NotAction.
func (r *refinement) sameButActions(a, b *policy.Statement) bool {
	for _, d := range r.next {
		if d.Version != r.old.Version {
			return false
		}
	}
	return a.Effect == b.Effect && a.Action.Not == b.Action.Not &&
		a.Principal.Present == b.Principal.Present && !a.Principal.Present &&
		a.Resource.Present == b.Resource.Present && a.Resource.Not == b.Resource.Not &&
		slices.EqualFunc(a.Resource.Entries, b.Resource.Entries, func(x, y policy.ResourceEntry) bool { return x.Text == y.Text }) &&
		slices.EqualFunc(a.Conditions, b.Conditions, sameCondition)
}

func sameCondition(a, b policy.Condition) bool {
	return a.Operator == b.Operator && a.Key == b.Key &&
		slices.EqualFunc(a.Values, b.Values, func(x, y policy.ConditionValue) bool { return x.Text == y.Text })
}

// narrows says whether a's element matches no action string that b's doesn't.
func narrows(a, b policy.Actions) bool {
	inner, outer := a.Entries, b.Entries
	if samePatterns(inner, outer) {
		return true
	}
	if a.Not {
		inner, outer = outer, inner // a excludes all that b does
	}
	same := listed(outer, len(inner))
	for _, e := range inner {
		if !same(e.Pattern) && !slices.ContainsFunc(outer, func(o policy.ActionEntry) bool { return o.Pattern.Contains(e.Pattern) }) {
			return false
		}
	}
	return true
}

// listed tells which patterns stand in a list, for about so many that are asked after. A
// few times, or a short list, is looked through.
func listed(entries []policy.ActionEntry, asked int) func(policy.ActionPattern) bool {
	const few = 16
	if min(len(entries), asked) <= few {
		return func(p policy.ActionPattern) bool {
			return slices.ContainsFunc(entries, func(e policy.ActionEntry) bool { return e.Pattern == p })
		}
	}
	set := make(map[policy.ActionPattern]bool, len(entries))
	for _, e := range entries {
		set[e.Pattern] = true
	}
	return func(p policy.ActionPattern) bool { return set[p] }
}

func samePatterns(a, b []policy.ActionEntry) bool {
	return slices.EqualFunc(a, b, func(x, y policy.ActionEntry) bool { return x.Pattern == y.Pattern })
}

// pairsNarrow says whether the pairs show that nothing new is allowed: every new Allow
// statement narrows an old one, and every old Deny statement is still there whole.
func (r *refinement) pairsNarrow() bool {
	for _, p := range r.pairs {
		if p.old.Effect == policy.Deny && (p.next == nil || !narrows(p.old.Action, p.next.Action)) {
			return false
		}
	}
	return true // align paired only statements that narrow
}

// lost lists actions of the catalog, not unused, that some old Allow statement matches
// and the statement in its place doesn't. It is settled only if the pairs tell: a new
// Deny, or a new statement beside the pairs, needs the general comparison.
func (r *refinement) lost() (lost []policy.Action, settled bool) {
	if !r.matched {
		return nil, false
	}
	for _, p := range r.pairs {
		if p.old.Effect != policy.Allow {
			continue // a Deny that narrows takes nothing away
		}
		if p.old.Action.Not {
			lost = append(lost, r.newlyExcluded(p)...)
		} else {
			lost = append(lost, r.dropped(p)...)
		}
	}
	return lost, true
}

// newlyExcluded is what the new NotAction names and the old one doesn't.
func (r *refinement) newlyExcluded(p pair) []policy.Action {
	if p.next == nil {
		return r.used()
	}
	return r.difference(p.next.Action.Entries, p.old.Action.Entries)
}

// dropped is what the old Action names and the new one doesn't.
func (r *refinement) dropped(p pair) []policy.Action {
	if p.next == nil {
		return r.difference(p.old.Action.Entries, nil)
	}
	return r.difference(p.old.Action.Entries, p.next.Action.Entries)
}

// difference lists the used actions of the catalog that an entry of a matches and none
// of b does. Entries of a that stand in b as well are passed over.
func (r *refinement) difference(a, b []policy.ActionEntry) []policy.Action {
	if samePatterns(a, b) {
		return nil
	}
	kept := listed(b, len(a))
	m := marker{refinement: r}
	for _, e := range a {
		if !kept(e.Pattern) {
			m.mark(e.Pattern, true)
		}
	}
	for _, e := range b {
		m.mark(e.Pattern, false)
	}
	return m.used()
}

// marker marks actions of the catalog, service by service.
type marker struct {
	*refinement
	marked []marks
}

// marks says which actions of a service are marked, by their place in it.
type marks struct {
	service *catalog.Service
	set     []bool
}

// mark sets or clears what the pattern matches. Clearing skips services in which
// nothing is set.
func (m *marker) mark(p policy.ActionPattern, set bool) {
	if p.AllServices() {
		for _, s := range m.catalog.Services() {
			m.markService(s, p, set)
		}
		return
	}
	if s := m.service(p.Service); s != nil {
		m.markService(s, p, set)
	}
}

func (m *marker) markService(s *catalog.Service, p policy.ActionPattern, set bool) {
	at := slices.IndexFunc(m.marked, func(k marks) bool { return k.service == s })
	if at < 0 {
		if !set {
			return
		}
		at = len(m.marked)
		m.marked = append(m.marked, marks{s, make([]bool, len(s.Actions))})
	}
	lo, hi := candidates(s, p.Name)
	for i := lo; i < hi; i++ {
		if p.Name.Match(s.Actions[i].Lower) {
			m.marked[at].set[i] = set
		}
	}
}

// candidates is the range of a service's actions outside which the pattern matches none:
// those that start as it does, or the one that it names.
func candidates(s *catalog.Service, p wildcard.Pattern) (lo, hi int) {
	prefix := p.Prefix()
	lo = sort.Search(len(s.Actions), func(i int) bool { return s.Actions[i].Lower >= prefix })
	if _, exact := p.Text(); exact {
		return lo, min(lo+1, len(s.Actions))
	}
	for hi = lo; hi < len(s.Actions) && strings.HasPrefix(s.Actions[hi].Lower, prefix); hi++ {
	}
	return lo, hi
}

// used lists the marked actions that aren't unused.
func (m *marker) used() []policy.Action {
	var out []policy.Action
	for _, k := range m.marked {
		unused := m.unused.of(k.service)
		for i, marked := range k.set {
			if marked && !unused(i) {
				out = append(out, policy.Action{Service: k.service.Prefix, Name: k.service.Actions[i].Lower})
			}
		}
	}
	return out
}

// grantsUnused says whether some Allow statement of the new policy matches an unused
// action, whatever its resources and conditions.
func (r *refinement) grantsUnused() bool {
	for _, d := range r.next {
		for i := range d.Statements {
			st := &d.Statements[i]
			if st.Effect != policy.Allow {
				continue
			}
			if st.Action.Not && r.excludesNotAll(st.Action.Entries) || !st.Action.Not && r.namesUnused(st.Action.Entries) {
				return true
			}
		}
	}
	return false
}

// namesUnused says whether an Action list matches something unused.
func (r *refinement) namesUnused(entries []policy.ActionEntry) bool {
	var s *catalog.Service // of the entry before, and which of its actions are unused
	var flags []bool
	for i, e := range entries {
		p := e.Pattern
		if i == 0 || entries[i-1].Pattern.Service != p.Service {
			s, flags = r.service(p.Service), r.unused.flags[p.Service]
		}
		switch {
		case p.AllServices():
			if len(r.unused.services) > 0 || len(r.unused.flags) > 0 {
				return true
			}
		case r.unused.services[p.Service]:
			return true
		case s != nil && matchesAny(s, p, flags):
			return true
		}
	}
	return false
}

// matchesAny says whether the pattern matches a flagged action of the service. No flags
// is no action.
func matchesAny(s *catalog.Service, p policy.ActionPattern, flags []bool) bool {
	if flags == nil {
		return false
	}
	lo, hi := candidates(s, p.Name)
	for i := lo; i < hi; i++ {
		if flags[i] && p.Name.Match(s.Actions[i].Lower) {
			return true
		}
	}
	return false
}

// excludesNotAll says whether a NotAction list leaves something unused allowed.
func (r *refinement) excludesNotAll(entries []policy.ActionEntry) bool {
	excluded := func(whole policy.ActionPattern) bool {
		return slices.ContainsFunc(entries, func(e policy.ActionEntry) bool { return e.Pattern.Contains(whole) })
	}
	for service := range r.unused.services {
		if !excluded(policy.ActionPattern{Service: service, Name: anyName}) {
			return true
		}
	}
	for service, flags := range r.unused.flags {
		s := r.catalog.Service(service)
		for i, unused := range flags {
			action := policy.Action{Service: service, Name: s.Actions[i].Lower}
			if unused && !slices.ContainsFunc(entries, func(e policy.ActionEntry) bool { return e.Pattern.Match(action) }) {
				return true
			}
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
