package access

import "math/bits"

// maxStatements is how many statements two sets of policies can have together before
// their comparison is undecided. All policies of a role hold fewer.
const maxStatements = 512

// stmtSet is a set of statements, by index. It is a value: comparable, copied.
type stmtSet [maxStatements / 64]uint64

func (s *stmtSet) add(i int)     { s[i/64] |= 1 << (i % 64) }
func (s stmtSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s stmtSet) or(t stmtSet) stmtSet {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

func (s stmtSet) and(t stmtSet) stmtSet {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

func (s stmtSet) xor(t stmtSet) stmtSet {
	for i := range s {
		s[i] ^= t[i]
	}
	return s
}

func (s stmtSet) without(t stmtSet) stmtSet {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

func (s stmtSet) empty() bool { return s == stmtSet{} }

func (s stmtSet) meets(t stmtSet) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

// all yields the members in order.
func (s stmtSet) all(yield func(int) bool) {
	for w, word := range s {
		for word != 0 {
			if !yield(w*64 + bits.TrailingZeros64(word)) {
				return
			}
			word &= word - 1
		}
	}
}
