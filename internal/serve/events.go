package serve

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/notify"
	"github.com/pare-iam/pare/internal/store"
)

// events tells sinks what runs changed.
type events struct {
	sinks   []notify.Sink
	region  string
	log     *slog.Logger
	metrics *metrics
	giveUp  time.Duration // how long one change is tried; 0: 5 min
}

// atOnce is how many changes are in memory at a time.
const atOnce = 200

// tell tells all sinks, each at its own pace, some changes at a time. What a sink refuses for
// as long as giveUp is left behind. The error is ctx's: then the rest wasn't told.
func (e *events) tell(ctx context.Context, run store.Run, changes iter.Seq2[jobs.Change, error]) error {
	var some []notify.Change
	for c, err := range changes {
		if err != nil {
			return err
		}
		some = append(some, notify.Change{
			Finding: c.Finding, Previous: c.Event.From, Version: c.Version, At: c.Event.At, Analyzer: run.Analyzer, Region: e.region,
		})
		if len(some) == atOnce {
			if err := e.send(ctx, some); err != nil {
				return err
			}
			some = nil
		}
	}
	return e.send(ctx, some)
}

// send returns when each sink was told each change, or has given it up.
func (e *events) send(ctx context.Context, changes []notify.Change) error {
	if len(changes) == 0 || len(e.sinks) == 0 {
		return ctx.Err()
	}
	var box notify.Memory
	box.Add(changes...)
	sending, done := context.WithCancel(ctx)
	defer done()
	told := &countdown{left: len(e.sinks), done: done}
	giveUp := e.giveUp
	if giveUp == 0 {
		giveUp = 5 * time.Minute
	}
	d, err := notify.NewDispatcher(counted{&box, told, notify.Position(len(changes))}, e.sinks, notify.Options{GiveUp: giveUp, Report: e.report})
	if err != nil {
		return err
	}
	d.Run(sending)
	return ctx.Err()
}

func (e *events) report(r notify.Report) {
	e.metrics.told.WithLabelValues(r.Sink, outcome(true)).Add(float64(r.Told))
	e.metrics.told.WithLabelValues(r.Sink, outcome(false)).Add(float64(len(r.Dropped)))
	for _, f := range r.Dropped {
		e.log.Error("a change wasn't told", "sink", r.Sink, "finding", f.Change.Finding.ID, "code", f.Code, "reason", f.Reason)
	}
	if len(r.Again) > 0 {
		e.log.Warn("a sink is tried again", "sink", r.Sink, "changes", len(r.Again), "reason", r.Again[0].Error(), "wait", r.Wait)
	}
}

// sinks are those that are configured.
func sinks(ctx context.Context, c *Config, version string) ([]notify.Sink, error) {
	var out []notify.Sink
	if c.Notify.OCSFFile != "" {
		s, err := notify.NewOCSFFile(c.Notify.OCSFFile, notify.OCSFOptions{Version: version})
		if err != nil {
			return nil, fmt.Errorf("notify.ocsf.file: %w", err)
		}
		out = append(out, s)
	}
	if c.Notify.WebhookURL != "" {
		secret, err := readSecret("notify.webhook.secret_file", c.Notify.WebhookSecretFile)
		if err != nil {
			return nil, err
		}
		s, err := notify.NewWebhook(notify.WebhookOptions{
			URL: c.Notify.WebhookURL, Secrets: []string{secret}, Format: notify.Format(c.Notify.WebhookFormat), Version: version, AllowPrivate: c.Notify.AllowPrivate,
		})
		if err != nil {
			return nil, fmt.Errorf("notify.webhook: %w", err)
		}
		out = append(out, s)
	}
	if c.Notify.Bus == "" && c.Notify.HubRegion == "" {
		return out, nil
	}
	own, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("notify: AWS: %w", err)
	}
	return awsSinks(c, own, out)
}

func awsSinks(c *Config, own aws.Config, out []notify.Sink) ([]notify.Sink, error) {
	if c.Notify.Bus != "" {
		s, err := notify.NewEventBridge(eventbridge.NewFromConfig(own, func(o *eventbridge.Options) {
			if o.Region == "" {
				o.Region = c.Region
			}
		}), notify.EventBridgeOptions{Bus: c.Notify.Bus})
		if err != nil {
			return nil, fmt.Errorf("notify.eventbridge: %w", err)
		}
		out = append(out, s)
	}
	if c.Notify.HubRegion != "" {
		s, err := notify.NewSecurityHub(notify.SecurityHubOptions{Region: c.Notify.HubRegion, Client: hubClients(c, own)})
		if err != nil {
			return nil, fmt.Errorf("notify.security_hub: %w", err)
		}
		out = append(out, s)
	}
	return out, nil
}

// hubClients gives clients that call as an account: by its role, or, of one without, by the
// server's own credentials.
func hubClients(c *Config, own aws.Config) func(context.Context, string) (notify.SecurityHubAPI, error) {
	clients := map[string]notify.SecurityHubAPI{}
	for _, a := range c.Accounts {
		as := own.Copy()
		as.Region = c.Notify.HubRegion
		if a.Role != "" {
			as.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(as), a.Role, func(o *stscreds.AssumeRoleOptions) {
				if a.ExternalID != "" {
					o.ExternalID = &a.ExternalID
				}
			}))
		}
		clients[a.ID] = securityhub.NewFromConfig(as)
	}
	return func(_ context.Context, account string) (notify.SecurityHubAPI, error) {
		if api, ok := clients[account]; ok {
			return api, nil
		}
		return nil, fmt.Errorf("account %s isn't among the accounts of the configuration", account)
	}
}

// readSecret reads a file with a secret, which others mustn't be able to read.
func readSecret(setting, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		return "", fmt.Errorf("%s: %s: others may read it: chmod 600 %s", setting, path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", errors.New(setting + ": " + path + " is empty")
	}
	return secret, nil
}
