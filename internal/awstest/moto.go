package awstest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// moto is a moto_server that runs.
type moto struct {
	url   *url.URL
	clock string // the file that moves its clock; empty: it is the machine's
}

// startLimit is how long moto_server may take to listen, on a machine that is busy. Alone
// it takes half a second.
const startLimit = time.Minute

// watched runs its arguments as a command, and ends it when standard input does: then the
// test is over, however it came to its end.
const watched = `
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ read -r _ <&3; kill $child; } >/dev/null 2>&1 &
wait $child`

// startMoto starts moto_server on a free port; the test's end stops it.
func startMoto(t testing.TB, o Options) *moto {
	t.Helper()
	m := &moto{}
	cmd := exec.Command("sh", "-c", watched, "sh", Need(t, Moto), "-H", "127.0.0.1", "-p", "0")
	cmd.Env = append(plainEnvironment(), "PYTHONUNBUFFERED=1")
	if o.ManagedPolicies {
		cmd.Env = append(cmd.Env, "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	}
	if o.Ago != 0 {
		m.clock = filepath.Join(t.TempDir(), "clock")
		cmd.Env = append(cmd.Env, m.fakeClock(t)...)
		m.setAgo(t, o.Ago)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Errorf("moto_server: %v", err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) { // it is killed
			t.Errorf("moto_server: %v", err)
		}
	})
	m.url = listening(t, said)
	return m
}

// listening reads what moto_server says until it says where it listens, and the rest, so
// that it never waits for a reader.
func listening(t testing.TB, said io.Reader) *url.URL {
	t.Helper()
	const mark = "Running on "
	found := make(chan string, 1)
	go func() {
		var all strings.Builder
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			if _, at, ok := strings.Cut(lines.Text(), mark); ok {
				found <- at
				_, _ = io.Copy(io.Discard, said) // it ends when moto_server does
				return
			}
			fmt.Fprintln(&all, lines.Text())
		}
		found <- "\n" + all.String()
	}()
	select {
	case at := <-found:
		if strings.HasPrefix(at, "\n") {
			t.Fatalf("moto_server ended:%s", at)
		}
		where, err := url.Parse(strings.TrimSpace(at))
		if err != nil {
			t.Fatalf("moto_server: %v", err)
		}
		return where
	case <-time.After(startLimit):
		t.Fatalf("moto_server doesn't listen after %v", startLimit)
	}
	return nil
}

// fakeClock is the environment that gives a program the clock of the file m.clock. The
// faketime command knows where its library is.
// https://github.com/wolfcw/libfaketime
func (m *moto) fakeClock(t testing.TB) []string {
	t.Helper()
	const variable = "LD_PRELOAD"
	var out []byte
	var err error
	for range 5 { // it fails where a killed one of the same process ID has left its semaphore
		if out, err = exec.Command(Need(t, Faketime), "-f", "+0", "printenv", variable).Output(); err == nil {
			break
		}
	}
	if err != nil {
		lacking(t, Faketime, "faketime doesn't say where its library is, as it does on Linux")
	}
	return []string{
		variable + "=" + strings.TrimSpace(string(out)),
		"FAKETIME_TIMESTAMP_FILE=" + m.clock,
		"FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1", // time that passes passes as ever
	}
}

// setAgo moves the clock.
func (m *moto) setAgo(t testing.TB, ago time.Duration) {
	t.Helper()
	if m.clock == "" {
		t.Fatal("awstest: the clock can't be moved: want Options.Ago when the server starts")
	}
	// One step, so that nobody reads half a file.
	next := m.clock + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "-%d\n", int64(ago/time.Second)), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, m.clock); err != nil {
		t.Fatal(err)
	}
}

// plainEnvironment is the environment without what leads to somebody's own AWS account or
// changes how these programs work.
func plainEnvironment() []string {
	var out []string
	for _, line := range os.Environ() {
		name, _, _ := strings.Cut(line, "=")
		foreign := strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "MOTO_") || strings.HasPrefix(name, "FAKETIME")
		if !foreign && !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			out = append(out, line)
		}
	}
	return out
}
