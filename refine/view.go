package refine

import (
	"errors"
	"fmt"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Node is a node of the trie of the actions that a pattern matches: the text with which
// some of them begin. It is safe to keep as a prefix if Unused is 0.
type Node struct {
	Text     string   // without the service, in the catalog's casing; "" is the root
	Matched  int      // actions that the pattern matches and that begin with Text, in any case
	Unused   int      // those of them that are unused
	Action   string   // the one that is Text itself, such as "s3:GetObject"; "" if there is none
	Kept     bool     // Action isn't unused
	Printed  []string // entries that take the pattern's place and come from this node
	Children []Node   // sorted by text without case; a node may hold one of fewer words
}

// Safe says whether no unused action lies under the node.
func (n Node) Safe() bool { return n.Unused == 0 }

// Trie is how Policy comes to what it puts in the place of an entry: the trie of the
// actions that the entry matches, and the nodes that are printed. If no action is
// unused the root alone is printed, as the entry's own text.
//
// The error says why there is no trie: the entry is the bare `*`, its service isn't in
// the catalog, or it matches no action there.
func (r *Refiner) Trie(entry policy.ActionEntry, unused usage.Unused) (Node, error) {
	p := entry.Pattern
	if p.AllServices() {
		return Node{}, errors.New(`every service has a trie of its own: name one, such as "s3:*"`)
	}
	lazy, known := r.services[p.Service]
	if !known {
		return Node{}, fmt.Errorf("%q is not a service in the catalog", p.Service)
	}
	t := lazy.trie()
	v := view{t: t, m: t.mark(p.Name, r.compile(unused).running(t, p.Service)), p: asWritten(entry)}
	if matched, _ := v.m.count(0, len(t.actions)); matched == 0 {
		return Node{}, errors.New("the catalog knows no action that it matches")
	}
	root := v.node(0, false)
	if root.Safe() {
		root.Printed = []string{entry.Text}
	}
	return root, nil
}

// running is the running counts of a service's unused actions, which are all of them if
// the service is unused as a whole.
func (c compiled) running(t *trie, service string) []int32 {
	counts := make([]int32, len(t.actions)+1)
	switch {
	case c.services[service]:
		for i := range counts {
			counts[i] = int32(i)
		}
	case c.counts[service] != nil:
		copy(counts, c.counts[service])
	}
	return counts
}

// view is the trie under one entry.
type view struct {
	t *trie
	m marks
	p written
}

// node copies the node at i and what is under it. Nothing more is printed under a node
// that is covered. Cost: linear in the nodes.
func (v view) node(i int, covered bool) Node {
	n, pattern := v.t.nodes[i], v.t.texts[i].pattern
	out := Node{Text: pattern[len(v.t.prefix) : len(pattern)-1]}
	out.Matched, out.Unused = v.m.count(int(n.lo), int(n.hi))
	if at := int(n.exact); at >= 0 {
		if matched, _ := v.m.count(at, at+1); matched == 1 {
			out.Action, out.Kept = v.t.names[at], v.m.keeps(at)
		}
	}
	if !covered {
		out.Printed = v.printed(i, out)
	}
	for child := i + 1; child < int(n.end); child = int(v.t.nodes[child].end) {
		c := v.t.nodes[child]
		if matched, _ := v.m.count(int(c.lo), int(c.hi)); matched > 0 {
			out.Children = append(out.Children, v.node(child, covered || out.Safe()))
		}
	}
	return out
}

// printed is what a cover prints at a node.
func (v view) printed(node int, shown Node) []string {
	switch {
	case shown.Safe():
		c := cover{trie: v.t, p: v.p, m: v.m}
		c.print(node, shown.Matched)
		return c.texts
	case shown.Kept:
		return []string{shown.Action}
	}
	return nil
}
