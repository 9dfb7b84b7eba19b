package rewrite

import (
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/report"
)

// attached is what the policy's size is limited as.
func (l *Live) attached() report.Limit {
	switch l.Holder {
	case iac.Role, iac.PermissionSet:
		return report.RoleInline
	case iac.User:
		return report.UserInline
	case iac.Group:
		return report.GroupInline
	}
	return report.Managed
}

// limit is how many characters the policy may have; an inline one together with its
// holder's others.
func (l *Live) limit() int { return l.attached().Characters() }

// Matched are the live policies of matches, each once: those that have to be judged.
func Matched(matches []Match) []*Live {
	var all []*Live
	for _, m := range matches {
		all = append(all, m.Live...)
	}
	return unique(all)
}
