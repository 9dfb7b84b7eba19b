package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set when a release is built: -ldflags "-X main.version=v1.2.3".
var version string

type shownVersion struct {
	SchemaVersion int    `json:"schemaVersion"`
	Version       string `json:"version"`
	Go            string `json:"go"`
	Catalog       string `json:"catalog"` // date of the one in use
}

func newVersionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which pare this is, and the date of its catalog",
		Example: `  pare version
  pare version -o json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("-o", format, "text", "json"); err != nil {
				return err
			}
			cat, err := loadCatalog(cmd, "", "")
			if err != nil {
				return err
			}
			v := shownVersion{1, programVersion(), runtime.Version(), cat.Date()}
			if format == "json" {
				return writeCatalogJSON(cmd, v)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "pare %s (%s, catalog of %s)\n", v.Version, v.Go, v.Catalog)
			return err
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "text", "the `format`: text or json")
	complete(cmd, "output", "text", "json")
	return cmd
}

// programVersion is the release, the module's version, or the commit it was built from.
func programVersion() string {
	if version != "" {
		return version
	}
	build, ok := debug.ReadBuildInfo()
	if !ok || build.Main.Version == "" {
		return "(devel)"
	}
	return build.Main.Version
}
