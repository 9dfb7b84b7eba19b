package apply

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

// read is what is at a target now. What doesn't exist is the zero value, no error.
func read(ctx context.Context, api reading, t Target) (Value, error) {
	v, err := readThere(ctx, api, t)
	if code(err) == "NoSuchEntity" {
		return Value{}, nil
	}
	return v, err
}

func readThere(ctx context.Context, api reading, t Target) (Value, error) {
	switch t := t.(type) {
	case Policy:
		return readPolicy(ctx, api, t)
	case Attachment:
		return readAttachment(ctx, api, t)
	case Inline:
		doc, err := readInline(ctx, api, t)
		return decoded(doc, err)
	case RoleTag:
		role, err := readRole(ctx, api, t.Role)
		if err != nil {
			return Value{}, err
		}
		value, there := role.Role.Tags[t.Key]
		return Value{There: there, Text: value}, nil
	case AccessKey:
		return readKey(ctx, api, t)
	case Password:
		_, err := api.GetLoginProfile(ctx, &iam.GetLoginProfileInput{UserName: &t.User})
		return Value{There: err == nil}, err
	case ProfileRole:
		out, err := api.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &t.Profile})
		if err != nil {
			return Value{}, err
		}
		there := slices.ContainsFunc(out.InstanceProfile.Roles, func(r types.Role) bool { return aws.ToString(r.RoleName) == t.Role })
		return Value{There: there}, nil
	case Role:
		return readRole(ctx, api, t.Name)
	}
	panic(fmt.Sprintf("apply: unhandled %T", t))
}

// decoded is a document as its author wrote it: IAM sends it URL-encoded.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
func decoded(doc *string, err error) (Value, error) {
	if err != nil {
		return Value{}, err
	}
	plain := aws.ToString(doc)
	if !strings.HasPrefix(strings.TrimSpace(plain), "{") {
		if plain, err = url.PathUnescape(plain); err != nil {
			return Value{}, fmt.Errorf("a policy document that isn't URL-encoded: %w", err)
		}
	}
	return withDocument(plain), nil
}

func readInline(ctx context.Context, api reading, t Inline) (*string, error) {
	switch t.Of.Kind {
	case RoleEntity:
		out, err := api.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &t.Of.Name, PolicyName: &t.Name})
		if err != nil {
			return nil, err
		}
		return out.PolicyDocument, nil
	case UserEntity:
		out, err := api.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: &t.Of.Name, PolicyName: &t.Name})
		if err != nil {
			return nil, err
		}
		return out.PolicyDocument, nil
	case GroupEntity:
		out, err := api.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: &t.Of.Name, PolicyName: &t.Name})
		if err != nil {
			return nil, err
		}
		return out.PolicyDocument, nil
	}
	panic(fmt.Sprintf("apply: unhandled entity %q", t.Of.Kind))
}

// readPolicy reads all versions of a policy.
func readPolicy(ctx context.Context, api reading, t Policy) (Value, error) {
	got, err := api.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &t.ARN})
	if err != nil {
		return Value{}, err
	}
	out := Value{Version: aws.ToString(got.Policy.DefaultVersionId)}
	pages := iam.NewListPolicyVersionsPaginator(api, &iam.ListPolicyVersionsInput{PolicyArn: &t.ARN})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Value{}, err
		}
		for _, v := range page.Versions {
			full, err := api.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &t.ARN, VersionId: v.VersionId})
			if err != nil {
				return Value{}, err
			}
			one, err := decoded(full.PolicyVersion.Document, nil)
			if err != nil {
				return Value{}, err
			}
			if id := aws.ToString(v.VersionId); id != out.Version {
				out.Others = append(out.Others, Version{id, one.Document})
			} else {
				out.There, out.Document, out.SHA256 = true, one.Document, one.SHA256
			}
		}
	}
	if !out.There {
		return Value{}, fmt.Errorf("%s: the list of versions lacks the default, %s: somebody is changing it", t, out.Version)
	}
	slices.SortFunc(out.Others, byAge)
	return out, nil
}

// pager is one of the SDK's paginators over attached policies.
type pager[Output any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...option) (Output, error)
}

// find looks for an attached policy page by page.
func find[Output any](ctx context.Context, arn string, pages pager[Output], list func(Output) []types.AttachedPolicy) (Value, error) {
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Value{}, err
		}
		for _, p := range list(page) {
			if aws.ToString(p.PolicyArn) == arn {
				return Value{There: true}, nil
			}
		}
	}
	return Value{}, nil
}

func readAttachment(ctx context.Context, api reading, t Attachment) (Value, error) {
	switch t.Of.Kind {
	case RoleEntity:
		pages := iam.NewListAttachedRolePoliciesPaginator(api, &iam.ListAttachedRolePoliciesInput{RoleName: &t.Of.Name})
		return find(ctx, t.Policy, pages, func(o *iam.ListAttachedRolePoliciesOutput) []types.AttachedPolicy { return o.AttachedPolicies })
	case UserEntity:
		pages := iam.NewListAttachedUserPoliciesPaginator(api, &iam.ListAttachedUserPoliciesInput{UserName: &t.Of.Name})
		return find(ctx, t.Policy, pages, func(o *iam.ListAttachedUserPoliciesOutput) []types.AttachedPolicy { return o.AttachedPolicies })
	case GroupEntity:
		pages := iam.NewListAttachedGroupPoliciesPaginator(api, &iam.ListAttachedGroupPoliciesInput{GroupName: &t.Of.Name})
		return find(ctx, t.Policy, pages, func(o *iam.ListAttachedGroupPoliciesOutput) []types.AttachedPolicy { return o.AttachedPolicies })
	}
	panic(fmt.Sprintf("apply: unhandled entity %q", t.Of.Kind))
}

func readKey(ctx context.Context, api reading, t AccessKey) (Value, error) {
	pages := iam.NewListAccessKeysPaginator(api, &iam.ListAccessKeysInput{UserName: &t.User})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Value{}, err
		}
		for _, k := range page.AccessKeyMetadata {
			if aws.ToString(k.AccessKeyId) == t.ID {
				return Value{There: true, Text: string(k.Status)}, nil
			}
		}
	}
	return Value{}, nil
}

func readRole(ctx context.Context, api reading, name string) (Value, error) {
	got, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return Value{}, err
	}
	v, err := decoded(got.Role.AssumeRolePolicyDocument, nil)
	v.Role = &RoleText{
		Path: aws.ToString(got.Role.Path), Description: aws.ToString(got.Role.Description),
		MaxSession: aws.ToInt32(got.Role.MaxSessionDuration), Tags: tagsOf(got.Role.Tags),
	}
	if b := got.Role.PermissionsBoundary; b != nil {
		v.Role.Boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	return v, err
}

func tagsOf(tags []types.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// code is AWS's code of an error; "" when it has none.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}
