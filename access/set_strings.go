package access

import (
	"encoding/binary"
	"slices"
	"strings"
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
	visited map[string]bool
	seen    map[stmtSet]bool
	classes []class
	path    []byte
	min     int // shortest string that counts, in bytes: 0 or 1
	left    int // states that may still be visited
}

// maxStates bounds the states of one partition. ARNs and action names need hundreds;
// only many patterns with several stars each come near it.
const maxStates = 20000

// partitionStrings lists the classes of all strings of at least min bytes (0 or 1); ok
// is false if there were too many states to visit.
func partitionStrings(strands []strand, min int) (classes []class, ok bool) {
	p := &partition{visited: map[string]bool{}, seen: map[stmtSet]bool{}, min: min, left: maxStates}
	var start state
	for _, s := range strands {
		first := int32(len(p.toks))
		p.toks = append(p.toks, s.toks...)
		p.toks = append(p.toks, token{kind: tokEnd, r: rune(len(p.marks))})
		p.marks = append(p.marks, s.mark)
		p.enter(&start, first)
	}
	start.tidy()
	p.explore(start)
	return p.classes, p.left > 0
}

// state is where a string has led: places in the patterns, sorted, and the statements
// whose patterns match whatever follows.
type state struct {
	places []int32
	done   stmtSet
}

func (s *state) tidy() {
	slices.Sort(s.places)
	s.places = slices.Compact(s.places)
}

// enter adds a place, and what a `*` there that stands for nothing leads to.
func (p *partition) enter(s *state, at int32) {
	if t := p.toks[at]; t.kind == tokStar {
		if next := p.toks[at+1]; next.kind == tokEnd && !t.noColon {
			s.done = s.done.or(p.marks[next.r])
			return
		}
		p.enter(s, at+1)
	}
	s.places = append(s.places, at)
}

// explore visits every state that some string leads to.
func (p *partition) explore(s state) {
	depth := len(p.path)
	defer func() { p.path = p.path[:depth] }()
	for {
		p.record(s)
		if len(s.places) == 0 {
			if len(p.path) < p.min {
				p.note(s.done, string(p.path)+string(otherThan(nil)))
			}
			return
		}
		next, ok := p.alone(s)
		if !ok {
			break
		}
		// Any other character ends all of it, as none does.
		if !p.seen[s.done] {
			p.note(s.done, string(p.path)+string(otherThan([]rune{next})))
		}
		p.path = utf8.AppendRune(p.path, next)
		s = p.step(s, next)
	}
	if p.left--; p.left <= 0 {
		return
	}
	if p.loops(s) {
		key := s.key()
		if p.visited[key] {
			return
		}
		p.visited[key] = true
	}
	next := p.asked(s)
	for _, r := range append(next, otherThan(next)) {
		at := len(p.path)
		p.path = utf8.AppendRune(p.path, r)
		p.explore(p.step(s, r))
		p.path = p.path[:at]
	}
}

// record notes the class of the string that led here.
func (p *partition) record(s state) {
	stmts := s.done
	for _, at := range s.places {
		if t := p.toks[at]; t.kind == tokEnd {
			stmts = stmts.or(p.marks[t.r])
		}
	}
	p.note(stmts, string(p.path))
}

func (p *partition) note(stmts stmtSet, witness string) {
	if !p.seen[stmts] && len(witness) >= p.min {
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

// asked lists the characters that some place treats in a way of its own.
func (p *partition) asked(s state) []rune {
	var out []rune
	for _, at := range s.places {
		t := p.toks[at]
		switch {
		case t.kind == tokChar && t.fold && isLetter(t.r):
			out = append(out, t.r|0x20, t.r&^0x20)
		case t.kind == tokChar:
			out = append(out, t.r)
		case t.noColon:
			out = append(out, ':')
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }

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
	next := state{places: make([]int32, 0, len(s.places)+2), done: s.done}
	for _, at := range s.places {
		t := p.toks[at]
		switch t.kind {
		case tokChar:
			if t.r == r || t.fold && isLetter(r) && t.r|0x20 == r|0x20 {
				p.enter(&next, at+1)
			}
		case tokAny:
			if !t.noColon || r != ':' {
				p.enter(&next, at+1)
			}
		case tokStar:
			if !t.noColon || r != ':' {
				p.enter(&next, at)
			}
		case tokEnd:
		}
	}
	next.tidy()
	return next
}

func (s state) key() string {
	var b strings.Builder
	var buf [8]byte
	for _, at := range s.places {
		binary.LittleEndian.PutUint32(buf[:4], uint32(at))
		b.Write(buf[:4])
	}
	for _, w := range s.done {
		binary.LittleEndian.PutUint64(buf[:], w)
		b.Write(buf[:])
	}
	return b.String()
}
