package analyzer

import (
	"fmt"
	"strings"
)

// NoteKind is something the reader of a recommendation should know.
type NoteKind uint8

// The notes.
const (
	_               NoteKind = iota
	CutByBoundary            // Count unused actions the permissions boundary, the first name, doesn't allow anyway
	CutBySCP                 // Count unused actions the service control policies don't allow anyway
	CutByDeny                // Count unused actions a Deny statement of the principal's own policies denies anyway
	BoundaryUnknown          // the permissions boundary, the first name, isn't in the files
	Shared                   // the policy also reaches the principals named
	ThroughGroup             // the policy comes from a group; the step affects the members named
	OthersUse                // Count actions unused by the principal stay: other members of the group use them, or it isn't known
	PermissionSet            // the role is Identity Center's: change the permission set, the first name
	Compacted                // written shorter than usual, to fit
	Split                    // divided into Count policies, to fit
	NowManaged               // the inline policy is to become a managed policy: inline policies have no room for it
	NoRoomForBoth            // old and new inline policies together exceed the limit, Count: put the new text under the old name
	ManyAttached             // on the way Count managed policies are attached: the quota is 10 unless it was raised
	KeptAsYoung              // Count actions unused so far are kept: the policy that grants them changed within the window
)

// Note is something the reader of a recommendation should know.
type Note struct {
	Kind  NoteKind
	Count int      // as the kind says; else 0
	Names []string // as the kind says; else empty
}

func (n Note) String() string {
	switch n.Kind {
	case CutByBoundary:
		return fmt.Sprintf("%s already not allowed by the permissions boundary %s", n.unused(), n.first())
	case CutBySCP:
		return n.unused() + " already not allowed by service control policies"
	case CutByDeny:
		return n.unused() + " already denied by a Deny statement of these policies"
	case BoundaryUnknown:
		return fmt.Sprintf("the permissions boundary %s isn't in the files: what it cuts isn't known", n.first())
	case Shared:
		return "the policy is shared with " + n.names()
	case ThroughGroup:
		return "the policy comes from a group: the step affects " + n.names()
	case OthersUse:
		return fmt.Sprintf("%d of the unused actions stay, because other members of the group use them or may", n.Count)
	case PermissionSet:
		return fmt.Sprintf("IAM Identity Center made this role: change the policies of the permission set %s, in every account that has it", n.first())
	case Compacted:
		return "written shorter than usual, to fit"
	case Split:
		return fmt.Sprintf("divided into %d policies, to fit", n.Count)
	case NowManaged:
		return "to become a managed policy: the inline policies have no room for it"
	case NoRoomForBoth:
		return fmt.Sprintf("the old and the new inline policies don't fit together in %d characters: put the new text under the old name", n.Count)
	case ManyAttached:
		return fmt.Sprintf("on the way %d managed policies are attached: the quota is %d unless it was raised", n.Count, attachedLimit)
	case KeptAsYoung:
		return fmt.Sprintf("%d actions unused so far are kept: the policies that grant them changed within the window", n.Count)
	}
	return "no note"
}

func (n Note) unused() string {
	if n.Count == 1 {
		return "1 of the unused actions is"
	}
	return fmt.Sprintf("%d of the unused actions are", n.Count)
}

func (n Note) first() string {
	if len(n.Names) == 0 {
		return ""
	}
	return n.Names[0]
}

func (n Note) names() string { return strings.Join(n.Names, ", ") }

// attachedLimit is how many managed policies a role, user or group has attached, unless
// AWS raised it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const attachedLimit = 10
