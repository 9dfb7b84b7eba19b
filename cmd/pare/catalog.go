package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/catalogupdate"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
)

// catalogFlagUsage describes --catalog, in every command that has it.
const catalogFlagUsage = "the `source` of AWS's actions: a pare snapshot, a folder of AWS Service Reference files, a list of names, or \"embedded\" (default: the newer of the built-in and what \"pare catalog update\" got)"

func newCatalogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "catalog",
		Short: "Show, compare and update the list of AWS actions that pare works with",
		Long: `A catalog is the list of services, actions, resource types and operations that AWS
publishes. pare has one built in, and uses a newer one that "pare catalog update" got.`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	var in catalogInput
	cmd.PersistentFlags().StringVar(&in.cacheDir, "cache-dir", "", "the `folder` of the updated catalog (also: PARE_CACHE_DIR; default: pare in the user's cache folder)")
	cmd.AddCommand(newCatalogInfoCommand(&in), newCatalogShowCommand(&in), newCatalogDiffCommand(&in), newCatalogUpdateCommand(&in))
	return cmd
}

// catalogInput says which catalog a command works with.
type catalogInput struct {
	path     string // of --catalog; empty means the newest at hand
	cacheDir string // of --cache-dir
	format   string // of -o: text or json
}

func (in *catalogInput) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&in.path, "catalog", "", catalogFlagUsage)
	in.addFormat(cmd)
}

func (in *catalogInput) addFormat(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&in.format, "output", "o", "text", "the `format`: text or json")
}

func (in *catalogInput) load(cmd *cobra.Command) (*catalog.Catalog, error) {
	if in.format != "text" && in.format != "json" {
		return nil, usageError{fmt.Errorf("-o %s: want text or json", in.format)}
	}
	return loadCatalog(cmd, in.path, in.cacheDir)
}

// loadCatalog returns the catalog that a command uses: the snapshot, folder or list of
// names at a path, standard input for "-", or the built-in for "embedded"; for no path,
// the cached one if it is newer than the built-in, else the built-in. A cached one that
// can't be read is a warning on stderr, and so is a name given twice. The cache is in
// cacheDir, else in $PARE_CACHE_DIR, else in the user's cache folder.
func loadCatalog(cmd *cobra.Command, path, cacheDir string) (*catalog.Catalog, error) {
	switch path {
	case "":
		return newestCatalog(cacheDir, cmd.ErrOrStderr()), nil
	case "embedded":
		return catalog.Embedded(), nil
	}
	c, err := readCatalog(cmd, path)
	if err != nil {
		return nil, err
	}
	for _, warning := range c.Warnings() {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", warning)
	}
	return c, nil
}

func readCatalog(cmd *cobra.Command, path string) (*catalog.Catalog, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return catalog.ReadFS(path, os.DirFS(path))
	}
	name, src, err := readInput(cmd, path)
	if err != nil {
		return nil, hintError{err, `--catalog takes a pare snapshot, a folder of AWS Service Reference files, a list of names such as {"date":"2024-06-16","services":{"s3":["GetObject"]}}, or "embedded"`}
	}
	return catalog.Read(name, src)
}

func newestCatalog(cacheDir string, stderr io.Writer) *catalog.Catalog {
	path, err := cachedCatalogPath(cacheDir)
	if err != nil {
		return catalog.Embedded() // no cache folder, so nothing was ever cached
	}
	src, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return catalog.Embedded()
	}
	var cached *catalog.Catalog
	if err == nil {
		cached, err = catalog.Read(path, src)
	}
	if err != nil {
		fmt.Fprintf(stderr, "warning: %v\nwarning: the built-in catalog of %s is used\n", err, catalog.EmbeddedDate())
		return catalog.Embedded()
	}
	if cached.Date() <= catalog.EmbeddedDate() {
		return catalog.Embedded()
	}
	return cached
}

func cachedCatalogPath(cacheDir string) (string, error) {
	if folder := cmp.Or(cacheDir, os.Getenv("PARE_CACHE_DIR")); folder != "" {
		return filepath.Join(folder, catalogupdate.FileName), nil
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, "pare", catalogupdate.FileName), nil
}

func newCatalogInfoCommand(in *catalogInput) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Say which catalog is in use, how old it is and what it holds",
		Example: `  pare catalog info
  pare catalog info --catalog embedded -o json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := in.load(cmd)
			if err != nil {
				return err
			}
			about := describeCatalog(c)
			if in.format == "json" {
				return writeCatalogJSON(cmd, about)
			}
			return about.write(cmd.OutOrStdout())
		},
	}
	in.addFlags(cmd)
	return cmd
}

type catalogInfo struct {
	SchemaVersion    int    `json:"schemaVersion"`
	Source           string `json:"source"`
	Date             string `json:"date"`
	FactsDate        string `json:"factsDate"` // empty: no tracked flags, no operations
	NamesOnly        bool   `json:"namesOnly"`
	Services         int    `json:"services"`
	Actions          int    `json:"actions"`
	LastAccessed     int    `json:"lastAccessed"`
	PolicyGeneration int    `json:"policyGeneration"`
	Operations       int    `json:"operations"`
	EmbeddedDate     string `json:"embeddedDate"`
}

func describeCatalog(c *catalog.Catalog) catalogInfo {
	about := catalogInfo{
		SchemaVersion: 1, Source: c.Source(), Date: c.Date(), FactsDate: c.FactsDate(), NamesOnly: c.NamesOnly(),
		Services: len(c.Services()), Actions: c.Len(), EmbeddedDate: catalog.EmbeddedDate(),
	}
	for id := range c.Len() {
		if c.Action(id).Tracked.Has(catalog.LastAccessed) {
			about.LastAccessed++
		}
		if c.Action(id).Tracked.Has(catalog.PolicyGeneration) {
			about.PolicyGeneration++
		}
	}
	for _, s := range c.Services() {
		about.Operations += len(s.Details().Operations)
	}
	return about
}

func (i catalogInfo) write(w io.Writer) error {
	facts := "tracking and operations are of " + cmp.Or(i.FactsDate, "an unknown day")
	if i.NamesOnly {
		facts = "names alone: no levels, no tracking, no operations"
	}
	_, err := fmt.Fprintf(w, `source      %s
date        %s (the built-in: %s)
facts       %s
services    %d
actions     %d
tracked     %d by last accessed, %d by policy generation
operations  %d
`, i.Source, cmp.Or(i.Date, "unknown"), i.EmbeddedDate, facts, i.Services, i.Actions, i.LastAccessed, i.PolicyGeneration, i.Operations)
	return err
}

func newCatalogShowCommand(in *catalogInput) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [SERVICE [ACTION]]",
		Short: "List the services, the actions of one, or all that is known about one action",
		Example: `  pare catalog show
  pare catalog show s3
  pare catalog show s3 GetObject`,
		Args: serviceAndAction,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := in.load(cmd)
			if err != nil {
				return err
			}
			shown, err := showCatalog(c, args)
			if err != nil {
				return err
			}
			if in.format == "json" {
				return writeCatalogJSON(cmd, shown)
			}
			return writeTable(cmd.OutOrStdout(), shown.rows())
		},
	}
	in.addFlags(cmd)
	return cmd
}

// showCatalog returns the part of the catalog that up to two names ask for.
func showCatalog(c *catalog.Catalog, names []string) (interface{ rows() [][]string }, error) {
	if len(names) == 0 {
		return servicesShown(c), nil
	}
	s := c.Service(names[0])
	if s == nil {
		return nil, unknownPrefix(c, names[0])
	}
	if len(names) == 1 {
		return serviceShown(c, s), nil
	}
	a := s.Lookup(names[1])
	if a == nil {
		err := fmt.Errorf("%s: no such action of %s in the catalog of %s%s", names[1], s.Prefix, c.Date(), report.DidYouMean(names[1], namesOf(s)))
		return nil, hintError{err, "pare catalog show " + s.Prefix + " lists its actions"}
	}
	return actionShown(c, a), nil
}

func unknownPrefix(c *catalog.Catalog, name string) error {
	err := fmt.Errorf("%s: no such service in the catalog of %s%s", name, c.Date(), report.DidYouMean(name, prefixes(c)))
	if a, actionErr := policy.ParseAction(name); actionErr == nil && c.Lookup(a.Service, a.Name) != nil {
		return hintError{err, "pare catalog show " + strings.Replace(name, ":", " ", 1)}
	}
	return hintError{err, "pare catalog show lists the services"}
}

func namesOf(s *catalog.Service) []string {
	var out []string
	for _, a := range s.Actions {
		out = append(out, a.Name)
	}
	return out
}

func newCatalogDiffCommand(in *catalogInput) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Say which services and actions B has that A hasn't, the reverse, and what changed",
		Long: `A and B are each a pare snapshot, a folder of AWS Service Reference files, a list of
names, or "embedded". Changed are an action's casing, level and tracking; what one side
doesn't state is no change.`,
		Example: "  pare catalog diff embedded ~/.cache/pare/catalog.pare",
		Args:    twoCatalogs,
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := (&catalogInput{path: args[0], format: in.format}).load(cmd)
			if err != nil {
				return err
			}
			after, err := (&catalogInput{path: args[1], format: in.format}).load(cmd)
			if err != nil {
				return err
			}
			shown := diffShown(before, after)
			if in.format == "json" {
				return writeCatalogJSON(cmd, shown)
			}
			return writeTable(cmd.OutOrStdout(), shown.rows())
		},
	}
	in.addFormat(cmd)
	return cmd
}

func writeCatalogJSON(cmd *cobra.Command, shown any) error {
	src, err := json.Marshal(shown, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(append(src, '\n'))
	return err
}

// writeTable writes rows with their columns aligned and nothing after the last.
func writeTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}
