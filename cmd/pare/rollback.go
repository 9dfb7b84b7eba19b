package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/apply"
)

// rollbackInput is what the flags of `pare rollback` say.
type rollbackInput struct {
	*awsFlags
	policies, actions []string
	dryRun            bool
	settle            time.Duration
	format            string
}

const rollbackLong = `Takes back what "pare apply" did, from its journal: all of it, the last first, or a part.

  --policy NAME   the steps that are about a policy, by its name or ARN
  --action        an IAM action, such as s3:GetObject: the steps that took it away; or the id
                  of a step or an action of the plan, such as s2 or a7

Before each call it looks at what is there. What is back already is left; where somebody
else changed something since, the rest of that step is left alone, everything else is taken
back, and the exit code is 4. Given again after an interruption it goes on. The journal
keeps what is taken back.

AWS chooses some things anew: a version that had to make room comes back with a new id, and
a role that was deleted with a new unique ID, so that policies elsewhere that name it have to
be saved again. Access keys and passwords that were deleted don't come back (exit code 3).`

func newRollbackCommand() *cobra.Command {
	in := rollbackInput{format: "text"}
	cmd := &cobra.Command{
		Use:   "rollback JOURNAL",
		Short: "Take back what apply did",
		Long:  rollbackLong,
		Example: `  pare rollback app.journal.jsonl
  pare rollback app.journal.jsonl --policy AppPolicy
  pare rollback app.journal.jsonl --action s3:GetBucketAcl
  pare rollback app.journal.jsonl --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return in.run(cmd, args[0]) },
	}
	in.awsFlags = addAWSFlags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&in.policies, "policy", nil, "only what is about this policy, by its `name` or ARN; may be repeated")
	f.StringSliceVar(&in.actions, "action", nil, "only what took this IAM `action` away, or a step or action of the plan by its id; may be repeated")
	f.BoolVar(&in.dryRun, "dry-run", false, "print what would be taken back, and call nothing")
	addSettleFlag(cmd, &in.settle)
	f.StringVarP(&in.format, "output", "o", in.format, "the `format`: text or json")
	complete(cmd, "output", "text", "json")
	return cmd
}

func (in *rollbackInput) selection() apply.Selection {
	sel := apply.Selection{Policies: in.policies}
	for _, text := range in.actions {
		if strings.Contains(text, ":") {
			sel.Removed = append(sel.Removed, text)
		} else {
			sel.Actions = append(sel.Actions, text)
		}
	}
	return sel
}

func (in *rollbackInput) run(cmd *cobra.Command, path string) (err error) {
	if err := errors.Join(oneOf("-o", in.format, "text", "json"), in.awsFlags.check()); err != nil {
		return err
	}
	if in.dryRun {
		return in.look(cmd, path)
	}
	j, err := openJournal(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	return withRunner(cmd, in.awsFlags, j.Plan.Account, func(r *apply.Runner) error {
		r.Settle = in.settle
		results, err := r.Rollback(cmd.Context(), j, in.selection())
		if results != nil {
			err = errors.Join(err, apply.WriteResults(cmd.OutOrStdout(), in.format, j, results))
		}
		if err != nil {
			return hintError{err, "pare rollback " + path + " goes on; --dry-run shows what is left to take back"}
		}
		return lost(results)
	})
}

// look prints what would be taken back, and leaves the journal as it is.
func (in *rollbackInput) look(cmd *cobra.Command, path string) error {
	j, err := apply.Read(path)
	if err != nil {
		return plainError(err)
	}
	results, err := j.Undoable(in.selection())
	if err != nil {
		return usageError{err}
	}
	return apply.WriteResults(cmd.OutOrStdout(), in.format, j, results)
}

// lost says what AWS doesn't give back.
func lost(results []apply.Result) error {
	n := 0
	for _, r := range results {
		if r.Outcome == apply.NotBack {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return partialError{fmt.Errorf("%s deleted for good: AWS doesn't give access keys and passwords back", counted(n, "credential"))}
}
