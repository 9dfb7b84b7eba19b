package main

import (
	"cmp"
	"fmt"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/serve"
)

func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show what the server is configured to do",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(newConfigShowCommand(), newConfigExampleCommand())
	return cmd
}

func newConfigShowCommand() *cobra.Command {
	var in serveInput
	var format string
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Every setting of the server, as it is in effect, and where it is from",
		Long: `Shows every setting that "pare serve" would run with, and whether it is from a flag, the
environment, the file or a default. Secrets aren't shown. An error in any of them is said
with its place.`,
		Example: `  pare config show
  pare config show --config pare.yaml -o json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usageError{fmt.Errorf("-o %s: want text or json", format)}
			}
			_, values, err := in.load(cmd)
			if err != nil {
				return err
			}
			if format == "json" {
				return printSettings(cmd, values)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, v := range values {
				fmt.Fprintf(table, "%s\t%s\t%s\n", v.Key, cmp.Or(v.Value, "-"), v.Origin)
			}
			return table.Flush()
		},
	}
	in.addFlags(cmd.Flags())
	cmd.Flags().StringVarP(&format, "output", "o", "text", "the `format`: text or json")
	return cmd
}

// shownSetting is a setting in JSON.
type shownSetting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
	Help   string `json:"help"`
}

func printSettings(cmd *cobra.Command, values []serve.Value) error {
	out := struct {
		SchemaVersion int            `json:"schemaVersion"`
		Settings      []shownSetting `json:"settings"`
	}{SchemaVersion: 1}
	for _, v := range values {
		out.Settings = append(out.Settings, shownSetting{v.Key, v.Value, v.Origin, v.Help})
	}
	text, err := json.Marshal(out, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	return err
}

func newConfigExampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "example",
		Short:   "A file with every setting, each explained",
		Example: "  pare config example > pare.yaml",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(serve.ExampleFile())
			return err
		},
	}
}
