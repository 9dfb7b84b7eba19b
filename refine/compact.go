package refine

import (
	"cmp"
	"math"
	"slices"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// Compact is a Refiner that prints the fewest characters, for policies that outgrow
// their limit, rather than the shortest safe prefixes. Its promises are the same. It may
// print a `*` between the words of a name, as in `Describe*Attribute`.
func (r *Refiner) Compact() *Refiner {
	c := *r
	c.compact = true
	return &c
}

// candidate is a text that could be printed: it lies inside the original pattern and
// matches no unused action.
type candidate struct {
	text   string
	cost   int   // characters that it takes in a list
	covers []int // kept actions that it matches, by place in the universe, in order
}

// perEntry is what an entry takes beside its text: two quotes and a comma.
const perEntry = 3

// coverCompact prints the actions of M with the fewest characters: the cheapest set of
// candidates that covers every kept action (weighted set cover, solved exactly within
// maxNodes). The candidates are the kept names, and of each name a beginning of words,
// `*`, and an end of words. Actions that entries known so far match need no cover.
func (t *trie) coverCompact(p written, m marks, known []policy.ActionPattern) []string {
	var universe []int // places of the kept actions
	for i := m.lo; i < m.hi; i++ {
		action := policy.Action{Service: t.service, Name: t.actions[i].Lower}
		if m.keeps(i) && !slices.ContainsFunc(known, func(p policy.ActionPattern) bool { return p.Match(action) }) {
			universe = append(universe, i)
		}
	}
	chosen := setCover(len(universe), t.candidates(p, m, universe))
	slices.SortFunc(chosen, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.covers[0], b.covers[0]), cmp.Compare(a.text, b.text))
	})
	out := make([]string, len(chosen))
	for i, c := range chosen {
		out[i] = c.text
	}
	return out
}

func (t *trie) candidates(p written, m marks, universe []int) []candidate {
	place := map[int]int{}
	for k, i := range universe {
		place[i] = k
	}
	seen := map[string]bool{}
	var out []candidate
	for _, i := range universe {
		name := t.actions[i].Name
		out = append(out, candidate{t.names[i], len(t.names[i]) + perEntry, []int{place[i]}})
		ends := append([]int{0}, wordEnds(name)...)
		for at, end := range ends[:len(ends)-1] {
			for _, start := range append(ends[at+1:len(ends)-1:len(ends)-1], len(name)) {
				text := name[:end] + "*" + name[start:]
				if lower := wildcard.Fold(text); !seen[lower] {
					seen[lower] = true
					if covers := t.covers(wildcard.Parse(lower), p.folded, m, place); covers != nil {
						out = append(out, candidate{t.prefix + text, len(t.prefix) + len(text) + perEntry, covers})
					}
				}
			}
		}
	}
	return out
}

// covers lists the kept actions that q matches; none if q matches an unused action of M
// or leaves p.
func (t *trie) covers(q, p wildcard.Pattern, m marks, place map[int]int) []int {
	if !p.Contains(q) {
		return nil
	}
	var out []int
	lo, hi := t.under(q.Prefix())
	lo, hi = m.clip(lo, hi)
	for i := lo; i < hi; i++ {
		if matched, _ := m.count(i, i+1); matched == 0 || !q.Match(t.actions[i].Lower) {
			continue
		}
		if !m.keeps(i) {
			return nil
		}
		if k, needed := place[i]; needed {
			out = append(out, k)
		}
	}
	return out
}

// maxNodes bounds the search for the cheapest cover of one component; when it is used up
// the cheapest found so far is taken, which is a cover as well.
const maxNodes = 50000

// setCover chooses candidates of least cost that cover elements 0 to n-1, each of which
// some candidate covers. Elements that no candidate connects are solved apart.
func setCover(n int, candidates []candidate) []candidate {
	candidates = undominated(candidates)
	var out []candidate
	for _, part := range components(n, candidates) {
		s := coverSearch{candidates: part, left: maxNodes, best: math.MaxInt}
		s.prepare()
		s.branch(nil, 0, s.elements)
		for _, c := range s.chosen {
			out = append(out, part[c])
		}
	}
	return out
}

// undominated keeps of the candidates that cover the same the cheapest.
func undominated(candidates []candidate) []candidate {
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		return cmp.Or(slices.Compare(a.covers, b.covers), cmp.Compare(a.cost, b.cost), cmp.Compare(a.text, b.text))
	})
	return slices.CompactFunc(candidates, func(a, b candidate) bool { return slices.Equal(a.covers, b.covers) })
}

// components groups candidates that share elements, directly or through others.
func components(n int, candidates []candidate) [][]candidate {
	root := make([]int, n)
	for i := range root {
		root[i] = i
	}
	var find func(int) int
	find = func(i int) int {
		if root[i] != i {
			root[i] = find(root[i])
		}
		return root[i]
	}
	for _, c := range candidates {
		for _, e := range c.covers[1:] {
			root[find(e)] = find(c.covers[0])
		}
	}
	parts := make([][]candidate, n)
	for _, c := range candidates {
		at := find(c.covers[0])
		parts[at] = append(parts[at], c)
	}
	return slices.DeleteFunc(parts, func(p []candidate) bool { return len(p) == 0 })
}

// coverSearch is a branch and bound over one component. The bound: an element costs at
// least its share of the candidate in which its share is least.
type coverSearch struct {
	candidates []candidate
	elements   []int           // of the component, those with the fewest candidates first
	of         map[int][]int   // candidates that cover an element, the cheapest share first
	share      map[int]float64 // least cost of an element
	left       int
	best       int
	chosen     []int
}

func (s *coverSearch) prepare() {
	s.of, s.share = map[int][]int{}, map[int]float64{}
	for i, c := range s.candidates {
		for _, e := range c.covers {
			share := float64(c.cost) / float64(len(c.covers))
			if least, seen := s.share[e]; !seen || share < least {
				s.share[e] = share
			}
			if s.of[e] == nil {
				s.elements = append(s.elements, e)
			}
			s.of[e] = append(s.of[e], i)
		}
	}
	for _, list := range s.of {
		slices.SortStableFunc(list, func(a, b int) int {
			x, y := s.candidates[a], s.candidates[b]
			return cmp.Compare(x.cost*len(y.covers), y.cost*len(x.covers))
		})
	}
	slices.SortStableFunc(s.elements, func(a, b int) int {
		return cmp.Or(cmp.Compare(len(s.of[a]), len(s.of[b])), cmp.Compare(a, b))
	})
}

// branch covers the first element that is left, with each of its candidates in turn.
func (s *coverSearch) branch(chosen []int, spent int, left []int) {
	if len(left) == 0 {
		s.best, s.chosen = spent, slices.Clone(chosen)
		return
	}
	if s.left--; s.left <= 0 && s.chosen != nil {
		return
	}
	bound := float64(spent)
	for _, e := range left {
		bound += s.share[e]
	}
	for _, i := range s.of[left[0]] {
		c := s.candidates[i]
		if int(math.Ceil(bound-1e-6)) >= s.best {
			return
		}
		if spent+c.cost >= s.best {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(left), func(e int) bool {
			_, covered := slices.BinarySearch(c.covers, e)
			return covered
		})
		s.branch(append(chosen, i), spent+c.cost, rest)
	}
}
