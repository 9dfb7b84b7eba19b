// Package watch looks, after a plan was applied, for calls that are denied to the principals
// that it changed, and says which action that was taken away each call needs.
//
// In: the journal of internal/apply, which is only read; CloudTrail's records, from files, a
// bucket or its history of events ([Source]); a catalog's mapping of calls to actions. Out: a
// [Denial] for each denied call, once, with the steps of the plan to take back.
//
// # What explains a denial
//
// A step explains it if it changed the caller's access before the call, and what it replaced
// allows an action that the call needs, and what it left doesn't. AWS names the action and
// often the resource in the error's message; they count then. Else the actions count that the
// catalog knows for the call: those that it always needs, or, if no step took one of them away, those
// that it may need. Conditions aren't looked at: where it isn't known whether the policy from before
// would have allowed the call, the step explains it. An explicit deny is explained by a quarantine alone.
//
// # Limits
//
// CloudTrail's history has no data events, such as reads of objects in S3, and its calls are
// limited to two a second in each Region, of fifty events each. Calls with an access key that
// was deactivated or deleted, and logins with a deleted password, aren't denied by policy
// and aren't in the logs as such.
//
// # Sources
//
// Messages: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
// History: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html.
// Records: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html.
package watch
