package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/usage"
)

// applyInput is what the flags of `pare apply` say.
type applyInput struct {
	analysisInput
	*awsFlags
	findings, principals, tagged, allowManaged []string

	account, plan, resume, format string
	inPlace, copies, delete, yes  bool
	quarantine                    windowFlag
	maxAge, settle                time.Duration
	attachQuota                   int
}

const applyLong = `Makes a plan from the findings and recommendations of "pare analyze", and with --yes
changes the account by it. Without --yes nothing is called.

  pare apply --data DIR                     prints what would be done
  pare apply --data DIR --plan FILE         writes it
  pare apply FILE --yes                     does it
  pare apply --resume JOURNAL               goes on after an interruption
  pare rollback JOURNAL                     takes it back

What becomes of what:
  customer managed policy  gets a new default version, where that is proved for all who have
                           it, and they are all chosen (--in-place: whoever they are); else,
                           and with --copy, NAME-recommended is attached in its place
  AWS managed policy       NAME-recommended is attached in its place
  inline policy            gets the new text under its name
  wholly unused policy     is detached; an inline one is deleted, its text is in the journal
  unused role              gets a policy that denies everything, and a tag with the day;
                           with --delete, and after --quarantine, it is deleted
  unused access key        is deactivated; with --delete, those inactive already are deleted
  unused password          is deleted, with --delete only: it can't be taken back

A new policy is attached before the old one is detached, --settle apart, so that used access
is there all the time.

Before the first call everything is held against the account: a plan older than --max-age, a
policy that was changed since, a role or user who got a policy that is changed for all who have
it, an unused role that was used meanwhile, or something that CloudFormation or Terraform manages by its
tags is refused (exit code 4), and nothing is done; --allow-managed NAME allows the last.
Service-linked roles, roles of IAM Identity Center, and whoever pare runs as are never
changed.

The journal is beside the plan: FILE.plan.json has FILE.journal.jsonl. Each call is on disk
there before it is made, with what was there before.`

func newApplyCommand() *cobra.Command {
	in := applyInput{format: "text", quarantine: windowFlag{30}}
	cmd := &cobra.Command{
		Use:   "apply --data DIR | apply PLAN",
		Short: "Plan what to take away, and with --yes do it",
		Long:  applyLong,
		Example: `  pare apply --data account
  pare apply --data account --principal app --plan app.plan.json
  pare apply app.plan.json --yes --profile admin
  pare apply --resume app.journal.jsonl`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return in.run(cmd, args) },
	}
	in.addFlags(cmd)
	in.awsFlags = addAWSFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.rules, "archive-rules", "", "leave findings alone that the rules in this `file` archive")
	f.StringSliceVar(&in.findings, "finding", nil, "only the finding with this `ID`; may be repeated, as the next three")
	f.StringSliceVar(&in.principals, "principal", nil, "only this role or user, by its ARN or `name`")
	f.StringSliceVar(&in.tagged, "tag", nil, "only roles and users with this `tag`: key, or key=value")
	f.StringSliceVar(&in.allowManaged, "allow-managed", nil, "change this role, user or policy, by its `name`, though something else manages it")
	f.StringVar(&in.account, "account", "", "the account, by its `id`: a plan is for one; needed where DIR holds several")
	f.BoolVar(&in.inPlace, "in-place", false, "narrow customer managed policies also for others than those chosen, where that is proved")
	f.BoolVar(&in.copies, "copy", false, "never narrow a customer managed policy: a copy takes its place, as in AWS's own steps")
	cmd.MarkFlagsMutuallyExclusive("in-place", "copy")
	f.BoolVar(&in.delete, "delete", false, "delete passwords, inactive keys, and roles after --quarantine")
	f.Var(&in.quarantine, "quarantine", "how long a role stays in quarantine before --delete deletes it")
	f.StringVar(&in.plan, "plan", "", "write the plan to this `file`")
	f.BoolVar(&in.yes, "yes", false, "do what the plan says")
	f.StringVar(&in.resume, "resume", "", "finish what this `journal` began")
	f.DurationVar(&in.maxAge, "max-age", 24*time.Hour, "refuse a plan that is older, such as 24h")
	f.IntVar(&in.attachQuota, "attach-quota", 10, "how many managed policies the account lets a role, user or group have: a `number`")
	addSettleFlag(cmd, &in.settle)
	f.StringVarP(&in.format, "output", "o", in.format, "the `format`: text or json")
	complete(cmd, "output", "text", "json")
	return cmd
}

// addSettleFlag adds the flag of how long AWS may take until everybody reads what was written.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
func addSettleFlag(cmd *cobra.Command, to *time.Duration) {
	cmd.Flags().DurationVar(to, "settle", 10*time.Second, "wait this long after access was given, before what it replaces is taken away")
}

func (in *applyInput) run(cmd *cobra.Command, args []string) error {
	if err := errors.Join(oneOf("-o", in.format, "text", "json"), in.awsFlags.check()); err != nil {
		return err
	}
	if in.attachQuota < 1 || in.settle < 0 {
		return usageError{errors.New("--attach-quota wants 1 or more, and --settle a time such as 10s")}
	}
	ways := len(args)
	for _, given := range []string{in.data, in.resume} {
		if given != "" {
			ways++
		}
	}
	switch {
	case ways != 1:
		return hintError{usageError{errors.New("want one of --data DIR, a plan, and --resume JOURNAL")}, "pare apply --data account --plan account.plan.json"}
	case in.plan != "" && in.data == "":
		return usageError{errors.New("--plan writes a plan, and wants --data; to apply a plan, give its name alone")}
	case in.data != "" && in.yes:
		return hintError{usageError{errors.New("--yes wants a plan: what is done is what you have looked at")}, "--plan FILE writes it, then pare apply FILE --yes"}
	case in.data != "":
		return in.planned(cmd)
	case in.resume != "":
		return in.resumed(cmd)
	}
	return in.applied(cmd, args[0])
}

// planned makes the plan and prints or writes it.
func (in *applyInput) planned(cmd *cobra.Command) error {
	s, err := in.open(cmd)
	if err != nil {
		return err
	}
	a, err := in.one(s)
	if err != nil {
		return err
	}
	s.accounts = []*analyze.Account{a}
	plan, err := in.build(cmd.Context(), a)
	if err != nil {
		return err
	}
	partial := in.warn(cmd, a, plan)
	if in.plan != "" {
		out := sink{path: in.plan, inputs: []string{in.catalog, in.rules}}
		if err := out.write(cmd, plan.Write); err != nil {
			return err
		}
	}
	if err := in.show(cmd, plan); err != nil {
		return err
	}
	if plan.Managed() {
		return refusedError{errors.New("something else manages some of it: that is left as it is, and the plan is about the rest; --allow-managed NAME takes it in")}
	}
	return partial
}

// one is the account that the plan is for.
func (in *applyInput) one(s *session) (*analyze.Account, error) {
	var ids []string
	for _, a := range s.accounts {
		if a.Inventory.ID == in.account || in.account == "" && len(s.accounts) == 1 {
			return a, nil
		}
		ids = append(ids, a.Inventory.ID)
	}
	if in.account != "" {
		return nil, fmt.Errorf("--account %s isn't in %s, which has %s", in.account, in.data, strings.Join(ids, ", "))
	}
	return nil, usageError{fmt.Errorf("%s has several accounts, and a plan is for one: want --account, one of %s", in.data, strings.Join(ids, ", "))}
}

// build analyzes the account and makes the plan.
func (in *applyInput) build(ctx context.Context, a *analyze.Account) (*apply.Plan, error) {
	input := apply.Input{Account: a.Inventory, Window: a.Window, MadeAt: time.Now().UTC().Truncate(time.Second), Program: "pare " + programVersion()}
	summary, err := a.Findings(func(f finding.Finding) error {
		input.Findings = append(input.Findings, f)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	for _, skip := range summary.Skipped {
		if skip.Type == "" {
			input.Excluded = append(input.Excluded, skip.Resource)
		}
	}
	err = a.Recommendations(func(r analyzer.Recommendation) error {
		input.Recommendations = append(input.Recommendations, r)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	choice := apply.Choice{
		Findings: in.findings, Principals: in.principals, InPlace: in.reach(), Delete: in.delete,
		Quarantine: in.quarantine.age(), AllowManaged: in.allowManaged, AttachQuota: in.attachQuota,
	}
	for _, tag := range in.tagged {
		key, value, _ := strings.Cut(tag, "=")
		choice.Tags = append(choice.Tags, analyzer.Tag{Key: key, Value: value})
	}
	plan, err := apply.Build(input, choice)
	if err != nil {
		return nil, hintError{err, "pare analyze --data " + in.data + " lists the findings"}
	}
	return plan, nil
}

// reach is when a customer managed policy is narrowed in place.
func (in *applyInput) reach() apply.InPlace {
	switch {
	case in.inPlace:
		return apply.InPlaceAlways
	case in.copies:
		return apply.InPlaceNever
	}
	return apply.InPlaceChosen
}

// warn says what of the data the reader of a plan should know. The error is that the data
// is partial.
func (in *applyInput) warn(cmd *cobra.Command, a *analyze.Account, plan *apply.Plan) error {
	warn(cmd, a)
	if age := plan.MadeAt.Sub(plan.Evidence); age > in.maxAge {
		cmd.PrintErrf("warning: the evidence ends %s, %s ago: what was used since isn't known; collect anew\n", day(plan.Evidence), counted(int(age/usage.Day), "day"))
	}
	return complain(cmd, a.Problems)
}

// show prints a plan; one that was written as a file is only counted.
func (in *applyInput) show(cmd *cobra.Command, plan *apply.Plan) error {
	out := cmd.OutOrStdout()
	switch {
	case in.format == "json":
		return plan.Write(out)
	case in.plan == "":
		if err := plan.WriteText(out); err != nil {
			return err
		}
		if len(plan.Steps) > 0 {
			cmd.PrintErrln("dry run: nothing was called; --plan FILE writes the plan, and pare apply FILE --yes does what it says")
		}
		return nil
	}
	_, err := fmt.Fprintf(out, "%s: %s, %s; %d left as they are\n", in.plan, counted(len(plan.Steps), "step"), counted(len(plan.Actions()), "action"), len(plan.Left))
	return err
}

// applied does what a plan says, or without --yes prints it.
func (in *applyInput) applied(cmd *cobra.Command, path string) error {
	name, src, err := readInput(cmd, path)
	if err != nil {
		return err
	}
	plan, err := apply.ReadPlan(name, src)
	if _, edited := errors.AsType[*apply.EditedError](err); edited {
		return hintError{refusedError{err}, "what is applied is what was proved: make the plan anew"}
	}
	if err != nil {
		return err
	}
	if !in.yes {
		if err := in.show(cmd, plan); err != nil {
			return err
		}
		cmd.PrintErrln("dry run: nothing was called; --yes does what the plan says")
		return nil
	}
	if path == "-" {
		return usageError{errors.New("--yes wants the plan in a file: its journal goes beside it")}
	}
	if err := plan.Stale(time.Now(), in.maxAge); err != nil {
		return refusedError{err}
	}
	return withRunner(cmd, in.awsFlags, plan.Account, func(r *apply.Runner) error {
		r.AllowManaged, r.Settle = in.allowManaged, in.settle
		return in.execute(cmd, r, plan, apply.JournalPath(path))
	})
}

// execute checks, starts the journal and applies.
func (in *applyInput) execute(cmd *cobra.Command, r *apply.Runner, plan *apply.Plan, journal string) error {
	if _, err := os.Lstat(journal); err == nil {
		return hintError{refusedError{fmt.Errorf("%s is there: this plan was applied, or begun", journal)}, "pare apply --resume " + journal + " finishes it, pare rollback " + journal + " takes it back; to apply what was taken back, make a plan anew"}
	}
	if err := r.Check(cmd.Context(), plan); err != nil {
		return err
	}
	j, err := apply.Create(journal, plan, r.Now())
	if err != nil {
		return plainError(err)
	}
	return errors.Join(in.finish(cmd, r, j), j.Close())
}

func (in *applyInput) resumed(cmd *cobra.Command) error {
	j, err := openJournal(in.resume)
	if err != nil {
		return err
	}
	if j.Finished() {
		cmd.PrintErrf("%s: applied to its end already\n", in.resume)
		return j.Close()
	}
	if err := j.Plan.Stale(time.Now(), in.maxAge); err != nil && j.Untouched() {
		return errors.Join(hintError{refusedError{err}, "pare rollback " + in.resume + " takes back what was done of it"}, j.Close())
	}
	err = withRunner(cmd, in.awsFlags, j.Plan.Account, func(r *apply.Runner) error {
		r.Settle = in.settle
		return in.finish(cmd, r, j)
	})
	return errors.Join(err, j.Close())
}

// openJournal opens a journal to go on with it.
func openJournal(path string) (*apply.Journal, error) {
	j, err := apply.Open(path)
	if errors.Is(err, apply.ErrLocked) {
		return nil, hintError{refusedError{fmt.Errorf("%s: %w with this journal", path, apply.ErrLocked)}, "wait for it to end"}
	}
	return j, plainError(err)
}

func (in *applyInput) finish(cmd *cobra.Command, r *apply.Runner, j *apply.Journal) error {
	if err := r.Apply(cmd.Context(), j); err != nil {
		return hintError{err, "pare apply --resume " + j.Path + " goes on, pare rollback " + j.Path + " takes back what was done"}
	}
	var results []apply.Result
	for _, s := range j.Plan.Steps {
		for _, a := range s.Actions {
			results = append(results, apply.Result{Step: s.ID, Action: a, Outcome: j.Outcome(a.ID)})
		}
	}
	if err := apply.WriteResults(cmd.OutOrStdout(), in.format, j, results); err != nil {
		return err
	}
	cmd.PrintErrf("applied; pare rollback %s takes it back\n", j.Path)
	return nil
}

// withRunner holds the account's lock while work works.
func withRunner(cmd *cobra.Command, flags *awsFlags, account string, work func(*apply.Runner) error) error {
	unlock, err := lockAccount(account)
	if err != nil {
		return err
	}
	cfg, err := signedIn(cmd.Context(), flags)
	if err != nil {
		return errors.Join(err, unlock())
	}
	r := &apply.Runner{
		IAM: iam.NewFromConfig(cfg), Caller: sts.NewFromConfig(cfg),
		Now: func() time.Time { return time.Now().UTC() }, Sleep: sleep,
		Report: func(e apply.Event) { announce(cmd.ErrOrStderr(), e) },
	}
	return errors.Join(explainApply(cmd, work(r)), unlock())
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lockAccount keeps two runs of this user from changing the same account at once.
func lockAccount(account string) (unlock func() error, err error) {
	catalog, err := cachedCatalogPath("")
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(catalog)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, plainError(err)
	}
	path := filepath.Join(folder, "apply-"+account+".lock")
	unlock, err = apply.Lock(path)
	if errors.Is(err, apply.ErrLocked) {
		return nil, hintError{refusedError{fmt.Errorf("account %s: %w in it", account, apply.ErrLocked)}, "wait for it to end; the lock is " + path}
	}
	return unlock, plainError(err)
}

// explainApply gives an error its exit code, and says what AWS's errors mean.
func explainApply(cmd *cobra.Command, err error) error {
	if err == nil || cmd.Context().Err() != nil {
		return err
	}
	hint, hinted := errors.AsType[hintError](err)
	if _, conflict := errors.AsType[*apply.Conflict](err); conflict {
		err = refusedError{err}
	} else if quota, full := errors.AsType[*types.LimitExceededException](err); full && hinted {
		hint.hint = quota.ErrorMessage() + ": no access was taken away for what has no room; make some, or have the quota raised; then " + hint.hint
	} else if _, is := errors.AsType[refusedError](err); !is {
		if message, do := collect.Explain(err); message != err.Error() {
			err = hintError{errors.New(message), do}
			if stop, stopped := errors.AsType[*apply.Stop](hint.error); stopped {
				err = hintError{fmt.Errorf("action %s: %s: %s", stop.Action, stop.Target, message), cmp.Or(do, hint.hint)}
			}
			return err
		}
	}
	if hinted {
		return hintError{err, hint.hint}
	}
	return err
}

// announce prints what happens to an action.
func announce(w io.Writer, e apply.Event) {
	what := forTerminal(e.Action.ID + " " + e.Action.Target.String())
	switch {
	case e.Call != nil && e.Err != nil:
		fmt.Fprintf(w, "%s: %s: %s\n", what, e.Call.Operation(), forTerminal(e.Err.Error()))
	case e.Call != nil:
		fmt.Fprintf(w, "%s: %s\n", what, e.Call.Operation())
	case slices.Contains([]apply.Outcome{apply.Already, apply.Kept, apply.NotBack}, e.Outcome):
		fmt.Fprintf(w, "%s: %s\n", what, e.Outcome)
	}
}
