// Package collect reads AWS accounts into snapshot folders. It calls only operations that
// read, and the two of IAM that make a report to read: GenerateCredentialReport and
// GenerateServiceLastAccessedDetails.
//
// In: an aws.Config with credentials, and a folder. Out: the folder as package snapshot
// describes it, written as the AWS CLI would print the answers, and what is missing in it
// and why. An organization is a folder of such folders, read through a role in each account.
//
// A run can be stopped at any moment, by whatever. The folder keeps a journal,
// .collect.jsonl, of what is there; the next run on it, if it begins within [ResumeLimit],
// asks only for what isn't. So does a run after one that had to leave something out. What is
// there from an earlier run goes when the first answer of the new one has come; files that
// aren't from here stay: usage.jsonl, findings.
//
// Calls are paced: a token bucket for each account and operation, filled at the rates of
// the table in limits.go. A call that fails is tried again as the aws.Config says; what
// fails for good is left out and said, and the rest goes on. Only when nothing more can
// succeed does a run end early: the credentials have expired, or the disk is full.
//
// What snapshot.json says was collected counts up to the beginning of the run: whatever
// happened while it went on isn't in all the answers.
//
// Limits: CloudTrail trails are looked for in one Region, which shows all that are in every
// Region. That a trail records all data events of a type is only said when it is this
// account's, in every Region, at work, and CloudTrail's own history shows that it was so in
// the whole window, which is 90 days at most.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html
package collect
