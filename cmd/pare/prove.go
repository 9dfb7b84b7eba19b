package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/usage"
)

// proveInput is what the flags of `pare prove` say.
type proveInput struct {
	unused, batch, catalog string
	format, outputFile     string
}

func newProveCommand() *cobra.Command {
	var in proveInput
	cmd := &cobra.Command{
		Use:   "prove OLD.json NEW.json [--unused UNUSED.json] | --batch CASES.jsonl",
		Short: "Say whether a policy is another without its unused actions, and nothing else",
		Long: `Decides four claims about NEW in the place of OLD, over every action name, resource and
context there could be: it gives no new access, keeps the used access, takes the unused
access away, and keeps the shape of the text. Each is proved, refuted by a request that
the two decide differently, or undecided for a reason. Without --unused nothing is unused,
and both must allow the same.

The verdict is that of the first three claims. The exit code is 0 if it is "proved" and 4
otherwise.

` + batchHelp + `
  {"id": …, "old": {…}, "new": {…}, "unused": […]}   unused may be left out`,
		Example: `  pare prove policy.json recommended.json --unused unused.json
  pare prove old.json new.json -o json
  pare prove --batch cases.jsonl > answers.jsonl`,
		Args: atMostPolicies(2),
		RunE: func(cmd *cobra.Command, args []string) error { return in.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&in.unused, "unused", "u", "", "what is unused, a `file`; - is standard input")
	f.StringVar(&in.catalog, "catalog", "", catalogFlagUsage)
	f.StringVarP(&in.format, "output", "o", "text", "the `format`: text or json")
	f.StringVar(&in.outputFile, outputFileFlag, "", outputFileUsage)
	f.StringVar(&in.batch, "batch", "", batchFlagUsage)
	complete(cmd, "output", "text", "json")
	return cmd
}

func (in *proveInput) run(cmd *cobra.Command, args []string) error {
	if err := checkPair(args, in.batch, in.format); err != nil {
		return err
	}
	if in.batch != "" {
		return in.runBatch(cmd)
	}
	if err := onlyOneStdin(args[0], args[1], in.unused, in.catalog); err != nil {
		return err
	}
	proof, err := in.proof(cmd, args)
	if err != nil {
		return err
	}
	out := sink{path: in.outputFile, inputs: append(args, in.unused, in.catalog)}
	err = out.write(cmd, func(w io.Writer) error {
		if in.format == "json" {
			return report.ProofJSON(w, proof)
		}
		return report.ProofText(colored(cmd, w), proof)
	})
	if err == nil && proof.Result.Verdict != prove.Proved {
		return quietError{exitRefused}
	}
	return err
}

// checkPair refuses what doesn't go together, of a command that takes two policies or a
// batch.
func checkPair(args []string, batch, format string) error {
	if err := oneOf("-o", format, "text", "json"); err != nil {
		return err
	}
	switch {
	case batch != "" && len(args) > 0:
		return usageError{errors.New("--batch has the policies in its lines: give no other")}
	case batch == "" && len(args) != 2:
		return usageError{fmt.Errorf("%d of 2 policies: want two files, or --batch", len(args))}
	}
	return nil
}

func (in *proveInput) proof(cmd *cobra.Command, args []string) (report.Proof, error) {
	old, oldErr := readIdentityPolicy(cmd, args[0])
	next, nextErr := readIdentityPolicy(cmd, args[1])
	var unused usage.Unused
	var unusedErr error
	if in.unused != "" {
		unused, unusedErr = readUnused(cmd, in.unused)
	}
	cat, catErr := loadCatalog(cmd, in.catalog, "")
	if err := errors.Join(oldErr, nextErr, unusedErr, catErr); err != nil {
		return report.Proof{}, err
	}
	proof := proofOf(cat, old, next, unused)
	proof.OldName, proof.NewName = nameOf(args[0]), nameOf(args[1])
	return proof, nil
}

func proofOf(cat *catalog.Catalog, old, next *policy.Document, unused usage.Unused) report.Proof {
	return report.Proof{
		Catalog: cat, Old: old, New: []*policy.Document{next}, OldName: "old", NewName: "new",
		Unused: unused, Result: prove.Refinement(cat, old, next, unused),
	}
}

func (in *proveInput) runBatch(cmd *cobra.Command) error {
	if in.unused != "" {
		return usageError{errors.New("--batch has the unused lists in its lines: give no other")}
	}
	if err := onlyOneStdin(in.batch, in.catalog); err != nil {
		return err
	}
	cat, err := loadCatalog(cmd, in.catalog, "")
	if err != nil {
		return err
	}
	b := batch{
		path: in.batch, output: sink{path: in.outputFile, inputs: []string{in.batch, in.catalog}},
		shape: caseShape{must: []string{"old", "new"}, may: []string{"unused"}},
	}
	return b.run(cmd, func(w io.Writer, c batchCase) error {
		old, oldErr := c.identityPolicy("old")
		next, nextErr := c.identityPolicy("new")
		unused, unusedErr := c.unusedList("unused")
		if err := errors.Join(oldErr, nextErr, unusedErr); err != nil {
			return err
		}
		return report.ProofLine(w, c.id, proofOf(cat, old, next, unused))
	})
}
