package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/trail"
)

// trailInput is what the flags say of log files in S3.
type trailInput struct {
	trails  []string
	window  windowFlag
	now     timeFlag
	billing bool   // the requester's
	account string // see trail.Place
}

func newTrailInput() trailInput { return trailInput{window: windowFlag{defaultDays}} }

func (in *trailInput) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	in.addPlaceFlags(cmd)
	f.Var(&in.window, "window", "read the days from so long ago on, of S3: 1d to 365d, or weeks as in 12w")
	f.Var(&in.now, "now", "the `time` at which the window ends, of S3 (default: now)")
}

// addPlaceFlags adds the flags that say where the log files are, without the window.
func (in *trailInput) addPlaceFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&in.trails, "trail", nil, "read the log files of this trail, by its `name` or ARN; may be repeated")
	f.BoolVar(&in.billing, "requester-pays", false, "agree to pay for the requests to a bucket whose requester pays")
}

// check refuses a window of files that are all on this machine: there it would say nothing.
func (in *trailInput) check(cmd *cobra.Command, paths []string) error {
	if _, places := split(paths); len(places)+len(in.trails) > 0 {
		return nil
	}
	for _, name := range []string{"window", "now", "requester-pays"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			return usageError{fmt.Errorf("--%s is about log files in S3: of files and folders all is read", name)}
		}
	}
	return nil
}

// split parts places in S3 from paths of this machine.
func split(paths []string) (local, places []string) {
	for _, path := range paths {
		if strings.HasPrefix(path, trail.Scheme) {
			places = append(places, path)
		} else {
			local = append(local, path)
		}
	}
	return local, places
}

// days is the window as days of log files.
func (in *trailInput) days() trail.Window {
	until := in.now.Time
	if until.IsZero() {
		until = time.Now().UTC()
	}
	return trail.Window{From: until.Add(-in.window.age()), Until: until}
}

// find finds the log files on this machine and in S3.
func (in *trailInput) find(cmd *cobra.Command, flags *awsFlags, paths, outputs []string) (*ingest.Listing, error) {
	local, places := split(paths)
	logs, err := ingest.Find(cmd.Context(), local, outputs)
	if err != nil || len(places)+len(in.trails) == 0 {
		return logs, err
	}
	buckets, err := in.open(cmd, flags, places)
	if err != nil {
		return nil, err
	}
	w := in.days()
	err = w.Add(cmd.Context(), logs, buckets, func(b *trail.Bucket) {
		cmd.PrintErrf("warning: %s: no log files from %s to %s\n", b, day(w.From), day(w.Until))
	})
	if err != nil {
		return nil, explainTrail(cmd, err)
	}
	return logs, nil
}

// open makes the places ready, and those that trails name.
func (in *trailInput) open(cmd *cobra.Command, flags *awsFlags, places []string) ([]*trail.Bucket, error) {
	source := trail.Source{Trails: in.trails, Account: in.account, Billing: trail.Billing(in.billing)}
	for _, text := range places {
		place, err := trail.ParsePlace(text)
		if err != nil {
			return nil, usageError{err}
		}
		source.Places = append(source.Places, place)
	}
	cfg, err := signedIn(cmd.Context(), flags)
	if err != nil {
		return nil, err
	}
	buckets, err := source.Open(cmd.Context(), cfg)
	if err != nil {
		return nil, explainTrail(cmd, err)
	}
	return buckets, nil
}

// signedIn is the configuration, with credentials that can be had.
func signedIn(ctx context.Context, flags *awsFlags) (aws.Config, error) {
	cfg, err := flags.config(ctx)
	if err != nil {
		return cfg, err
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil && ctx.Err() == nil {
		message, do := collect.Explain(err)
		if do == "" {
			message, do = "no AWS credentials: "+message, "log in (`aws sso login`, `aws configure`), or give --profile; `pare doctor` shows who you are"
		}
		return cfg, hintError{errors.New(message), do}
	}
	return cfg, ctx.Err()
}

// explainTrail makes an error of S3's or CloudTrail's one for people.
func explainTrail(cmd *cobra.Command, err error) error {
	if cmd.Context().Err() != nil {
		return err
	}
	if known, ok := errors.AsType[*trail.Error](err); ok {
		if known.Do == "" {
			return known
		}
		return hintError{known, known.Do}
	}
	return explained(err)
}

// trailIngest says how ingestInto reads.
type trailIngest struct {
	dir        string // the snapshot's folder: the result is usage.jsonl in it
	account    string // of which the logs are read; "" is all that are there
	window     windowFlag
	now        time.Time // when the window ends; zero: now
	dataEvents []string  // see --data-events
	quiet      bool
}

// ingestInto reads a trail's log files, by a place s3://bucket/prefix or the trail's name or
// ARN, into an account's folder, as `pare ingest` does: with its summary, its progress, its
// going on after an interruption and its errors.
func ingestInto(cmd *cobra.Command, flags *awsFlags, source string, into trailIngest) error {
	in := ingestInput{
		awsFlags: flags, trailInput: newTrailInput(), out: filepath.Join(into.dir, "usage.jsonl"), format: "text",
		dataEvents: into.dataEvents, quiet: into.quiet,
	}
	in.trailInput.now.Time, in.account = into.now, into.account
	if into.window.days > 0 {
		in.trailInput.window = into.window
	}
	if strings.HasPrefix(source, trail.Scheme) {
		in.paths = []string{source}
	} else {
		in.trails = []string{source}
	}
	return in.run(cmd)
}
