package collect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/snapshot"
)

// several is how many parts of a kind may be missing for one reason before they are said
// in one line, and few how many of them are named then.
const (
	several = 20
	few     = 3
)

// summary is what is missing, by What. Many of a kind, for the same reason, are one.
func summary(all []snapshot.Missing) []snapshot.Missing {
	type group struct{ kind, why string }
	ofKind := map[group][]string{}
	for _, m := range all {
		kind, arn, _ := strings.Cut(m.What, " of ")
		ofKind[group{kind, m.Why}] = append(ofKind[group{kind, m.Why}], arn)
	}
	var out []snapshot.Missing
	for g, arns := range ofKind {
		slices.Sort(arns)
		if len(arns) > several {
			out = append(out, snapshot.Missing{What: fmt.Sprintf("%s of %s and %d more", g.kind, strings.Join(arns[:few], ", "), len(arns)-few), Why: g.why})
			continue
		}
		for _, arn := range arns {
			what := g.kind
			if arn != "" {
				what += " of " + arn
			}
			out = append(out, snapshot.Missing{What: what, Why: g.why})
		}
	}
	slices.SortFunc(out, func(x, y snapshot.Missing) int { return cmp.Or(cmp.Compare(x.What, y.What), cmp.Compare(x.Why, y.Why)) })
	return out
}
