// Package usage is the evidence of what was exercised and what was not.
//
// So far it holds the verdict alone: the actions and services that somebody reports as
// unused, in the three forms in which people have them. What isn't named is in use.
package usage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pare-iam/pare/policy"
)

// Unused is what a principal was granted and didn't use. The zero value is nothing.
type Unused struct {
	Actions  []Action  // in the order of the source, as often as they stand there
	Services []Service // services unused as a whole, every action of the namespace, known or not

	name string
	src  []byte
}

// Action is an unused action.
type Action struct {
	policy.Action
	Pointer string // JSON pointer into the source; "" when made in memory
}

// Service is a service that is unused as a whole.
type Service struct {
	Prefix  string // lower case: "s3"
	Pointer string // JSON pointer into the source; "" when made in memory
}

// Where says name:line:col of a pointer's value, or "" when u was made in memory.
func (u Unused) Where(pointer string) string {
	if u.src == nil {
		return ""
	}
	line, column := policy.Position(u.src, locate(u.src, pointer))
	return fmt.Sprintf("%s:%d:%d", u.name, line, column)
}

// Of makes an Unused in memory of actions, and of services that are unused as a whole.
func Of(actions []policy.Action, services []string) Unused {
	var u Unused
	for _, a := range actions {
		u.Actions = append(u.Actions, Action{Action: a})
	}
	for _, s := range services {
		u.Services = append(u.Services, Service{Prefix: s})
	}
	return u
}

// ActionSet lists the unused actions, sorted, each once, without those of services that
// are unused as a whole.
func (u Unused) ActionSet() []policy.Action {
	services := u.ServiceSet()
	out := make([]policy.Action, 0, len(u.Actions))
	for _, a := range u.Actions {
		if _, whole := slices.BinarySearch(services, a.Service); !whole {
			out = append(out, a.Action)
		}
	}
	slices.SortFunc(out, func(a, b policy.Action) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(out)
}

// ServiceSet lists the services that are unused as a whole, sorted, each once.
func (u Unused) ServiceSet() []string {
	out := make([]string, 0, len(u.Services))
	for _, s := range u.Services {
		out = append(out, s.Prefix)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
