package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/smithy-go"

	"github.com/pare-iam/pare/internal/snapshot"
)

// localError is an error of this machine: a disk that is full. It ends a run.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

// enough is how many calls of an operation are denied, or throttled until no attempt is left,
// none allowed, before it isn't called any more.
const enough = 5

// streak is what an operation has answered so far.
type streak struct {
	denials int
	allowed bool
	last    error
}

// guard calls an operation unless it is known to be denied.
func (a *account) guard(operation string, call func() error) error {
	if err := a.known(operation); err != nil {
		return err
	}
	err := call()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.streak(operation)
	switch {
	case err == nil:
		s.allowed = true
	case denied(err), throttled(err):
		s.denials++
		s.last = err
	}
	return err
}

func (a *account) known(operation string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.streak(operation); s.denials >= enough && !s.allowed {
		return s.last
	}
	return nil
}

func (a *account) streak(operation string) *streak {
	if a.denied[operation] == nil {
		a.denied[operation] = &streak{}
	}
	return a.denied[operation]
}

// orMissing notes a part that can't be had. An error after which no other call can succeed
// is given back, and so is the interruption of the run.
func (a *account) orMissing(ctx context.Context, what string, err error) error {
	var local localError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &local), lost(err):
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.result.Missing = append(a.result.Missing, snapshot.Missing{What: what, Why: Why(err)})
	return nil
}

// Why is what AWS says about a call that failed, or what this machine does, in one line and
// without what differs from call to call.
func Why(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() != unknownCode {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Source == nil { // there is no port of ours in it
		return dial.Error()
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return file.Error()
	}
	inner := innermost(err)
	if code := status(err); code != 0 {
		return fmt.Sprintf("HTTP status %d: %v", code, inner)
	}
	return inner.Error()
}

// innermost is what an error came from; of several that were joined, the first.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			next = joined.Unwrap()[0]
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// unknownCode is the SDK's word for an answer that names no error.
const unknownCode = "UnknownError"

// The codes that tell what is the matter, in their several spellings.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
var (
	deniedCodes  = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
	expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
	unknownKeys  = []string{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken", "AuthFailure"}
	wrongSecrets = []string{"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"}
	wrongClocks  = []string{"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"}
)

func hasCode(err error, codes []string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, api.ErrorCode())
}

func status(err error) int {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// denied says whether a call was understood and not allowed.
func denied(err error) bool {
	if hasCode(err, deniedCodes) {
		return true
	}
	return hasCode(err, []string{unknownCode}) && status(err) == http.StatusForbidden
}

// lost says whether no other call can succeed: the credentials are no good any more, or
// AWS can't be reached, though every call has been tried again and again.
func lost(err error) bool {
	if calls := calls(err); strings.HasPrefix(calls, cloudtrail.ServiceID+" ") && (notFound(err) || unreachable(err)) {
		return false // it is in a Region; IAM isn't
	}
	return noCredentials(err) || notFound(err) || unreachable(err) || refusedByProxy(err) || hasCode(err, slices.Concat(expiredCodes, unknownKeys, wrongSecrets, wrongClocks))
}
