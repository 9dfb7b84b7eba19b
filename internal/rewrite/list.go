package rewrite

import (
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/usage"
)

// ByList makes the matches of a tree in which one policy is to lose what a list says is
// unused, without an account: the source's own policy stands for the live one. All others
// are matched with nothing. The error is a *iac.NotEditableError of a policy that isn't
// known.
func ByList(sources []*iac.Source, one *iac.Source, unused usage.Unused) ([]Match, error) {
	own, err := one.Policy()
	if err != nil {
		return nil, err
	}
	stand := &Live{ARN: one.Title(), Name: one.Title(), Document: own.Doc, Unused: unused}
	out := make([]Match, len(sources))
	for i, s := range sources {
		out[i].Source = s
		if s == one {
			out[i].Live = []*Live{stand}
		}
	}
	return out, nil
}
