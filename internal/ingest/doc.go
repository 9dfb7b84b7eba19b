// Package ingest reads CloudTrail log files into evidence of use: it finds them, unzips
// them, has package cloudtrail read each, and writes usage.jsonl with its coverage.
//
// Input: files, folders, patterns of paths and streams ([Find]), objects of a store such
// as a bucket ([Listing.Add]), and a catalog. Output: a [Result], the same whatever the
// order of the paths and however many workers read, and by [Result.Save] two files that
// are there whole or not at all.
//
// # Resuming
//
// A run keeps a journal beside its output. Each worker puts there, every two seconds,
// what its last few files came to, and which files they were: path, size, time of
// change, and the tag of an object. The next run of the same paths takes from it what is
// still so and reads the rest. The journal is of one version of pare, one catalog and one
// set of options; any other is set aside with a warning. What a crash cut off at its end
// is dropped, and the finished run removes it.
//
// With [Options.Keep] it stays, so that who reads a trail again and again, the window moving
// on, reads only what is new. Then it holds what the files of the last run came to, without
// those that couldn't be read; a batch of which a file has gone or left the window is read
// again, but for that file.
//
//	magic · key of 32 bytes · frames: length, CRC-32C, zstd of (ids of files, a tally)
//
// # Limits
//
//   - A file is known by its path, links followed, and by the unique name that CloudTrail
//     gave it; a log file that somebody renamed and copied counts twice.
//   - Two trails that log the same events make two files of other names: the events count
//     twice. What was used and what not is the same.
//   - Memory is that of the result, of about 150 bytes a file, and for each worker of
//     buffers and a batch of two seconds, however large the files are.
//
// Sources: names of log files,
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html;
// gzip and DEFLATE, https://www.rfc-editor.org/rfc/rfc1952 and https://www.rfc-editor.org/rfc/rfc1951.
package ingest
