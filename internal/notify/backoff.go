package notify

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// askedLimit is the longest wait that the other side may ask for.
const askedLimit = time.Hour

// backoff is how long to wait after so many attempts: between half and the whole of
// MinWait·2^(attempts-1), at most MaxWait, at random, so that many that failed together
// don't come again together.
func (o Options) backoff(attempts int) time.Duration {
	whole := o.MaxWait
	if shift := attempts - 1; o.MinWait <= o.MaxWait>>shift {
		whole = o.MinWait << shift
	}
	return whole/2 + rand.N(whole/2+1)
}

// sleep waits, or less if somebody wakes it. It is false when ctx ended.
func sleep(ctx context.Context, wait time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// retryAfter is how long a Retry-After header asks to wait at a time: seconds or a date;
// 0 if it asks for nothing that can be read.
// https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		const most = int(askedLimit / time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), askedLimit)
}
