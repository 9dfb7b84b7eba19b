package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/trail"
	"github.com/pare-iam/pare/internal/watch"
)

// watchInput is what the flags of `pare watch` say.
type watchInput struct {
	*awsFlags
	trailInput
	paths           []string
	regions         []string
	interval        time.Duration
	once, restore   bool
	quiet           bool
	catalog, format string
}

const watchLong = `After "pare apply", looks in CloudTrail for calls that are denied to the roles and users
that the journal's plan changed. Of each denied call it says when, who, which call, which
action that was taken away it needs, and the one command that gives it back. A denial that
nothing taken away explains is said as such: the policies from before denied it too.

Without PATH and --trail it asks CloudTrail's history (LookupEvents) in --regions: it has
management events alone, some minutes after the call. Denied data events, such as reads of
S3 objects, are seen only in the log files of a trail that records them: give files,
folders, s3://bucket/prefix or --trail.

It looks again every --interval until it is interrupted; an event is reported once. With
--once it looks once. With --auto-restore the steps that explain a denial are taken back at
once, as "pare rollback" does it; without it nothing is changed.

Exit codes with --once: 0 nothing that was taken away was missed, 2 something was, 3 some of
the logs couldn't be read.`

func newWatchCommand() *cobra.Command {
	in := watchInput{trailInput: newTrailInput(), format: "text"}
	cmd := &cobra.Command{
		Use:   "watch JOURNAL [PATH…]",
		Short: "See what apply broke, and what gives it back",
		Long:  watchLong,
		Example: `  pare watch app.journal.jsonl
  pare watch app.journal.jsonl --trail my-trail --interval 5m
  pare watch app.journal.jsonl logs/ --once -o json
  pare watch app.journal.jsonl --auto-restore --profile admin`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.paths = args[1:]
			return in.run(cmd, args[0])
		},
	}
	in.addPlaceFlags(cmd)
	in.awsFlags = addAWSFlags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&in.regions, "regions", nil, "ask the history of these `regions` (default: --region and that of the global services)")
	f.DurationVar(&in.interval, "interval", time.Minute, "look again after so long")
	f.BoolVar(&in.once, "once", false, "look once")
	f.BoolVar(&in.restore, "auto-restore", false, "take back at once what explains a denial")
	f.StringVar(&in.catalog, "catalog", "", catalogFlagUsage)
	f.StringVarP(&in.format, "output", "o", in.format, "the `format`: text, or json with an object a line")
	f.BoolVar(&in.quiet, "quiet", false, "no progress")
	complete(cmd, "output", "text", "json")
	return cmd
}

func (in *watchInput) check(cmd *cobra.Command) error {
	if slices.Contains(in.paths, ingest.Stdin) {
		return usageError{errors.New("-: watch reads again and again: want files, folders, s3://bucket/prefix or --trail")}
	}
	logs := len(in.paths)+len(in.trails) > 0
	switch {
	case in.interval <= 0:
		return usageError{fmt.Errorf("--interval %s: want a time such as 1m", in.interval)}
	case logs && len(in.regions) > 0:
		return usageError{errors.New("--regions is about CloudTrail's history, which isn't asked where there are log files")}
	}
	return errors.Join(oneOf("-o", in.format, "text", "json"), in.trailInput.check(cmd, in.paths), in.awsFlags.check())
}

func (in *watchInput) run(cmd *cobra.Command, journal string) error {
	if err := in.check(cmd); err != nil {
		return err
	}
	cat, err := loadCatalog(cmd, in.catalog, "")
	if err != nil {
		return err
	}
	w := &watching{watchInput: in, cmd: cmd, problems: map[string]bool{}, watcher: watch.Watcher{Journal: journal, Mapper: cloudtrail.NewMapper(cat)}}
	if w.watcher.Sources, err = in.sources(cmd, journal); err != nil {
		return err
	}
	for {
		err := w.look()
		if err != nil && !w.goesOn(err) {
			return err
		}
		if in.once {
			return w.outcome()
		}
		if err := sleep(cmd.Context(), in.interval); err != nil {
			return err
		}
	}
}

// sources are where the records come from.
func (in *watchInput) sources(cmd *cobra.Command, journal string) ([]watch.Source, error) {
	local, places := split(in.paths)
	var out []watch.Source
	now := func() time.Time { return time.Now().UTC() }
	if len(local) > 0 {
		out = append(out, &watch.Files{Now: now, List: func(ctx context.Context, _ time.Time) (*ingest.Listing, error) {
			return ingest.Find(ctx, local, []string{journal})
		}})
	}
	if len(places)+len(in.trails) > 0 {
		buckets, err := in.open(cmd, in.awsFlags, places)
		if err != nil {
			return nil, err
		}
		for _, b := range buckets {
			out = append(out, &watch.Files{Now: now, List: listing(b, now)})
		}
	}
	if out != nil {
		return out, nil
	}
	cfg, err := signedIn(cmd.Context(), in.awsFlags)
	if err != nil {
		return nil, err
	}
	regions := in.historyRegions(cfg)
	for _, region := range regions {
		out = append(out, watch.NewHistory(cfg, region, now))
	}
	if !in.quiet {
		cmd.PrintErrf("CloudTrail's history of %s has no data events, such as reads of S3 objects: for those give the trail's log files, --trail\n", strings.Join(regions, ", "))
	}
	return out, nil
}

// listing lists a bucket's log files since a time.
func listing(b *trail.Bucket, now func() time.Time) func(context.Context, time.Time) (*ingest.Listing, error) {
	return func(ctx context.Context, since time.Time) (*ingest.Listing, error) {
		objects, err := b.List(ctx, trail.Window{From: since, Until: now()})
		var logs ingest.Listing
		logs.Add(objects)
		return &logs, err
	}
}

// historyRegions are the Regions to ask: the events of global services are in one alone.
func (in *watchInput) historyRegions(cfg aws.Config) []string {
	if len(in.regions) > 0 {
		return slices.Compact(slices.Sorted(slices.Values(in.regions)))
	}
	out := []string{cfg.Region}
	for _, home := range homeRegions {
		if home.partition == partitionOf(cfg.Region) && home.region != cfg.Region {
			out = append(out, home.region)
		}
	}
	return out
}

// watching is a run of `pare watch`.
type watching struct {
	*watchInput
	cmd     *cobra.Command
	watcher watch.Watcher

	began    bool
	missed   int             // denials that something taken away explains
	problems map[string]bool // that were said
}

// errUnread is that nothing could be read, and was said.
var errUnread = errors.New("none of the logs could be read")

// goesOn says whether an error of a look may pass: the next look may be better.
func (w *watching) goesOn(err error) bool { return !w.once && errors.Is(err, errUnread) }

// look looks once and reports.
func (w *watching) look() error {
	look, err := w.watcher.Look(w.cmd.Context())
	if err != nil {
		return plainError(err)
	}
	w.greet(look.Changes)
	if look.Changes.Since.IsZero() {
		return nil
	}
	do := ""
	for _, err := range look.Problems {
		var message string
		if message, do = problem(err); !w.problems[message] {
			w.problems[message] = true
			w.cmd.PrintErrf("warning: %s\n", forTerminal(message))
		}
	}
	if err := w.report(look); err != nil {
		return err
	}
	if len(look.Problems) > 0 && look.Texts == 0 {
		return cmpHint(errUnread, do)
	}
	return nil
}

// problem is what couldn't be read, in words, and what to do about it.
func problem(err error) (message, do string) {
	if known, ok := errors.AsType[*trail.Error](err); ok {
		return err.Error(), known.Do
	}
	if history, ok := errors.AsType[*watch.HistoryError](err); ok {
		message, do = collect.Explain(history.Err)
		return "CloudTrail's history of " + history.Region + ": " + message, cmp.Or(do, "it takes cloudtrail:LookupEvents; or give the trail's log files")
	}
	return collect.Explain(err)
}

func cmpHint(err error, do string) error {
	if do == "" {
		return err
	}
	return hintError{err, do}
}

// greet says what is looked for, once.
func (w *watching) greet(c *watch.Changes) {
	switch {
	case w.quiet || w.began:
		return
	case c.Since.IsZero():
		w.cmd.PrintErrf("%s: nothing is applied yet\n", w.watcher.Journal)
		return
	}
	w.began = true
	w.cmd.PrintErrf("looking for calls denied to %s, since %s\n", counted(c.Principals(), "principal"), c.Since.UTC().Format(time.RFC3339))
}

// report prints the denials of a look, and takes back what explains them if that is wanted.
func (w *watching) report(look *watch.Look) error {
	back := 0
	var steps []string
	for _, d := range look.Denials {
		switch d.Verdict {
		case watch.GivenBack:
			back++
			continue
		case watch.Removed:
			w.missed++
			for _, id := range d.Steps {
				if !slices.Contains(steps, id) {
					steps = append(steps, id)
				}
			}
		case watch.NotByPare:
		}
		if err := w.print(look.Changes, d); err != nil {
			return err
		}
	}
	if !w.quiet {
		w.footer(len(look.Denials)-back, back)
	}
	if w.restore && len(steps) > 0 {
		return w.giveBack(look.Changes.Plan.Account, steps)
	}
	return nil
}

// footer says on standard error what standard output doesn't.
func (w *watching) footer(shown, back int) {
	if back > 0 {
		w.cmd.PrintErrf("%s before what they needed was given back\n", counted(back, "denied call"))
	}
	if shown == 0 {
		w.cmd.PrintErrf("%s: nothing new was denied\n", time.Now().UTC().Format(time.RFC3339))
	}
}

// shownDenial is a denial as a line of JSON.
type shownDenial struct {
	SchemaVersion int    `json:"schemaVersion"`
	Kind          string `json:"kind"` // denial
	watch.Denial
	Rollback string `json:"rollback,omitempty"` // the command
}

func (w *watching) print(c *watch.Changes, d *watch.Denial) error {
	command := ""
	if d.Verdict == watch.Removed {
		command = "pare rollback " + quoted(w.watcher.Journal) + " " + strings.Join(c.Rollback(d), " ")
	}
	if w.format == "json" {
		return w.line(shownDenial{apply.Schema, "denial", *d, command})
	}
	out := &strings.Builder{}
	fmt.Fprintf(out, "%s  %s  %s %s  %s", d.Time.Format(time.RFC3339), d.Who(), d.Source, d.Name, d.Code)
	if d.Region != "" {
		fmt.Fprintf(out, "  %s", d.Region)
	}
	fmt.Fprintln(out)
	if d.Verdict == watch.NotByPare {
		fmt.Fprintf(out, "  %s\n", notByPare(d))
	} else {
		fmt.Fprintf(out, "  needs %s, which was taken away:\n", strings.Join(d.Actions, ", "))
		for _, id := range d.Steps {
			fmt.Fprintf(out, "    %s %s\n", id, c.Title(id))
		}
		fmt.Fprintf(out, "  %s\n", command)
	}
	_, err := fmt.Fprintf(w.cmd.OutOrStdout(), "%s\n", forTerminal(strings.TrimSuffix(out.String(), "\n")))
	return err
}

// notByPare says why a denial is none of the plan's doing.
func notByPare(d *watch.Denial) string {
	switch {
	case d.Deny != "":
		return "not by pare: AWS says that a " + d.Deny + " denies it explicitly"
	case len(d.Needs) == 0:
		return "not by pare, as far as is known: no IAM action is known for the call"
	}
	return "not by pare: nothing that was taken away allowed " + strings.Join(firstOf(d.Needs, shownUnmapped), ", ") + "; the policies before denied it too"
}

func (w *watching) line(v any) error {
	if err := json.MarshalWrite(w.cmd.OutOrStdout(), v); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w.cmd.OutOrStdout())
	return err
}

// quoted is a word of a shell.
func quoted(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// shownRestore is what was given back, as a line of JSON.
type shownRestore struct {
	SchemaVersion int            `json:"schemaVersion"`
	Kind          string         `json:"kind"` // restore
	Steps         []string       `json:"steps"`
	Actions       []shownOutcome `json:"actions"`
}

type shownOutcome struct {
	Action  string        `json:"action"`
	Target  string        `json:"target"`
	Outcome apply.Outcome `json:"outcome"`
	Why     string        `json:"why,omitempty"`
}

// giveBack takes steps back, as `pare rollback` does.
func (w *watching) giveBack(account string, steps []string) error {
	return withRunner(w.cmd, w.awsFlags, account, func(r *apply.Runner) error {
		j, err := apply.Open(w.watcher.Journal) // under the lock nobody else writes it
		if err != nil {
			return plainError(err)
		}
		results, err := r.Rollback(w.cmd.Context(), j, apply.Selection{Actions: steps})
		if results != nil {
			err = errors.Join(err, w.restored(j, steps, results))
		}
		if err = errors.Join(err, j.Close()); err != nil {
			return hintError{err, "pare rollback " + quoted(w.watcher.Journal) + " --action " + strings.Join(steps, " --action ") + " goes on"}
		}
		return lost(results)
	})
}

func (w *watching) restored(j *apply.Journal, steps []string, results []apply.Result) error {
	if w.format != "json" {
		if _, err := fmt.Fprintf(w.cmd.OutOrStdout(), "rollback of %s\n", strings.Join(steps, ", ")); err != nil {
			return err
		}
		return apply.WriteResults(w.cmd.OutOrStdout(), "text", j, results)
	}
	shown := shownRestore{apply.Schema, "restore", steps, []shownOutcome{}}
	for _, r := range results {
		shown.Actions = append(shown.Actions, shownOutcome{r.Action.ID, r.Action.Target.String(), r.Outcome, r.Why})
	}
	return w.line(shown)
}

// outcome is the result of one look.
func (w *watching) outcome() error {
	var errs []error
	if len(w.problems) > 0 {
		errs = append(errs, partialError{fmt.Errorf("%s couldn't be read: what is in there isn't known", counted(len(w.problems), "source"))})
	}
	if w.missed > 0 {
		errs = append(errs, findingsError{fmt.Errorf("%s for want of what was taken away", counted(w.missed, "denied call"))})
	}
	return errors.Join(errs...)
}
