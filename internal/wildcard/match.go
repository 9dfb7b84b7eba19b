package wildcard

import (
	"strings"
	"unicode/utf8"
)

// Match says whether s is one of the pattern's strings. Every byte of s that isn't
// UTF-8 counts as U+FFFD. Cost and method are those of Contains.
func (p Pattern) Match(s string) bool { return p.Contains(Literal(s)) }

// Contains says whether every string of q is a string of p. The answer is exact.
//
// p falls into segments between its stars, and q is read as a text in which a `*` is a
// break that no character of p matches. The first segment is anchored at the start of
// q and the last at its end; each one between is taken at its leftmost place after the
// one before. `?`s at a segment's end only ask for so many more characters, and are
// counted off from q's characters, breaks skipped.
//
// This decides containment because one string of q is the hardest for p: every `*` of q
// is empty where `?`s are counted off, and elsewhere a run of characters that neither
// pattern names, too long for a segment to span. What is found at a place in that
// string is found there or further left in every string of q.
//
//	`a*c?*` contains `a*bc*d`: a at the start, c after b, ? counts off d
//	`a*c?*` doesn't contain `a*bc*`: nothing is left to count off; abc isn't in it
//
// Nothing is tried twice: the cost is linear in the length of q whatever the number of
// stars, times len(p)/64 at worst, for segments with a `?` inside.
func (p Pattern) Contains(q Pattern) bool {
	if p == q {
		return true
	}
	text := q.enc
	seg, rest, hasStar := strings.Cut(p.enc, starText)
	if !hasStar {
		n, ok := matchHere(seg, text)
		return ok && n == len(text)
	}
	seg, count := trimAny(seg)
	end, ok := matchHere(seg, text)
	for ok {
		text, ok = skip(text[end:], count)
		if rest == "" { // p ends with a star
			return ok
		}
		seg, rest, hasStar = strings.Cut(rest, starText)
		if !hasStar {
			return ok && matchTail(seg, text)
		}
		seg, count = trimAny(seg)
		end = indexEnd(seg, text)
		ok = ok && end >= 0
	}
	return false
}

// trimAny splits off the `?`s at the end of a segment and counts them.
func trimAny(seg string) (rest string, count int) {
	n := len(seg)
	for n > 0 && seg[n-1] == any1 {
		n--
	}
	return seg[:n], len(seg) - n
}

// skip leaves out as many characters, and the breaks before and between them. It is
// false when the text has fewer.
func skip(text string, count int) (rest string, ok bool) {
	for count > 0 && text != "" {
		if text[0] != star {
			count--
		}
		text = text[width(text):]
	}
	return text, count == 0
}

// width is the length of the token with which text starts, in bytes.
func width(text string) int {
	if text[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(text) // 1 for a wildcard, which isn't UTF-8
	return n
}

// matchHere matches a segment at the start of text and says how many bytes it takes.
func matchHere(seg, text string) (n int, ok bool) {
	for i := 0; i < len(seg); i++ {
		switch {
		case n == len(text):
			return 0, false
		case seg[i] == any1 && text[n] != star:
			n += width(text[n:])
		case seg[i] == text[n]:
			n++
		default:
			return 0, false
		}
	}
	return n, true
}

// matchTail says whether a segment matches some end of text.
func matchTail(seg, text string) bool {
	for i := len(seg) - 1; i >= 0; i-- {
		end := len(text) - 1
		switch {
		case end < 0:
			return false
		case seg[i] == any1 && text[end] != star:
			_, n := utf8.DecodeLastRuneInString(text)
			text = text[:len(text)-n]
		case seg[i] == text[end]:
			text = text[:end]
		default:
			return false
		}
	}
	return true
}

// indexEnd finds the leftmost place of a segment in text and returns where it ends, or
// -1.
func indexEnd(seg, text string) int {
	if strings.IndexByte(seg, any1) >= 0 {
		return shiftAnd(Pattern{seg}.Tokens(), text)
	}
	i := strings.Index(text, seg)
	if i < 0 {
		return -1
	}
	return i + len(seg)
}

// shiftAnd is indexEnd for a segment with `?`s inside: the bit-parallel search of
// Baeza-Yates and Gonnet ("A new approach to text searching", CACM 35:10, 1992). Bit i
// of state is set when the segment's first i+1 tokens match the text that ends here.
func shiftAnd(seg []Token, text string) int {
	words := (len(seg) + 63) / 64
	anyMask := make([]uint64, words)
	masks := map[rune][]uint64{}
	for i, tok := range seg {
		if tok.Kind == Any {
			anyMask[i/64] |= 1 << (i % 64)
			continue
		}
		if masks[tok.Char] == nil {
			masks[tok.Char] = make([]uint64, words)
		}
		masks[tok.Char][i/64] |= 1 << (i % 64)
	}
	state := make([]uint64, words)
	last := len(seg) - 1
	for at := 0; at < len(text); {
		tok, n := decode(text[at:])
		at += n
		switch tok.Kind {
		case Star:
			clear(state)
		case Any:
			advance(state, nil, anyMask)
		case Char:
			advance(state, masks[tok.Char], anyMask)
		}
		if state[last/64]&(1<<(last%64)) != 0 {
			return at
		}
	}
	return -1
}

// advance reads one character. mask has the places that ask for it; nil is none.
func advance(state, mask, anyMask []uint64) {
	carry := uint64(1)
	for w := range state {
		allowed := anyMask[w]
		if mask != nil {
			allowed |= mask[w]
		}
		next := state[w] >> 63
		state[w] = (state[w]<<1 | carry) & allowed
		carry = next
	}
}
