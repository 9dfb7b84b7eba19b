package prove

import (
	"strconv"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// matchPattern says that a string matches a pattern.
func matchPattern(subject term, p wildcard.Pattern) term {
	if text, ok := p.Text(); ok {
		return equal(subject, quote(text))
	}
	if p.All() {
		return yes
	}
	return inRe(subject, patternRe(p))
}

// piece is a part of a template: a string, or `?` or `*`.
type piece struct {
	kind wildcard.TokenKind // Char for a string
	text term
}

// pieces takes a template apart. available says that every variable has a value.
func (e *encoder) pieces(t policy.Template) (list []piece, available term) {
	available = yes
	for _, part := range t {
		if part.Key == "" {
			for _, r := range runs(part.Pattern) {
				list = append(list, piece{r.kind, quote(r.text)})
			}
			continue
		}
		k := e.key[part.Key]
		value := k.slots[0].value
		if part.HasDefault {
			value = app("ite", k.single(), value, quote(part.Default))
		} else {
			available = and(available, k.single())
		}
		list = append(list, piece{text: value})
	}
	return list, available
}

// segment is what stands between two stars: strings, each so many characters behind the
// one before it, and characters after the last.
type segment struct {
	gaps  []int // `?`s before each string
	texts []term
	tail  int // `?`s after the last string
}

func cutSegments(list []piece) []segment {
	segments := []segment{{}}
	for _, p := range list {
		seg := &segments[len(segments)-1]
		switch p.kind {
		case wildcard.Star:
			segments = append(segments, segment{})
		case wildcard.Any:
			seg.tail++
		case wildcard.Char:
			if n := len(seg.texts); n > 0 && seg.tail == 0 {
				seg.texts[n-1] = concat(seg.texts[n-1], p.text)
				continue
			}
			seg.gaps = append(seg.gaps, seg.tail)
			seg.texts = append(seg.texts, p.text)
			seg.tail = 0
		}
	}
	return segments
}

func concat(a, b term) term {
	if a.head == "str.++" {
		return app("str.++", append(append([]term(nil), a.args...), b)...)
	}
	return app("str.++", a, b)
}

// length is how many characters the segment takes.
func (s segment) length() term {
	count := s.tail
	var sum []term
	for i, text := range s.texts {
		count += s.gaps[i]
		sum = append(sum, app("str.len", text))
	}
	return plus(append(sum, integer(count))...)
}

// at says that the segment's strings stand in the subject from a place on.
func (s segment) at(subject, place term) term {
	all := yes
	for i, text := range s.texts {
		place = plus(place, integer(s.gaps[i]))
		all = and(all, equal(app("str.substr", subject, place, app("str.len", text)), text))
		place = plus(place, app("str.len", text))
	}
	return all
}

func integer(n int) term { return atom(strconv.Itoa(n)) }

// plus is a sum without zeros.
func plus(terms ...term) term {
	var kept []term
	for _, t := range terms {
		switch {
		case t.is("0"):
		case t.head == "+":
			kept = append(kept, t.args...)
		default:
			kept = append(kept, t)
		}
	}
	return nary("+", "0", kept)
}

// matchTemplate says that a string matches a template with variables. Regular
// expressions are for constants, so it is said with string functions, without loss: the
// first segment stands at the start, each one between two stars at the leftmost place
// after the one before, and the last at the end, behind all others. A variable without
// a value matches nothing. The second result says why it can't be said.
func (e *encoder) matchTemplate(subject term, t policy.Template) (matches term, problem string) {
	if p, ok := t.Pattern(); ok {
		return matchPattern(subject, p), ""
	}
	list, available := e.pieces(t)
	segments := cutSegments(list)
	first, length := segments[0], app("str.len", subject)
	if len(segments) == 1 {
		return and(available, wholeSegment(subject, first)), ""
	}
	all := and(available, startSegment(subject, first))
	place := first.length()
	for _, seg := range segments[1 : len(segments)-1] {
		if len(seg.texts) > 1 {
			return term{}, "a `?` inside what stands between two stars, in a pattern with a policy variable"
		}
		if len(seg.texts) == 0 {
			place = plus(place, integer(seg.tail))
			continue
		}
		found := app("str.indexof", subject, seg.texts[0], plus(place, integer(seg.gaps[0])))
		all = and(all, app(">=", found, integer(0)))
		place = plus(found, app("str.len", seg.texts[0]), integer(seg.tail))
	}
	last := segments[len(segments)-1]
	if before := segments[len(segments)-2]; len(last.texts)+last.tail == 0 && before.solid() {
		return all, "" // what was found lies inside the subject
	}
	return and(all, app(">=", length, plus(place, last.length())), endSegment(subject, last)), ""
}

// solid says whether the segment is one string, so that where it is in a subject, the
// subject is long enough. An empty string behind a `?` is also where the subject ends.
func (s segment) solid() bool { return len(s.texts) == 1 && s.gaps[0]+s.tail == 0 }

func wholeSegment(subject term, s segment) term {
	if s.solid() {
		return equal(subject, s.texts[0])
	}
	return and(equal(app("str.len", subject), s.length()), s.at(subject, integer(0)))
}

func startSegment(subject term, s segment) term {
	if len(s.texts) == 1 && s.gaps[0] == 0 {
		return app("str.prefixof", s.texts[0], subject)
	}
	return s.at(subject, integer(0))
}

func endSegment(subject term, s segment) term {
	if len(s.texts) == 1 && s.tail == 0 {
		return app("str.suffixof", s.texts[0], subject)
	}
	return s.at(subject, app("-", app("str.len", subject), s.length()))
}
