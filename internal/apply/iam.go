package apply

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// IAM is the calls that a run makes. *iam.Client has them all.
type IAM interface {
	reading
	writing
}

// Caller says as whom the calls are made. *sts.Client does.
type Caller interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

type option = func(*iam.Options)

// reading is the calls that a run reads with.
type reading interface {
	GetAccessKeyLastUsed(context.Context, *iam.GetAccessKeyLastUsedInput, ...option) (*iam.GetAccessKeyLastUsedOutput, error)
	GetGroup(context.Context, *iam.GetGroupInput, ...option) (*iam.GetGroupOutput, error)
	GetGroupPolicy(context.Context, *iam.GetGroupPolicyInput, ...option) (*iam.GetGroupPolicyOutput, error)
	GetInstanceProfile(context.Context, *iam.GetInstanceProfileInput, ...option) (*iam.GetInstanceProfileOutput, error)
	GetLoginProfile(context.Context, *iam.GetLoginProfileInput, ...option) (*iam.GetLoginProfileOutput, error)
	GetPolicy(context.Context, *iam.GetPolicyInput, ...option) (*iam.GetPolicyOutput, error)
	GetPolicyVersion(context.Context, *iam.GetPolicyVersionInput, ...option) (*iam.GetPolicyVersionOutput, error)
	GetRole(context.Context, *iam.GetRoleInput, ...option) (*iam.GetRoleOutput, error)
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...option) (*iam.GetRolePolicyOutput, error)
	GetUser(context.Context, *iam.GetUserInput, ...option) (*iam.GetUserOutput, error)
	GetUserPolicy(context.Context, *iam.GetUserPolicyInput, ...option) (*iam.GetUserPolicyOutput, error)
	ListAccessKeys(context.Context, *iam.ListAccessKeysInput, ...option) (*iam.ListAccessKeysOutput, error)
	ListAttachedGroupPolicies(context.Context, *iam.ListAttachedGroupPoliciesInput, ...option) (*iam.ListAttachedGroupPoliciesOutput, error)
	ListAttachedRolePolicies(context.Context, *iam.ListAttachedRolePoliciesInput, ...option) (*iam.ListAttachedRolePoliciesOutput, error)
	ListAttachedUserPolicies(context.Context, *iam.ListAttachedUserPoliciesInput, ...option) (*iam.ListAttachedUserPoliciesOutput, error)
	ListEntitiesForPolicy(context.Context, *iam.ListEntitiesForPolicyInput, ...option) (*iam.ListEntitiesForPolicyOutput, error)
	ListPolicyVersions(context.Context, *iam.ListPolicyVersionsInput, ...option) (*iam.ListPolicyVersionsOutput, error)
}

// writing is the calls that a run writes with.
type writing interface {
	AddRoleToInstanceProfile(context.Context, *iam.AddRoleToInstanceProfileInput, ...option) (*iam.AddRoleToInstanceProfileOutput, error)
	AttachGroupPolicy(context.Context, *iam.AttachGroupPolicyInput, ...option) (*iam.AttachGroupPolicyOutput, error)
	AttachRolePolicy(context.Context, *iam.AttachRolePolicyInput, ...option) (*iam.AttachRolePolicyOutput, error)
	AttachUserPolicy(context.Context, *iam.AttachUserPolicyInput, ...option) (*iam.AttachUserPolicyOutput, error)
	CreatePolicy(context.Context, *iam.CreatePolicyInput, ...option) (*iam.CreatePolicyOutput, error)
	CreatePolicyVersion(context.Context, *iam.CreatePolicyVersionInput, ...option) (*iam.CreatePolicyVersionOutput, error)
	CreateRole(context.Context, *iam.CreateRoleInput, ...option) (*iam.CreateRoleOutput, error)
	DeleteAccessKey(context.Context, *iam.DeleteAccessKeyInput, ...option) (*iam.DeleteAccessKeyOutput, error)
	DeleteGroupPolicy(context.Context, *iam.DeleteGroupPolicyInput, ...option) (*iam.DeleteGroupPolicyOutput, error)
	DeleteLoginProfile(context.Context, *iam.DeleteLoginProfileInput, ...option) (*iam.DeleteLoginProfileOutput, error)
	DeletePolicy(context.Context, *iam.DeletePolicyInput, ...option) (*iam.DeletePolicyOutput, error)
	DeletePolicyVersion(context.Context, *iam.DeletePolicyVersionInput, ...option) (*iam.DeletePolicyVersionOutput, error)
	DeleteRole(context.Context, *iam.DeleteRoleInput, ...option) (*iam.DeleteRoleOutput, error)
	DeleteRolePolicy(context.Context, *iam.DeleteRolePolicyInput, ...option) (*iam.DeleteRolePolicyOutput, error)
	DeleteUserPolicy(context.Context, *iam.DeleteUserPolicyInput, ...option) (*iam.DeleteUserPolicyOutput, error)
	DetachGroupPolicy(context.Context, *iam.DetachGroupPolicyInput, ...option) (*iam.DetachGroupPolicyOutput, error)
	DetachRolePolicy(context.Context, *iam.DetachRolePolicyInput, ...option) (*iam.DetachRolePolicyOutput, error)
	DetachUserPolicy(context.Context, *iam.DetachUserPolicyInput, ...option) (*iam.DetachUserPolicyOutput, error)
	PutGroupPolicy(context.Context, *iam.PutGroupPolicyInput, ...option) (*iam.PutGroupPolicyOutput, error)
	PutRolePolicy(context.Context, *iam.PutRolePolicyInput, ...option) (*iam.PutRolePolicyOutput, error)
	PutUserPolicy(context.Context, *iam.PutUserPolicyInput, ...option) (*iam.PutUserPolicyOutput, error)
	RemoveRoleFromInstanceProfile(context.Context, *iam.RemoveRoleFromInstanceProfileInput, ...option) (*iam.RemoveRoleFromInstanceProfileOutput, error)
	SetDefaultPolicyVersion(context.Context, *iam.SetDefaultPolicyVersionInput, ...option) (*iam.SetDefaultPolicyVersionOutput, error)
	TagRole(context.Context, *iam.TagRoleInput, ...option) (*iam.TagRoleOutput, error)
	UntagRole(context.Context, *iam.UntagRoleInput, ...option) (*iam.UntagRoleOutput, error)
	UpdateAccessKey(context.Context, *iam.UpdateAccessKeyInput, ...option) (*iam.UpdateAccessKeyOutput, error)
}
