package rewrite

import (
	"slices"
	"strings"

	"github.com/pare-iam/pare/policy"
)

// A source's document has placeholders where its file has variables. To unify it with a
// live document is to find texts for the placeholders that make both say the same:
//
//	"Resource": "arn:aws:s3:::pare-unknown-0123456789abcdef/*"     in the source
//	"Resource": "arn:aws:s3:::logs/*"                              live
//
// A placeholder has one text in all of a document. Statements go by index; lists are
// sets. An entry that is a placeholder and nothing else, alone in its list, may be several
// entries, because a variable may be a list. The search goes back where it went wrong, and
// gives up after maxSteps, which is no agreement.

const (
	placeholderPrefix = "pare-unknown-"
	placeholderLength = len(placeholderPrefix) + 16
	unknownAction     = ":x" // after a placeholder, the name of an action that isn't known
	maxSteps          = 20_000
)

// piece is a part of a source's text: either is empty.
type piece struct{ literal, hole string }

// piecesOf takes a text apart at its placeholders.
func piecesOf(text string) []piece {
	var out []piece
	for {
		i := strings.Index(text, placeholderPrefix)
		if i < 0 || len(text) < i+placeholderLength {
			break
		}
		if i > 0 {
			out = append(out, piece{literal: text[:i]})
		}
		out = append(out, piece{hole: text[i : i+placeholderLength]})
		text = text[i+placeholderLength:]
	}
	if text != "" {
		out = append(out, piece{literal: text})
	}
	return out
}

// actionPieces are those of an entry of an action list, which is known or isn't as a whole.
func actionPieces(text string) []piece {
	if hole := strings.TrimSuffix(text, unknownAction); len(hole) == placeholderLength && strings.HasPrefix(text, placeholderPrefix) {
		return []piece{{hole: hole}}
	}
	return []piece{{literal: strings.ToLower(text)}}
}

// bare says whether a text is a placeholder and nothing else.
func bare(ps []piece) bool { return len(ps) == 1 && ps[0].hole != "" }

func hasHole(ps []piece) bool {
	return slices.ContainsFunc(ps, func(p piece) bool { return p.hole != "" })
}

// unifier holds what each placeholder is taken for.
type unifier struct {
	bound map[string][]string
	steps int
}

// goal is something to be made true; it calls next with it true, in one way after the
// other, until next is true too.
type goal func(next func() bool) bool

// all makes several goals true together.
func all(goals []goal) bool {
	if len(goals) == 0 {
		return true
	}
	return goals[0](func() bool { return all(goals[1:]) })
}

// with tries next with a placeholder bound to texts. One that is bound keeps its texts,
// whatever their order.
func (u *unifier) with(hole string, texts []string, next func() bool) bool {
	if u.steps++; u.steps > maxSteps {
		return false
	}
	if now, ok := u.bound[hole]; ok {
		return slices.Equal(sorted(now), sorted(texts)) && next()
	}
	u.bound[hole] = texts
	if next() {
		return true
	}
	delete(u.bound, hole)
	return false
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

// text makes pieces say a text.
func (u *unifier) text(ps []piece, text string, next func() bool) bool {
	if len(ps) == 0 {
		return text == "" && next()
	}
	p, rest := ps[0], ps[1:]
	if p.hole == "" {
		tail, ok := strings.CutPrefix(text, p.literal)
		return ok && u.text(rest, tail, next)
	}
	if now, ok := u.bound[p.hole]; ok {
		if len(now) != 1 {
			return false
		}
		tail, ok := strings.CutPrefix(text, now[0])
		return ok && u.text(rest, tail, next)
	}
	if len(rest) == 0 {
		return u.with(p.hole, []string{text}, next)
	}
	for n := 0; n <= len(text); n++ {
		if rest[0].hole == "" && !strings.HasPrefix(text[n:], rest[0].literal) {
			continue
		}
		if u.with(p.hole, []string{text[:n]}, func() bool { return u.text(rest, text[n:], next) }) {
			return true
		}
		if u.steps > maxSteps {
			return false
		}
	}
	return false
}

// set makes a list of texts say the same set as the live texts.
func (u *unifier) set(entries [][]piece, live []string) goal {
	return func(next func() bool) bool {
		left := slices.Compact(sorted(live))
		if len(entries) == 1 && bare(entries[0]) {
			return len(left) > 0 && u.with(entries[0][0].hole, left, next)
		}
		texts := slices.Clone(left)
		var open [][]piece
		for _, ps := range entries {
			if hasHole(ps) {
				open = append(open, ps)
				continue
			}
			text := ""
			if len(ps) > 0 {
				text = ps[0].literal
			}
			if !slices.Contains(texts, text) {
				return false
			}
			left = slices.DeleteFunc(left, func(s string) bool { return s == text })
		}
		slices.SortStableFunc(open, func(a, b []piece) int { return len(b) - len(a) }) // bare ones match anything, and come last
		return u.each(open, left, texts, next)
	}
}

// each makes every entry say one of the texts, so that none of those left remains.
func (u *unifier) each(entries [][]piece, left, texts []string, next func() bool) bool {
	if len(entries) == 0 {
		return len(left) == 0 && next()
	}
	if len(left) > len(entries) {
		return false
	}
	said := slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return slices.Contains(left, s) })
	for _, text := range slices.Concat(left, said) {
		if u.steps++; u.steps > maxSteps {
			return false
		}
		others := slices.DeleteFunc(slices.Clone(left), func(s string) bool { return s == text })
		if u.text(entries[0], text, func() bool { return u.each(entries[1:], others, texts, next) }) {
			return true
		}
	}
	return false
}

// statement says what has to be true for a source's statement to say what a live one does;
// false if it never does.
func (u *unifier) statement(a, b *policy.Statement) ([]goal, bool) {
	if a.Effect != b.Effect || a.Action.Not != b.Action.Not || a.Resource.Present != b.Resource.Present ||
		a.Resource.Not != b.Resource.Not || a.Principal.Present || b.Principal.Present || len(a.Conditions) != len(b.Conditions) {
		return nil, false
	}
	var entries [][]piece
	var live []string
	for _, e := range a.Action.Entries {
		entries = append(entries, actionPieces(e.Text))
	}
	for _, e := range b.Action.Entries {
		live = append(live, strings.ToLower(e.Text))
	}
	goals := []goal{u.set(entries, live)}
	if a.Resource.Present {
		entries, live = nil, nil
		for _, e := range a.Resource.Entries {
			entries = append(entries, piecesOf(e.Text))
		}
		for _, e := range b.Resource.Entries {
			live = append(live, e.Text)
		}
		goals = append(goals, u.set(entries, live))
	}
	return append(goals, func(next func() bool) bool { return u.conditions(a.Conditions, b.Conditions, next) }), true
}

// conditions makes each condition say one of the live ones, each another.
func (u *unifier) conditions(source, live []policy.Condition, next func() bool) bool {
	if len(source) == 0 {
		return len(live) == 0 && next()
	}
	c := source[0]
	var values [][]piece
	for _, v := range c.Values {
		values = append(values, piecesOf(v.Text))
	}
	for i, l := range live {
		if c.Operator != l.Operator {
			continue
		}
		var texts []string
		for _, v := range l.Values {
			texts = append(texts, v.Text)
		}
		others := slices.Delete(slices.Clone(live), i, i+1)
		if u.text(lowered(c.KeyText), strings.ToLower(l.KeyText), func() bool {
			same := u.set(values, texts)
			return same(func() bool { return u.conditions(source[1:], others, next) })
		}) {
			return true
		}
	}
	return false
}

// lowered are the pieces of a condition's key, which has no case.
func lowered(key string) []piece { return piecesOf(strings.ToLower(key)) }

// agree finds texts for the placeholders of a source's document that make it say what a
// live one does, and says whether there are some.
func (u *unifier) agree(source, live *policy.Document) bool {
	if len(source.Statements) != len(live.Statements) {
		return false
	}
	var goals []goal
	for i := range source.Statements {
		g, possible := u.statement(&source.Statements[i], &live.Statements[i])
		if !possible {
			return false
		}
		goals = append(goals, g...)
	}
	return all(goals)
}

// nearly finds texts for the placeholders of what agrees in documents that don't as a
// whole, from the first statement on. It returns the index of the first statement of which
// not all agrees, or -1 if the documents have different numbers of statements.
func (u *unifier) nearly(source, live *policy.Document) int {
	if len(source.Statements) != len(live.Statements) {
		return -1
	}
	first := len(source.Statements)
	for i := range source.Statements {
		goals, possible := u.statement(&source.Statements[i], &live.Statements[i])
		for _, g := range goals {
			u.steps = 0
			possible = g(func() bool { return true }) && possible // true leaves them bound
		}
		if !possible {
			first = min(first, i)
		}
	}
	return min(first, len(source.Statements)-1)
}
