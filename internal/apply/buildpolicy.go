package apply

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
)

// permissions adds the steps of a recommendation, policy by policy.
func (b *builder) permissions(f finding.Finding, s *subject) {
	rec := b.advice[f.ID]
	what := "permissions of " + s.String()
	switch {
	case rec == nil:
		b.leave(f, LeftNoChange, what, "nothing is recommended")
		return
	case rec.PermissionSet != "":
		b.leave(f, LeftNever, what, "IAM Identity Center made the role: change its permission set "+rec.PermissionSet)
		return
	case !b.free(f, s, what):
		return
	}
	steps := len(b.plan.Steps)
	for _, p := range inOrder(rec.Policies) {
		switch {
		case p.Problem != "" && p.Original != nil:
			b.leave(f, LeftNotProved, what+": policy "+p.Name, p.Problem)
		case p.Changes():
			b.policy(f, s, p)
		}
	}
	if len(rec.Steps) == 0 && len(b.plan.Steps) == steps && rec.Error == "" {
		b.leave(f, LeftNoChange, what, "nothing is recommended")
	}
}

// inOrder has policies that go first, and inline policies that get longer last: there are
// limits to how many policies an entity has, and to how long they are together.
func inOrder(all []analyzer.PolicyAdvice) []*analyzer.PolicyAdvice {
	var out []*analyzer.PolicyAdvice
	for i := range all {
		out = append(out, &all[i])
	}
	slices.SortStableFunc(out, func(p, q *analyzer.PolicyAdvice) int {
		return cmp.Or(cmp.Compare(needsRoom(p), needsRoom(q)), cmp.Compare(growth(p), growth(q)))
	})
	return out
}

// needsRoom is 0 of a policy that goes and has no other in its place, else 1.
func needsRoom(p *analyzer.PolicyAdvice) int {
	if p.Changes() && len(p.Documents()) == 0 {
		return 0
	}
	return 1
}

// growth is by how many characters an inline policy gets longer; 0 when it doesn't.
func growth(p *analyzer.PolicyAdvice) int {
	if !p.Changes() || p.As != finding.InlinePolicy {
		return 0
	}
	n := -p.Original.Size()
	for _, doc := range p.Documents() {
		n += doc.Size()
	}
	return max(n, 0)
}

// policy adds the step of one policy. A group's policy comes with every member, and is
// changed once.
func (b *builder) policy(f finding.Finding, s *subject, p *analyzer.PolicyAdvice) {
	holder, affects := s, []string{f.Resource}
	if p.Group != "" {
		holder, affects = b.entities[p.Group], p.Members
	}
	if b.inPlace(f, p) || b.once(holder.of.ARN+" "+cmp.Or(p.ARN, p.Name)) {
		return
	}
	docs := p.Documents()
	title := holder.String() + ": "
	switch {
	case p.Kind == finding.InlinePolicy && len(docs) == 0:
		b.step(f, title+"delete the inline policy "+p.Name, affects, Action{Target: Inline{holder.Entity, p.Name}, Expect: original(p)})
	case p.Kind == finding.InlinePolicy && p.As == finding.InlinePolicy && len(docs) == 1:
		b.step(f, title+"narrow the inline policy "+p.Name, affects,
			Action{Target: Inline{holder.Entity, p.Name}, Expect: original(p), Leave: text(docs[0])})
	case len(docs) == 0:
		b.attached[holder.of.ARN]--
		b.step(f, title+"detach the policy "+p.Name, affects, Action{Target: Attachment{holder.Entity, p.ARN}, Expect: original(p)})
	default:
		b.swap(f, holder, affects, p)
	}
}

// once says whether something was planned already, and notes it.
func (b *builder) once(key string) bool {
	before := b.planned[key]
	b.planned[key] = true
	return before
}

func original(p *analyzer.PolicyAdvice) Value { return text(p.Original) }

func text(doc *policy.Document) Value { return withDocument(string(doc.Bytes())) }

// reaches says whether all who have a policy are chosen, or needn't be.
func (b *builder) reaches(f finding.Finding, p *analyzer.InPlace) bool {
	switch b.InPlace {
	case InPlaceAlways:
		return true
	case InPlaceNever:
		return false
	case InPlaceChosen:
	}
	return !slices.ContainsFunc(p.Affects, func(arn string) bool {
		return arn != f.Resource && (len(b.Choice.Findings) > 0 || !b.chosenPrincipal(arn) || slices.Contains(b.Excluded, arn))
	})
}

// inPlace gives a customer managed policy a new version for all who have it, where that is
// wanted and proved.
func (b *builder) inPlace(f finding.Finding, p *analyzer.PolicyAdvice) bool {
	managed := b.policies[p.ARN]
	if p.Kind != finding.CustomerPolicy || managed == nil || p.InPlace == nil || !b.reaches(f, p.InPlace) {
		return false
	}
	if why := p.InPlace.Problem; b.InPlace == InPlaceAlways && why != "" && len(p.Documents()) > 0 && !b.once("not in place "+p.ARN) {
		b.leave(f, LeftNotProved, "policy "+p.Name+" for all who have it", why)
	}
	if !p.InPlace.Changes() {
		return false
	}
	docs := p.InPlace.Documents()
	if p.InPlace.Result.Outcome != refine.Refined || len(docs) != 1 || !p.InPlace.Leaves() {
		return false
	}
	if b.once("in place " + p.ARN) {
		return true
	}
	expect := text(managed.Document)
	expect.Version = managed.Version
	b.step(f, "narrow the policy "+p.Name+" for all who have it", p.InPlace.Affects,
		Action{Target: Policy{managed.ARN, managed.Name, cmp.Or(managed.Path, "/")}, Expect: expect, Leave: text(docs[0])})
	return true
}

// swap makes policies, attaches them, and then takes away the one whose place they take,
// so that used access is there all the time.
func (b *builder) swap(f finding.Finding, holder *subject, affects []string, p *analyzer.PolicyAdvice) {
	if why, ok := b.room(holder, len(p.Documents())); !ok {
		b.leave(f, LeftNoRoom, holder.String()+": policy "+p.Name, why)
		return
	}
	path := "/"
	if managed := b.policies[p.ARN]; managed != nil && p.Kind == finding.CustomerPolicy {
		path = cmp.Or(managed.Path, "/")
	}
	var makes, attaches []Action
	var names []string
	for i, doc := range p.Documents() {
		value := text(doc)
		name, exists := b.newName(p.Names[i], value.SHA256)
		arn := "arn:" + b.Account.Partition + ":iam::" + b.Account.ID + ":policy" + path + name
		if exists {
			arn = b.names[strings.ToLower(name)].arn
		} else {
			b.names[strings.ToLower(name)] = made{value.SHA256, arn}
			makes = append(makes, Action{Target: Policy{arn, name, path}, Leave: value})
		}
		attaches = append(attaches, Action{Target: Attachment{holder.Entity, arn}, Leave: value})
		names = append(names, name)
	}
	old := Action{Target: Attachment{holder.Entity, p.ARN}, Expect: original(p)}
	if p.Kind == finding.InlinePolicy {
		old.Target = Inline{holder.Entity, p.Name}
	} else {
		b.attached[holder.of.ARN]--
	}
	title := holder.String() + ": " + strings.Join(names, ", ") + " in place of the " + string(p.Kind) + " policy " + p.Name
	b.step(f, title, affects, slices.Concat(makes, attaches, []Action{old})...)
}
