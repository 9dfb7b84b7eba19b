package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pare-iam/pare/internal/serve"
)

const serveLong = `Runs the server: Access Analyzer's API for unused access, which AWS's CLI, SDKs and
Terraform talk to with an endpoint setting and nothing else, and a dashboard of the findings.
It looks at its accounts on a schedule, and makes recommendations when it is asked.

On loopback there is no login. On any other address it refuses to start without a password
file or an OpenID provider, and without TLS or a proxy that does it.

Settings come from flags, PARE_SERVE_… in the environment, the file of --config, and
defaults, in this order; "pare config show" tells them all and where each is from.

--demo shows a sample account in a temporary database, which is gone when the server stops.`

// patience is how long after a signal another one is the same: who stops a group of
// processes sends several. One after that ends the process at once.
const patience = time.Second

// serveInput is what the flags of `pare serve` and `pare config` say.
type serveInput struct {
	file string
	demo bool
}

// addFlags adds those of the settings. What they say is read by sources.
func (in *serveInput) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&in.file, "config", "", "YAML `file` with settings (also: PARE_CONFIG)")
	for _, s := range serve.Settings() {
		if s.Flag == "" {
			continue
		}
		usage := s.Help
		if s.Default != "" && !s.Yes {
			usage += fmt.Sprintf(" (default %s)", s.Default)
		}
		flags.String(s.Flag, "", usage)
		if s.Yes {
			flags.Lookup(s.Flag).NoOptDefVal = "true"
		}
	}
}

// load reads the configuration.
func (in *serveInput) load(cmd *cobra.Command) (serve.Config, []serve.Value, error) {
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	file := in.file
	if file == "" {
		file = os.Getenv("PARE_CONFIG")
	}
	c, values, err := serve.Load(serve.Sources{Flags: given, Environ: os.Environ(), File: file})
	if err != nil {
		return c, nil, hintError{usageError{err}, "`pare config show` lists all settings, and deploy/server/pare.yaml is a file with each"}
	}
	return c, values, nil
}

func newServeCommand() *cobra.Command {
	var in serveInput
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: Access Analyzer's API and the dashboard",
		Long:  serveLong,
		Example: `  pare serve --demo
  pare serve --config pare.yaml
  pare serve keys create --config pare.yaml --user ci --role reviewer
  aws accessanalyzer list-analyzers --endpoint-url http://127.0.0.1:8080`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return in.run(cmd) },
	}
	cmd.SuggestionsMinimumDistance = 2
	in.addFlags(cmd.PersistentFlags())
	cmd.Flags().BoolVar(&in.demo, "demo", false, "a sample account in a temporary database")
	cmd.AddCommand(newServeKeysCommand(&in), newServeTokensCommand(&in), newServeUsersCommand(&in), newServePasswordCommand(),
		newServeBackupCommand(&in), newServeRestoreCommand(&in))
	return cmd
}

func (in *serveInput) run(cmd *cobra.Command) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(patience, stop) })
	c, values, err := in.load(cmd)
	if err != nil {
		return err
	}
	w := serve.World{Log: newServeLog(cmd.ErrOrStderr(), &c), Now: time.Now, Version: programVersion(), Values: values}
	if w.Catalog, err = loadCatalog(cmd, c.Catalog, ""); err != nil {
		return err
	}
	if in.demo {
		return in.runDemo(ctx, cmd, c, w)
	}
	s, err := startServer(ctx, c, w)
	if err != nil {
		return err
	}
	return in.ready(ctx, cmd, s)
}

// startServer starts the service. A setup that isn't safe is an error of usage.
func startServer(ctx context.Context, c serve.Config, w serve.World) (*serve.Service, error) {
	if err := serve.Safe(&c); err != nil {
		return nil, usageError{err}
	}
	s, err := serve.Start(ctx, c, w)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = hintError{err, "another server is there: stop it, or --listen 127.0.0.1:8081"}
	}
	return s, err
}

// ready says where the server is, and runs it until it is told to stop.
func (in *serveInput) ready(ctx context.Context, cmd *cobra.Command, s *serve.Service) error {
	fmt.Fprintf(cmd.OutOrStdout(), "pare serves %s\n", s.URL())
	err := s.Run(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}

// newServeLog is the server's log on standard error.
func newServeLog(to io.Writer, c *serve.Config) *slog.Logger {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}
	o := &slog.HandlerOptions{Level: levels[c.Log.Level]} // info is the zero
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, o))
	}
	return slog.New(slog.NewTextHandler(to, o))
}
