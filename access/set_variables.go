package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// A policy variable ties a resource or a value to a condition key, so that the
// dimensions of a Space aren't independent any more. Two spaces settle most questions:
//
// The free space lets every text with a variable match or not match as it likes, within
// what holds for all values: it matches nothing that it wouldn't with `*` in the
// variable's place, the same text is the same everywhere, and a text that contains
// another whatever the variable is matches when that does. These are more requests than
// there are, so when the free space has no answer there is none.
//
// A fixed space gives the variables' keys values, after which nothing is tied. What it
// finds is found. The values tried are absence, a fresh name, and those that the
// answers of the free space suggest.
//
// When the free space has answers and no fixed space has one, the question is undecided.

// template is a resource text with variables.
type template struct {
	text    policy.Template
	stmts   stmtSet // whose resources it stands in
	relaxed wildcard.Pattern
	implies []int // templates that match whatever this one does
}

// maxTemplates bounds the texts with variables that may match one resource.
const maxTemplates = 10

// bit is the place of a template's mark, above those of the statements.
func templateBit(id int) int { return maxStatements/2 + id }

// addTemplates notes the texts with variables of a statement.
func (s *Space) addTemplates(id int, st *policy.Statement, in *interner) {
	for _, e := range st.Resource.Entries {
		if _, plain := e.Template.Pattern(); plain {
			continue
		}
		n, isNew := number(in.templates, e.Text)
		if isNew {
			s.templates = append(s.templates, template{text: e.Template, relaxed: relax(e.Template)})
		}
		s.templates[n].stmts.add(id)
		s.tied = append(s.tied, e.Template.Keys()...)
	}
	for _, c := range st.Conditions {
		for _, v := range c.Values {
			s.tied = append(s.tied, v.Template.Keys()...)
		}
	}
}

// relax is the template with `*` for every variable.
func relax(t policy.Template) wildcard.Pattern {
	parts := make([]wildcard.Pattern, len(t))
	for i, part := range t {
		parts[i] = part.Pattern
		if part.Key != "" {
			parts[i] = wildcard.Parse("*")
		}
	}
	return wildcard.Concat(parts...)
}

// imply finds which templates match whatever others do. A variable is replaced by a
// private character: what holds for a character that nothing names holds for every
// value, provided that no `?` could have matched it.
func (s *Space) imply() {
	marked := make([]wildcard.Pattern, len(s.templates))
	anyOne := make([]bool, len(s.templates))
	private, unnamed := map[string]int{}, s.unnamedCharacters()
	var chars []rune // of the variables
	for i, t := range s.templates {
		parts := make([]wildcard.Pattern, len(t.text))
		for k, part := range t.text {
			parts[k] = part.Pattern
			if part.Key != "" {
				n, isNew := number(private, fmt.Sprintf("%q %t %q", part.Key, part.HasDefault, part.Default))
				if isNew {
					chars = append(chars, unnamed())
				}
				parts[k] = wildcard.Literal(string(chars[n]))
			}
		}
		marked[i] = wildcard.Concat(parts...)
		anyOne[i] = slices.ContainsFunc(marked[i].Tokens(), func(t wildcard.Token) bool { return t.Kind == wildcard.Any })
	}
	for i := range s.templates {
		for j := range s.templates {
			if i != j && !anyOne[j] && marked[j].Contains(marked[i]) {
				s.templates[i].implies = append(s.templates[i].implies, j)
			}
		}
	}
}

// unnamedCharacters gives one after the other the characters that no template names.
func (s *Space) unnamedCharacters() func() rune {
	named := map[rune]bool{}
	for _, t := range s.templates {
		for _, tok := range t.relaxed.Tokens() {
			named[tok.Char] = true
		}
	}
	r := rune(0xE000 - 1)
	return func() rune {
		for r++; named[r]; r++ {
		}
		return r
	}
}

// freeStrands is the relaxed patterns of the statements' templates, in a free space.
func (s *Space) freeStrands(stmts stmtSet) []strand {
	if !s.free {
		return nil
	}
	var out []strand
	for id, t := range s.templates {
		if t.stmts.meets(stmts) {
			var mark stmtSet
			mark.add(templateBit(id))
			out = append(out, strand{tokensOf(t.relaxed), mark})
		}
	}
	return out
}

// expand lets the templates that may match a class of resources match or not.
func (s *Space) expand(classes []class) []class {
	if !s.free {
		return classes
	}
	var out []class
	for _, c := range classes {
		var active []int
		for id := range s.templates {
			if c.stmts.has(templateBit(id)) {
				active = append(active, id)
			}
		}
		if len(active) > maxTemplates {
			s.undecided = "too many policy variables for one resource"
			return nil
		}
		for choice := range 1 << len(active) {
			if stmts, ok := s.choose(c.stmts, active, choice); ok {
				out = append(out, class{stmts, c.witness})
			}
		}
	}
	return out
}

func (s *Space) choose(stmts stmtSet, active []int, choice int) (stmtSet, bool) {
	for i, id := range active {
		if choice&(1<<i) == 0 {
			continue
		}
		stmts = stmts.or(s.templates[id].stmts)
		for _, implied := range s.templates[id].implies {
			if k := slices.Index(active, implied); k >= 0 && choice&(1<<k) == 0 {
				return stmtSet{}, false
			}
		}
	}
	return stmts, true
}

// maxFixed bounds the fixed spaces that one question tries.
const maxFixed = 512

// findWithVariables answers a question about documents with policy variables.
func (s *Space) findWithVariables(side Side, scope Scope) Answer {
	free := newSpace(s.docs[A], s.docs[B], nil, true)
	q := &question{Space: free, side: side}
	q.run(scope)
	if len(q.hints) == 0 {
		return Answer{Undecided: free.undecided}
	}
	keys := slices.Compact(slices.Sorted(slices.Values(s.tied)))
	values := make([][]string, len(keys))
	for i, key := range keys {
		values[i] = s.suggestions(key, q.hints)
	}
	reason := fmt.Sprintf("policy variable ${%s}: neither a request nor a proof that there is none", strings.Join(keys, "}, ${"))
	for n := range maxFixed {
		fixed, ok := nth(keys, values, n)
		if !ok {
			break
		}
		space := newSpace(s.docs[A], s.docs[B], fixed, false)
		answer := space.Find(side, scope)
		if answer.Found {
			return answer
		}
		if !s.effort.spend(maxEffort - space.effort.left) {
			break
		}
	}
	return Answer{Undecided: reason}
}

// nth is the nth combination of values of the keys; "" is absence. It is false past the
// last.
func nth(keys []string, values [][]string, n int) (map[string][]string, bool) {
	fixed := make(map[string][]string, len(keys))
	for i, key := range keys {
		v := values[i][n%len(values[i])]
		n /= len(values[i])
		fixed[key] = nil
		if v != "" {
			fixed[key] = []string{v}
		}
	}
	return fixed, n == 0
}

// suggestions lists values of a variable worth trying: a fresh name, absence (""), what
// conditions compare the key with, and what makes a template match a hint.
func (s *Space) suggestions(key string, hints []point) []string {
	out := []string{"pare-example", ""}
	for _, a := range s.atoms {
		if a.key == key {
			out = append(out, a.candidates()...)
		}
	}
	for _, h := range hints[:min(len(hints), 16)] {
		for _, t := range s.templates {
			out = append(out, solve(t.text, key, h.resource)...)
		}
		for _, kv := range h.values {
			for _, v := range kv.values {
				out = append(out, s.solveValues(key, kv.key, v)...)
			}
		}
	}
	return unique(out, 24)
}

// solveValues makes a condition's templates match the value of another key.
func (s *Space) solveValues(key, other, value string) []string {
	var out []string
	for _, a := range s.atoms {
		if a.key != other {
			continue
		}
		for _, v := range a.cond.Values {
			out = append(out, solve(v.Template, key, value)...)
		}
	}
	return out
}

// solve looks for parts of text that, as the value of key, make the template match it.
// Other variables stand for the fresh name.
func solve(t policy.Template, key, text string) []string {
	if !slices.Contains(t.Keys(), key) || len(text) > 200 {
		return nil
	}
	var out []string
	for from := 0; from <= len(text) && len(out) < 8; from++ {
		for to := from + 1; to <= len(text) && len(out) < 8; to++ {
			value := text[from:to]
			p, ok := t.Fill(func(k string) (string, bool) {
				if k == key {
					return value, true
				}
				return "pare-example", true
			})
			if ok && p.Match(text) {
				out = append(out, value)
			}
		}
	}
	return out
}

func unique(list []string, limit int) []string {
	seen := map[string]bool{}
	var out []string
	for _, v := range list {
		if !seen[v] && len(out) < limit {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
