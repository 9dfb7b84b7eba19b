// Package wire is IAM Access Analyzer's API, as far as it concerns unused access: the
// REST-JSON that AWS's SDKs, CLI and Terraform's provider speak, signed with SigV4.
//
// In: HTTP requests, whose signatures sigv4 verifies, and a Backend that knows analyzers,
// findings and recommendations. Out: AWS's answers, or AWS's errors with their codes,
// reasons and field lists. Two operations are answered here, by package prove:
// CheckNoNewAccess and CheckAccessNotGranted. Security Hub's pair for recommended policies
// is served too, under its own signing name.
//
// Every one of the API's 39 operations has a line in Operations: it is served, or it is
// refused by name, because it concerns external or internal access, previews, or the
// making and linting of policies.
//
// Limits. There is one Region in all ARNs, whichever one a client signs for: IAM's findings
// are global. Identity policies alone are checked. Where AWS's documents give no limit for
// maxResults it is 1 to 1,000. Reading and sending have no deadlines here: the http.Server
// must set ReadHeaderTimeout, ReadTimeout, WriteTimeout, IdleTimeout and MaxHeaderBytes.
//
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/Welcome.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetRecommendedPolicyV2.html
package wire
