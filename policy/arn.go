package policy

import (
	"errors"
	"strings"
)

// ARN is an Amazon Resource Name in its six parts. It is comparable. The zero value is
// none.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
type ARN struct {
	Partition string // "aws", "aws-cn", "aws-us-gov"
	Service   string // "iam"
	Region    string // empty for what has none, such as IAM's
	Account   string // twelve digits; empty for what has none, such as a bucket's
	Resource  string // all that follows: "role/service/Name"
}

// ParseARN reads an ARN without wildcards being looked at. The error says what was
// expected, without the text.
func ParseARN(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, errors.New(`want an ARN, such as "arn:aws:iam::123456789012:role/Name"`)
	}
	return ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}, nil
}

func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

// Type is the resource up to its first slash or colon: "role" of "role/service/Name".
// It is the whole resource if there is neither.
func (a ARN) Type() string {
	kind, _ := a.cut()
	return kind
}

// ID is what follows Type: "service/Name" of "role/service/Name". It is empty if there
// is no slash or colon.
func (a ARN) ID() string {
	_, id := a.cut()
	return id
}

// Name is the last component of the resource: "Name" of "role/service/Name".
func (a ARN) Name() string {
	return a.Resource[strings.LastIndexAny(a.Resource, "/:")+1:]
}

func (a ARN) cut() (kind, id string) {
	i := strings.IndexAny(a.Resource, "/:")
	if i < 0 {
		return a.Resource, ""
	}
	return a.Resource[:i], a.Resource[i+1:]
}
