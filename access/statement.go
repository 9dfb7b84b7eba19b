package access

import "github.com/pare-iam/pare/policy"

// Matches says whether a statement's action, resource and conditions match the request,
// whatever its effect and principal.
func Matches(st *policy.Statement, req Request) bool {
	if !st.Action.Match(req.Action) || !matchesResource(st.Resource, req) {
		return false
	}
	for _, c := range st.Conditions {
		if !holds(c, req.Context) {
			return false
		}
	}
	return true
}

// matchesResource says whether a Resource or NotResource element matches. A statement
// without one, as in a trust policy, is for whatever the policy is attached to. A
// pattern with a variable that has no value matches no resource. `*` and `?` match
// across colons and slashes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value
func matchesResource(rs policy.Resources, req Request) bool {
	if !rs.Present {
		return true
	}
	for _, e := range rs.Entries {
		if p, ok := e.Template.Fill(req.Context.single); ok && p.Match(req.Resource) {
			return !rs.Not
		}
	}
	return rs.Not
}

// Allows says whether an identity policy, taken alone, allows the request: some Allow
// statement matches it and no Deny statement does. A Principal, which an identity policy
// can't have, isn't looked at.
func Allows(doc *policy.Document, req Request) bool {
	allowed := false
	for i := range doc.Statements {
		st := &doc.Statements[i]
		if !Matches(st, req) {
			continue
		}
		if st.Effect == policy.Deny {
			return false
		}
		allowed = true
	}
	return allowed
}
