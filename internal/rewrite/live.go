package rewrite

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Live is a policy as an account has it, that somebody may have written in a file: a
// customer managed policy, or an inline one.
type Live struct {
	Account string             // twelve digits
	Kind    finding.PolicyKind // CustomerPolicy, InlinePolicy of a role or user, or GroupPolicy: inline of a group
	Name    string
	Path    string // of a managed policy, as ARN
	ARN     string

	Holder                iac.HolderKind // of an inline policy: Role, User or Group; else 0
	HolderName, HolderARN string
	PermissionSet         string            // name of the permission set that the role was made of by Identity Center; else ""
	HolderSize            int               // characters of all the holder's inline policies that could be read
	Tags                  map[string]string // of the holder; groups and managed policies have none in the files

	Document *policy.Document // nil: it couldn't be read, and Problem says so
	Unused   usage.Unused     // what of it is unused by all who have it; empty until it is judged
	Affects  []string         // ARNs of the roles and users it gives something, sorted
	Problem  string           // why nothing may be taken from it; then Unused is empty
	Window   usage.Window
	Of       *analyze.Account // for evidence with dates
}

// Title names the policy in messages: a managed one's ARN, "HOLDER-ARN policy NAME".
func (l *Live) Title() string {
	if l.ARN != "" {
		return l.ARN
	}
	return l.HolderARN + " policy " + l.Name
}

// Policies lists an account's policies that could have a source, the managed ones by
// ARN, then the inline ones by holder's ARN and name, each with what is unused of it. It is
// Held and Judge; where few policies matter, those alone are judged sooner.
func Policies(a *analyze.Account) ([]*Live, error) {
	out := Held(a)
	return out, Judge(out)
}

// Held lists an account's policies as Policies does, and doesn't judge them: the Problem of
// each says so.
func Held(a *analyze.Account) []*Live {
	r := newReach(a.Inventory)
	var out []*Live
	for _, m := range a.Inventory.Policies {
		if !m.AWSManaged() {
			out = append(out, &Live{Kind: finding.CustomerPolicy, Name: m.Name, Path: m.Path, ARN: m.ARN, Document: m.Document, Affects: r.of(m.ARN)})
		}
	}
	out = append(out, r.missing(out)...)
	for _, role := range a.Inventory.Roles {
		out = append(out, inlineOf(&role.Entity, iac.Role, []string{role.ARN})...)
	}
	for _, user := range a.Inventory.Users {
		out = append(out, inlineOf(&user.Entity, iac.User, []string{user.ARN})...)
	}
	for _, group := range a.Inventory.Groups {
		out = append(out, inlineOf(&group.Entity, iac.Group, r.members[group.Name])...)
	}
	for _, l := range out {
		l.Account, l.Window, l.Of, l.Problem = a.Inventory.ID, a.Window, a, unasked
	}
	slices.SortStableFunc(out, func(a, b *Live) int {
		return cmp.Or(cmp.Compare(min(a.Holder, 1), min(b.Holder, 1)), cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.HolderARN, b.HolderARN), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Judge says what is unused of policies that Held listed, of one account or several: sets
// Unused, and Problem. Everyone whom one of them gives something is judged once.
//
// A policy that somebody has who is excluded, too young, not in use or without evidence
// keeps everything, and so does one whose refinement isn't proved or wouldn't fit. The
// error is that of an analysis; then no policy of its account is judged.
func Judge(live []*Live) error {
	var accounts []*analyze.Account
	of := map[*analyze.Account][]*Live{}
	for _, l := range live {
		if of[l.Of] == nil {
			accounts = append(accounts, l.Of)
		}
		of[l.Of] = append(of[l.Of], l)
	}
	for _, a := range accounts {
		k, err := learn(a.Analysis, of[a])
		if err != nil {
			return err
		}
		for _, l := range of[a] {
			l.Unused, l.Problem = k.about(l)
		}
	}
	return nil
}

// Spare has policies that were judged keep everything, for the reason given: what they were
// judged by isn't all that there is.
func Spare(live []*Live, why string) {
	for _, l := range live {
		l.Unused, l.Problem = usage.Unused{}, cmp.Or(l.Problem, why)
	}
}

// known is what an analysis says of policies.
type known struct {
	skipped map[string]string            // principals that aren't judged, and why
	inPlace map[string]*analyzer.InPlace // by ARN
	through map[string]string            // managed policies that a group has, by ARN: why there is no answer
	own     map[inlineKey]answer
}

// inlineKey is an inline policy.
type inlineKey struct{ holderARN, name string }

// answer is what may be taken from a policy, or why nothing may be.
type answer struct {
	unused  usage.Unused
	problem string
}

// learn asks the analysis about everyone whom the policies give something, once.
func learn(a *analyzer.Analysis, live []*Live) (*known, error) {
	k := &known{skipped: map[string]string{}, inPlace: map[string]*analyzer.InPlace{}, through: map[string]string{}, own: map[inlineKey]answer{}}
	summary, err := a.Findings(func(finding.Finding) error { return nil })
	if err != nil {
		return nil, err
	}
	for _, skip := range summary.Skipped {
		if (skip.Type == "" || skip.Type == finding.UnusedPermission) && skip.Reason != analyzer.Unreadable {
			k.skipped[skip.Resource] = because(skip)
		}
	}
	advice, err := adviceFor(a, k.judged(live))
	for _, r := range advice {
		for i := range r.Policies {
			k.take(r.Resource, &r.Policies[i])
		}
	}
	return k, err
}

// judged are those whom policies give something and who are judged, sorted.
func (k *known) judged(live []*Live) []string {
	all := map[string]bool{}
	for _, l := range live {
		for _, arn := range l.Affects {
			if k.skipped[arn] == "" {
				all[arn] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// adviceFor is what is recommended for each of some principals, worked out side by side.
func adviceFor(a *analyzer.Analysis, arns []string) ([]analyzer.Recommendation, error) {
	out := make([]analyzer.Recommendation, len(arns))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, arn := range arns {
		g.Go(func() (err error) {
			out[i], err = a.Recommend(arn)
			return err
		})
	}
	return out, g.Wait()
}

func because(s analyzer.Skipped) string {
	if s.Detail == "" {
		return s.Reason.String()
	}
	return s.Reason.String() + ": " + s.Detail
}

// take keeps the answer of a principal's advice on one policy. A principal that uses all
// of a group's policy says nothing about it; another's answer is for all members.
func (k *known) take(principal string, p *analyzer.PolicyAdvice) {
	switch p.Kind {
	case finding.CustomerPolicy:
		switch {
		case p.InPlace != nil:
			k.inPlace[p.ARN] = p.InPlace
		case p.Problem != "":
			k.through[p.ARN] = p.Problem
		}
	case finding.InlinePolicy:
		key := inlineKey{cmp.Or(p.Group, principal), p.Name}
		now := adviceAnswer(p)
		if before, ok := k.own[key]; !ok || before.problem == "" && (now.problem != "" || len(before.unused.Actions)+len(before.unused.Services) == 0) {
			k.own[key] = now
		}
	case finding.AWSPolicy, finding.GroupPolicy: // nobody's to write, and never an advice's kind
	}
}

func adviceAnswer(p *analyzer.PolicyAdvice) answer {
	switch {
	case p.Problem != "":
		return answer{problem: p.Problem}
	case p.As != finding.InlinePolicy:
		return answer{problem: "what is left of it is longer, and no inline policy has room for it"}
	}
	return answer{unused: p.Unused}
}

// What is said of policies about which nothing else can be.
const (
	unasked    = "nobody asked what is unused of it"
	unreadable = "the policy couldn't be read"
	nobody     = "nobody has it, so that nobody's use says anything"
)

// about is what may be taken from a policy, or why nothing may be.
func (k *known) about(l *Live) (usage.Unused, string) {
	told, ok := k.own[inlineKey{l.HolderARN, l.Name}]
	if l.Holder == 0 {
		told, ok = k.managed(l.ARN)
	}
	inPlace := k.inPlace[l.ARN] != nil // which has judged all, those of Identity Center too
	switch {
	case l.Document == nil:
		return usage.Unused{}, unreadable
	case inPlace, ok && told.problem != "":
		return told.unused, told.problem
	case len(l.Affects) == 0:
		return usage.Unused{}, nobody
	}
	if why := k.unjudged(l.Affects); why != "" {
		return usage.Unused{}, why
	}
	return told.unused, ""
}

// managed is the answer for all who have a managed policy, if anyone's advice has one.
func (k *known) managed(arn string) (answer, bool) {
	if in := k.inPlace[arn]; in != nil {
		if in.Problem != "" {
			return answer{problem: in.Problem}, true
		}
		return answer{unused: in.Unused}, true
	}
	return answer{problem: k.through[arn]}, k.through[arn] != ""
}

// inlineOf are the inline policies of an entity, which affect some principals.
func inlineOf(e *inventory.Entity, holder iac.HolderKind, affects []string) []*Live {
	var out []*Live
	size := inlineSize(e)
	for _, in := range e.Inline {
		l := &Live{
			Kind: finding.InlinePolicy, Name: in.Name, Holder: holder, HolderName: e.Name, HolderARN: e.ARN, HolderSize: size,
			Tags: e.Tags, Document: in.Document, Affects: affects,
		}
		switch holder {
		case iac.Role:
			l.PermissionSet = permissionSet(e)
		case iac.Group:
			l.Kind = finding.GroupPolicy
		case iac.User, iac.PermissionSet: // nothing more is known; no entity is a permission set
		}
		out = append(out, l)
	}
	return out
}

func inlineSize(e *inventory.Entity) int {
	n := 0
	for _, in := range e.Inline {
		if in.Document != nil {
			n += in.Document.Size()
		}
	}
	return n
}

// unjudged says who of some principals isn't judged, and why; "" when all are.
func (k *known) unjudged(arns []string) string {
	for _, arn := range arns {
		if why := k.skipped[arn]; why != "" {
			return arn + " isn't judged: " + why
		}
	}
	return ""
}

// permissionSet is the name of the permission set that a role was made of: the role of
// one is AWSReservedSSO_NAME_ and a hash of 16 digits.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
func permissionSet(e *inventory.Entity) string {
	name, ok := strings.CutPrefix(e.Name, "AWSReservedSSO_")
	if !ok || !strings.HasPrefix(e.Path, "/aws-reserved/sso.amazonaws.com/") {
		return ""
	}
	if i := strings.LastIndexByte(name, '_'); i > 0 {
		return name[:i]
	}
	return ""
}

// reach says whom managed policies and groups give something.
type reach struct {
	members map[string][]string        // ARNs of a group's users, by its name, sorted
	managed map[string]map[string]bool // ARNs of who has a managed policy, by its ARN
}

func newReach(account *inventory.Account) *reach {
	r := &reach{members: map[string][]string{}, managed: map[string]map[string]bool{}}
	for _, u := range account.Users {
		r.attach(&u.Entity, []string{u.ARN})
		for _, name := range u.Groups {
			r.members[name] = append(r.members[name], u.ARN)
		}
	}
	for _, role := range account.Roles {
		r.attach(&role.Entity, []string{role.ARN})
	}
	for _, g := range account.Groups {
		slices.Sort(r.members[g.Name])
		r.attach(&g.Entity, r.members[g.Name])
	}
	return r
}

// missing are the account's own managed policies that somebody has and that aren't among
// those that are known: a filter left them out. That they are there is all that is known.
func (r *reach) missing(known []*Live) []*Live {
	is := map[string]bool{}
	for _, l := range known {
		is[l.ARN] = true
	}
	var out []*Live
	for _, text := range slices.Sorted(maps.Keys(r.managed)) {
		arn, err := policy.ParseARN(text)
		if err != nil || arn.Account == "aws" || is[text] {
			continue
		}
		path := strings.TrimPrefix(arn.Resource, "policy")
		i := strings.LastIndexByte(path, '/') + 1
		out = append(out, &Live{Kind: finding.CustomerPolicy, Name: path[i:], Path: path[:i], ARN: text, Affects: r.of(text)})
	}
	return out
}

func (r *reach) attach(e *inventory.Entity, to []string) {
	for _, at := range e.Attached {
		if r.managed[at.ARN] == nil {
			r.managed[at.ARN] = map[string]bool{}
		}
		for _, arn := range to {
			r.managed[at.ARN][arn] = true
		}
	}
}

func (r *reach) of(arn string) []string {
	out := make([]string, 0, len(r.managed[arn]))
	for to := range r.managed[arn] {
		out = append(out, to)
	}
	slices.Sort(out)
	return out
}
