package rewrite

import (
	"slices"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/refine"
)

// TakeWritten takes those out of Left whose files say already what is recommended, and
// gives them in the same order: each live policy would be what the file says without what
// is unused of all of them. A rewrite leaves that until it is deployed.
func (p *Plan) TakeWritten() []Left {
	refiner := refine.New(p.Catalog)
	var out []Left
	p.Left = slices.DeleteFunc(p.Left, func(l Left) bool {
		ok := l.Kind == Drifted && written(p.Catalog, refiner, &l)
		if ok {
			out = append(out, l)
		}
		return ok
	})
	return out
}

// written compares a file with each live policy as it would be.
func written(c *catalog.Catalog, refiner *refine.Refiner, left *Left) bool {
	own, err := left.Source.Policy()
	if err != nil {
		return false
	}
	unused := unusedByAll(c, left.Live)
	return len(left.Live) > 0 && !slices.ContainsFunc(left.Live, func(l *Live) bool {
		if l.Document == nil {
			return true
		}
		next, err := refiner.Policy(l.Document, unused)
		if err != nil || next.Document == nil {
			return true
		}
		return !compare(own.Doc, next.Document, nil).equal
	})
}
