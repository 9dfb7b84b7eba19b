package login

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops bounds how much of X-Forwarded-For is looked at.
const maxHops = 32

// clientAddress is where a request comes from: whoever connected, or, if that is a trusted
// proxy, the last address before it in X-Forwarded-For that isn't one. What stands further
// left is the client's own word. Not valid if the connection has no IP address.
// https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	from := remote(r)
	if !isTrusted(from, trusted) {
		return from
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i, hop := range slices.Backward(hops) {
		if i < len(hops)-maxHops {
			return from
		}
		addr, ok := parseHop(hop)
		if !ok {
			return from
		}
		if from = addr; !isTrusted(addr, trusted) {
			return from
		}
	}
	return from
}

func remote(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// parseHop reads an address, or one with a port as some proxies write it.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		var at netip.AddrPort
		if at, err = netip.ParseAddrPort(text); err != nil {
			return netip.Addr{}, false
		}
		addr = at.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// subscriber is what an address is counted under: who has one of IPv6 has 2^64.
func subscriber(addr netip.Addr) string {
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// shown is an address for the audit log; "" if there is none.
func shown(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	return addr.String()
}
