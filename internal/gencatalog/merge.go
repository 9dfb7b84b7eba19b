package main

import (
	"slices"
	"strings"

	"github.com/pare-iam/pare/catalog"
)

// merge adds to the base, AWS's own files, what only the newer source knows: services,
// actions, resource types and condition keys. Where both know something, AWS's files
// are kept as they are. Nothing is taken away: an action that only the base knows may
// still be in force, and a name too many keeps access, where a name too few could lose it.
//
// So the date of the result, up to which names are known, is the newer source's, and
// tracking and operations, which only AWS's files have, keep the base's.
func merge(base, newer catalog.Facts) (catalog.Facts, mergeCounts) {
	m := merger{at: map[string]int{}}
	m.out = catalog.Facts{Date: max(base.Date, newer.Date), FactsDate: base.FactsDate, Services: slices.Clone(base.Services)}
	for i, s := range m.out.Services {
		m.at[s.Prefix] = i
	}
	for _, s := range newer.Services {
		i, known := m.at[s.Prefix]
		if !known {
			m.counts.ServicesAdded++
			m.counts.ActionsAdded += len(s.Actions)
			m.out.Services = append(m.out.Services, s)
			continue
		}
		m.service(&m.out.Services[i], s)
	}
	m.counts.ActionsOnlyInBase = onlyInBase(base, newer)
	return m.out, m.counts
}

// mergeCounts says what merging met, for the provenance file.
type mergeCounts struct {
	ServicesAdded     int `json:"servicesAdded"`
	ActionsAdded      int `json:"actionsAdded"`
	ActionsOnlyInBase int `json:"actionsOnlyInBase"`
	LevelsDiffering   int `json:"levelsDiffering"` // the base's is kept
}

type merger struct {
	out    catalog.Facts
	at     map[string]int // prefix → position in out.Services
	counts mergeCounts
}

func (m *merger) service(into *catalog.ServiceFacts, newer catalog.ServiceFacts) {
	levels := map[string]catalog.Level{}
	for _, a := range into.Actions {
		levels[strings.ToLower(a.Name)] = a.Level
	}
	before := len(into.Actions)
	for _, a := range newer.Actions {
		if level, known := levels[strings.ToLower(a.Name)]; known && level != a.Level {
			m.counts.LevelsDiffering++
		}
	}
	into.Actions = addNew(into.Actions, newer.Actions, func(a catalog.ActionFacts) string { return a.Name })
	m.counts.ActionsAdded += len(into.Actions) - before
	into.Resources = addNew(into.Resources, newer.Resources, func(r catalog.ResourceType) string { return r.Name })
	into.Conditions = addNew(into.Conditions, newer.Conditions, func(k catalog.ConditionKey) string { return k.Name })
}

// addNew appends the entries whose name, case ignored, base doesn't have.
func addNew[T any](base, newer []T, name func(T) string) []T {
	known := make(map[string]bool, len(base))
	for _, v := range base {
		known[strings.ToLower(name(v))] = true
	}
	out := slices.Clip(base)
	for _, v := range newer {
		if !known[strings.ToLower(name(v))] {
			out = append(out, v)
		}
	}
	return out
}

func onlyInBase(base, newer catalog.Facts) int {
	known := map[string]bool{}
	for _, s := range newer.Services {
		for _, a := range s.Actions {
			known[s.Prefix+":"+strings.ToLower(a.Name)] = true
		}
	}
	n := 0
	for _, s := range base.Services {
		for _, a := range s.Actions {
			if !known[s.Prefix+":"+strings.ToLower(a.Name)] {
				n++
			}
		}
	}
	return n
}
