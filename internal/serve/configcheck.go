package serve

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
)

// check refuses what makes no sense together, and fills in what follows from other settings.
// What login.Requirements looks at is left to it.
func (c *Config) check() error {
	var errs []error
	together := func(a, b, names string) {
		if (a == "") != (b == "") {
			errs = append(errs, fmt.Errorf("%s: want both or neither", names))
		}
	}
	together(c.TLS.Cert, c.TLS.Key, "tls.cert_file and tls.key_file")
	together(c.Notify.WebhookURL, c.Notify.WebhookSecretFile, "notify.webhook.url and notify.webhook.secret_file")
	c.fill()
	return errors.Join(errs...)
}

// noAccount is whose analyzers are, on a server that has no accounts yet.
const noAccount = "000000000000"

func (c *Config) fill() {
	c.Database = cmp.Or(c.Database, filepath.Join(c.DataDir, "pare.db"))
	c.KeyFile = cmp.Or(c.KeyFile, filepath.Join(c.DataDir, "key"))
	first := noAccount
	if len(c.Accounts) > 0 {
		first = c.Accounts[0].ID
	}
	c.Account = cmp.Or(c.Account, first)
}
