package policy

import (
	"iter"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// tape is a JSON text as its values in the order of the text, each followed by what it
// holds: an object by its keys and values in turn, an array by its elements.
//
//	{"a": [1, 2]}    is    {  "a"  [  1  2
//
// It takes 16 bytes a value, and one allocation when the text isn't much denser than
// policies are.
type tape struct {
	text    string
	values  []tapeValue
	escaped map[int32]string // texts of the strings that have a backslash
}

type tapeValue struct {
	start, end int32 // byte offsets of the value, quotes included
	next       int32 // index of the value after this one and what it holds
	kind       jsontext.Kind
}

// node is one value of a tape. The zero value is no node; its kind is 0.
type node struct {
	tape *tape
	at   int32
}

func (n node) kind() jsontext.Kind {
	if n.tape == nil {
		return 0
	}
	return n.tape.values[n.at].kind
}

func (n node) span() Span {
	v := n.tape.values[n.at]
	return Span{int(v.start), int(v.end)}
}

func (n node) start() int { return int(n.tape.values[n.at].start) }

// text is a string decoded, anything else as written.
func (n node) text() string {
	v := n.tape.values[n.at]
	if v.kind != '"' {
		return n.tape.text[v.start:v.end]
	}
	if text, ok := n.tape.escaped[n.at]; ok {
		return text
	}
	return n.tape.text[v.start+1 : v.end-1]
}

// escaped says whether a string is written otherwise than its text.
func (n node) escaped() bool {
	_, escaped := n.tape.escaped[n.at]
	return escaped
}

// next is what follows n and all it holds.
func (n node) next() node { return node{n.tape, n.tape.values[n.at].next} }

// members gives the keys and values of an object.
func (n node) members() iter.Seq2[node, node] {
	return func(yield func(key, value node) bool) {
		end := n.next().at
		for key := (node{n.tape, n.at + 1}); key.at < end; {
			value := key.next()
			if !yield(key, value) {
				return
			}
			key = value.next()
		}
	}
}

// list gives the elements of an array, or a scalar as a list of one.
func (n node) list() iter.Seq[node] {
	return func(yield func(node) bool) {
		end, at := n.next().at, n.at
		if n.kind() == '[' {
			at++
		}
		for elem := (node{n.tape, at}); elem.at < end && yield(elem); {
			elem = elem.next()
		}
	}
}

// count is the number of elements that list gives.
func (n node) count() int {
	count := 0
	for range n.list() {
		count++
	}
	return count
}

// empty says whether an array or object holds nothing.
func (n node) empty() bool { return n.next().at == n.at+1 }

// member finds a key and its value in an object; the first, should it stand there twice.
func (n node) member(name string) (key, value node) {
	for key, value := range n.members() {
		if key.text() == name {
			return key, value
		}
	}
	return node{}, node{}
}

// what names a value in messages.
func (n node) what() string {
	switch n.kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return quote(n.text()).String()
	}
	return brief(n.text())
}

// quote is a text from a document in a message. It is quoted when the message is made.
type quote string

func (q quote) String() string { return strconv.Quote(brief(string(q))) }

// brief cuts a text that would drown a message.
func brief(s string) string {
	const limit = 80
	if len(s) <= limit {
		return s
	}
	for at := range s {
		if at > limit {
			return s[:at] + "…"
		}
	}
	return s
}

// pointer is the JSON pointer (RFC 6901) of the innermost value that an offset stands
// in; a key counts as its value.
func (t *tape) pointer(offset int) string {
	var path []byte
	n := node{t, 0}
	for offset > n.start() {
		switch n.kind() {
		case '{':
			key, value := n.memberAt(offset)
			if key.kind() == 0 {
				return string(path)
			}
			path = append(append(path, '/'), escapePointer(key.text())...)
			if offset < value.start() {
				return string(path)
			}
			n = value
		case '[':
			i, elem := n.elemAt(offset)
			if elem.kind() == 0 {
				return string(path)
			}
			path = strconv.AppendInt(append(path, '/'), int64(i), 10)
			n = elem
		default:
			return string(path)
		}
	}
	return string(path)
}

func (n node) memberAt(offset int) (key, value node) {
	for key, value := range n.members() {
		if key.start() <= offset && offset < value.span().End {
			return key, value
		}
	}
	return node{}, node{}
}

func (n node) elemAt(offset int) (int, node) {
	i := 0
	for elem := range n.list() {
		if span := elem.span(); span.Start <= offset && offset < span.End {
			return i, elem
		}
		i++
	}
	return 0, node{}
}

func escapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
