package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// A child is this test's program as a server: its database, its folder of accounts, and
// whether it is stuck when it collects.
const (
	childDatabase = "PARE_JOBS_CHILD"
	childFolder   = "PARE_JOBS_FOLDER"
	childStuck    = "PARE_JOBS_STUCK"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childDatabase); url != "" {
		fmt.Fprintln(os.Stderr, serve(url))
		os.Exit(1)
	}
	code := m.Run()
	if dir, err := sample(); err == nil {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// saying says when it collects, and may never end.
type saying struct {
	jobs.Folders
	stuck bool
}

// Collect says "collecting".
func (s saying) Collect(ctx context.Context, a store.Account) (string, error) {
	fmt.Println("collecting")
	if s.stuck {
		select {}
	}
	return s.Folders.Collect(ctx, a)
}

// serve works until the process is killed.
func serve(url string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	j, err := jobs.New(ctx, s, onMachine(saying{jobs.Folders{Root: os.Getenv(childFolder)}, os.Getenv(childStuck) != ""}))
	if err != nil {
		return err
	}
	if err := j.Start(ctx); err != nil {
		return err
	}
	fmt.Println("started")
	select {}
}

// onMachine are quick options with the machine's clock.
func onMachine(source jobs.Source) jobs.Options {
	o := quick(source)
	o.Now, o.Beat = nil, 500*time.Millisecond
	return o
}

// child is a server that is going to be killed.
type child struct {
	cmd  *exec.Cmd
	said *bufio.Scanner
}

func startChild(t *testing.T, url string, env ...string) child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childDatabase+"="+url, childFolder+"="+must(sample())(t)), env...)
	cmd.Stderr = os.Stderr
	out := must(cmd.StdoutPipe())(t)
	check(t, cmd.Start())
	return child{cmd, bufio.NewScanner(out)}
}

// says waits until the child says a word.
func (c child) says(t *testing.T, word string) {
	t.Helper()
	for c.said.Scan() {
		if c.said.Text() == word {
			return
		}
	}
	t.Fatalf("the child ended before it said %q: %v", word, c.said.Err())
}

func (c child) kill(t *testing.T) {
	t.Helper()
	check(t, c.cmd.Process.Kill())
	for c.said.Scan() { // Wait closes the pipe
	}
	var exit *exec.ExitError
	if err := c.cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("it ended by itself: %v", err)
	}
}

const kills = 10

// A server is killed at a random moment of a scan and of a recommendation, and started again:
// both are done, each once.
func TestKilledAndStartedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		idle := must(jobs.New(t.Context(), s, onMachine(folders(t))))(t)
		for i := range kills {
			check(t, idle.Scan(t.Context(), by(), theARN, account))
			wanted := int64(0)
			if i > 0 {
				check(t, idle.Recommend(t.Context(), by(), theARN, myFinding(t)))
				wanted = must(s.Recommendation(t.Context(), theARN, myFinding(t)))(t).ID
			}
			c := startChild(t, url)
			c.says(t, "started")
			time.Sleep(time.Duration(rand.IntN(900)) * time.Millisecond) // at any moment
			c.kill(t)
			before := len(in(store.Complete, runs(t, s)))
			again := must(jobs.New(t.Context(), s, onMachine(folders(t))))(t)
			check(t, again.Start(t.Context()))
			idleAgain(t, s, again)
			check(t, again.Stop(t.Context()))
			t.Logf("kill %d: %d complete runs before, %d after", i+1, before, len(in(store.Complete, runs(t, s))))
			wholeOnce(t, s, i+1, wanted)
		}
	})
}

// idleAgain waits until no scan or recommendation is left.
func idleAgain(t *testing.T, s *store.Store, j *jobs.Jobs) {
	t.Helper()
	await(t, "all jobs over", func() bool {
		for _, kind := range []string{"scan", "recommend"} {
			for _, job := range jobsOf(t, j, kind) {
				if job.State != "done" {
					return false
				}
			}
		}
		return len(in(store.Running, runs(t, s))) == 0
	})
}

// wholeOnce checks that n scans left n complete runs, of which the first changed everything and
// the others nothing, and that a recommendation was made.
func wholeOnce(t *testing.T, s *store.Store, n int, recommendation int64) {
	t.Helper()
	if got := in(store.Complete, runs(t, s)); len(got) != n {
		t.Fatalf("%d complete runs of %d scans", len(got), n)
	}
	all := exported(t, s)
	if len(all) != 41 {
		t.Fatalf("%d findings: want 41", len(all))
	}
	for _, f := range all {
		if events := must(s.History(t.Context(), theARN, f.ID, store.Page{}))(t).Items; len(events) != 1 || events[0].Change != finding.New {
			t.Fatalf("%s has the history %+v: want one event", f.ID, events)
		}
	}
	if recommendation == 0 {
		return
	}
	if got := made(t, s); got.ID != recommendation || got.State != finding.Succeeded || len(got.Steps) != 2 {
		t.Fatalf("recommendation %d is %+v", recommendation, got)
	}
}

// Of two servers on one database one is killed while it scans: the other does the scan.
func TestAnotherServerTakesOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		c := startChild(t, url, childStuck+"=1")
		c.says(t, "collecting")
		o := onMachine(folders(t))
		o.Beat = 2 * time.Second // patient: on a busy machine a child may be slow to say that it is there
		other := start(t, s, o)
		check(t, other.LookOnce(t.Context()))
		if all := jobsOf(t, other, "scan"); len(all) != 1 || all[0].State != "running" {
			t.Fatalf("the scan of a server that lives: %+v", all)
		}
		c.kill(t)
		killed := time.Now()
		await(t, "a complete run", func() bool { return len(in(store.Complete, runs(t, s))) == 1 })
		t.Logf("taken over after %v", time.Since(killed))
		idleAgain(t, s, other)
		all := runs(t, s)
		if len(all) != 2 || all[1].State != store.Failed || all[1].Failure != "its server was stopped" {
			t.Errorf("runs %s, %s", brief(all[0]), brief(all[len(all)-1]))
		}
		wholeOnce(t, s, 1, 0)
		if !other.Alive() {
			t.Error("the server that lives isn't alive")
		}
	})
}

// A server that is told to stop gives its jobs back, with no attempt counted.
func TestStoppingGivesJobsBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		g := newGate(t)
		o := onMachine(g)
		o.Grace = 50 * time.Millisecond
		j := must(jobs.New(t.Context(), s, o))(t)
		check(t, j.Start(t.Context()))
		<-g.come
		check(t, j.Stop(t.Context()))
		job := jobsOf(t, j, "scan")[0]
		if job.State != "waiting" || job.Attempt != 0 || j.Alive() {
			t.Errorf("job %+v, alive %v", job, j.Alive())
		}
		if all := runs(t, s); len(all) != 1 || !strings.HasPrefix(all[0].Failure, "interrupted") {
			t.Errorf("run %s", brief(all[0]))
		}
		next := start(t, s, onMachine(folders(t)))
		idleAgain(t, s, next)
		wholeOnce(t, s, 1, 0)
	})
}

// A server that was slow, and for which others have stood in, does no harm: its run has
// failed, whatever it finds.
func TestASlowServerComesTooLate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		g := newGate(t)
		g.stuck = true
		o := onMachine(g)
		o.Beat = time.Hour // it doesn't look whether it is missed
		slow := must(jobs.New(t.Context(), s, o))(t)
		check(t, slow.Start(t.Context()))
		<-g.come
		check(t, slow.Bury(t.Context()))
		other := start(t, s, onMachine(folders(t)))
		await(t, "a complete run", func() bool { return len(in(store.Complete, runs(t, s))) == 1 })
		close(g.open)
		check(t, slow.Stop(t.Context()))
		idleAgain(t, s, other)
		wholeOnce(t, s, 1, 0)
	})
}

// What the database says that a server works on, and it doesn't, is begun anew; and what was
// done isn't done again.
func TestAServerFindsWhatItLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		o := onMachine(folders(t))
		o.Stray = 500 * time.Millisecond
		j := start(t, s, o)
		await(t, "a complete run", func() bool { return len(in(store.Complete, runs(t, s))) == 1 })
		idleAgain(t, s, j)
		if n := must(j.Forget(t.Context()))(t); n == 0 {
			t.Fatal("there was no job")
		}
		await(t, "a second attempt", func() bool {
			return !slices.ContainsFunc(jobsOf(t, j, "scan"), func(job jobs.Job) bool { return job.Attempt != 2 || job.State != "done" })
		})
		wholeOnce(t, s, 1, 0)
	})
}

// A job that a server works on, or has only just been given, is none that it lost.
func TestWhatIsWorkedOnIsNotLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		g := newGate(t)
		o := onMachine(g)
		o.Beat, o.Stray = time.Hour, time.Nanosecond
		j := start(t, s, o)
		<-g.come
		check(t, j.BeatOnce(t.Context()))
		check(t, j.BeatOnce(t.Context()))
		close(g.open)
		idleAgain(t, s, j)
		if all := jobsOf(t, j, "scan"); len(all) != 1 || all[0].Attempt != 1 {
			t.Errorf("jobs %+v", all)
		}
	})
}

// A server that finds itself given up stops what it was doing; nobody else being there, it
// begins anew.
func TestAServerThatWasGivenUpBeginsAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url)
		check(t, setUp(t.Context(), s))
		g := newGate(t)
		j := start(t, s, onMachine(g))
		<-g.come
		check(t, j.Bury(t.Context()))
		<-g.come // the second attempt
		close(g.open)
		idleAgain(t, s, j)
		wholeOnce(t, s, 1, 0)
	})
}
