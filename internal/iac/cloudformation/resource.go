package cloudformation

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pare-iam/pare/internal/iac"
)

// managed finds the policy of an AWS::IAM::ManagedPolicy. What it is attached to isn't
// its holder.
func (f *finder) managed(r *resource) {
	s := f.add(r, "")
	s.Name = f.name(r.properties.Get("ManagedPolicyName"))
	f.document(s, r, r.properties.Get("PolicyDocument"))
}

// shared finds the policy of an AWS::IAM::Policy, which is embedded in each of its roles,
// users and groups.
func (f *finder) shared(r *resource) {
	s := f.add(r, "")
	s.Name = f.name(r.properties.Get("PolicyName"))
	f.holders(s, r.properties.Get("Roles"), iac.Role)
	f.holders(s, r.properties.Get("Users"), iac.User)
	f.holders(s, r.properties.Get("Groups"), iac.Group)
	f.embed(s)
	f.document(s, r, r.properties.Get("PolicyDocument"))
}

// holders adds those that a list names. Of a list that is computed there may be any
// number.
func (f *finder) holders(s *iac.Source, list *iac.Value, kind iac.HolderKind) {
	switch {
	case list == nil || f.isNoValue(list):
	case list.Kind == iac.List:
		for _, e := range list.Entries {
			s.Holders = append(s.Holders, f.holder(e, kind))
		}
	default:
		s.Holders = append(s.Holders, iac.Holder{Kind: kind})
		s.Repeated = true
	}
}

// embed makes the first of a source's holders its holder, and Holders nil if it's alone.
func (f *finder) embed(s *iac.Source) {
	if len(s.Holders) == 0 {
		return
	}
	first := s.Holders[0]
	s.Holder, s.HolderName, s.HolderLogicalID = first.Kind, first.Name, first.LogicalID
	if len(s.Holders) == 1 {
		s.Holders = nil
		return
	}
	s.Repeated = true
}

// single finds the policy of a resource that embeds it in one holder, which a property
// names.
func single(property string, kind iac.HolderKind) func(*finder, *resource) {
	return func(f *finder, r *resource) {
		s := f.add(r, "")
		s.Name = f.name(r.properties.Get("PolicyName"))
		s.Holders = []iac.Holder{f.holder(r.properties.Get(property), kind)}
		f.embed(s)
		f.document(s, r, r.properties.Get("PolicyDocument"))
	}
}

// inline finds the policies in the list Policies of a role, user or group.
func inline(property string, kind iac.HolderKind) func(*finder, *resource) {
	return func(f *finder, r *resource) {
		list := r.properties.Get("Policies")
		if list == nil || f.isNoValue(list) {
			return
		}
		of := func(inside string) *iac.Source {
			s := f.add(r, inside)
			s.Holder, s.HolderName, s.HolderLogicalID = kind, f.name(r.properties.Get(property)), r.id
			return s
		}
		if list.Kind != iac.List {
			s := of(".Policies")
			s.Repeated = true
			f.problem(s, list, "its list of policies is "+cmp.Or(list.Why, "not a list"))
			return
		}
		for i, e := range list.Entries {
			if f.isNoValue(e) {
				continue
			}
			s := of(fmt.Sprintf(".Policies[%d]", i))
			if e.Kind != iac.Object {
				f.problem(s, e, "the policy is "+cmp.Or(e.Why, "not an object"))
				continue
			}
			s.Name = f.name(e.Get("PolicyName"))
			f.document(s, r, e.Get("PolicyDocument"))
		}
	}
}

// isNoValue says whether a value is Ref AWS::NoValue.
func (f *finder) isNoValue(v *iac.Value) bool {
	c := f.calls[v]
	return c.name == "Ref" && c.arg.Text == noValue
}

// permissionSet finds the inline policy of an AWS::SSO::PermissionSet.
func (f *finder) permissionSet(r *resource) {
	v := r.properties.Get("InlinePolicy")
	if v == nil || f.isNoValue(v) {
		return
	}
	s := f.add(r, ".InlinePolicy")
	s.Holder, s.HolderName, s.HolderLogicalID = iac.PermissionSet, f.name(r.properties.Get("Name")), r.id
	f.document(s, r, v)
}

// serverless finds the policies that SAM embeds in the role that it makes for a function
// or a state machine: Role after its logical ID, with policies named by the role and the
// place in the list. It makes none for one that has a Role. Entries that are managed
// policies' names, or functions that may give one, are none.
func (f *finder) serverless(r *resource) {
	list := r.properties.Get("Policies")
	if list == nil || f.hasRole(r) {
		return
	}
	if list.Kind != iac.List {
		f.entry(r, list, 0, ".Policies")
		return
	}
	for i, e := range list.Entries {
		f.entry(r, e, i, fmt.Sprintf(".Policies[%d]", i))
	}
}

// hasRole says whether a function surely has a role of its own. Fn::If may give it none.
func (f *finder) hasRole(r *resource) bool {
	role := r.properties.Get("Role")
	return role != nil && !f.isNoValue(role) && f.calls[role].name != "Fn::If"
}

// entry finds the policy in an entry of SAM's Policies.
func (f *finder) entry(r *resource, e *iac.Value, i int, inside string) {
	if e.Kind == iac.Unknown && !f.mayBePolicy(e) || e.Kind == iac.Text || e.Kind == iac.Literal {
		return
	}
	role := r.id + "Role"
	s := f.add(r, inside)
	s.Holder, s.HolderLogicalID = iac.Role, role
	s.Name = &iac.Value{Kind: iac.Text, Text: fmt.Sprintf("%sPolicy%d", role, i)}
	switch {
	case e.Kind == iac.Object && e.Get("Statement") == nil && len(e.Members) == 1:
		f.problem(s, e, fmt.Sprintf("SAM's policy template %s, whose actions AWS sets: to take some away, write its statements here instead", e.Members[0].Key))
	case e.Kind == iac.Object && e.Get("Statement") == nil:
		f.problem(s, e, "neither a policy document nor one of SAM's policy templates")
	default:
		f.document(s, r, e)
	}
}

// mayBePolicy says whether a computed entry of SAM's Policies may be a document: Fn::If
// may be with one in it. SAM takes all other functions for managed policies.
func (f *finder) mayBePolicy(e *iac.Value) bool {
	c := f.calls[e]
	if c.name != "Fn::If" {
		return c.name == ""
	}
	return c.arg.Kind != iac.List || slices.ContainsFunc(c.arg.Entries, func(branch *iac.Value) bool {
		return branch.Kind == iac.Object || branch.Kind == iac.List || branch.Kind == iac.Unknown && !f.isNoValue(branch) && f.mayBePolicy(branch)
	})
}

// connector finds the policy that SAM makes for a connector, with actions that AWS sets.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/reference-sam-connector.html
func (f *finder) connector(r *resource) {
	f.problem(f.add(r, ""), r.properties, whyConnector)
}

const whyConnector = "SAM's connector, whose actions AWS sets: to take some away, write a policy with its statements instead"

// connectors finds those that are written in the resource that they lead from.
func (f *finder) connectors(r *resource, list *iac.Value) {
	if list == nil {
		return
	}
	embedded := *r
	embedded.kind = "AWS::Serverless::Connector"
	if list.Kind != iac.Object {
		f.problem(f.add(&embedded, ".Connectors"), list, whyConnector)
		return
	}
	for _, m := range list.Members {
		f.problem(f.add(&embedded, ".Connectors."+m.Key), m.Value, whyConnector)
	}
}
