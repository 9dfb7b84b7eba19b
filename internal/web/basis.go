package web

import (
	"slices"
	"time"

	"github.com/pare-iam/pare/internal/store"
)

// basis is what figures rest on; it stands beside each of them.
type basis struct {
	Analyzer string
	Days     int // unused access age
	Accounts int // with a complete run
	Oldest   time.Time
	Newest   time.Time
	Sources  []string // sorted
	Catalogs []string // dates of the catalogs, sorted
	Partial  int      // accounts of which something couldn't be read
}

func basisOf(a store.Analyzer, runs []store.Run) basis {
	out := basis{Analyzer: a.Name, Days: a.UnusedAge, Accounts: len(runs)}
	for i, r := range runs {
		if i == 0 || r.WindowEnd.Before(out.Oldest) {
			out.Oldest = r.WindowEnd
		}
		if r.WindowEnd.After(out.Newest) {
			out.Newest = r.WindowEnd
		}
		if len(r.Report.Problems) > 0 {
			out.Partial++
		}
		for _, s := range r.Report.Sources {
			out.Sources = append(out.Sources, s.Name)
		}
		out.Catalogs = append(out.Catalogs, r.CatalogDate)
	}
	slices.Sort(out.Sources)
	slices.Sort(out.Catalogs)
	out.Sources, out.Catalogs = slices.Compact(out.Sources), slices.Compact(out.Catalogs)
	return out
}
