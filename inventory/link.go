package inventory

import (
	"fmt"
	"maps"
	"slices"
)

// link joins what the files say of each other: memberships, attachments, keys, passwords.
func (p *parser) link(files Files) *Account {
	details := files.Details[0].Name
	p.memberships(details)
	p.attachments(details)
	p.credentials(files)
	a := &Account{
		ID: p.account, Partition: p.partition,
		Roles: sorted(p.roles), Users: sorted(p.users), Groups: sorted(p.groups), Policies: sorted(p.policies),
		Incomplete: p.leftOut || !p.lastPage,
	}
	if a.ID == "" {
		p.problem(Problem{File: details, Text: "no role, user, group or policy says which account this is; run: " + detailsCommand})
	}
	return a
}

func (p *parser) memberships(file string) {
	groups := byName(sorted(p.groups), func(g *Group) string { return g.Name })
	missing := map[string][]string{}
	for _, u := range sorted(p.users) {
		for _, name := range u.Groups {
			if g := groups[name]; g != nil {
				g.Members = append(g.Members, u.Name)
			} else {
				missing[name] = append(missing[name], u.Name)
			}
		}
	}
	for _, g := range groups {
		slices.Sort(g.Members)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		p.problem(Problem{
			File: file, Subject: name,
			Text: fmt.Sprintf("the group isn't in the files, but has members (%s): what it grants isn't known; run: %s", some(missing[name]), detailsCommand),
		})
	}
}

func (p *parser) attachments(file string) {
	missing := map[string][]string{}
	entities := p.entities()
	for _, e := range entities {
		for i := range e.Attached {
			a := &e.Attached[i]
			if a.Policy = p.policies[a.ARN].entity; a.Policy == nil {
				missing[a.ARN] = append(missing[a.ARN], e.ARN)
			}
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(missing)) {
		p.problem(Problem{
			File: file, Subject: arn,
			Text: fmt.Sprintf("the policy isn't in the files, but is attached (to %s): what it grants isn't known; run, without --filter: %s", some(missing[arn]), detailsCommand),
		})
	}
}

// entities lists whatever policies can be attached to.
func (p *parser) entities() []*Entity {
	out := make([]*Entity, 0, len(p.roles)+len(p.users)+len(p.groups))
	for _, r := range sorted(p.roles) {
		out = append(out, &r.Entity)
	}
	for _, u := range sorted(p.users) {
		out = append(out, &u.Entity)
	}
	for _, g := range sorted(p.groups) {
		out = append(out, &g.Entity)
	}
	return out
}
