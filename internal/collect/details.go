package collect

import (
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// details is the answer of GetAccountAuthorizationDetails, all pages in one, each list's
// entries printed.
type details struct{ users, groups, roles, policies [][]byte }

// fetchDetails asks for everything, AWS's own managed policies too, which come only by
// this filter and as far as they are attached.
func (a *account) fetchDetails(ctx context.Context) (*details, error) {
	var all details
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(a.iam, &iam.GetAccountAuthorizationDetailsInput{
		Filter: types.EntityType("").Values(),
	}, func(o *iam.GetAccountAuthorizationDetailsPaginatorOptions) { o.Limit = 1000 })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all.users = append(all.users, objects(page.UserDetailList, printUser)...)
		all.groups = append(all.groups, objects(page.GroupDetailList, printGroup)...)
		all.roles = append(all.roles, objects(page.RoleDetailList, printRole)...)
		all.policies = append(all.policies, objects(page.Policies, printManaged)...)
	}
	return &all, nil
}

// write prints the answer as `aws iam get-account-authorization-details` does.
func (d *details) write(w io.Writer) error {
	var o object
	o.raw("UserDetailList", array(d.users))
	o.raw("GroupDetailList", array(d.groups))
	o.raw("RoleDetailList", array(d.roles))
	o.raw("Policies", array(d.policies))
	return writeLine(w, o.done())
}

func writeLine(w io.Writer, text []byte) error {
	_, err := w.Write(append(text, '\n'))
	return err
}

func printUser(o *object, u *types.UserDetail) {
	o.string("Path", u.Path)
	o.string("UserName", u.UserName)
	o.string("UserId", u.UserId)
	o.string("Arn", u.Arn)
	o.time("CreateDate", u.CreateDate)
	list(o, "UserPolicyList", u.UserPolicyList, printInline)
	o.strings("GroupList", u.GroupList)
	list(o, "AttachedManagedPolicies", u.AttachedManagedPolicies, printAttached)
	nested(o, "PermissionsBoundary", u.PermissionsBoundary, printBoundary)
	list(o, "Tags", u.Tags, printTag)
}

func printGroup(o *object, g *types.GroupDetail) {
	o.string("Path", g.Path)
	o.string("GroupName", g.GroupName)
	o.string("GroupId", g.GroupId)
	o.string("Arn", g.Arn)
	o.time("CreateDate", g.CreateDate)
	list(o, "GroupPolicyList", g.GroupPolicyList, printInline)
	list(o, "AttachedManagedPolicies", g.AttachedManagedPolicies, printAttached)
}

func printRole(o *object, r *types.RoleDetail) {
	o.string("Path", r.Path)
	o.string("RoleName", r.RoleName)
	o.string("RoleId", r.RoleId)
	o.string("Arn", r.Arn)
	o.time("CreateDate", r.CreateDate)
	o.document("AssumeRolePolicyDocument", r.AssumeRolePolicyDocument)
	list(o, "InstanceProfileList", r.InstanceProfileList, printProfile)
	list(o, "RolePolicyList", r.RolePolicyList, printInline)
	list(o, "AttachedManagedPolicies", r.AttachedManagedPolicies, printAttached)
	nested(o, "PermissionsBoundary", r.PermissionsBoundary, printBoundary)
	list(o, "Tags", r.Tags, printTag)
	nested(o, "RoleLastUsed", r.RoleLastUsed, printLastUsed)
}

func printLastUsed(o *object, used *types.RoleLastUsed) {
	o.time("LastUsedDate", used.LastUsedDate)
	o.string("Region", used.Region)
}

func printManaged(o *object, p *types.ManagedPolicyDetail) {
	o.string("PolicyName", p.PolicyName)
	o.string("PolicyId", p.PolicyId)
	o.string("Arn", p.Arn)
	o.string("Path", p.Path)
	o.string("DefaultVersionId", p.DefaultVersionId)
	o.number("AttachmentCount", p.AttachmentCount)
	o.number("PermissionsBoundaryUsageCount", p.PermissionsBoundaryUsageCount)
	o.truth("IsAttachable", p.IsAttachable)
	o.string("Description", p.Description)
	o.time("CreateDate", p.CreateDate)
	o.time("UpdateDate", p.UpdateDate)
	list(o, "PolicyVersionList", p.PolicyVersionList, func(o *object, v *types.PolicyVersion) {
		o.document("Document", v.Document)
		o.string("VersionId", v.VersionId)
		o.truth("IsDefaultVersion", v.IsDefaultVersion)
		o.time("CreateDate", v.CreateDate)
	})
}

func printInline(o *object, p *types.PolicyDetail) {
	o.string("PolicyName", p.PolicyName)
	o.document("PolicyDocument", p.PolicyDocument)
}

func printAttached(o *object, p *types.AttachedPolicy) {
	o.string("PolicyName", p.PolicyName)
	o.string("PolicyArn", p.PolicyArn)
}

func printBoundary(o *object, b *types.AttachedPermissionsBoundary) {
	kind := string(b.PermissionsBoundaryType)
	o.string("PermissionsBoundaryType", &kind)
	o.string("PermissionsBoundaryArn", b.PermissionsBoundaryArn)
}

func printTag(o *object, t *types.Tag) {
	o.string("Key", t.Key)
	o.string("Value", t.Value)
}

func printProfile(o *object, p *types.InstanceProfile) {
	o.string("Path", p.Path)
	o.string("InstanceProfileName", p.InstanceProfileName)
	o.string("InstanceProfileId", p.InstanceProfileId)
	o.string("Arn", p.Arn)
	o.time("CreateDate", p.CreateDate)
	list(o, "Roles", p.Roles, func(o *object, r *types.Role) {
		o.string("Path", r.Path)
		o.string("RoleName", r.RoleName)
		o.string("RoleId", r.RoleId)
		o.string("Arn", r.Arn)
		o.time("CreateDate", r.CreateDate)
		o.document("AssumeRolePolicyDocument", r.AssumeRolePolicyDocument)
		o.string("Description", r.Description)
		o.number("MaxSessionDuration", r.MaxSessionDuration)
		nested(o, "PermissionsBoundary", r.PermissionsBoundary, printBoundary)
		list(o, "Tags", r.Tags, printTag)
		nested(o, "RoleLastUsed", r.RoleLastUsed, printLastUsed)
	})
	list(o, "Tags", p.Tags, printTag)
}
