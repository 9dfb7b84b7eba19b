package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/web"
)

// World is what a service gets from the program that it is in.
type World struct {
	Catalog *catalog.Catalog
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	Values  []Value       // the configuration, for the dashboard
	Poll    time.Duration // how often the queue and events are looked at; 0: as packages jobs and notify do
	Beat    time.Duration // how often the server tells the others that it is there; 0: 5 s
	Limits  Limits
}

// Service is a server with all that works for it: database, jobs, events.
type Service struct {
	Store  *store.Store
	Jobs   Jobs
	server *Server

	c        Config
	work     *jobs.Jobs
	tell     *events
	sweep    *sweeper
	listener net.Listener
	tls      *tls.Config
}

// Setup is what login.Requirements has to know of a configuration.
func (c *Config) Setup() (login.Setup, error) {
	out := login.Setup{
		Listen: c.Listen, PasswordFile: c.Login.PasswordFile, TLS: c.TLS.Cert != "", BehindProxy: c.Proxy.Behind, PublicURL: c.PublicURL,
	}
	for _, p := range c.Proxy.Trusted {
		network, err := netip.ParsePrefix(p)
		if err != nil {
			return out, fmt.Errorf("proxy.trusted: %q: want a network such as 10.0.0.0/8", p)
		}
		out.TrustedProxies = append(out.TrustedProxies, network)
	}
	if c.Login.Issuer == "" {
		return out, nil
	}
	out.OIDC = &login.OIDC{
		Issuer: c.Login.Issuer, ClientID: c.Login.ClientID, Name: c.Login.Name, UserClaim: c.Login.UserClaim, GroupsClaim: c.Login.GroupsClaim, Roles: c.Login.Roles,
	}
	if c.Login.SecretFile != "" {
		secret, err := readSecret("oidc.client_secret_file", c.Login.SecretFile)
		if err != nil {
			return out, err
		}
		out.OIDC.ClientSecret = secret
	}
	return out, nil
}

// Safe says whether a setup may be started: what login.Requirements says.
func Safe(c *Config) error {
	setup, err := c.Setup()
	if err != nil {
		return err
	}
	return login.Requirements(setup)
}

// OpenStore opens the database of a configuration, with its key.
func OpenStore(ctx context.Context, c *Config) (*store.Store, []byte, error) {
	key, err := ReadKey(c.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	if path := store.SQLitePath(c.Database); path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, nil, err
		}
	}
	s, err := store.Open(ctx, c.Database, store.Options{Key: key})
	return s, key, err
}

// Start refuses a setup that isn't safe, listens, opens the database, brings it up to date,
// and begins to work. Requests are answered by Run. On an error nothing is left open.
func Start(ctx context.Context, c Config, w World) (_ *Service, err error) {
	s := &Service{c: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	setup, err := c.Setup()
	if err != nil {
		return nil, err
	}
	if err := login.Requirements(setup); err != nil {
		return nil, err
	}
	if c.TLS.Cert != "" {
		if s.tls, err = newTLS(c.TLS.Cert, c.TLS.Key, w.Log); err != nil {
			return nil, err
		}
	}
	var key []byte
	if s.Store, key, err = OpenStore(ctx, &c); err != nil {
		return nil, err
	}
	if s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, err
	}
	setup.Listen = s.listener.Addr().String()
	who, err := login.New(login.Options{
		Setup: setup, Store: s.Store, Now: w.Now, Log: w.Log, Stylesheet: web.Stylesheet(), Idle: c.Login.Idle, Lifetime: c.Login.Lifetime,
	})
	if err != nil {
		return nil, err
	}
	return s, s.begin(ctx, w, Options{
		Store: s.Store, Login: who, Catalog: w.Catalog, Place: Place{Partition: c.Partition, Region: c.Region, Account: c.Account},
		Key: key, Log: w.Log, Now: w.Now, Version: w.Version, Settings: shownSettings(w.Values), BehindProxy: c.Proxy.Behind, Limits: w.Limits,
	})
}

// begin starts the jobs and puts the server together.
func (s *Service) begin(ctx context.Context, w World, o Options) error {
	if err := s.register(ctx, w.Now()); err != nil {
		return err
	}
	to, err := sinks(ctx, &s.c, w.Version)
	if err != nil {
		return err
	}
	beat := cmp.Or(w.Beat, 5*time.Second)
	s.tell = &events{store: s.Store, sinks: to, region: s.c.Region, log: w.Log, beat: beat, idle: w.Poll}
	o.Sinks = s.tell.names()
	s.work, err = jobs.New(ctx, s.Store, jobs.Options{
		Source: s.sources(w), Catalog: w.Catalog, Now: w.Now, Logger: w.Log, Every: s.c.Every,
		Retention: store.Retention{Resolved: s.c.Retention.Resolved, Runs: s.c.Retention.Runs}, Scans: s.c.Workers, Recommendations: s.c.Workers, Grace: s.c.Grace, Poll: w.Poll, Beat: beat,
	})
	if err != nil {
		return err
	}
	s.Jobs = s.work
	o.Jobs = s.Jobs
	if s.c.MetricsTokenFile != "" {
		if o.MetricsToken, err = readSecret("metrics.token_file", s.c.MetricsTokenFile); err != nil {
			return err
		}
	}
	if s.server, err = New(o); err != nil {
		return err
	}
	s.tell.metrics = s.server.metrics
	if err := s.tell.start(ctx); err != nil {
		return err
	}
	s.sweep = startSweeper(ctx, s.Store, w.Log, cmp.Or(w.Poll, sweepEvery))
	return s.work.Start(ctx)
}

// URL is where the server is: as it is configured, or by the address that it listens on.
func (s *Service) URL() string {
	switch {
	case s.c.PublicURL != "":
		return s.c.PublicURL
	case s.tls != nil:
		return "https://" + s.listener.Addr().String()
	}
	return "http://" + s.listener.Addr().String()
}

// Run answers requests until ctx ends. Then it stops: requests and jobs under way have the
// grace of the configuration, and the database is closed after them. It collects garbage less
// often than other programs, unless the environment says how often.
func (s *Service) Run(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	err := s.server.Run(ctx, s.listener, s.tls, Stop{Drain: s.c.Drain, Grace: s.c.Grace})
	s.listener = nil // the server has closed it
	return errors.Join(err, s.close(ctx))
}

// garbage is how much of it is left lying, in percent of what is in use: a few megabytes more
// than by default, for a seventh of the time that requests take.
const garbage = 200

// Close ends a service that isn't run.
func (s *Service) Close(ctx context.Context) error { return s.close(ctx) }

// slack is what the jobs have to say that they are gone, beyond their grace.
const slack = 5 * time.Second

// close ends what was begun.
func (s *Service) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.c.Grace+slack)
	defer cancel()
	var errs []error
	if s.listener != nil {
		errs = append(errs, s.listener.Close())
	}
	if s.work != nil {
		errs = append(errs, s.work.Stop(ctx))
	}
	if s.tell != nil {
		s.tell.close()
	}
	if s.sweep != nil {
		s.sweep.close()
	}
	if s.Store != nil {
		errs = append(errs, s.Store.Close())
	}
	return errors.Join(errs...)
}

func shownSettings(values []Value) []web.Setting {
	out := make([]web.Setting, len(values))
	for i, v := range values {
		out[i] = web.Setting{Name: v.Key, Value: v.Value, Origin: v.Origin, Help: v.Help}
	}
	return out
}

// configuration is who changes the accounts at the start, in the audit log.
const configuration = "configuration"

// register makes the store's accounts those of the configuration. What was found in one
// that is gone stays until somebody deletes it.
func (s *Service) register(ctx context.Context, now time.Time) error {
	there, err := allAccounts(ctx, s.Store)
	if err != nil {
		return err
	}
	by := store.By{Who: configuration, At: now}
	for _, a := range s.c.Accounts {
		wanted := store.Account{ID: a.ID, Name: a.Name, Partition: s.c.Partition, Path: a.Path, Source: a.source(), AddedAt: there[a.ID].AddedAt}
		if there[a.ID] != wanted {
			if err := s.Store.PutAccount(ctx, by, wanted); err != nil {
				return err
			}
		}
		delete(there, a.ID)
	}
	for id, a := range there {
		if a.Source == "" {
			continue // not one of a configuration
		}
		if err := s.Store.DeleteAccount(ctx, by, id); err != nil && !errors.Is(err, store.ErrNotFound) { // another server did
			return err
		}
	}
	return nil
}

func allAccounts(ctx context.Context, s *store.Store) (map[string]store.Account, error) {
	out := map[string]store.Account{}
	for page := (store.Page{}); ; {
		part, err := s.Accounts(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, a := range part.Items {
			out[a.ID] = a
		}
		if page.Token = part.Next; page.Token == "" {
			return out, nil
		}
	}
}

// source names where an account's data comes from.
func (a Account) source() string {
	if a.Role != "" {
		return "role " + a.Role
	}
	return "folder " + a.Folder
}

// Restore makes the SQLite database of a configuration from a backup; see store.Restore.
func Restore(ctx context.Context, c *Config, from string) error {
	path := store.SQLitePath(c.Database)
	if path == "" {
		return fmt.Errorf("%s is a Postgres: pg_restore restores it", withoutPassword(c.Database))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return store.Restore(ctx, from, path)
}
