// Package finding is plain data: unused access findings, archive rules, recommendations
// and statistics, in the words of the Access Analyzer API.
//
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_FindingSummaryV2.html
package finding

import "time"

// Type is what a finding is about.
type Type string

// The types of unused access findings.
const (
	UnusedIAMRole          Type = "UnusedIAMRole"
	UnusedIAMUserAccessKey Type = "UnusedIAMUserAccessKey"
	UnusedIAMUserPassword  Type = "UnusedIAMUserPassword"
	UnusedPermission       Type = "UnusedPermission"
)

var types = [...]Type{UnusedIAMRole, UnusedIAMUserAccessKey, UnusedIAMUserPassword, UnusedPermission}

// Types lists all types in the order in which they are shown.
func Types() []Type { return types[:] }

// Status is where a finding is in its life.
type Status string

// The states.
const (
	Active   Status = "ACTIVE"
	Archived Status = "ARCHIVED"
	Resolved Status = "RESOLVED"
)

var statuses = [...]Status{Active, Archived, Resolved}

// Change is how a finding differs from the last run's. Empty: there was no last run.
type Change string

// The changes.
const (
	New         Change = "new"
	Same        Change = "unchanged"
	Updated     Change = "updated"      // more is unused, or other things
	PartlyFixed Change = "partly fixed" // less is unused than before
	Fixed       Change = "resolved"
	Reopened    Change = "reopened"
	NotJudged   Change = "not judged" // this run couldn't tell: the finding is the last run's
)

var changes = [...]Change{New, Same, Updated, PartlyFixed, Fixed, Reopened, NotJudged}

// Finding is one unused access finding. Archived without ArchivedBy is archived by hand.
type Finding struct {
	ID           string // stable from run to run: of the entity, the type and the key
	Type         Type
	Status       Status
	Change       Change
	Resource     string // ARN of the role or user
	ResourceID   string // "AROA…", "AIDA…"; "" when not known
	Account      string
	AnalyzedAt   time.Time
	CreatedAt    time.Time     // when it was first found
	UpdatedAt    time.Time     // when its status or details last changed
	ArchivedBy   string        // name of the archive rule; ""
	LastAccessed time.Time     // of a role, key or password; zero when never, in the tracking period
	AccessKeyID  string        // of UnusedIAMUserAccessKey; "" when only the credential report is there
	KeySlot      int           // 1 or 2: the key's place in the credential report, when its ID isn't known; else 0
	Sources      []string      // whose evidence it rests on, sorted: "iam-last-accessed"
	Permissions  []Permissions // of UnusedPermission, sorted by namespace
}

// ResourceType is AWS's name for what the finding's resource is.
func (f *Finding) ResourceType() string {
	if f.Type == UnusedIAMRole {
		return "AWS::IAM::Role"
	}
	if f.Type == UnusedPermission && isRole(f.Resource) {
		return "AWS::IAM::Role"
	}
	return "AWS::IAM::User"
}

// Permissions is what is unused of one service.
type Permissions struct {
	Namespace    string
	LastAccessed time.Time // of the service; zero when never or not known
	Actions      []Action  // sorted; empty: the whole service is unused
	Granted      int       // how many of the catalog's actions the policies grant, for scale
	Kept         int       // granted actions that nobody is known to use, kept because nobody would know
	Source       string    // of the verdict on the whole service
}

// Action is one unused action.
type Action struct {
	Name         string // "s3:GetBucketAcl", in the catalog's casing; the service is its Permissions' Namespace
	LastAccessed time.Time
	Source       string // whose evidence it rests on
}

// StepAction is what a recommended step does.
type StepAction string

// The actions of steps, as AWS names them.
const (
	CreatePolicy StepAction = "CREATE_POLICY"
	DetachPolicy StepAction = "DETACH_POLICY"
)

// PolicyKind is how a policy comes to a principal.
type PolicyKind string

// The kinds.
const (
	InlinePolicy   PolicyKind = "inline"
	CustomerPolicy PolicyKind = "customer managed"
	AWSPolicy      PolicyKind = "AWS managed"
	GroupPolicy    PolicyKind = "group" // a group's inline or attached policy
)

// Outcome is how the making of a recommendation ended, as AWS names it.
type Outcome string

// The outcomes.
const (
	Succeeded Outcome = "SUCCEEDED"
	Failed    Outcome = "FAILED"
)

// Recommendation is what to do about the unused permissions of one principal.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingRecommendation.html
type Recommendation struct {
	Resource string // ARN of the role or user
	Outcome  Outcome
	Error    string // why it failed; "" unless Failed
	Steps    []Step // in the order in which to take them; empty when there is nothing to do
}

// Step is one recommended step.
type Step struct {
	Action            StepAction
	ExistingPolicyID  string    // ARN of a managed policy, or the name of an inline one
	Group             string    // ARN of the group that has the policy; "" when the principal itself has it
	Affects           []string  // of a group's policy: ARNs of all members, sorted
	RecommendedPolicy string    // of CREATE_POLICY: the policy's text
	RecommendedName   string    // of CREATE_POLICY: what to call it; AWS leaves it to the reader
	PolicyUpdatedAt   time.Time // of a managed policy: the version that was looked at; zero for an inline one
}
