// Package usage is the evidence of what was exercised and what was not.
//
// In: answers of IAM's last accessed information (ParseLastAccessed), a usage.jsonl with
// the coverage of the logs it was made of (NewTrail), findings of Access Analyzer
// (ParseReported), or a list of what somebody takes for unused (ParseUnused). Out: for
// each granted action one of three verdicts with its reason (Judge), and the Unused list
// that policies are refined by.
//
// Unknown is the verdict of whatever no source would have seen. An action is NotUsed only
// if a source tracked it over the whole window and none saw a use.
//
// # Limits
//
// A source's word about what it tracks is taken: when AWS began to track an action after
// the rest of its service, or a Region after the others, the answers don't say so. Logs
// don't name the Regions that they leave out. A principal younger than the window isn't
// recognized here.
//
// Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-policy-generation.html
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
