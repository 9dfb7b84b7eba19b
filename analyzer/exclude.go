package analyzer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/inventory"
)

// Exclusions are principals to leave alone. They get no finding, and no policy that one
// of them has is narrowed in place. The zero value excludes nobody.
type Exclusions struct {
	Accounts []string // IDs
	Tags     []Tag
	Paths    []string // "/service/": this path and all below
	Names    []string // of roles and users, with * and ?
}

// Tag is a tag of a role or user. The key is compared without case, as IAM does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
type Tag struct {
	Key   string
	Value string // "": any
}

// Reason is why something isn't judged, or isn't shown.
type Reason uint8

// The reasons.
const (
	_               Reason = iota
	ServiceLinked          // a role that an AWS service made for itself
	IdentityCenter         // a role that IAM Identity Center made of a permission set
	ExcludedAccount        // by Exclusions, as the next three
	ExcludedTag
	ExcludedPath
	ExcludedName
	Young      // it is younger than the window, or its age isn't known
	Inactive   // no permissions finding: the principal itself wasn't used in the window
	NoEvidence // nothing says whether it was used
	Unreadable // a policy couldn't be read, or isn't in the files; the others are judged
)

var reasonTexts = [...]string{
	"no reason", "service-linked", "IAM Identity Center", "excluded account", "excluded tag", "excluded path", "excluded name",
	"younger than the window", "not used in the window", "no evidence", "unreadable policy",
}

func (r Reason) String() string { return reasonTexts[r] }

// Reasons lists all reasons in the order in which they are shown.
func Reasons() []Reason {
	var all []Reason
	for r := ServiceLinked; int(r) < len(reasonTexts); r++ {
		all = append(all, r)
	}
	return all
}

// Skipped is something that wasn't judged.
type Skipped struct {
	Resource    string       // ARN of the role or user
	ResourceID  string       // "AROA…"; may be empty
	Type        finding.Type // what could have been found; "" for all types
	AccessKeyID string       // the key, of UnusedIAMUserAccessKey; may be empty
	KeySlot     int          // 1 or 2, when the key's ID isn't known; else 0
	Reason      Reason
	Detail      string // which tag, which policy, which error; may be empty
}

// Excluded says whether the rules leave a role or user of an account alone, and by what of
// it; the Reason is 0 if they don't.
func (e Exclusions) Excluded(account string, p *inventory.Entity) (Reason, string) {
	if slices.Contains(e.Accounts, account) {
		return ExcludedAccount, account
	}
	for _, want := range e.Tags {
		for _, key := range slices.Sorted(maps.Keys(p.Tags)) {
			if value := p.Tags[key]; strings.EqualFold(key, want.Key) && (want.Value == "" || want.Value == value) {
				return ExcludedTag, fmt.Sprintf("%s=%s", want.Key, value)
			}
		}
	}
	for _, path := range e.Paths {
		if isUnder(p.Path, path) {
			return ExcludedPath, path
		}
	}
	for _, name := range e.Names {
		if wildcard.Parse(name).Match(p.Name) {
			return ExcludedName, name
		}
	}
	return 0, ""
}

// isUnder compares paths component by component.
func isUnder(path, above string) bool {
	return strings.HasPrefix(path+"/", strings.TrimSuffix(above, "/")+"/")
}

// reserved says whether AWS made the role, and for what.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
// https://docs.aws.amazon.com/singlesignon/latest/userguide/using-service-linked-roles.html
func reserved(p *inventory.Entity) Reason {
	switch {
	case isUnder(p.Path, "/aws-service-role/"):
		return ServiceLinked
	case isUnder(p.Path, "/aws-reserved/sso.amazonaws.com/"):
		return IdentityCenter
	}
	return 0
}

// Summary is what an analysis looked at and what it couldn't judge.
type Summary struct {
	Account  string
	Roles    int // in the inventory
	Users    int
	Findings int
	Skipped  []Skipped // in the order of the principals
}

// Count is how many roles and users were skipped for a reason, at least in part.
func (s Summary) Count(r Reason) int {
	n, last := 0, ""
	for _, skip := range s.Skipped {
		if skip.Reason == r && skip.Resource != last {
			n++
			last = skip.Resource
		}
	}
	return n
}
