package catalogupdate

import (
	"fmt"
	"strings"

	"github.com/pare-iam/pare/catalog"
)

// A new catalog shrinks sharply if it has lost a tenth of all services or of all
// actions, or if it isn't older and a service of at least 20 actions has lost half of
// them. AWS retires some actions; that many at once is rather a source that broke, and
// an action that the catalog doesn't know may lose its permission when a wildcard is
// rewritten. An older catalog knows fewer actions of a service that has grown since.
const (
	mayLose        = 10 // percent of all
	mayLoseService = 50 // percent of a service
	fewActions     = 20
)

// ShrinkError says that a new catalog has lost too much to be believed.
type ShrinkError struct {
	Before, After *catalog.Catalog
	Lost          []string // what, in words
}

// Error says what shrank.
func (e *ShrinkError) Error() string {
	return fmt.Sprintf("the new catalog (%s, %s) shrinks sharply against the one in use (%s, %s): %s",
		e.After.Source(), e.After.Date(), e.Before.Source(), e.Before.Date(), strings.Join(e.Lost, "; "))
}

// CheckShrink returns a *[ShrinkError] if after has lost sharply against before.
func CheckShrink(before, after *catalog.Catalog) error {
	changes := catalog.Diff(before, after)
	var lost []string
	if n, all := len(changes.ServicesRemoved), len(before.Services()); n*100 >= all*mayLose && n > 0 {
		lost = append(lost, fmt.Sprintf("%d of %d services", n, all))
	}
	if n, all := len(changes.Removed), before.Len(); n*100 >= all*mayLose && n > 0 {
		lost = append(lost, fmt.Sprintf("%d of %d actions", n, all))
	}
	if after.Date() >= before.Date() {
		lost = append(lost, lostByService(before, changes)...)
	}
	if lost == nil {
		return nil
	}
	return &ShrinkError{Before: before, After: after, Lost: lost}
}

func lostByService(before *catalog.Catalog, changes catalog.Changes) []string {
	removed := map[*catalog.Service]int{}
	for _, a := range changes.Removed {
		removed[a.Service]++
	}
	var lost []string
	for _, s := range before.Services() {
		if n, all := removed[s], len(s.Actions); all >= fewActions && n*100 >= all*mayLoseService {
			lost = append(lost, fmt.Sprintf("%d of %d actions of %s", n, all, s.Prefix))
		}
	}
	return lost
}
