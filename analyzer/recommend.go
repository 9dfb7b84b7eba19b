package analyzer

import (
	"fmt"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
)

// Recommendation is what to do about the unused permissions of one principal, policy by
// policy. It fails if something unused has no step that is proved; the steps that there
// are hold nevertheless, each for itself.
type Recommendation struct {
	finding.Recommendation
	FindingID     string // of the principal's UnusedPermission finding, whether there is one or not
	PermissionSet string // of a role of IAM Identity Center: what to change instead of the role; else ""
	Policies      []PolicyAdvice
	Before, After int    // how many of the catalog's actions all readable policies grant, now and after the steps
	Notes         []Note // about all policies together
}

// PolicyAdvice is what becomes of one policy of a principal.
type PolicyAdvice struct {
	Kind    finding.PolicyKind // never GroupPolicy: Group says that
	Name    string
	ARN     string   // of a managed policy
	Group   string   // ARN of the group that has it; "" when the principal itself does
	Members []string // of the group, ARNs, sorted

	Refinement
	As      finding.PolicyKind // what the documents are to be: InlinePolicy or CustomerPolicy
	Names   []string           // what to call them, one each
	Notes   []Note
	Problem string   // why it has no step though it should, or may; "" when all is well
	InPlace *InPlace // of a customer managed policy: the other answer, for all who have it

	unused verdict // that it was refined by
}

// Changes says whether the policy has steps.
func (p PolicyAdvice) Changes() bool {
	return p.Problem == "" && p.Result.Outcome != refine.Unchanged
}

// recommending is a recommendation on the way.
type recommending struct {
	*Analysis
	p       *principal
	verdict verdict
	held    []held
	out     Recommendation
	managed takenNames
}

// recommend works out a principal's recommendation, excluded or not.
func (a *Analysis) recommend(p *principal) Recommendation {
	r := &recommending{
		Analysis: a, p: p, verdict: a.verdictOf(p), held: p.policies(),
		managed: takenNames{a.directory.names, map[string]bool{}},
	}
	r.out.Resource, r.out.Outcome = p.ARN, finding.Succeeded
	f := a.complete(p, finding.UnusedPermission, finding.Finding{})
	r.out.FindingID = f.ID
	if p.reserved() == IdentityCenter {
		r.out.PermissionSet = permissionSet(p.Name)
		r.note(Note{Kind: PermissionSet, Names: []string{r.out.PermissionSet}})
	}
	if skip := r.verdict.skip; skip.Reason != 0 {
		r.fail("it isn't judged: " + skip.text())
		return r.out
	}
	if r.verdict.any() {
		r.cuts()
	}
	if r.verdict.young > 0 {
		r.note(Note{Kind: KeptAsYoung, Count: r.verdict.young})
	}
	for _, h := range r.held {
		r.out.Policies = append(r.out.Policies, r.advise(h))
	}
	for _, h := range r.holders() {
		h.fitInline(a)
		h.name(r.managed)
		h.room()
	}
	r.finish()
	return r.out
}

func (s Skipped) text() string {
	if s.Detail == "" {
		return s.Reason.String()
	}
	return s.Reason.String() + ": " + s.Detail
}

func (r *recommending) note(n Note) { r.out.Notes = append(r.out.Notes, n) }

func (r *recommending) fail(why string) {
	r.out.Outcome = finding.Failed
	if r.out.Error != "" {
		why = r.out.Error + "; " + why
	}
	r.out.Error = why
}

// advise refines one policy by what the principal leaves unused of it, or all members of
// the group that has it.
func (r *recommending) advise(h held) PolicyAdvice {
	out := PolicyAdvice{Kind: h.kind, Name: h.name, ARN: h.arn, As: finding.CustomerPolicy}
	if h.kind == finding.InlinePolicy {
		out.As = finding.InlinePolicy
	}
	if h.group != nil {
		out.Group, out.Members = h.group.ARN, arnsOf(r.directory.members[h.group.ARN])
	}
	if h.doc == nil {
		out.Problem = "the policy couldn't be read, or isn't in the files"
		return out
	}
	out.Original, out.Result = h.doc, refine.Result{Outcome: refine.Unchanged, Document: h.doc}
	granted := r.grant(h)
	own := r.verdict.within(granted)
	unused := own
	if h.group != nil && own.any() {
		all := r.ofGroup(h.group)
		if all.problem != "" {
			out.Problem = all.problem
			return out
		}
		unused = all.verdict.within(granted)
		if kept := own.actions.count() - unused.actions.count(); kept > 0 {
			out.Notes = append(out.Notes, Note{Kind: OthersUse, Count: kept})
		}
	}
	if !unused.any() {
		return out
	}
	how := fitManaged
	if h.kind == finding.InlinePolicy {
		how = fitPlain
	}
	out.refineTo(r.Analysis, unused, how)
	out.noteHolders(r, h)
	if h.kind == finding.CustomerPolicy && h.managed != nil {
		out.InPlace = r.inPlace(h.managed)
	}
	return out
}

// refineTo puts the refinement into the advice, or the reason why there is none.
func (p *PolicyAdvice) refineTo(a *Analysis, unused verdict, how fit) {
	doc := p.Original
	refined, err := a.refine(doc, unused, how)
	p.Refinement = refined
	switch {
	case err != nil:
		p.Problem = err.Error()
	case refined.Result.Outcome != refine.Unchanged:
		p.Problem = refined.problem()
	}
	p.unused = unused
}

func (p *PolicyAdvice) noteHolders(r *recommending, h held) {
	if p.Group != "" {
		p.Notes = append(p.Notes, Note{Kind: ThroughGroup, Names: p.Members})
	}
	if h.kind != finding.CustomerPolicy {
		return
	}
	var others []string
	for _, q := range r.directory.reached(h.arn) {
		if q != r.p {
			others = append(others, q.ARN)
		}
	}
	if len(others) > 0 {
		p.Notes = append(p.Notes, Note{Kind: Shared, Names: others})
	}
}

// finish makes the steps, and adds up what is granted before and after them.
func (r *recommending) finish() {
	before, after := r.emptyGrant(), r.emptyGrant()
	for i := range r.out.Policies {
		p, h := &r.out.Policies[i], r.held[i]
		if p.Problem != "" && p.Original != nil {
			r.fail(title(h) + ": " + p.Problem)
		}
		if h.doc != nil {
			granted := r.grant(h)
			before.addAll(granted)
			if p.Changes() {
				granted = p.granted
			}
			after.addAll(granted)
		}
		if p.Changes() {
			p.noteForm()
			r.out.Steps = append(r.out.Steps, p.steps(h)...)
		}
	}
	r.out.Before, r.out.After = before.actions.count(), after.actions.count()
}

// title names a policy in messages.
func title(h held) string {
	out := fmt.Sprintf("%s policy %s", h.kind, h.name)
	if h.group != nil {
		out += " of the group " + h.group.Name
	}
	return out
}

func (p *PolicyAdvice) noteForm() {
	if p.Compacted {
		p.Notes = append(p.Notes, Note{Kind: Compacted})
	}
	if len(p.Parts) > 0 {
		p.Notes = append(p.Notes, Note{Kind: Split, Count: len(p.Parts)})
	}
}

// steps are AWS's: for what is partly unused, create and then detach; for what is wholly
// unused, detach.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UnusedPermissionsRecommendedStep.html
func (p *PolicyAdvice) steps(h held) []finding.Step {
	step := finding.Step{ExistingPolicyID: h.id(), Group: p.Group, Affects: p.Members}
	if h.managed != nil {
		step.PolicyUpdatedAt = h.managed.UpdatedAt
	}
	var out []finding.Step
	for i, doc := range p.Documents() {
		create := step
		create.Action, create.RecommendedPolicy, create.RecommendedName = finding.CreatePolicy, string(doc.Bytes()), p.Names[i]
		out = append(out, create)
	}
	step.Action = finding.DetachPolicy
	return append(out, step)
}

// cuts notes how many unused actions something else takes away already. They are not
// left out of the recommendation for it: what cuts today may be gone tomorrow.
func (r *recommending) cuts() {
	if arn := r.p.Boundary; arn != "" {
		if m := r.directory.policies[arn]; m != nil && m.Document != nil {
			r.cut(CutByBoundary, allowed(r.Analysis, []*policy.Document{m.Document}), arn)
		} else {
			r.note(Note{Kind: BoundaryUnknown, Names: []string{arn}})
		}
	}
	if len(r.ServiceControl) > 0 {
		r.cut(CutBySCP, r.controlled)
	}
	var docs []*policy.Document
	for _, h := range r.held {
		if h.doc != nil {
			docs = append(docs, h.doc)
		}
	}
	if denied := deniedBy(r.Analysis, docs); denied != nil {
		left := newActionSet(r.Catalog)
		left.addAll(r.verdict.actions)
		left.removeAll(denied)
		r.cut(CutByDeny, left)
	}
}

// cut notes the unused actions that aren't in what is left of them.
func (r *recommending) cut(kind NoteKind, left actionSet, names ...string) {
	gone := newActionSet(r.Catalog)
	gone.addAll(r.verdict.actions)
	gone.removeAll(left)
	if n := gone.count(); n > 0 {
		r.note(Note{Kind: kind, Count: n, Names: names})
	}
}
