package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pare-iam/pare/finding"
)

// severity is how bad a finding is, on a scale that all sinks have.
type severity int

const (
	low severity = iota
	medium
)

// severityOf follows what AWS sends to Security Hub: LOW for permissions, MEDIUM for a role.
// Credentials that live long are no less than a role.
func severityOf(t finding.Type) severity {
	//exhaustive:enforce
	switch t {
	case finding.UnusedPermission:
		return low
	case finding.UnusedIAMRole, finding.UnusedIAMUserAccessKey, finding.UnusedIAMUserPassword:
		return medium
	}
	panic(fmt.Sprintf("notify: unhandled type %q", t))
}

// helpURL is AWS's page on what to do.
const helpURL = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-remediate.html"

// remedy is what to do about a finding of a type. AWS's advice is on helpURL.
func remedy(t finding.Type) string {
	//exhaustive:enforce
	switch t {
	case finding.UnusedIAMRole:
		return "Delete the role. If it is kept for emergencies or for work that is seldom, archive the finding."
	case finding.UnusedIAMUserAccessKey:
		return "Deactivate the access key, and delete it once nothing is found to miss it."
	case finding.UnusedIAMUserPassword:
		return "Delete the user's login profile, which takes the console password away."
	case finding.UnusedPermission:
		return "Ask pare for the recommended policies, which keep what is used and are proved to allow nothing new, and put them " +
			"in the place of the present ones. If the access is for work that is seldom or urgent, archive the finding."
	}
	panic(fmt.Sprintf("notify: unhandled type %q", t))
}

// title is the finding in a line.
func (c Change) title() string {
	who := c.who()
	//exhaustive:enforce
	switch c.Finding.Type {
	case finding.UnusedIAMRole:
		return who + " is unused"
	case finding.UnusedIAMUserAccessKey:
		return fmt.Sprintf("%s of %s is unused", c.keyText(), who)
	case finding.UnusedIAMUserPassword:
		return fmt.Sprintf("The console password of %s is unused", who)
	case finding.UnusedPermission:
		return who + " has unused permissions"
	}
	panic(fmt.Sprintf("notify: unhandled type %q", c.Finding.Type))
}

// who is the role or user: "IAM role service/app".
func (c Change) who() string {
	arn := c.resource()
	return fmt.Sprintf("IAM %s %s", arn.Type(), arn.ID())
}

func (c Change) keyText() string {
	if c.Finding.AccessKeyID == "" {
		return fmt.Sprintf("Access key %d", c.Finding.KeySlot)
	}
	return "Access key " + c.Finding.AccessKeyID
}

// description is the finding in a few lines, of at most so many bytes.
func (c Change) description(limit int) string {
	text := c.title() + ": " + c.lastText() + "."
	if c.Finding.Type == finding.UnusedPermission {
		services, actions := c.unused()
		text = fmt.Sprintf("%s: %s. Unused: %s.", c.title(), countText(services, actions), c.servicesText())
	}
	if len(c.Finding.Sources) > 0 {
		text += " Evidence: " + strings.Join(c.Finding.Sources, ", ") + "."
	}
	return clip(text, limit)
}

func (c Change) lastText() string {
	if c.Finding.LastAccessed.IsZero() {
		return "no use on record"
	}
	return "last used " + c.Finding.LastAccessed.UTC().Format(time.DateOnly)
}

func countText(services, actions int) string {
	var parts []string
	if services > 0 {
		parts = append(parts, plural(services, "service")+" as a whole")
	}
	if actions > 0 || services == 0 {
		parts = append(parts, plural(actions, "action"))
	}
	return strings.Join(parts, " and ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// servicesText names the services, those with the most unused actions first.
func (c Change) servicesText() string {
	most := slices.Clone(c.Finding.Permissions)
	slices.SortStableFunc(most, func(a, b finding.Permissions) int { return cmp.Compare(weight(b), weight(a)) })
	names := make([]string, len(most))
	for i, p := range most {
		names[i] = p.Namespace + " as a whole"
		if n := len(p.Actions); n > 0 {
			names[i] = fmt.Sprintf("%d of %s", n, p.Namespace)
		}
	}
	return strings.Join(names, ", ")
}

// weight is how many actions of a service are unused.
func weight(p finding.Permissions) int {
	if len(p.Actions) == 0 {
		return p.Granted
	}
	return len(p.Actions)
}

// clip cuts a text to so many bytes, between two characters.
func clip(text string, limit int) string {
	const mark = "…"
	if len(text) <= limit {
		return text
	}
	cut := limit - len(mark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}

// stamp is a time as AWS prints it: RFC 3339, UTC, with milliseconds if it has some.
func stamp(t time.Time) string { return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano) }
