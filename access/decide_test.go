package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

// The policies and principals of the tables below, by short names.
const (
	user      = "arn:aws:iam::111122223333:user/team/Ann"
	role      = "arn:aws:iam::111122223333:role/team/Reader"
	session   = "arn:aws:sts::111122223333:assumed-role/Reader/run-1"
	federated = "arn:aws:sts::111122223333:federated-user/Ann"
	root      = "arn:aws:iam::111122223333:root"
	linked    = "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
	stranger  = "arn:aws:iam::444455556666:user/Bob"

	object = "arn:aws:s3:::bucket/key" // no account: the principal's, or "resourceAccount"
	key    = "arn:aws:kms:eu-west-1:111122223333:key/1234"
	target = "arn:aws:iam::111122223333:role/Target"
)

var shorthand = map[string]string{
	"full":  `{"Effect": "Allow", "Action": "*", "Resource": "*"}`,
	"s3":    `{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}`,
	"read":  `{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}`,
	"ec2":   `{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}`,
	"deny":  `{"Sid": "No", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}`,
	"tls":   `{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`,
	"trust": `{"Effect": "Allow", "Principal": {"AWS": "` + user + `"}, "Action": "sts:AssumeRole"}`,
}

// named makes a document of statements in shorthand, "ec2 deny" say, or of one that
// allows (or denies) everything to a principal, "to: {"AWS": "…"}" say.
func named(t *testing.T, name, text string) *policy.Document {
	t.Helper()
	var statements []string
	if effect, principal, ok := strings.Cut(text, ": "); ok {
		element := map[string]string{
			"to": `"Allow", "Principal"`, "not to": `"Deny", "Principal"`,
			"to all but": `"Allow", "NotPrincipal"`, "to none but": `"Deny", "NotPrincipal"`,
		}[effect]
		statements = []string{fmt.Sprintf(`{"Effect": %s: %s, "Action": "*", "Resource": "*"}`, element, principal)}
	} else {
		for short := range strings.FieldsSeq(text) {
			statements = append(statements, shorthand[short])
		}
	}
	return document(t, name, `{"Version": "2012-10-17", "Statement": [`+strings.Join(statements, ",")+`]}`)
}

// given is the policies of a case: each text is a document in shorthand; "" is none.
// Levels are divided by a bar, documents by a comma.
type given struct {
	identity, boundary, scp, rcp, session, resource string
}

func (g given) policies(t *testing.T) access.Policies {
	t.Helper()
	one := func(name, text string) *policy.Document {
		if text == "" {
			return nil
		}
		return named(t, name, text)
	}
	list := func(name, text string) (out []*policy.Document) {
		for part := range strings.SplitSeq(text, ", ") {
			if d := one(name, part); d != nil {
				out = append(out, d)
			}
		}
		return out
	}
	levels := func(name, text string) (out [][]*policy.Document) {
		if text == "" {
			return nil
		}
		for part := range strings.SplitSeq(text, "|") {
			out = append(out, list(name, part))
		}
		return out
	}
	return access.Policies{
		Identity: list("identity", g.identity), Boundary: one("boundary", g.boundary),
		ServiceControl: levels("scp", g.scp), ResourceControl: levels("rcp", g.rcp),
		Session: list("session", g.session), Resource: one("resource", g.resource),
	}
}

const (
	allowed  = access.Allowed
	implicit = access.ImplicitlyDenied
	explicit = access.ExplicitlyDenied
)

// One account, no resource policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_evaluation.html
func TestDecideWithoutResourcePolicy(t *testing.T) {
	for _, c := range []struct {
		name      string
		principal string
		given     given
		want      access.Outcome
	}{
		{"nothing allows", user, given{}, implicit},
		{"an identity policy", user, given{identity: "read"}, allowed},
		{"one of several", user, given{identity: "ec2, read"}, allowed},
		{"another action", user, given{identity: "ec2"}, implicit},
		{"a Deny beside it", user, given{identity: "read, deny"}, explicit},
		{"a Deny alone is explicit too", user, given{identity: "deny"}, explicit},

		{"a boundary grants nothing", user, given{boundary: "full"}, implicit},
		{"within the boundary", user, given{identity: "full", boundary: "s3"}, allowed},
		{"outside the boundary", user, given{identity: "full", boundary: "ec2"}, implicit},
		{"a Deny in the boundary", user, given{identity: "full", boundary: "full deny"}, explicit},

		{"a session policy grants nothing", session, given{session: "full"}, implicit},
		{"within the session policy", session, given{identity: "full", session: "s3"}, allowed},
		{"within one of them", session, given{identity: "full", session: "ec2, s3"}, allowed},
		{"outside the session policy", session, given{identity: "full", session: "ec2"}, implicit},
		{"boundary and session policy", session, given{identity: "full", boundary: "s3", session: "ec2"}, implicit},
		{"a Deny in the session policy", session, given{identity: "full", session: "full deny"}, explicit},
		{"a federated user without a session policy has nothing", federated, given{identity: "full"}, implicit},
		{"a federated user with one", federated, given{identity: "full", session: "read"}, allowed},

		{"an SCP grants nothing", user, given{scp: "full"}, implicit},
		{"every level allows", user, given{identity: "read", scp: "full|full|s3"}, allowed},
		{"one of a level is enough", user, given{identity: "read", scp: "full|ec2, s3|full"}, allowed},
		{"a level doesn't", user, given{identity: "full", scp: "full|ec2|full"}, implicit},
		{"a level of Denies alone doesn't", user, given{identity: "full", scp: "full|tls|full"}, implicit},
		{"a level without policies doesn't", user, given{identity: "full", scp: "full||full"}, implicit},
		{"a Deny at some level", user, given{identity: "full", scp: "full|full deny"}, explicit},
		{"an SCP limits the root user", root, given{scp: "ec2"}, implicit},
		{"the root user needs no policy", root, given{}, allowed},
		{"an SCP spares a service-linked role", linked, given{identity: "read", scp: "ec2 deny"}, allowed},

		{"every RCP level allows", user, given{identity: "read", rcp: "full|full"}, allowed},
		{"RCPFullAWSAccess is always there", user, given{identity: "read", rcp: "full|tls|"}, allowed},
		{"a level that says what it allows", user, given{identity: "read", rcp: "full|ec2"}, implicit},
		{"a Deny in an RCP", user, given{identity: "read", rcp: "full|full deny"}, explicit},
		{"an RCP for everyone", user, given{identity: "read", rcp: `not to: "*"`}, explicit},
		{"an RCP spares a service-linked role", linked, given{identity: "read", rcp: "deny"}, allowed},
		{"boundary, SCP and identity policy all allow", user, given{identity: "read", boundary: "s3", scp: "full|s3", rcp: "full"}, allowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := request(t, `{"principal": "`+c.principal+`", "action": "s3:GetObject", "resource": "`+object+`"}`)
			if got := access.Decide(req, c.given.policies(t)); got.Outcome != c.want {
				t.Errorf("%v, want %v; because %+v", got.Outcome, c.want, got.Because)
			}
		})
	}
}

// A resource policy in the principal's account: by whom it names, other policies limit
// what it grants.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func TestDecideWithResourcePolicy(t *testing.T) {
	for _, c := range []struct {
		name      string
		principal string
		given     given
		want      access.Outcome
	}{
		{"the user's ARN is enough", user, given{resource: `to: {"AWS": "` + user + `"}`}, allowed},
		{"and isn't limited by a boundary", user, given{boundary: "ec2", resource: `to: {"AWS": "` + user + `"}`}, allowed},
		{"but by an SCP", user, given{scp: "ec2", resource: `to: {"AWS": "` + user + `"}`}, implicit},
		{"and by an RCP", user, given{rcp: "ec2", resource: `to: {"AWS": "` + user + `"}`}, implicit},
		{"and by a Deny in a boundary", user, given{boundary: "deny", resource: `to: {"AWS": "` + user + `"}`}, explicit},
		{"the session's ARN is enough", session, given{boundary: "ec2", session: "ec2", resource: `to: {"AWS": "` + session + `"}`}, allowed},
		{"the federated session's ARN is enough", federated, given{resource: `to: {"AWS": "` + federated + `"}`}, allowed},
		{"the role's ARN is enough without limits", session, given{resource: `to: {"AWS": "` + role + `"}`}, allowed},
		{"and is limited by a boundary", session, given{boundary: "ec2", resource: `to: {"AWS": "` + role + `"}`}, implicit},
		{"and by a session policy", session, given{session: "ec2", resource: `to: {"AWS": "` + role + `"}`}, implicit},
		{"both of which may allow", session, given{boundary: "s3", session: "read", resource: `to: {"AWS": "` + role + `"}`}, allowed},
		{"a role without its session's name", role, given{boundary: "ec2", resource: `to: {"AWS": "` + role + `"}`}, implicit},
		{"and it has no session's ARN", role, given{resource: `to: {"AWS": "` + session + `"}`}, implicit},
		{"another session", session, given{resource: `to: {"AWS": "arn:aws:sts::111122223333:assumed-role/Reader/run-2"}`}, implicit},
		{"another role", session, given{resource: `to: {"AWS": "arn:aws:iam::111122223333:role/team/Writer"}`}, implicit},
		{"names have case", user, given{resource: `to: {"AWS": "arn:aws:iam::111122223333:user/team/ann"}`}, implicit},
		{"a wildcard is no part of a principal", user, given{resource: `to: {"AWS": "arn:aws:iam::111122223333:user/*"}`}, implicit},

		{"the account alone grants nothing", user, given{resource: `to: {"AWS": "111122223333"}`}, implicit},
		{"nor by its root ARN", user, given{resource: `to: {"AWS": "` + root + `"}`}, implicit},
		{"the account leaves it to identity policies", user, given{identity: "read", resource: `to: {"AWS": "` + root + `"}`}, allowed},
		{"an identity policy needs no resource policy", user, given{identity: "read", resource: `to: {"AWS": "444455556666"}`}, allowed},
		{"a Deny to the account", session, given{identity: "full", resource: `not to: {"AWS": "111122223333"}`}, explicit},
		{"a Deny to another account", session, given{identity: "full", resource: `not to: {"AWS": "444455556666"}`}, allowed},
		{"a Deny to the role", session, given{identity: "full", resource: `not to: {"AWS": "` + role + `"}`}, explicit},
		{"everyone is enough", user, given{boundary: "ec2", resource: `to: "*"`}, allowed},
		{"everyone of AWS, too", session, given{session: "ec2", resource: `to: {"AWS": "*"}`}, allowed},
		{"everyone is a service, too", "lambda.amazonaws.com", given{resource: `to: {"AWS": "*"}`}, allowed},
		{"nobody in particular is everyone", "*", given{resource: `to: "*"`}, allowed},
		{"a statement without a principal is for nobody", user, given{resource: "full"}, implicit},

		{"a service", "lambda.amazonaws.com", given{resource: `to: {"Service": ["ecs.amazonaws.com", "lambda.amazonaws.com"]}`}, allowed},
		{"another service", "lambda.amazonaws.com", given{resource: `to: {"Service": "ecs.amazonaws.com"}`}, implicit},
		{"a service isn't of AWS kind", user, given{resource: `to: {"Service": "` + stranger + `"}`}, implicit},
		{"an identity provider", "arn:aws:iam::111122223333:saml-provider/idp", given{resource: `to: {"Federated": "arn:aws:iam::111122223333:saml-provider/idp"}`}, allowed},
		{"a canonical user", "79a59df900b949e55d96a1e698fbaced", given{resource: `to: {"CanonicalUser": "79a59df900b949e55d96a1e698fbaced"}`}, allowed},

		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
		{"NotPrincipal denies everyone else", user, given{identity: "full", resource: `to none but: {"AWS": "` + stranger + `"}`}, explicit},
		{"NotPrincipal spares the one", user, given{identity: "full", resource: `to none but: {"AWS": ["` + user + `", "` + root + `"]}`}, allowed},
		{"NotPrincipal of an account doesn't spare its users", user, given{identity: "full", resource: `to none but: {"AWS": "` + root + `"}`}, explicit},
		{"NotPrincipal of a role doesn't spare its sessions", session, given{identity: "full", resource: `to none but: {"AWS": ["` + role + `", "` + root + `"]}`}, explicit},
		{"NotPrincipal of a session does", session, given{identity: "full", resource: `to none but: {"AWS": ["` + session + `", "` + role + `", "` + root + `"]}`}, allowed},
		{"NotPrincipal spares nobody with a boundary", user, given{identity: "full", boundary: "full", resource: `to none but: {"AWS": ["` + user + `", "` + root + `"]}`}, explicit},
		{"NotPrincipal with Allow", user, given{resource: `to all but: {"AWS": "` + stranger + `"}`}, allowed},
		{"NotPrincipal with Allow excepts a whole account", user, given{resource: `to all but: {"AWS": "` + root + `"}`}, implicit},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := request(t, `{"principal": "`+c.principal+`", "action": "s3:GetObject", "resource": "`+object+`"}`)
			if got := access.Decide(req, c.given.policies(t)); got.Outcome != c.want {
				t.Errorf("%v, want %v; because %+v", got.Outcome, c.want, got.Because)
			}
		})
	}
}

// Two accounts: both must allow, however the resource policy names the principal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
// Key policies: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
// Trust policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_compare-resource-policies.html
func TestDecideOtherResources(t *testing.T) {
	for _, c := range []struct {
		name, principal, action, resource, account string
		given                                      given
		want                                       access.Outcome
	}{
		{"identity policy alone", stranger, "s3:GetObject", object, "111122223333", given{identity: "full"}, implicit},
		{"resource policy alone", stranger, "s3:GetObject", object, "111122223333", given{resource: `to: {"AWS": "` + stranger + `"}`}, implicit},
		{"even for everyone", stranger, "s3:GetObject", object, "111122223333", given{resource: `to: "*"`}, implicit},
		{"both", stranger, "s3:GetObject", object, "111122223333", given{identity: "read", resource: `to: {"AWS": "` + stranger + `"}`}, allowed},
		{"both, by the account", stranger, "s3:GetObject", object, "111122223333", given{identity: "read", resource: `to: {"AWS": "444455556666"}`}, allowed},
		{"a boundary limits it", stranger, "s3:GetObject", object, "111122223333", given{identity: "read", boundary: "ec2", resource: `to: {"AWS": "` + stranger + `"}`}, implicit},
		{"an RCP limits it", stranger, "s3:GetObject", object, "111122223333", given{identity: "read", rcp: "ec2", resource: `to: {"AWS": "` + stranger + `"}`}, implicit},
		{"another account's root user", "arn:aws:iam::444455556666:root", "s3:GetObject", object, "111122223333", given{resource: `to: {"AWS": "444455556666"}`}, allowed},
		{"the account in the ARN", stranger, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:queue", "", given{identity: "full"}, implicit},
		{"the account given is stronger", stranger, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:queue", "444455556666", given{identity: "full"}, allowed},
		{"what AWS owns is in no account", user, "iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", "", given{identity: "full"}, allowed},
		{"a service has no account", "lambda.amazonaws.com", "s3:GetObject", object, "111122223333", given{resource: `to: {"Service": "lambda.amazonaws.com"}`}, allowed},

		{"a key without its policy", user, "kms:Decrypt", key, "", given{identity: "full"}, implicit},
		{"a key policy that names someone else", user, "kms:Decrypt", key, "", given{identity: "full", resource: `to: {"AWS": "` + role + `"}`}, implicit},
		{"a key policy that names the account", user, "kms:Decrypt", key, "", given{identity: "full", resource: `to: {"AWS": "` + root + `"}`}, allowed},
		{"which alone isn't enough", user, "kms:Decrypt", key, "", given{resource: `to: {"AWS": "` + root + `"}`}, implicit},
		{"a key policy that names the user", user, "kms:Decrypt", key, "", given{resource: `to: {"AWS": "` + user + `"}`}, allowed},
		{"the root user needs the key policy too", root, "kms:Decrypt", key, "", given{resource: `to: {"AWS": "` + role + `"}`}, implicit},
		{"an action on no key", user, "kms:ListKeys", "*", "", given{identity: "full"}, allowed},

		{"a role without its trust policy", user, "sts:AssumeRole", target, "", given{identity: "full"}, implicit},
		{"a trust policy that names the user", user, "sts:AssumeRole", target, "", given{resource: "trust"}, allowed},
		{"a trust policy that names someone else", session, "sts:AssumeRole", target, "", given{identity: "full", resource: "trust"}, implicit},
		{"a trust policy that names the account", user, "sts:AssumeRole", target, "", given{identity: "full", resource: `to: {"AWS": "111122223333"}`}, allowed},
		{"managing a role needs no trust policy", user, "iam:DeleteRole", target, "", given{identity: "full"}, allowed},
		{"an identity provider assumes a role", "accounts.google.com", "sts:AssumeRoleWithWebIdentity", target, "", given{resource: `to: {"Federated": "accounts.google.com"}`}, allowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := request(t, `{"principal": "`+c.principal+`", "action": "`+c.action+`", "resource": "`+c.resource+`"}`)
			req.ResourceAccount = c.account
			if got := access.Decide(req, c.given.policies(t)); got.Outcome != c.want {
				t.Errorf("%v, want %v; because %+v", got.Outcome, c.want, got.Because)
			}
		})
	}
}

func TestDecideBecause(t *testing.T) {
	type reason = access.Reason
	for _, c := range []struct {
		name      string
		principal string
		given     given
		want      access.Decision
	}{
		{"every statement that allows", user, given{identity: "ec2 read, s3", boundary: "s3", scp: "full|full"}, access.Decision{Outcome: allowed, Because: []reason{
			{Why: access.ByStatement, Policy: "scp", Kind: access.ServiceControlPolicy, Level: 0, Statement: 0},
			{Why: access.ByStatement, Policy: "scp", Kind: access.ServiceControlPolicy, Level: 1, Statement: 0},
			{Why: access.ByStatement, Policy: "identity", Kind: access.IdentityPolicy, Statement: 1},
			{Why: access.ByStatement, Policy: "identity", Kind: access.IdentityPolicy, Statement: 0},
			{Why: access.ByStatement, Policy: "boundary", Kind: access.BoundaryPolicy, Statement: 0},
		}}},
		{"every statement that denies", user, given{identity: "full deny", rcp: "full|deny"}, access.Decision{Outcome: explicit, Because: []reason{
			{Why: access.ByStatement, Policy: "identity", Kind: access.IdentityPolicy, Statement: 1, Sid: "No"},
			{Why: access.ByStatement, Policy: "rcp", Kind: access.ResourceControlPolicy, Level: 1, Statement: 0, Sid: "No"},
		}}},
		{"everything that is missing", user, given{boundary: "ec2", scp: "full|ec2, tls"}, access.Decision{Outcome: implicit, Because: []reason{
			{Why: access.NoStatement, Policy: "scp", Kind: access.ServiceControlPolicy, Level: 1, Statement: -1},
			{Why: access.NoStatement, Policy: "scp", Kind: access.ServiceControlPolicy, Level: 1, Statement: -1},
			{Why: access.NotGiven, Kind: access.IdentityPolicy, Statement: -1},
			{Why: access.NoStatement, Policy: "boundary", Kind: access.BoundaryPolicy, Statement: -1},
		}}},
		{"a resource policy that could have allowed", user, given{identity: "ec2", resource: `to: {"AWS": "` + stranger + `"}`}, access.Decision{Outcome: implicit, Because: []reason{
			{Why: access.NoStatement, Policy: "identity", Kind: access.IdentityPolicy, Statement: -1},
			{Why: access.NoStatement, Policy: "resource", Kind: access.ResourcePolicy, Statement: -1},
		}}},
		{"the root user", root, given{}, access.Decision{Outcome: allowed, Because: []reason{
			{Why: access.RootUser, Kind: access.IdentityPolicy, Statement: -1},
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := request(t, `{"principal": "`+c.principal+`", "action": "s3:GetObject", "resource": "`+object+`"}`)
			if diff := cmp.Diff(c.want, access.Decide(req, c.given.policies(t))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
