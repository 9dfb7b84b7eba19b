package iac

import (
	"fmt"
	"slices"
)

// intent is the tree that a file is to have after its changes, made from the tree it has.
type intent struct {
	plan  *plan
	edits map[*Value]*listEdit // of the values of the intended tree: those that are changed
	found map[*listEdit]bool   // edits whose list is in the tree
}

// intended makes the tree.
func (p *plan) intended() (*intent, *Value, error) {
	t := &intent{plan: p, edits: map[*Value]*listEdit{}, found: map[*listEdit]bool{}}
	v := t.value(p.tree)
	for _, e := range p.edits() {
		list := e.list
		if e.gone != nil {
			list = e.gone
		}
		if !t.found[e] {
			return nil, nil, notEditable(list, "not found in the file's tree")
		}
	}
	return t, v, nil
}

// edit is the edit of a value, and marks it found.
func (t *intent) edit(v *Value, alone bool) *listEdit {
	if v.File != t.plan.file {
		return nil
	}
	e := t.plan.lists[place{v.Span, alone}]
	if e != nil {
		t.found[e] = true
	}
	return e
}

func (t *intent) value(v *Value) *Value {
	out := *v
	switch v.Kind {
	case Object:
		out.Members = t.members(v)
	case List:
		out.Entries = t.entries(v)
	case Text, Literal, Unknown:
	}
	if e := t.edit(v, true); e != nil && v.Kind != List {
		out = t.alone(v, e)
	}
	if e := t.edit(v, v.Kind != List); e != nil {
		t.edits[&out] = e
	}
	return &out
}

// alone is what takes the place of one value where a list may stand.
func (t *intent) alone(v *Value, e *listEdit) Value {
	var entries []*Value
	if e.in[0] == nil {
		stays := *v
		entries = append(entries, &stays)
	}
	for _, text := range slices.Concat(e.in[0], e.in[1]) {
		entries = append(entries, &Value{Kind: Text, Text: text})
	}
	if len(entries) == 1 {
		return *entries[0]
	}
	return Value{Kind: List, Entries: entries}
}

func (t *intent) members(v *Value) []Member {
	var out []Member
	for _, m := range v.Members {
		if e := t.edit(m.Value, false); e != nil && e.gone != nil {
			continue
		}
		out = append(out, Member{Key: m.Key, At: m.At, Value: t.value(m.Value)})
	}
	return out
}

func (t *intent) entries(v *Value) []*Value {
	e := t.edit(v, false)
	var out []*Value
	for i, entry := range v.Entries {
		if e == nil || e.in[i] == nil {
			out = append(out, t.value(entry))
			continue
		}
		for _, text := range e.in[i] {
			out = append(out, &Value{Kind: Text, Text: text})
		}
	}
	if e != nil {
		for _, text := range e.in[len(v.Entries)] {
			out = append(out, &Value{Kind: Text, Text: text})
		}
	}
	return out
}

// kept is an entry of a changed list that stays, in the old file and in the new one.
type kept struct{ old, new *Value }

// comparer holds the new tree against the intended one.
type comparer struct {
	intent *intent
	old    *File
	new    *File
	now    map[*listEdit]*Value // where the changed lists stand now
	kept   map[*listEdit][]kept
}

// same says where the new tree isn't the intended one, if so.
func (c *comparer) same(want, got *Value) error {
	e := c.intent.edits[want]
	if e != nil {
		c.now[e] = got
	}
	switch {
	case want.Kind != got.Kind:
		return c.differs(got, "another kind of value")
	case (want.Why == "") != (got.Why == ""):
		return c.differs(got, "a value that must not be changed")
	case want.Kind == List && want.File != nil && want.Form != got.Form:
		return c.differs(got, "another form of list")
	case want.Kind != List && want.Kind != Object:
		return c.scalar(want, got)
	case len(want.Entries) != len(got.Entries):
		return c.differs(got, fmt.Sprintf("%d entries instead of %d", len(got.Entries), len(want.Entries)))
	case len(want.Members) != len(got.Members):
		return c.differs(got, fmt.Sprintf("%d members instead of %d", len(got.Members), len(want.Members)))
	}
	for i, entry := range want.Entries {
		if e != nil && entry.File != nil {
			c.kept[e] = append(c.kept[e], kept{entry, got.Entries[i]})
		}
		if err := c.same(entry, got.Entries[i]); err != nil {
			return err
		}
	}
	for i, m := range want.Members {
		if m.Key != got.Members[i].Key {
			return c.differs(got.Members[i].Value, fmt.Sprintf("key %q instead of %q", got.Members[i].Key, m.Key))
		}
		if err := c.same(m.Value, got.Members[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// scalar compares texts, literals and what isn't known; what was there before byte by byte.
func (c *comparer) scalar(want, got *Value) error {
	sameHoles := slices.EqualFunc(want.Holes, got.Holes, func(a, b Hole) bool { return a.Expr == b.Expr })
	if want.Text != got.Text || !sameHoles {
		return c.differs(got, fmt.Sprintf("%q instead of %q", got.Text, want.Text))
	}
	if want.File == c.old && got.File == c.new && c.bytes(want) != c.bytes(got) {
		return c.differs(got, "other bytes")
	}
	return nil
}

func (c *comparer) bytes(v *Value) string { return string(v.File.Src[v.Start:v.End]) }

func (c *comparer) differs(got *Value, how string) error {
	return fmt.Errorf("%s: the edited file isn't what was intended: %s", got.Where(), how)
}
