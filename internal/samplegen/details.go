package samplegen

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// printDetails prints authorization-details.json, as
//
//	aws iam get-account-authorization-details
//
// does. Inline policies are URL-encoded, as IAM's API hands them out; managed policies
// and trust policies are JSON objects, as the AWS CLI prints them, but in the author's
// layout.
func (w *World) printDetails(out *printer) {
	out.line("{")
	out.list("  ", "UserDetailList", len(w.users), func(i int) { w.printUser(out, w.users[i]) }, ",")
	out.list("  ", "GroupDetailList", len(w.groups), func(i int) { w.printGroup(out, w.groups[i]) }, ",")
	out.list("  ", "RoleDetailList", len(w.roles), func(i int) { w.printRole(out, w.roles[i]) }, ",")
	managed := w.managedPolicies()
	out.list("  ", "Policies", len(managed), func(i int) { w.printPolicy(out, managed[i]) }, "")
	out.text("}\n")
}

func (w *World) printUser(out *printer, u *principal) {
	out.line("    {")
	out.line(`      "Path": %q, "UserName": %q, "UserId": %q,`, u.path(), u.Name, u.id)
	out.line(`      "Arn": %q,`, u.arn)
	out.line(`      "CreateDate": %q,`, cliTime(w.since(u.Created, u.Name)))
	if len(u.Inline) > 0 {
		w.printInline(out, "UserPolicyList", u.Inline)
	}
	out.list("      ", "GroupList", len(u.Groups), func(i int) { out.text("        " + strconv.Quote(u.Groups[i])) }, ",")
	w.printBoundary(out, u)
	w.printAttached(out, u.Attached, ",")
	printTags(out, u.Tags)
	out.text("    }")
}

func (w *World) printGroup(out *printer, g *group) {
	out.line("    {")
	out.line(`      "Path": "/", "GroupName": %q, "GroupId": %q,`, g.Name, "AGPA"+w.code("group/"+g.Name, 17))
	out.line(`      "Arn": %q,`, w.arn("group", "/", g.Name))
	out.line(`      "CreateDate": %q,`, cliTime(w.since(g.Created, g.Name)))
	w.printInline(out, "GroupPolicyList", g.Inline)
	w.printAttached(out, g.Attached, "")
	out.text("    }")
}

func (w *World) printRole(out *printer, r *principal) {
	out.line("    {")
	out.line(`      "Path": %q, "RoleName": %q, "RoleId": %q,`, r.path(), r.Name, r.id)
	out.line(`      "Arn": %q,`, r.arn)
	out.line(`      "CreateDate": %q,`, cliTime(w.since(r.Created, r.Name)))
	out.line(`      "AssumeRolePolicyDocument": %s,`, w.trustPolicy(r))
	out.line(`      "InstanceProfileList": [],`)
	w.printInline(out, "RolePolicyList", r.Inline)
	w.printBoundary(out, r)
	w.printAttached(out, r.Attached, ",")
	printTags(out, r.Tags)
	out.line(`      , "RoleLastUsed": %s`, w.roleLastUsed(r))
	out.text("    }")
}

func (w *World) roleLastUsed(r *principal) string {
	last, ok := w.newest(r, func(*habit) bool { return true })
	if !ok {
		return "{}"
	}
	return fmt.Sprintf(`{"LastUsedDate": %q, "Region": %q}`, cliTime(last.at), last.habit.region)
}

func (w *World) printInline(out *printer, member string, names []string) {
	out.list("      ", member, len(names), func(i int) {
		encoded := strings.ReplaceAll(url.QueryEscape(w.text(names[i])), "+", "%20")
		out.text(fmt.Sprintf(`        {"PolicyName": %q, "PolicyDocument": %q}`, names[i], encoded))
	}, ",")
}

func (w *World) printAttached(out *printer, names []string, after string) {
	out.list("      ", "AttachedManagedPolicies", len(names), func(i int) {
		arn := w.policyARN(names[i])
		out.text(fmt.Sprintf(`        {"PolicyName": %q, "PolicyArn": %q}`, arn[strings.LastIndex(arn, "/")+1:], arn))
	}, after)
}

func (w *World) printBoundary(out *printer, p *principal) {
	if p.Boundary != "" {
		out.line(`      "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": %q},`, w.policyARN(p.Boundary))
	}
}

func printTags(out *printer, tags map[string]string) {
	names := slices.Sorted(maps.Keys(tags))
	out.list("      ", "Tags", len(names), func(i int) {
		out.text(fmt.Sprintf(`        {"Key": %q, "Value": %q}`, names[i], tags[names[i]]))
	}, "")
}

// trustPolicy is the role's trust policy as JSON text.
func (w *World) trustPolicy(r *principal) string {
	kind, id, _ := strings.Cut(r.Trust, ":")
	member, value, action, condition := "AWS", "", "sts:AssumeRole", ""
	switch kind {
	case "role", "user":
		value = w.named(kind, id).arn
	case "account":
		value = "arn:aws:iam::" + id + ":root"
		if id != w.options.AccountID {
			condition = `, "Condition": {"StringEquals": {"sts:ExternalId": "7f3c-shop"}}`
		}
	case "oidc":
		member, value = "Federated", "arn:aws:iam::"+w.options.AccountID+":oidc-provider/token.actions.githubusercontent.com"
		action = "sts:AssumeRoleWithWebIdentity"
		condition = `, "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:shop/*"}}`
	case "saml":
		member, value = "Federated", "arn:aws:iam::"+w.options.AccountID+":saml-provider/AWSSSO_DO_NOT_DELETE"
		action = "sts:AssumeRoleWithSAML"
	default:
		member, value = "Service", r.Trust
	}
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {%q: %q}, "Action": %q%s}]}`,
		member, value, action, condition)
}

func (w *World) named(kind, name string) *principal {
	all := w.users
	if kind == "role" {
		all = w.roles
	}
	i := slices.IndexFunc(all, func(p *principal) bool { return p.Name == name })
	if i < 0 {
		panic("samplegen: account.json: no " + kind + " " + name)
	}
	return all[i]
}

// managedPolicies are the customer managed policies and the AWS managed ones that are
// attached to somebody.
func (w *World) managedPolicies() []string {
	aws := map[string]bool{}
	for _, p := range w.principals() {
		for _, name := range p.Attached {
			if strings.HasPrefix(name, "aws:") {
				aws[name] = true
			}
		}
	}
	return slices.Concat(w.policies, slices.Sorted(maps.Keys(aws)))
}

func (w *World) printPolicy(out *printer, name string) {
	arn := w.policyARN(name)
	_, rest, _ := strings.Cut(arn, ":policy")
	slash := strings.LastIndex(rest, "/")
	version := 1 + int(hash(w.options.Seed, "version/"+name)%3)
	created, updated := w.policyAge(name)
	out.line("    {")
	out.line(`      "PolicyName": %q, "PolicyId": %q,`, rest[slash+1:], "ANPA"+w.code("policy/"+name, 17))
	out.line(`      "Arn": %q, "Path": %q,`, arn, rest[:slash+1])
	out.line(`      "DefaultVersionId": "v%d", "IsAttachable": true,`, version)
	attached, boundaries := w.attachments(name)
	out.line(`      "AttachmentCount": %d, "PermissionsBoundaryUsageCount": %d,`, attached, boundaries)
	out.line(`      "CreateDate": %q, "UpdateDate": %q,`, cliTime(w.since(created, name)), cliTime(w.since(updated, name)))
	out.list("      ", "PolicyVersionList", version, func(i int) {
		text, date := w.text(name), updated
		if i > 0 {
			text, date = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}`, updated+i
		}
		out.text(fmt.Sprintf(`        {"VersionId": "v%d", "IsDefaultVersion": %t, "CreateDate": %q, "Document": %s}`,
			version-i, i == 0, cliTime(w.since(date, name)), text))
	}, "")
	out.text("    }")
}

// policyAge is how many days ago a managed policy was made and last changed.
func (w *World) policyAge(name string) (created, updated int) {
	created = 400 + int(hash(w.options.Seed, "created/"+name)%800)
	return created, 120 + int(hash(w.options.Seed, "updated/"+name)%200)
}

func (w *World) attachments(name string) (attached, boundaries int) {
	for _, p := range w.principals() {
		if slices.Contains(p.Attached, name) {
			attached++
		}
		if p.Boundary == name {
			boundaries++
		}
	}
	for _, g := range w.groups {
		if slices.Contains(g.Attached, name) {
			attached++
		}
	}
	return attached, boundaries
}

// policyARN is the ARN of a managed policy by its file name: "app-baseline",
// "aws:ReadOnlyAccess".
func (w *World) policyARN(name string) string {
	aws, ok := strings.CutPrefix(name, "aws:")
	switch {
	case !ok:
		return w.arn("policy", "/", name)
	case aws == "AWSLambdaBasicExecutionRole":
		return "arn:aws:iam::aws:policy/service-role/" + aws
	case strings.HasSuffix(aws, "ServiceRolePolicy"):
		return "arn:aws:iam::aws:policy/aws-service-role/" + aws
	default:
		return "arn:aws:iam::aws:policy/" + aws
	}
}

// text is a policy by its file name, or by "aws:Name".
func (w *World) text(name string) string {
	return w.texts[strings.Replace(name, "aws:", "aws-", 1)]
}
