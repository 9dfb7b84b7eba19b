package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/catalogupdate"
)

// catalogUpdate is what "pare catalog update" was asked for.
type catalogUpdate struct {
	*catalogInput
	from, endpoint, date string
	allowShrink          bool
	allowOlder           bool
}

func newCatalogUpdateCommand(in *catalogInput) *cobra.Command {
	update := catalogUpdate{catalogInput: in}
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Get AWS's current list of actions and use it from now on",
		Long: `Gets the AWS Service Reference and keeps a snapshot of it in the cache folder. It is
used from then on if it is newer than the built-in catalog. This asks AWS's public
endpoint, without credentials; --from reads a copy instead. Either all of it is kept or
nothing is changed.`,
		Example: `  pare catalog update
  pare catalog update --from aws-service-reference-20260213.tar.xz
  pare catalog update --from ./reference --date 2026-02-13`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return update.run(cmd) },
	}
	in.addFormat(cmd)
	flags := cmd.Flags()
	flags.StringVar(&update.from, "from", "", "read a `folder` or archive (.tar.xz, .tar.gz, .tgz, .tar, .zip) of Service Reference files instead")
	flags.StringVar(&update.endpoint, "endpoint-url", catalogupdate.Endpoint, "ask a mirror of AWS's endpoint at this `URL`")
	flags.StringVar(&update.date, "date", "", "the day of the list, `YYYY-MM-DD` (default: today, or the date in the name of --from)")
	flags.BoolVar(&update.allowOlder, "allow-older", false, "replace a list that is newer")
	flags.BoolVar(&update.allowShrink, "allow-shrink", false, "accept a list that has lost many services or actions")
	return cmd
}

func (u *catalogUpdate) run(cmd *cobra.Command) error {
	if err := u.checkFlags(cmd); err != nil {
		return err
	}
	before, err := u.load(cmd)
	if err != nil {
		return err
	}
	path, err := cachedCatalogPath(u.cacheDir)
	if err != nil {
		return hintError{err, "name the folder with --cache-dir"}
	}
	after, err := u.get(cmd)
	if err != nil {
		return err
	}
	if err := u.judge(before, after); err != nil {
		return err
	}
	if err := catalogupdate.Save(cmd.Context(), path, after); err != nil {
		return err
	}
	return u.report(cmd, path, before, after)
}

func (u *catalogUpdate) checkFlags(cmd *cobra.Command) error {
	if u.from != "" && cmd.Flags().Changed("endpoint-url") {
		return usageError{errors.New("--from and --endpoint-url: want one of them")}
	}
	if u.date == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, u.date); err != nil {
		return usageError{fmt.Errorf("--date %s: want YYYY-MM-DD", u.date)}
	}
	return nil
}

// get reads the new catalog and dates it.
func (u *catalogUpdate) get(cmd *cobra.Command) (*catalog.Catalog, error) {
	var files []catalog.File
	var err error
	source, date := u.from, u.date
	if u.from != "" {
		files, err = catalogupdate.Open(cmd.Context(), u.from)
		err = plainError(err)
	} else {
		source, date = u.endpoint, cmp.Or(u.date, time.Now().UTC().Format(time.DateOnly))
		files, err = fetchCatalog(cmd.Context(), u.endpoint, cmd.ErrOrStderr())
	}
	if err != nil {
		return nil, err
	}
	c, err := catalog.ReadFiles(source, files)
	if err != nil {
		return nil, err
	}
	if date == "" && c.Date() == "" {
		return nil, usageError{hintError{fmt.Errorf("%s: neither its name nor a folder in it says of which day it is", source), "say it with --date YYYY-MM-DD"}}
	}
	if date == "" {
		return c, nil
	}
	return c.WithDate(date)
}

// judge refuses to replace a cached catalog by an older one, and any by one that has
// lost too much.
func (u *catalogUpdate) judge(before, after *catalog.Catalog) error {
	if cached := before.Source() != "embedded"; cached && after.Date() < before.Date() && !u.allowOlder {
		return refusedError{hintError{
			fmt.Errorf("%s is of %s, older than %s of %s", after.Source(), after.Date(), before.Source(), before.Date()),
			"nothing was changed; if that is right, say --allow-older",
		}}
	}
	if u.allowShrink {
		return nil
	}
	err := catalogupdate.CheckShrink(before, after)
	if _, shrinks := errors.AsType[*catalogupdate.ShrinkError](err); shrinks {
		return refusedError{hintError{err, "nothing was changed; if that is right, say --allow-shrink"}}
	}
	return err
}

// updatedCatalog is the answer of "pare catalog update".
type updatedCatalog struct {
	SchemaVersion int    `json:"schemaVersion"`
	Path          string `json:"path"`
	Date          string `json:"date"`
	Services      int    `json:"services"`
	Actions       int    `json:"actions"`
	Added         int    `json:"added"`   // actions, against the catalog that was in use
	Removed       int    `json:"removed"` // the same
	Changed       int    `json:"changed"` // the same
	InUse         bool   `json:"inUse"`   // false when the built-in catalog is as new
}

func (u *catalogUpdate) report(cmd *cobra.Command, path string, before, after *catalog.Catalog) error {
	for _, warning := range after.Warnings() {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", warning)
	}
	changes := catalog.Diff(before, after)
	done := updatedCatalog{
		SchemaVersion: 1, Path: path, Date: after.Date(), Services: len(after.Services()), Actions: after.Len(),
		Added: len(changes.Added), Removed: len(changes.Removed), Changed: len(changes.Changed),
		InUse: after.Date() > catalog.EmbeddedDate(),
	}
	if !done.InUse {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: the built-in catalog of %s isn't older than this one of %s and stays in use; --catalog %s uses this one\n",
			catalog.EmbeddedDate(), done.Date, path)
	}
	if u.format == "json" {
		return writeCatalogJSON(cmd, done)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %d services, %d actions; against %s of %s: actions +%d -%d, changed %d\n",
		path, done.Date, done.Services, done.Actions, before.Source(), before.Date(), done.Added, done.Removed, done.Changed)
	return err
}

func fetchCatalog(ctx context.Context, endpoint string, stderr io.Writer) ([]catalog.File, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	defer transport.CloseIdleConnections()
	progress, finish := newProgress(ctx, stderr, "services", 0)
	defer finish()
	fetcher := catalogupdate.Fetcher{
		Client:   &http.Client{Transport: transport, Timeout: time.Minute},
		Endpoint: endpoint,
		Pause:    500 * time.Millisecond,
		Progress: progress,
	}
	return fetcher.Files(ctx)
}

// newProgress returns a function to call with what is done and the total, from any
// goroutine, and one to call at the end. On a terminal it is a bar that goes away;
// elsewhere a line at each quarter, once the work takes longer than quiet.
func newProgress(ctx context.Context, stderr io.Writer, what string, quiet time.Duration) (func(done, total int), func()) {
	file, isFile := stderr.(*os.File)
	if isFile && cwriter.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
		return newBar(ctx, file, what)
	}
	var mu sync.Mutex
	quarters, began := 0, time.Now()
	return func(done, total int) {
		mu.Lock()
		defer mu.Unlock()
		if reached := 4 * done / total; reached > quarters {
			quarters = reached
			if time.Since(began) >= quiet {
				fmt.Fprintf(stderr, "%d of %d %s\n", done, total, what)
			}
		}
	}, func() {}
}

func newBar(ctx context.Context, stderr io.Writer, what string) (func(done, total int), func()) {
	bars := mpb.NewWithContext(ctx, mpb.WithOutput(stderr), mpb.WithWidth(64))
	bar := bars.AddBar(0, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(what+" ")), mpb.AppendDecorators(decor.CountersNoUnit("%d of %d")))
	return func(done, total int) {
			bar.SetTotal(int64(total), false)
			bar.IncrInt64(1)
		}, func() {
			bar.Abort(true)
			bars.Wait()
		}
}
