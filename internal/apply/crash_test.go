package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What a test's own process is told when it is started again to be killed.
const (
	crashAt    = "PARE_APPLY_TEST_CRASH_AT" // the place to die at, from 1
	crashMode  = "PARE_APPLY_TEST_MODE"     // apply, torn or rollback
	crashURL   = "PARE_APPLY_TEST_URL"
	crashFile  = "PARE_APPLY_TEST_PLAN"
	crashFound = 7 // exit code: the run came to its end, and the place wasn't reached
)

func TestMain(m *testing.M) {
	if os.Getenv(crashAt) != "" {
		os.Exit(crash())
	}
	os.Exit(m.Run())
}

// bomb kills the process at its n-th place.
type bomb struct{ left atomic.Int64 }

func (b *bomb) place() {
	if b.left.Add(-1) == 0 {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		panic(fmt.Sprintf("still alive: %v", err))
	}
}

// mined is a journal's file with a place behind each line, which is before whatever comes
// next; or, torn, in the middle of each.
type mined struct {
	file
	bomb *bomb
	torn bool
}

func (m mined) Write(line []byte) (int, error) {
	if !m.torn {
		return m.file.Write(line)
	}
	half, err := m.file.Write(line[:len(line)/2])
	if err != nil {
		return half, err
	}
	m.bomb.place()
	rest, err := m.file.Write(line[half:])
	return half + rest, err
}

func (m mined) Sync() error {
	err := m.file.Sync()
	if !m.torn {
		m.bomb.place()
	}
	return err
}

// minedRoad has a place behind each call that writes; or, torn, before each.
type minedRoad struct {
	bomb *bomb
	torn bool
}

func (m minedRoad) RoundTrip(r *http.Request) (*http.Response, error) {
	writes, err := isWrite(r)
	if err != nil {
		return nil, err
	}
	if !writes {
		return http.DefaultTransport.RoundTrip(r)
	}
	if m.torn {
		m.bomb.place()
		return http.DefaultTransport.RoundTrip(r)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	m.bomb.place()
	return response, err
}

// isWrite says whether a request of IAM's changes something.
func isWrite(r *http.Request) (bool, error) {
	operation, err := operationOf(r)
	return !strings.HasPrefix(operation, "Get") && !strings.HasPrefix(operation, "List"), err
}

// operationOf is the operation of a request of the query protocol, which is left as it was.
func operationOf(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	params, err := url.ParseQuery(string(body))
	return params.Get("Action"), err
}

// crash is what the process does that is to be killed.
func crash() int {
	n, err := strconv.Atoi(os.Getenv(crashAt))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	b := &bomb{}
	b.left.Store(int64(n))
	mode, path := os.Getenv(crashMode), os.Getenv(crashFile)
	j, err := Open(JournalPath(path))
	if err == nil {
		j.file = mined{j.file, b, mode == "torn"}
		r := runner(os.Getenv(crashURL), minedRoad{b, mode == "torn"})
		b.place()
		if mode == "rollback" {
			_, err = r.Rollback(context.Background(), j, Selection{})
		} else {
			err = r.Apply(context.Background(), j)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return crashFound
}

// crashed runs a process until it is killed; false: it came to its end.
func crashed(t *testing.T, url, mode, plan string, n int) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashAt+"="+strconv.Itoa(n), crashMode+"="+mode, crashURL+"="+url, crashFile+"="+plan, "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case !ok:
		t.Fatalf("%s at %d: %v\n%s", mode, n, err, out)
	case exit.ExitCode() == crashFound:
		return false
	case exit.ExitCode() != -1 || len(out) > 0:
		t.Fatalf("%s at %d: it wasn't killed: %v\n%s", mode, n, err, out)
	}
	return true
}

// opened is a journal as a crash left it.
func opened(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// The process is killed at its start, behind each line of the journal and behind each call
// that writes, so that it is before the next: what is left is finished, and taken back. Or
// in the middle of each line and before each call: what is left is taken back. Or while it
// takes back: that is finished. The plan has every kind of step, each
// run by itself, since no step knows of another: so a place costs no more than its step.
func TestKilledAnywhere(t *testing.T) {
	for _, test := range []struct {
		mode   string
		places int // at least so many for each action
		then   []func(*crashCase)
	}{
		{"apply", 4, []func(*crashCase){(*crashCase).resume, (*crashCase).back}},
		{"torn", 4, []func(*crashCase){(*crashCase).back}},
		{"rollback", 3, []func(*crashCase){(*crashCase).back}},
	} {
		t.Run(test.mode, func(t *testing.T) {
			t.Parallel()
			w := wholeWorld(t)
			for step := range len(w.wholeSteps()) {
				n, actions := 1, 0
				for ; !t.Failed(); n++ {
					c := newCrashCase(t, w, step)
					if test.mode == "rollback" {
						c.resume()
					}
					killed := crashed(t, w.s.URL, test.mode, c.path, n)
					for _, then := range test.then {
						then(c)
					}
					if actions = len(c.plan.Actions()); !killed {
						break
					}
				}
				t.Logf("%s, step %d: killed at %d places of %d actions", test.mode, step+1, n-1, actions)
				if n < test.places*actions {
					t.Errorf("only %d places", n-1)
				}
			}
		})
	}
}

// The whole plan in one: each process is killed somewhere, and the next goes on, there and
// back.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := wholeWorld(t)
	c := newCrashCase(t, w, -1)
	random := rand.New(rand.NewPCG(4, 0))
	for _, mode := range []string{"apply", "rollback"} {
		kills := 0
		for crashed(t, w.s.URL, mode, c.path, 4+random.IntN(8)) { // three lines further it has made a call
			kills++
		}
		t.Logf("%s: killed %d times", mode, kills)
		if kills < len(c.plan.Actions())/4 {
			t.Errorf("%s: killed %d times only", mode, kills)
		}
		if mode == "apply" {
			differ(t, "applied", c.before.planned(c.plan), w.state())
		}
	}
	differ(t, "taken back", c.before.without(lostBy(c.plan)...), w.state())
}

// crashCase is one plan on its way.
type crashCase struct {
	*testing.T
	w      *world
	path   string
	plan   *Plan
	before accountState
}

// newCrashCase is one step of the plan, or all of it for -1.
func newCrashCase(t *testing.T, w *world, step int) *crashCase {
	t.Helper()
	steps := w.wholeSteps()
	if step >= 0 {
		steps = steps[step:][:1]
	}
	c := &crashCase{T: t, w: w, plan: w.plan(steps...), before: w.state(), path: filepath.Join(t.TempDir(), "x.plan.json")}
	j, err := Create(JournalPath(c.path), c.plan, time.Now())
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// resume finishes the plan, and looks at all of the account.
func (c *crashCase) resume() {
	c.Helper()
	j := opened(c.T, JournalPath(c.path))
	if err := errors.Join(runner(c.w.s.URL, http.DefaultTransport).Apply(c.Context(), j), j.Close()); err != nil {
		c.Fatal(err)
	}
	differ(c.T, "resumed", c.before.planned(c.plan), c.w.state())
}

// back takes all back, and looks at all of the account. What was deleted for good may or
// may not be gone.
func (c *crashCase) back() {
	c.Helper()
	j := opened(c.T, JournalPath(c.path))
	results, err := runner(c.w.s.URL, http.DefaultTransport).Rollback(c.Context(), j, Selection{})
	if err := errors.Join(err, j.Close()); err != nil {
		c.Fatal(err)
	}
	differ(c.T, "taken back", c.before.without(lostOf(results)...), c.w.state())
}

// A journal's line that breaks off is cut off; one that is wrong in the middle is refused.
func TestBrokenJournals(t *testing.T) {
	src := shortJournal(t)
	lines := strings.SplitAfter(string(src), "\n")
	for _, test := range []struct{ name, text, want string }{
		{"cut in the last line", strings.Join(lines[:2], "") + lines[2][:10], ""},
		{"cut in the first line", lines[0][:40], "no whole line"},
		{"empty", "", "no whole line"},
		{"wrong in the middle", lines[0] + "{\"kind\":\n" + lines[2], "x.journal.jsonl:2: "},
		{"a plan", "{\"schemaVersion\":1,\"kind\":\"begin\"}\n", "no plan in the first line"},
		{"an action that isn't in the plan", lines[0] + `{"kind":"call","at":"2026-11-23T00:00:00Z","action":"zz","call":{"op":"attachPolicy"}}` + "\n", `x.journal.jsonl:2: action "zz"`},
		{"of a later pare", strings.Replace(lines[0], `"schemaVersion":1`, `"schemaVersion":2`, 1), "update pare"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.journal.jsonl")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := Open(path)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got %v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(j.add(Line{Kind: LineEnd, At: time.Now(), Direction: Applying}), j.Close()); err != nil {
				t.Fatal(err)
			}
			if err := opened(t, path).Close(); err != nil {
				t.Errorf("what was added can't be read: %v", err)
			}
		})
	}
}

// shortJournal is a journal of some lines.
func shortJournal(t *testing.T) []byte {
	t.Helper()
	p := &Plan{SchemaVersion: Schema, Account: account, MadeAt: time.Now(), Steps: []Step{{ID: "s1", Actions: []Action{{"a1", Password{"ann"}, there, Value{}}}}}}
	j := journal(t, p)
	for _, l := range []Line{{Kind: LineBegin, Direction: Applying}, {Kind: LineCall, Direction: Applying, Action: "a1", Before: &Value{There: true}, Call: &Call{Op: OpDeleteLogin}}} {
		if err := j.add(l); err != nil {
			t.Fatal(err)
		}
	}
	src, err := os.ReadFile(j.Path)
	if err != nil {
		t.Fatal(err)
	}
	return src
}
