package cloudtrail

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON texts by position. A method that reads something begins at the
// position it is given and returns the one behind it, or failed. It refuses what
// encoding/json refuses, and nothing else.
//
// The text is followed by pad zero bytes. A zero byte belongs nowhere in JSON, so that
// every loop stops there: none asks for the end.
type scanner struct {
	src []byte // the text and the zero bytes
	end int    // length of the text

	at   int    // where it failed
	want string // and what was wanted there

	depth   int                     // how many objects and lists are open that object and resources read
	kinds   [maxDepth/64 + 1]uint64 // what each one inside them is: 1 for an object
	scratch []byte                  // strings that had escapes
	names   [][]byte                // see parameters

	expected []expected // see member
	begun    begun      // see extend
	sessions *sessions  // nil: nothing is remembered
}

const (
	failed   = -1
	pad      = 8
	maxDepth = 10000 // as in encoding/json
)

// reset makes s read a text that pad zero bytes follow.
func (s *scanner) reset(src []byte, end int) { s.src, s.end = src, end }

func (s *scanner) fail(at int, want string) int {
	s.at, s.want = at, want
	return failed
}

// short says whether it failed because the text ends, which more text may help.
func (s *scanner) short() bool { return s.at >= s.end }

func (s *scanner) failure() string {
	if s.short() {
		return "the text ends in the middle of a value"
	}
	return fmt.Sprintf("%q: want %s", rune(s.src[s.at]), s.want)
}

func space(c byte) bool { return c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r') }

// blank skips white space.
func (s *scanner) blank(i int) int {
	for space(s.src[i]) {
		i++
	}
	return i
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x8080808080808080
)

// str reads a string from behind its opening quote to behind its closing one, and says
// whether its bytes are what it says: whether all are ASCII and there is no escape. It
// looks at eight bytes at a time, in which stops finds the first that isn't an ordinary one.
func (s *scanner) str(i int) (next int, plain bool) {
	src, plain := s.src, true
	var all uint64
	for {
		w := binary.LittleEndian.Uint64(src[i:])
		stop := stops(w)
		if stop == 0 {
			all |= w
			i += 8
			continue
		}
		all |= w & (stop ^ (stop - 1)) // up to the byte at which it stops, which is ASCII
		i += bits.TrailingZeros64(stop) / 8
		switch src[i] {
		case '"':
			return i + 1, plain && all&highBits == 0
		case '\\':
			plain = false
			if i = s.escape(i + 1); i < 0 {
				return i, false
			}
		default:
			return s.fail(i, "no control character in a string"), false
		}
	}
}

// stops marks the bytes of w at which a string doesn't simply go on: a quote, a backslash
// or a control character. The lowest mark is right, those above it may not be.
//
// With its second bit flipped a quote is next to the control characters: the flipped byte
// is below 0x21. Subtracting that, and 1 from what is zero for a backslash, borrows into the
// high bit, and never from a byte above unless there is a mark below.
func stops(w uint64) uint64 {
	const flip, limit = 0x02 * eachByte, 0x21 * eachByte
	return ((w ^ flip - limit) | (w ^ ('\\' * eachByte) - eachByte)) &^ w & highBits
}

// escape reads what follows a backslash.
func (s *scanner) escape(i int) int {
	switch s.src[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for k := i + 1; k <= i+4; k++ {
			if _, ok := hex(s.src[k]); !ok {
				return s.fail(k, "a hexadecimal digit")
			}
		}
		return i + 5
	}
	return s.fail(i, "an escape character")
}

func hex(c byte) (rune, bool) {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0'), true
	case 'a' <= c && c <= 'f':
		return rune(c - 'a' + 10), true
	case 'A' <= c && c <= 'F':
		return rune(c - 'A' + 10), true
	}
	return 0, false
}

// text reads a string from its opening quote on and returns what it says. The slice is
// valid as long as src.
func (s *scanner) text(i int) (text []byte, next int) {
	next, plain := s.str(i + 1)
	if next < 0 {
		return nil, next
	}
	text = s.src[i+1 : next-1]
	if !plain {
		text = s.unquote(text)
	}
	return text, next
}

// unquote resolves the escapes of a string that str has read. What isn't Unicode becomes
// U+FFFD, as in encoding/json.
func (s *scanner) unquote(raw []byte) []byte {
	start := len(s.scratch)
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '\\' && raw[i+1] == 'u':
			r, n := codePoint(raw[i:])
			s.scratch = utf8.AppendRune(s.scratch, r)
			i += n
		case c == '\\':
			s.scratch = append(s.scratch, meant(raw[i+1]))
			i += 2
		case c < utf8.RuneSelf:
			s.scratch = append(s.scratch, c)
			i++
		default:
			r, n := utf8.DecodeRune(raw[i:])
			s.scratch = utf8.AppendRune(s.scratch, r)
			i += n
		}
	}
	return s.scratch[start:len(s.scratch):len(s.scratch)]
}

// meant is what the one-letter escapes stand for.
func meant(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// codePoint reads \uXXXX, or two of them that are a surrogate pair.
func codePoint(raw []byte) (r rune, n int) {
	r = unit(raw)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(r, unit(raw[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

func unit(raw []byte) (r rune) {
	for _, c := range raw[2:6] {
		digit, _ := hex(c) // escape has read it
		r = r<<4 | digit
	}
	return r
}

// skip reads a value, whatever it is.
func (s *scanner) skip(i int) int {
	switch s.src[i] {
	case '"':
		next, _ := s.str(i + 1)
		return next
	case '{', '[':
		return s.container(i)
	}
	return s.scalar(i)
}

// container reads an object or a list with all that is in it.
func (s *scanner) container(i int) int {
	src, depth, object := s.src, s.depth, false
	for {
		// A value begins at i.
		switch c := src[i]; c {
		case '"':
			i, _ = s.str(i + 1)
		case '{', '[':
			if depth++; depth > maxDepth {
				return s.fail(i, "no more than 10,000 values inside one another")
			}
			s.push(depth, object)
			object = c == '{'
			i = s.blank(i + 1)
			if src[i] == c+2 { // the bracket that closes it
				object = s.pop(depth)
				depth--
				i++
				break
			}
			if object {
				if i = s.key(i); i < 0 {
					return i
				}
			}
			continue
		default:
			i = s.scalar(i)
		}
		if i < 0 {
			return i
		}
		// A value ended before i.
		for {
			if depth == s.depth {
				return i
			}
			i = s.blank(i)
			if src[i] == ',' {
				break
			}
			if object && src[i] != '}' || !object && src[i] != ']' {
				return s.fail(i, "a comma or the closing bracket")
			}
			object = s.pop(depth)
			depth--
			i++
		}
		i = s.blank(i + 1)
		if object {
			if i = s.key(i); i < 0 {
				return i
			}
		}
	}
}

func (s *scanner) push(depth int, object bool) {
	if object {
		s.kinds[depth/64] |= 1 << (depth % 64)
	} else {
		s.kinds[depth/64] &^= 1 << (depth % 64)
	}
}

func (s *scanner) pop(depth int) bool { return s.kinds[depth/64]>>(depth%64)&1 != 0 }

// key reads a member's name and its colon, up to the value.
func (s *scanner) key(i int) int {
	if s.src[i] != '"' {
		return s.fail(i, "a member's name in quotes")
	}
	if i, _ = s.str(i + 1); i < 0 {
		return i
	}
	return s.colon(i)
}

func (s *scanner) colon(i int) int {
	i = s.blank(i)
	if s.src[i] != ':' {
		return s.fail(i, "a colon")
	}
	return s.blank(i + 1)
}

// scalar reads a number, true, false or null.
func (s *scanner) scalar(i int) int {
	switch c := s.src[i]; {
	case c == 't':
		return s.literal(i, "true")
	case c == 'f':
		return s.literal(i, "false")
	case c == 'n':
		return s.literal(i, "null")
	case c == '-' || '0' <= c && c <= '9':
		return s.number(i)
	}
	return s.fail(i, "a value")
}

func (s *scanner) literal(i int, word string) int {
	for k := range len(word) {
		if s.src[i+k] != word[k] {
			return s.fail(i+k, word)
		}
	}
	return i + len(word)
}

func (s *scanner) number(i int) int {
	if s.src[i] == '-' {
		i++
	}
	if s.src[i] == '0' {
		i++
	} else if i = s.digits(i); i < 0 {
		return i
	}
	if s.src[i] == '.' {
		if i = s.digits(i + 1); i < 0 {
			return i
		}
	}
	if s.src[i]|' ' == 'e' {
		i++
		if s.src[i] == '+' || s.src[i] == '-' {
			i++
		}
		return s.digits(i)
	}
	return i
}

func (s *scanner) digits(i int) int {
	start := i
	for '0' <= s.src[i] && s.src[i] <= '9' {
		i++
	}
	if i == start {
		return s.fail(i, "a digit")
	}
	return i
}
