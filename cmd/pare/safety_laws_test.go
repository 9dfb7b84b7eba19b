package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pare-iam/pare/internal/samplegen"
)

// lessEvidence is a piece of evidence to take away.
type lessEvidence struct {
	name  string
	files []string // below the world's folder
	line  int      // which fifth of usage.jsonl loses its first line, from 1; 0: none
	days  int      // by how much the window gets wider
}

// removals are the pieces that a world has: each log and digest file, each file of the
// snapshot but for the policies, a line of usage.jsonl, the days before the window.
//
// Left out is the last day's log where no digest file lists it: logs that end up to a day
// before the window count as whole, so that nobody notices.
func (w *madeWorld) removals(t fatal) []lessEvidence {
	t.Helper()
	var out []lessEvidence
	add := func(files ...string) {
		out = append(out, lessEvidence{name: "without " + strings.Join(files, " and "), files: files})
	}
	for i, log := range w.logs {
		if slices.ContainsFunc(w.logs, isDigest) || !w.lastDay(log) {
			add(log)
		}
		if i+1 < len(w.logs) && isDigest(w.logs[i+1]) && !w.lastDay(log) {
			add(log, w.logs[i+1])
		}
	}
	accessed, err := fs.Glob(os.DirFS(w.dir), "account/last-accessed/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range accessed {
		add(name)
	}
	for _, name := range []string{"snapshot.json", "credential-report.csv", "access-keys.json", "usage.jsonl", "usage.coverage.json"} {
		add("account/" + name)
	}
	for i := range 5 {
		out = append(out, lessEvidence{name: fmt.Sprintf("without a line, %d", i), line: i + 1})
	}
	for _, more := range []int{1, 2, 3, 7, 30, 100, 250} {
		out = append(out, lessEvidence{name: fmt.Sprintf("%d more days", more), days: more})
	}
	return out
}

func isDigest(path string) bool { return strings.Contains(path, "CloudTrail-Digest") }

// lastDay says whether a log file is of the day before now.
func (w *madeWorld) lastDay(path string) bool {
	return strings.Contains(path, w.options.Now.Add(-time.Minute).Format("_20060102T"))
}

// take takes a piece of evidence away, and ingests anew if it was a log.
func (w *madeWorld) take(t fatal, r lessEvidence) {
	t.Helper()
	logs := false
	for _, name := range r.files {
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
		logs = logs || slices.Contains(w.logs, name)
	}
	if logs {
		w.ingest(t)
	}
	if r.line > 0 {
		w.dropLine(t, r.line-1)
	}
}

func (w *madeWorld) dropLine(t fatal, fifth int) {
	t.Helper()
	path := filepath.Join(w.account(), "usage.jsonl")
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(src))
	if at := fifth * len(lines) / 5; len(lines) > 0 {
		lines = slices.Delete(lines, at, at+1)
	}
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o666); err != nil {
		t.Fatal(err)
	}
}

// isTrue checks what is called unused against what truly happened: nothing that was used,
// whatever evidence there is.
func (w *madeWorld) isTrue(t fatal, c called, days int) {
	t.Helper()
	for arn, actions := range w.usesWithin(days) {
		for a := range actions {
			service, _, _ := strings.Cut(a, ":")
			for _, wrong := range []string{a, service + ":*", "role"} {
				if c.found[arn+" "+wrong] {
					t.Fatalf("%s used %s, and %s is called unused", arn, a, wrong)
				}
			}
		}
	}
	for arn, created := range w.readIAM(t).created {
		for what := range c.found {
			if w.within(created, days) && strings.HasPrefix(what, arn+" ") {
				t.Fatalf("%s is younger than the window", what)
			}
		}
	}
}

// shrinks takes evidence away and checks that what is called unused then was so before. But for one
// thing: of a call that may have needed an action too, it isn't known whether it did. IAM
// may know that it didn't, and once nobody speaks of the call it is believed.
func (w *madeWorld) shrinks(t fatal, before called, days int, r lessEvidence) (fewer int) {
	t.Helper()
	uses := w.uses(t)
	possible := map[string]bool{}
	for arn, lines := range uses {
		for _, u := range lines {
			if w.within(u.LastSeen, days) && (!u.Primary || u.Inferred) {
				service, _, _ := strings.Cut(u.Action, ":")
				possible[arn+" "+u.Action], possible[arn+" "+service+":*"] = true, true
			}
		}
	}
	w.take(t, r)
	after := w.calledUnused(t, days+r.days)
	w.isTrue(t, after, days+r.days)
	for _, what := range after.grown(before) {
		service, _, _ := strings.Cut(what[strings.Index(what, " "):], ":")
		whole := what[:strings.Index(what, " ")] + service + ":*"
		if !possible[what] && !(after.found[whole] && possible[whole]) {
			t.Fatalf("%s: %s is called unused, and wasn't", r.name, what)
		}
	}
	return len(before.found) - len(after.found)
}

// drawnWorlds is how many different worlds TestLessEvidenceTakesNoMore draws from.
const drawnWorlds = 24

// With less evidence, or over a longer window, less is called unused, and never what was
// used.
func TestLessEvidenceTakesNoMore(t *testing.T) {
	worlds := map[uint64]*judgedWorld{}
	cases, shrank, unused := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64Range(1, drawnWorlds).Draw(rt, "world")
		if worlds[seed] == nil {
			worlds[seed] = judged(rt, t.TempDir(), seed)
		}
		w := worlds[seed]
		all := w.removals(rt)
		kind := rapid.SampledFrom([]string{".json.gz", " and ", " and ", "/role-", "/user-", "more days", ""}).Draw(rt, "kind")
		some := slices.DeleteFunc(slices.Clone(all), func(r lessEvidence) bool { return !strings.Contains(r.name, kind) })
		if len(some) == 0 {
			some = all
		}
		removal := rapid.SampledFrom(some).Draw(rt, "removal")
		here := w.copied(rt, t.TempDir())
		fewer := here.shrinks(rt, w.called, w.days, removal)
		cases++
		unused += len(w.called.found)
		if fewer != 0 {
			shrank++
		}
	})
	if shrank*20 < cases || unused < cases {
		t.Errorf("%d of %d removals made a difference, to %d things unused: the test checks little", shrank, cases, unused)
	}
}

// judgedWorld is a world with what is called unused in it.
type judgedWorld struct {
	*madeWorld
	days   int // of the window
	called called
}

// judged makes a small random world; some have no digest files, some no last accessed
// information.
func judged(t fatal, dir string, seed uint64) *judgedWorld {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	o := samplegen.Demo()
	o.Sample, o.Seed, o.Days, o.Policies = false, seed, 3+rng.IntN(4), 1+rng.IntN(4)
	o.Roles, o.Users = 1+rng.IntN(3), rng.IntN(3)
	w := &judgedWorld{makeWorld(t, dir, o), 2 + rng.IntN(o.Days-1), called{}}
	switch rng.IntN(3) {
	case 0:
		w.without(t, "last-accessed")
	case 1:
		w.without(t, "CloudTrail-Digest")
	}
	w.ingest(t)
	w.called = w.calledUnused(t, w.days)
	w.isTrue(t, w.called, w.days)
	return w
}

// copied is the same world in another folder.
func (w *madeWorld) copied(t fatal, dir string) *madeWorld {
	t.Helper()
	out := &madeWorld{dir: dir, options: w.options, truth: w.truth, logs: w.logs}
	if err := os.CopyFS(dir, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	return out
}

// without removes all files whose path has a part.
func (w *madeWorld) without(t fatal, part string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(w.dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.Contains(name, part) {
			err = os.Remove(filepath.Join(w.dir, name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.logs = slices.DeleteFunc(w.logs, func(name string) bool { return strings.Contains(name, part) })
}

// The same for the sample, which has habits of every day and credentials, by a removal of
// each kind.
func TestLessEvidenceOfTheSample(t *testing.T) {
	o := samplegen.Demo()
	o.Days = 10
	const days = 8
	w := makeWorld(t, t.TempDir(), o)
	w.ingest(t)
	before := w.calledUnused(t, days)
	w.isTrue(t, before, days)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, kind := range []string{"CloudTrail_eu-west-1", "/role-", "/user-", "credential-report", "access-keys", "usage.jsonl", "coverage", "7 more days"} {
		some := slices.DeleteFunc(w.removals(t), func(r lessEvidence) bool { return !strings.Contains(r.name, kind) })
		r := some[rng.IntN(len(some))]
		t.Run("without "+strings.Trim(kind, "/-"), func(t *testing.T) {
			here := w.copied(t, t.TempDir())
			here.shrinks(t, before, days, r)
		})
	}
	w.without(t, "last-accessed")
	before = w.calledUnused(t, days)
	for _, r := range w.removals(t) { // the 28th has calls of a kind that no other day has
		if len(r.files) == 2 && strings.Contains(r.files[0], "_eu-west-1_20261028") {
			t.Run("without a day's logs, of which nobody else knows", func(t *testing.T) {
				if fewer := w.copied(t, t.TempDir()).shrinks(t, before, days, r); fewer == 0 {
					t.Error("it makes no difference: the test checks nothing")
				}
			})
		}
	}
}
