package access

import (
	"strings"

	"github.com/pare-iam/pare/policy"
)

// Policies is every policy that applies to a request. What is empty isn't in force;
// the caller leaves out what AWS doesn't apply: service control policies for the
// organization's management account, resource control policies for its resources and
// for services that don't support them.
type Policies struct {
	Identity        []*policy.Document   // of the user and its groups, or of the role
	Boundary        *policy.Document     // the permissions boundary, or nil
	ServiceControl  [][]*policy.Document // SCPs above the principal, by level: root, units, account
	ResourceControl [][]*policy.Document // RCPs above the resource, by level
	Session         []*policy.Document   // passed when the session was made
	Resource        *policy.Document     // the resource's own: bucket policy, key policy, trust policy; or nil
}

// Outcome is the answer to a request. The zero value is a denial.
type Outcome uint8

// The outcomes.
const (
	ImplicitlyDenied Outcome = iota // nothing that must allow does
	ExplicitlyDenied                // a Deny statement matches
	Allowed
)

func (o Outcome) String() string {
	switch o {
	case ImplicitlyDenied:
		return "ImplicitlyDenied"
	case ExplicitlyDenied:
		return "ExplicitlyDenied"
	case Allowed:
		return "Allowed"
	}
	return "no outcome"
}

// PolicyKind is the part that a policy plays.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#access_policy-types
type PolicyKind uint8

// The kinds, in the order in which they are listed.
const (
	IdentityPolicy PolicyKind = iota
	BoundaryPolicy
	ServiceControlPolicy
	ResourceControlPolicy
	SessionPolicy
	ResourcePolicy
)

func (k PolicyKind) String() string {
	return [...]string{"identity", "boundary", "serviceControl", "resourceControl", "session", "resource"}[k]
}

// Why is what a reason says of its policy.
type Why uint8

// The reasons there are.
const (
	NoStatement Why = iota // no statement of the policy allows the request
	NotGiven               // a policy of the kind must allow, and there is none
	ByStatement            // the statement decides: it allows, or denies
	RootUser               // the account's root user needs no identity policy
)

func (w Why) String() string {
	return [...]string{"noStatement", "notGiven", "byStatement", "rootUser"}[w]
}

// Reason is one of the reasons for a decision.
type Reason struct {
	Why       Why
	Policy    string // the document's name; "" if there is none
	Kind      PolicyKind
	Level     int    // of a service or resource control policy, from 0; else 0
	Statement int    // index of the statement, or -1
	Sid       string // of the statement; "" if it has none
}

// Decision is an outcome and its reasons: for an allowed request the statements that
// allow it, for an explicit denial the statements that deny it, for an implicit one the
// policies that must allow and don't.
type Decision struct {
	Outcome Outcome
	Because []Reason
}

// Decide answers a request.
//
// A Deny anywhere wins. Then the service control policies must allow and the resource
// control policies must, each at every level. Then, in one account, either the identity
// policies allow within boundary and session policies, or the resource policy does on
// its own; between two accounts both must; and a KMS key's policy and a role's trust
// policy must always.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
func Decide(req Request, p Policies) Decision {
	e := evaluation{req: req, Policies: p, caller: parseCaller(req.Principal)}
	if e.caller.service {
		// "SCPs do not affect any service-linked role", and no more do RCPs.
		// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
		// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
		e.ServiceControl, e.ResourceControl = nil, nil
	}
	if denies := e.denies(); len(denies) > 0 {
		return Decision{ExplicitlyDenied, denies}
	}
	v := all(e.serviceControl(), e.resourceControl(), e.granted())
	if v.allows {
		return Decision{Allowed, v.because}
	}
	return Decision{ImplicitlyDenied, v.because}
}

// evaluation is one request on its way to a decision.
type evaluation struct {
	req    Request
	caller caller
	Policies
}

// source is a document and the part it plays.
type source struct {
	doc   *policy.Document
	kind  PolicyKind
	level int
}

// sources lists every document, in the order of the kinds.
func (e evaluation) sources() []source {
	var out []source
	add := func(kind PolicyKind, level int, docs ...*policy.Document) {
		for _, d := range docs {
			if d != nil {
				out = append(out, source{d, kind, level})
			}
		}
	}
	add(IdentityPolicy, 0, e.Identity...)
	add(BoundaryPolicy, 0, e.Boundary)
	for level, docs := range e.ServiceControl {
		add(ServiceControlPolicy, level, docs...)
	}
	for level, docs := range e.ResourceControl {
		add(ResourceControlPolicy, level, docs...)
	}
	add(SessionPolicy, 0, e.Session...)
	add(ResourcePolicy, 0, e.Resource)
	return out
}

// level lists the documents of one kind and level.
func (e evaluation) level(kind PolicyKind, level int) []source {
	var out []source
	for _, s := range e.sources() {
		if s.kind == kind && s.level == level {
			out = append(out, s)
		}
	}
	return out
}

// naming is how a statement names the caller. Only policies on the resource's side have
// principals; in all others the Principal, which they can't have, isn't looked at.
func (e evaluation) naming(s source, st *policy.Statement) naming {
	switch {
	case s.kind == ResourcePolicy:
		return e.caller.applies(st, e.Boundary != nil)
	case s.kind == ResourceControlPolicy && st.Principal.Present:
		return e.caller.applies(st, false)
	}
	return namedDirectly
}

// matching lists the statements of a document that have the effect and match the
// request, and the most direct way in which one of them names the caller.
func (e evaluation) matching(s source, effect policy.Effect) (out []Reason, best naming) {
	for i := range s.doc.Statements {
		st := &s.doc.Statements[i]
		n := e.naming(s, st)
		if st.Effect != effect || n == unnamed || !Matches(st, e.req) {
			continue
		}
		out = append(out, Reason{ByStatement, s.doc.Name, s.kind, s.level, i, st.Sid})
		best = max(best, n)
	}
	return out, best
}

func (e evaluation) denies() []Reason {
	var out []Reason
	for _, s := range e.sources() {
		found, _ := e.matching(s, policy.Deny)
		out = append(out, found...)
	}
	return out
}

// verdict says whether something that must allow does, and why or why not.
type verdict struct {
	allows  bool
	because []Reason
}

// all allows when each one does. Else it has the reasons of those that don't.
func all(verdicts ...verdict) verdict {
	out := verdict{allows: true}
	for _, v := range verdicts {
		switch {
		case v.allows && out.allows:
			out.because = append(out.because, v.because...)
		case !v.allows && out.allows:
			out = verdict{false, append([]Reason(nil), v.because...)}
		case !v.allows:
			out.because = append(out.because, v.because...)
		}
	}
	return out
}

// some allows when a statement of one of the documents does.
func (e evaluation) some(kind PolicyKind, level int) (verdict, naming) {
	sources := e.level(kind, level)
	var allows, none []Reason
	best := unnamed
	for _, s := range sources {
		found, n := e.matching(s, policy.Allow)
		best = max(best, n)
		allows = append(allows, found...)
		none = append(none, Reason{NoStatement, s.doc.Name, kind, level, -1, ""})
	}
	switch {
	case len(allows) > 0:
		return verdict{true, allows}, best
	case len(sources) == 0:
		return verdict{false, []Reason{{Why: NotGiven, Kind: kind, Level: level, Statement: -1}}}, best
	}
	return verdict{false, none}, best
}

// serviceControl: an Allow is needed at every level from the root to the account.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
func (e evaluation) serviceControl() verdict {
	out := verdict{allows: true}
	for level := range e.ServiceControl {
		v, _ := e.some(ServiceControlPolicy, level)
		out = all(out, v)
	}
	return out
}

// resourceControl is the same for the resource. RCPFullAWSAccess is attached at every
// level and can't be detached, so that a level on which no Allow is written has it.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_evaluation.html
func (e evaluation) resourceControl() verdict {
	out := verdict{allows: true}
	for level := range e.ResourceControl {
		if hasAllow(e.level(ResourceControlPolicy, level)) {
			v, _ := e.some(ResourceControlPolicy, level)
			out = all(out, v)
		}
	}
	return out
}

func hasAllow(sources []source) bool {
	for _, s := range sources {
		for i := range s.doc.Statements {
			if s.doc.Statements[i].Effect == policy.Allow {
				return true
			}
		}
	}
	return false
}

// granted is what the principal's own policies and the resource's come to.
//
// In one account, a resource policy that names the caller itself, or everyone, is
// enough. One that names the role of a session is limited by boundary and session
// policy. One that names the account leaves it to the account's own policies.
func (e evaluation) granted() verdict {
	resource, named := e.some(ResourcePolicy, 0)
	switch {
	case e.crossAccount(), e.needsResourcePolicy() && named == unnamed:
		return all(e.identitySide(), resource)
	case named == namedDirectly:
		return resource
	case named == namedRole:
		return all(e.limits(), resource)
	case e.needsResourcePolicy():
		return all(e.identitySide(), resource)
	}
	own := e.identitySide()
	if !own.allows && !resource.allows && e.Resource != nil {
		own.because = append(own.because, resource.because...) // it could have, and doesn't
	}
	return own
}

// identitySide: the identity policies allow, within boundary and session policies.
func (e evaluation) identitySide() verdict {
	identity, _ := e.some(IdentityPolicy, 0)
	if e.caller.kind == callerRoot {
		// "all requests are implicitly denied with the exception of the AWS account root user"
		identity = verdict{true, []Reason{{Why: RootUser, Kind: IdentityPolicy, Statement: -1}}}
	}
	return all(identity, e.limits())
}

// limits is the permissions boundary and the session policies, each of which must allow
// if there is one. The session of a federated user has no permissions without a session
// policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
func (e evaluation) limits() verdict {
	out := verdict{allows: true}
	if e.Boundary != nil {
		v, _ := e.some(BoundaryPolicy, 0)
		out = all(out, v)
	}
	if len(e.Session) > 0 || e.caller.kind == callerFederated {
		v, _ := e.some(SessionPolicy, 0)
		out = all(out, v)
	}
	return out
}

// crossAccount says whether principal and resource belong to two accounts. A principal
// without an account, such as a service, belongs to none.
func (e evaluation) crossAccount() bool {
	account := e.req.ResourceAccount
	if account == "" {
		arn, _ := parseARN(e.req.Resource)
		account, _ = parseAccount(arn[arnAccount])
	}
	return e.caller.account != "" && account != "" && account != e.caller.account
}

// needsResourcePolicy says whether the resource is of a kind whose own policy must allow,
// whatever the account's policies say: a KMS key, and a role that is to be assumed.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html
func (e evaluation) needsResourcePolicy() bool {
	arn, ok := parseARN(e.req.Resource)
	if !ok {
		return false
	}
	switch kind, _, _ := strings.Cut(arn[arnResource], "/"); e.req.Action.Service {
	case "kms":
		return arn[arnService] == "kms" && kind == "key"
	case "sts":
		return arn[arnService] == "iam" && kind == "role"
	}
	return false
}
