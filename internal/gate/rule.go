package gate

import "fmt"

// Rule is what a result is about. The zero value is no rule.
type Rule uint8

// The rules. Their names are stable: ignore files, baselines and alerts have them.
const (
	NewAccess    Rule = iota + 1 // the policy allows, or no longer denies, what it did before
	DeniedAccess                 // the policy allows what the deny list has
	UnusedAccess                 // the policy allows what nobody used
	Unreadable                   // the policy, or the file, can't be known
)

// Rules are all of them, in order.
func Rules() []Rule { return []Rule{NewAccess, DeniedAccess, UnusedAccess, Unreadable} }

// String is the rule's name: "pare/new-access".
func (r Rule) String() string {
	switch r {
	case NewAccess:
		return "pare/new-access"
	case DeniedAccess:
		return "pare/denied-access"
	case UnusedAccess:
		return "pare/unused-access"
	case Unreadable:
		return "pare/unreadable"
	}
	return "no rule"
}

// ParseRule finds a rule by its name.
func ParseRule(name string) (Rule, error) {
	for _, r := range Rules() {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%q: no such rule: want pare/new-access, pare/denied-access, pare/unused-access or pare/unreadable", name)
}

// Level is how bad a result is. The zero value is none.
type Level uint8

// The levels.
const (
	Low Level = iota + 1
	Medium
	High
)

// String is the word for the level: "medium".
func (l Level) String() string {
	switch l {
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	}
	return "none"
}

// Level is how bad a result of the rule is.
func (r Rule) Level() Level {
	switch r {
	case DeniedAccess:
		return High
	case NewAccess, Unreadable:
		return Medium
	case UnusedAccess:
		return Low
	}
	return 0
}

// title is the rule in a few words.
func (r Rule) title() string {
	switch r {
	case NewAccess:
		return "New access"
	case DeniedAccess:
		return "Access on the deny list"
	case UnusedAccess:
		return "Unused access"
	case Unreadable:
		return "A policy that can't be known"
	}
	return ""
}

// help says what a result of the rule means and what to do.
func (r Rule) help() string {
	switch r {
	case NewAccess:
		return "The policy allows a request that it didn't allow before, or no longer denies one. " +
			"If that is what the change is for, have it reviewed, and ignore the result with a reason; else narrow the policy."
	case DeniedAccess:
		return "The policy allows a request that the deny list has. " +
			"Take the action out, narrow the resource, or ignore the result with a reason."
	case UnusedAccess:
		return "Nobody who has the policy used this in the window of the evidence. " +
			"The fix takes it out and leaves everything else; pare rewrite makes it too."
	case Unreadable:
		return "What the policy says depends on what the file doesn't hold, or the file can't be read: nothing was checked. " +
			"Correct the file, give the Terraform plan, which holds the values, or ignore the result with a reason."
	}
	return ""
}
