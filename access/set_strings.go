package access

import (
	"cmp"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/pare-iam/pare/internal/wildcard"
)

// A partition of the strings by patterns: all strings fall into finitely many classes,
// two strings being in the same class when the same patterns match them. What matters
// of a pattern is which statements it stands for, so a class is a set of statements,
// and one string of it is kept as a witness.
//
// The patterns are run together as one nondeterministic automaton, made deterministic
// on the fly. Only characters that some pattern asks for next need a transition of
// their own; every other character does the same. Exact over all strings.

// strand is a pattern and the statements it stands for.
type strand struct {
	toks []token
	mark stmtSet
}

type tokenKind uint8

const (
	tokChar tokenKind = iota // the character r, in either case if fold
	tokAny                   // any one character
	tokStar                  // any characters
	tokEnd                   // the string ends here; r is the index of the strand
)

type token struct {
	kind    tokenKind
	fold    bool // compare without case (A to Z)
	noColon bool // of tokAny and tokStar: any but `:`
	r       rune
}

// compareTokens orders tokens; the order means nothing but is always the same.
func compareTokens(a, b token) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.r, b.r))
}

func tokensOf(p wildcard.Pattern) []token {
	toks := make([]token, 0, p.Len()+1)
	for _, t := range p.Tokens() {
		switch t.Kind {
		case wildcard.Char:
			toks = append(toks, token{kind: tokChar, r: t.Char})
		case wildcard.Any:
			toks = append(toks, token{kind: tokAny})
		case wildcard.Star:
			toks = append(toks, token{kind: tokStar})
		}
	}
	return toks
}

// class is a set of strings by the statements whose patterns match them.
type class struct {
	stmts   stmtSet
	witness string
}

// partition explores the strings.
type partition struct {
	toks    []token
	marks   []stmtSet // of the strands
	visited *keySet
	seen    map[stmtSet]bool
	dones   []doneSet // by number: 0 is the empty set
	numbers map[stmtSet]int32
	classes []class
	path    []byte
	places  []int32 // of the states on the path, one behind the other
	key     []byte  // of the state that is looked up
	next    []rune  // asked by the states on the path, one behind the other
	wanted  []bool  // of the places: whether they are of a needed statement's pattern
	options partitionOptions
	left    int // states that may still be visited
	room    int // places that their states may still have together
}

// partitionOptions is what of the strings is asked for.
type partitionOptions struct {
	limit  int     // states that may be visited
	min    int     // shortest string that counts, in bytes: 0 or 1
	first  rune    // with which a string starts for preference, if not 0
	needed stmtSet // classes in which none of these matches may be left out; if any
	effort *effort
}

// maxStates bounds the states of one partition. ARNs and action names need hundreds;
// only many patterns with several stars each come near it.
const maxStates = 20000

// maxPlaces bounds the places of all states of one partition together, and so its memory:
// a state of a thousand patterns, or of one with a thousand stars, has thousands.
const maxPlaces = 1 << 22

// effort is what the questions to one Space may still cost together, in the places and
// classes visited: so that what can't be decided is told in seconds.
type effort struct{ left int }

const maxEffort = 1 << 25

// spend is false when nothing is left.
func (e *effort) spend(n int) bool {
	e.left -= n
	return e.left > 0
}

// partitionStrings lists the classes of strings; ok is false if there were too many
// states to visit.
func partitionStrings(strands []strand, options partitionOptions) (classes []class, ok bool) {
	p := &partition{visited: newKeySet(), seen: map[stmtSet]bool{}, options: options, left: options.limit, room: maxPlaces}
	p.dones, p.numbers = make([]doneSet, 1), map[stmtSet]int32{{}: 0}
	var start state
	for _, s := range strands {
		first := int32(len(p.toks))
		p.toks = append(p.toks, s.toks...)
		p.toks = append(p.toks, token{kind: tokEnd, r: rune(len(p.marks))})
		p.marks = append(p.marks, s.mark)
		for range len(s.toks) + 1 {
			p.wanted = append(p.wanted, s.mark.meets(options.needed))
		}
		p.enter(&start.done, first)
	}
	start.places = p.tidy(0)
	p.explore(start)
	return p.classes, p.left > 0
}

// state is where a string has led: places in the patterns, sorted, and the number of the
// set of statements whose patterns match whatever follows.
type state struct {
	places []int32
	done   int32
}

// doneSet is a set of statements and whether it is noted as a class.
type doneSet struct {
	stmts stmtSet
	noted bool
}

// join numbers the union of a numbered set and another.
func (p *partition) join(done int32, stmts stmtSet) int32 {
	all := p.dones[done].stmts.or(stmts)
	n, ok := p.numbers[all]
	if !ok {
		n = int32(len(p.dones))
		p.numbers[all] = n
		p.dones = append(p.dones, doneSet{stmts: all})
	}
	return n
}

// tidy makes a state's places of what was entered since p.places had the length from.
func (p *partition) tidy(from int) []int32 {
	slices.Sort(p.places[from:])
	p.places = p.places[:from+len(slices.Compact(p.places[from:]))]
	return p.places[from:len(p.places):len(p.places)]
}

// enter adds a place, and what a `*` there that stands for nothing leads to.
func (p *partition) enter(done *int32, at int32) {
	if t := p.toks[at]; t.kind == tokStar {
		if next := p.toks[at+1]; next.kind == tokEnd && !t.noColon {
			*done = p.join(*done, p.marks[next.r])
			return
		}
		p.enter(done, at+1)
	}
	p.places = append(p.places, at)
}

// explore visits every state that some string leads to.
func (p *partition) explore(s state) {
	depth, places, asked := len(p.path), len(p.places), len(p.next)
	defer func() { p.path, p.places, p.next = p.path[:depth], p.places[:places], p.next[:asked] }()
	for {
		p.room -= len(s.places)
		if !p.options.effort.spend(1+len(s.places)) || p.room <= 0 {
			p.left = 0
		}
		if p.left <= 0 || p.needless(s) {
			return
		}
		p.record(s)
		if len(s.places) == 0 {
			if len(p.path) < p.options.min {
				p.noteDone(s.done, p.other(nil))
			}
			return
		}
		next, ok := p.alone(s)
		if !ok {
			break
		}
		// Any other character ends all of it, as none does.
		p.noteDone(s.done, p.other([]rune{next}))
		p.path = utf8.AppendRune(p.path, next)
		s = p.step(s, next)
	}
	if p.left--; p.left <= 0 {
		return
	}
	if p.loops(s) && p.again(s) {
		return
	}
	next := p.asked(s)
	at, below := len(p.path), len(p.places)
	for _, r := range next {
		p.path = utf8.AppendRune(p.path, r)
		p.explore(p.step(s, r))
		p.path, p.places = p.path[:at], p.places[:below]
	}
}

// needless says whether no needed statement's pattern matches what follows.
func (p *partition) needless(s state) bool {
	if p.options.needed.empty() || p.dones[s.done].stmts.meets(p.options.needed) {
		return false
	}
	return !slices.ContainsFunc(s.places, func(at int32) bool { return p.wanted[at] })
}

// record notes the class of the string that led here.
func (p *partition) record(s state) {
	stmts, ends := p.dones[s.done].stmts, false
	for _, at := range s.places {
		if t := p.toks[at]; t.kind == tokEnd {
			stmts, ends = stmts.or(p.marks[t.r]), true
		}
	}
	if !ends && p.dones[s.done].noted || p.seen[stmts] {
		return
	}
	p.note(stmts, string(p.path))
	p.dones[s.done].noted = p.seen[p.dones[s.done].stmts]
}

// noteDone notes the class of the string that led here and one more character, after
// which nothing but done matches.
func (p *partition) noteDone(done int32, next rune) {
	if d := &p.dones[done]; !d.noted {
		d.noted = true
		if !p.seen[d.stmts] {
			p.note(d.stmts, string(p.path)+string(next))
		}
	}
}

func (p *partition) note(stmts stmtSet, witness string) {
	if len(witness) >= p.options.min {
		p.seen[stmts] = true
		p.classes = append(p.classes, class{stmts, witness})
	}
}

// alone is the one character that all places ask for, if they do.
func (p *partition) alone(s state) (rune, bool) {
	first := p.toks[s.places[0]]
	for _, at := range s.places {
		if t := p.toks[at]; t.kind != tokChar || t.fold || t.r != first.r {
			return 0, false
		}
	}
	return first.r, true
}

// loops says whether a state could be met again, by another string.
func (p *partition) loops(s state) bool {
	for _, at := range s.places {
		if k := p.toks[at].kind; k == tokStar || k == tokAny || p.toks[at].fold {
			return true
		}
	}
	return false
}

// asked lists the characters that some place treats in a way of its own, and one that
// none does.
func (p *partition) asked(s state) []rune {
	from := len(p.next)
	for _, at := range s.places {
		t := p.toks[at]
		switch {
		case t.kind == tokChar && t.fold && isLetter(t.r):
			p.next = append(p.next, t.r|0x20, t.r&^0x20)
		case t.kind == tokChar:
			p.next = append(p.next, t.r)
		case t.noColon:
			p.next = append(p.next, ':')
		}
	}
	slices.Sort(p.next[from:])
	p.next = p.next[:from+len(slices.Compact(p.next[from:]))]
	p.next = append(p.next, p.other(p.next[from:]))
	return p.next[from:len(p.next):len(p.next)]
}

func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }

// other is a character that isn't in the list.
func (p *partition) other(list []rune) rune {
	if first := p.options.first; first != 0 && len(p.path) == 0 && !slices.Contains(list, first) {
		return first
	}
	return otherThan(list)
}

// otherThan is a character that isn't in the list, one that reads well in a witness.
func otherThan(list []rune) rune {
	for _, r := range "xyzabcdefghijklmnopqrstuvw0123456789" {
		if !slices.Contains(list, r) {
			return r
		}
	}
	for r := rune(0x100); ; r++ {
		if !slices.Contains(list, r) {
			return r
		}
	}
}

// step reads one character.
func (p *partition) step(s state, r rune) state {
	from := len(p.places)
	done := s.done
	for _, at := range s.places {
		t := p.toks[at]
		switch t.kind {
		case tokChar:
			if t.r == r || t.fold && isLetter(r) && t.r|0x20 == r|0x20 {
				p.enter(&done, at+1)
			}
		case tokAny:
			if !t.noColon || r != ':' {
				p.enter(&done, at+1)
			}
		case tokStar:
			if !t.noColon || r != ':' {
				p.enter(&done, at)
			}
		case tokEnd:
		}
	}
	return state{p.tidy(from), done}
}

// again says whether the state was visited, and notes that it is now.
func (p *partition) again(s state) bool {
	p.key = p.key[:0]
	for _, at := range s.places {
		p.key = binary.LittleEndian.AppendUint32(p.key, uint32(at))
	}
	p.key = binary.LittleEndian.AppendUint32(p.key, uint32(s.done))
	return !p.visited.add(p.key)
}
