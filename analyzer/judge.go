package analyzer

import (
	"maps"
	"slices"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/usage"
)

// judgement is what all sources together say of a subject.
type judgement struct {
	usage.Judgement          // of what it is granted
	seen            bool     // some source saw it use something in the window, granted or not
	sources         []string // sources that there are, sorted, each once
}

// judge asks about all that is granted, and whether anything else was used either.
func (a *Analysis) judge(s *subject) judgement {
	granted := make([]*catalog.Action, 0, s.granted.actions.count())
	for id := range s.granted.actions.all() {
		granted = append(granted, a.Catalog.Action(id))
	}
	j := judgement{Judgement: usage.Judge(granted, slices.Sorted(maps.Keys(s.granted.services)), s.sources, a.Window)}
	j.seen = slices.ContainsFunc(j.Services, func(v usage.ServiceVerdict) bool { return v.State == usage.InUse })
	names := map[string]bool{}
	for _, svc := range a.Catalog.Services() {
		for _, source := range s.sources {
			sighting := source.Service(svc.Prefix, a.Window)
			j.seen = j.seen || sighting.State == usage.InUse
			if sighting.Source != usage.NoSource {
				names[sighting.Source.String()] = true
			}
		}
	}
	j.sources = slices.Sorted(maps.Keys(names))
	return j
}
