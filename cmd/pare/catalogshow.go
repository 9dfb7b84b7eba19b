package main

import (
	"fmt"
	"strings"

	"github.com/pare-iam/pare/catalog"
)

// shownServices is the answer of "pare catalog show".
type shownServices struct {
	SchemaVersion int            `json:"schemaVersion"`
	Date          string         `json:"date"`
	Services      []shownCounted `json:"services"`
}

type shownCounted struct {
	Prefix  string `json:"prefix"`
	Actions int    `json:"actions"`
}

func servicesShown(c *catalog.Catalog) shownServices {
	out := shownServices{SchemaVersion: 1, Date: c.Date(), Services: []shownCounted{}}
	for _, s := range c.Services() {
		out.Services = append(out.Services, shownCounted{s.Prefix, len(s.Actions)})
	}
	return out
}

func (s shownServices) rows() [][]string {
	var rows [][]string
	for _, service := range s.Services {
		rows = append(rows, []string{service.Prefix, fmt.Sprint(service.Actions)})
	}
	return rows
}

// shownService is the answer of "pare catalog show SERVICE".
type shownService struct {
	SchemaVersion int               `json:"schemaVersion"`
	Date          string            `json:"date"`
	Service       string            `json:"service"`
	Actions       []shownAction     `json:"actions"`
	ResourceTypes []shownResource   `json:"resourceTypes"`
	ConditionKeys []shownCondition  `json:"conditionKeys"`
	Operations    []shownAuthorized `json:"operations"`
}

type shownAction struct {
	Name          string   `json:"name"`
	Level         string   `json:"level"`
	Tracked       []string `json:"tracked"` // of lastAccessed, policyGeneration
	ResourceTypes []string `json:"resourceTypes"`
	ConditionKeys []string `json:"conditionKeys"`
}

type shownResource struct {
	Name          string   `json:"name"`
	ARNFormats    []string `json:"arnFormats"`
	ConditionKeys []string `json:"conditionKeys"`
}

type shownCondition struct {
	Name  string   `json:"name"`
	Types []string `json:"types"`
}

type shownAuthorized struct {
	Name       string   `json:"name"`
	Authorized []string `json:"authorizedActions"`
}

func serviceShown(c *catalog.Catalog, s *catalog.Service) shownService {
	out := shownService{SchemaVersion: 1, Date: c.Date(), Service: s.Prefix}
	for i := range s.Actions {
		out.Actions = append(out.Actions, oneAction(&s.Actions[i]))
	}
	d := s.Details()
	for _, r := range d.Resources {
		out.ResourceTypes = append(out.ResourceTypes, shownResource(r))
	}
	for _, k := range d.Conditions {
		out.ConditionKeys = append(out.ConditionKeys, shownCondition(k))
	}
	for _, o := range d.Operations {
		out.Operations = append(out.Operations, oneOperation(o))
	}
	return out
}

func oneAction(a *catalog.Action) shownAction {
	out := shownAction{Name: a.Name, Level: a.Level.String(), ConditionKeys: a.Details().ConditionKeys}
	if a.Tracked.Has(catalog.LastAccessed) {
		out.Tracked = append(out.Tracked, "lastAccessed")
	}
	if a.Tracked.Has(catalog.PolicyGeneration) {
		out.Tracked = append(out.Tracked, "policyGeneration")
	}
	for _, r := range a.Details().Resources {
		out.ResourceTypes = append(out.ResourceTypes, r.Name)
	}
	return out
}

func oneOperation(o catalog.Operation) shownAuthorized {
	out := shownAuthorized{Name: o.Name}
	for _, a := range o.Authorized {
		name := a.Service + ":" + a.Name
		if len(a.PassedTo) > 0 {
			name += " (to " + strings.Join(a.PassedTo, ", ") + ")"
		}
		out.Authorized = append(out.Authorized, name)
	}
	return out
}

func (s shownService) rows() [][]string {
	var rows [][]string
	for _, a := range s.Actions {
		rows = append(rows, []string{s.Service + ":" + a.Name, a.Level, trackedText(a.Tracked)})
	}
	return rows
}

// shownOneAction is the answer of "pare catalog show SERVICE ACTION".
type shownOneAction struct {
	SchemaVersion int             `json:"schemaVersion"`
	Date          string          `json:"date"`
	Service       string          `json:"service"`
	Action        shownAction     `json:"action"`
	ResourceTypes []shownResource `json:"resourceTypes"`
	// Operations of the same service that the action may authorize.
	Operations []string `json:"operations"`
}

func actionShown(c *catalog.Catalog, a *catalog.Action) shownOneAction {
	out := shownOneAction{SchemaVersion: 1, Date: c.Date(), Service: a.Service.Prefix, Action: oneAction(a)}
	d := a.Service.Details()
	for _, r := range a.Details().Resources {
		if known := d.Resource(r.Name); known != nil {
			out.ResourceTypes = append(out.ResourceTypes, shownResource(*known))
		}
	}
	for _, o := range d.Operations {
		for _, authorized := range o.Authorized {
			if authorized.Service == a.Service.Prefix && authorized.Name == a.Name {
				out.Operations = append(out.Operations, o.Name)
			}
		}
	}
	return out
}

func (s shownOneAction) rows() [][]string {
	rows := [][]string{
		{"action", s.Service + ":" + s.Action.Name},
		{"level", s.Action.Level},
		{"tracked", trackedText(s.Action.Tracked)},
	}
	for _, r := range s.ResourceTypes {
		rows = append(rows, []string{"resource", r.Name + "  " + strings.Join(r.ARNFormats, ", ")})
	}
	for _, key := range s.Action.ConditionKeys {
		rows = append(rows, []string{"condition", key})
	}
	for _, name := range s.Operations {
		rows = append(rows, []string{"operation", name})
	}
	return rows
}

func trackedText(tracked []string) string {
	if len(tracked) == 0 {
		return "untracked"
	}
	return strings.Join(tracked, ", ")
}

// shownDiff is the answer of "pare catalog diff".
type shownDiff struct {
	SchemaVersion   int           `json:"schemaVersion"`
	Before          string        `json:"before"` // date of A
	After           string        `json:"after"`  // date of B
	ServicesAdded   []string      `json:"servicesAdded"`
	ServicesRemoved []string      `json:"servicesRemoved"`
	Added           []string      `json:"added"`
	Removed         []string      `json:"removed"`
	Changed         []shownChange `json:"changed"`
}

type shownChange struct {
	Action string      `json:"action"`
	Before shownFacets `json:"before"`
	After  shownFacets `json:"after"`
}

type shownFacets struct {
	Name    string   `json:"name"`
	Level   string   `json:"level"`
	Tracked []string `json:"tracked"`
}

func diffShown(before, after *catalog.Catalog) shownDiff {
	changes := catalog.Diff(before, after)
	out := shownDiff{
		SchemaVersion: 1, Before: before.Date(), After: after.Date(),
		Added: actionNames(changes.Added), Removed: actionNames(changes.Removed),
	}
	for _, s := range changes.ServicesAdded {
		out.ServicesAdded = append(out.ServicesAdded, s.Prefix)
	}
	for _, s := range changes.ServicesRemoved {
		out.ServicesRemoved = append(out.ServicesRemoved, s.Prefix)
	}
	for _, change := range changes.Changed {
		out.Changed = append(out.Changed, shownChange{change.After.String(), facets(change.Before), facets(change.After)})
	}
	return out
}

func actionNames(actions []*catalog.Action) []string {
	var names []string
	for _, a := range actions {
		names = append(names, a.String())
	}
	return names
}

func facets(a *catalog.Action) shownFacets {
	one := oneAction(a)
	return shownFacets{Name: one.Name, Level: one.Level, Tracked: one.Tracked}
}

func (f shownFacets) String() string { return f.Name + ", " + f.Level + ", " + trackedText(f.Tracked) }

// rows lists services first, then actions: + came, - went, ~ changed; a count ends it.
func (d shownDiff) rows() [][]string {
	var rows [][]string
	mark := func(sign string, names []string, tail string) {
		for _, name := range names {
			rows = append(rows, []string{sign + " " + name + tail})
		}
	}
	mark("+", d.ServicesAdded, ":*")
	mark("-", d.ServicesRemoved, ":*")
	mark("+", d.Added, "")
	mark("-", d.Removed, "")
	for _, change := range d.Changed {
		rows = append(rows, []string{fmt.Sprintf("~ %s: %s → %s", change.Action, change.Before, change.After)})
	}
	return append(rows, []string{d.summary()})
}

func (d shownDiff) summary() string {
	return fmt.Sprintf("%s → %s: services +%d -%d, actions +%d -%d, changed %d",
		dateText(d.Before), dateText(d.After), len(d.ServicesAdded), len(d.ServicesRemoved), len(d.Added), len(d.Removed), len(d.Changed))
}

func dateText(date string) string {
	if date == "" {
		return "undated"
	}
	return date
}
