package collect

import (
	"context"
	"crypto/x509"
	"errors"
	"iter"
	"net"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Explain says what an error of a call to AWS means, and what to do about it. Of other
// errors message is their text, and do is empty.
func Explain(err error) (message, do string) {
	for _, known := range [...]struct {
		is          func(error) bool
		message, do string
	}{
		{full, "the disk is full, or a quota or limit is reached", "make room, and give the same command: it goes on from here"},
		{expired, "the AWS credentials have expired", "log in again, and give the same command: it goes on from here"},
		{noCredentials, "no AWS credentials", "log in (`aws sso login`, `aws configure`), or give --profile; `pare doctor` shows who you are"},
		{wrongClock, "this machine's clock is wrong", "set it (timedatectl, sntp) and try again: days are counted back from it"},
		{coded(unknownKeys), "AWS doesn't know these credentials: they were deleted, or they are of another partition", "check --profile, and --region or --partition: keys of aws, aws-cn and aws-us-gov are good there alone"},
		{coded(wrongSecrets), "AWS refuses the signature: the secret doesn't belong to the access key, or a proxy changes requests", "check the credentials, and HTTPS_PROXY"},
		{notInUse, "the account isn't in an organization", "leave --org out, or give credentials of the organization's management account"},
		{refusedByProxy, "the proxy refuses the connection", "check HTTPS_PROXY, or let the proxy through to AWS; NO_PROXY names hosts to reach without it"},
		{notFound, "no such host", "check --region and --endpoint-url, and the name service"},
		{untrusted, "the endpoint's certificate isn't trusted", "if a proxy looks into TLS, name its certificate in AWS_CA_BUNDLE"},
		{unreachable, "the endpoint can't be reached", "check the network, HTTPS_PROXY and --endpoint-url"},
		{notAWS, "the endpoint doesn't answer as AWS does", "check --endpoint-url, AWS_ENDPOINT_URL and HTTPS_PROXY: something else is there"},
		{cantAssume, "the role can't be assumed", "check its trust policy, --external-id, and sts:AssumeRole on your side"},
	} {
		if known.is(err) {
			return known.message + ": " + Why(err), known.do
		}
	}
	if _, ok := errors.AsType[*smithy.OperationError](err); ok {
		return calls(err) + ": " + Why(err), ""
	}
	return err.Error(), ""
}

// calls names the call that failed, the inner one if it was made for another's credentials.
func calls(err error) string {
	name := ""
	for op := range operations(err) {
		name = op.Service() + " " + op.Operation()
	}
	return name
}

// operations are the calls that an error comes from: the one that was made, and those that
// were made for it.
func operations(err error) iter.Seq[*smithy.OperationError] {
	return func(yield func(*smithy.OperationError) bool) {
		for op, ok := errors.AsType[*smithy.OperationError](err); ok && yield(op); {
			op, ok = errors.AsType[*smithy.OperationError](op.Err)
		}
	}
}

// full: the disk is, or what its owner may use of it.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func coded(codes []string) func(error) bool {
	return func(err error) bool { return hasCode(err, codes) }
}

// wrongClock: a bad signature is told apart by its message alone.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
func wrongClock(err error) bool {
	if _, skewed := errors.AsType[clockError](err); skewed {
		return true
	}
	api, ok := errors.AsType[smithy.APIError](err)
	return hasCode(err, wrongClocks) || ok && hasCode(err, wrongSecrets) &&
		(strings.Contains(api.ErrorMessage(), "Signature expired") || strings.Contains(api.ErrorMessage(), "Signature not yet current"))
}

// credentials are credentials whose absence is an error of its own type: the SDK has none.
type credentials struct{ aws.CredentialsProvider }

func (c credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = credentialsError{err}
	}
	return got, err
}

// credentialsError is that there are no credentials, or that they couldn't be got.
type credentialsError struct{ error }

func (e credentialsError) Unwrap() error { return e.error }

func noCredentials(err error) bool {
	_, none := errors.AsType[credentialsError](err)
	_, answered := errors.AsType[smithy.APIError](err)
	return none && !answered
}

func expired(err error) bool {
	_, sso := errors.AsType[*ssocreds.InvalidTokenError](err)
	return sso || hasCode(err, expiredCodes)
}

func notFound(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}

func untrusted(err error) bool {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return unknown || name || invalid
}

func unreachable(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

func notInUse(err error) bool { return hasCode(err, []string{"AWSOrganizationsNotInUseException"}) }

func refusedByProxy(err error) bool {
	_, ok := errors.AsType[proxyError](err)
	return ok
}

// notAWS: the answer is in another form than AWS's, or is one that AWS doesn't give. Who
// one is nobody is denied.
func notAWS(err error) bool {
	_, strange := errors.AsType[*smithy.DeserializationError](err)
	_, wrong := errors.AsType[notAWSError](err)
	return strange || wrong || hasCode(err, []string{unknownCode}) && (!denied(err) || madeFor(err, "GetCallerIdentity"))
}

func cantAssume(err error) bool { return madeFor(err, "AssumeRole") && denied(err) }

// madeFor says whether the call that failed is one of STS's operations.
func madeFor(err error, operation string) bool { return calls(err) == sts.ServiceID+" "+operation }
