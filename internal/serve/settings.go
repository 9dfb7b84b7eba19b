package serve

import (
	"net/url"
	"strings"
)

// setting is one that can be given in a file, in the environment or by a flag. This table is
// where help, the example file, docs/server.md and `pare config show` come from.
type setting struct {
	key     string // in the file: "tls.cert_file"
	flag    string // of pare serve; "": none
	usual   string // the default, as it is written
	example string // for the example file, where there is no default
	help    string // a phrase, with units
	parse   func(*Config, string) error
	fields  []string            // of a list of maps: what each may have
	names   bool                // it is a map, from names of the user's choice to values
	shown   func(string) string // for people; nil: as it is
}

// env is the setting's name in the environment.
func (s setting) env() string {
	return "PARE_SERVE_" + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// section is the part of the key before the last dot.
func (s setting) section() string {
	i := strings.LastIndex(s.key, ".")
	return s.key[:max(i, 0)]
}

// settings are all, in the order in which they are shown. It is long since it is one table.
func settings() []setting {
	return []setting{
		{key: "listen", flag: "listen", usual: "127.0.0.1:8080", parse: text(func(c *Config) *string { return &c.Listen }),
			help: "address and port to listen on; other than loopback needs a login, and TLS or a proxy"},
		{key: "public_url", flag: "public-url", example: "https://pare.example.com", parse: text(func(c *Config) *string { return &c.PublicURL }),
			help: "the URL that people type; OIDC needs it to come back to"},
		{key: "database", flag: "database", example: "postgres://pare@db.example.com/pare", shown: withoutPassword, parse: text(func(c *Config) *string { return &c.Database }),
			help: "SQLite file, or the URL of a Postgres; by default pare.db in data_dir"},
		{key: "data_dir", flag: "data-dir", usual: "pare-data", parse: text(func(c *Config) *string { return &c.DataDir }),
			help: "folder of the server's files: its key, the database if it is SQLite, what it collects"},
		{key: "key_file", example: "/etc/pare/key", parse: text(func(c *Config) *string { return &c.KeyFile }),
			help: "32 random bytes in base64 that seal the secrets of access keys: the same on all servers, and not in the backup; by default key in data_dir, made when there is none"},
		{key: "catalog", example: "catalog.pare", parse: text(func(c *Config) *string { return &c.Catalog }),
			help: "file with AWS's list of actions; by default the newer of the built-in one and the cached one"},

		{key: "account", example: `"111122223333"`, parse: digits(func(c *Config) *string { return &c.Account }),
			help: "account whose the analyzers are, in their ARNs; by default the first of accounts"},
		{key: "region", usual: "us-east-1", parse: text(func(c *Config) *string { return &c.Region }),
			help: "Region of ARNs and signatures: clients are set to it"},
		{key: "partition", usual: "aws", parse: oneOf(func(c *Config) *string { return &c.Partition }, "aws", "aws-cn", "aws-us-gov"),
			help: "partition of ARNs: aws, aws-cn or aws-us-gov"},

		{key: "accounts", fields: accountFields(), parse: accounts, shown: withoutSecrets,
			example: `[{id: "111122223333", name: shop, folder: /var/lib/pare/snapshots/shop}, {id: "444455556666", role_arn: "arn:aws:iam::444455556666:role/pare-read", external_id: "…", trail: management-events}]`,
			help:    "accounts to look at, each with id, and folder (a snapshot that `pare collect` keeps fresh) or role_arn (collected by the server, and with trail, a trail's name or ARN or s3://bucket/prefix, its CloudTrail logs too)"},
		{key: "scan.every", usual: "24h", parse: duration(func(c *Config) *durationValue { return &c.Every }),
			help: "how often accounts are looked at, by analyzers that don't say otherwise"},
		{key: "scan.workers", usual: "2", parse: number(func(c *Config) *int { return &c.Workers }),
			help: "how many jobs run at a time"},

		{key: "login.password_file", flag: "password-file", example: "/etc/pare/passwords", parse: text(func(c *Config) *string { return &c.Login.PasswordFile }),
			help: "lines of name:role:hash; `pare serve password` prints the hash"},
		{key: "login.idle", usual: "1h", parse: duration(func(c *Config) *durationValue { return &c.Login.Idle }),
			help: "after how long a session ends that isn't used"},
		{key: "login.lifetime", usual: "12h", parse: duration(func(c *Config) *durationValue { return &c.Login.Lifetime }),
			help: "after how long any session ends"},
		{key: "oidc.issuer", example: "https://login.example.com", parse: text(func(c *Config) *string { return &c.Login.Issuer }),
			help: "issuer URL of the OpenID provider"},
		{key: "oidc.client_id", example: "pare", parse: text(func(c *Config) *string { return &c.Login.ClientID }),
			help: "what the provider knows the server as"},
		{key: "oidc.client_secret_file", example: "/etc/pare/oidc-secret", parse: text(func(c *Config) *string { return &c.Login.SecretFile }),
			help: "file with the secret that the provider gave"},
		{key: "oidc.name", example: "Example SSO", parse: text(func(c *Config) *string { return &c.Login.Name }),
			help: "what the button of the login page calls the provider; by default the issuer's host"},
		{key: "oidc.user_claim", usual: "email", parse: text(func(c *Config) *string { return &c.Login.UserClaim }),
			help: "claim that people are called by"},
		{key: "oidc.groups_claim", usual: "groups", parse: text(func(c *Config) *string { return &c.Login.GroupsClaim }),
			help: "claim that lists somebody's groups"},
		{key: "oidc.roles", names: true, parse: groups,
			example: "{pare-admins: admin, engineering: viewer}",
			help:    "which group has which role: viewer, reviewer, operator or admin; the highest counts, and who is in none is refused"},

		{key: "tls.cert_file", flag: "tls-cert", example: "/etc/pare/tls.crt", parse: text(func(c *Config) *string { return &c.TLS.Cert }),
			help: "certificate chain in PEM; read again when it changes"},
		{key: "tls.key_file", flag: "tls-key", example: "/etc/pare/tls.key", parse: text(func(c *Config) *string { return &c.TLS.Key }),
			help: "its key in PEM"},
		{key: "proxy.behind", flag: "behind-proxy", usual: "false", parse: boolean(func(c *Config) *bool { return &c.Proxy.Behind }),
			help: "a proxy in front ends TLS, and passes Host, path and query on as they are"},
		{key: "proxy.trusted", flag: "trusted-proxies", example: "10.0.0.0/8", parse: list(func(c *Config) *[]string { return &c.Proxy.Trusted }),
			help: "networks of the proxies whose X-Forwarded-For is believed, with commas between"},

		{key: "retention.resolved", usual: "90d", parse: duration(func(c *Config) *durationValue { return &c.Retention.Resolved }),
			help: "how long resolved findings are kept, as AWS keeps them"},
		{key: "retention.runs", usual: "400d", parse: duration(func(c *Config) *durationValue { return &c.Retention.Runs }),
			help: "how long runs are kept that aren't an account's last"},

		{key: "notify.eventbridge.bus", example: "default", parse: text(func(c *Config) *string { return &c.Notify.Bus }),
			help: "EventBridge bus, by name or ARN, that is told of findings"},
		{key: "notify.security_hub.region", example: "us-east-1", parse: text(func(c *Config) *string { return &c.Notify.HubRegion }),
			help: "Region whose Security Hub findings are imported into, in each account"},
		{key: "notify.webhook.url", example: "https://hooks.example.com/pare", parse: text(func(c *Config) *string { return &c.Notify.WebhookURL }),
			help: "where changes of findings are posted"},
		{key: "notify.webhook.secret_file", example: "/etc/pare/webhook-secret", parse: text(func(c *Config) *string { return &c.Notify.WebhookSecretFile }),
			help: "file with the secret that signs what is posted, 16 bytes or more"},
		{key: "notify.webhook.format", usual: "pare", parse: oneOf(func(c *Config) *string { return &c.Notify.WebhookFormat }, "pare", "ocsf"),
			help: "pare or ocsf"},
		{key: "notify.webhook.allow_private", usual: "false", parse: boolean(func(c *Config) *bool { return &c.Notify.AllowPrivate }),
			help: "the URL may lead into a private network"},
		{key: "notify.ocsf.file", example: "/var/log/pare/ocsf.jsonl", parse: text(func(c *Config) *string { return &c.Notify.OCSFFile }),
			help: "file that OCSF events are appended to, a line each"},

		{key: "metrics.token_file", example: "/etc/pare/metrics-token", parse: text(func(c *Config) *string { return &c.MetricsTokenFile }),
			help: "file with the bearer token that /metrics takes from other machines"},
		{key: "log.level", usual: "info", parse: oneOf(func(c *Config) *string { return &c.Log.Level }, "debug", "info", "warn", "error"),
			help: "debug, info, warn or error"},
		{key: "log.format", usual: "text", parse: oneOf(func(c *Config) *string { return &c.Log.Format }, "text", "json"),
			help: "text or json, on standard error"},
		{key: "shutdown.drain", usual: "0s", parse: duration(func(c *Config) *durationValue { return &c.Drain }),
			help: "how long /readyz says 503 before connections are refused"},
		{key: "shutdown.grace", usual: "20s", parse: duration(func(c *Config) *durationValue { return &c.Grace }),
			help: "how long requests and jobs under way may take to end"},
	}
}

// masked is what is shown in the place of a secret.
const masked = "xxxxx"

// withoutPassword is a database's URL without its password.
func withoutPassword(v string) string {
	u, err := url.Parse(v)
	switch {
	case err != nil:
		return masked
	case u.Scheme == "":
		return v
	}
	q := u.Query()
	for name := range q {
		if strings.Contains(strings.ToLower(name), "password") {
			q.Set(name, masked)
			u.RawQuery = q.Encode()
		}
	}
	return u.Redacted()
}
