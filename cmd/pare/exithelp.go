package main

import "github.com/spf13/cobra"

// newExitCodesTopic is `pare help exit-codes`: a page and no command.
func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `pare ends with one of these codes:

    0   fine
    1   an error: a file that can't be read, input that makes no sense
    2   findings, or pending changes, of a kind that --fail-on names; what "pare check" found;
        files that "pare rewrite --check" would change
    3   partial data: some of the input couldn't be read; for recommend --principal, no
        complete answer; for rewrite, policies that it can't rewrite
    4   refused: not proved, or not what the account has
   64   a command line that makes no sense
  130   interrupted

A recommendation that isn't proved is refused: it doesn't leave, and the code is 4. So is
"pare prove" of policies that don't keep the claims. "pare compare" and "pare decide" give
0 for every answer, and --batch for every line. Commands that report give 0 whatever they
find unless --fail-on says otherwise; partial data outranks findings, but with --check of
"pare rewrite", where 2 comes first. "pare check" gives 2 for any result unless --fail-on
says otherwise. "pare rewrite" that ends with 3 or 4 has rewritten what it can. A file that
pare writes is there whole or not at all.`,
	}
}
