package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/usage"
)

// kind is what is said of findings of a type.
type kind struct {
	one, many string
	use       string // what the entity wasn't: "used"
	remedy    string // what to do; AWS's advice for the type
}

// kindOf has AWS's advice from
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-remediate.html
func kindOf(t finding.Type) kind {
	//exhaustive:enforce
	switch t {
	case finding.UnusedIAMRole:
		return kind{"unused role", "unused roles", "used", "Delete the role, or archive the finding if it is for emergencies or runs seldom."}
	case finding.UnusedIAMUserAccessKey:
		return kind{"unused access key", "unused access keys", "used", "Deactivate the key; delete it once nothing is found to miss it."}
	case finding.UnusedIAMUserPassword:
		return kind{"unused password", "unused passwords", "used to sign in", "Delete the user's login profile, which takes the console password away."}
	case finding.UnusedPermission:
		return kind{"principal with unused permissions", "principals with unused permissions", "used", "Take the recommended steps, or archive the finding if the access is for seldom or urgent work."}
	}
	panic(fmt.Sprintf("report: unhandled type %q", t))
}

// remedyText is what to do about a finding.
func remedyText(f finding.Finding) string {
	if f.Status == finding.Resolved {
		return "Nothing: it is resolved."
	}
	return kindOf(f.Type).remedy
}

func statusText(s finding.Status) string {
	//exhaustive:enforce
	switch s {
	case finding.Active:
		return "active"
	case finding.Archived:
		return "archived"
	case finding.Resolved:
		return "resolved"
	}
	panic(fmt.Sprintf("report: unhandled status %q", s))
}

// changeText is how a finding changed since the last run; empty if it didn't, or if there
// was none.
func changeText(c finding.Change) string {
	//exhaustive:enforce
	switch c {
	case finding.New:
		return "new since the last run"
	case finding.Updated:
		return "changed since the last run: its status, or what is unused"
	case finding.PartlyFixed:
		return "less is unused than at the last run"
	case finding.Fixed:
		return "resolved since the last run"
	case finding.Reopened:
		return "it had been resolved before"
	case finding.NotJudged:
		return "as at the last run; this one couldn't judge it"
	case finding.Same, "":
		return ""
	}
	panic(fmt.Sprintf("report: unhandled change %q", c))
}

// entityText is an IAM entity without what its account says already: "role/path/Name".
func entityText(arn string) string {
	a, err := policy.ParseARN(arn)
	if err != nil {
		return Printable(arn)
	}
	return Printable(a.Resource)
}

// what is what is counted, in the singular if it is one.
func (c Count) what() string {
	if c.Number != 1 {
		return c.What
	}
	switch c.What {
	case "roles and users":
		return "role or user"
	case "roles' and users' permissions":
		return "role's or user's permissions"
	case "granted actions of the principals found":
		return "granted action of the principals found"
	}
	return strings.TrimSuffix(c.What, "s")
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// daysSince is how many whole days ago a time was; a time to come was today.
func daysSince(last, now time.Time) int { return max(0, int(now.Sub(last)/usage.Day)) }

// lastText is when something was last accessed, for a column.
func lastText(last, now time.Time) string {
	if last.IsZero() {
		return neverText
	}
	return fmt.Sprintf("%s (%d d)", dayOf(last), daysSince(last, now))
}

// neverText is said of what has no last access: never, in the time that the source tracks.
const neverText = "no use on record"

// agoText is when something was last accessed, in a sentence.
func agoText(last, now time.Time) string {
	if last.IsZero() {
		return neverText
	}
	return fmt.Sprintf("last used %s, %s ago", dayOf(last), count(daysSince(last, now), "day", "days"))
}

func (r Findings) sinceText(last time.Time, all bool, use string) string {
	switch {
	case last.IsZero():
		return neverText
	case !all:
		return fmt.Sprintf("not %s for %s, some with no use on record", use, count(daysSince(last, r.Window.Now), "day", "days"))
	}
	return fmt.Sprintf("not %s for %s", use, count(daysSince(last, r.Window.Now), "day", "days"))
}

// serviceText is what is unused of a service, in the words of AWS's console.
func (r Findings) serviceText(p finding.Permissions) string {
	last, all := lastOf(p)
	name, since := Printable(p.Namespace), r.sinceText(last, all, "used")
	switch {
	case len(p.Actions) > 0:
		return fmt.Sprintf("%s on %s, %s", count(len(p.Actions), "unused action", "unused actions"), name, since)
	case p.Granted > 0:
		return fmt.Sprintf("%s as a whole (%s), %s", name, count(p.Granted, "action", "actions"), since)
	}
	return fmt.Sprintf("%s as a whole, %s", name, since)
}

// shownServices is how many services a table's row names.
const shownServices = 3

// detailLines are what a finding says, at most a few lines.
func (r Findings) detailLines(f finding.Finding) []string {
	var out []string
	//exhaustive:enforce
	switch f.Type {
	case finding.UnusedPermission:
		out = r.permissionLines(f.Permissions)
	case finding.UnusedIAMUserAccessKey:
		out = []string{fmt.Sprintf("%s %s", keyText(f), r.sinceText(f.LastAccessed, true, kindOf(f.Type).use))}
	case finding.UnusedIAMRole, finding.UnusedIAMUserPassword:
		out = []string{r.sinceText(f.LastAccessed, true, kindOf(f.Type).use)}
	}
	for _, note := range []string{archivedText(f), changeText(f.Change)} {
		if note != "" {
			out = append(out, note)
		}
	}
	return out
}

func archivedText(f finding.Finding) string {
	switch {
	case f.ArchivedBy != "":
		return fmt.Sprintf("archived by rule “%s”", Printable(f.ArchivedBy))
	case f.Status == finding.Archived:
		return "archived by hand"
	}
	return ""
}

// keyText is an access key's ID or, when only the credential report is there, its place.
func keyText(f finding.Finding) string {
	if f.AccessKeyID == "" {
		return fmt.Sprintf("key %d", f.KeySlot)
	}
	return Printable(f.AccessKeyID)
}

// permissionLines name the services with the most unused actions.
func (r Findings) permissionLines(permissions []finding.Permissions) []string {
	most := slices.Clone(permissions)
	slices.SortStableFunc(most, func(a, b finding.Permissions) int { return cmp.Compare(unusedActions(b), unusedActions(a)) })
	var out []string
	for _, p := range most[:min(len(most), shownServices)] {
		out = append(out, r.serviceText(p))
	}
	if rest := most[len(out):]; len(rest) > 0 {
		n := 0
		for _, p := range rest {
			n += unusedActions(p)
		}
		out = append(out, fmt.Sprintf("%s: %s", count(len(rest), "more service", "more services"), count(n, "unused action", "unused actions")))
	}
	return out
}

// grantedText says how much of a service stays, for scale.
func grantedText(p finding.Permissions) string {
	var out []string
	if len(p.Actions) > 0 && p.Granted > 0 {
		out = append(out, fmt.Sprintf("%d of the %d granted", len(p.Actions), p.Granted))
	}
	if p.Kept > 0 {
		out = append(out, fmt.Sprintf("%d more kept: no source would have seen a use", p.Kept))
	}
	return strings.Join(out, "; ")
}

// trust says why what a source didn't see is taken for unused. Empty: nothing is known of
// the source here.
func trust(source string) string {
	switch source {
	case usage.ServiceLastAccessed.String():
		return "IAM listed the service for the whole window and saw no attempt at it, denied ones included"
	case usage.ActionLastAccessed.String():
		return "IAM tracked the action for the whole window and saw no attempt at it, denied ones included"
	case usage.CloudTrail.String():
		return "the log files cover the whole window without a gap, and record such events"
	case usage.AccessAnalyzer.String():
		return "AWS's own finding, for a window at least as long"
	case "iam-role-last-used":
		return "IAM's record of the role's last use, of the trailing 400 days"
	case "iam-access-key-last-used":
		return "IAM's record of the key's last use"
	case "iam-password-last-used":
		return "the credential report's record of the last sign-in"
	}
	return ""
}

func trustText(source string) string {
	if why := trust(source); why != "" {
		return Printable(source) + ": " + why
	}
	return Printable(source)
}

// stepText is what one recommended step does.
func stepText(s finding.Step) string {
	name, of := policyText(s.ExistingPolicyID), ""
	if s.Group != "" {
		of = fmt.Sprintf(" of %s, which has %s", entityText(s.Group), count(len(s.Affects), "member", "members"))
	}
	//exhaustive:enforce
	switch s.Action {
	case finding.CreatePolicy:
		made := "a policy"
		if s.RecommendedName != "" {
			made = Printable(s.RecommendedName)
		}
		return fmt.Sprintf("create %s in the place of %s%s", made, name, of)
	case finding.DetachPolicy:
		if isInline(s) {
			return fmt.Sprintf("delete the inline policy %s%s", name, of)
		}
		return fmt.Sprintf("detach %s%s", name, of)
	}
	panic(fmt.Sprintf("report: unhandled step %q", s.Action))
}

// isInline says whether a step is about an inline policy: its ID is a name, not an ARN.
func isInline(s finding.Step) bool {
	_, err := policy.ParseARN(s.ExistingPolicyID)
	return err != nil
}

// policyText is the name of a policy, without what leads to it.
func policyText(id string) string {
	if a, err := policy.ParseARN(id); err == nil {
		return Printable(a.Name())
	}
	return Printable(id)
}

// proofText says what is proved of a principal's steps, or why they aren't shown.
func (a Advice) proofText() string {
	why := ""
	if a.Reason != "" {
		why = ": " + Printable(a.Reason)
	}
	switch {
	case a.Outcome == finding.Failed && len(a.Steps) == 0:
		return "No steps could be made: " + Printable(a.Error)
	case a.Proof == prove.Refuted:
		return "The steps are refuted, so they aren't shown" + why
	case a.Proof != prove.Proved:
		return "The steps aren't proved, so they aren't shown" + why
	case len(a.Steps) == 0:
		return "Nothing is to be done."
	}
	return "Each policy is proved against the one whose place it takes, for every request, whatever its action, resource and context: " +
		"it allows nothing that the old one doesn't, decides every action that isn't reported as unused as the old one does, and allows none that is."
}

// restText says what the steps that leave don't do; empty if there is nothing.
func (a Advice) restText() string {
	if !a.partial() || !a.Leaves() {
		return ""
	}
	return "Not all that is unused goes: " + Printable(a.Error)
}

// grantText is how much of what is granted goes.
func (a Advice) grantText() string {
	if a.Before == 0 {
		return "no action is granted"
	}
	return fmt.Sprintf("%d → %d granted actions, %d%% fewer", a.Before, a.After, (a.Before-a.After)*100/a.Before)
}
