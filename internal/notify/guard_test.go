package notify

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargets(t *testing.T) {
	const want = "webhook: want a URL such as https://example.com/hooks/pare"
	for _, tt := range []struct{ url, want string }{
		{"https://example.com/hooks/pare?team=a", ""},
		{"https://10.0.0.1:8443/", ""}, // refused or not when it is connected to
		{"http://127.0.0.1:8080/", ""},
		{"http://localhost:8080/", ""},
		{"http://[::1]/", ""},
		{"http://[::ffff:127.0.0.1]/", ""},
		{"http://example.com/", "webhook: http: want https, or a host of this machine's own such as 127.0.0.1"},
		{"http://localhost.example.com/", "webhook: http: want https, or a host of this machine's own such as 127.0.0.1"},
		{"http://127.0.0.1.example.com/", "webhook: http: want https, or a host of this machine's own such as 127.0.0.1"},
		{"http://10.0.0.1/", "webhook: http: want https, or a host of this machine's own such as 127.0.0.1"},
		{"ftp://example.com/", "webhook: ftp: want https"},
		{"file://localhost/etc/passwd", "webhook: file: want https"},
		{"https://ann:secret@example.com/", "webhook: a URL with a user or password: leave them out, requests are signed"},
		{"https://example.com/#x", "webhook: a URL with a fragment: leave out what follows the #"},
		{"example.com/hooks", want},
		{"https://", want},
		{"https://:443/", want},
		{"https://exa mple.com/", want},
		{"", want},
	} {
		got := ""
		if _, err := target(tt.url); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.url, diff)
		}
	}
}

func TestReach(t *testing.T) {
	for _, tt := range []struct {
		address              string
		public, private, own bool
	}{
		{"93.184.216.34", true, true, false},
		{"2606:2800:220:1::1", true, true, false},
		{"10.1.2.3", false, true, false},
		{"172.16.0.1", false, true, false},
		{"172.32.0.1", true, true, false},
		{"192.168.1.1", false, true, false},
		{"100.64.0.1", false, true, false},
		{"fd12::1", false, true, false},
		{"127.0.0.1", false, true, true},
		{"127.8.8.8", false, true, true},
		{"::1", false, true, true},
		{"::ffff:127.0.0.1", false, true, true},
		{"::ffff:10.0.0.1", false, true, false},
		{"64:ff9b::a00:1", false, true, false}, // 10.0.0.1 behind a translator
		{"2002:a00:1::", false, true, false},
		{"169.254.169.254", false, false, false},
		{"::ffff:169.254.169.254", false, false, false},
		{"fd00:ec2::254", false, false, false},
		{"fe80::1%eth0", false, false, false},
		{"0.0.0.0", false, false, false},
		{"::", false, false, false},
		{"224.0.0.1", false, false, false},
		{"255.255.255.255", false, false, false},
		{"ff02::1", false, false, false},
	} {
		ip := netip.MustParseAddr(tt.address)
		got := []bool{public.allows(ip), private.allows(ip), own.allows(ip)}
		if diff := cmp.Diff([]bool{tt.public, tt.private, tt.own}, got); diff != "" {
			t.Errorf("%s: public, private, own: -want +got\n%s", ip, diff)
		}
	}
}

// The check is of the address that is connected to, whatever name led there.
func TestControlSeesAddresses(t *testing.T) {
	for _, tt := range []struct {
		reach         reach
		address, want string
	}{
		{public, "93.184.216.34:443", ""},
		{own, "127.0.0.1:80", ""},
		{public, "127.0.0.1:443", "127.0.0.1 isn't an address of the internet: allow private addresses if the webhook is on a network of yours"},
		{public, "[::ffff:10.0.0.1]:443", "::ffff:10.0.0.1 isn't an address of the internet: allow private addresses if the webhook is on a network of yours"},
		{private, "169.254.169.254:443", "169.254.169.254: a webhook may never connect to such an address"},
		{own, "10.0.0.1:80", "10.0.0.1 isn't this machine, as the URL says"},
		{public, "example.com:443", `ParseAddr("example.com"): unexpected character (at "example.com")`},
		{public, "example.com", "address example.com: missing port in address"},
	} {
		got := ""
		if err := tt.reach.control("tcp", tt.address, nil); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.address, diff)
		}
	}
}
