package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// child names the database that this process is to write until it is killed.
const child = "PARE_STORE_CHILD"

func TestMain(m *testing.M) {
	if url := os.Getenv(child); url != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(url))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// How often a writer is killed, on each engine: 50 times in all.
const (
	killsOfRuns       = 16
	killsOfMigrations = 9
	crashedRoles      = 500
)

// generation is what the n-th run of the crash test finds: every third role comes and goes,
// and the others have something else unused every time.
func generation(n int) store.Found {
	var out []finding.Finding
	for i := range crashedRoles {
		if i%3 == 0 && n%2 == 0 {
			continue
		}
		out = append(out, permission(i, n, fmt.Sprintf("Gen%d", n)))
	}
	in := found(n, nil, out...)
	p := store.Principal{ARN: permission(1, n).Resource, Kind: store.Role, Account: account, Granted: n}
	for i := range 3 {
		p.Policies = append(p.Policies, store.HeldPolicy{Kind: finding.InlinePolicy, Name: fmt.Sprint(n), Policy: fmt.Sprint(n, i)})
	}
	in.Principals = sequence(p)
	return in
}

// advice is what the n-th recommendation of the crash test says.
func advice(n int) store.Made {
	out := store.Made{State: finding.Succeeded, At: day(n), Advice: store.Advice{Verdict: "proved", Before: n}, Certificates: map[string][]byte{}}
	for i := range 20 {
		out.Certificates[fmt.Sprintf("%d/%02d.smt2", n, i)] = fmt.Appendf(nil, "%d", n)
	}
	return out
}

// writeUntilKilled opens the database, and completes one run and one recommendation after
// the other.
func writeUntilKilled(url string) error {
	ctx := context.Background()
	fmt.Println("begun")
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	if _, err := s.CreateAnalyzer(ctx, by(1), store.NewAnalyzer{Analyzer: theAnalyzer(), Token: "once"}); err != nil {
		return err
	}
	fmt.Println("open")
	for {
		done, err := completeRuns(ctx, s)
		if err != nil {
			return err
		}
		n := len(done) + 1
		run, err := s.StartRun(ctx, theARN, account, day(n))
		if err != nil {
			return err
		}
		if _, err := s.CompleteRun(ctx, run.ID, generation(n)); err != nil {
			return err
		}
		id, err := s.StartRecommendation(ctx, by(n), theARN, permission(1, n).ID)
		if err != nil {
			return err
		}
		if err := s.FinishRecommendation(ctx, id, advice(n)); err != nil {
			return err
		}
	}
}

func completeRuns(ctx context.Context, s *store.Store) ([]store.Run, error) {
	part, err := s.FindRuns(ctx, store.RunQuery{Analyzer: theARN, State: store.Complete}, store.Page{Limit: 1000})
	return part.Items, err
}

// killed starts a writer, and kills it some time after it has said a word.
func killed(t *testing.T, url, word string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != word {
	}
	time.Sleep(after) // whenever it is: that is what is tried
	check(t, cmd.Process.Kill())
	_, err = io.Copy(io.Discard, out)
	check(t, err)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("it ended by itself: %v", err)
	}
}

// A writer that is killed at any moment leaves the last complete run, whole and once, and
// recommendations that are whole or aren't there.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, url string) {
		s := open(t, url) // the other server, that goes on
		for i := range killsOfRuns {
			killed(t, url, "open", time.Duration(rand.IntN(400))*time.Millisecond)
			if _, err := s.FailRuns(ctxOf(t), day(9999), "the server was killed", day(9999)); err != nil {
				t.Fatal(err)
			}
			n := wholeRuns(t, s)
			wholeAdvice(t, s, n)
			t.Logf("kill %d: %d complete runs", i+1, n)
		}
	})
}

// wholeRuns checks that the findings and principals are those of the last complete run, and
// the findings' history that of all of them. It returns how many there were.
func wholeRuns(t *testing.T, s *store.Store) int {
	t.Helper()
	n := len(must(completeRuns(ctxOf(t), s))(t))
	if n == 0 {
		same(t, "findings before the first run", 0, must(s.Count(ctxOf(t), store.Query{Analyzer: theARN}))(t))
		return 0
	}
	want := map[string]string{} // unused action by ID
	for f, err := range generation(n).Findings {
		check(t, err)
		want[f.ID] = f.Permissions[1].Actions[0].Name
	}
	got := map[string]string{}
	for _, f := range exported(t, s, store.Query{Filter: finding.Filter{"status": {Eq: []string{"ACTIVE"}}}}) {
		got[f.ID] = f.Permissions[1].Actions[0].Name
		if !f.AnalyzedAt.Equal(day(n)) {
			t.Errorf("%s is of %s: want %s", f.ID, f.AnalyzedAt, day(n))
		}
	}
	same(t, "active findings", want, got)
	for _, i := range []int{0, 1, 249, 498, 499} { // each run changed each of them
		events := must(s.History(ctxOf(t), theARN, permission(i, 1).ID, store.Page{Limit: 1000}))(t).Items
		same(t, fmt.Sprintf("events of role %d", i), n, len(events))
	}
	p := must(s.Principal(ctxOf(t), theARN, permission(1, 1).Resource))(t)
	same(t, "principal", fmt.Sprintf("%d 3 %d", n, n), fmt.Sprintf("%d %d %s", p.Granted, len(p.Policies), p.Policies[2].Name))
	same(t, "sums", n, must(s.PrivilegeOf(ctxOf(t), theARN, account))(t).Granted)
	return n
}

// wholeAdvice checks that the recommendation is that of the last run, in progress or with all
// of its certificates, or that of the run before.
func wholeAdvice(t *testing.T, s *store.Store, n int) {
	t.Helper()
	all := must(s.Advised(ctxOf(t), store.AdviceQuery{}, store.Page{}))(t).Items
	if len(all) > 1 || n > 1 && len(all) == 0 {
		t.Fatalf("%d recommendations after %d runs", len(all), n)
	}
	for _, r := range all {
		made := r.StartedAt.YearDay() // the run's number
		if made != n && made != n-1 {
			t.Errorf("a recommendation of run %d after run %d", made, n)
		}
		certificates := len(must(s.Certificates(ctxOf(t), r.ID))(t))
		got := fmt.Sprint(r.State, r.Verdict, r.Before, certificates)
		if got != fmt.Sprint(store.InProgress, "", 0, 0) && got != fmt.Sprint(finding.Succeeded, "proved", made, 20) {
			t.Errorf("half a recommendation: %s", got)
		}
	}
}

// A migration that is killed at any moment starts again.
func TestKilledWhileMigrating(t *testing.T) {
	t.Parallel()
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			for range killsOfMigrations {
				url := storetest.New(t, e)
				killed(t, url, "begun", time.Duration(rand.IntN(60_000))*time.Microsecond)
				s := open(t, url)
				if _, err := s.CreateAnalyzer(ctxOf(t), by(1), store.NewAnalyzer{Analyzer: theAnalyzer(), Token: "once"}); err != nil {
					t.Fatal(err)
				}
				wholeRuns(t, s)
			}
		})
	}
}
