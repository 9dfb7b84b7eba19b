package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
)

// Action is one action of one service, such as s3:GetObject. It is folded to lower
// case, because IAM compares actions without case
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html),
// and comparable with ==. The zero value is no action.
type Action struct {
	Service string // lower case: "s3"
	Name    string // lower case: "getobject"
}

func (a Action) String() string { return a.Service + ":" + a.Name }

// ParseAction reads `service:Name` in any case, without wildcards. The error says what
// was expected, without the text.
func ParseAction(s string) (Action, error) {
	p, err := ParseActionPattern(s)
	if err != nil {
		return Action{}, err
	}
	name, ok := p.Name.Text()
	if !ok {
		return Action{}, errors.New("has a wildcard: want one action, service:Name")
	}
	return Action{Service: p.Service, Name: name}, nil
}

// ActionPattern is a set of actions: an entry of an Action or NotAction list. It is
// folded to lower case and comparable with ==.
type ActionPattern struct {
	Service string           // lower case; "" for the bare `*`, which is every service
	Name    wildcard.Pattern // lower case
}

// AllServices says whether the pattern is the bare `*` (or `*:*`): every action of
// every service. The zero value isn't; it matches nothing.
func (p ActionPattern) AllServices() bool { return p.Service == "" && p.Name.All() }

// Whole says whether the pattern is every action of its service, or of every service.
func (p ActionPattern) Whole() bool { return p.Name.All() }

// Match says whether the action is in the set.
func (p ActionPattern) Match(a Action) bool {
	return p.AllServices() || p.Service == a.Service && p.Name.Match(a.Name)
}

// Contains says whether every action of q, known to AWS or not, is in p.
func (p ActionPattern) Contains(q ActionPattern) bool {
	return p.AllServices() || p.Service == q.Service && p.Name.Contains(q.Name)
}

func (p ActionPattern) String() string {
	if p.AllServices() {
		return "*"
	}
	return p.Service + ":" + p.Name.String()
}

// ParseActionPattern reads an entry of an Action or NotAction list: `service:Name` with
// `*` and `?` in the name, or `*`. The error says what was expected, without the text.
func ParseActionPattern(s string) (ActionPattern, error) { return parseFolded(wildcard.Fold(s)) }

// parseFolded is ParseActionPattern of a text in lower case.
func parseFolded(s string) (ActionPattern, error) {
	service, name, ok := strings.Cut(s, ":")
	pattern := ActionPattern{Service: service, Name: wildcard.Parse(name)}
	switch {
	case ok && service != "" && name != "" && isServiceName(service):
		return pattern, nil
	case !ok && wildcard.Parse(s).All(), service == "*" && pattern.Name.All():
		return ActionPattern{Name: wildcard.Parse("*")}, nil
	case !ok:
		return ActionPattern{}, errors.New(`want service:name, such as "s3:GetObject", or "*"`)
	case strings.ContainsAny(service, "*?"):
		return ActionPattern{}, errors.New(`a wildcard can't stand in the service: write one entry a service, such as "s3:Get*"`)
	case service == "" || name == "":
		return ActionPattern{}, errors.New(`want service:name, such as "s3:GetObject"; one half is empty`)
	}
	return ActionPattern{}, fmt.Errorf("service %q: want letters, digits and hyphens", service)
}

func isServiceName(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !letter(c) && !digit(c) && c != '-' })
}
