package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pare-iam/pare/refine"
)

// twig is a node as it is drawn: a chain of nodes with one child each is drawn as its
// last.
type twig struct {
	refine.Node
	kind     twigKind
	children []twig
}

type twigKind uint8

const (
	unsafe twigKind = iota // used and unused actions lie under it
	safe                   // only used ones
	gone                   // only unused ones
)

func twigOf(n refine.Node) twig {
	for len(n.Children) == 1 && n.Action == "" && (len(n.Printed) == 0 || n.Matched == 1) {
		printed := n.Printed
		n = n.Children[0]
		n.Printed = append(printed, n.Printed...)
	}
	t := twig{Node: n, kind: unsafe}
	switch {
	case n.Safe():
		t.kind = safe
	case n.Unused == n.Matched:
		t.kind = gone
	}
	for _, c := range n.Children {
		t.children = append(t.children, twigOf(c))
	}
	return t
}

// label is the node's text, with a star if more than one action lies under it.
func (t twig) label() string {
	if t.Matched > 1 || t.Action == "" {
		return t.Text + "*"
	}
	return t.Text
}

// counts says how many actions lie under the node; nothing for a single action.
func (t twig) counts() string {
	switch {
	case t.Matched == 1:
		return ""
	case t.kind == unsafe:
		return fmt.Sprintf("%d actions, %d unused", t.Matched, t.Unused)
	case t.kind == gone:
		return fmt.Sprintf("%d actions, all unused", t.Matched)
	}
	return fmt.Sprintf("%d actions, none unused", t.Matched)
}

// TrieText draws the trie of an action pattern for reading: ✓ is safe, ✗ isn't, and what
// takes the pattern's place stands after an arrow.
func TrieText(w io.Writer, pattern string, root refine.Node) error {
	p := &page{}
	p.heading(Printable(pattern), fmt.Sprintf("matches %s, %d of them unused", count(root.Matched, "action", "actions"), root.Unused))
	p.linef("%s no unused action lies under it   %s one does   %s what takes the pattern's place\n", good("✓"), bad("✗"), strong("→"))
	p.twig(twigOf(root), "", "")
	return p.writeTo(w)
}

// twig draws a node after first, and the lines under it after rest.
func (p *page) twig(t twig, first, rest string) {
	mark, text := bad("✗"), t.label()
	if t.kind == safe {
		mark = good("✓")
	}
	if t.kind == gone {
		text = faint(text)
	}
	line := []string{faint(first) + mark, text}
	if counts := t.counts(); counts != "" {
		line = append(line, faint("("+counts+")"))
	}
	if len(t.Printed) > 0 {
		line = append(line, strong("→ "+good(strings.Join(printables(t.Printed), " "))))
	}
	p.linef("%s", strings.Join(line, " "))
	if t.kind == gone && t.Matched > 1 {
		for _, line := range t.names(100) {
			p.linef("%s", faint(rest+"  "+line))
		}
		return
	}
	for i, c := range t.children {
		if i == len(t.children)-1 {
			p.twig(c, rest+"└ ", rest+"  ")
		} else {
			p.twig(c, rest+"├ ", rest+"│ ")
		}
	}
}

// names lists the actions under a node, in lines of about that width.
func (t twig) names(width int) []string {
	var lines []string
	var visit func(t twig)
	visit = func(t twig) {
		if last := len(lines) - 1; t.Action != "" && last >= 0 && len(lines[last])+len(t.Text) < width {
			lines[last] += " " + t.Text
		} else if t.Action != "" {
			lines = append(lines, t.Text)
		}
		for _, c := range t.children {
			visit(c)
		}
	}
	visit(t)
	return lines
}
