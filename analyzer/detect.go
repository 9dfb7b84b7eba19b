package analyzer

import (
	"slices"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/usage"
)

// detector finds unused access of one type. detect is a pure function of its subject: it
// returns findings with what is particular to them, and what it couldn't judge.
type detector struct {
	typ    finding.Type
	detect func(*subject) ([]finding.Finding, []Skipped)
}

// detectors are all there are, in the order in which a principal's findings are shown.
var detectors = [...]detector{
	{finding.UnusedIAMRole, unusedRole},
	{finding.UnusedIAMUserAccessKey, unusedKeys},
	{finding.UnusedIAMUserPassword, unusedPassword},
	{finding.UnusedPermission, unusedPermissions},
}

// The sources that IAM itself keeps of principals and their credentials.
const (
	roleLastUsed     = "iam-role-last-used"
	keyLastUsed      = "iam-access-key-last-used"
	passwordLastUsed = "iam-password-last-used"
)

// unusedRole finds a role that nobody used in the window: neither does IAM say so, nor
// did any other source see a use.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleLastUsed.html
func unusedRole(s *subject) ([]finding.Finding, []Skipped) {
	switch {
	case s.role == nil:
		return nil, nil
	case s.Window.Used(s.role.LastUsed.At), s.judgement.seen:
		return nil, nil
	case s.err != nil:
		return nil, []Skipped{{Reason: NoEvidence, Detail: s.err.Error()}}
	case !s.role.LastUsed.Known:
		return nil, []Skipped{{Reason: NoEvidence, Detail: "when the role was last used isn't known"}}
	}
	return []finding.Finding{{
		LastAccessed: s.role.LastUsed.At,
		Sources:      append([]string{roleLastUsed}, s.judgement.sources...),
	}}, nil
}

// unusedKeys finds active access keys that weren't used in the window.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
func unusedKeys(s *subject) (found []finding.Finding, skipped []Skipped) {
	if s.user == nil {
		return nil, nil
	}
	for _, k := range s.user.Keys {
		skip := Skipped{AccessKeyID: k.ID, KeySlot: slot(k)}
		switch {
		case !k.Active, s.Window.Used(k.LastUsed.At):
		case !s.old(k.CreatedAt):
			skip.Reason = Young
			skipped = append(skipped, skip)
		case !k.LastUsed.Known:
			skip.Reason, skip.Detail = NoEvidence, "when the key was last used isn't known"
			skipped = append(skipped, skip)
		default:
			found = append(found, finding.Finding{
				AccessKeyID: k.ID, KeySlot: slot(k), LastAccessed: k.LastUsed.At, Sources: []string{keyLastUsed},
			})
		}
	}
	if !s.user.KeysKnown {
		skipped = append(skipped, Skipped{Reason: NoEvidence, Detail: "which access keys the user has isn't known"})
	}
	return found, skipped
}

// slot is the place of a key whose ID isn't known.
func slot(k inventory.Key) int {
	if k.ID != "" {
		return 0
	}
	return k.Slot
}

// unusedPassword finds an enabled password that nobody signed in with in the window, and
// that was set before it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
func unusedPassword(s *subject) ([]finding.Finding, []Skipped) {
	if s.user == nil {
		return nil, nil
	}
	switch p := s.user.Password; {
	case !p.Known:
		return nil, []Skipped{{Reason: NoEvidence, Detail: "whether the user has a password isn't known"}}
	case !p.Enabled, s.Window.Used(p.LastUsed.At):
		return nil, nil
	case !s.old(p.ChangedAt):
		return nil, []Skipped{{Reason: Young}}
	case !p.LastUsed.Known:
		return nil, []Skipped{{Reason: NoEvidence, Detail: "when the password was last used isn't known"}}
	default:
		return []finding.Finding{{LastAccessed: p.LastUsed.At, Sources: []string{passwordLastUsed}}}, nil
	}
}

// active says whether the principal itself was used in the window: a role, or a user's
// key or password, or any source saw a use.
func (s *subject) active() bool {
	if s.judgement.seen {
		return true
	}
	if s.role != nil {
		return s.Window.Used(s.role.LastUsed.At)
	}
	for _, k := range s.user.Keys {
		if s.Window.Used(k.LastUsed.At) {
			return true
		}
	}
	return s.Window.Used(s.user.Password.LastUsed.At)
}

// unusedPermissions finds what a principal in use is granted and doesn't use.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UnusedPermissionDetails.html
func unusedPermissions(s *subject) (found []finding.Finding, skipped []Skipped) {
	v := s.verdict()
	if v.skip.Reason != 0 {
		return nil, []Skipped{v.skip}
	}
	for _, name := range s.unreadable {
		skipped = append(skipped, Skipped{Reason: Unreadable, Detail: name})
	}
	if !v.any() {
		return nil, skipped
	}
	f := finding.Finding{Permissions: s.permissions(v)}
	for _, p := range f.Permissions {
		if p.Source != "" {
			f.Sources = append(f.Sources, p.Source)
		}
		for _, act := range p.Actions {
			f.Sources = append(f.Sources, act.Source)
		}
	}
	return []finding.Finding{f}, skipped
}

// permissions lists what is unused service by service.
func (s *subject) permissions(v verdict) []finding.Permissions {
	var out []finding.Permissions
	for i := range s.judgement.Services {
		svc := &s.judgement.Services[i]
		_, whole := slices.BinarySearch(v.services, svc.Prefix)
		if p := s.service(svc, v, whole); whole || len(p.Actions) > 0 {
			out = append(out, p)
		}
	}
	return out
}

func (s *subject) service(svc *usage.ServiceVerdict, v verdict, whole bool) finding.Permissions {
	out := finding.Permissions{Namespace: svc.Prefix, LastAccessed: svc.Last, Granted: len(svc.Actions)}
	if whole {
		out.Source = svc.Source.String()
		return out
	}
	for i := range svc.Actions {
		switch act := &svc.Actions[i]; {
		case v.actions.has(act.Action.ID):
			out.Actions = append(out.Actions, finding.Action{Name: act.Action.String(), LastAccessed: act.Last, Source: act.Source.String()})
		case act.State != usage.InUse:
			out.Kept++
		}
	}
	return out
}
