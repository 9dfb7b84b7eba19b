package access

import (
	"slices"
	"strings"

	"github.com/pare-iam/pare/policy"
)

// caller is who makes a request, as far as the request's principal tells.
type caller struct {
	text    string
	kind    callerKind
	account string // "" for one that belongs to no account
	role    string // of a role or a session: the role's name, without its path
	service bool   // a role that is linked to a service
}

type callerKind uint8

const (
	callerOther     callerKind = iota // nobody in particular, a service, an identity provider, a canonical user
	callerRoot                        // an account's root user
	callerUser                        // an IAM user
	callerRole                        // a session of a role, whose own name isn't known
	callerSession                     // a session of a role
	callerFederated                   // a session from GetFederationToken
)

// parseCaller reads a request's principal. Anything that isn't the ARN of an IAM
// identity or of its session is known by its text alone.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func parseCaller(text string) caller {
	c := caller{text: text}
	arn, _ := parseARN(text)
	account, ok := parseAccount(arn[arnAccount])
	if !ok {
		return c
	}
	kind, name, _ := strings.Cut(arn[arnResource], "/")
	switch arn[arnService] + ":" + kind {
	case "iam:root":
		c.kind = callerRoot
	case "iam:user":
		c.kind = callerUser
	case "iam:role":
		c.kind = callerRole
		c.role = name[strings.LastIndex(name, "/")+1:]
		c.service = strings.HasPrefix(name, "aws-service-role/")
	case "sts:assumed-role":
		c.kind = callerSession
		c.role, _, _ = strings.Cut(name, "/")
	case "sts:federated-user":
		c.kind = callerFederated
	default:
		return c
	}
	c.account = account
	return c
}

// naming is how a statement of a resource policy names a caller, from the least to the
// most direct. It decides what else must allow.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
type naming uint8

const (
	unnamed       naming = iota
	namedAccount         // the account: its own policies decide
	namedRole            // the role of a session: boundary and session policies limit it
	namedDirectly        // the caller, or everyone: nothing in the account limits it but a Deny
)

// names says how one entry of a Principal element names the caller. Texts are compared
// whole: a wildcard is no part of a principal, only `*` alone is everyone.
func (c caller) names(e policy.PrincipalEntry) naming {
	switch e.Kind {
	case policy.PrincipalAny:
		return namedDirectly
	case policy.PrincipalService, policy.PrincipalFederated, policy.PrincipalCanonical:
		if e.Text == c.text && c.text != "" {
			return namedDirectly
		}
		return unnamed
	case policy.PrincipalAWS:
		return c.namesAWS(e.Text)
	}
	return unnamed
}

func (c caller) namesAWS(text string) naming {
	named := parseCaller(text)
	account, isAccount := parseAccount(text)
	if named.kind == callerRoot {
		account, isAccount = named.account, true
	}
	isSession := c.kind == callerRole || c.kind == callerSession
	switch {
	case text == "*":
		return namedDirectly
	case isAccount && account == c.account && c.kind == callerRoot:
		return namedDirectly
	case isAccount && account == c.account:
		return namedAccount
	case isSession && named.kind == callerRole && named.account == c.account && named.role == c.role:
		return namedRole
	case text == c.text && c.text != "":
		return namedDirectly
	}
	return unnamed
}

// applies says how a statement of a resource policy names the caller, NotPrincipal
// included. One that has neither element is for nobody.
//
// NotPrincipal with Deny spares only a caller whose own ARN is listed, and nobody who
// has a permissions boundary. With Allow, which AWS no longer takes, it is for everyone
// whom no entry names in any way.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func (c caller) applies(st *policy.Statement, hasBoundary bool) naming {
	best := unnamed
	for _, e := range st.Principal.Entries {
		best = max(best, c.names(e))
	}
	if !st.Principal.Not {
		return best
	}
	spared := best != unnamed
	if st.Effect == policy.Deny {
		spared = !hasBoundary && slices.ContainsFunc(st.Principal.Entries, c.isNamedBy)
	}
	if spared {
		return unnamed
	}
	return namedDirectly
}

// isNamedBy says whether an entry names the caller's own ARN, or everyone.
func (c caller) isNamedBy(e policy.PrincipalEntry) bool {
	return c.names(e) == namedDirectly || c.kind == callerRole && c.text == e.Text
}
