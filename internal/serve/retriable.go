package serve

import (
	"net/http"
	"strconv"
	"time"
)

// retryAfter is when to ask again what couldn't be answered for a reason that is the
// server's: a database that is restarted is back within seconds.
const retryAfter = 5 * time.Second

// retriable has answers with a status from least up say when to ask again. An AWS SDK takes
// any of the API's that are the server's fault for one to be retried, and its
// InternalServerException has the header as retryAfterSeconds.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_InternalServerException.html
func retriable(next http.Handler, least int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&hinting{w, least}, r)
	})
}

type hinting struct {
	http.ResponseWriter
	least int
}

func (w *hinting) WriteHeader(status int) {
	const header = "Retry-After"
	if status >= w.least && w.Header().Get(header) == "" {
		w.Header().Set(header, strconv.Itoa(int(retryAfter/time.Second)))
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController through.
func (w *hinting) Unwrap() http.ResponseWriter { return w.ResponseWriter }
