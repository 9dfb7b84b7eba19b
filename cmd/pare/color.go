package main

import (
	"io"
	"os"

	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"
)

const noColorFlag = "no-color"

// colored is a writer for text with colours: it takes out those that the terminal can't
// show, and all of them with --no-color, NO_COLOR, TERM=dumb and where there is no
// terminal. CLICOLOR_FORCE=1 keeps them.
func colored(cmd *cobra.Command, w io.Writer) io.Writer {
	if off, err := cmd.Flags().GetBool(noColorFlag); err == nil && off || os.Getenv("NO_COLOR") != "" {
		return &colorprofile.Writer{Forward: w, Profile: colorprofile.NoTTY}
	}
	out := colorprofile.NewWriter(w, os.Environ())
	if out.Profile == colorprofile.ASCII {
		out.Profile = colorprofile.NoTTY // no colour, and no bold either
	}
	return out
}
