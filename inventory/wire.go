package inventory

import "github.com/go-json-experiment/json/jsontext"

// The shapes of the answer. A member that is null is one that isn't there.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleDetail.html
type (
	wireEntity struct {
		Arn                     string
		Path                    string
		CreateDate              string
		AttachedManagedPolicies []struct{ PolicyName, PolicyArn string }
		Tags                    []struct{ Key, Value string }
		PermissionsBoundary     struct{ PermissionsBoundaryArn string }
	}
	wireRole struct {
		wireEntity               `json:",inline"`
		RoleName                 string
		RoleID                   string `json:"RoleId"`
		AssumeRolePolicyDocument jsontext.Value
		RolePolicyList           []wireInline
		InstanceProfileList      []struct{ InstanceProfileName string }
		RoleLastUsed             *wireLastUsed // nil: the answer doesn't say
	}
	wireUser struct {
		wireEntity     `json:",inline"`
		UserName       string
		UserID         string `json:"UserId"`
		UserPolicyList []wireInline
		GroupList      []string
	}
	wireGroup struct {
		wireEntity      `json:",inline"`
		GroupName       string
		GroupID         string `json:"GroupId"`
		GroupPolicyList []wireInline
	}
	wireInline struct {
		PolicyName     string
		PolicyDocument jsontext.Value
	}
	wireLastUsed struct{ LastUsedDate, Region string }
	wirePolicy   struct {
		Arn, Path, PolicyName         string
		PolicyID                      string `json:"PolicyId"`
		DefaultVersionID              string `json:"DefaultVersionId"`
		CreateDate, UpdateDate        string
		AttachmentCount               *int // nil: the answer doesn't say
		PermissionsBoundaryUsageCount *int
		PolicyVersionList             []wireVersion
	}
	wireVersion struct {
		VersionID        string `json:"VersionId"`
		IsDefaultVersion bool
		CreateDate       string
		Document         jsontext.Value
	}
)
