package refine

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/wildcard"
)

// trie holds the action names of one service as a trie of words, flattened.
//
// A node is the text of the first words of some action. IAM compares strings, not
// words: `DescribeVolumes*` matches DescribeVolumeStatus. So a node stands for every
// action whose lower-case name starts with its lower-case text, and nodes are ordered
// by that containment, in which Volumes hangs under Volume. Sorted by lower-case text
// the nodes are then in preorder, and the actions under one are a range.
//
// A trie is immutable and depends on the catalog alone.
type trie struct {
	service string // "s3"
	prefix  string // "s3:"
	actions []catalog.Action
	names   []string       // of the actions, with the service: "s3:GetObject"
	index   map[string]int // of the actions, by their lower-case name
	nodes   []trieNode     // preorder; the first is the root, the empty text
	inOrder bool           // preorder is also the order of words
	none    []int32        // the running counts of no action
}

type trieNode struct {
	lower   string
	pattern string // what a safe node prints: "s3:GetObject*"
	lo, hi  int    // the actions under it
	exact   int    // the action whose name it is, or -1
	end     int    // the first node after its subtree
	rank    int32  // its place in the order of words
}

func newTrie(service *catalog.Service) *trie {
	t := &trie{service: service.Prefix, prefix: service.Prefix + ":", actions: service.Actions}
	t.names, t.index, t.none = make([]string, len(t.actions)), map[string]int{}, make([]int32, len(t.actions)+1)
	casing := map[string]string{}
	for i, a := range t.actions {
		t.names[i], t.index[a.Lower] = t.prefix+a.Name, i
		for _, end := range append([]int{0}, wordEnds(a.Name)...) {
			if _, seen := casing[a.Lower[:end]]; !seen {
				casing[a.Lower[:end]] = a.Name[:end]
			}
		}
	}
	lowers := make([]string, 0, len(casing))
	for lower := range casing {
		lowers = append(lowers, lower)
	}
	slices.Sort(lowers)
	t.nodes = make([]trieNode, len(lowers))
	for i, lower := range lowers {
		t.nodes[i] = t.node(lower, casing[lower])
	}
	t.link()
	t.number(lowers, casing)
	return t
}

func (t *trie) node(lower, text string) trieNode {
	n := trieNode{lower: lower, pattern: t.prefix + text + "*", exact: -1}
	n.lo, n.hi = t.under(lower)
	if n.lo < n.hi && t.actions[n.lo].Lower == lower {
		n.exact = n.lo
	}
	return n
}

// under is the range of the actions whose lower-case names start with lower.
func (t *trie) under(lower string) (lo, hi int) {
	lo = sort.Search(len(t.actions), func(i int) bool { return t.actions[i].Lower >= lower })
	hi = lo + sort.Search(len(t.actions)-lo, func(i int) bool {
		return !strings.HasPrefix(t.actions[lo+i].Lower, lower)
	})
	return lo, hi
}

// link finds the end of each subtree.
func (t *trie) link() {
	var open []int
	for i := range t.nodes {
		for len(open) > 0 && !strings.HasPrefix(t.nodes[i].lower, t.nodes[open[len(open)-1]].lower) {
			t.nodes[open[len(open)-1]].end = i
			open = open[:len(open)-1]
		}
		open = append(open, i)
	}
	for _, i := range open {
		t.nodes[i].end = len(t.nodes)
	}
}

// number ranks the nodes in the order in which they are printed: by words, without
// case.
func (t *trie) number(lowers []string, casing map[string]string) {
	order := make([]int, len(lowers))
	words := make([][]string, len(lowers))
	for i, lower := range lowers {
		order[i] = i
		start := 0
		for _, end := range wordEnds(casing[lower]) {
			words[i] = append(words[i], lower[start:end])
			start = end
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(slices.Compare(words[a], words[b]), cmp.Compare(a, b))
	})
	t.inOrder = slices.IsSorted(order)
	for rank, i := range order {
		t.nodes[i].rank = int32(rank)
	}
}

// marks says for the actions of one service which are in the set M that a pattern
// matches, and which of those are unused.
type marks struct {
	lo, hi  int     // M lies in this range of actions
	matched []int32 // running counts, matched[i] of the actions before i; nil: all of the range
	unused  []int32 // running counts of the unused ones of M in the range
}

func (m *marks) clip(lo, hi int) (int, int) { return max(lo, m.lo), min(hi, m.hi) }

func (m *marks) matchedIn(lo, hi int) int {
	lo, hi = m.clip(lo, hi)
	if lo >= hi {
		return 0
	}
	if m.matched == nil {
		return hi - lo
	}
	return int(m.matched[hi] - m.matched[lo])
}

func (m *marks) unusedIn(lo, hi int) int {
	lo, hi = m.clip(lo, hi)
	if lo >= hi {
		return 0
	}
	return int(m.unused[hi] - m.unused[lo])
}

func (m *marks) keeps(i int) bool { return m.matchedIn(i, i+1) == 1 && m.unusedIn(i, i+1) == 0 }

// mark finds M for a pattern, folded. unused holds the service's running counts.
func (t *trie) mark(p wildcard.Pattern, unused []int32) marks {
	if p.IsPrefix() {
		lo, hi := t.under(p.Prefix())
		return marks{lo: lo, hi: hi, unused: unused}
	}
	if name, ok := p.Text(); ok {
		i, known := t.index[name]
		if !known {
			return marks{unused: unused}
		}
		return marks{lo: i, hi: i + 1, unused: unused}
	}
	m := marks{matched: make([]int32, len(unused)), unused: make([]int32, len(unused))}
	m.lo, m.hi = t.under(p.Prefix())
	for i := m.lo; i < m.hi; i++ {
		m.matched[i+1], m.unused[i+1] = m.matched[i], m.unused[i]
		if p.Match(t.actions[i].Lower) {
			m.matched[i+1]++
			m.unused[i+1] += unused[i+1] - unused[i]
		}
	}
	return m
}

// cover prints the shortest safe prefixes of the actions of M, which p matches: a node
// is safe if no unused action of M lies under it.
//
// From the root: a safe node with two or more actions under it prints `prefix*`, or
// what p and `prefix*` have in common; with one, the bare action. An unsafe node that is
// itself a kept action prints that action; then its children follow. Each kept action
// lies under exactly one printed node, so no cover by prefixes has fewer or shorter
// ones. Cost: linear in the nodes.
func (t *trie) cover(p written, m marks) []string {
	c := cover{trie: t, p: p, m: m, texts: make([]string, 0, 64)}
	if !t.inOrder {
		c.ranks = make([]int32, 0, 64)
	}
	for i := 0; i < len(t.nodes); {
		n := &t.nodes[i]
		matched, unused := c.m.matchedIn(n.lo, n.hi), c.m.unusedIn(n.lo, n.hi)
		switch {
		case matched == unused:
			i = n.end
		case unused > 0:
			if n.exact >= 0 && c.m.keeps(n.exact) {
				c.add(n, t.names[n.exact])
			}
			i++
		default:
			c.print(n, matched)
			i = n.end
		}
	}
	if !t.inOrder && !slices.IsSorted(c.ranks) {
		sort.Stable(&c)
	}
	return c.texts
}

// cover is what is printed of a trie. Its texts sort by the order of words.
type cover struct {
	*trie
	p     written
	m     marks
	texts []string
	ranks []int32 // of the nodes they come from; not kept when the nodes are in order
}

func (c *cover) Len() int           { return len(c.texts) }
func (c *cover) Less(i, j int) bool { return c.ranks[i] < c.ranks[j] }
func (c *cover) Swap(i, j int) {
	c.texts[i], c.texts[j] = c.texts[j], c.texts[i]
	c.ranks[i], c.ranks[j] = c.ranks[j], c.ranks[i]
}

func (c *cover) add(n *trieNode, text string) {
	c.texts = append(c.texts, text)
	if !c.inOrder {
		c.ranks = append(c.ranks, n.rank)
	}
}

// written is a pattern as its author wrote it, and folded. Offsets are the same in both.
type written struct{ text, folded wildcard.Pattern }

// print writes a safe node, under which matched actions lie.
func (c *cover) print(n *trieNode, matched int) {
	switch {
	case matched == 1:
		i, _ := c.m.clip(n.lo, n.hi)
		for c.m.matched != nil && !c.m.keeps(i) {
			i++
		}
		c.add(n, c.names[i])
	case c.p.folded.IsPrefix():
		c.add(n, n.pattern)
	default:
		c.intersect(n)
	}
}

// intersect writes what the node and the pattern have in common: the node's text and
// what is left of the pattern after it. Where that is several patterns, those that
// match no further action of the catalog are left out.
func (c *cover) intersect(n *trieNode) {
	seen := make([]bool, n.hi-n.lo)
	for _, offset := range c.p.folded.Residuals(n.lower) {
		rest, more := c.p.folded.Suffix(offset), false
		for i := n.lo; i < n.hi; i++ {
			if !seen[i-n.lo] && c.m.keeps(i) && rest.Match(c.actions[i].Lower[len(n.lower):]) {
				seen[i-n.lo], more = true, true
			}
		}
		if more {
			c.add(n, n.pattern[:len(n.pattern)-1]+c.p.text.Suffix(offset).String())
		}
	}
}
