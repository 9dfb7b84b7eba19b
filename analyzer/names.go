package analyzer

import (
	"fmt"
	"strings"
)

// maxName is the longest name of a policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxName = 128

// recommendedSuffix is what AWS's documentation has behind the name of the policy that
// takes the place of another.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-remediate.html
const recommendedSuffix = "-recommended"

// takenNames are names in lower case. before isn't written.
type takenNames struct{ before, since map[string]bool }

// next finds n names for what comes after a policy: "Name-recommended", then
// "Name-recommended-2", those that aren't taken. IAM compares names without case. They
// are taken from then on.
func (t takenNames) next(name string, n int) []string {
	name = withoutSuffix(name)
	var out []string
	for i := 1; len(out) < n; i++ {
		suffix := recommendedSuffix
		if i > 1 {
			suffix = fmt.Sprintf("%s-%d", recommendedSuffix, i)
		}
		candidate := name[:min(len(name), maxName-len(suffix))] + suffix // names of policies are ASCII
		if folded := strings.ToLower(candidate); !t.before[folded] && !t.since[folded] {
			t.since[folded] = true
			out = append(out, candidate)
		}
	}
	return out
}

// withoutSuffix is the name of the policy that a recommended one came from.
func withoutSuffix(name string) string {
	i := strings.LastIndex(name, recommendedSuffix)
	if i <= 0 {
		return name
	}
	rest := name[i+len(recommendedSuffix):]
	if number := strings.TrimPrefix(rest, "-"); rest != "" && (number == rest || number == "" || strings.Trim(number, "0123456789") != "") {
		return name
	}
	return name[:i]
}

// permissionSet is the name of the permission set that a role of IAM Identity Center was
// made of: AWSReservedSSO_NAME_hash.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
func permissionSet(role string) string {
	name := strings.TrimPrefix(role, "AWSReservedSSO_")
	if i := strings.LastIndexByte(name, '_'); i > 0 {
		name = name[:i]
	}
	return name
}
