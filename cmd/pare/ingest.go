package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/trail"
	"github.com/pare-iam/pare/usage"
)

// ingestInput is what the flags of `pare ingest` say.
type ingestInput struct {
	*awsFlags
	trailInput
	paths           []string
	out, format     string
	catalog         string
	workers         int
	dataEvents      []string
	noResume, quiet bool
	wholeAnswers    bool
}

const ingestLong = `Reads CloudTrail log files and writes who used which action on what type of resource on
which day, a line each, to USAGE.jsonl. What the logs could have shown goes to
USAGE.coverage.json beside it: accounts, Regions, hours without logs. Keep the two
together: without the coverage no action counts as unused.

PATH is a file, a folder with all below it, a pattern, - for standard input, or a place in
S3. Of a folder the files ` + ingest.Extensions + ` are read; what they
are is told by their content: log files, digests, events a line, answers of "aws
cloudtrail lookup-events", results of Athena and CloudTrail Lake. Include the digest files
(CloudTrail-Digest) if you have them: they show that no log file is missing.

A place in S3 is s3://bucket, with the trail's prefix if it has one, or a folder below such
as s3://bucket/AWSLogs/123456789012; --trail finds it by the trail's name or ARN. Of all
accounts and Regions there, those of an organization too, the log and digest files of the
days of --window are read, straight from S3: nothing is copied to disk. It takes
s3:ListBucket and s3:GetObject, kms:Decrypt for a trail with a KMS key, and for --trail
cloudtrail:DescribeTrails.

Whether a trail records data events, such as reads of S3 objects, isn't in the logs. Say
it with --data-events if the trail's event selectors record all of a type; else such
actions are never called unused.

A log file has all that its trail recorded. An answer of lookup-events, and a result of Athena
or CloudTrail Lake, has what was asked for: it shows uses, and no disuse. If the question was
for all events of its accounts, Regions and time, --whole-answers says so.

An interrupted run goes on where it was when the same command is given again. What can't
be read is reported with its place, and the rest goes on; the exit code is then 3.`

func newIngestCommand() *cobra.Command {
	in := ingestInput{trailInput: newTrailInput()}
	cmd := &cobra.Command{
		Use:   "ingest PATH… --out USAGE.jsonl",
		Short: "Make evidence of use from CloudTrail log files",
		Long:  ingestLong,
		Example: `  pare ingest logs/ --out usage.jsonl
  pare ingest logs/ --out usage.jsonl --data-events AWS::S3::Object --data-events AWS::Lambda::Function
  pare ingest 'logs/AWSLogs/*/CloudTrail/us-east-1/2026/*' --out usage.jsonl -o json
  aws cloudtrail lookup-events | pare ingest - --out -
  pare ingest s3://my-trail --out usage.jsonl --window 90d
  pare ingest --trail my-trail --out usage.jsonl --profile audit`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.paths = args
			return in.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.out, "out", "", "the `file` to write, usage.jsonl; - is standard output, without the coverage")
	f.StringVarP(&in.format, "output", "o", "text", "the `format` of the summary: text, or json for the coverage")
	f.StringVar(&in.catalog, "catalog", "", catalogFlagUsage)
	f.IntVar(&in.workers, "workers", 0, "read this `number` of files at a time (default: one a processor)")
	f.StringArrayVar(&in.dataEvents, "data-events", nil, "the trail records all data events of this CloudTrail resource `type`, such as AWS::S3::Object; may be repeated")
	f.BoolVar(&in.wholeAnswers, "whole-answers", false, "answers of lookup-events and results of queries leave nothing out: the question was for all events")
	f.BoolVar(&in.noResume, "no-resume", false, "read all files, whatever an interrupted run has read")
	f.BoolVar(&in.quiet, "quiet", false, "no progress")
	in.trailInput.addFlags(cmd)
	in.awsFlags = addAWSFlags(cmd)
	complete(cmd, "output", "text", "json")
	return cmd
}

// check refuses what makes no sense.
func (in *ingestInput) check() error {
	if err := oneOf("-o", in.format, "text", "json"); err != nil {
		return err
	}
	switch {
	case len(in.paths)+len(in.trails) == 0:
		return hintError{usageError{errors.New("no logs: want files, folders, patterns, -, s3://bucket/prefix or --trail")}, "pare ingest logs/ --out usage.jsonl"}
	case in.out == "":
		return hintError{usageError{errors.New("no --out: where is the result to go?")}, "--out usage.jsonl, or --out - for standard output"}
	case in.out == "-" && in.format == "json":
		return hintError{usageError{errors.New("--out - and -o json: both write to standard output")}, "--out usage.jsonl writes usage.coverage.json too"}
	case in.workers < 0:
		return usageError{fmt.Errorf("--workers %d: want 1 or more", in.workers)}
	}
	for _, kind := range in.dataEvents {
		if parts := strings.Split(kind, "::"); len(parts) != 3 || parts[0] != "AWS" || parts[1] == "" || parts[2] == "" {
			return usageError{fmt.Errorf("--data-events %q: want a resource type of CloudTrail, such as AWS::S3::Object", kind)}
		}
	}
	return nil
}

func (in *ingestInput) run(cmd *cobra.Command) error {
	if err := errors.Join(in.check(), in.trailInput.check(cmd, in.paths), in.awsFlags.check()); err != nil {
		return err
	}
	target, outputs, err := in.target()
	if err != nil {
		return err
	}
	cat, err := loadCatalog(cmd, in.catalog, "")
	if err != nil {
		return err
	}
	logs, err := in.find(cmd, in.awsFlags, in.paths, outputs)
	if err != nil {
		return err
	}
	for _, folder := range logs.Empty {
		cmd.PrintErrf("warning: %s: no log files in it: want %s\n", folder, ingest.Extensions)
	}
	options := in.options(cmd, target)
	if logs.Objects() && in.workers == 0 {
		options.Workers = trail.Workers()
	}
	finish := watchIngest(cmd, in.quiet, options.Meter, logs)
	result, err := ingest.Run(cmd.Context(), cat, logs, options)
	finish()
	if err != nil {
		return in.stopped(cmd, err)
	}
	return in.deliver(cmd, target, ingested{in, logs, result})
}

// target is the file to write, links followed, and all files that a run makes. It is ""
// for standard output.
func (in *ingestInput) target() (target string, outputs []string, err error) {
	if in.out == "-" {
		return "", nil, nil
	}
	target, err = ingest.Target(in.out)
	return target, []string{target, ingest.CoveragePath(target), ingest.JournalPath(target)}, err
}

func (in *ingestInput) options(cmd *cobra.Command, target string) ingest.Options {
	o := ingest.Options{
		Workers: in.workers, AllData: in.dataEvents, WholeAnswers: in.wholeAnswers, Fresh: in.noResume, Version: programVersion(),
		Stdin: cmd.InOrStdin(), Meter: new(ingest.Meter),
		Warn: func(warning string) { cmd.PrintErrf("warning: %s\n", warning) },
	}
	if target != "" {
		o.Journal = ingest.JournalPath(target)
	}
	return o
}

// stopped says how to go on after an interruption.
func (in *ingestInput) stopped(cmd *cobra.Command, err error) error {
	if cmd.Context().Err() == nil || in.out == "-" {
		return err
	}
	return hintError{err, "nothing was written; the same command goes on from here"}
}

// deliver writes the result, unless there is none, and the summary.
func (in *ingestInput) deliver(cmd *cobra.Command, target string, done ingested) error {
	if done.result.Empty() {
		return errors.Join(done.nothing(cmd), done.result.Discard())
	}
	summary := cmd.OutOrStdout()
	if target == "" {
		if err := done.result.WriteUses(cmd.OutOrStdout()); err != nil {
			return err
		}
		summary = cmd.ErrOrStderr()
	} else if err := done.result.Save(target); err != nil {
		return err
	}
	if err := in.summarize(summary, done); err != nil {
		return err
	}
	return done.partial()
}

func (in *ingestInput) summarize(w io.Writer, done ingested) error {
	if in.format == "json" {
		return usage.WriteCoverage(w, done.result.Coverage)
	}
	return done.write(w)
}
