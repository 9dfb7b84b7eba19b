package apply

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/usage"
)

// Input is what a plan is made from: one account's data and its analysis. None of it is
// changed.
type Input struct {
	Account         *inventory.Account
	Findings        []finding.Finding
	Recommendations []analyzer.Recommendation
	Excluded        []string // ARNs of roles and users that the analysis was told to leave alone
	Window          usage.Window
	MadeAt          time.Time
	Program         string // "pare 1.0.0"
}

// Choice says what of the findings to act on, and how. The zero value: on all active ones,
// with nothing that can't be taken back.
type Choice struct {
	Findings   []string       // IDs; empty: all
	Principals []string       // ARNs or names of roles and users; empty: all
	Tags       []analyzer.Tag // of roles and users, one of them is enough; empty: all

	InPlace      InPlace       // when a customer managed policy is narrowed for all who have it
	Delete       bool          // delete passwords, inactive keys, and roles that were in quarantine long enough
	Quarantine   time.Duration // how long that is
	AllowManaged []string      // names of roles, users and policies that may be changed though something else manages them
	AttachQuota  int           // how many managed policies the account lets a role, user or group have; 0: as many as AWS does by itself
}

// InPlace says when a customer managed policy is narrowed for all who have it, by a new
// default version, where that is proved; else a copy takes its place for one of them.
type InPlace uint8

// The ways. The zero value is the default: nobody's access changes who isn't chosen.
const (
	InPlaceChosen InPlace = iota // if all who have it are chosen
	InPlaceAlways                // whoever has it
	InPlaceNever                 // always a copy
)

// The quarantine of a role: a policy that denies everything, and a tag with the day.
const (
	QuarantinePolicy   = "pare-quarantine"
	QuarantineTag      = "pare-quarantine"
	quarantineDocument = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "PareQuarantine",
      "Effect": "Deny",
      "Action": "*",
      "Resource": "*"
    }
  ]
}`
)

// builder is a plan on the way.
type builder struct {
	Input
	Choice
	plan     *Plan
	entities map[string]*subject // by ARN: roles, users, groups
	policies map[string]*inventory.ManagedPolicy
	names    map[string]made // of the policies to make, in lower case
	taken    map[string]bool // of the policies there are, in lower case
	planned  map[string]bool // what has a step already, from another finding
	advice   map[string]*analyzer.Recommendation
	attached map[string]int // how many managed policies an entity has after the steps so far, by ARN
	actions  int
}

// subject is an entity whose policies or credentials change.
type subject struct {
	Entity
	of   *inventory.Entity
	role *inventory.Role
	user *inventory.User
}

// made is a policy that the plan makes.
type made struct{ sum, arn string }

// Build makes the plan. An id or name in the choice that nothing has is an error.
func Build(in Input, choice Choice) (*Plan, error) {
	b := &builder{
		Input: in, Choice: choice, entities: map[string]*subject{}, policies: map[string]*inventory.ManagedPolicy{},
		names: map[string]made{}, taken: map[string]bool{}, planned: map[string]bool{}, advice: map[string]*analyzer.Recommendation{},
		attached: map[string]int{},
		plan: &Plan{
			SchemaVersion: Schema, Account: in.Account.ID, Partition: in.Account.Partition, MadeAt: in.MadeAt.UTC(),
			Evidence: in.Window.Now.UTC(), UnusedSince: in.Window.From().UTC(), Program: in.Program, AllowManaged: slices.Sorted(slices.Values(choice.AllowManaged)),
		},
	}
	b.index()
	if err := b.known(); err != nil {
		return nil, err
	}
	for _, f := range in.Findings {
		if b.chosen(f) {
			b.finding(f)
		}
	}
	if choice.Delete && len(choice.Findings) == 0 {
		b.inactiveKeys()
	}
	return b.plan, nil
}

func (b *builder) index() {
	for _, r := range b.Account.Roles {
		b.entities[r.ARN] = &subject{Entity: Entity{RoleEntity, r.Name}, of: &r.Entity, role: r}
	}
	for _, u := range b.Account.Users {
		b.entities[u.ARN] = &subject{Entity: Entity{UserEntity, u.Name}, of: &u.Entity, user: u}
	}
	for _, g := range b.Account.Groups {
		b.entities[g.ARN] = &subject{Entity: Entity{GroupEntity, g.Name}, of: &g.Entity}
	}
	for _, p := range b.Account.Policies {
		b.policies[p.ARN] = p
		if !p.AWSManaged() {
			b.taken[strings.ToLower(p.Name)] = true
		}
	}
	for arn, s := range b.entities {
		b.attached[arn] = len(s.of.Attached)
	}
	for i := range b.Recommendations {
		b.advice[b.Recommendations[i].FindingID] = &b.Recommendations[i]
	}
}

// known refuses a choice of what isn't there.
func (b *builder) known() error {
	for _, id := range b.Choice.Findings {
		if !slices.ContainsFunc(b.Input.Findings, func(f finding.Finding) bool { return f.ID == id }) {
			return fmt.Errorf("finding %s: account %s has no such finding", id, b.Account.ID)
		}
	}
	for _, name := range b.Principals {
		found := false
		for arn, s := range b.entities {
			found = found || s.Kind != GroupEntity && (arn == name || s.Name == name)
		}
		if !found {
			return fmt.Errorf("principal %s: no role or user of account %s has this ARN or name", name, b.Account.ID)
		}
	}
	return nil
}

// chosen says whether the plan is to act on a finding: an archived one only by its ID.
func (b *builder) chosen(f finding.Finding) bool {
	byID := slices.Contains(b.Choice.Findings, f.ID)
	if len(b.Choice.Findings) > 0 && !byID || f.Status != finding.Active && !byID {
		return false
	}
	return b.chosenPrincipal(f.Resource)
}

func (b *builder) chosenPrincipal(arn string) bool {
	s := b.entities[arn]
	if s == nil {
		return false
	}
	named := len(b.Principals) == 0 || slices.Contains(b.Principals, arn) || slices.Contains(b.Principals, s.Name)
	return named && (len(b.Tags) == 0 || slices.ContainsFunc(b.Tags, func(want analyzer.Tag) bool { return tagged(s.of.Tags, want) }))
}

func tagged(tags map[string]string, want analyzer.Tag) bool {
	for key, value := range tags {
		if strings.EqualFold(key, want.Key) && (want.Value == "" || want.Value == value) {
			return true
		}
	}
	return false
}

// finding adds the steps of one finding.
func (b *builder) finding(f finding.Finding) {
	s := b.entities[f.Resource]
	switch f.Type {
	case finding.UnusedIAMRole:
		b.role(f, s)
	case finding.UnusedIAMUserAccessKey:
		b.key(f, s)
	case finding.UnusedIAMUserPassword:
		b.password(f, s)
	case finding.UnusedPermission:
		b.permissions(f, s)
	}
}

// leave notes what the plan leaves as it is.
func (b *builder) leave(f finding.Finding, kind LeftKind, what, why string) {
	b.plan.Left = append(b.plan.Left, Left{f.ID, f.Resource, what, kind, why})
}

// free says whether an entity may be changed, and notes it if not.
func (b *builder) free(f finding.Finding, s *subject, what string) bool {
	if s.role != nil {
		if why := reserved(s.of.Path); why != "" {
			b.leave(f, LeftNever, what, why)
			return false
		}
	}
	by := managedBy(s.of.Tags)
	if by != "" && !slices.Contains(b.AllowManaged, s.Name) && !slices.Contains(b.AllowManaged, s.of.ARN) {
		b.leave(f, LeftManaged, what, fmt.Sprintf("%s manages it: change it there, or allow it by --allow-managed %s", by, s.Name))
		return false
	}
	return true
}

// step adds a step; the actions get their ids.
func (b *builder) step(f finding.Finding, title string, affects []string, actions ...Action) {
	affects = slices.Clone(affects)
	slices.Sort(affects)
	for i := range actions {
		b.actions++
		actions[i].ID = fmt.Sprintf("a%d", b.actions)
	}
	b.plan.Steps = append(b.plan.Steps, Step{
		ID: fmt.Sprintf("s%d", len(b.plan.Steps)+1), Finding: f.ID, Type: f.Type, Title: title,
		Principal: f.Resource, Affects: slices.Compact(affects), Actions: actions,
	})
}

// role puts an unused role into quarantine or, when it has been there long enough and that
// is asked for, deletes it.
func (b *builder) role(f finding.Finding, s *subject) {
	if !b.free(f, s, s.String()) {
		return
	}
	since, quarantined := s.quarantined()
	switch {
	case !quarantined:
		b.step(f, "put the "+s.String()+" into quarantine", []string{f.Resource},
			Action{Target: Inline{s.Entity, QuarantinePolicy}, Expect: s.inline(QuarantinePolicy), Leave: withDocument(quarantineDocument)},
			Action{Target: RoleTag{s.Name, QuarantineTag}, Expect: s.tag(QuarantineTag), Leave: Value{There: true, Text: b.MadeAt.UTC().Format(time.DateOnly)}})
	case !b.Delete:
		b.leave(f, LeftDone, s.String(), "in quarantine since "+since.Format(time.DateOnly)+"; --delete deletes it")
	case b.MadeAt.Sub(since) < b.Quarantine:
		b.leave(f, LeftDone, s.String(), fmt.Sprintf("in quarantine since %s, which is shorter than --quarantine %dd", since.Format(time.DateOnly), b.Quarantine/usage.Day))
	default:
		b.deleteRole(f, s)
	}
}

// quarantined says since when a role has been in quarantine.
func (s *subject) quarantined() (time.Time, bool) {
	now := s.inline(QuarantinePolicy)
	since, err := time.Parse(time.DateOnly, s.of.Tags[QuarantineTag])
	return since, err == nil && same(Inline{}, now, withDocument(quarantineDocument))
}

func (s *subject) inline(name string) Value {
	for _, in := range s.of.Inline {
		if in.Name == name && in.Document != nil {
			return withDocument(string(in.Document.Bytes()))
		}
	}
	return Value{}
}

func (s *subject) tag(key string) Value {
	value, there := s.of.Tags[key]
	return Value{There: there, Text: value}
}

// deleteRole takes from a role what keeps it from being deleted, the quarantine last, so
// that it is there while anything else is.
func (b *builder) deleteRole(f finding.Finding, s *subject) {
	var actions []Action
	for _, profile := range s.role.InstanceProfiles {
		actions = append(actions, Action{Target: ProfileRole{profile, s.Name}, Expect: Value{There: true}})
	}
	for _, at := range s.of.Attached {
		actions = append(actions, Action{Target: Attachment{s.Entity, at.ARN}, Expect: b.expected(at.ARN)})
	}
	unreadable := s.role.Trust == nil
	for _, in := range s.of.Inline {
		unreadable = unreadable || in.Document == nil
		if in.Name != QuarantinePolicy {
			actions = append(actions, Action{Target: Inline{s.Entity, in.Name}, Expect: s.inline(in.Name)})
		}
	}
	actions = append(actions, Action{Target: Inline{s.Entity, QuarantinePolicy}, Expect: s.inline(QuarantinePolicy)})
	switch {
	case unreadable:
		b.leave(f, LeftUnknown, s.String(), "a policy of it couldn't be read, so that it couldn't be restored")
		return
	case deletedPrincipal.Match(s.role.Trust.Bytes()):
		b.leave(f, LeftUnknown, s.String(), "it trusts somebody who was deleted, which AWS takes in no new role: it couldn't be restored")
		return
	}
	actions = append(actions, Action{Target: Role{s.Name}, Expect: withDocument(string(s.role.Trust.Bytes()))})
	b.step(f, "delete the "+s.String(), []string{f.Resource}, actions...)
}

// deletedPrincipal is the unique ID that AWS leaves in a trust policy in place of a role or
// user that was deleted.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
var deletedPrincipal = regexp.MustCompile(`"(AROA|AIDA)[A-Z0-9]{8,}"`)

// expected is the value of an attachment: the policy's text goes along, for the reader.
func (b *builder) expected(arn string) Value {
	if p := b.policies[arn]; p != nil && p.Document != nil {
		return withDocument(string(p.Document.Bytes()))
	}
	return Value{There: true}
}

func (b *builder) key(f finding.Finding, s *subject) {
	what := "access key " + f.AccessKeyID + " of " + s.String()
	switch {
	case f.AccessKeyID == "":
		b.leave(f, LeftUnknown, fmt.Sprintf("access key %d of %s", f.KeySlot, s), "its ID isn't known: the data lacks access-keys.json")
	case b.free(f, s, what):
		b.step(f, "deactivate the "+what, []string{f.Resource}, Action{
			Target: AccessKey{s.Name, f.AccessKeyID}, Expect: Value{There: true, Text: keyActive}, Leave: Value{There: true, Text: keyInactive},
		})
	}
}

func (b *builder) password(f finding.Finding, s *subject) {
	what := "password of " + s.String()
	switch {
	case !b.Delete:
		b.leave(f, LeftNeedsDelete, what, "a password that is deleted can't be restored: --delete deletes it")
	case b.free(f, s, what):
		b.step(f, "delete the "+what, []string{f.Resource}, Action{Target: Password{s.Name}, Expect: Value{There: true}})
	}
}

// inactiveKeys deletes access keys that are inactive, and weren't used in the window. They
// have no finding: an inactive key gives no access.
func (b *builder) inactiveKeys() {
	for _, u := range b.Account.Users {
		if !b.chosenPrincipal(u.ARN) || slices.Contains(b.Excluded, u.ARN) {
			continue
		}
		s := b.entities[u.ARN]
		for _, k := range u.Keys {
			old := !k.CreatedAt.IsZero() && !k.CreatedAt.After(b.Window.From())
			if k.ID == "" || k.Active || !old || !k.LastUsed.Known || b.Window.Used(k.LastUsed.At) {
				continue
			}
			f := finding.Finding{Type: finding.UnusedIAMUserAccessKey, Resource: u.ARN}
			if what := "inactive access key " + k.ID + " of " + s.String(); b.free(f, s, what) {
				b.step(f, "delete the "+what, []string{u.ARN}, Action{Target: AccessKey{s.Name, k.ID}, Expect: Value{There: true, Text: keyInactive}})
			}
		}
	}
}

// attachQuota is how many managed policies AWS lets a role, user or group have, unless an
// account has asked for more.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const attachQuota = 10

// room says whether an entity may have more managed policies, and notes them; or why not. An
// entity that has more than the quota shows that the account's is higher.
func (b *builder) room(holder *subject, more int) (why string, ok bool) {
	has := b.attached[holder.of.ARN]
	quota := max(cmp.Or(b.AttachQuota, attachQuota), has)
	if has+more > quota {
		return fmt.Sprintf("%s has %d managed policies of %d: no new one can be attached before the old one is detached; detach one that isn't needed, "+
			"or, if the account's quota is higher, say so by --attach-quota", holder, has, quota), false
	}
	b.attached[holder.of.ARN] = has + more
	return "", true
}

// newName is a name for a policy with a text: the one recommended, unless the plan gives
// that to another text already; a text that is made already needs no second policy.
func (b *builder) newName(recommended, sum string) (name string, exists bool) {
	base, n := recommended, 1
	if i := strings.LastIndexByte(base, '-'); i > 0 && strings.HasSuffix(base[:i], "-recommended") {
		if _, err := fmt.Sscanf(base[i+1:], "%d", &n); err == nil {
			base = base[:i]
		}
	}
	for ; ; n++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprintf("-%d", n)
		}
		name = base[:min(len(base), maxName-len(suffix))] + suffix
		folded := strings.ToLower(name)
		if known, ok := b.names[folded]; ok && known.sum == sum {
			return name, true
		} else if !ok && !b.taken[folded] {
			return name, false
		}
	}
}

// maxName is the longest name of a policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxName = 128
