package gate

import (
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// A placeholder that a statement excepts, by NotAction, NotResource or a condition, may be any
// text that another statement names, so that comparing letters isn't enough. Such a
// statement that both policies have is left aside in both: what the others open, they open
// beside it at most. One that only one of them has leaves the question undecided.

// excepts says whether what a statement excepts isn't known.
func (s statementJSON) excepts() bool {
	return slices.ContainsFunc(slices.Concat(s.NotAction, s.NotResource), isUnknown) || isUnknown(string(s.Condition))
}

// unexcepted is two policies without such statements; changed says that it isn't enough. They
// are nil if neither has any.
func unexcepted(old, next *policy.Document) (oldLeft, nextLeft *policy.Document, changed bool, err error) {
	oldList, err := statements(old)
	if err != nil {
		return nil, nil, false, err
	}
	nextList, err := statements(next)
	if err != nil {
		return nil, nil, false, err
	}
	if !slices.ContainsFunc(slices.Concat(oldList, nextList), statementJSON.excepts) {
		return nil, nil, false, nil
	}
	if !slices.Equal(excepting(oldList), excepting(nextList)) {
		return nil, nil, true, nil
	}
	oldLeft, oldErr := others(old, oldList)
	nextLeft, nextErr := others(next, nextList)
	if oldErr != nil {
		return nil, nil, false, oldErr
	}
	return oldLeft, nextLeft, false, nextErr
}

// excepting are the statements of a list that except what isn't known, as texts, sorted.
func excepting(list []statementJSON) []string {
	var out []string
	for _, s := range list {
		if s.excepts() {
			src, err := json.Marshal(s)
			if err != nil {
				panic("gate: " + err.Error()) // it was read from JSON
			}
			out = append(out, canonical(src))
		}
	}
	slices.Sort(out)
	return out
}

// others is a document of the statements of a list that except nothing unknown.
func others(doc *policy.Document, list []statementJSON) (*policy.Document, error) {
	left := slices.DeleteFunc(slices.Clone(list), statementJSON.excepts)
	if len(left) == 0 {
		left = []statementJSON{{Effect: "Allow", Action: texts{"*"}, Resource: texts{"*"}}, {Effect: "Deny", Action: texts{"*"}, Resource: texts{"*"}}}
	}
	return document(doc, left)
}

// exceptionChanged is the claim that can't be decided for a change of such a statement.
func exceptionChanged() prove.Claim {
	return prove.Claim{Verdict: prove.Undecided, Reason: "what a statement excepts, or its condition, isn't known"}
}
