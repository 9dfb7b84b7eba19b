package collect

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// answerLimit is how long an answer may take to begin. AWS takes seconds.
const answerLimit = time.Minute

// HTTPClient makes the client that calls to AWS go through. It keeps as many connections as
// calls are made at a time, doesn't wait for ever, and says which proxy refused.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 64
		t.ResponseHeaderTimeout = answerLimit
		t.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			return proxyError{proxy.Redacted(), answer.Status}
		}
	})
}

// proxyError is that a proxy doesn't let a connection through.
type proxyError struct{ proxy, status string }

func (e proxyError) Error() string { return fmt.Sprintf("%s answers %s", e.proxy, e.status) }
