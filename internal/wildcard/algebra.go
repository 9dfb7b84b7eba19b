package wildcard

import (
	"slices"
	"strings"
)

// Overlaps says whether some string is both of p and of q: whether their intersection
// isn't empty. Cost: len(p)·len(q), less where the literal starts already differ.
func (p Pattern) Overlaps(q Pattern) bool {
	if s, ok := q.Text(); ok {
		return p.Match(s)
	}
	if s, ok := p.Text(); ok {
		return q.Match(s)
	}
	if a, b := p.Prefix(), q.Prefix(); !strings.HasPrefix(a, b) && !strings.HasPrefix(b, a) {
		return false
	}
	o := overlap{a: p.Tokens(), b: q.Tokens()}
	o.seen = make([]bool, (len(o.a)+1)*(len(o.b)+1))
	o.push(0, 0)
	return o.search()
}

// overlap walks the product of two patterns: a state is a place in each.
type overlap struct {
	a, b []Token
	seen []bool
	todo [][2]int
}

func (o *overlap) push(i, j int) {
	if at := i*(len(o.b)+1) + j; !o.seen[at] {
		o.seen[at] = true
		o.todo = append(o.todo, [2]int{i, j})
	}
}

// search says whether both ends can be reached together.
func (o *overlap) search() bool {
	for len(o.todo) > 0 {
		i, j := o.todo[len(o.todo)-1][0], o.todo[len(o.todo)-1][1]
		o.todo = o.todo[:len(o.todo)-1]
		if i == len(o.a) && j == len(o.b) {
			return true
		}
		starA := i < len(o.a) && o.a[i].Kind == Star
		starB := j < len(o.b) && o.b[j].Kind == Star
		switch { // a star ends, or takes the other's next character
		case starA:
			o.push(i+1, j)
			if j < len(o.b) {
				o.push(i, j+1)
			}
		case starB:
			o.push(i, j+1)
			if i < len(o.a) {
				o.push(i+1, j)
			}
		case i == len(o.a) || j == len(o.b):
		case o.a[i].Kind == Any || o.b[j].Kind == Any || o.a[i] == o.b[j]:
			o.push(i+1, j+1)
		}
	}
	return false
}

// Intersect lists patterns whose union is the strings that are both of p and of q:
// none if there is no such string, and none of them contains another.
//
// When one of the two is a literal followed by `*`, as the refiner's are, there are at
// most len(p) of them. Two patterns with many stars each can have exponentially many;
// Overlaps answers whether there is one without listing them.
func (p Pattern) Intersect(q Pattern) []Pattern {
	if p.Contains(q) {
		return []Pattern{q}
	}
	if q.Contains(p) {
		return []Pattern{p}
	}
	x := intersection{a: p.Tokens(), b: q.Tokens(), memo: map[[2]int][]Pattern{}}
	return x.from(0, 0)
}

type intersection struct {
	a, b []Token
	memo map[[2]int][]Pattern
}

// from intersects what is left of the two patterns at places i and j.
func (x *intersection) from(i, j int) []Pattern {
	if got, ok := x.memo[[2]int{i, j}]; ok {
		return got
	}
	got := Maximal(x.compute(i, j))
	x.memo[[2]int{i, j}] = got
	return got
}

func (x *intersection) compute(i, j int) []Pattern {
	starA := i < len(x.a) && x.a[i].Kind == Star
	starB := j < len(x.b) && x.b[j].Kind == Star
	switch {
	case i == len(x.a) && j == len(x.b):
		return []Pattern{{}}
	case starA && starB: // one of the two ends first
		return prepend(Token{Kind: Star}, slices.Concat(x.from(i+1, j), x.from(i, j+1)))
	case starA && j == len(x.b):
		return x.from(i+1, j)
	case starB && i == len(x.a):
		return x.from(i, j+1)
	case starA: // it stands for nothing, or takes one more character
		return slices.Concat(x.from(i+1, j), prepend(x.b[j], x.from(i, j+1)))
	case starB:
		return slices.Concat(x.from(i, j+1), prepend(x.a[i], x.from(i+1, j)))
	case i == len(x.a) || j == len(x.b):
		return nil
	case x.a[i].Kind == Any || x.a[i] == x.b[j]:
		return prepend(x.b[j], x.from(i+1, j+1))
	case x.b[j].Kind == Any:
		return prepend(x.a[i], x.from(i+1, j+1))
	}
	return nil
}

func prepend(tok Token, tails []Pattern) []Pattern {
	var head Pattern
	switch tok.Kind {
	case Star:
		head = Pattern{starText}
	case Any:
		head = Pattern{string([]byte{any1})}
	case Char:
		head = Pattern{string(tok.Char)}
	}
	out := make([]Pattern, len(tails))
	for i, tail := range tails {
		out[i] = Concat(head, tail)
	}
	return out
}

// Maximal drops every pattern that another of the list contains, keeping the order of
// the rest; of equal ones the first stays.
func Maximal(patterns []Pattern) []Pattern {
	var out []Pattern
	for i, p := range patterns {
		covered := slices.ContainsFunc(patterns[:i], func(o Pattern) bool { return o.Contains(p) }) ||
			slices.ContainsFunc(patterns[i+1:], func(o Pattern) bool { return o != p && o.Contains(p) })
		if !covered {
			out = append(out, p)
		}
	}
	return out
}

// Residuals says what is left of p after prefix: the byte offsets into p, ascending,
// such that prefix followed by t is a string of p exactly when p.Suffix(offset) matches
// t for one of them. Empty when no string of p starts with prefix. No suffix contains
// another.
//
// A place at a `*` makes every place before it superfluous: what is left there ends
// with what is left at the star. So at most one star's segment is followed at a time.
func (p Pattern) Residuals(prefix string) []int {
	places, next := p.enter(nil, 0), []int(nil)
	for _, r := range prefix {
		next = next[:0]
		for _, at := range places {
			if at == len(p.enc) {
				continue
			}
			tok, n := decode(p.enc[at:])
			switch {
			case tok.Kind == Star:
				next = p.enter(next, at)
			case tok.Kind == Any || tok.Char == r:
				next = p.enter(next, at+n)
			}
		}
		places, next = next, places
	}
	return p.maximalSuffixes(places)
}

// enter adds a place to an ascending list; at a star it stands for the place after it
// too, and for every place before.
func (p Pattern) enter(places []int, at int) []int {
	if at < len(p.enc) && p.enc[at] == star {
		return append(places[:0], at, at+1)
	}
	if n := len(places); n > 0 && places[n-1] == at {
		return places
	}
	return append(places, at)
}

// maximalSuffixes drops places whose suffix another's contains. Different places have
// different suffixes, so no two contain each other.
func (p Pattern) maximalSuffixes(places []int) []int {
	var out []int
	for _, at := range places {
		if !slices.ContainsFunc(places, func(o int) bool { return o != at && p.Suffix(o).Contains(p.Suffix(at)) }) {
			out = append(out, at)
		}
	}
	return out
}

// Suffix is the pattern from a byte offset that Residuals gave.
func (p Pattern) Suffix(offset int) Pattern { return Pattern{p.enc[offset:]} }
