package analyzer

import (
	"fmt"

	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/refine"
)

// InPlace is the answer that changes a customer managed policy for everyone who has it:
// it is refined by what is unused by all of them.
type InPlace struct {
	Refinement
	Affects []string // ARNs of the roles and users who have it, groups' members included; sorted
	Groups  []string // ARNs of the groups that have it, sorted
	Problem string   // why there is no such answer; "" when there is
}

// Changes says whether the answer is other than to leave the policy.
func (p InPlace) Changes() bool { return p.Problem == "" && p.Result.Outcome != refine.Unchanged }

// inPlace works out the answer for all who have a policy, once.
func (a *Analysis) inPlace(m *inventory.ManagedPolicy) *InPlace {
	if done, ok := a.inPlaces.Load(m.ARN); ok {
		return done.(*InPlace)
	}
	reached := a.directory.reached(m.ARN)
	out := &InPlace{Affects: arnsOf(reached)}
	for _, g := range a.directory.of(m.ARN).groups {
		out.Groups = append(out.Groups, g.ARN)
	}
	all := a.together(reached)
	if out.Problem = a.incomplete(m); out.Problem == "" {
		out.Problem = all.problem
	}
	if out.Problem == "" {
		out.refine(a, m, all.verdict)
	}
	a.inPlaces.Store(m.ARN, out)
	return out
}

func (p *InPlace) refine(a *Analysis, m *inventory.ManagedPolicy, all verdict) {
	refined, err := a.refine(m.Document, all.within(grantOf(a.Catalog, m.Document)), fitManaged)
	p.Refinement = refined
	switch {
	case err != nil:
		p.Problem = err.Error()
	case len(refined.Parts) > 0:
		p.Problem = fmt.Sprintf("it takes %d policies to fit", len(refined.Parts))
	case refined.Result.Outcome != refine.Unchanged:
		p.Problem = refined.problem()
	}
}

// incomplete says why it isn't known whom a policy reaches, or nothing.
func (a *Analysis) incomplete(m *inventory.ManagedPolicy) string {
	h := a.directory.of(m.ARN)
	have := len(h.principals) + len(h.groups)
	switch {
	case m.BoundaryOf > 0 || h.boundaryOf > 0:
		return "it is the permissions boundary of somebody"
	case m.BoundaryOf < 0:
		return "whether it is a permissions boundary isn't known"
	case m.Attachments < 0:
		return "how many entities have it isn't known"
	case m.Attachments != have:
		return fmt.Sprintf("it is attached to %d entities, and the files hold %d of them", m.Attachments, have)
	}
	for _, g := range h.groups {
		if why := a.membersMissing(g); why != "" {
			return why
		}
	}
	return ""
}

func (a *Analysis) membersMissing(g *inventory.Group) string {
	if a.Account.Incomplete {
		return fmt.Sprintf("the files lack users of the account, and the group %s may have them as members", g.Name)
	}
	if have := len(a.directory.members[g.ARN]); have < len(g.Members) {
		return fmt.Sprintf("the group %s has %d members, and the files hold %d of them", g.Name, len(g.Members), have)
	}
	return ""
}

// shared is what several principals together leave unused, or why that can't be said.
type shared struct {
	verdict verdict
	problem string
}

// together is what all of some principals leave unused. Whoever is excluded, or can't be
// judged, may use anything.
func (a *Analysis) together(all []*principal) shared {
	var out shared
	for i, p := range all {
		switch r, detail := a.settings.Exclude.Excluded(a.Account.ID, p.Entity); {
		case r != 0:
			return shared{problem: fmt.Sprintf("%s has it too, and isn't judged: %s", p.ARN, Skipped{Reason: r, Detail: detail}.text())}
		case p.reserved() == ServiceLinked:
			return shared{problem: fmt.Sprintf("%s has it too, and isn't judged: %s", p.ARN, ServiceLinked)}
		}
		v := a.verdictOf(p)
		switch {
		case v.skip.Reason != 0:
			return shared{problem: fmt.Sprintf("%s has it too, and isn't judged: %s", p.ARN, v.skip.text())}
		case i == 0:
			out.verdict = v
		default:
			out.verdict = out.verdict.meet(v)
		}
	}
	if len(all) == 0 {
		out.problem = "nobody has it"
	}
	return out
}

// ofGroup is what all members of a group leave unused, worked out once.
func (a *Analysis) ofGroup(g *inventory.Group) shared {
	if done, ok := a.groups.Load(g.ARN); ok {
		return done.(shared)
	}
	out := a.together(a.directory.members[g.ARN])
	if why := a.membersMissing(g); why != "" {
		out = shared{problem: why}
	}
	a.groups.Store(g.ARN, out)
	return out
}
