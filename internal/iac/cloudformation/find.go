package cloudformation

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
)

// Find finds the policies in those of the files that are templates, and says which
// templates can't be read. Both are sorted by file, and sources by place in it.
//
// One source is one policy that the template writes; AWS::IAM::Policy embeds its one in
// all the roles, users and groups that it names. Trust policies, policies of resources
// and attachments of managed policies are none. Policies of which all that is known is
// that they are there, behind Fn::If or by a SAM policy template, are sources with a
// Problem.
func Find(files []*iac.File) ([]*iac.Source, []iac.Problem) {
	sorted := slices.SortedFunc(slices.Values(files), func(a, b *iac.File) int { return cmp.Compare(a.Path, b.Path) })
	assemblies := assembliesOf(sorted)
	var sources []*iac.Source
	var problems []iac.Problem
	for _, f := range sorted {
		if f.Lang != iac.YAML && f.Lang != iac.JSON || !hasMarks(f) {
			continue
		}
		t, err := parse(f)
		switch {
		case err == nil && t.isTemplate():
			sources = append(sources, t.sources(assemblies.has(f))...)
		case err != nil && looks.Match(f.Src):
			problems = append(problems, problemOf(f, err))
		}
	}
	return sources, problems
}

// problemOf is a file's error as a problem: where, and what.
func problemOf(f *iac.File, err error) iac.Problem {
	where, what, found := strings.Cut(err.Error(), ": ")
	if !found || !strings.HasPrefix(where, f.Path) {
		return iac.Problem{Where: f.Path, What: err.Error()}
	}
	return iac.Problem{Where: where, What: what}
}

// finder collects the sources of a template.
type finder struct {
	*template
	resources *iac.Value
	cdk       bool
	found     []*iac.Source
}

// resource is one of a template.
type resource struct {
	id, kind   string // logical ID and type
	at         int    // where it stands
	properties *iac.Value
	loop       bool   // it is in an Fn::ForEach
	path       string // of the construct that CDK made it of
}

// sources are the policies of a template, in its order.
func (t *template) sources(cdk bool) []*iac.Source {
	f := &finder{template: t, resources: t.root.Get("Resources"), cdk: cdk}
	for _, m := range f.resources.Members {
		f.member(m, false)
	}
	return f.found
}

// member finds the policies of a member of Resources: a resource, or a loop of them.
func (f *finder) member(m iac.Member, loop bool) {
	if strings.HasPrefix(m.Key, "Fn::ForEach::") && m.Value.Kind == iac.List && len(m.Value.Entries) == 3 {
		for _, inner := range m.Value.Entries[2].Members {
			f.member(inner, true)
		}
		return
	}
	kind := typeOf(m.Value)
	r := &resource{id: m.Key, kind: kind, at: m.Value.Start, loop: loop, path: constructPath(m.Value)}
	if m.At.End > 0 {
		r.at = m.At.Start
	}
	f.included(r, m)
	f.connectors(r, m.Value.Get("Connectors"))
	policies, ok := kinds[kind]
	if !ok {
		return
	}
	r.properties = m.Value.Get("Properties")
	switch {
	case r.properties == nil:
	case r.properties.Kind != iac.Object:
		s := f.add(r, "")
		f.problem(s, r.properties, "its properties are "+cmp.Or(r.properties.Why, "not an object"))
	default:
		policies(f, r)
	}
}

// kinds says for each type of resource that may have policies how to find them.
var kinds = map[string]func(*finder, *resource){
	"AWS::IAM::ManagedPolicy":       (*finder).managed,
	"AWS::IAM::Policy":              (*finder).shared,
	"AWS::IAM::RolePolicy":          single("RoleName", iac.Role),
	"AWS::IAM::UserPolicy":          single("UserName", iac.User),
	"AWS::IAM::GroupPolicy":         single("GroupName", iac.Group),
	"AWS::IAM::Role":                inline("RoleName", iac.Role),
	"AWS::IAM::User":                inline("UserName", iac.User),
	"AWS::IAM::Group":               inline("GroupName", iac.Group),
	"AWS::SSO::PermissionSet":       (*finder).permissionSet,
	"AWS::Serverless::Function":     (*finder).serverless,
	"AWS::Serverless::StateMachine": (*finder).serverless,
	"AWS::Serverless::Connector":    (*finder).connector,
}

// included finds what a macro, such as AWS::Include, puts in the place of a resource, or
// beside the resources: policies perhaps.
func (f *finder) included(r *resource, m iac.Member) {
	if m.Key != "Fn::Transform" && (m.Value.Kind != iac.Unknown || r.kind != "") {
		return
	}
	included := *r
	included.kind = "Fn::Transform"
	f.problem(f.add(&included, ""), m.Value, "resources that a macro makes: what is in them isn't known")
}

// add makes a source of a resource's policy. inside says which: ".Policies[0]".
func (f *finder) add(r *resource, inside string) *iac.Source {
	s := &iac.Source{
		File: f.file, At: r.at, Type: r.kind, Address: r.id + inside, Root: f.file.Path,
		Style: iac.InTemplate, LogicalID: r.id, Repeated: r.loop,
	}
	if f.cdk {
		s.Address = cmp.Or(r.path, r.id) + inside
		s.Problem = fmt.Sprintf("CDK output: change the construct %s, not the template", cmp.Or(r.path, r.id))
		s.ProblemAt = s.Where()
	}
	f.found = append(f.found, s)
	return s
}

// problem says why a source can't be changed. The first reason stays.
func (f *finder) problem(s *iac.Source, at *iac.Value, what string) {
	if s.Problem == "" {
		s.Problem, s.ProblemAt = what, cmp.Or(at.Where(), s.Where())
	}
}

// document gives a source its policy, and what keeps it from being changed.
func (f *finder) document(s *iac.Source, r *resource, v *iac.Value) {
	switch {
	case r.loop:
		f.problem(s, r.properties, "in an Fn::ForEach, which makes several policies of it")
	case v == nil:
		f.problem(s, r.properties, "no policy document here")
	case v.Kind == iac.Text:
		f.problem(s, v, "its policy document is a text: write it as an object")
	case v.Kind != iac.Object:
		f.problem(s, v, "its policy document is "+cmp.Or(v.Why, "not an object"))
	default:
		s.Document = v
	}
	if s.Document != nil && s.Document.Why != "" {
		f.problem(s, s.Document, "its policy document has "+s.Document.Why)
	}
}

// name is a property that is a name: known, with holes, or one hole alone. It is nil if
// the property isn't there, for then the deployment makes a name up.
func (f *finder) name(v *iac.Value) *iac.Value {
	if v == nil || f.isNoValue(v) {
		return nil
	}
	var b textBuilder
	if !b.part(f.template, v) {
		b.hole(f.file.Path, v.Text)
	}
	return &iac.Value{Kind: iac.Text, File: v.File, Span: v.Span, Lang: v.Lang, Text: b.String(), Holes: b.holes}
}

// holder is the role, user or group that a property names. A Ref to one of the template
// says its logical ID, and its name if it was given one.
func (f *finder) holder(v *iac.Value, kind iac.HolderKind) iac.Holder {
	h := iac.Holder{Kind: kind}
	c := f.calls[v]
	var resource *iac.Value
	if c.name == "Ref" && plain(c.arg) {
		resource = f.resources.Get(c.arg.Text)
	}
	switch {
	case resource == nil && c.name == "Ref" && f.ofSAM(c.arg.Text):
		h.LogicalID = c.arg.Text
		return h
	case resource == nil:
		h.Name = f.name(v)
		return h
	}
	h.LogicalID = c.arg.Text
	if properties := resource.Get("Properties"); properties != nil {
		h.Name = f.name(properties.Get(nameOf(kind)))
	}
	return h
}

// ofSAM says whether a logical ID is that of a role which SAM makes: "FnRole" for Fn.
func (f *finder) ofSAM(id string) bool {
	of, ok := strings.CutSuffix(id, "Role")
	if !ok {
		return false
	}
	resource := f.resources.Get(of)
	return resource != nil && strings.HasPrefix(typeOf(resource), "AWS::Serverless::")
}

// nameOf is the property that holds the name of a role, user or group.
func nameOf(kind iac.HolderKind) string {
	switch kind {
	case iac.Role:
		return "RoleName"
	case iac.User:
		return "UserName"
	case iac.Group:
		return "GroupName"
	case iac.PermissionSet:
		return "Name"
	}
	return ""
}

// assemblies are the folders that CDK writes its output to.
type assemblies map[string]bool

// assembliesOf finds them by their manifests.
func assembliesOf(files []*iac.File) assemblies {
	found := assemblies{}
	for _, f := range files {
		if path.Base(f.Path) != "manifest.json" {
			continue
		}
		if t, err := parse(f); err == nil && t.root.Get("version") != nil && t.root.Get("artifacts") != nil {
			found[path.Dir(f.Path)] = true
		}
	}
	return found
}

// has says whether a file is CDK's output.
func (a assemblies) has(f *iac.File) bool {
	dir := path.Dir(f.Path)
	return a[dir] || slices.Contains(strings.Split(dir, "/"), "cdk.out")
}

// constructPath is where in a CDK app a resource was made, as CDK notes it.
func constructPath(resource *iac.Value) string {
	metadata := resource.Get("Metadata")
	if metadata == nil {
		return ""
	}
	v := metadata.Get("aws:cdk:path")
	if v == nil || !plain(v) {
		return ""
	}
	return v.Text
}
