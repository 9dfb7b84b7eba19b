package main

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/samplegen"
)

const demoLong = `Makes a sample account, with four months of CloudTrail logs, in a folder and runs the whole
job on it: the logs become evidence, unused access is found, a role's policy is refined and
proved, and a report is written. The account is made up; no AWS account is read.

The folder is left for you to try things on. Running it again makes it anew.`

func newDemoCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Run the whole job on a sample account that is built in",
		Long:    demoLong,
		Example: "  pare demo\n  pare demo --dir sample",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := demo{cmd: cmd, dir: filepath.ToSlash(dir)}
			return d.run()
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "pare-demo", "where to put the sample, a `folder` that isn't there or that an earlier demo made")
	return cmd
}

// demo runs pare's commands on the sample account, showing each.
type demo struct {
	cmd *cobra.Command
	dir string
}

// demoMark is the file by which a folder is known as one that a demo made.
const demoMark = ".pare-demo"

// demoRole is the role whose policy is refined: the one of AWS's announcement.
const demoRole = "arn:aws:iam::111122223333:role/MyRole"

func (d *demo) run() error {
	if err := d.clear(); err != nil {
		return err
	}
	if err := d.write(); err != nil {
		return err
	}
	account, report := d.dir+"/account", d.dir+"/report.html"
	commands := [][]string{
		{"ingest", d.dir + "/logs", "--out", account + "/usage.jsonl"},
		{"analyze", "--data", account, "--most", "2"},
		{"recommend", "--data", account, "--principal", demoRole, "--replay"},
		{"report", "--data", account, "--output-file", report},
	}
	for _, args := range commands {
		if err := d.show(args); err != nil {
			return err
		}
	}
	d.printf("\n%s is the report: open it in a browser. Where two of the policies are written, the fix is:\n  pare rewrite %s/infra --data %s\nNext, with an account of yours:\n  pare analyze --help\n", report, d.dir, account)
	return nil
}

func (d *demo) printf(format string, args ...any) {
	fmt.Fprintf(d.cmd.OutOrStdout(), format, args...)
}

// show runs a command as if it had been typed.
func (d *demo) show(args []string) error {
	d.printf("\n$ pare %s\n", strings.Join(args, " "))
	root := newRootCommand()
	root.SetArgs(append(args, fmt.Sprintf("--%s=%t", noColorFlag, colorless(d.cmd))))
	root.SetIn(d.cmd.InOrStdin())
	root.SetOut(d.cmd.OutOrStdout())
	root.SetErr(d.cmd.ErrOrStderr())
	return root.ExecuteContext(d.cmd.Context())
}

func colorless(cmd *cobra.Command) bool {
	off, err := cmd.Flags().GetBool(noColorFlag)
	return err == nil && off
}

// clear removes what an earlier demo left, and nothing else.
func (d *demo) clear() error {
	entries, err := os.ReadDir(d.dir)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return plainError(err)
	}
	if _, err := os.Stat(filepath.Join(d.dir, demoMark)); err != nil {
		return hintError{
			fmt.Errorf("%s: is there already, and no demo made it: it stays as it is", d.dir),
			"pare demo --dir FOLDER, with one that isn't there",
		}
	}
	return os.RemoveAll(d.dir)
}

// write makes the sample account's files.
func (d *demo) write() error {
	files := sampleFiles{d.cmd.Context(), d.dir}
	if err := files.write(demoMark, func(io.Writer) error { return nil }); err != nil {
		return err
	}
	world := samplegen.New(catalog.Embedded(), samplegen.Demo())
	if err := errors.Join(world.Snapshot(files.below("account")), world.Logs(files.below("logs"))); err != nil {
		return err
	}
	d.printf("%s has a sample account: 49 roles and users, and 120 days of CloudTrail.\n", d.dir)
	return files.copy("infra", demoInfra)
}

// demoInfra is where two of the sample's policies are written.
//
//go:embed demoinfra
var demoInfra embed.FS

// copy writes embedded files into a folder below.
func (f sampleFiles) copy(folder string, from embed.FS) error {
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := from.ReadFile(name)
		if err != nil {
			return err
		}
		return f.write(filepath.Join(folder, path.Base(name)), func(w io.Writer) error {
			_, err := w.Write(src)
			return err
		})
	})
}

// sampleFiles writes the files of a sample account into a folder, until ctx ends.
type sampleFiles struct {
	ctx context.Context
	dir string
}

// below writes into a folder below.
func (f sampleFiles) below(folder string) func(string, func(io.Writer) error) error {
	return func(name string, content func(io.Writer) error) error {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		return f.write(filepath.Join(folder, filepath.FromSlash(name)), content)
	}
}

func (f sampleFiles) write(name string, content func(io.Writer) error) error {
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return plainError(err)
	}
	file, err := os.Create(path)
	if err != nil {
		return plainError(err)
	}
	w := bufio.NewWriter(file)
	return errors.Join(content(w), w.Flush(), file.Close())
}
