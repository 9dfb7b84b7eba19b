package collect_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"

	"github.com/pare-iam/pare/internal/collect"
)

// failing is a network in which every call fails in one way.
type failing struct{ err error }

func (f failing) Do(*http.Request) (*http.Response, error) { return nil, f.err }

// Of what the network does, people are told what it means and what to do.
func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name        string
		err         error
		message, do string
	}{
		{"no such host", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "sts.us-esat-1.amazonaws.com", IsNotFound: true}},
			"no such host: dial tcp: lookup sts.us-esat-1.amazonaws.com: no such host", "check --region"},
		{"a name service that is out of order", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", Name: "sts.amazonaws.com"}},
			"the endpoint can't be reached: dial tcp: lookup sts.amazonaws.com: server misbehaving", "check the network"},
		{"a certificate of nobody's", x509.UnknownAuthorityError{}, "the endpoint's certificate isn't trusted: x509: ", "if a proxy looks into TLS"},
		{"another host's certificate", x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"a"}}, Host: "b"}, "the endpoint's certificate isn't trusted: x509: ", "if a proxy looks into TLS"},
		{"a connection that was reset", &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: 40000}, Err: syscall.ECONNRESET}, "the endpoint can't be reached: connection reset by peer", "check the network"},
		{"something else", errors.New("odd"), "STS GetCallerIdentity: odd", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := (&front{}).config()
			cfg.BaseEndpoint, cfg.HTTPClient = aws.String("http://aws.example.com"), failing{test.err}
			_, err := collect.One(t.Context(), cfg, t.TempDir(), options())
			message, do := collect.Explain(err)
			if !strings.HasPrefix(message, test.message) || !strings.HasPrefix(do, test.do) || (do == "") != (test.do == "") {
				t.Errorf("got %q, %q\nwant %q, %q", message, do, test.message, test.do)
			}
		})
	}
	for _, test := range []struct {
		name        string
		err         error
		message, do string
	}{
		{"a full disk", fmt.Errorf("account: %w", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), "the disk is full, or a quota or limit is reached: write x: no space left on device", "make room"},
		{"a login that has ended", &ssocreds.InvalidTokenError{Err: errors.New("late")}, "the AWS credentials have expired: late", "log in again"},
		{"an error of our own", errors.New("account x: want another"), "account x: want another", ""},
		{"several, of which the first counts", errors.Join(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ENETUNREACH}, fs.ErrClosed), "the endpoint can't be reached: dial tcp: network is unreachable", "check the network"},
	} {
		t.Run(test.name, func(t *testing.T) {
			message, do := collect.Explain(test.err)
			if !strings.HasPrefix(message, test.message) || !strings.HasPrefix(do, test.do) || (do == "") != (test.do == "") {
				t.Errorf("got %q, %q\nwant %q, %q", message, do, test.message, test.do)
			}
		})
	}
}
