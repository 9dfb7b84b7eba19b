// Package samplegen makes AWS accounts and their CloudTrail logs: the sample of
// "pare demo", and worlds of any size for tests and benchmarks.
//
// In: [Options], with a seed and a moment that counts as now, and a catalog. Out: a
// [World], which knows who used what and when ([World.Truth]), and the files in which
// AWS would tell of it: a snapshot folder ([World.Snapshot]) and the log files of a
// trail ([World.Logs]). The same options and catalog give the same bytes.
//
// # What is seen where
//
// Everything is derived from habits: a principal makes a call so many times on each
// n-th day of a stretch of days. A habit shows
//
//   - in CloudTrail, if it falls in the last Options.Days and makes a management event
//     or a data event of S3 objects: the trail of these worlds records no other data
//     events;
//   - in the service last accessed information, as AWS reports it: by service if the
//     principal's identity policies allow anything of the service, denied attempts
//     included; by action only if the catalog says that it is tracked, and so never
//     for iam:PassRole;
//   - in the role's, the key's and the password's last use.
//
// # Limits
//
// There is one log file a day and Region, and one digest a day and Region that spans
// the day; AWS delivers logs every few minutes and digests every hour. Signatures of
// digests are made up. In a random world a call leaves request parameters empty.
//
// Sources of the shapes:
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html,
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
package samplegen
