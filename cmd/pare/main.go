// Command pare finds the AWS access that nobody uses and pares IAM policies down to the
// rest. `pare help` lists its verbs; each has its own page with examples.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends pare at once
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	interrupted := ctx.Err() != nil
	stop()
	os.Exit(exitCode(err, interrupted))
}

// run is the whole command. Results go to stdout, everything else to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && strings.HasPrefix(err.Error(), "if any flags in the group") { // cobra's own check
		err = usageError{err}
	}
	var quiet quietError
	if err != nil && !errors.As(err, &quiet) {
		message := err.Error()
		if errors.Is(err, context.Canceled) {
			message = "interrupted"
		}
		root.PrintErrf("%s\n", forTerminal(message))
		if hint := hintOf(err, cmd); hint != "" {
			root.PrintErrf("hint: %s\n", hint)
		}
	}
	return err
}

// forTerminal is a message of lines that a terminal prints as they are, however long and
// strange what they quote.
func forTerminal(message string) string {
	const most, tail = 600, 200
	var out []string
	for line := range strings.SplitSeq(message, "\n") {
		text := []rune(line)
		if len(text) > most {
			text = slices.Concat(text[:most-tail], []rune(" … "), text[len(text)-tail:])
		}
		var shown strings.Builder
		for _, c := range text {
			if unicode.IsPrint(c) || c == '\t' {
				shown.WriteRune(c)
			} else {
				shown.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
			}
		}
		out = append(out, shown.String())
	}
	return strings.Join(out, "\n")
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "pare",
		Short: "Find the AWS access nobody uses and pare IAM policies down to the rest",
		Long: `pare takes unused permissions out of IAM policies: it keeps the policy's shape,
removes nothing that is used, and proves that nothing else changed.

Results go to standard output, everything else to standard error. Nothing is called in AWS
but by collect, doctor, ingest of S3, apply, rollback, watch and serve; and nothing is
changed there but by "pare apply PLAN --yes", "pare rollback" and "pare watch --auto-restore".`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.PersistentFlags().Bool(noColorFlag, false, "no colour (also: NO_COLOR, TERM=dumb, output that isn't a terminal)")
	root.SetFlagErrorFunc(flagError)
	root.Version = programVersion()
	root.SetVersionTemplate("pare {{.Version}}\n")
	root.AddCommand(
		newAnalyzeCommand(),
		newApplyCommand(),
		newCatalogCommand(),
		newCheckCommand(),
		newCollectCommand(),
		newCompareCommand(),
		newConfigCommand(),
		newDecideCommand(),
		newDemoCommand(),
		newDoctorCommand(),
		newExitCodesTopic(),
		newFindingsCommand(),
		newIngestCommand(),
		newProveCommand(),
		newRecommendCommand(),
		newReportCommand(),
		newRewriteCommand(),
		newRollbackCommand(),
		newServeCommand(),
		newVersionCommand(),
		newWatchCommand(),
	)
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.Args = knownTopic
	}
	asUsageErrors(root)
	return root
}

// asUsageErrors makes a wrong number of arguments an error of usage, in every command.
func asUsageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		asUsageErrors(sub)
	}
}
