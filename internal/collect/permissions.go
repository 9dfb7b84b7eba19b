package collect

// Permission is an IAM action that collecting needs, and what there is without it.
type Permission struct {
	Action  string // "iam:ListAccessKeys"
	Without string // what is left out
	Needed  bool   // without it nothing can be collected
	Above   bool   // in the organization's management or a delegated account alone
}

// Permissions are all actions that collecting calls, as deploy/ grants them. That one may
// ask who one is needs no permission.
func Permissions() []Permission {
	return []Permission{
		{Action: "iam:GetAccountAuthorizationDetails", Without: "everything", Needed: true},
		{Action: "iam:GenerateServiceLastAccessedDetails", Without: usedPermissions},
		{Action: "iam:GetServiceLastAccessedDetails", Without: usedPermissions},
		{Action: "iam:GenerateCredentialReport", Without: usedPasswords},
		{Action: "iam:GetCredentialReport", Without: usedPasswords},
		{Action: "iam:ListAccessKeys", Without: keyIDs},
		{Action: "iam:GetAccessKeyLastUsed", Without: keyIDs},
		{Action: "iam:ListAccountAliases", Without: "the account's name"},
		{Action: "cloudtrail:DescribeTrails", Without: recordedEvents},
		{Action: "cloudtrail:GetTrailStatus", Without: recordedEvents},
		{Action: "cloudtrail:GetEventSelectors", Without: recordedEvents},
		{Action: "cloudtrail:LookupEvents", Without: recordedEvents},
		{Action: "organizations:DescribeOrganization", Without: "everything", Needed: true, Above: true},
		{Action: "organizations:ListAccounts", Without: "everything", Needed: true, Above: true},
		{Action: "organizations:ListRoots", Without: policiesAbove, Above: true},
		{Action: "organizations:ListParents", Without: policiesAbove, Above: true},
		{Action: "organizations:ListPoliciesForTarget", Without: policiesAbove, Above: true},
		{Action: "organizations:DescribePolicy", Without: policiesAbove, Above: true},
		{Action: "sts:AssumeRole", Without: "the other accounts", Above: true},
	}
}

// What is left out where several actions are needed for it.
const (
	usedPermissions = "which permissions were used: none is called unused by IAM's word"
	usedPasswords   = "passwords, which aren't judged"
	keyIDs          = "the IDs and last use of access keys, but for what the credential report says"
	recordedEvents  = "which data events CloudTrail records: none of them is called unused by its word"
	policiesAbove   = "the organization's policies above each account"
)
