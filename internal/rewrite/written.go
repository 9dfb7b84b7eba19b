package rewrite

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// written says whether sources that change together say already what is recommended, some
// of them for policies that aren't deployed yet, and marks those. All are held against what
// is unused of every live policy of theirs: what one of them uses, its file must still say.
func (p *planner) written(group []*candidate) bool {
	var live []*Live
	drifted := false
	for _, c := range group {
		if c.left != nil && c.left.Kind != Drifted || c.Policy == nil || len(c.Live) == 0 {
			return false
		}
		drifted = drifted || c.left != nil
		live = append(live, c.Live...)
	}
	if !drifted {
		return false
	}
	unused := unusedByAll(p.Catalog, unique(live))
	for _, c := range group {
		if slices.ContainsFunc(c.Live, func(l *Live) bool { return !p.says(c, l, unused) }) {
			return false
		}
	}
	for _, c := range group {
		c.written = c.left != nil
	}
	return true
}

// says is whether a source's document is a live policy without what is unused: what
// either way of refining makes of it, or something between that and the live policy of
// which nothing unused is left. Names that the catalog doesn't know are kept as they are by
// a refinement, so that a file which hasn't one is drift.
func (p *planner) says(c *candidate, l *Live, unused usage.Unused) bool {
	if l.Document == nil {
		return false
	}
	for _, r := range []*refine.Refiner{p.refiner, p.refiner.Compact()} {
		next, err := r.Policy(l.Document, unused)
		if err != nil || next.Document == nil {
			return false
		}
		like := compare(p.Catalog, c.Policy.Doc, next.Document, seed(c.Source, l))
		if like.filled != nil && supposed(c.Policy.Doc, like.filled) {
			continue
		}
		if like.equal || like.filled != nil && p.between(like.filled, next.Document, l, unused) {
			return true
		}
	}
	return false
}

// supposed says whether a variable in a list was taken for a text that the list has without
// it, or for several: nothing speaks for that, and the variable may be another text.
func supposed(source, filled *policy.Document) bool {
	for i := range source.Statements {
		before, after := lists(&source.Statements[i]), lists(&filled.Statements[i])
		for j, list := range before {
			if j >= len(after) || guessed(list, after[j]) {
				return true
			}
		}
	}
	return false
}

// lists are a statement's actions, resources and conditions' values.
func lists(st *policy.Statement) [][]string {
	var actions, resources []string
	for _, e := range st.Action.Entries {
		actions = append(actions, strings.ToLower(e.Text))
	}
	for _, e := range st.Resource.Entries {
		resources = append(resources, e.Text)
	}
	out := [][]string{actions, resources}
	for _, c := range st.Conditions {
		var values []string
		for _, v := range c.Values {
			values = append(values, v.Text)
		}
		out = append(out, values)
	}
	return out
}

// guessed says whether a list with variables has, with their texts, another number of texts.
func guessed(list, filled []string) bool {
	unknown := slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, placeholderPrefix) })
	return unknown && len(slices.Compact(sorted(filled))) != len(list)
}

// between says whether a document without placeholders allows what a refinement does, at
// most what the live policy does, and nothing that is unused.
func (p *planner) between(doc, least *policy.Document, l *Live, unused usage.Unused) bool {
	if bytes.Contains(doc.Bytes(), []byte(placeholderPrefix)) {
		return false
	}
	return within(p.Catalog, least, doc) && prove.Refinement(p.Catalog, l.Document, doc, unused).Verdict == prove.Proved
}
