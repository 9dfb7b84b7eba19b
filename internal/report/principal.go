package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// Principal is what is recommended for one role or user, policy by policy.
type Principal struct {
	analyzer.Recommendation
	Catalog  *catalog.Catalog
	Window   usage.Window
	Sources  []Source           // of evidence
	Replayed *analyzer.Replayed // nil: it wasn't asked for
}

// Leaves says whether the steps may leave as a recommendation: each is proved, and no use
// that was replayed is decided differently.
func (p Principal) Leaves() bool {
	return AdviceOf(p.Recommendation).Leaves() && (p.Replayed == nil || len(p.Replayed.Differences) == 0)
}

// NotJudged says that there is no answer: too young, not in use, without evidence, or not
// to be changed. The error says which.
func (p Principal) NotJudged() bool { return p.Outcome == finding.Failed && len(p.Policies) == 0 }

// Unproved names the first policy whose refinement isn't proved; "" when there is none.
func (p Principal) Unproved() string {
	for _, advice := range p.policies() {
		refined := advice.Result.Outcome != refine.Unchanged && (advice.Changes() || tried(advice.Proof))
		if refined && !advice.Leaves() {
			return advice.Name
		}
	}
	return ""
}

// tried says whether there was something to prove: what can't be made to fit isn't.
func tried(r prove.Result) bool {
	return slices.ContainsFunc([]prove.Claim{r.NoNewAccess, r.UsedKept, r.UnusedGone, r.ShapeKept}, func(c prove.Claim) bool {
		return c.Verdict != prove.Undecided || c.Reason != ""
	})
}

// policies are the policies that could be read, in the order of the steps.
func (p Principal) policies() []analyzer.PolicyAdvice {
	var out []analyzer.PolicyAdvice
	for _, advice := range p.Policies {
		if advice.Original != nil {
			out = append(out, advice)
		}
	}
	return out
}

// notes are what to know of all policies together, and which of them couldn't be read.
func (p Principal) notes() []string {
	var out []string
	for _, advice := range p.Policies {
		if advice.Original == nil {
			out = append(out, fmt.Sprintf("%s (%s) isn't looked at: %s", advice.Name, advice.Kind, advice.Problem))
		}
	}
	for _, n := range p.Notes {
		out = append(out, n.String())
	}
	return out
}

// one is the recommendation for one of the policies. What has a problem is shown as it is.
func (p Principal) one(advice analyzer.PolicyAdvice) Recommendation {
	r := advice.Refinement
	out := Recommendation{
		Name: advice.Name, Catalog: p.Catalog, Original: r.Original, Unused: r.Unused,
		Result: r.Result, Parts: r.Parts, Proof: r.Proof, Limit: p.limit(advice),
	}
	if out.Result.Outcome == refine.Unchanged {
		out.Proof = prove.Refinement(p.Catalog, r.Original, r.Original, usage.Unused{})
	}
	return out
}

func (p Principal) limit(advice analyzer.PolicyAdvice) Limit {
	switch {
	case advice.As != finding.InlinePolicy:
		return Managed
	case advice.Group != "":
		return GroupInline
	}
	if arn, err := policy.ParseARN(p.Resource); err == nil && arn.Type() == "user" {
		return UserInline
	}
	return RoleInline
}

// PrincipalText writes the recommendation for reading: each policy's diff, reasons and
// proof, then the steps.
func PrincipalText(w io.Writer, r Principal) error {
	p := &page{}
	p.linef("%s", strong(Printable(r.Resource)))
	p.linef("%s", r.scale())
	for _, source := range r.Sources {
		p.linef("%s", Printable(source.Name+": "+source.Covers))
	}
	for _, advice := range r.policies() {
		p.linef("")
		p.policyAdvice(r, advice)
	}
	p.linef("")
	p.principalSteps(r)
	for _, n := range r.notes() {
		p.linef("%s %s", doubt("note:"), Printable(n))
	}
	p.replayed(r.Replayed)
	p.heading("catalog", catalogText(r.Catalog))
	return p.writeTo(w)
}

// scale is how much there is to take away, in a line.
func (p Principal) scale() string {
	text := fmt.Sprintf("window %d days, up to %s", int(p.Window.Age/usage.Day), p.Window.Now.UTC().Format("2006-01-02"))
	if p.NotJudged() {
		return text
	}
	after := p.Before
	if p.Leaves() {
		after = p.After
	}
	return fmt.Sprintf("%s · granted actions %d → %d", text, p.Before, after)
}

func (p *page) policyAdvice(r Principal, advice analyzer.PolicyAdvice) {
	rec := r.one(advice)
	where := string(advice.Kind)
	if advice.Group != "" {
		where += ", of the group " + groupName(advice.Group)
	}
	switch {
	case advice.Problem != "":
		p.heading(bad("no step"), fmt.Sprintf("for %s (%s): %s", Printable(advice.Name), where, Printable(advice.Problem)))
		return
	case !advice.Changes():
		p.heading("unchanged", fmt.Sprintf("%s (%s): nothing that it allows is known to be unused", Printable(advice.Name), where))
		return
	}
	rec.Name = fmt.Sprintf("%s (%s)", advice.Name, where)
	p.outcome(rec)
	if advice.Leaves() {
		p.diff(rec)
		p.edits(rec)
	}
	p.linef("")
	p.proof(rec)
	p.heading("size", sizeText(rec))
	for _, warning := range Warnings(rec) {
		p.linef("%s %s", doubt("warning:"), warning)
	}
	for _, n := range advice.Notes {
		p.linef("%s %s", doubt("note:"), Printable(n.String()))
	}
	if in := advice.InPlace; in != nil && in.Changes() && in.Leaves() && len(in.Affects) > 1 {
		p.linef("%s in place, for all %d who have it: %s", doubt("or:"), len(in.Affects), inPlaceText(in))
	}
}

func inPlaceText(in *analyzer.InPlace) string {
	if in.Result.Outcome == refine.Detach {
		return "nobody uses anything of it: detach it everywhere"
	}
	return fmt.Sprintf("%d → %d characters, proved; -o json has the text", in.Original.Size(), sizeOf(in.Documents()))
}

func sizeOf(docs []*policy.Document) int {
	n := 0
	for _, doc := range docs {
		n += doc.Size()
	}
	return n
}

func groupName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func (p *page) principalSteps(r Principal) {
	switch {
	case r.NotJudged():
		p.heading(doubt("no answer"), Printable(r.Error))
	case r.Outcome == finding.Failed:
		p.heading(doubt("incomplete"), "not all that is unused has a step: see above")
	case len(r.Policies) == 0:
		p.heading("steps", "none: it has no policies")
	case len(r.Steps) == 0:
		p.heading("steps", "none: nothing is known to be unused")
	}
	if len(r.Steps) == 0 || !r.Leaves() {
		return
	}
	p.linef("%s", strong("steps"))
	for i, s := range r.Steps {
		what := fmt.Sprintf("%s  %s", s.Action, Printable(s.ExistingPolicyID))
		if s.Action == finding.CreatePolicy {
			what = fmt.Sprintf("%s  %s  in the place of %s", s.Action, Printable(s.RecommendedName), Printable(s.ExistingPolicyID))
		}
		if s.Group != "" {
			what += fmt.Sprintf("  (group %s: %s)", groupName(s.Group), count(len(s.Affects), "member", "members"))
		}
		p.linef("  %d. %s", i+1, what)
	}
}

func (p *page) replayed(r *analyzer.Replayed) {
	if r == nil {
		return
	}
	p.heading("replay", replayText(r))
	for _, d := range r.Differences {
		p.linef("  %s %s on %s: %s before, %s after (last seen %s)", bad("✗"), Printable(d.Use.Action), Printable(d.Request.Resource), d.Old, d.New, d.Use.LastSeen.UTC().Format("2006-01-02"))
	}
}

func replayText(r *analyzer.Replayed) string {
	return fmt.Sprintf("%s as %s: %d allowed before and after, %d decided differently",
		count(r.Uses, "use", "uses"), count(r.Requests, "request", "requests"), r.Allowed, len(r.Differences))
}

// PrincipalMarkdown writes the recommendation for a pull request.
func PrincipalMarkdown(w io.Writer, r Principal) error {
	p := &page{}
	p.linef("## %s\n\n%s", Code(r.Resource), r.scale())
	for _, source := range r.Sources {
		p.linef("- %s", cell(Printable(source.Name+": "+source.Covers)))
	}
	switch {
	case r.NotJudged():
		p.linef("\n**No answer**: %s", cell(Printable(r.Error)))
	case r.Outcome == finding.Failed:
		p.linef("\n**Incomplete**: not all that is unused has a step: %s", cell(Printable(r.Error)))
	case len(r.Steps) == 0:
		p.linef("\nNothing is known to be unused.")
	}
	if err := p.writeTo(w); err != nil {
		return err
	}
	for _, advice := range r.policies() {
		if !advice.Changes() {
			continue
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
		if err := Markdown(w, r.one(advice)); err != nil {
			return err
		}
	}
	p = &page{}
	if len(r.Steps) > 0 && r.Leaves() {
		p.linef("\n**Steps**\n")
		for i, s := range r.Steps {
			p.linef("%d. %s", i+1, cell(stepText(s)))
		}
	}
	notes := r.notes()
	if len(notes) > 0 {
		p.linef("")
	}
	for _, n := range notes {
		p.linef("- %s", cell(Printable(n)))
	}
	if r.Replayed != nil {
		p.linef("\n**Replay**: %s", replayText(r.Replayed))
		for _, d := range r.Replayed.Differences {
			p.linef("- %s on %s: %s before, %s after", Code(d.Use.Action), Code(d.Request.Resource), d.Old, d.New)
		}
	}
	return p.writeTo(w)
}

// shownPrincipal is the answer about all policies of a role or user. Its policies are
// those of `pare recommend POLICY.json -o json`, with what else there is to say of them.
type shownPrincipal struct {
	SchemaVersion    int                    `json:"schemaVersion"`
	ResourceARN      string                 `json:"resourceArn"`
	FindingID        string                 `json:"findingId"`
	Status           finding.Outcome        `json:"status"`
	Error            *shownAdviceError      `json:"error"` // null unless FAILED
	PermissionSet    string                 `json:"permissionSet,omitzero"`
	Window           shownWindow            `json:"window"`
	GrantedActions   shownGranted           `json:"grantedActions"`
	Policies         []shownPrincipalPolicy `json:"policies"`
	RecommendedSteps []shownStep            `json:"recommendedSteps"`
	Notes            []string               `json:"notes"`
	Replay           *shownReplay           `json:"replay"` // null: not asked for
	Catalog          shownCatalog           `json:"catalog"`
}

type shownPrincipalPolicy struct {
	shownPolicy

	PolicyARN string        `json:"policyArn"` // "" of an inline policy
	Kind      string        `json:"kind"`      // inline, customer managed, AWS managed
	Group     string        `json:"group"`     // ARN of the group that has it; "" when the principal does
	Names     []string      `json:"names"`     // what to call the recommended policies
	Problem   string        `json:"problem"`   // why it has no step; "" when all is well
	Remarks   []string      `json:"remarks"`
	InPlace   *shownInPlace `json:"inPlace"` // the other answer for a shared policy, for all who have it; null when there is none
}

type shownInPlace struct {
	Outcome         string   `json:"outcome"`
	RecommendedText string   `json:"recommendedText"`
	Affects         []string `json:"affects"`
	Groups          []string `json:"groups"`
	Verdict         string   `json:"verdict"`
	Problem         string   `json:"problem"`
}

type shownReplay struct {
	Uses        int                 `json:"uses"`
	Requests    int                 `json:"requests"`
	Allowed     int                 `json:"allowed"`
	Differences []shownReplayedDiff `json:"differences"`
}

type shownReplayedDiff struct {
	Action   string        `json:"action"`
	LastSeen string        `json:"lastSeen"`
	Request  *shownRequest `json:"request"`
	Old      string        `json:"old"`
	New      string        `json:"new"`
}

// PrincipalJSON writes the recommendation as an indented document.
func PrincipalJSON(w io.Writer, r Principal) error {
	advice := AdviceOf(r.Recommendation).shown()
	out := shownPrincipal{
		SchemaVersion: schemaVersion, ResourceARN: r.Resource, FindingID: r.FindingID,
		Status: advice.Status, Error: advice.Error, PermissionSet: r.PermissionSet, Window: shownWindow{int(r.Window.Age / usage.Day), r.Window.From().UTC(), r.Window.Now.UTC()},
		GrantedActions: advice.GrantedActions, RecommendedSteps: advice.RecommendedSteps, Catalog: showCatalog(r.Catalog),
		Notes: []string{}, Replay: showReplay(r),
	}
	if !r.Leaves() {
		out.RecommendedSteps, out.GrantedActions.After = []shownStep{}, r.Before
	}
	out.Notes = append(out.Notes, r.notes()...)
	for _, p := range r.policies() {
		out.Policies = append(out.Policies, r.showPolicy(p))
	}
	return writeDocument(w, out)
}

func (p Principal) showPolicy(advice analyzer.PolicyAdvice) shownPrincipalPolicy {
	out := shownPrincipalPolicy{
		shownPolicy: p.one(advice).shown(nil).Policies[0],
		PolicyARN:   advice.ARN, Kind: string(advice.Kind), Group: advice.Group, Names: advice.Names, Problem: advice.Problem,
	}
	for _, n := range advice.Notes {
		out.Remarks = append(out.Remarks, n.String())
	}
	if in := advice.InPlace; in != nil && (in.Changes() || in.Problem != "") {
		shown := &shownInPlace{Outcome: in.Result.Outcome.String(), Affects: in.Affects, Groups: in.Groups, Verdict: in.Proof.Verdict.String(), Problem: in.Problem}
		if in.Result.Document != nil && in.Changes() && in.Leaves() {
			shown.RecommendedText = string(in.Result.Document.Bytes())
		}
		out.InPlace = shown
	}
	return out
}

func showReplay(r Principal) *shownReplay {
	if r.Replayed == nil {
		return nil
	}
	out := &shownReplay{Uses: r.Replayed.Uses, Requests: r.Replayed.Requests, Allowed: r.Replayed.Allowed}
	for _, d := range r.Replayed.Differences {
		out.Differences = append(out.Differences, shownReplayedDiff{
			d.Use.Action, d.Use.LastSeen.UTC().Format("2006-01-02T15:04:05Z"), showRequest(r.Catalog, nil, d.Request), d.Old.String(), d.New.String(),
		})
	}
	return out
}

// PrincipalPolicies writes the recommended policies alone, one document after another, in
// the order of the steps; nothing if they aren't all proved.
func PrincipalPolicies(w io.Writer, r Principal) error {
	if !r.Leaves() {
		return nil
	}
	for i, s := range slices.DeleteFunc(slices.Clone(r.Steps), func(s finding.Step) bool { return s.Action != finding.CreatePolicy }) {
		text := s.RecommendedPolicy
		if i > 0 {
			text = "\n" + text
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}
