package cloudtrail

import "strings"

// Needed lists what an event may need, "s3:GetObject" and true for a primary one, for the
// tests' own reader, which counts by itself but doesn't map.
func (m *Mapper) Needed(source, name string) (actions map[string]bool, free, mayPass bool) {
	e := m.event(eventKey{source: source, name: name})
	actions = map[string]bool{}
	for _, a := range e.actions {
		actions[a.String()] = a.primary
	}
	return actions, e.free, e.mayPass
}

// NeededForTags lists what an event may need besides when what it makes gets tags.
func (m *Mapper) NeededForTags(source, name string) (actions []string) {
	if m.event(eventKey{source: source, name: name}).mayTag {
		for _, a := range m.event(eventKey{source, name, tagging}).actions {
			actions = append(actions, a.String())
		}
	}
	return actions
}

// Cells is the number of cells, which is what memory is spent on.
func (t *Tally) Cells() int { return len(t.cells) }

// Narrow returns a mapper whose tallies begin with so many bytes of text in memory.
func Narrow(m *Mapper, window int) *Mapper {
	n := NewMapper(m.catalog)
	n.window = window
	return n
}

// RoleParameter says whether a parameter of that name passes a role.
func RoleParameter(name string) bool { return roleParameter([]byte(name)) }

// Denied says whether an error code means that a permission was missing.
func Denied(code string) bool { return denied([]byte(strings.Clone(code))) }
