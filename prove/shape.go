package prove

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

var anyName = wildcard.Parse("*")

// shape decides whether next is old with entries of its action lists changed and
// statements taken out, every other byte the same, and every entry that no unused action
// matches where and as it was.
func (r *refinement) shape(next *policy.Document) Claim {
	if !r.matched {
		return differs("a statement of the new policy has no counterpart in the old one")
	}
	old, now := cut(r.old), cut(next)
	if !bytes.Equal(old.head, now.head) || !bytes.Equal(old.tail, now.tail) {
		return differs("the bytes around the statements differ")
	}
	j := 0
	for i, p := range r.pairs {
		if p.next == nil {
			if !r.mayGo(p.old) {
				return differs(fmt.Sprintf("statement %d is gone, and something of it isn't unused", i))
			}
			continue
		}
		if !bytes.Equal(old.before[i], now.before[j]) || !bytes.Equal(old.after[i], now.after[j]) {
			return differs(fmt.Sprintf("statement %d differs outside its action list", i))
		}
		adjacent := i > 0 && j > 0 && r.pairs[i-1].next != nil
		if j > 0 && adjacent && !bytes.Equal(old.gap[i], now.gap[j]) || j > 0 && !separates(now.gap[j]) {
			return differs(fmt.Sprintf("what stands before statement %d differs", i))
		}
		if entry, ok := r.keptInOrder(p); !ok {
			return differs(fmt.Sprintf("statement %d: %q matches no unused action and didn't stay as written", i, entry))
		}
		j++
	}
	return Claim{Verdict: Proved}
}

// mayGo says whether a statement is one that can go: an Allow whose every entry matches
// something unused.
func (r *refinement) mayGo(st *policy.Statement) bool {
	if st.Effect == policy.Deny || st.Action.Not {
		return false
	}
	return !slices.ContainsFunc(st.Action.Entries, func(e policy.ActionEntry) bool {
		return !r.namesUnused([]policy.ActionEntry{e})
	})
}

func differs(how string) Claim { return Claim{Verdict: Refuted, Reason: how} }

func separates(gap []byte) bool { return string(bytes.TrimSpace(gap)) == "," }

// pieces is a document cut at its statements and their action lists.
type pieces struct {
	head, tail    []byte   // before the first statement, after the last
	before, after [][]byte // each statement's text before and after its action list
	gap           [][]byte // what stands between a statement and the one before it
}

func cut(d *policy.Document) pieces {
	src := d.Bytes()
	n := len(d.Statements)
	all := make([][]byte, 3*n)
	p := pieces{before: all[:0:n], after: all[n : n : 2*n], gap: all[2*n : 2*n]}
	end := 0
	for i, st := range d.Statements {
		list := st.Action.Span()
		p.before = append(p.before, src[st.Start:list.Start])
		p.after = append(p.after, src[list.End:st.End])
		p.gap = append(p.gap, src[end:st.Start])
		if i == 0 {
			p.head = src[:st.Start]
		}
		end = st.End
	}
	p.tail = src[end:]
	return p
}

// keptInOrder checks that the entries of the old list that match nothing unused are
// texts of the new list, in the same order.
func (r *refinement) keptInOrder(p pair) (text string, ok bool) {
	if p.old.Effect == policy.Deny || p.old.Action.Not {
		return p.prefixed()
	}
	at := 0
	for _, e := range p.old.Action.Entries {
		if r.namesUnused([]policy.ActionEntry{e}) {
			continue
		}
		found := slices.IndexFunc(p.next.Action.Entries[at:], func(n policy.ActionEntry) bool { return n.Text == e.Text })
		if found < 0 {
			return e.Text, false
		}
		at += found + 1
	}
	return "", true
}

// prefixed checks that the old list is the beginning of the new one.
func (p pair) prefixed() (text string, ok bool) {
	for i, e := range p.old.Action.Entries {
		if i >= len(p.next.Action.Entries) || p.next.Action.Entries[i].Text != e.Text {
			return e.Text, false
		}
	}
	return "", true
}
