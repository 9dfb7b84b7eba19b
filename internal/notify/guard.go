package notify

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
)

// target reads a webhook's URL. The error doesn't repeat it: it may have a secret in it.
func target(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, errors.New("webhook: want a URL such as https://example.com/hooks/pare")
	case u.User != nil:
		return nil, errors.New("webhook: a URL with a user or password: leave them out, requests are signed")
	case u.Fragment != "":
		return nil, errors.New("webhook: a URL with a fragment: leave out what follows the #")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("webhook: http: want https, or a host of this machine's own such as 127.0.0.1")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("webhook: %s: want https", u.Scheme)
	}
	return u, nil
}

// loopback says whether a host is this machine by what it is called.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// reach is which addresses a webhook may connect to.
type reach int

const (
	public  reach = iota // addresses of the internet alone
	private              // those of private networks and of this machine too
	own                  // this machine's loopback alone
)

// reachOf is the reach of a URL's host under the setting.
func reachOf(u *url.URL, allowPrivate bool) reach {
	switch {
	case loopback(u.Hostname()):
		return own
	case allowPrivate:
		return private
	}
	return public
}

// never are addresses that no setting opens: they lead to the credentials of the machine
// that pare runs on, or to nobody in particular.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
var never = prefixes("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8", "240.0.0.0/4")

// inside are addresses that aren't of the internet, or stand for others that may not be.
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var inside = prefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "192.88.99.0/24",
	"::1/128", "fc00::/7", "fec0::/10", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "::/96",
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func within(ip netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// allows says whether an address may be connected to.
func (r reach) allows(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	//exhaustive:enforce
	switch r {
	case own:
		return ip.IsLoopback()
	case private:
		return !within(ip, never)
	case public:
		return !within(ip, never) && !within(ip, inside)
	}
	panic(fmt.Sprintf("notify: unhandled reach %d", r))
}

// control refuses an address just before it is connected to, when no name stands between any
// more: what a name resolves to may change after a check of the name.
func (r reach) control(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	return r.refuse(ip)
}

// refuse says why an address is out of reach; nil if it isn't.
func (r reach) refuse(ip netip.Addr) error {
	switch {
	case r.allows(ip):
		return nil
	case r == public && private.allows(ip):
		return fmt.Errorf("%s isn't an address of the internet: allow private addresses if the webhook is on a network of yours", ip)
	case r == own:
		return fmt.Errorf("%s isn't this machine, as the URL says", ip)
	}
	return fmt.Errorf("%s: a webhook may never connect to such an address", ip)
}
