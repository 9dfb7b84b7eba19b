package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// readInput reads a file, or standard input for "-". The name is the one for messages.
func readInput(cmd *cobra.Command, path string) (name string, src []byte, err error) {
	if path == "-" {
		src, err = io.ReadAll(cmd.InOrStdin())
		return "stdin", src, err
	}
	src, err = os.ReadFile(path)
	return path, src, plainError(err)
}

// plainError says which file and what is wrong with it, without the system call.
func plainError(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

// readIdentityPolicy reads a policy document and checks that it is an identity policy.
func readIdentityPolicy(cmd *cobra.Command, path string) (*policy.Document, error) {
	name, src, err := readInput(cmd, path)
	if err != nil {
		return nil, err
	}
	doc, err := policy.Parse(name, src)
	if err != nil {
		if _, listErr := usage.ParseUnused(name, src); listErr == nil {
			return nil, hintError{err, name + " is a list of unused permissions: it goes behind --unused"}
		}
		return nil, err
	}
	return doc, doc.Check(policy.Identity)
}

func readUnused(cmd *cobra.Command, path string) (usage.Unused, error) {
	name, src, err := readInput(cmd, path)
	if err != nil {
		return usage.Unused{}, err
	}
	unused, err := usage.ParseUnused(name, src)
	if err != nil {
		if _, docErr := policy.Parse(name, src); docErr == nil {
			err = hintError{err, name + " is a policy: --unused wants the list of what is unused in it"}
		}
	}
	return unused, err
}

// onlyOneStdin refuses a command line in which two inputs are standard input.
func onlyOneStdin(paths ...string) error {
	if n := len(paths) - len(slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p == "-" })); n > 1 {
		return usageError{fmt.Errorf("standard input (-) is given %d times: it can be read once", n)}
	}
	return nil
}

// oneOf refuses a flag's value that isn't one of those it takes.
func oneOf(flag, value string, want ...string) error {
	if slices.Contains(want, value) {
		return nil
	}
	last := len(want) - 1
	return usageError{fmt.Errorf("%s %s: want %s or %s", flag, value, strings.Join(want[:last], ", "), want[last])}
}

// complete makes the shell offer the values that a flag takes.
func complete(cmd *cobra.Command, flag string, values ...string) {
	offer := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, offer); err != nil {
		panic("pare: " + err.Error()) // no such flag
	}
}
