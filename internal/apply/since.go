package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/pare-iam/pare/finding"
)

// since lists what happened since the evidence of a step was collected by which it would
// take away more than was judged: somebody has a policy now who wasn't asked, a policy to be
// detached says something else, what was unused was used. The values at the step's targets
// aren't looked at.
func (r *Runner) since(ctx context.Context, p *Plan, s Step) ([]string, error) {
	var lines []string
	for _, a := range s.Actions {
		line, err := r.sinceOf(ctx, p, s, a)
		if err != nil && code(err) != "NoSuchEntity" { // that its target is gone is said elsewhere
			return nil, err
		}
		if err == nil && line != "" && !slices.Contains(lines, "step "+s.ID+": "+line) {
			lines = append(lines, "step "+s.ID+": "+line)
		}
	}
	return lines, nil
}

func (r *Runner) sinceOf(ctx context.Context, p *Plan, s Step, a Action) (string, error) {
	of, _ := entityOf(a.Target)
	switch t := a.Target.(type) {
	case Policy:
		if a.Expect.There {
			return r.reached(ctx, t, s.Affects)
		}
	case Attachment, Inline, RoleTag, ProfileRole, Role:
		if of.Kind == GroupEntity {
			if line, err := r.joined(ctx, of.Name, s.Affects); err != nil || line != "" {
				return line, err
			}
		}
		if s.Type == finding.UnusedIAMRole {
			return r.roleUsed(ctx, of.Name, p.UnusedSince)
		}
		if at, ok := t.(Attachment); ok && a.Expect.SHA256 != "" {
			return r.edited(ctx, p, at, a.Expect)
		}
	case AccessKey:
		out, err := r.IAM.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &t.ID})
		if err != nil || out.AccessKeyLastUsed == nil {
			return "", err
		}
		return used(t, out.AccessKeyLastUsed.LastUsedDate, p.UnusedSince), nil
	case Password:
		out, err := r.IAM.GetUser(ctx, &iam.GetUserInput{UserName: &t.User})
		if err != nil {
			return "", err
		}
		return used(t, out.User.PasswordLastUsed, p.UnusedSince), nil
	}
	return "", nil
}

// reached says who has a policy, or has it as a boundary, and isn't among those for whom
// narrowing it was proved.
func (r *Runner) reached(ctx context.Context, t Policy, affects []string) (string, error) {
	got, err := r.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &t.ARN})
	if err != nil {
		return "", err
	}
	if aws.ToInt32(got.Policy.PermissionsBoundaryUsageCount) > 0 {
		return fmt.Sprintf("%s: it is somebody's permissions boundary now", t), nil
	}
	known := entities(affects)
	pages := iam.NewListEntitiesForPolicyPaginator(r.IAM, &iam.ListEntitiesForPolicyInput{PolicyArn: &t.ARN})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		var have []Entity
		for _, role := range page.PolicyRoles {
			have = append(have, Entity{RoleEntity, aws.ToString(role.RoleName)})
		}
		for _, user := range page.PolicyUsers {
			have = append(have, Entity{UserEntity, aws.ToString(user.UserName)})
		}
		for _, e := range have {
			if !slices.Contains(known, e) {
				return fmt.Sprintf("%s: the %s has it too, and wasn't asked what it uses: make the plan anew from data collected anew", t, e), nil
			}
		}
		for _, group := range page.PolicyGroups {
			if line, err := r.joined(ctx, aws.ToString(group.GroupName), affects); err != nil || line != "" {
				return line, err
			}
		}
	}
	return "", nil
}

// joined says who is in a group and isn't among those who were asked.
func (r *Runner) joined(ctx context.Context, group string, affects []string) (string, error) {
	known := entities(affects)
	pages := iam.NewGetGroupPaginator(r.IAM, &iam.GetGroupInput{GroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, user := range page.Users {
			if e := (Entity{UserEntity, aws.ToString(user.UserName)}); !slices.Contains(known, e) {
				return fmt.Sprintf("the %s is in the group %s now, and wasn't asked what it uses: make the plan anew from data collected anew", e, group), nil
			}
		}
	}
	return "", nil
}

// entities are the roles and users of some ARNs. Within an account their names are their
// own, whatever the path.
func entities(arns []string) []Entity {
	var out []Entity
	for _, arn := range arns {
		if e, ok := entityOfARN(arn); ok {
			out = append(out, e)
		}
	}
	return out
}

// edited says that a policy which is to be detached has other words than it was judged by,
// unless they are this plan's.
func (r *Runner) edited(ctx context.Context, p *Plan, t Attachment, expect Value) (string, error) {
	got, err := r.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &t.Policy})
	if err != nil {
		return "", err
	}
	id := aws.ToString(got.Policy.DefaultVersionId)
	full, err := r.IAM.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &t.Policy, VersionId: &id})
	if err != nil {
		return "", err
	}
	live, err := decoded(full.PolicyVersion.Document, nil)
	if err != nil || live.SHA256 == expect.SHA256 || p.leaves(t.Policy, live.SHA256) {
		return "", err
	}
	return fmt.Sprintf("%s: somebody else changed the policy: its version %s has the document %s, want %s", t, id, short(live.SHA256), short(expect.SHA256)), nil
}

// leaves says whether the plan gives a policy a document.
func (p *Plan) leaves(arn, sum string) bool {
	return slices.ContainsFunc(p.Actions(), func(a Action) bool {
		t, ok := a.Target.(Policy)
		return ok && t.ARN == arn && a.Leave.SHA256 == sum
	})
}

func (r *Runner) roleUsed(ctx context.Context, name string, unused time.Time) (string, error) {
	got, err := r.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil || got.Role.RoleLastUsed == nil {
		return "", err
	}
	return used(Role{name}, got.Role.RoleLastUsed.LastUsedDate, unused), nil
}

// used says that something was used since a time.
func used(t Target, at *time.Time, since time.Time) string {
	if at == nil || since.IsZero() || !at.After(since) {
		return ""
	}
	return fmt.Sprintf("%s: it was used %s, and the plan says that it wasn't since %s: make the plan anew from data collected anew",
		t, at.UTC().Format(time.RFC3339), since.UTC().Format(time.DateOnly))
}
