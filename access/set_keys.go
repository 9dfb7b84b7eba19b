package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/policy"
)

// The conditions on one key divide its values into finitely many classes too: by which
// of the atoms, the distinct conditions on the key, hold. What a key can do to a set of
// statements is an outcome: which of them are left. A key that some condition qualifies
// with ForAllValues or ForAnyValue can have several values, others have one, as AWS
// defines single- and multivalued keys.

// atom is a condition; equal conditions of several statements are one atom.
type atom struct {
	key  string
	cond policy.Condition
}

// addAtoms notes the conditions of a statement and returns their numbers.
func (s *Space) addAtoms(doc *policy.Document, st *policy.Statement, in *interner) []int {
	var ids []int
	for _, c := range st.Conditions {
		id, isNew := number(in.atoms, canonicalCondition(doc, c))
		if isNew {
			s.atoms = append(s.atoms, atom{c.Key, c})
			s.keys = append(s.keys, c.Key)
			if c.Operator.Qualifier != policy.NoQualifier {
				s.multi[c.Key] = true
			}
		}
		ids = append(ids, id)
	}
	return ids
}

func canonicalCondition(doc *policy.Document, c policy.Condition) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %q", c.Operator, c.Key) // a key may have spaces and quotes
	texts := make([]string, len(c.Values))
	for i, v := range c.Values {
		texts[i] = v.Text
		if strings.Contains(v.Text, "${") {
			texts[i] = fmt.Sprint(doc.Version, " ", v.Text)
		}
	}
	slices.Sort(texts)
	for _, t := range slices.Compact(texts) {
		fmt.Fprintf(&b, " %q", t)
	}
	return b.String()
}

// outcomeKey names the outcomes of a key under some statements.
type outcomeKey struct {
	key   string
	stmts stmtSet
}

// outcome is what values of a key leave of the statements that have conditions on it.
type outcome struct {
	left   stmtSet
	values []string // the key's values; none: absent
}

// keyValues are a key and its values; none: absent.
type keyValues struct {
	key    string
	values []string
}

// combined is what the values of several keys leave of some statements.
type combined struct {
	stmts  stmtSet
	values []keyValues
}

// maxCombined bounds the sets of statements that the keys of one class of requests can
// leave.
const maxCombined = 20000

// combine lists what the condition keys can leave of the statements, key by key; ok is
// false if that is too much.
func (q *question) combine(stmts stmtSet) (found []combined, ok bool) {
	found = []combined{{stmts: stmts}}
	for _, key := range q.keys {
		var limited stmtSet
		for i := range stmts.all {
			if slices.ContainsFunc(q.atomsOf[i], func(a int) bool { return q.atoms[a].key == key }) {
				limited.add(i)
			}
		}
		if limited.empty() {
			continue
		}
		seen := map[stmtSet]bool{}
		var next []combined
		for _, o := range q.outcomesOf(key, limited) {
			if !q.effort.spend(len(found)) || len(next) > maxCombined {
				return nil, false
			}
			for _, c := range found {
				left := c.stmts.without(limited).or(c.stmts.and(o.left))
				if seen[left] || !left.meets(q.allow[q.side]) {
					continue
				}
				seen[left] = true
				next = append(next, combined{left, append(slices.Clip(c.values), keyValues{key, o.values})})
			}
		}
		if len(next) > maxCombined {
			return nil, false
		}
		found = next
	}
	return found, true
}

// outcomesOf lists what the values of a key can leave of the statements, all of which
// have conditions on it.
func (s *Space) outcomesOf(key string, stmts stmtSet) []outcome {
	at := outcomeKey{key, stmts}
	if out, ok := s.outcomes[at]; ok {
		return out
	}
	k := s.keyClasses(key, stmts)
	var out []outcome
	seen := map[stmtSet]bool{}
	for _, v := range k.vectors() {
		var left stmtSet
		for i := range stmts.all {
			if v.holds&k.needs[i] == k.needs[i] {
				left.add(i)
			}
		}
		if !seen[left] {
			seen[left] = true
			out = append(out, outcome{left, v.values})
		}
	}
	if k.undecided != "" {
		s.undecided = k.undecided
	}
	s.outcomes[at] = out
	return out
}

// keyClasses works out which atoms of one key can hold together.
type keyClasses struct {
	key       string
	atoms     []atom
	needs     map[int]uint64 // of each statement: the atoms that must hold, as bits
	some      uint64         // atoms that hold if some value satisfies them; the others need every value to
	multi     bool
	fixed     bool
	values    []string // of a fixed key
	space     *Space
	undecided string
}

// maxAtoms is how many distinct conditions on one key are told apart.
const maxAtoms = 64

func (s *Space) keyClasses(key string, stmts stmtSet) *keyClasses {
	k := &keyClasses{key: key, multi: s.multi[key], space: s, needs: map[int]uint64{}}
	k.values, k.fixed = s.fixed[key]
	place := map[int]int{}
	for i := range stmts.all {
		for _, id := range s.atomsOf[i] {
			if s.atoms[id].key != key {
				continue
			}
			n, seen := place[id]
			if !seen {
				n = len(k.atoms)
				place[id] = n
				k.atoms = append(k.atoms, s.atoms[id])
			}
			if n >= maxAtoms {
				k.undecided = fmt.Sprintf("more than %d different conditions on %s", maxAtoms, key)
				return k
			}
			k.needs[i] |= 1 << n
		}
	}
	for n, a := range k.atoms {
		if a.wantsSome() {
			k.some |= 1 << n
		}
	}
	return k
}

// wantsSome says whether one value of several is enough for the condition: one that
// matches, or with ForAnyValue and a negated operator one that doesn't.
func (a atom) wantsSome() bool {
	switch a.cond.Operator.Qualifier {
	case policy.ForAnyValue:
		return true
	case policy.ForAllValues:
		return false
	}
	return !a.cond.Operator.Comparison.Negated()
}

// vector is values of a key and the atoms that hold for them.
type vector struct {
	holds  uint64
	values []string
}

// maxVectors bounds the sets of atoms of one key that can hold together.
const maxVectors = 4096

// vectors lists the sets of atoms that can hold together: for absence, for each class
// of values, and for a key that can have several, for each union of classes. In a
// union an atom of k.some holds if it holds in one of the classes, another if it holds
// in all.
func (k *keyClasses) vectors() []vector {
	if k.undecided != "" {
		return nil
	}
	if k.fixed {
		return k.fixedVectors()
	}
	singles := k.singles(k.candidates())
	out := append([]vector{k.absent()}, singles...)
	if !k.multi {
		return out
	}
	seen := map[uint64]bool{}
	var unions []vector
	for _, v := range singles {
		if !seen[v.holds] {
			seen[v.holds] = true
			unions = append(unions, v)
		}
	}
	for i := 0; i < len(unions); i++ {
		if !k.space.effort.spend(len(singles)) {
			k.undecided = "too many sets of values of " + k.key
			return nil
		}
		for _, v := range singles {
			holds := k.union(unions[i].holds, v.holds)
			if seen[holds] {
				continue
			}
			if len(unions) == maxVectors {
				k.undecided = "too many sets of values of " + k.key
				return nil
			}
			seen[holds] = true
			unions = append(unions, vector{holds, slices.Concat(unions[i].values, v.values)})
		}
	}
	return append(out[:1], unions...)
}

// union is the atoms that hold for a key with the values of both sets.
func (k *keyClasses) union(a, b uint64) uint64 { return (a|b)&k.some | a&b&^k.some }

// absent is the vector of a key without values.
func (k *keyClasses) absent() vector {
	var v vector
	for n, a := range k.atoms {
		if a.holdsAbsent() {
			v.holds |= 1 << n
		}
	}
	return v
}

// holdsAbsent says whether the condition holds when its key is absent.
func (a atom) holdsAbsent() bool {
	if a.cond.Operator.Comparison == policy.Null {
		return holdsNull(a.cond.Values, true)
	}
	return holdsAbsent(a.cond.Operator)
}

// fixedVectors is the vector of a key whose values are given.
func (k *keyClasses) fixedVectors() []vector {
	if len(k.values) == 0 {
		return []vector{k.absent()}
	}
	singles := k.singles(k.values[:1])
	for _, v := range k.values[1:] {
		var next []vector
		for _, a := range singles {
			for _, b := range k.singles([]string{v}) {
				next = append(next, vector{k.union(a.holds, b.holds), slices.Concat(a.values, b.values)})
			}
		}
		singles = next
	}
	return singles
}

// singles lists the vectors of one value each.
func (k *keyClasses) singles(values []string) []vector {
	var out []vector
	seen := map[uint64]bool{}
	for _, value := range values {
		for _, holds := range k.holdsFor(value) {
			if !seen[holds] {
				seen[holds] = true
				out = append(out, vector{holds, []string{value}})
			}
		}
	}
	return out
}

// holdsFor lists the sets of atoms that can hold for one value: one, unless variables
// are free, which then match or don't as they like.
func (k *keyClasses) holdsFor(value string) []uint64 {
	var sure, maybe []uint64 // by free text: the atoms that hold if it matches
	holds := uint64(0)
	texts := map[string]int{}
	for n, a := range k.atoms {
		matched, free := k.match(a, value)
		bit := uint64(1) << n
		switch {
		case a.cond.Operator.Comparison == policy.Null:
			if holdsNull(a.cond.Values, false) {
				holds |= bit
			}
		case matched || free == "":
			if matched != a.cond.Operator.Comparison.Negated() {
				holds |= bit
			}
		default:
			id, isNew := number(texts, free)
			if isNew {
				sure, maybe = append(sure, 0), append(maybe, 0)
			}
			if a.cond.Operator.Comparison.Negated() {
				sure[id] |= bit
			} else {
				maybe[id] |= bit
			}
		}
	}
	if len(texts) > maxTemplates {
		k.undecided = "too many policy variables in conditions on " + k.key
		return nil
	}
	out := make([]uint64, 0, 1<<len(texts))
	for choice := range 1 << len(texts) {
		h := holds
		for id := range len(texts) {
			if choice&(1<<id) != 0 {
				h |= maybe[id]
			} else {
				h |= sure[id]
			}
		}
		out = append(out, h)
	}
	return out
}

// match says whether one of the atom's values matches. If none does for sure but texts
// with free variables might, free names them.
func (k *keyClasses) match(a atom, value string) (matched bool, free string) {
	c := a.cond.Operator.Comparison.Positive()
	for _, v := range a.cond.Values {
		if !c.TakesVariables() {
			matched = c != policy.Null && compareTyped(c, value, v.Text)
		} else if _, plain := v.Template.Pattern(); !plain && k.space.free {
			free += fmt.Sprintf("%v %q ", c, v.Text)
		} else if p, ok := k.space.fill(v.Template); ok {
			matched = comparePattern(c, value, p)
		}
		if matched {
			return true, ""
		}
	}
	return false, free
}
