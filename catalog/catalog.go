package catalog

import "slices"

// Catalog is an immutable list of services and their actions. It is safe for
// concurrent use. The zero value knows nothing.
type Catalog struct {
	source    string
	date      string
	factsDate string
	namesOnly bool
	services  []*Service // by prefix
	actions   []Action   // by id; each service holds a part of it
	warnings  []string
}

// Date is the day up to which action names are known, as YYYY-MM-DD; empty when the
// source doesn't say (a folder of files without dates).
func (c *Catalog) Date() string { return c.date }

// FactsDate is the day of the tracked flags and the operations, as YYYY-MM-DD; empty
// when there are none or the source doesn't say.
func (c *Catalog) FactsDate() string { return c.factsDate }

// NamesOnly reports whether the source holds names alone: every level is unknown and
// every action untracked because nobody said otherwise.
func (c *Catalog) NamesOnly() bool { return c.namesOnly }

// Source says where the catalog was read from: "embedded", or the name given to the
// function that read it.
func (c *Catalog) Source() string { return c.source }

// Len is the number of actions.
func (c *Catalog) Len() int { return len(c.actions) }

// Services returns every service, sorted by prefix. The caller must not change the slice.
func (c *Catalog) Services() []*Service { return c.services }

// Service returns the service with a prefix written in any case; nil when the catalog
// doesn't know it.
func (c *Catalog) Service(prefix string) *Service {
	i, found := slices.BinarySearchFunc(c.services, prefix, func(s *Service, prefix string) int {
		return compareFolded(s.Prefix, prefix)
	})
	if !found {
		return nil
	}
	return c.services[i]
}

// Action returns the action with an id from 0 to Len()-1. Any other id panics.
func (c *Catalog) Action(id int) *Action { return &c.actions[id] }

// Lookup returns the action of a service, both written in any case; nil when the
// catalog doesn't know it.
func (c *Catalog) Lookup(service, name string) *Action {
	s := c.Service(service)
	if s == nil {
		return nil
	}
	return s.Lookup(name)
}

// Warnings says what was put right while reading: names given twice, for instance.
// Empty for a clean source and for every pare snapshot.
func (c *Catalog) Warnings() []string { return slices.Clone(c.warnings) }

// WithDate returns the same catalog with another [Catalog.Date], for sources that
// don't tell theirs. The date is YYYY-MM-DD; anything else is an error. The facts date
// follows unless it was another day.
func (c *Catalog) WithDate(date string) (*Catalog, error) {
	if err := checkDate(date); err != nil {
		return nil, err
	}
	dated := *c
	dated.date = date
	if !c.namesOnly && c.factsDate == c.date {
		dated.factsDate = date
	}
	return &dated, nil
}

// Service is one IAM namespace, such as s3.
type Service struct {
	Prefix  string   // lower case, as AWS writes it: "s3"
	Actions []Action // sorted by Lower; a part of the catalog's actions; may be empty
	First   int      // id of Actions[0]; actions of a service have consecutive ids

	details func() *Details
}

// Lookup returns the action with a name written in any case; nil when unknown.
func (s *Service) Lookup(name string) *Action {
	i, found := slices.BinarySearchFunc(s.Actions, name, func(a Action, name string) int {
		return compareFolded(a.Lower, name)
	})
	if !found {
		return nil
	}
	return &s.Actions[i]
}

// Details returns what the catalog says about the service beyond names, levels and
// tracking. It is decoded at the first call; the answer is never nil, shared, and must
// not be changed. A catalog of names alone has empty details.
func (s *Service) Details() *Details { return s.details() }

// Action is one IAM action.
type Action struct {
	ID      int      // position in the catalog, 0 to Len()-1; stable only within one Catalog
	Service *Service // never nil
	Name    string   // AWS's casing: "GetObject"
	Lower   string   // Name in lower case
	Level   Level    // access level; LevelUnknown when nobody said
	Tracked Tracking // what AWS can see of its use; 0 when nothing, or when nobody said
}

// String returns the action as policies name it, such as "s3:GetObject".
func (a *Action) String() string { return a.Service.Prefix + ":" + a.Name }

// Details returns the resource types and condition keys of the action.
func (a *Action) Details() ActionDetails {
	return a.Service.Details().Actions[a.ID-a.Service.First]
}

// Level is the access level that AWS gives an action.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html
type Level uint8

// The access levels. Where AWS's files mark an action with several properties, the
// level is the first of permissions management, tagging, write, list, read.
const (
	LevelUnknown Level = iota // nobody said
	LevelRead
	LevelList
	LevelWrite
	LevelTagging
	LevelPermissions
	levels // number of levels
)

// String returns the level as AWS's documentation spells it, or "Unknown".
func (l Level) String() string {
	names := [levels]string{"Unknown", "Read", "List", "Write", "Tagging", "Permissions management"}
	if l >= levels {
		return "Unknown"
	}
	return names[l]
}

// Tracking is the set of AWS's own instruments that record uses of an action.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-action-last-accessed.html
type Tracking uint8

// The instruments.
const (
	LastAccessed     Tracking = 1 << iota // IAM's action last accessed information
	PolicyGeneration                      // Access Analyzer's policy generation
	allTracking      = LastAccessed | PolicyGeneration
)

// Has reports whether every instrument of want is in the set.
func (t Tracking) Has(want Tracking) bool { return t&want == want }

// String lists the instruments, "last accessed, policy generation", or "untracked".
func (t Tracking) String() string {
	switch t & allTracking {
	case LastAccessed:
		return "last accessed"
	case PolicyGeneration:
		return "policy generation"
	case allTracking:
		return "last accessed, policy generation"
	default:
		return "untracked"
	}
}

// compareFolded compares a lower-case ASCII name with one in any case.
func compareFolded(lower, anyCase string) int {
	for i := range min(len(lower), len(anyCase)) {
		b := anyCase[i]
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if lower[i] != b {
			return int(lower[i]) - int(b)
		}
	}
	return len(lower) - len(anyCase)
}
