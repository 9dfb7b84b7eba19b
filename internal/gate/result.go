package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

// Result is one thing that the check found.
type Result struct {
	Rule    Rule
	At      Place
	Root    string
	Address string // of the policy; empty for a policy file and a file that can't be read

	Message string          // without place, one line
	Request *access.Request // that shows it; nil if there is none
	Actions []string        // unused actions and services, or the deny list's actions

	// Undecided says that it isn't known whether the policy breaks the rule.
	Undecided bool

	Fixes []Fix

	// Suppressed says why the result doesn't count; nil if it does.
	Suppressed *Suppression

	// Fingerprint says which result it is, whatever else changes in the file.
	Fingerprint string

	covers  []string // what is known when this result is known: see Baseline
	action  string   // Request's, in the catalog's case
	subject string   // tells results of one rule and policy apart
	policy  *Policy  // nil for a file's

	// left looks again with something left aside, and tells of what is left; false: nothing.
	// It is nil for a result that stays whatever is left aside.
	left func(r *Result, e excuse) bool
}

// excuse is a part of a policy that is left aside.
type excuse struct {
	actions    []string // patterns, as in a policy
	statements []int
}

// Fix is a change of files that makes the result go.
type Fix struct {
	Description string
	Changes     []Replacement
}

// Replacement is new text in the place of old.
type Replacement struct {
	At          Place
	policy.Span        // in the file's bytes
	Text        string // that comes
}

// Suppression is why a result doesn't count.
type Suppression struct {
	By     SuppressedBy
	Reason string
	Where  string // path:line of what says so
}

// SuppressedBy is what a result is suppressed by. The zero value is nothing.
type SuppressedBy uint8

// What suppresses results.
const (
	ByFile     SuppressedBy = iota + 1 // an entry of .pareignore.yaml
	ByComment                          // a comment in the source
	ByBaseline                         // it was there when the baseline was written
)

// String is the word for it, as in JSON: "ignore file".
func (s SuppressedBy) String() string {
	switch s {
	case ByFile:
		return "ignore file"
	case ByComment:
		return "comment"
	case ByBaseline:
		return "baseline"
	}
	return "nothing"
}

// Report is what a check found.
type Report struct {
	Version string    // of pare
	Now     time.Time // when it was made
	Against string    // what the policies were compared with: "origin/main"; empty: with nothing
	Checked int       // how many policies
	Results []Result  // in the order of rule, path, line, address
	Notes   []string  // what the reader should know: expired and unneeded ignores, and the like
}

// Counting are the results that aren't suppressed.
func (r *Report) Counting() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(x Result) bool { return x.Suppressed != nil })
}

// Failing are the results that count, at or above a level. What can't be known is not one
// of them: see Partial.
func (r *Report) Failing(level Level) int {
	n := 0
	for _, x := range r.Counting() {
		if x.Rule != Unreadable && x.Rule.Level() >= level {
			n++
		}
	}
	return n
}

// Partial is how many policies and files can't be known.
func (r *Report) Partial() int {
	n := 0
	for _, x := range r.Counting() {
		if x.Rule == Unreadable {
			n++
		}
	}
	return n
}

// title names what a result is about.
func (r *Result) title() string {
	if r.Address == "" {
		return r.At.Path
	}
	return r.Address
}

// fingerprint is of what the result is about, not of where it stands.
func (r *Result) fingerprint() string {
	path := ""
	if r.Address == "" {
		path = r.At.Path
	}
	return digest(r.Rule.String(), r.Root, r.Address, path, r.subject)
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func itoa(n int) string { return strconv.Itoa(n) }

// counted is a number and its noun.
func counted(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return itoa(n) + " " + strings.TrimSuffix(noun, "y") + "ies"
	}
	return itoa(n) + " " + noun + "s"
}
