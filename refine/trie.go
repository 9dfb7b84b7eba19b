package refine

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
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
	texts   []nodeText     // of the nodes
	inOrder bool           // preorder is also the order of words
	none    []int32        // the running counts of no action
}

// trieNode is a node; its text is at the same place of trie.texts. Nodes are small so
// that a walk over all services stays in the cache.
type trieNode struct {
	lo, hi int32 // the actions under it
	exact  int32 // the action whose name it is, or -1
	end    int32 // the first node after its subtree
	rank   int32 // its place in the order of words
}

type nodeText struct {
	lower   string
	pattern string // what a safe node prints: "s3:GetObject*"
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
	for _, lower := range slices.Sorted(maps.Keys(casing)) {
		t.texts = append(t.texts, nodeText{lower, t.prefix + casing[lower] + "*"})
		t.nodes = append(t.nodes, t.node(lower))
	}
	t.link()
	t.number(casing)
	return t
}

func (t *trie) node(lower string) trieNode {
	lo, hi := t.under(lower)
	n := trieNode{lo: int32(lo), hi: int32(hi), exact: -1}
	if lo < hi && t.actions[lo].Lower == lower {
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
	for i, text := range t.texts {
		for len(open) > 0 && !strings.HasPrefix(text.lower, t.texts[open[len(open)-1]].lower) {
			t.nodes[open[len(open)-1]].end = int32(i)
			open = open[:len(open)-1]
		}
		open = append(open, i)
	}
	for _, i := range open {
		t.nodes[i].end = int32(len(t.nodes))
	}
}

// number ranks the nodes in the order in which they are printed: by words, without
// case.
func (t *trie) number(casing map[string]string) {
	order := make([]int, len(t.texts))
	words := make([][]string, len(t.texts))
	for i, text := range t.texts {
		order[i] = i
		start := 0
		for _, end := range wordEnds(casing[text.lower]) {
			words[i] = append(words[i], text.lower[start:end])
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

// count is how many actions of a range are in M, and how many of those are unused.
func (m *marks) count(lo, hi int) (matched, unused int) {
	if lo, hi = m.clip(lo, hi); lo >= hi {
		return 0, 0
	}
	if matched = hi - lo; m.matched != nil {
		matched = int(m.matched[hi] - m.matched[lo])
	}
	return matched, int(m.unused[hi] - m.unused[lo])
}

func (m *marks) keeps(i int) bool {
	matched, unused := m.count(i, i+1)
	return matched > unused
}

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

// cover appends to dst the shortest safe prefixes of the actions of M, which p matches: a node
// is safe if no unused action of M lies under it.
//
// From the root: a safe node with two or more actions under it prints `prefix*`, or
// what p and `prefix*` have in common; with one, the bare action. An unsafe node that is
// itself a kept action prints that action; then its children follow. Each kept action
// lies under exactly one printed node, so no cover by prefixes has fewer or shorter
// ones. Cost: linear in the nodes.
func (t *trie) cover(dst []string, p written, m marks) []string {
	c := cover{trie: t, p: p, m: m, texts: dst}
	if !t.inOrder {
		c.ranks = make([]int32, 0, min(m.hi-m.lo, 128))
	}
	for i := 0; i < len(t.nodes); {
		n := &t.nodes[i]
		matched, unused := c.m.count(int(n.lo), int(n.hi))
		switch {
		case matched == unused:
			i = int(n.end)
		case unused > 0:
			if n.exact >= 0 && c.m.keeps(int(n.exact)) {
				c.add(i, t.names[n.exact])
			}
			i++
		default:
			c.print(i, matched)
			i = int(n.end)
		}
	}
	if !slices.IsSorted(c.ranks) {
		sort.Stable(byRank{c.texts[len(dst):], c.ranks})
	}
	return c.texts
}

// cover is what is printed of a trie.
type cover struct {
	*trie
	p     written
	m     marks
	texts []string
	ranks []int32 // of the nodes they come from; not kept when the nodes are in order
}

func (c *cover) add(node int, text string) {
	c.texts = append(c.texts, text)
	if !c.inOrder {
		c.ranks = append(c.ranks, c.nodes[node].rank)
	}
}

// byRank sorts what is printed by the order of words.
type byRank struct {
	texts []string
	ranks []int32
}

func (b byRank) Len() int           { return len(b.texts) }
func (b byRank) Less(i, j int) bool { return b.ranks[i] < b.ranks[j] }
func (b byRank) Swap(i, j int) {
	b.texts[i], b.texts[j] = b.texts[j], b.texts[i]
	b.ranks[i], b.ranks[j] = b.ranks[j], b.ranks[i]
}

// written is a pattern as its author wrote it, and folded. Offsets are the same in both.
type written struct{ text, folded wildcard.Pattern }

// asWritten is an entry's pattern. Of a prefix nothing is printed as it was written.
func asWritten(e policy.ActionEntry) written {
	if e.Pattern.Name.IsPrefix() {
		return written{folded: e.Pattern.Name}
	}
	_, name, _ := strings.Cut(e.Text, ":")
	return written{wildcard.Parse(name), e.Pattern.Name}
}

// print writes a safe node, under which matched actions lie.
func (c *cover) print(node, matched int) {
	switch {
	case matched == 1:
		i, _ := c.m.clip(int(c.nodes[node].lo), int(c.nodes[node].hi))
		for c.m.matched != nil && !c.m.keeps(i) {
			i++
		}
		c.add(node, c.names[i])
	case c.p.folded.IsPrefix():
		c.add(node, c.trie.texts[node].pattern)
	default:
		c.intersect(node)
	}
}

// intersect writes what the node and the pattern have in common: the node's text and
// what is left of the pattern after it. Where that is several patterns, those that
// match no further action of the catalog are left out.
func (c *cover) intersect(node int) {
	text := c.trie.texts[node]
	lo, hi := int(c.nodes[node].lo), int(c.nodes[node].hi)
	seen := make([]bool, hi-lo)
	for _, offset := range c.p.folded.Residuals(text.lower) {
		rest, more := c.p.folded.Suffix(offset), false
		for i := lo; i < hi; i++ {
			if !seen[i-lo] && c.m.keeps(i) && rest.Match(c.actions[i].Lower[len(text.lower):]) {
				seen[i-lo], more = true, true
			}
		}
		if more {
			c.add(node, text.pattern[:len(text.pattern)-1]+c.p.text.Suffix(offset).String())
		}
	}
}
