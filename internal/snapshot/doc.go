// Package snapshot is the folder that holds what is known of an AWS account, and that the
// AWS CLI alone could fill:
//
//	snapshot.json                 what the folder is: account, when it was collected, what is missing and why
//	authorization-details.json    aws iam get-account-authorization-details
//	authorization-details/*.json  the same in pages, instead of or beside the one file
//	credential-report.csv         aws iam get-credential-report, decoded; or .json, as it is printed
//	access-keys.json              aws iam list-access-keys and get-access-key-last-used
//	last-accessed/*.json          aws iam get-service-last-accessed-details, a principal a file
//	usage.jsonl                   what pare ingest made of CloudTrail
//	usage.coverage.json           what the logs behind usage.jsonl could have shown
//	findings/*.json               aws accessanalyzer get-finding-v2
//	organizations.json            of an organization's accounts and policies
//
// Only the authorization details must be there. An organization is a folder of such
// folders, one an account.
//
// Without readable authorization details there is no account. Nor is there with a
// snapshot.json that can't be read, which says whose the files are and when their window
// ends. What else can't be read, or is of another account, is a problem and left out: it
// says that something was used as far as it was read, and never that something wasn't.
//
// In: a folder. Out: what it holds, what it lacks and what that means, and the bytes of each
// file when they are asked for: thousands of last accessed answers are never in memory
// together. The files of IAM are read by package inventory; the others' meaning is left to
// who reads them. The other way, a Writer writes such a folder, file by file and each in one
// step.
package snapshot
