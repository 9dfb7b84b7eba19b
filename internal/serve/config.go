package serve

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/trail"
)

// Config is how a server is set up. Paths are as they were given; those that may be left
// out are "" then.
type Config struct {
	Listen, PublicURL          string
	Database, DataDir, KeyFile string
	Catalog                    string
	Account, Region, Partition string
	Accounts                   []Account
	Every                      durationValue
	Workers                    int
	Login                      LoginConfig
	TLS                        struct{ Cert, Key string }
	Proxy                      ProxyConfig
	Retention                  struct{ Resolved, Runs durationValue }
	Notify                     NotifyConfig
	MetricsTokenFile           string
	Log                        struct{ Level, Format string }
	Drain, Grace               durationValue
}

type durationValue = time.Duration

// Account is an account to look at, and where its data comes from: Folder or Role.
type Account struct {
	ID         string `yaml:"id"`
	Name       string `yaml:"name"`
	Path       string `yaml:"path"`        // in the organization: "Root/Production"
	Folder     string `yaml:"folder"`      // a snapshot, or a folder of several
	Role       string `yaml:"role_arn"`    // to collect with
	ExternalID string `yaml:"external_id"` // that the role asks for
	Trail      string `yaml:"trail"`       // whose log files the role reads, see trail.ParseSource; "" is none
}

func accountFields() []string {
	return []string{"id", "name", "path", "folder", "role_arn", "external_id", "trail"}
}

// LoginConfig is how people log in.
type LoginConfig struct {
	PasswordFile                 string
	Idle, Lifetime               durationValue
	Issuer, ClientID, SecretFile string // of OIDC, as all that follows
	Name, UserClaim, GroupsClaim string
	Roles                        map[string]store.UserRole // by group
}

// ProxyConfig is the proxy in front.
type ProxyConfig struct {
	Behind  bool
	Trusted []string // networks
}

// NotifyConfig is who is told of changes; "" is nobody.
type NotifyConfig struct {
	Bus, HubRegion                               string
	WebhookURL, WebhookSecretFile, WebhookFormat string
	AllowPrivate                                 bool
	OCSFFile                                     string
}

// The parsers of settings, by where they put them.

func text(into func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*into(c) = v
		return nil
	}
}

func digits(into func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !isAccount(v) {
			return errors.New("want the twelve digits of an account, in quotes")
		}
		*into(c) = v
		return nil
	}
}

func isAccount(v string) bool { return len(v) == 12 && strings.Trim(v, "0123456789") == "" }

func oneOf(into func(*Config) *string, words ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !slices.Contains(words, v) {
			return fmt.Errorf("want %s", strings.Join(words, ", "))
		}
		*into(c) = v
		return nil
	}
}

func boolean(into func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		if *into(c), err = strconv.ParseBool(v); err != nil {
			return errors.New("want true or false")
		}
		return nil
	}
}

func number(into func(*Config) *int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return errors.New("want a number, 1 or more")
		}
		*into(c) = n
		return nil
	}
}

// duration takes what Go takes, and days: 90d.
func duration(into func(*Config) *durationValue) func(*Config, string) error {
	return func(c *Config, v string) error {
		days, whole := strings.CutSuffix(v, "d")
		n, err := strconv.Atoi(days)
		d := time.Duration(n) * 24 * time.Hour
		if !whole {
			d, err = time.ParseDuration(v)
		}
		const most = 100 * 365 * 24 * time.Hour
		if err != nil || d < 0 || n < 0 || d > most || n > 100*365 {
			return errors.New("want a time such as 90d, 24h or 30s")
		}
		*into(c) = d
		return nil
	}
}

func list(into func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*into(c) = nil
		for part := range strings.SplitSeq(v, ",") {
			part = strings.TrimSpace(part)
			if _, err := netip.ParsePrefix(part); err != nil {
				return fmt.Errorf("%q: want networks such as 10.0.0.0/8, with commas between", part)
			}
			*into(c) = append(*into(c), part)
		}
		return nil
	}
}

func accounts(c *Config, v string) error {
	if err := yaml.Unmarshal([]byte(v), &c.Accounts); err != nil {
		return errors.New("want a list of accounts, each with id, and folder or role_arn")
	}
	seen := map[string]bool{}
	for i, a := range c.Accounts {
		switch {
		case !isAccount(a.ID):
			return fmt.Errorf("account %d: id %q: want twelve digits, in quotes", i+1, a.ID)
		case seen[a.ID]:
			return fmt.Errorf("account %s: it is there twice", a.ID)
		case (a.Folder == "") == (a.Role == ""):
			return fmt.Errorf("account %s: want folder or role_arn, and one of them", a.ID)
		case a.Role == "" && a.ExternalID != "":
			return fmt.Errorf("account %s: external_id goes with role_arn", a.ID)
		case a.Role == "" && a.Trail != "":
			return fmt.Errorf("account %s: trail goes with role_arn; into a folder `pare ingest` puts what logs show", a.ID)
		case a.Trail != "":
			if _, err := trail.ParseSource(a.Trail); err != nil {
				return fmt.Errorf("account %s: trail: %w", a.ID, err)
			}
		}
		seen[a.ID] = true
	}
	return nil
}

func groups(c *Config, v string) error {
	const want = "want a map from groups to viewer, reviewer, operator or admin, such as {pare-admins: admin}"
	if err := yaml.Unmarshal([]byte(v), &c.Login.Roles); err != nil {
		return errors.New(want)
	}
	for _, role := range c.Login.Roles {
		if !slices.Contains(login.Roles(), role) {
			return fmt.Errorf("role %q: %s", role, want)
		}
	}
	return nil
}

// withoutSecrets is a list of accounts without their external IDs.
func withoutSecrets(v string) string {
	var c Config
	if err := yaml.Unmarshal([]byte(v), &c.Accounts); err != nil {
		return masked
	}
	names := make([]string, len(c.Accounts))
	for i, a := range c.Accounts {
		names[i] = fmt.Sprintf("%s from %s%s", a.ID, a.Folder, a.Role)
		if a.Trail != "" {
			names[i] += " and " + a.Trail
		}
	}
	return strings.Join(names, ", ")
}
