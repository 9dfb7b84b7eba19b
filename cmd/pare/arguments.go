package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/report"
)

// knownCommand refuses a word that is no command.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := usageError{fmt.Errorf("%s: no such command", args[0])}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return hintError{err, "did you mean `" + cmd.CommandPath() + " " + strings.Join(near, "` or `"+cmd.CommandPath()+" ") + "`?"}
	}
	if _, statErr := os.Stat(args[0]); statErr == nil && !cmd.HasParent() {
		return hintError{err, "did you mean `pare recommend " + args[0] + " --unused unused.json`?"}
	}
	return err
}

// knownTopic refuses words that `pare help` has no page for.
func knownTopic(help *cobra.Command, args []string) error {
	cmd, rest, err := help.Root().Find(args)
	if err == nil {
		err = knownCommand(cmd, rest)
	}
	var hint hintError
	if err != nil && !errors.As(err, &hint) {
		return hintError{usageError{err}, "`pare help` lists what there is"}
	}
	return err
}

// noArguments refuses words after a command that has flags alone.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s: %s takes no argument, only flags", args[0], cmd.CommandPath())
	}
	return nil
}

// atMostPolicies refuses more than n arguments.
func atMostPolicies(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("%d policies: want %d", len(args), n)
		}
		return nil
	}
}

// onePolicy refuses a second argument, which is likely to be the unused list.
func onePolicy(cmd *cobra.Command, args []string) error {
	err := atMostPolicies(1)(cmd, args)
	if len(args) == 2 && !cmd.Flags().Changed("unused") {
		return hintError{usageError{err}, fmt.Sprintf("did you mean `%s %s --unused %s`?", cmd.CommandPath(), args[0], args[1])}
	}
	return err
}

func twoCatalogs(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%d of 2 catalogs: want two, such as embedded and a file", len(args))
	}
	return nil
}

func serviceAndAction(_ *cobra.Command, args []string) error {
	if len(args) > 2 {
		return fmt.Errorf("%d names: want a service, or a service and an action", len(args))
	}
	return nil
}

// A flag at the beginning of its line of help.
var flagLine = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`)

// flagError is about a flag that can't be read; for one that isn't there it says which
// flag is near, or which command has it.
func flagError(cmd *cobra.Command, err error) error {
	var named interface {
		error
		GetSpecifiedName() string
	}
	if !errors.As(err, &named) || cmd.Flags().Lookup(named.GetSpecifiedName()) != nil {
		return usageError{err}
	}
	var known []string
	for _, line := range flagLine.FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
		known = append(known, "--"+line[1])
	}
	flag := "--" + named.GetSpecifiedName()
	if near := report.DidYouMean(flag, known); near != "" {
		return usageError{fmt.Errorf("%w%s", err, near)}
	}
	var having []string
	for _, sub := range cmd.Commands() {
		if sub.Flags().Lookup(named.GetSpecifiedName()) != nil {
			having = append(having, "`"+sub.CommandPath()+"`")
		}
	}
	if having != nil {
		return hintError{usageError{err}, flag + " is a flag of " + strings.Join(having, ", ")}
	}
	return usageError{err}
}
