package analyzer

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
)

// principal is a role or a user: one of the two is set.
type principal struct {
	*inventory.Entity
	role   *inventory.Role
	user   *inventory.User
	groups []*inventory.Group // of a user, by ARN

	once    sync.Once
	verdict verdict // what others ask of it
}

func (p *principal) reserved() Reason {
	if p.role == nil {
		return 0
	}
	return reserved(p.Entity)
}

// held is a policy that a principal has, itself or from a group.
type held struct {
	kind    finding.PolicyKind // never GroupPolicy: group says that
	name    string
	managed *inventory.ManagedPolicy // of a managed policy; nil when the files don't hold it
	arn     string                   // of a managed policy
	doc     *policy.Document         // nil when it couldn't be read, or isn't there
	group   *inventory.Group         // nil when the principal has it itself
}

// id is what AWS calls the policy in a recommended step.
func (h held) id() string {
	if h.kind == finding.InlinePolicy {
		return h.name
	}
	return h.arn
}

// policies lists a principal's policies: its attached ones by ARN, its inline ones by
// name, then those of its groups in the same order.
func (p *principal) policies() []held {
	out := heldBy(p.Entity, nil)
	for _, g := range p.groups {
		out = append(out, heldBy(&g.Entity, g)...)
	}
	return out
}

func heldBy(e *inventory.Entity, group *inventory.Group) []held {
	var out []held
	for _, at := range e.Attached {
		h := held{kind: finding.CustomerPolicy, name: at.Name, arn: at.ARN, managed: at.Policy, group: group}
		if (&inventory.ManagedPolicy{ARN: at.ARN}).AWSManaged() {
			h.kind = finding.AWSPolicy
		}
		if at.Policy != nil {
			h.doc = at.Policy.Document
		}
		out = append(out, h)
	}
	for _, in := range e.Inline {
		out = append(out, held{kind: finding.InlinePolicy, name: in.Name, doc: in.Document, group: group})
	}
	return out
}

// directory is who there is, and who has which policy.
type directory struct {
	principals []*principal // by ARN
	byARN      map[string]*principal
	members    map[string][]*principal // of a group, by its ARN; each by ARN
	holders    map[string]*holders     // of a managed policy, by its ARN
	policies   map[string]*inventory.ManagedPolicy
	names      map[string]bool // of customer managed policies, lower case: IAM keeps them apart without case
}

// holders are those that a managed policy is attached to.
type holders struct {
	principals []*principal // directly
	groups     []*inventory.Group
	boundaryOf int // how many entities have it as their permissions boundary
}

func newDirectory(account *inventory.Account) *directory {
	d := &directory{
		byARN: map[string]*principal{}, members: map[string][]*principal{}, holders: map[string]*holders{},
		policies: map[string]*inventory.ManagedPolicy{}, names: map[string]bool{},
	}
	for _, r := range account.Roles {
		d.principals = append(d.principals, &principal{Entity: &r.Entity, role: r})
	}
	groups := map[string]*inventory.Group{}
	for _, g := range account.Groups {
		groups[g.Name] = g
		d.attach(&g.Entity, func(h *holders) { h.groups = append(h.groups, g) })
	}
	for _, u := range account.Users {
		p := &principal{Entity: &u.Entity, user: u}
		for _, name := range u.Groups {
			if g := groups[name]; g != nil {
				p.groups = append(p.groups, g)
			}
		}
		slices.SortFunc(p.groups, func(a, b *inventory.Group) int { return cmp.Compare(a.ARN, b.ARN) })
		d.principals = append(d.principals, p)
	}
	slices.SortFunc(d.principals, func(a, b *principal) int { return cmp.Compare(a.ARN, b.ARN) })
	for _, p := range d.principals {
		d.enter(p)
	}
	for _, m := range account.Policies {
		d.policies[m.ARN] = m
		if !m.AWSManaged() {
			d.names[strings.ToLower(m.Name)] = true
		}
	}
	return d
}

// enter puts a principal under all that leads to it.
func (d *directory) enter(p *principal) {
	for _, arn := range Aliases(p.ARN) {
		if d.byARN[arn] == nil {
			d.byARN[arn] = p
		}
	}
	for _, g := range p.groups {
		d.members[g.ARN] = append(d.members[g.ARN], p)
	}
	d.attach(p.Entity, func(h *holders) { h.principals = append(h.principals, p) })
	if p.Boundary != "" {
		d.of(p.Boundary).boundaryOf++
	}
}

func (d *directory) attach(e *inventory.Entity, to func(*holders)) {
	for _, at := range e.Attached {
		to(d.of(at.ARN))
	}
}

func (d *directory) of(policyARN string) *holders {
	if d.holders[policyARN] == nil {
		d.holders[policyARN] = &holders{}
	}
	return d.holders[policyARN]
}

// reached lists everyone whom a managed policy gives something, by ARN.
func (d *directory) reached(policyARN string) []*principal {
	h := d.of(policyARN)
	out := slices.Clone(h.principals)
	for _, g := range h.groups {
		out = append(out, d.members[g.ARN]...)
	}
	slices.SortFunc(out, func(a, b *principal) int { return cmp.Compare(a.ARN, b.ARN) })
	return slices.Compact(out)
}

func arnsOf(all []*principal) []string {
	out := make([]string, len(all))
	for i, p := range all {
		out[i] = p.ARN
	}
	return out
}
