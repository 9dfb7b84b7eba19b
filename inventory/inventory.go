// Package inventory is who and what an AWS account's IAM holds: roles, users, groups,
// their policies, access keys and passwords.
//
// In: the bytes of get-account-authorization-details, of the credential report and of
// answers about access keys, as the AWS CLI prints them. Out: an Account, and what was
// wrong with it, place by place. Nothing is looked up, and what isn't in the files is
// marked as not known rather than taken as empty.
//
// Limits: the account's root user isn't part of it, nor are resource policies, service
// control policies, and the older versions of managed policies. Answers about access keys
// name users and no account, so that those of another account can't be told from those of
// users that are gone.
//
// Sources:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
package inventory

import (
	"time"

	"github.com/pare-iam/pare/policy"
)

// Account is one account's IAM.
type Account struct {
	ID        string // twelve digits; "" when no file holds an ARN of its own
	Partition string // "aws", "aws-cn", "aws-us-gov"
	Roles     []*Role
	Users     []*User
	Groups    []*Group
	Policies  []*ManagedPolicy // customer and AWS managed, as far as the files hold them

	// all sorted by ARN

	// Incomplete: there are more roles, users and groups than these, because pages of the
	// answer are missing or an entry couldn't be read. Who else has a policy isn't known.
	Incomplete bool
}

// Role is an IAM role.
type Role struct {
	Entity
	Trust            *policy.Document // nil when it couldn't be read
	LastUsed         LastUsed
	InstanceProfiles []string // names, sorted
}

// User is an IAM user.
type User struct {
	Entity
	Groups    []string // names, sorted
	Keys      []Key    // as far as known, by age, those of unknown age first
	KeysKnown bool     // Keys are all there are
	Password  Password
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
	Earlier             []Version // other versions that could be read, the newest first
}

// Version is a version of a managed policy that isn't the default.
type Version struct {
	ID        string // "v2"
	CreatedAt time.Time
	Document  *policy.Document
}

// AsOf is the policy as it was at a time, as far as the files tell: the newest version
// that is as old, which was the default unless somebody had chosen an older one. It is nil
// if none is.
func (p *ManagedPolicy) AsOf(t time.Time) *policy.Document {
	if !p.UpdatedAt.IsZero() && !p.UpdatedAt.After(t) {
		return p.Document
	}
	for _, v := range p.Earlier {
		if !v.CreatedAt.After(t) {
			return v.Document
		}
	}
	return nil
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
	ID        string    // "AKIA…"; "" when only the credential report is there
	Slot      int       // 1 or 2 of the credential report; 0 when not from there
	Active    bool      // false: it can't be used, or its status isn't known
	CreatedAt time.Time // zero: not known
	LastUsed  LastUsed
	Service   string // last used for; may be empty
}

// Password is a user's console password.
type Password struct {
	Known     bool // false: no credential report, or it doesn't say
	Enabled   bool
	ChangedAt time.Time // when it was set; zero: not known
	LastUsed  LastUsed
}

// Problem is something that couldn't be read, and what is left out for it.
type Problem struct {
	File    string
	Where   string // line:column, both from 1; "" when it is about what isn't there
	Subject string // ARN or name of what it is about; may be empty
	Text    string // what is wrong, and what was expected
}
