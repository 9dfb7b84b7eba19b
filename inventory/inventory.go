// Package inventory is who and what an AWS account's IAM holds: roles, users, groups,
// their policies, access keys and passwords.
//
// In: the bytes of get-account-authorization-details, of the credential report and of
// answers about access keys, as the AWS CLI prints them. Out: an Account, and what was
// wrong with it, place by place. Nothing is looked up, and what isn't in the files is
// marked as not known rather than taken as empty.
package inventory

import (
	"time"

	"github.com/pare-iam/pare/policy"
)

// Account is one account's IAM.
type Account struct {
	ID        string // twelve digits
	Partition string // "aws", "aws-cn", "aws-us-gov"
	Roles     []*Role
	Users     []*User
	Groups    []*Group
	Policies  []*ManagedPolicy // customer and AWS managed, as far as the files hold them

	// all sorted by ARN
}

// Role is an IAM role.
type Role struct {
	Entity
	Trust    *policy.Document // nil when it couldn't be read
	LastUsed LastUsed
}

// User is an IAM user.
type User struct {
	Entity
	Groups    []string // names, sorted
	Keys      []Key    // as far as known; KeysKnown says whether that is all
	Password  Password
	KeysKnown bool
}

// Group is an IAM group.
type Group struct {
	Entity
	Members []string // names of its users, sorted
}

// Entity is what roles, users and groups have in common.
type Entity struct {
	Name, ARN, ID, Path string
	CreatedAt           time.Time         // zero: not known, which is too young to be judged
	Tags                map[string]string // groups have none
	Inline              []Inline          // sorted by name
	Attached            []Attachment      // sorted by ARN
	Boundary            string            // ARN of the permissions boundary; "" when there is none
}

// Inline is a policy embedded in an entity.
type Inline struct {
	Name     string
	Document *policy.Document // nil when it couldn't be read: Problems say why
}

// Attachment is a managed policy that is attached to an entity.
type Attachment struct {
	Name, ARN string
	Policy    *ManagedPolicy // nil when the files don't hold it
}

// ManagedPolicy is a customer or AWS managed policy in its default version.
type ManagedPolicy struct {
	Name, ARN, ID, Path string
	Version             string           // of the default: "v3"
	Document            *policy.Document // nil when it couldn't be read
	CreatedAt           time.Time
	UpdatedAt           time.Time // when the default version was made
	Attachments         int       // how many entities it is attached to, as AWS counts them; -1: not known
	BoundaryOf          int       // how many entities it is the permissions boundary of; -1: not known
}

// AWSManaged says whether AWS owns the policy.
func (p *ManagedPolicy) AWSManaged() bool {
	a, err := policy.ParseARN(p.ARN)
	return err == nil && a.Account == "aws"
}

// LastUsed is when a role was last used, in the trailing 400 days.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleLastUsed.html
type LastUsed struct {
	Known  bool      // false: the files don't say
	At     time.Time // zero: never in the tracking period
	Region string
}

// Key is an access key.
type Key struct {
	ID        string // "AKIA…"; "" when only the credential report is there
	Slot      int    // 1 or 2 of the credential report; 0 when not from there
	Active    bool
	CreatedAt time.Time // zero: not known
	LastUsed  LastUsed
	Service   string // last used for; may be empty
}

// Password is a user's console password.
type Password struct {
	Known     bool // false: no credential report
	Enabled   bool
	ChangedAt time.Time // when it was set; zero: not known
	LastUsed  LastUsed
}

// Problem is something that couldn't be read, and what is left out for it.
type Problem struct {
	File    string
	Where   string // JSON pointer, line:column or row; may be empty
	Subject string // ARN or name of what it is about; may be empty
	Text    string // what is wrong, and what was expected
}
