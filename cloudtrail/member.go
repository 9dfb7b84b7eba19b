package cloudtrail

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// member is what a member of a record means.
type member uint8

const (
	otherMember member = iota
	timeMember
	sourceMember
	nameMember
	regionMember
	accountMember
	errorMember
	typeMember
	categoryMember
	readOnlyMember
	managementMember
	identityMember
	paramsMember
	resourcesMember
	insightMember
	embeddedMember
	rowMember
	digestMember
	listMember
)

func memberNamed(name []byte) member {
	switch string(name) {
	case "eventTime":
		return timeMember
	case "eventSource":
		return sourceMember
	case "eventName":
		return nameMember
	case "awsRegion":
		return regionMember
	case "recipientAccountId":
		return accountMember
	case "errorCode":
		return errorMember
	case "eventType":
		return typeMember
	case "eventCategory":
		return categoryMember
	case "readOnly":
		return readOnlyMember
	case "managementEvent":
		return managementMember
	case "userIdentity":
		return identityMember
	case "requestParameters":
		return paramsMember
	case "resources":
		return resourcesMember
	case "insightDetails":
		return insightMember
	case "CloudTrailEvent", "eventJson", "eventjson", "eventData", "eventdata":
		return embeddedMember
	case "eventtime", "eventsource", "eventname", "useridentity":
		return rowMember
	case "digestStartTime", "logFiles":
		return digestMember
	case "Records", "Events":
		return listMember
	}
	return otherMember
}

// expected is a member's name as texts have it, and what mostly follows it.
type expected struct {
	text []byte // "eventTime": with its quotes and its colon
	words
	member
	next   [2]int        // places in scanner.expected, the last seen first; 0 is none
	run    run           // what stood behind the value last time
	misses uint8         // how many values in a row weren't in values
	values [kinds][]byte // the last value by the kind of the record, unless it was long, or a number
}

// maxMisses is when a member's values seem to be new each time: they aren't kept any more.
const maxMisses = 200

// kinds is how many kinds of records are told apart: mostly each service is one.
const kinds = 32

// kindOf is the kind of a record by its eventSource.
func kindOf(source []byte) int {
	const odd = 0x9E3779B97F4A7C15 // 2^64 over the golden ratio
	if len(source) < 8 {
		return 0
	}
	return int(word(source) * odd >> 59)
}

// words are texts of 8 to 24 bytes as numbers, which are quicker to compare: the first
// eight bytes, the last eight, and the eight before, which may overlap.
type words struct{ first, last, middle uint64 }

func wordsOf(text []byte) words {
	n := len(text)
	if n < 8 || n > 24 {
		return words{}
	}
	w := words{first: word(text), last: word(text[n-8:])}
	w.middle = word(text[max(0, n-16):])
	return w
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// at says whether the text stands at the beginning of src.
func (e *expected) at(src []byte) bool {
	n := len(e.text)
	if n < 8 || n > 24 || len(src) < 24 {
		return bytes.HasPrefix(src, e.text)
	}
	return word(src) == e.first && word(src[n-8:]) == e.last && word(src[max(0, n-16):]) == e.middle
}

// The bounds of the memory for names, of which there are about thirty, and for values.
const (
	maxExpected = 128
	maxName     = 64
	maxValue    = 256
)

// member reads a member's name and its colon, up to the value. Records are much alike: it
// looks first for the names that followed the one before when that was last seen, which
// saves reading it. Place is where that one is in s.expected, and what is returned for
// this one.
func (s *scanner) member(i, place int) (int, member, int) {
	if len(s.expected) == 0 {
		s.expected = append(s.expected, expected{}) // before the first
	}
	before := &s.expected[place]
	for _, guess := range before.next {
		if e := &s.expected[guess]; guess > 0 && e.at(s.src[i:]) {
			before.follow(guess)
			return s.blank(i + len(e.text)), e.member, guess
		}
	}
	return s.newMember(i, place)
}

// follow notes what followed e.
func (e *expected) follow(place int) {
	if e.next[0] != place {
		e.next = [2]int{place, e.next[0]}
	}
}

// newMember is member for a name that wasn't expected.
func (s *scanner) newMember(i, place int) (int, member, int) {
	if s.src[i] != '"' {
		return s.fail(i, "a member's name in quotes"), 0, 0
	}
	end, plain := s.str(i + 1)
	if end < 0 {
		return end, 0, 0
	}
	next := s.colon(end)
	if next < 0 {
		return next, 0, 0
	}
	name := s.src[i+1 : end-1]
	if !plain {
		return next, memberNamed(s.unquote(name)), 0
	}
	m := memberNamed(name)
	if s.src[end] != ':' {
		return next, m, 0
	}
	here := s.expect(s.src[i:end+1], m)
	s.expected[place].follow(here)
	return next, m, here
}

// expect returns the place of a name in s.expected; 0 when there are too many.
func (s *scanner) expect(text []byte, m member) int {
	for k := 1; k < len(s.expected); k++ {
		if bytes.Equal(s.expected[k].text, text) {
			return k
		}
	}
	if len(s.expected) >= maxExpected || len(text) > maxName {
		return 0
	}
	s.expected = append(s.expected, expected{text: bytes.Clone(text), words: wordsOf(text), member: m})
	return len(s.expected) - 1
}

// pass reads a value that doesn't count. It often is what it was last time in a record
// of the kind.
func (s *scanner) pass(i, place, kind int) int {
	e := &s.expected[place]
	if e.misses >= maxMisses {
		return s.skip(i)
	}
	value := &e.values[kind]
	if len(*value) > 0 && bytes.HasPrefix(s.src[i:], *value) {
		e.misses = 0
		return i + len(*value)
	}
	e.misses++
	next := s.skip(i)
	if c := s.src[i]; next >= 0 && next-i <= maxValue && place > 0 && c != '-' && (c < '0' || c > '9') {
		*value = append((*value)[:0], s.src[i:next]...)
	}
	return next
}

// run is a piece of a record: some steady members one behind the other, as text.
type run struct {
	text  []byte // from the first one's name to the last one's value; empty when there is none
	parts []part
	place int // of the last one in scanner.expected
}

// part is a member, with where its value begins and ends.
type part struct {
	member
	from, to int
}

// begun is where the run began that is being read, if start isn't 0, and behind which place.
type begun struct{ start, place int }

// steady says whether a member's value seldom changes. Those are neighbors in a record.
func (m member) steady() bool {
	return m == typeMember || m == managementMember || m == accountMember || m == categoryMember
}

// rerun reads the run that was last seen behind a place, if it is there again. Else next is i.
func (s *scanner) rerun(r *record, i, place int) (next, here int) {
	if place >= len(s.expected) {
		return i, place
	}
	run := &s.expected[place].run
	if len(run.text) == 0 || !bytes.HasPrefix(s.src[i:], run.text) {
		return i, place
	}
	for _, p := range run.parts {
		value := s.src[i+p.from : i+p.to]
		switch text := value[1 : len(value)-1]; p.member {
		case typeMember:
			r.eventType = text
		case managementMember:
			r.notManagement = value[0] == 'f'
		case accountMember:
			r.account = text
		case categoryMember:
			r.category = text
		}
	}
	s.begun.start = 0
	return i + len(run.text), run.place
}

// extend adds a steady member, whose name begins at i, to the run that is being read. It
// keeps runs whose values are plain texts, true and false alone.
func (s *scanner) extend(before, i int, p part, place int) {
	if s.begun.start == 0 {
		s.begun = begun{i, before}
		s.expected[before].run.parts = s.expected[before].run.parts[:0]
	}
	run := &s.expected[s.begun.place].run
	run.text = run.text[:0]
	c, text := s.src[p.from], s.src[s.begun.start:p.to]
	if flag := p.member == managementMember; flag && c != 't' && c != 'f' || !flag && c != '"' || len(text) > maxValue || !ordinary(text) {
		s.begun.start = 0
		return
	}
	run.parts = append(run.parts, part{p.member, p.from - s.begun.start, p.to - s.begun.start})
	run.text, run.place = append(run.text, text...), place
}

// ordinary says whether a JSON text is ASCII without escapes.
func ordinary(text []byte) bool {
	for _, c := range text {
		if c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
