package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// compareInput is what the flags of `pare compare` say.
type compareInput struct {
	batch, catalog     string
	format, outputFile string
}

func newCompareCommand() *cobra.Command {
	var in compareInput
	cmd := &cobra.Command{
		Use:   "compare A.json B.json | --batch CASES.jsonl",
		Short: "Say whether a policy allows less, more, the same or something else than another",
		Long: `Compares what two identity policies allow, over every action name, resource and context
there could be. The relation is A's: equal, narrower (A allows strictly less than B),
wider, incomparable, or undecided for a reason; with a request that one alone allows, each
way. The exit code is 0 for every relation.

` + batchHelp + `
  {"id": …, "a": {…}, "b": {…}}`,
		Example: `  pare compare before.json after.json
  pare compare a.json b.json -o json
  pare compare --batch cases.jsonl > answers.jsonl`,
		Args: atMostPolicies(2),
		RunE: func(cmd *cobra.Command, args []string) error { return in.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&in.catalog, "catalog", "", "for the names of actions in requests; "+catalogFlagUsage)
	f.StringVarP(&in.format, "output", "o", "text", "the `format`: text or json")
	f.StringVar(&in.outputFile, outputFileFlag, "", outputFileUsage)
	f.StringVar(&in.batch, "batch", "", batchFlagUsage)
	complete(cmd, "output", "text", "json")
	return cmd
}

func (in *compareInput) run(cmd *cobra.Command, args []string) error {
	if err := checkPair(args, in.batch, in.format); err != nil {
		return err
	}
	inputs := append(args, in.batch, in.catalog)
	if err := onlyOneStdin(inputs...); err != nil {
		return err
	}
	cat, catErr := loadCatalog(cmd, in.catalog, "")
	output := sink{path: in.outputFile, inputs: inputs}
	if in.batch != "" {
		if catErr != nil {
			return catErr
		}
		return batch{in.batch, output, caseShape{must: []string{"a", "b"}}}.run(cmd, compareCase(cat))
	}
	a, aErr := readIdentityPolicy(cmd, args[0])
	b, bErr := readIdentityPolicy(cmd, args[1])
	if err := errors.Join(aErr, bErr, catErr); err != nil {
		return err
	}
	comparison := comparisonOf(cat, a, b)
	comparison.AName, comparison.BName = nameOf(args[0]), nameOf(args[1])
	return output.write(cmd, func(w io.Writer) error {
		if in.format == "json" {
			return report.ComparisonJSON(w, comparison)
		}
		return report.ComparisonText(colored(cmd, w), comparison)
	})
}

func comparisonOf(cat *catalog.Catalog, a, b *policy.Document) report.Comparison {
	return report.Comparison{Catalog: cat, A: a, B: b, AName: "a", BName: "b", Result: prove.Compare(a, b)}
}

func compareCase(cat *catalog.Catalog) answerFunc {
	return func(w io.Writer, c batchCase) error {
		a, aErr := c.identityPolicy("a")
		b, bErr := c.identityPolicy("b")
		if err := errors.Join(aErr, bErr); err != nil {
			return err
		}
		return report.ComparisonLine(w, c.id, comparisonOf(cat, a, b))
	}
}
