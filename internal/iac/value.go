package iac

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pare-iam/pare/policy"
)

// Lang is the language of a file, or of a part of one. The zero value is none.
type Lang uint8

// The languages. JSON is taken with comments and trailing commas too.
const (
	HCL Lang = iota + 1
	YAML
	JSON
)

// File is a file as it was read.
type File struct {
	Path string // below the tree's root, with slashes: for messages and diffs
	Lang Lang
	Src  []byte // byte order mark and line endings included; nobody changes it
}

// Where says path:line:column of a byte offset, for messages.
func (f *File) Where(offset int) string {
	line, column := policy.Position(f.Src, offset)
	return fmt.Sprintf("%s:%d:%d", f.Path, line, column)
}

// Kind is what a Value is. The zero value is the safe one.
type Kind uint8

// The kinds of values.
const (
	Unknown Kind = iota // computed: Why says by what
	Text                // a string
	Literal             // a number, a Boolean or null; Text is as written
	List
	Object
)

// Form is how a list is laid out. The zero value is no list.
type Form uint8

// The forms of lists.
const (
	Brackets Form = iota + 1 // [a, b] of HCL, JSON and YAML
	Dashes                   // "- a" lines of YAML
	Alone                    // one value where a list may stand; it is its own entry
	Blocks                   // blocks of one type in HCL, wherever they stand, in any of several files
)

// Value is a value in a file, or one that stands for what a file leaves out: then File
// is nil. Values of one tree may be of several files, as when a local value or a
// template in another file is followed.
type Value struct {
	Kind        Kind
	File        *File
	policy.Span      // in File.Src; quotes, brackets, braces and, of a heredoc, its JSON alone included
	Lang        Lang // of these bytes: JSON in an HCL file's heredoc is JSON

	Text    string   // of a Text, decoded, with a placeholder for each hole; of a Literal as written
	Holes   []Hole   // of a Text: what isn't known of it, in order
	Form    Form     // of a List
	Entries []*Value // of a List
	Members []Member // of an Object, in the order of the file

	// Why says why an Unknown isn't known, or why another value must not be changed though
	// it is known: "an anchor, which other places refer to". It is empty if it may be.
	Why string

	// WhyWhole says why entries of a List must not go, and no others come, though what is in
	// an entry may change. It is empty if they may.
	WhyWhole string
}

// Member is a key and its value in an Object. An HCL block is a member of its body: its
// key is the type and the labels, separated by spaces.
type Member struct {
	Key   string
	At    policy.Span // of the key; zero when nothing is written
	Value *Value
}

// Hole is a part of a text that isn't known: an interpolation.
type Hole struct {
	policy.Span        // of the placeholder, in the text
	Expr        string // as written: "var.bucket"
}

// Get is the value of an object's key, and nil if there is none.
func (v *Value) Get(key string) *Value {
	for _, m := range v.Members {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

// Where says path:line:column of the value, or "" for one that is written nowhere.
func (v *Value) Where() string {
	if v.File == nil {
		return ""
	}
	return v.File.Where(v.Start)
}

// Placeholder stands in a text for what isn't known. It is the same for the same
// expression in the same scope, such as a module's address, and holds no character that
// means something in a policy, so that a policy with it can be parsed and compared.
func Placeholder(scope, expr string) string {
	sum := sha256.Sum256([]byte(scope + "\x00" + expr))
	return unknownPrefix + hex.EncodeToString(sum[:8])
}

const unknownPrefix = "pare-unknown-"
