package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// once keeps the SDK from making a call again by itself: whether that is right can only be
// told from what is there.
func once(o *iam.Options) { o.Retryer = aws.NopRetryer{} }

// write makes a call. version is the one that it made, if it made one.
func write(ctx context.Context, api writing, c Call) (version string, err error) {
	switch c.Op {
	case OpAttach, OpDetach:
		return "", writeAttachment(ctx, api, c)
	case OpPutInline, OpDeleteInline:
		return "", writeInline(ctx, api, c)
	case OpCreatePolicy, OpDeletePolicy, OpCreateVersion, OpSetDefault, OpDeleteVersion:
		return writePolicy(ctx, api, c)
	case OpTag, OpUntag, OpAddToProfile, OpRemoveProfile, OpCreateRole, OpDeleteRole:
		return "", writeRole(ctx, api, c)
	case OpSetKey, OpDeleteKey, OpDeleteLogin:
		return "", writeUser(ctx, api, c)
	}
	panic(fmt.Sprintf("apply: unhandled operation %q", c.Op))
}

func writePolicy(ctx context.Context, api writing, c Call) (version string, err error) {
	switch c.Op {
	case OpCreatePolicy:
		out, err := api.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &c.Name, Path: &c.Path, PolicyDocument: &c.Document}, once)
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Policy.DefaultVersionId), nil
	case OpCreateVersion:
		out, err := api.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &c.Policy, PolicyDocument: &c.Document, SetAsDefault: c.Default}, once)
		if err != nil {
			return "", err
		}
		return aws.ToString(out.PolicyVersion.VersionId), nil
	case OpDeletePolicy:
		_, err = api.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &c.Policy}, once)
	case OpSetDefault:
		_, err = api.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &c.Policy, VersionId: &c.Version}, once)
	case OpDeleteVersion:
		_, err = api.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &c.Policy, VersionId: &c.Version}, once)
	default:
		panic(fmt.Sprintf("apply: unhandled operation %q", c.Op))
	}
	return "", err
}

func writeAttachment(ctx context.Context, api writing, c Call) (err error) {
	attach := c.Op == OpAttach
	switch c.Entity.Kind {
	case RoleEntity:
		if attach {
			_, err = api.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &c.Entity.Name, PolicyArn: &c.Policy}, once)
		} else {
			_, err = api.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &c.Entity.Name, PolicyArn: &c.Policy}, once)
		}
	case UserEntity:
		if attach {
			_, err = api.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: &c.Entity.Name, PolicyArn: &c.Policy}, once)
		} else {
			_, err = api.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: &c.Entity.Name, PolicyArn: &c.Policy}, once)
		}
	case GroupEntity:
		if attach {
			_, err = api.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: &c.Entity.Name, PolicyArn: &c.Policy}, once)
		} else {
			_, err = api.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: &c.Entity.Name, PolicyArn: &c.Policy}, once)
		}
	default:
		panic(fmt.Sprintf("apply: unhandled entity %q", c.Entity.Kind))
	}
	return err
}

func writeInline(ctx context.Context, api writing, c Call) (err error) {
	put := c.Op == OpPutInline
	switch c.Entity.Kind {
	case RoleEntity:
		if put {
			_, err = api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &c.Entity.Name, PolicyName: &c.Name, PolicyDocument: &c.Document}, once)
		} else {
			_, err = api.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &c.Entity.Name, PolicyName: &c.Name}, once)
		}
	case UserEntity:
		if put {
			_, err = api.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &c.Entity.Name, PolicyName: &c.Name, PolicyDocument: &c.Document}, once)
		} else {
			_, err = api.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &c.Entity.Name, PolicyName: &c.Name}, once)
		}
	case GroupEntity:
		if put {
			_, err = api.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: &c.Entity.Name, PolicyName: &c.Name, PolicyDocument: &c.Document}, once)
		} else {
			_, err = api.DeleteGroupPolicy(ctx, &iam.DeleteGroupPolicyInput{GroupName: &c.Entity.Name, PolicyName: &c.Name}, once)
		}
	default:
		panic(fmt.Sprintf("apply: unhandled entity %q", c.Entity.Kind))
	}
	return err
}

func writeRole(ctx context.Context, api writing, c Call) (err error) {
	role := &c.Entity.Name
	switch c.Op {
	case OpTag:
		_, err = api.TagRole(ctx, &iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: &c.Name, Value: &c.Text}}}, once)
	case OpUntag:
		_, err = api.UntagRole(ctx, &iam.UntagRoleInput{RoleName: role, TagKeys: []string{c.Name}}, once)
	case OpAddToProfile:
		_, err = api.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{RoleName: role, InstanceProfileName: &c.Name}, once)
	case OpRemoveProfile:
		_, err = api.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{RoleName: role, InstanceProfileName: &c.Name}, once)
	case OpDeleteRole:
		_, err = api.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role}, once)
	case OpCreateRole:
		_, err = api.CreateRole(ctx, newRole(c), once)
	default:
		panic(fmt.Sprintf("apply: unhandled operation %q", c.Op))
	}
	return err
}

// newRole makes a role anew as it was; tags that begin with aws: only AWS can set.
func newRole(c Call) *iam.CreateRoleInput {
	in := &iam.CreateRoleInput{RoleName: &c.Entity.Name, AssumeRolePolicyDocument: &c.Document, Path: &c.Role.Path}
	if c.Role.Description != "" {
		in.Description = &c.Role.Description
	}
	if c.Role.MaxSession != 0 {
		in.MaxSessionDuration = &c.Role.MaxSession
	}
	if c.Role.Boundary != "" {
		in.PermissionsBoundary = &c.Role.Boundary
	}
	for _, key := range slices.Sorted(maps.Keys(c.Role.Tags)) {
		if !strings.HasPrefix(key, "aws:") {
			in.Tags = append(in.Tags, types.Tag{Key: &key, Value: aws.String(c.Role.Tags[key])})
		}
	}
	return in
}

func writeUser(ctx context.Context, api writing, c Call) (err error) {
	user := &c.Entity.Name
	switch c.Op {
	case OpSetKey:
		_, err = api.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: user, AccessKeyId: &c.Key, Status: types.StatusType(c.Text)}, once)
	case OpDeleteKey:
		_, err = api.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: &c.Key}, once)
	case OpDeleteLogin:
		_, err = api.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: user}, once)
	default:
		panic(fmt.Sprintf("apply: unhandled operation %q", c.Op))
	}
	return err
}
