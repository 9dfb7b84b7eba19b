package analyzer

import (
	"iter"
	"math/bits"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// actionSet is a set of a catalog's actions, a bit by ID. Sets of one catalog have one
// length; operations change the receiver.
type actionSet []uint64

func newActionSet(c *catalog.Catalog) actionSet { return make(actionSet, (c.Len()+63)/64) }

func (s actionSet) add(id int)      { s[id/64] |= 1 << (id % 64) }
func (s actionSet) has(id int) bool { return s[id/64]&(1<<(id%64)) != 0 }

func (s actionSet) addAll(t actionSet) {
	for i := range s {
		s[i] |= t[i]
	}
}

func (s actionSet) retain(t actionSet) {
	for i := range s {
		s[i] &= t[i]
	}
}

func (s actionSet) removeAll(t actionSet) {
	for i := range s {
		s[i] &^= t[i]
	}
}

func (s actionSet) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// all iterates over the IDs, in order.
func (s actionSet) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// grant is what a policy can allow, or several can together.
type grant struct {
	actions  actionSet
	services map[string]bool // known to the catalog or not
}

func grantOf(c *catalog.Catalog, docs ...*policy.Document) grant {
	granted := access.Actions(c, docs...)
	g := grant{newActionSet(c), make(map[string]bool, len(granted.Services))}
	for _, a := range granted.Actions {
		g.actions.add(a.ID)
	}
	for _, s := range granted.Services {
		g.services[s] = true
	}
	return g
}

func (g grant) addAll(h grant) {
	g.actions.addAll(h.actions)
	for s := range h.services {
		g.services[s] = true
	}
}
