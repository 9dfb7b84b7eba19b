package analyze_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/usage"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sample writes the demo's account.
func sample(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	world := samplegen.New(catalog.Embedded(), samplegen.Demo())
	check(t, world.Snapshot(func(name string, content func(io.Writer) error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		return errors.Join(content(w), w.Flush(), f.Close())
	}))
	return dir
}

var clock = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func options() analyze.Options {
	return analyze.Options{Catalog: catalog.Embedded(), Age: 90 * usage.Day, Clock: clock}
}

func open(t testing.TB, dir string, o analyze.Options) *analyze.Account {
	t.Helper()
	a, err := analyze.Open(t.Context(), dir, o)
	check(t, err)
	return a
}

func findings(t testing.TB, a *analyze.Account) []finding.Finding {
	t.Helper()
	var out []finding.Finding
	_, err := a.Findings(func(f finding.Finding) error {
		out = append(out, f)
		return nil
	})
	check(t, err)
	return out
}

func TestAFolderIsAnalyzedAsOfItsDate(t *testing.T) {
	dir := sample(t)
	files, read, ended := 0, 0, 0
	o := options()
	o.Reading = func(n int) (each, done func()) {
		files = n
		return func() { read++ }, func() { ended++ }
	}
	a := open(t, dir, o)
	if !a.Window.Now.Equal(a.Folder.Info.CollectedAt) || a.Window.Age != 90*usage.Day {
		t.Errorf("window %+v: want it to end %s", a.Window, a.Folder.Info.CollectedAt)
	}
	if files == 0 || read != files || ended != 1 {
		t.Errorf("%d of %d files told, ended %d times", read, files, ended)
	}
	if len(a.Problems) > 0 || a.Doubtful {
		t.Errorf("problems %q, doubtful %v", a.Problems, a.Doubtful)
	}
	if n := len(findings(t, a)); n != 41 {
		t.Errorf("%d findings: want 41", n)
	}
	o.End = a.Window.Now.AddDate(0, 0, -1)
	if a := open(t, dir, o); !a.Window.Now.Equal(o.End) {
		t.Errorf("the window ends %s: want %s", a.Window.Now, o.End)
	}
}

func TestDatesToComeAreRefused(t *testing.T) {
	o := options()
	o.Clock = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := analyze.Open(t.Context(), sample(t), o)
	wrong, ok := errors.AsType[*analyze.ClockError](err)
	if !ok || !wrong.Clock.Equal(o.Clock) || !strings.Contains(err.Error(), "by the clock of this machine it is 2020-01-01") {
		t.Errorf("got %v", err)
	}
}

// Logs that couldn't be had make less unused than before doubtful; a part that is missing
// otherwise is only told.
func TestMissingLogsAreDoubtful(t *testing.T) {
	dir := sample(t)
	to, err := snapshot.NewWriter(dir)
	check(t, err)
	for _, c := range []struct {
		what     string
		doubtful bool
	}{{snapshot.TrailEvidence, true}, {"part of the " + snapshot.TrailEvidence, false}} {
		about := open(t, dir, options()).Folder.Info
		about.Missing = []snapshot.Missing{{What: c.what, Why: "access denied"}}
		check(t, to.WriteInfo(about))
		a := open(t, dir, options())
		want := filepath.Join(dir, snapshot.InfoFile) + ": " + c.what + " wasn't collected: access denied"
		if a.Doubtful != c.doubtful || !slices.Contains(a.Problems, want) {
			t.Errorf("%s: doubtful %v, want %v; problems %q", c.what, a.Doubtful, c.doubtful, a.Problems)
		}
	}
}

// What can't be read takes nothing away: each finding is one of those with all evidence,
// and what went before is said to be unseen.
func TestWhatCantBeReadKeepsAccess(t *testing.T) {
	dir := sample(t)
	whole := findings(t, open(t, dir, options()))
	files, err := filepath.Glob(filepath.Join(dir, "last-accessed", "*.json"))
	check(t, err)
	for _, file := range files {
		check(t, os.WriteFile(file, []byte("{"), 0o666))
	}
	a := open(t, dir, options())
	if !a.Doubtful || len(a.Problems) < len(files) || !strings.HasPrefix(a.Problems[0], files[0]) {
		t.Errorf("doubtful %v, %d problems of %d files: %q", a.Doubtful, len(a.Problems), len(files), a.Problems[0])
	}
	for _, f := range findings(t, a) {
		if !slices.ContainsFunc(whole, func(g finding.Finding) bool { return f.ID == g.ID }) || f.Type == finding.UnusedPermission {
			t.Errorf("without evidence: %s of %s", f.Type, f.Resource)
		}
	}
	unseen := a.Unseen(whole)
	if len(unseen) == 0 || len(unseen) == len(whole) || unseen[0].Reason != analyzer.NoEvidence || unseen[0].Type != finding.UnusedPermission {
		t.Errorf("%d of %d unseen: %+v", len(unseen), len(whole), unseen)
	}
}

// Who isn't there is gone only if everybody who is there could be read.
func TestWhoIsLeftOutIsNotGone(t *testing.T) {
	dir := sample(t)
	a := open(t, dir, options())
	before := findings(t, a)
	gone := finding.Finding{Account: a.Inventory.ID, Type: finding.UnusedIAMRole, Resource: "arn:aws:iam::" + a.Inventory.ID + ":role/gone"}
	if unseen := a.Unseen(append(before, gone)); len(unseen) > 0 {
		t.Errorf("all could be read, and unseen are %+v", unseen)
	}
	path := filepath.Join(dir, "authorization-details.json")
	src, err := os.ReadFile(path)
	check(t, err)
	broken := strings.Replace(string(src), `"RoleDetailList": [`, `"RoleDetailList": [{"RoleName": 1}, `, 1)
	check(t, os.WriteFile(path, []byte(broken), 0o666))
	if a = open(t, dir, options()); !a.Inventory.Incomplete || a.Doubtful {
		t.Fatalf("incomplete %t, doubtful %t", a.Inventory.Incomplete, a.Doubtful)
	}
	unseen := a.Unseen(append(before, gone))
	if len(unseen) != 1 || unseen[0].Resource != gone.Resource || unseen[0].Reason != analyzer.Unreadable || unseen[0].Type != "" {
		t.Errorf("unseen: %+v", unseen)
	}
}

func TestWhatIsAbsentIsAWarning(t *testing.T) {
	dir := sample(t)
	check(t, os.Remove(filepath.Join(dir, "credential-report.csv")))
	check(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o666))
	a := open(t, dir, options())
	all := strings.Join(a.Warnings(), "\n")
	if !strings.Contains(all, "no credential-report.csv") || !strings.Contains(all, "notes.txt: not a name of a snapshot") || len(a.Problems) > 0 {
		t.Errorf("warnings %s, problems %q", all, a.Problems)
	}
}

func TestWhatCantBeOpened(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := analyze.Open(t.Context(), dir, options()); err == nil || !strings.HasPrefix(err.Error(), dir+": no such folder") {
		t.Errorf("no folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := analyze.Open(ctx, sample(t), options()); !errors.Is(err, context.Canceled) {
		t.Errorf("an end before its time: %v", err)
	}
	o := options()
	o.Age = 0
	if _, err := analyze.Open(t.Context(), sample(t), o); err == nil {
		t.Error("no window, and no error")
	}
}
