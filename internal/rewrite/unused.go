package rewrite

import (
	"cmp"
	"slices"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// unusedByAll is what is unused of every one of several live policies, so far as it has
// it: what one of them doesn't allow, nobody can use through it.
func unusedByAll(c *catalog.Catalog, live []*Live) usage.Unused {
	if len(live) == 1 {
		return live[0].Unused
	}
	var actions []policy.Action
	var services []string
	for i, l := range live {
		for _, s := range l.Unused.ServiceSet() {
			if !slices.Contains(services, s) && everyOther(live, i, func(o *Live) bool { return slices.Contains(o.Unused.ServiceSet(), s) }) {
				services = append(services, s)
			}
		}
	}
	sets := make([]unusedSet, len(live))
	for i, l := range live {
		sets[i] = newUnusedSet(c, l)
	}
	for i := range sets {
		for a := range sets[i].actions {
			if !slices.ContainsFunc(sets, func(o unusedSet) bool { return !o.spares(a) }) {
				actions = append(actions, a)
			}
		}
	}
	slices.SortFunc(actions, func(a, b policy.Action) int { return cmp.Compare(a.String(), b.String()) })
	slices.Sort(services)
	return usage.Of(slices.Compact(actions), services)
}

func everyOther(live []*Live, i int, ok func(*Live) bool) bool {
	for j, o := range live {
		if j != i && !ok(o) {
			return false
		}
	}
	return true
}

// unusedSet is what is unused of one live policy, action by action.
type unusedSet struct {
	actions map[policy.Action]bool
	doc     *policy.Document
}

func newUnusedSet(c *catalog.Catalog, l *Live) unusedSet {
	u := unusedSet{actions: map[policy.Action]bool{}, doc: l.Document}
	for _, a := range l.Unused.ActionSet() {
		u.actions[a] = true
	}
	for _, prefix := range l.Unused.ServiceSet() {
		service := c.Service(prefix)
		if service == nil {
			continue
		}
		for _, a := range service.Actions {
			u.actions[policy.Action{Service: service.Prefix, Name: a.Lower}] = true
		}
	}
	return u
}

// spares says whether taking the action away takes nothing from those who have the policy.
func (u unusedSet) spares(a policy.Action) bool { return u.actions[a] || !allowsSome(u.doc, a) }

// allowsSome says whether an Allow statement matches the action.
func allowsSome(doc *policy.Document, a policy.Action) bool {
	return slices.ContainsFunc(doc.Statements, func(st policy.Statement) bool {
		return st.Effect == policy.Allow && st.Action.Match(a)
	})
}
