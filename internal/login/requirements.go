package login

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Setup is how a server is reached, and how people log in.
type Setup struct {
	Listen         string         // host:port; for New, what the listener says
	PasswordFile   string         // "": none
	OIDC           *OIDC          // nil: none
	TLS            bool           // the server has a certificate
	BehindProxy    bool           // a proxy stands before it, which does the TLS
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	PublicURL      string         // "https://pare.example.com", as browsers see the server; OIDC needs it
}

// Requirements says whether a server may start: on loopback without a login, elsewhere with
// one and with TLS. The error has everything that is missing, and what to type.
func Requirements(s Setup) error {
	var errs []error
	local, err := isLoopback(s.Listen)
	if err != nil {
		errs = append(errs, err)
	}
	if err == nil && !local && !s.hasLogin() {
		errs = append(errs, fmt.Errorf("listening on %s without a login: others than this machine can reach it: "+
			"add --password-file (see `pare serve password`) or an oidc section to the config file, or listen on 127.0.0.1", s.Listen))
	}
	if err == nil && !local && !s.secure() {
		errs = append(errs, fmt.Errorf("listening on %s without TLS: passwords could be read on the way: "+
			"add --tls-cert and --tls-key, or --behind-proxy if a proxy does the TLS", s.Listen))
	}
	errs = append(errs, s.proxyErrors()...)
	if s.PublicURL != "" {
		errs = append(errs, checkURL("public URL", s.PublicURL))
	}
	if s.OIDC != nil {
		errs = append(errs, s.OIDC.problems(s.PublicURL)...)
	}
	return errors.Join(errs...)
}

func (s *Setup) proxyErrors() []error {
	var errs []error
	if s.BehindProxy && !s.hasLogin() {
		errs = append(errs, errors.New("behind a proxy without a login: whoever reaches the proxy would be an admin: "+
			"add --password-file (see `pare serve password`) or an oidc section to the config file"))
	}
	if s.BehindProxy && len(s.TrustedProxies) == 0 {
		errs = append(errs, errors.New("behind a proxy, but which? add --trusted-proxies with its addresses, such as 127.0.0.1/32"))
	}
	if !s.BehindProxy && len(s.TrustedProxies) > 0 {
		errs = append(errs, errors.New("trusted proxies without --behind-proxy: add it, or remove them"))
	}
	for _, p := range s.TrustedProxies {
		if p.Bits() == 0 || !p.IsValid() {
			errs = append(errs, fmt.Errorf("trusted proxy %s: that is everybody: name the proxy's own addresses", p))
		}
	}
	return errs
}

func (s *Setup) hasLogin() bool { return s.PasswordFile != "" || s.OIDC != nil }

// secure says whether browsers reach the server by TLS alone.
func (s *Setup) secure() bool { return s.TLS || s.BehindProxy }

// isLoopback says whether only this machine reaches an address. A host that has to be looked
// up isn't known to be, except localhost.
func isLoopback(listen string) (bool, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false, fmt.Errorf("listening on %q: want host:port, such as 127.0.0.1:8080", listen)
	}
	return loopbackName(host), nil
}

// loopbackName says whether a host means this machine, whoever is asked.
func loopbackName(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true // RFC 6761, section 6.3
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// checkURL takes an origin whose way is safe: https, or http on this machine.
func checkURL(what, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("%s %q: want https:// and a host alone, such as https://pare.example.com", what, text)
	}
	return checkScheme(what, u)
}

func checkScheme(what string, u *url.URL) error {
	if u.Scheme != "https" && (u.Scheme != "http" || !loopbackName(u.Hostname())) {
		return fmt.Errorf("%s %q: want https://; http:// is for this machine alone", what, u)
	}
	return nil
}
