package prove

import (
	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// unusedSet is a set of unused permissions, against the actions of a catalog.
type unusedSet struct {
	catalog  *catalog.Catalog
	services map[string]bool   // unused as a whole, known to the catalog or not
	flags    map[string][]bool // of each other service with unused actions: by place in the service
}

func newUnusedSet(c *catalog.Catalog, unused usage.Unused) unusedSet {
	u := unusedSet{catalog: c, services: map[string]bool{}, flags: map[string][]bool{}}
	for _, s := range unused.Services {
		u.services[s.Prefix] = true
	}
	var s *catalog.Service // of the action before: lists mostly stay with one service
	for _, a := range unused.Actions {
		if s == nil || s.Prefix != a.Service {
			s = c.Service(a.Service)
		}
		if s == nil || u.services[a.Service] {
			continue
		}
		known := s.Lookup(a.Name)
		if known == nil {
			continue
		}
		if u.flags[s.Prefix] == nil {
			u.flags[s.Prefix] = make([]bool, len(s.Actions))
		}
		u.flags[s.Prefix][known.ID-s.First] = true
	}
	return u
}

// of says which actions of a service are unused, by their place in it.
func (u unusedSet) of(s *catalog.Service) func(i int) bool {
	whole, flags := u.services[s.Prefix], u.flags[s.Prefix]
	return func(i int) bool { return whole || flags != nil && flags[i] }
}

// scope is all that is unused: the actions, and every action of the services.
func (u unusedSet) scope() access.Scope {
	scope := access.Scope{Actions: []policy.Action{}}
	for _, s := range u.catalog.Services() {
		for i, unused := range u.flags[s.Prefix] {
			if unused {
				scope.Actions = append(scope.Actions, policy.Action{Service: s.Prefix, Name: s.Actions[i].Lower})
			}
		}
	}
	scope.Services = sortedKeys(u.services)
	return scope
}

// used is every action of the catalog that isn't unused.
func (r *refinement) used() []policy.Action {
	used := make([]policy.Action, 0, r.catalog.Len())
	for _, s := range r.catalog.Services() {
		unused := r.unused.of(s)
		for i := range s.Actions {
			if !unused(i) {
				used = append(used, policy.Action{Service: s.Prefix, Name: s.Actions[i].Lower})
			}
		}
	}
	return used
}
