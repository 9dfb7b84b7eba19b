package analyzer

import (
	"slices"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

// allowed is what policies can allow together, but for what they always deny.
func allowed(a *Analysis, docs []*policy.Document) actionSet {
	out := grantOf(a.Catalog, docs...).actions
	if denied := deniedBy(a, docs); denied != nil {
		out.removeAll(denied)
	}
	return out
}

// deniedBy is what policies deny whatever the resource and context; nil for nothing.
func deniedBy(a *Analysis, docs []*policy.Document) actionSet {
	denies := slices.ContainsFunc(docs, func(d *policy.Document) bool {
		return slices.ContainsFunc(d.Statements, func(st policy.Statement) bool { return st.Effect == policy.Deny })
	})
	if !denies {
		return nil
	}
	out := newActionSet(a.Catalog)
	for _, act := range access.DeniedAlways(a.Catalog, docs...) {
		out.add(act.ID)
	}
	return out
}

// allowedByControl is what the service control policies allow at every level.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
func allowedByControl(a *Analysis) actionSet {
	if len(a.ServiceControl) == 0 {
		return nil
	}
	out := allowed(a, a.ServiceControl[0])
	for _, level := range a.ServiceControl[1:] {
		out.retain(allowed(a, level))
	}
	return out
}
