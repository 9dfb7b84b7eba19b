package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// The exit codes; `pare help exit-codes` explains them.
const (
	exitOK          = 0
	exitError       = 1
	exitFindings    = 2
	exitPartial     = 3
	exitRefused     = 4
	exitUsage       = 64
	exitInterrupted = 130
)

// usageError is a command line that can't be understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// refusedError is an answer that pare has and won't stand behind: not proved, stale,
// drifted.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

// partialError is an answer that was given from some of the input: the rest couldn't be
// read, and was named.
type partialError struct{ error }

func (e partialError) Unwrap() error { return e.error }

// findingsError is an answer with findings that --fail-on names.
type findingsError struct{ error }

func (e findingsError) Unwrap() error { return e.error }

// quietError sets an exit code for something that the output says already.
type quietError struct{ code int }

func (e quietError) Error() string { return "see the output" }

// hintError adds what to type.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

func exitCode(err error, interrupted bool) int {
	var quiet quietError
	var usage usageError
	var refused refusedError
	var partial partialError
	var findings findingsError
	switch {
	case err == nil:
		return exitOK
	case interrupted || errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &refused):
		return exitRefused
	case errors.As(err, &partial):
		return exitPartial
	case errors.As(err, &findings):
		return exitFindings
	}
	return exitError
}

func hintOf(err error, cmd *cobra.Command) string {
	var hint hintError
	var usage usageError
	switch {
	case errors.As(err, &hint):
		return hint.hint
	case errors.As(err, &usage) && cmd != nil:
		return "`" + cmd.CommandPath() + " --help` shows how it is used"
	}
	return ""
}
