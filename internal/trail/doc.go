// Package trail finds the log files that a CloudTrail trail has put into its S3 bucket and
// reads them from there, without a copy on disk.
//
// In: a place, s3://bucket/prefix or a trail's name or ARN ([Source]), and a window of time.
// Out: the objects of the window ([Bucket.List]), each with what reads it, for
// internal/ingest; or, for who looks at a trail again and again, the evidence of use that
// they come to ([Ingest]).
//
// # Layout
//
// CloudTrail's keys, with what a trail has as prefix before them, are
//
//	AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE
//	AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/FILE
//
// Accounts and Regions are found by listing with a delimiter. Below a Region the keys of the
// window are one range in the order of S3's listings, from its first day to the day after its
// last, since files arrive late; nothing else is listed.
//
// # Reading
//
// A download that breaks off goes on from its last byte, of the same version of the object:
// no byte is read twice. When that doesn't help, the object is a broken file of the result.
//
// # Limits
//
// The order of keys is that of general purpose buckets; CloudTrail delivers to no others.
// Insights events are no use of anything and aren't listed.
//
// # Sources
//
// Keys: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html.
// Digests: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html.
// Listing in order: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html.
// The Region of a bucket: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html.
package trail
