package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pare-iam/pare/internal/notify"
)

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
