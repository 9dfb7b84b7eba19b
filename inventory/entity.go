package inventory

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

func (p *parser) role(at place) error {
	var w wireRole
	entity, err := p.entity(at, &w, &w.wireEntity, "role")
	if err != nil {
		return err
	}
	role := &Role{Entity: entity}
	role.Name, role.ID = cmp.Or(w.RoleName, role.Name), w.RoleID
	trust := text{at: at, pointer: "/AssumeRolePolicyDocument", subject: role.ARN, what: "trust policy", name: role.ARN + "#trust"}
	role.Trust = p.document(trust, w.AssumeRolePolicyDocument)
	role.Inline = p.inline(at, role.ARN, "/RolePolicyList", w.RolePolicyList)
	for _, profile := range w.InstanceProfileList {
		role.InstanceProfiles = append(role.InstanceProfiles, profile.InstanceProfileName)
	}
	slices.Sort(role.InstanceProfiles)
	role.LastUsed = p.lastUsed(at, role.ARN, w.RoleLastUsed)
	return once(p.roles, role.ARN, role, at)
}

// lastUsed reads RoleLastUsed. An empty object means that there was no use in the
// tracking period; an object with a Region and without a date, or with a date that can't be read,
// means that there may have been one.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleLastUsed.html
func (p *parser) lastUsed(at place, arn string, w *wireLastUsed) LastUsed {
	if w == nil || w.LastUsedDate == "" && w.Region != "" {
		return LastUsed{}
	}
	if w.LastUsedDate == "" {
		return LastUsed{Known: true}
	}
	when, ok := p.time(at, arn, "RoleLastUsed", w.LastUsedDate)
	if !ok {
		return LastUsed{}
	}
	return LastUsed{Known: true, At: when, Region: w.Region}
}

func (p *parser) user(at place) error {
	var w wireUser
	entity, err := p.entity(at, &w, &w.wireEntity, "user")
	if err != nil {
		return err
	}
	user := &User{Entity: entity}
	user.Name, user.ID = cmp.Or(w.UserName, user.Name), w.UserID
	user.Inline = p.inline(at, user.ARN, "/UserPolicyList", w.UserPolicyList)
	user.Groups = append(user.Groups, w.GroupList...)
	slices.Sort(user.Groups)
	user.Groups = slices.Compact(user.Groups)
	return once(p.users, user.ARN, user, at)
}

func (p *parser) group(at place) error {
	var w wireGroup
	entity, err := p.entity(at, &w, &w.wireEntity, "group")
	if err != nil {
		return err
	}
	group := &Group{Entity: entity}
	group.Name, group.ID = cmp.Or(w.GroupName, group.Name), w.GroupID
	group.Inline = p.inline(at, group.ARN, "/GroupPolicyList", w.GroupPolicyList)
	return once(p.groups, group.ARN, group, at)
}

// entity decodes what roles, users and groups have in common. Its name is the ARN's until
// the caller knows better.
func (p *parser) entity(at place, into any, common *wireEntity, kind string) (Entity, error) {
	if err := at.decode(into); err != nil {
		return Entity{}, &brokenEntity{err}
	}
	arn, err := p.arn(at, common.Arn, kind)
	if err != nil {
		return Entity{}, err
	}
	e := Entity{Name: arn.Name(), ARN: common.Arn, Path: common.Path, Boundary: common.PermissionsBoundary.PermissionsBoundaryArn}
	e.CreatedAt, _ = p.time(at, e.ARN, "CreateDate", common.CreateDate)
	if len(common.Tags) > 0 {
		e.Tags = make(map[string]string, len(common.Tags))
	}
	for _, tag := range common.Tags {
		e.Tags[tag.Key] = tag.Value
	}
	for _, a := range common.AttachedManagedPolicies {
		e.Attached = append(e.Attached, Attachment{Name: a.PolicyName, ARN: a.PolicyArn})
	}
	slices.SortFunc(e.Attached, func(a, b Attachment) int { return cmp.Or(cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.Name, b.Name)) })
	e.Attached = slices.Compact(e.Attached)
	return e, nil
}

// arn reads the ARN of an entity and checks that it is of this account, or AWS's own policy.
func (p *parser) arn(at place, text, kind string) (policy.ARN, error) {
	arn, err := policy.ParseARN(text)
	switch {
	case err != nil:
		return arn, &brokenEntity{fmt.Errorf("/Arn: %q: %w", text, err)}
	case arn.Service != "iam" || arn.Type() != kind:
		return arn, &brokenEntity{fmt.Errorf("/Arn: %q: want the ARN of an IAM %s", text, kind)}
	case kind == "policy" && arn.Account == "aws":
		return arn, nil
	case !accountID(arn.Account):
		return arn, &brokenEntity{fmt.Errorf("/Arn: %q: want an account of twelve digits", text)}
	}
	return arn, p.own(at.r.name, arn)
}

func accountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func (p *parser) inline(at place, arn string, list jsontext.Pointer, policies []wireInline) []Inline {
	var out []Inline
	for i, w := range policies {
		out = append(out, Inline{Name: w.PolicyName, Document: p.document(text{
			at:      at,
			pointer: list.AppendToken(fmt.Sprint(i)).AppendToken("PolicyDocument"),
			subject: arn,
			what:    fmt.Sprintf("inline policy %q", w.PolicyName),
			name:    arn + "#" + w.PolicyName,
		}, w.PolicyDocument)})
	}
	slices.SortStableFunc(out, func(a, b Inline) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (p *parser) managed(at place) error {
	var w wirePolicy
	if err := at.decode(&w); err != nil {
		return &brokenEntity{err}
	}
	arn, err := p.arn(at, w.Arn, "policy")
	if err != nil {
		return err
	}
	m := &ManagedPolicy{Name: cmp.Or(w.PolicyName, arn.Name()), ARN: w.Arn, ID: w.PolicyID, Path: w.Path}
	m.CreatedAt, _ = p.time(at, m.ARN, "CreateDate", w.CreateDate)
	m.UpdatedAt, _ = p.time(at, m.ARN, "UpdateDate", w.UpdateDate)
	m.Attachments, m.BoundaryOf = count(w.AttachmentCount), count(w.PermissionsBoundaryUsageCount)
	p.version(at, m, &w)
	return once(p.policies, m.ARN, m, at)
}

// version takes the default version. Where the answer names none, or two, the policy has no
// document.
func (p *parser) version(at place, m *ManagedPolicy, w *wirePolicy) {
	isDefault := func(v wireVersion) bool {
		return v.IsDefaultVersion || v.VersionID != "" && v.VersionID == w.DefaultVersionID
	}
	i := slices.IndexFunc(w.PolicyVersionList, isDefault)
	if i < 0 || slices.ContainsFunc(w.PolicyVersionList[i+1:], isDefault) {
		p.problem(Problem{
			File: at.r.name, Where: at.where(), Subject: m.ARN,
			Text: "the policy's document is left out: want one version that is the default, " + w.DefaultVersionID,
		})
		return
	}
	v := w.PolicyVersionList[i]
	m.Version = v.VersionID
	if made, ok := p.time(at, m.ARN, "CreateDate of "+v.VersionID, v.CreateDate); ok && !made.IsZero() {
		m.UpdatedAt = made
	}
	m.Document = p.document(text{
		at:      at,
		pointer: jsontext.Pointer("/PolicyVersionList").AppendToken(fmt.Sprint(i)).AppendToken("Document"),
		subject: m.ARN,
		what:    "version " + m.Version,
		name:    m.ARN,
	}, v.Document)
	for k, other := range w.PolicyVersionList {
		if k != i {
			p.earlier(m, other)
		}
	}
	slices.SortStableFunc(m.Earlier, func(a, b Version) int { return b.CreatedAt.Compare(a.CreatedAt) })
}

// earlier adds a version that isn't the default. One that can't be read, or whose date
// can't, is passed over: nothing is in force by it.
func (p *parser) earlier(m *ManagedPolicy, w wireVersion) {
	made, ok := parseTime(w.CreateDate)
	if !ok || made.IsZero() {
		return
	}
	src, err := documentText(w.Document)
	if err != nil {
		return
	}
	if read := p.parse(src); read.err == nil {
		m.Earlier = append(m.Earlier, Version{w.VersionID, made, read.document})
	}
}

func count(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

// time reads a time as the command line prints it. An empty text is the zero time.
func (p *parser) time(at place, subject, member, text string) (time.Time, bool) {
	when, ok := parseTime(text)
	if !ok {
		p.problem(Problem{
			File: at.r.name, Where: at.where(), Subject: subject,
			Text: fmt.Sprintf("%s: %q: want a time, such as 2026-11-23T07:56:06+00:00; taken as not known", member, text),
		})
	}
	return when, ok
}

func parseTime(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	when, err := time.Parse(time.RFC3339Nano, text)
	return when.UTC(), err == nil
}

// once adds an entity. The same one may come twice, as when pages overlap; two that
// differ under one ARN are not to be chosen from.
func once[T any](all map[string]found[T], arn string, entity T, at place) error {
	first, there := all[arn]
	switch {
	case !there:
		all[arn] = found[T]{entity, at}
	case !reflect.DeepEqual(first.entity, entity):
		return fmt.Errorf("%s:%s: %s is described otherwise at %s:%s: want files of one moment; run again: %s",
			at.r.name, at.where(), arn, first.place.r.name, first.place.where(), detailsCommand)
	}
	return nil
}
