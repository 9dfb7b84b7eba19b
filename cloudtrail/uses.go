package cloudtrail

import (
	"cmp"
	"slices"
	"time"

	"github.com/pare-iam/pare/usage"
)

// Uses returns what was used, sorted as usage.Use says: the same in whatever order the
// files were read.
//
// A cell has a share in a line for each action of its event. All names get numbers in
// their order, so that shares are sorted by two numbers and not by texts; those of one
// line are neighbors then.
func (t *Tally) Uses() []usage.Use {
	l := t.lines()
	slices.SortFunc(l.shares, share.compare)
	n := 0
	for i := range l.shares {
		if i == 0 || l.shares[i].lineKey != l.shares[i-1].lineKey {
			n++
		}
	}
	out := make([]usage.Use, 0, n)
	for rest := l.shares; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].lineKey == rest[0].lineKey {
			n++
		}
		out = append(out, t.line(l, rest[:n]))
		rest = rest[n:]
	}
	return out
}

// lines are the lines of a tally, by the shares in them.
type lines struct {
	principals, actions, kinds ranked
	shares                     []share
	days                       map[int32]string
}

// share is the share of a cell in a line.
type share struct {
	lineKey
	cell int32
	list int32 // of its resources, in Tally.lists; -1: none
}

// lineKey is what a line counts, in the order of lines.
type lineKey struct {
	names uint64 // numbers of the principal and, lower, of the action
	rest  uint64 // number of the resource type, the day, 1 for an action that isn't primary
}

func (s share) compare(o share) int {
	return cmp.Or(cmp.Compare(s.names, o.names), cmp.Compare(s.rest, o.rest))
}

func newLineKey(principal, action, kind uint32, day int32, primary bool) lineKey {
	k := lineKey{names: uint64(principal)<<32 | uint64(action), rest: uint64(kind)<<32 | uint64(day)<<1}
	if !primary {
		k.rest |= 1
	}
	return k
}

// ranked are different texts with their places in their order.
type ranked struct {
	texts  []string
	places map[string]uint32
}

func rank(texts []string) ranked {
	slices.Sort(texts)
	texts = slices.Compact(texts)
	r := ranked{texts, make(map[string]uint32, len(texts))}
	for i, text := range texts {
		r.places[text] = uint32(i)
	}
	return r
}

// lines returns the lines, whose shares aren't sorted.
func (t *Tally) lines() *lines {
	l := &lines{days: map[int32]string{}}
	actions := make([][]string, len(t.events)) // texts by event
	kinds := []string{""}
	for id, e := range t.events {
		for _, a := range e.actions {
			actions[id] = append(actions[id], a.String())
		}
		for i := range e.types {
			kinds = append(kinds, e.types[i].name)
		}
	}
	l.principals, l.actions, l.kinds = rank(slices.Clone(t.principals.list)), rank(slices.Concat(actions...)), rank(kinds)
	places := make([][]uint32, len(t.events)) // of the actions by event
	for id, texts := range actions {
		for _, text := range texts {
			places[id] = append(places[id], l.actions.places[text])
		}
	}
	l.shares = make([]share, 0, 2*len(t.cells))
	for i := range t.cells {
		t.share(l, int32(i), places[t.cells[i].event])
	}
	return l
}

// share adds the shares of a cell, given the places of its event's actions.
func (t *Tally) share(l *lines, id int32, actions []uint32) {
	c := &t.cells[id]
	e, types := t.events[c.event], t.shapes[c.shape]
	principal := l.principals.places[t.principals.list[c.principal]]
	for i, a := range e.actions {
		kind, list := "", -1
		if n := a.typeOf(types); n >= 0 {
			kind, list = e.types[n].name, int(c.list)+slices.Index(types, n)
		}
		l.shares = append(l.shares, share{newLineKey(principal, actions[i], l.kinds.places[kind], c.day, a.primary), id, int32(list)})
	}
}

// line returns the line of some shares, at least one.
func (t *Tally) line(l *lines, shares []share) usage.Use {
	key := shares[0].lineKey
	u := usage.Use{
		Principal: l.principals.texts[key.names>>32], Action: l.actions.texts[uint32(key.names)],
		ResourceType: l.kinds.texts[key.rest>>32], Day: l.day(int32(uint32(key.rest) >> 1)), Primary: key.rest&1 == 0,
	}
	var all sighted
	for _, s := range shares {
		c := &t.cells[s.cell]
		all.join(c.sighted)
		u.Denied += c.denied
		u.Inferred = u.Inferred || t.events[c.event].inferred
		if via := t.services.list[c.service]; via != "" {
			if i, ok := slices.BinarySearch(u.Via, via); !ok {
				u.Via = slices.Insert(u.Via, i, via)
			}
		}
		if s.list >= 0 {
			u.Resources = smallestOf(u.Resources, t.lists[s.list])
		}
	}
	u.Count, u.FirstSeen, u.LastSeen = all.count, instant(all.first), instant(all.last)
	return u
}

// day is the text of a day from 1970-01-01.
func (l *lines) day(day int32) string {
	text, ok := l.days[day]
	if !ok {
		text = instant(int64(day) * daySeconds).Format(time.DateOnly)
		l.days[day] = text
	}
	return text
}
