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
	for _, a := range unused.Actions {
		known := c.Lookup(a.Service, a.Name)
		if known == nil || u.services[a.Service] {
			continue
		}
		s := known.Service
		if u.flags[s.Prefix] == nil {
			u.flags[s.Prefix] = make([]bool, len(s.Actions))
		}
		u.flags[s.Prefix][known.ID-s.First] = true
	}
	return u
}

// has says whether the i-th action of a service is unused.
func (u unusedSet) has(s *catalog.Service, i int) bool {
	if u.services[s.Prefix] {
		return true
	}
	flags := u.flags[s.Prefix]
	return flags != nil && flags[i]
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
		for i := range s.Actions {
			if !r.unused.has(s, i) {
				used = append(used, policy.Action{Service: s.Prefix, Name: s.Actions[i].Lower})
			}
		}
	}
	return used
}
