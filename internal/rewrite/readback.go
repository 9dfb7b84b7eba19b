package rewrite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// misread is a source that wouldn't say what it is to say.
type misread struct {
	name        string // its identity
	want, would string
}

// Error shows both.
func (m *misread) Error() string {
	return fmt.Sprintf("%s: the file wouldn't say what was intended: nothing is changed\nintended %s\nwould be %s", strings.ReplaceAll(m.name, "\x00", " "), m.want, m.would)
}

// settle applies the changes and reads the new files back. A list that is changed may be
// used in another way too: to deny, as a condition's values, by an index into it. Who changes
// such a list is left, and the rest is applied anew.
func (p *planner) settle(ctx context.Context) error {
	for {
		if err := p.apply(ctx); err != nil {
			return err
		}
		wrong, err := p.readBack()
		if err != nil || len(wrong) == 0 {
			return err
		}
		left := 0
		for _, m := range wrong {
			left += p.giveUp(m)
		}
		if left == 0 {
			return wrong[0]
		}
	}
}

// readBack finds the policies of the new files anew, and holds each against what it was
// to be.
func (p *planner) readBack() ([]*misread, error) {
	if len(p.plan.Files) == 0 {
		return nil, nil
	}
	next := p.Tree.With(p.plan.Files)
	intended := map[string]*policy.Document{}
	for _, c := range p.cases {
		if c.left == nil && len(c.changes) > 0 {
			intended[identity(c.Source)] = c.Result.Document
		}
	}
	before, err := statements(p.Tree.Sources, intended)
	if err != nil {
		return nil, err
	}
	after, err := statements(next.Sources, nil)
	if err != nil {
		return nil, err
	}
	var wrong []*misread
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if after[name] != before[name] {
			wrong = append(wrong, &misread{name, before[name], after[name]})
		}
	}
	if len(wrong) == 0 && len(after) != len(before) {
		return nil, fmt.Errorf("the files would have %d policies, and have %d: nothing is changed", len(after), len(before))
	}
	return wrong, nil
}

// giveUp leaves whoever changes a list of which a source is made that wouldn't say what it
// is to say, and counts them.
func (p *planner) giveUp(m *misread) int {
	left := 0
	for _, s := range p.Tree.Sources {
		if identity(s) != m.name {
			continue
		}
		used := usedBy(s)
		for _, c := range p.cases {
			if c.left == nil && slices.ContainsFunc(c.changes, func(change iac.Change) bool { return touches(used, change) }) {
				left++
				c.leave(SharedList, s.Where(), fmt.Sprintf("%s is made of the same list in another way, and would say something else", s.Title()))
				p.spread(c.group)
			}
		}
	}
	return left
}

// usedBy are the places of all values in a source's document.
func usedBy(s *iac.Source) []place {
	var out []place
	var walk func(v *iac.Value)
	walk = func(v *iac.Value) {
		if v.Form != iac.Blocks {
			out = append(out, placesOf(v)...)
		}
		for _, entry := range v.Entries {
			walk(entry)
		}
		for _, m := range v.Members {
			walk(m.Value)
		}
	}
	if s.Document != nil {
		walk(s.Document)
	}
	return out
}

// touches says whether a change is of a list in which a place is.
func touches(used []place, c iac.Change) bool {
	of := c.List
	if of.Form == iac.Blocks {
		of = of.Entries[c.Entry]
	}
	return slices.ContainsFunc(used, func(at place) bool {
		return at.path == of.File.Path && of.Start <= at.Start && at.End <= of.End
	})
}
