package iac

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/pare-iam/pare/policy"
)

// Splice replaces bytes of a file.
type Splice = policy.Splice

// Tree reads a file as a tree of values, as a language's Parse does.
type Tree func(f *File) (*Value, error)

// Apply gives a file's bytes with those changes made that are changes of this file; others
// are ignored. The same change twice is one, as when two policies share a list.
//
// What was made is read again with parse and compared with the intended tree, and what stands
// outside the changed lists is compared byte by byte. If anything differs there is an error
// that says where, and no result. The error is a *NotEditableError if a list can't be changed,
// and wraps policy.ErrEmpty if one would be left empty.
func Apply(f *File, changes []Change, parse Tree) ([]byte, error) {
	p := &plan{file: f, lists: map[place]*listEdit{}}
	for _, c := range changes {
		if err := p.add(c); err != nil {
			return nil, err
		}
	}
	if err := allBlocks(changes); err != nil {
		return nil, err
	}
	if len(p.lists) == 0 {
		return bytes.Clone(f.Src), nil
	}
	var err error
	if p.tree, err = parse(f); err != nil {
		return nil, err
	}
	splices, err := p.splices()
	if err != nil {
		return nil, err
	}
	out := policy.Spliced(f.Src, splices)
	if err := p.prove(out, parse); err != nil {
		return nil, err
	}
	return out, nil
}

// place tells the lists and blocks of a file apart.
type place struct {
	policy.Span
	alone bool
}

// listEdit is what is to become of one list, or of one block.
type listEdit struct {
	list *Value // nil for a block
	gone *Value // the block that goes

	// in is what comes for each entry, nil for one that stays; the last is what is appended.
	in [][]string
}

// plan is what is to become of a file.
type plan struct {
	file  *File
	tree  *Value
	lists map[place]*listEdit
}

// add takes a change into the plan if it is one of the file.
func (p *plan) add(c Change) error {
	n := len(c.List.Entries)
	switch {
	case c.List.Kind != List || c.Entry < 0 || c.Entry > n:
		return notEditable(c.List, "entry %d: the list has %d", c.Entry, n)
	case c.List.Form == Blocks:
		return p.addBlock(c)
	case c.List.File != p.file:
		return nil
	case c.List.Why != "":
		return notEditable(c.List, "%s", c.List.Why)
	}
	if err := writable(c); err != nil {
		return err
	}
	at := place{c.List.Span, c.List.Form == Alone}
	e := p.lists[at]
	if e == nil {
		e = &listEdit{list: c.List, in: make([][]string, n+1)}
		p.lists[at] = e
	}
	in := append([]string{}, c.In...)
	if len(e.in) != n+1 || e.in[c.Entry] != nil && !slices.Equal(e.in[c.Entry], in) {
		return notEditable(c.List, "entry %d is changed twice, in different ways", c.Entry)
	}
	if c.Entry < n || len(in) > 0 {
		e.in[c.Entry] = in
	}
	return nil
}

// addBlock plans that a block goes.
func (p *plan) addBlock(c Change) error {
	if c.Entry == len(c.List.Entries) || len(c.In) > 0 {
		return notEditable(c.List, "a block can't be added")
	}
	if block := c.List.Entries[c.Entry]; block.File == p.file {
		p.lists[place{Span: block.Span}] = &listEdit{gone: block}
		return writable(c)
	}
	return nil
}

// allBlocks is the error of taking all of a list's blocks away, in whichever files.
func allBlocks(changes []Change) error {
	gone := map[*Value]map[int]bool{}
	for _, c := range changes {
		if c.List.Form != Blocks {
			continue
		}
		if gone[c.List] == nil {
			gone[c.List] = map[int]bool{}
		}
		gone[c.List][c.Entry] = true
		if len(gone[c.List]) == len(c.List.Entries) {
			return fmt.Errorf("%s: every block goes: %w", c.List.Entries[0].Where(), policy.ErrEmpty)
		}
	}
	return nil
}

// writable says why an entry can't be changed, if so.
func writable(c Change) error {
	for _, text := range c.In {
		if !utf8.ValidString(text) {
			return notEditable(c.List, "%q isn't UTF-8", text)
		}
	}
	if c.Entry == len(c.List.Entries) {
		return nil
	}
	entry := c.List.Entries[c.Entry]
	switch {
	case entry.Kind == Unknown || len(entry.Holes) > 0:
		return notEditable(entry, "the entry isn't known%s", because(entry))
	case entry.Why != "":
		return notEditable(entry, "%s", entry.Why)
	case entry.Kind != Text && len(c.In) > 0:
		return notEditable(entry, "the entry isn't a text")
	}
	return nil
}

// left is how many entries a list has afterwards.
func (e *listEdit) left() int {
	left := len(e.in) - 1
	for i, in := range e.in {
		if i < len(e.in)-1 && in != nil {
			left--
		}
		left += len(in)
	}
	return left
}

// splices are the changes of the file, in order.
func (p *plan) splices() ([]Splice, error) {
	var out []Splice
	for _, e := range p.edits() {
		splices, err := p.edit(e)
		if err != nil {
			return nil, err
		}
		out = append(out, splices...)
	}
	slices.SortStableFunc(out, func(a, b Splice) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	return p.merged(out)
}

// merged joins splices that overlap: blocks that go share the blank lines between them.
func (p *plan) merged(splices []Splice) ([]Splice, error) {
	out := splices[:1]
	for _, s := range splices[1:] {
		last := &out[len(out)-1]
		switch {
		case s.Start >= last.End:
			out = append(out, s)
		case s.Text != "" || last.Text != "" || s.End <= last.End:
			return nil, &NotEditableError{p.file.Where(s.Start), "changes overlap: what goes can't be changed"}
		default:
			last.End = s.End
		}
	}
	return out, nil
}

// edits are the edits in the order of the file, so that messages are the same each time.
func (p *plan) edits() []*listEdit {
	places := make([]place, 0, len(p.lists))
	for at := range p.lists {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	out := make([]*listEdit, len(places))
	for i, at := range places {
		out[i] = p.lists[at]
	}
	return out
}

func (p *plan) edit(e *listEdit) ([]Splice, error) {
	if e.gone != nil {
		s, err := withoutBlock(p.file, e.gone)
		return []Splice{s}, err
	}
	if e.left() == 0 {
		return nil, fmt.Errorf("%s: %w", e.list.Where(), policy.ErrEmpty)
	}
	in, n := e.in, len(e.in)-1
	switch e.list.Form {
	case Brackets, Dashes:
		if !slices.ContainsFunc(in[:n], func(in []string) bool { return in == nil || len(in) > 0 }) {
			in = append([][]string{in[n]}, in[1:n]...) // all entries go: what is appended takes their place
			in = append(in, nil)
		}
		l := &layout{file: p.file, list: e.list, in: in, style: func() style { return styleOf(p.file, p.tree, e.list.Lang) }}
		return l.splices()
	case Alone:
		a, err := newAlone(p.file, p.tree, e.list.Entries[0])
		if err != nil {
			return nil, err
		}
		return a.splices(slices.Concat(in[0], in[1]), in[0] == nil)
	case Blocks:
	}
	return nil, notEditable(e.list, "a list of no known form")
}
