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
	out := r.shapeOf(r.pairs, next)
	if out.Verdict == Proved {
		return out
	}
	// A statement that is gone may have been paired with the one left of a later statement.
	w := pairing{refinement: r, old: pieces{r.old}, next: next, now: pieces{next}, dead: map[[2]int]bool{}}
	if w.pairs = make([]pair, len(r.old.Statements)); w.from(0, 0) {
		return r.shapeOf(w.pairs, next)
	}
	return out
}

// pairing looks for the statements of next in the place of old ones that they could
// come from, their bytes included.
type pairing struct {
	*refinement
	old, now pieces
	next     *policy.Document
	pairs    []pair
	dead     map[[2]int]bool // what from has tried in vain
}

// from pairs the statements of old from the i-th on with those of next from the j-th on;
// false if they can't be. Cost: the product of both numbers at worst.
func (w *pairing) from(i, j int) bool {
	if i == len(w.pairs) {
		return j == len(w.next.Statements)
	}
	at := [2]int{i, j}
	if w.dead[at] {
		return false
	}
	st := &w.refinement.old.Statements[i]
	if j < len(w.next.Statements) && w.replaces(i, j) && w.from(i+1, j+1) {
		w.pairs[i] = pair{st, &w.next.Statements[j]}
		return true
	}
	if w.mayGo(st) && w.from(i+1, j) {
		w.pairs[i] = pair{old: st}
		return true
	}
	w.dead[at] = true
	return false
}

func (w *pairing) replaces(i, j int) bool {
	p := pair{&w.refinement.old.Statements[i], &w.next.Statements[j]}
	if !bytes.Equal(w.old.before(i), w.now.before(j)) || !bytes.Equal(w.old.after(i), w.now.after(j)) ||
		p.old.Action.Not != p.next.Action.Not || !narrows(p.next.Action, p.old.Action) {
		return false
	}
	_, ok := w.keptInOrder(p, w.next)
	return ok
}

// shapeOf decides the claim for statements paired so.
func (r *refinement) shapeOf(pairs []pair, next *policy.Document) Claim {
	old, now := pieces{r.old}, pieces{next}
	oldHead, oldTail := old.ends()
	if head, tail := now.ends(); !bytes.Equal(oldHead, head) || !bytes.Equal(oldTail, tail) {
		return differs("the bytes around the statements differ")
	}
	j := 0
	for i, p := range pairs {
		if p.next == nil {
			if !r.mayGo(p.old) {
				return differs(fmt.Sprintf("statement %d is gone, and something of it isn't unused", i))
			}
			continue
		}
		if !bytes.Equal(old.before(i), now.before(j)) || !bytes.Equal(old.after(i), now.after(j)) {
			return differs(fmt.Sprintf("statement %d differs outside its action list", i))
		}
		adjacent := i > 0 && j > 0 && pairs[i-1].next != nil
		if j > 0 && adjacent && !bytes.Equal(old.gap(i), now.gap(j)) || j > 0 && !separates(now.gap(j)) {
			return differs(fmt.Sprintf("what stands before statement %d differs", i))
		}
		if entry, ok := r.keptInOrder(p, next); !ok {
			return differs(fmt.Sprintf("statement %d: %s matches no unused action and didn't stay as written", i, entry))
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
type pieces struct{ *policy.Document }

// before is a statement's text before its action list.
func (d pieces) before(i int) []byte {
	st := &d.Statements[i]
	return d.Bytes()[st.Start:st.Action.Span().Start]
}

// after is a statement's text after its action list.
func (d pieces) after(i int) []byte {
	st := &d.Statements[i]
	return d.Bytes()[st.Action.Span().End:st.End]
}

// gap is what stands between a statement and the one before it.
func (d pieces) gap(i int) []byte { return d.Bytes()[d.Statements[i-1].End:d.Statements[i].Start] }

// ends is what stands before the first statement and after the last.
func (d pieces) ends() (head, tail []byte) {
	n := len(d.Statements)
	if n == 0 {
		return nil, d.Bytes()
	}
	return d.Bytes()[:d.Statements[0].Start], d.Bytes()[d.Statements[n-1].End:]
}

// keptInOrder checks that the entries of the old list that match nothing unused stand in
// the new list as they were written, in the same order, and that a list of such entries
// alone is the same bytes.
func (r *refinement) keptInOrder(p pair, next *policy.Document) (text string, ok bool) {
	was, is := r.old.Bytes(), next.Bytes()
	if old, now := p.old.Action.Span(), p.next.Action.Span(); !r.losesAccess(p.old) {
		list := was[old.Start:old.End]
		return string(list), bytes.Equal(list, is[now.Start:now.End])
	}
	at := 0
	for i, e := range p.old.Action.Entries {
		if !p.old.Action.Not && r.namesUnused(p.old.Action.Entries[i:i+1]) {
			continue
		}
		written := was[e.Start:e.End]
		found := slices.IndexFunc(p.next.Action.Entries[at:], func(n policy.ActionEntry) bool {
			return bytes.Equal(is[n.Start:n.End], written)
		})
		if found < 0 || p.old.Action.Not && found > 0 { // what joins a NotAction stands behind
			return string(written), false
		}
		at += found + 1
	}
	return "", true
}

// losesAccess says whether a statement's action list has to change.
func (r *refinement) losesAccess(st *policy.Statement) bool {
	switch {
	case st.Effect == policy.Deny:
		return false
	case st.Action.Not:
		return r.excludesNotAll(st.Action.Entries)
	}
	return r.namesUnused(st.Action.Entries)
}
