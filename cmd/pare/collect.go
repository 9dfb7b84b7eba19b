package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/collect"
)

// collectInput is what the flags of `pare collect` say.
type collectInput struct {
	*awsFlags
	*orgFlags
	excludeFlags
	out          string
	cloudtrail   string // a place in S3 or a trail; "" is none
	window       windowFlag
	maxRPS       float64 // of each operation in each account; 0: as many as package collect makes
	fresh, quiet bool
}

const collectLong = `Reads an AWS account, or all of an organization, into a folder for "pare analyze". Nothing
is changed in AWS: the calls only read, and have IAM make its two reports.

Of an organization (--org), or of --accounts, each account goes into a folder of its own
below DIR, and is read through the role --role-name in it.

A run that was stopped goes on where it was when the same command is given again within
twelve hours, and so does one that had to leave something out; --fresh begins anew. What an
account doesn't allow is left out and said, the rest is complete, and the exit code is 3.
"pare doctor" says beforehand what will be left out.

With --cloudtrail the trail's log files of the window are read, too, as "pare ingest --trail"
reads them: from S3, without a copy on this machine. Without it, what pare ingest has put
into the folder stays there.`

func newCollectCommand() *cobra.Command {
	in := collectInput{window: windowFlag{defaultDays}}
	cmd := &cobra.Command{
		Use:   "collect --out DIR",
		Short: "Read AWS accounts into a folder for analyze",
		Long:  collectLong,
		Example: `  pare collect --out account
  pare collect --out account --profile audit --role-arn arn:aws:iam::123456789012:role/pare-read
  pare collect --out organization --org --role-name pare-read
  pare collect --out account --cloudtrail management-events
  pare collect --out two --accounts 111111111111,222222222222
  pare analyze --data account                 afterwards`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return in.run(cmd) },
	}
	in.awsFlags, in.orgFlags = addAWSFlags(cmd), addOrgFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.out, "out", "", "the `folder` to write")
	f.StringVar(&in.cloudtrail, "cloudtrail", "", "read these logs too: a trail's name or ARN, or `s3://bucket/prefix`")
	f.Var(&in.window, "window", windowUsage)
	in.addExcludeFlags(cmd)
	f.Float64Var(&in.maxRPS, "max-rps", 0, "`calls` of each operation in a second and account, in place of pare's rates; AWS's documented ones stay")
	f.BoolVar(&in.fresh, "fresh", false, "ask for everything, whatever an earlier run has")
	f.BoolVar(&in.quiet, "quiet", false, "no progress")
	return cmd
}

func (in *collectInput) check() error {
	if in.out == "" {
		return hintError{usageError{errors.New("no --out: where is it to go?")}, "pare collect --out account"}
	}
	var rate error
	if in.maxRPS < 0 {
		rate = usageError{fmt.Errorf("--max-rps %g: want a number above 0, such as 5", in.maxRPS)}
	}
	return errors.Join(rate, in.awsFlags.check(), in.orgFlags.check(), in.excludeFlags.check())
}

func (in *collectInput) run(cmd *cobra.Command) error {
	if err := in.check(); err != nil {
		return err
	}
	result, err := in.collect(cmd)
	if err == nil || len(result.Accounts) > 0 && !in.many() {
		err = errors.Join(err, writeCollected(cmd.OutOrStdout(), result))
	}
	if err != nil {
		return in.explain(cmd, err)
	}
	return errors.Join(notCollected(result), in.logs(cmd, result))
}

// logs reads the accounts' log files, each into its folder.
func (in *collectInput) logs(cmd *cobra.Command, result collect.Result) error {
	if in.cloudtrail == "" {
		return nil
	}
	if !in.many() {
		return ingestInto(cmd, in.awsFlags, in.cloudtrail, trailIngest{dir: in.out, window: in.window, quiet: in.quiet})
	}
	var errs []error
	for _, a := range result.Accounts {
		if a.Err != nil {
			continue
		}
		err := ingestInto(cmd, in.awsFlags, in.cloudtrail, trailIngest{dir: a.Dir, account: a.ID, window: in.window, quiet: in.quiet})
		if cmd.Context().Err() != nil {
			return err
		}
		if err != nil {
			errs = append(errs, partialError{fmt.Errorf("account %s: %w", a.ID, err)})
		}
	}
	return errors.Join(errs...)
}

func (in *collectInput) collect(cmd *cobra.Command) (collect.Result, error) {
	ctx := cmd.Context()
	cfg, err := in.config(ctx)
	if err != nil {
		return collect.Result{}, err
	}
	options := collect.Options{Window: in.window.days, Exclude: in.exclusions(), Fresh: in.fresh, MaxRPS: in.maxRPS}
	if !in.quiet {
		report, finish := watchCollect(cmd)
		defer finish()
		options.Progress = report
	}
	if !in.many() {
		return collect.One(ctx, cfg, in.out, options)
	}
	return collect.Many(ctx, cfg, in.out, in.selection(in.awsFlags), options)
}

// selection is what the flags say about accounts.
func (o *orgFlags) selection(a *awsFlags) collect.Selection {
	return collect.Selection{
		Organization: o.org, Accounts: o.accounts, Excluded: o.excluded, RoleName: o.role(), ExternalID: a.externalID,
	}
}

// explain makes an error of AWS's one for people.
func (in *collectInput) explain(cmd *cobra.Command, err error) error {
	if cmd.Context().Err() != nil {
		return hintError{context.Canceled, "what was collected is kept; the same command goes on from here"}
	}
	return explained(err)
}

func explained(err error) error {
	var usage usageError
	var hint hintError
	if errors.As(err, &usage) || errors.As(err, &hint) {
		return err
	}
	message, do := collect.Explain(err)
	if do == "" {
		return errors.New(message)
	}
	return hintError{errors.New(message), do}
}

// mostMissing is how many lines about what is missing are shown of an account.
const mostMissing = 10

// writeCollected says what was collected, and what wasn't.
func writeCollected(w io.Writer, r collect.Result) error {
	for _, a := range r.Accounts {
		if a.Err != nil {
			continue
		}
		name := a.ID
		if a.Name != "" {
			name += " (" + a.Name + ")"
		}
		line := fmt.Sprintf("%s: %s, %s", name, counted(a.Roles, "role"), counted(a.Users, "user"))
		if a.Passed > 0 {
			line += fmt.Sprintf(", of which %s of AWS's services weren't asked about", counted(a.Passed, "role"))
		}
		if a.Excluded > 0 {
			line += fmt.Sprintf(", %d excluded", a.Excluded)
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", line, a.Dir); err != nil {
			return err
		}
		for i, m := range a.Missing {
			text := fmt.Sprintf("%s: %s", m.What, m.Why)
			if i == mostMissing {
				text = fmt.Sprintf("%d more, in snapshot.json", len(a.Missing)-i)
			}
			if _, err := fmt.Fprintf(w, "  missing: %s\n", text); err != nil {
				return err
			}
			if i == mostMissing {
				break
			}
		}
	}
	return nil
}

// notCollected is the error about accounts and parts that weren't collected.
func notCollected(r collect.Result) error {
	if r.Complete() {
		return nil
	}
	var errs []error
	parts, failed := 0, 0
	for _, a := range r.Accounts {
		parts += len(a.Missing)
		if a.Err != nil {
			failed++
			message, do := collect.Explain(a.Err)
			if do != "" {
				message += "; " + do
			}
			errs = append(errs, fmt.Errorf("account %s: %s", a.ID, message))
		}
	}
	if parts > 0 {
		errs = append(errs, fmt.Errorf("%s missing: what isn't known isn't called unused", counted(parts, "part")))
	}
	err := errors.Join(errs...)
	const again = "the same command asks for what is missing, and for nothing else; `pare doctor` shows which permissions are denied"
	if failed == len(r.Accounts) {
		return hintError{err, again}
	}
	return hintError{partialError{err}, again}
}
