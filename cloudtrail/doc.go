// Package cloudtrail reads CloudTrail event records and says which IAM principal used
// which IAM action on which type of resource on which day, and what the records could
// have shown.
//
// A [Mapper] knows, by a catalog, which actions a call may need. A [Tally] reads log
// files one after the other and adds up; tallies of different files merge, in any order
// and grouping, to the same answer. [Tally.Uses] is evidence of use; [Tally.Coverage] is
// what turns its silence into evidence of disuse, and says what couldn't be read.
//
//	mapper := cloudtrail.NewMapper(catalog.Embedded())
//	total := mapper.NewTally(cloudtrail.Options{})
//	for each file:
//		one := mapper.NewTally(cloudtrail.Options{})
//		err := one.Read(name, text)     // what is broken is in one.Coverage().Broken
//		journal, err := one.MarshalBinary()
//		total.Merge(one)
//	uses, coverage := total.Uses(), total.Coverage()
//
// # Inputs
//
// Read tells by the content what a file is: log files {"Records": […]}; events one after
// the other, mostly one a line; answers of lookup-events {"Events": […]}; results of
// Athena and CloudTrail Lake as CSV with a header, as a list of objects or as an object a
// line, with the columns of the documented table or with one that holds the whole event;
// digest files; Insights files. Files are decompressed by the caller.
//
// # What is known of an hour
//
// An hour of an account and a Region is known by a management event in it; data events are
// no sign that the management events are in the logs, and neither is an answer of
// lookup-events or of a query: what wasn't asked for isn't in it. Between the first and the last digest
// file of a Region an hour is known if digest files cover it, events or not; unless log files
// that none of them lists show that there is another trail. An hour isn't known,
// whatever is in it, if a log file that a digest file lists for it wasn't read whole, or
// if a record was broken that belongs to it or may: that of the record when the record tells its time
// and Region, else all hours that the file has events of and those that the name of a log file tells.
//
// Each file counts once, as broken if anything in it is, else as digest, as skipped when
// all of it is Insights, or as read. [usage.RegionCoverage] counts management events, and
// [usage.DataCoverage] the data events.
//
// # Limits
//
// An event counts once for each file that has it: two trails that record the same call
// count it twice, which changes no verdict. Times are kept to the second. A session
// whose record doesn't name its role's ARN counts for the role of that name without a path,
// for the record doesn't tell the path. The calls of another account's caller that the
// record names by account alone count for nobody.
//
// # Sources
//
// Records: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html.
// Identities: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html.
// Digests: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html.
// Athena's table: https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html.
// Operations and their actions: https://docs.aws.amazon.com/service-authorization/latest/reference/service-reference.html.
package cloudtrail
