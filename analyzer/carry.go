package analyzer

import (
	"cmp"
	"slices"
	"time"

	"github.com/pare-iam/pare/finding"
)

// KeepResolved is how long a resolved finding is kept after its status changed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html
const KeepResolved = 90 * 24 * time.Hour

// Carry compares the findings of this run with those that the last run saved, and returns
// all that are to be saved now, in the order of resources, types and IDs.
//
// A finding that is found again keeps the time it was created, and when it was updated
// unless something changed: what is unused, or its status. Archived by hand it stays
// archived; archived by a rule it stays so as long as a rule says so. One that isn't found
// again is resolved, unless this run didn't judge what it is about, or it is of another
// account: then it stays as it is. One that is resolved for 90 days is dropped.
func Carry(previous, current []finding.Finding, s Summary, now time.Time) []finding.Finding {
	before := make(map[string]*finding.Finding, len(previous))
	for i := range previous {
		before[previous[i].ID] = &previous[i]
	}
	skipped := map[string][]Skipped{} // by resource
	for _, skip := range s.Skipped {
		skipped[skip.Resource] = append(skipped[skip.Resource], skip)
	}
	var out []finding.Finding
	found := map[string]bool{}
	for _, f := range current {
		found[f.ID] = true
		out = append(out, again(before[f.ID], f, covers(skipped[f.Resource], &f)))
	}
	for _, f := range previous {
		switch {
		case found[f.ID]:
		case f.Account != s.Account || covers(skipped[f.Resource], &f):
			f.Change = finding.NotJudged
			out = append(out, f)
		default:
			if f, ok := gone(f, now); ok {
				out = append(out, f)
			}
		}
	}
	slices.SortFunc(out, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(typeOrder(a.Type), typeOrder(b.Type)), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func typeOrder(t finding.Type) int { return slices.Index(finding.Types(), t) }

// covers says whether what wasn't judged is, or may be, what a finding is about. Who was
// left alone on purpose has no finding any more.
func covers(skipped []Skipped, f *finding.Finding) bool {
	return slices.ContainsFunc(skipped, func(s Skipped) bool {
		missing := s.Reason == NoEvidence || s.Reason == Unreadable || s.Reason == Young && s.Type == ""
		return missing &&
			(s.Type == "" || s.Type == f.Type) &&
			(s.ResourceID == "" || f.ResourceID == "" || s.ResourceID == f.ResourceID) &&
			(s.AccessKeyID == "" || f.AccessKeyID == "" || s.AccessKeyID == f.AccessKeyID)
	})
}

// again continues a finding that was found before, nil if it wasn't. A run that missed
// something, and found less for it, doesn't count.
func again(before *finding.Finding, f finding.Finding, partial bool) finding.Finding {
	if before == nil {
		f.Change = finding.New
		return f
	}
	f.CreatedAt = before.CreatedAt
	if f.Status == finding.Active && before.Status == finding.Archived && before.ArchivedBy == "" {
		f.Status = finding.Archived
	}
	switch less, more := differ(before, &f); {
	case before.Status == finding.Resolved:
		f.Change = finding.Reopened
	case less && partial:
		f = *before
		f.Change = finding.NotJudged
	case more || f.Status != before.Status:
		f.Change = finding.Updated
	case less:
		f.Change = finding.PartlyFixed
	default:
		f.Change, f.UpdatedAt = finding.Same, before.UpdatedAt
	}
	return f
}

// gone resolves a finding, or drops it when it has been resolved for long enough.
func gone(f finding.Finding, now time.Time) (finding.Finding, bool) {
	if f.Status == finding.Resolved {
		f.Change = finding.Same
		return f, now.Sub(f.UpdatedAt) < KeepResolved
	}
	f.Status, f.Change, f.ArchivedBy = finding.Resolved, finding.Fixed, ""
	f.AnalyzedAt, f.UpdatedAt = now, now
	return f, true
}

// differ compares what is unused: less is that something isn't any more, more that
// something is that wasn't.
func differ(before, now *finding.Finding) (less, more bool) {
	old, cur := unusedOf(before), unusedOf(now)
	return !cur.contains(old), !old.contains(cur)
}

// unusedSet is services that are unused as a whole, and actions with their services.
type unusedSet struct {
	services map[string]bool
	actions  map[string]string
}

func unusedOf(f *finding.Finding) unusedSet {
	out := unusedSet{map[string]bool{}, map[string]string{}}
	for _, p := range f.Permissions {
		if len(p.Actions) == 0 {
			out.services[p.Namespace] = true
		}
		for _, a := range p.Actions {
			out.actions[a.Name] = p.Namespace
		}
	}
	return out
}

func (u unusedSet) contains(v unusedSet) bool {
	for s := range v.services {
		if !u.services[s] {
			return false
		}
	}
	for a, service := range v.actions {
		if _, has := u.actions[a]; !has && !u.services[service] {
			return false
		}
	}
	return true
}
