package apply

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pare-iam/pare/internal/awstest"
)

// faulty is a road to AWS on which calls that write go wrong.
type faulty struct {
	mu    sync.Mutex
	calls int
	wrong func(n int) fault // of the n-th call that writes, from 1
}

// fault is how a call goes wrong.
type fault uint8

const (
	fine      fault = iota
	refusedTo       // no connection: nothing is done
	cut             // it is done, and the answer is lost
	broken          // AWS answers 500, and nothing is done
	brokenEnd       // AWS answers 500, and it is done
	tooMany         // AWS throttles
	faults
)

var errCut = errors.New("connection reset by peer")

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	writes, err := isWrite(r)
	if err != nil || !writes {
		return send(r, err)
	}
	f.mu.Lock()
	f.calls++
	kind := f.wrong(f.calls)
	f.mu.Unlock()
	switch kind {
	case fine, faults:
		return send(r, nil)
	case refusedTo:
		return nil, errCut
	case broken:
		return answer(r, 500, "ServiceFailure"), nil
	case tooMany:
		return answer(r, 400, "Throttling"), nil
	case cut, brokenEnd:
		response, err := send(r, nil)
		if err != nil {
			return nil, err
		}
		if err := response.Body.Close(); err != nil {
			return nil, err
		}
		if kind == cut {
			return nil, errCut
		}
		return answer(r, 500, "ServiceFailure"), nil
	}
	panic(kind)
}

func send(r *http.Request, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	return http.DefaultTransport.RoundTrip(r)
}

func answer(r *http.Request, status int, code string) *http.Response {
	kind := "Sender"
	if status >= 500 {
		kind = "Receiver"
	}
	body := fmt.Sprintf(`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>%s</Type><Code>%s</Code><Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>`, kind, code)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))),
	}
}

// Every call that writes goes wrong once, in every way, and the plan is done and taken back
// all the same, without a call being made twice.
func TestFaults(t *testing.T) {
	w := wholeWorld(t)
	for kind := refusedTo; kind < faults; kind++ {
		t.Run(fmt.Sprintf("each call, kind %d", kind), func(t *testing.T) {
			everyOther := func(n int) fault {
				if n%2 == 1 {
					return kind
				}
				return fine
			}
			if kind == cut || kind == brokenEnd { // what is done isn't done again
				everyOther = func(int) fault { return kind }
			}
			thereAndBack(t, w, everyOther)
		})
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			thereAndBack(t, w, func(int) fault { return fault(random.IntN(int(faults))) })
		})
	}
}

// The same from the front, on the wire: of all calls, those that read too, some are cut off,
// throttled or answered with 500, by a seed. A run that gives up is resumed.
func TestFaultsOfTheFront(t *testing.T) {
	w := wholeWorld(t)
	for seed := range uint64(2) {
		var faults atomic.Int64
		noted := func(f awstest.Fault) awstest.Fault {
			return func(w http.ResponseWriter, c awstest.Call) bool {
				faults.Add(1)
				return f(w, c)
			}
		}
		plan, before := w.whole(), w.state()
		j := journal(t, plan)
		path, stops := j.Path, 0
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		wrong := awstest.Any(
			awstest.Sometimes(seed, 0.05, noted(awstest.Cut)), awstest.Sometimes(seed+100, 0.05, noted(awstest.Throttle)),
			awstest.Sometimes(seed+200, 0.05, noted(awstest.Refuse(http.StatusInternalServerError, "ServiceFailure", "no"))),
		)
		until := func(run func(*Runner, *Journal) error) {
			t.Helper()
			r := runner(w.s.URL, http.DefaultTransport)
			cfg := config(w.s.URL, http.DefaultTransport, "AKIATESTTESTTESTTEST")
			cfg.Retryer = func() aws.Retryer { // as pare's, but without its waits; writes have none
				return retry.NewStandard(func(o *retry.StandardOptions) { o.RateLimiter, o.MaxBackoff = ratelimit.None, time.Millisecond })
			}
			r.IAM, r.Caller = iam.NewFromConfig(cfg), sts.NewFromConfig(cfg)
			w.s.SetFault(wrong)
			defer w.s.SetFault(nil)
			for {
				j := opened(t, path)
				err := run(r, j)
				if closed := j.Close(); closed != nil {
					t.Fatal(closed)
				}
				if err == nil {
					return
				}
				if _, conflict := errors.AsType[*Conflict](err); conflict || stops == 50 {
					t.Fatalf("after %d stops: %v", stops, err)
				}
				stops++
			}
		}
		until(func(r *Runner, j *Journal) error { return r.Apply(t.Context(), j) })
		differ(t, "applied", before.planned(plan), w.state())
		until(func(r *Runner, j *Journal) error {
			_, err := r.Rollback(t.Context(), j, Selection{})
			return err
		})
		differ(t, "taken back", before.without(lostBy(plan)...), w.state())
		if t.Logf("seed %d: %d faults, gave up %d times", seed, faults.Load(), stops); faults.Load() < 20 {
			t.Errorf("seed %d: only %d faults", seed, faults.Load())
		}
	}
}

// thereAndBack goes there and back on a faulty road.
func thereAndBack(t *testing.T, w *world, wrong func(int) fault) {
	t.Helper()
	plan, before := w.whole(), w.state()
	r := runner(w.s.URL, &faulty{wrong: wrong})
	j := journal(t, plan)
	if err := r.Apply(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	differ(t, "applied", before.planned(plan), w.state())
	if _, err := r.Rollback(t.Context(), j, Selection{}); err != nil {
		t.Fatal(err)
	}
	differ(t, "taken back", before.without(lostBy(plan)...), w.state())
}

// A fault that stays ends the run, with all that was done in the journal; when it is over,
// the run is finished, or taken back.
func TestLastingFaults(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 14; n += 3 {
		t.Run(fmt.Sprintf("from call %d", n), func(t *testing.T) {
			plan, before := w.every(), w.state()
			j := journal(t, plan)
			wrong := func(at int) fault {
				if at < n {
					return fine
				}
				return refusedTo
			}
			err := runner(w.s.URL, &faulty{wrong: wrong}).Apply(t.Context(), j)
			stop, ok := errors.AsType[*Stop](err)
			if !ok || stop.Action == "" || !strings.Contains(err.Error(), errCut.Error()) {
				t.Fatalf("got %v", err)
			}
			j = reopened(t, j)
			if n%2 == 0 {
				if err := runner(w.s.URL, http.DefaultTransport).Apply(t.Context(), j); err != nil {
					t.Fatal(err)
				}
				differ(t, "resumed", before.planned(plan), w.state())
			}
			results, err := runner(w.s.URL, http.DefaultTransport).Rollback(t.Context(), j, Selection{})
			if err != nil {
				t.Fatal(err)
			}
			differ(t, "taken back", before.without(lostOf(results)...), w.state())
		})
	}
}

// reopened is a journal as the next process finds it.
func reopened(t *testing.T, j *Journal) *Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return opened(t, j.Path)
}

// lostOf is what AWS didn't give back.
func lostOf(results []Result) []string {
	var lost []string
	for _, r := range results {
		if r.Outcome == NotBack {
			lost = append(lost, lostBy(&Plan{Steps: []Step{{Actions: []Action{r.Action}}}})...)
		}
	}
	return lost
}

// fullDisk is a journal's file with room for some writes.
type fullDisk struct {
	file
	room int
}

func (f *fullDisk) Write(line []byte) (int, error) {
	if f.room--; f.room < 0 {
		half, err := f.file.Write(line[:len(line)/2])
		return half, errors.Join(err, syscall.ENOSPC)
	}
	return f.file.Write(line)
}

// When the disk is full nothing more is called, and what was done is taken back by what the
// journal has.
func TestFullDisk(t *testing.T) {
	w := newWorld(t)
	for room := range 12 {
		t.Run(fmt.Sprintf("room for %d lines", room), func(t *testing.T) {
			plan, before := w.every(), w.state()
			j := journal(t, plan)
			j.file = &fullDisk{j.file, room}
			road := &faulty{wrong: func(int) fault { return fine }}
			err := runner(w.s.URL, road).Apply(t.Context(), j)
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), j.Path) {
				t.Fatalf("got %v", err)
			}
			src, err := os.ReadFile(j.Path)
			if err != nil {
				t.Fatal(err)
			}
			if lines := strings.Count(string(src), `"kind":"call"`); lines < road.calls {
				t.Errorf("%d calls, and only %d lines about them", road.calls, lines)
			}
			if _, err := runner(w.s.URL, http.DefaultTransport).Rollback(t.Context(), reopened(t, j), Selection{}); err != nil {
				t.Fatal(err)
			}
			differ(t, "taken back", before, w.state())
		})
	}
}
