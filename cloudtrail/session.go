package cloudtrail

import "hash/maphash"

// sessions remembers the identities of sessions by their text, so that they are
// read once. A new one takes the place of another.
type sessions struct {
	seed  maphash.Seed
	slots [1 << 10]session
}

// session is an identity by its text.
type session struct {
	text []byte // all of the object
	identity
	tally     uint64 // the tally in which principal counts
	principal int32
}

// sessionBytes is how much of an identity says in which slot it belongs. That of a session
// is longer; another is quickly read.
const sessionBytes = 256

func newSessions() *sessions { return &sessions{seed: maphash.MakeSeed()} }

// find returns the slot for an identity that the text begins with, whatever is in it;
// nil when it can't be in one.
func (s *sessions) find(text []byte) *session {
	if s == nil || len(text) < sessionBytes || text[0] != '{' {
		return nil
	}
	return &s.slots[maphash.Bytes(s.seed, text[:sessionBytes])%uint64(len(s.slots))]
}

// keep remembers the identity that src[i:next] says. Its texts lie in there.
func (e *session) keep(src []byte, i, next int, id identity) {
	e.text = append(e.text[:0], src[i:next]...)
	move := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		at := cap(src) - cap(b) - i
		return e.text[at : at+len(b)]
	}
	e.identity = identity{kind: move(id.kind), arn: move(id.arn), account: move(id.account), invokedBy: move(id.invokedBy), issuer: move(id.issuer), session: e}
	e.tally = 0
}
