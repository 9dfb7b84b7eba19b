package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/internal/serve"
)

// runDemo serves a sample account from a temporary folder, which goes when the server stops.
func (in *serveInput) runDemo(ctx context.Context, cmd *cobra.Command, c serve.Config, w serve.World) (err error) {
	if cmd.Flags().Changed("database") || cmd.Flags().Changed("data-dir") || in.file != "" {
		return usageError{errors.New("--demo has a database of its own: want it without --config, --database and --data-dir")}
	}
	dir, err := os.MkdirTemp("", "pare-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeSample(ctx, dir); err != nil {
		return err
	}
	account := samplegen.Demo().AccountID
	c.DataDir, c.Database, c.KeyFile, c.Account = dir, filepath.Join(dir, "pare.db"), filepath.Join(dir, "key"), account
	c.Accounts = []serve.Account{{ID: account, Name: "sample", Folder: filepath.Join(dir, "account")}}
	w.Poll, w.Values = 50*time.Millisecond, demoValues(w.Values, c)
	s, err := startServer(ctx, c, w)
	if err != nil {
		return err
	}
	d, err := s.Demo(ctx)
	if err != nil {
		return errors.Join(err, s.Close(ctx))
	}
	fmt.Fprintf(cmd.OutOrStdout(), `A made-up account with %[1]d findings. It is gone when this stops (Ctrl-C).

  export AWS_ACCESS_KEY_ID=%[2]s AWS_SECRET_ACCESS_KEY=%[3]s
  export AWS_REGION=%[4]s AWS_DEFAULT_REGION=%[4]s
  aws accessanalyzer list-findings-v2 --endpoint-url %[5]s --analyzer-arn %[6]s

`, d.Findings, d.KeyID, d.Secret, c.Region, s.URL(), d.Analyzer)
	return in.ready(ctx, cmd, s)
}

// demoValues are values with what the demo has in the place of some.
func demoValues(values []serve.Value, c serve.Config) []serve.Value {
	own := map[string]string{
		"data_dir": c.DataDir, "database": c.Database, "key_file": c.KeyFile, "account": c.Account,
		"accounts": fmt.Sprintf("%s (%s): %s", c.Accounts[0].ID, c.Accounts[0].Name, c.Accounts[0].Folder),
	}
	out := slices.Clone(values)
	for i, v := range out {
		if value, ok := own[v.Key]; ok {
			out[i].Value, out[i].Origin = value, "flag --demo"
		}
	}
	return out
}

// writeSample writes the sample account below a folder: its snapshot, with what its logs
// say. The logs themselves stay in memory: they are hundreds of files that nobody needs.
func writeSample(ctx context.Context, dir string) error {
	cat := catalog.Embedded()
	world := samplegen.New(cat, samplegen.Demo())
	logs := sampleLogs{}
	if err := errors.Join(world.Snapshot(sampleFiles{ctx, dir}.below("account")), world.Logs(logs.keep)); err != nil {
		return err
	}
	var listing ingest.Listing
	listing.Add(logs.objects())
	result, err := ingest.Run(ctx, cat, &listing, ingest.Options{})
	if err != nil {
		return err
	}
	return errors.Join(result.Save(filepath.Join(dir, "account", "usage.jsonl")), result.Close())
}

// sampleLogs are log files by their paths. It is an ingest.Store.
type sampleLogs map[string][]byte

func (l sampleLogs) keep(name string, content func(io.Writer) error) error {
	var b bytes.Buffer
	err := content(&b)
	l["sample/"+name] = b.Bytes()
	return err
}

func (l sampleLogs) objects() []ingest.Object {
	var out []ingest.Object
	for _, name := range slices.Sorted(maps.Keys(l)) {
		folder, file := path.Split(name)
		out = append(out, ingest.Object{Folder: folder, Name: file, Size: int64(len(l[name])), Store: l})
	}
	return out
}

// Open implements ingest.Store.
func (l sampleLogs) Open(_ context.Context, o ingest.Object) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l[o.Path()])), nil
}
