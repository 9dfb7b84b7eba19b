package catalog

import "slices"

// Changes is what differs between two catalogs, sorted by service and lower-case name.
// Actions of an added or removed service are listed like any other.
type Changes struct {
	ServicesAdded   []*Service // of the later catalog
	ServicesRemoved []*Service // of the earlier catalog
	Added           []*Action  // of the later catalog
	Removed         []*Action  // of the earlier catalog
	Changed         []Change
}

// Change is one action that both catalogs have, and differently.
type Change struct{ Before, After *Action }

// Empty reports whether nothing differs.
func (c Changes) Empty() bool {
	return len(c.ServicesAdded)+len(c.ServicesRemoved)+len(c.Added)+len(c.Removed)+len(c.Changed) == 0
}

// Diff compares two catalogs by service and action name, case ignored. An action that
// both have is changed if its casing, its level or its tracking differs; what one side
// doesn't say (an unknown level, the tracking of names alone) is no difference.
// Details aren't compared.
func Diff(before, after *Catalog) Changes {
	d := differ{tracking: !before.namesOnly && !after.namesOnly}
	for _, s := range before.services {
		if later := after.Service(s.Prefix); later == nil {
			d.out.ServicesRemoved = append(d.out.ServicesRemoved, s)
			d.out.Removed = appendActions(d.out.Removed, s)
		} else {
			d.service(s, later)
		}
	}
	for _, s := range after.services {
		if earlier := before.Service(s.Prefix); earlier == nil {
			d.out.ServicesAdded = append(d.out.ServicesAdded, s)
			d.out.Added = appendActions(d.out.Added, s)
		} else {
			d.added(earlier, s)
		}
	}
	return d.out
}

type differ struct {
	tracking bool // both sides state it
	out      Changes
}

func (d *differ) service(before, after *Service) {
	for i := range before.Actions {
		earlier := &before.Actions[i]
		switch later := after.Lookup(earlier.Lower); {
		case later == nil:
			d.out.Removed = append(d.out.Removed, earlier)
		case d.differ(earlier, later):
			d.out.Changed = append(d.out.Changed, Change{earlier, later})
		}
	}
}

func (d *differ) added(before, after *Service) {
	for i := range after.Actions {
		if before.Lookup(after.Actions[i].Lower) == nil {
			d.out.Added = append(d.out.Added, &after.Actions[i])
		}
	}
}

func (d *differ) differ(a, b *Action) bool {
	levels := a.Level != b.Level && a.Level != LevelUnknown && b.Level != LevelUnknown
	return a.Name != b.Name || levels || d.tracking && a.Tracked != b.Tracked
}

func appendActions(to []*Action, s *Service) []*Action {
	to = slices.Grow(to, len(s.Actions))
	for i := range s.Actions {
		to = append(to, &s.Actions[i])
	}
	return to
}
