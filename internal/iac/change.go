package iac

// Change is one change of a list in a file: an entry that gives way to texts, texts that
// are appended, or an entry that goes.
type Change struct {
	List *Value

	// Entry is the index of the entry that goes; the list's length when In is appended and
	// nothing goes.
	Entry int

	In []string // decoded texts that come in the entry's place, in order; may be empty
}
