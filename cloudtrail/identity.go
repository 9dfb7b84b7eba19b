package cloudtrail

import (
	"github.com/pare-iam/pare/policy"
)

// principal returns the ARN that says for which principal of IAM a call counts; empty
// when the record names none.
//
// It is the one whose session made the call, if it is a session, whoever called for it:
//
//	IAMUser        the user
//	AssumedRole    the role, the last one of a chain
//	Role           the role
//	FederatedUser  the user who called GetFederationToken
//	Root           the account's root
//	AWSAccount     nobody, unless the record has an ARN: the caller of another account
//	               is in that account's own log
//	Unknown        nobody, unless the record has an ARN
//
// AWSService, WebIdentityUser, SAMLUser, IdentityCenterUser and Directory aren't IAM's.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func (id *identity) principal() []byte {
	switch string(id.kind) {
	case "AWSService", "WebIdentityUser", "SAMLUser", "IdentityCenterUser", "Directory":
		return nil
	}
	if len(id.issuer) > 0 {
		return id.issuer
	}
	return id.arn
}

// resolve returns the principal that an ARN of an identity stands for: a role, a user
// or a root as it is, a role's session as the role of that name. Of anything else ok is
// false.
//
// A session's ARN doesn't tell the path of its role. The answer has none.
func resolve(text string) (principal string, ok bool) {
	arn, err := policy.ParseARN(text)
	if err != nil || arn.Account == "" {
		return "", false
	}
	switch kind := arn.Type(); {
	case arn.Service == "iam" && (kind == "role" || kind == "user") && arn.Name() != "":
		return text, true
	case arn.Service == "iam" && arn.Resource == "root":
		return text, true
	case arn.Service == "sts" && kind == "assumed-role":
		session := policy.ARN{Resource: arn.ID()}
		if session.Type() == "" {
			return "", false
		}
		return policy.ARN{Partition: arn.Partition, Service: "iam", Account: arn.Account, Resource: "role/" + session.Type()}.String(), true
	}
	return "", false
}

// denied says whether an error code means that a permission was missing.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func denied(code []byte) bool {
	switch string(code) {
	case "AccessDenied", "AccessDeniedException", "AccessDeniedFault", "Client.AccessDenied",
		"UnauthorizedOperation", "Client.UnauthorizedOperation", "UnauthorizedAccess", "UnauthorizedException",
		"AuthorizationError", "AuthorizationErrorException", "NotAuthorized", "VpceAccessDenied":
		return true
	}
	return false
}
