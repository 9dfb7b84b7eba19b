package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/usage"
)

// The promises of pare to somebody who takes its steps, on accounts of which it is known
// who used what: in the logs or not, seen by IAM or not. The tests go by files, as users
// do: a snapshot and logs go in, and what -o json prints is done to the account.

// Nobody loses what they used, nor what any source saw, by anybody's steps or by all of
// them: each statement about it stays, with its resources and its condition.
func TestUsedAccessSurvivesTheSteps(t *testing.T) {
	w := makeWorld(t, t.TempDir(), samplegen.Demo())
	w.ingest(t)
	t.Run("ingest agrees with a recount", func(t *testing.T) { agreesWithRecount(t, w) })
	for _, days := range []int{90, 365} {
		t.Run(fmt.Sprintf("the sample, %d days", days), func(t *testing.T) { survives(t, w, days) })
	}
	t.Run("a policy changed in place", func(t *testing.T) { survivesInPlace(t, w, 90) })
	o := samplegen.Demo()
	o.Seed, o.Days, o.Roles, o.Users, o.Policies = 5, 15, 20, 12, 10
	w = makeWorld(t, t.TempDir(), o)
	w.ingest(t)
	t.Run("a larger account", func(t *testing.T) { survives(t, w, 14) })
	o.Sample, o.Seed, o.Days, o.Roles, o.Users, o.Policies = false, 8, 40, 0, 4, 3 // all four have what their group has
	w = makeWorld(t, t.TempDir(), o)
	w.ingest(t)
	t.Run("a group", func(t *testing.T) { survives(t, w, 35) })
}

func survives(t *testing.T, w *madeWorld, days int) {
	var result analyzed
	if err := json.Unmarshal([]byte(w.analyze(t, days)), &result); err != nil {
		t.Fatal(err)
	}
	before, kept, allowed := w.readIAM(t), w.keep(t, days), w.usesWithin(days)
	young := 0
	for arn, created := range before.created {
		if w.within(created, days) {
			young++
			for _, f := range result.Findings {
				if f.Resource == arn {
					t.Errorf("%s is younger than the window: %s", arn, f.FindingType)
				}
			}
		}
	}
	all, steps, changed := before.clone(), 0, 0
	for _, r := range result.Recommendations {
		alone := before.clone()
		if err := alone.take(r); err != nil {
			t.Error(err)
		}
		if err := all.take(r); err != nil {
			t.Error(err)
		}
		steps += len(r.RecommendedSteps)
		changed += keepsTerms(t, before, alone, kept)
		replay(t, r.ResourceARN, before.texts(r.ResourceARN), alone.texts(r.ResourceARN), allowed[r.ResourceARN])
		replayLogs(t, w, r.ResourceARN, before.texts(r.ResourceARN), alone.texts(r.ResourceARN), days)
	}
	keepsTerms(t, before, all, kept)
	if steps == 0 || changed == 0 || w.options.Sample && young == 0 {
		t.Errorf("%d steps for %d principals, %d young: the test checks nothing", steps, changed, young)
	}
}

// keepsTerms checks that every action to keep is allowed and denied on the same terms
// after as before. It returns how many principals' policies are others.
func keepsTerms(t fatal, before, after holdings, kept map[string]map[string]bool) (changed int) {
	t.Helper()
	for arn, actions := range kept {
		old, new := before.texts(arn), after.texts(arn)
		if slices.Equal(old, new) {
			continue
		}
		changed++
		was, is := plainPolicies(t, old), plainPolicies(t, new)
		for _, a := range slices.Sorted(maps.Keys(actions)) {
			if diff := cmp.Diff(terms(was, a), terms(is, a)); diff != "" {
				t.Fatalf("%s: %s was used: terms -before +after\n%s", arn, a, diff)
			}
		}
	}
	return changed
}

// survivesInPlace checks the other answer for policies that several have.
func survivesInPlace(t *testing.T, w *madeWorld, days int) {
	before, kept := w.readIAM(t), w.keep(t, days)
	s := w.opened(t, days)
	done := map[string]bool{}
	for _, arn := range slices.Sorted(maps.Keys(kept)) {
		rec, err := s.accounts[0].Recommend(arn)
		if err != nil {
			continue // the root
		}
		var out bytes.Buffer
		var printed struct {
			Policies []struct {
				PolicyARN string
				InPlace   *struct {
					Outcome, RecommendedText, Problem string
				}
			}
		}
		shown := report.Principal{Recommendation: rec, Catalog: s.catalog, Window: s.accounts[0].Window}
		if err := report.PrincipalJSON(&out, shown); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &printed); err != nil {
			t.Fatal(err)
		}
		for _, p := range printed.Policies {
			if p.InPlace == nil || p.InPlace.Problem != "" || done[p.PolicyARN] {
				continue
			}
			done[p.PolicyARN] = true
			after := before.clone()
			for _, texts := range after.policies {
				switch {
				case texts[p.PolicyARN] == "":
				case p.InPlace.Outcome == "detach":
					delete(texts, p.PolicyARN)
				default:
					texts[p.PolicyARN] = p.InPlace.RecommendedText
				}
			}
			keepsTerms(t, before, after, kept)
		}
	}
	if len(done) < 2 {
		t.Errorf("only %d policies changed in place", len(done))
	}
}

// replay makes requests of the true uses, and wants those allowed that were. What a
// resource's own policy has to say, it leaves to the account's.
func replay(t *testing.T, arn string, before, after []string, uses map[string]bool) {
	t.Helper()
	account := documents(t, []string{`{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "*", "Resource": "*"}]}`})[0]
	was := access.Policies{Identity: documents(t, before), Resource: account}
	is := access.Policies{Identity: documents(t, after), Resource: account}
	statements := plainPolicies(t, before)
	var mute []string
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		if !uses[name] {
			continue // it was denied
		}
		asked := false
		for _, req := range requestsFor(t, statements, arn, name) {
			if access.Decide(req, was).Outcome != access.Allowed {
				continue
			}
			asked = true
			if got := access.Decide(req, is); got.Outcome != access.Allowed {
				t.Errorf("%s: %s on %s with %v was allowed, and is %v", arn, name, req.Resource, req.Context, got.Outcome)
			}
		}
		if allowedBy(statements, name) && !asked {
			mute = append(mute, name)
		}
	}
	if mute != nil {
		t.Errorf("%s: %q was used, and there is no request for it that was allowed", arn, mute)
	}
}

// replayLogs does it as pare itself does, with the uses that the logs show.
func replayLogs(t *testing.T, w *madeWorld, arn string, before, after []string, days int) {
	t.Helper()
	var uses []usage.Use
	for _, name := range analyzer.Aliases(arn) {
		uses = append(uses, w.uses(t)[name]...)
	}
	window := usage.Window{Age: time.Duration(days) * usage.Day, Now: w.options.Now}
	got := analyzer.Replay(documents(t, before), documents(t, after), uses, window)
	for _, d := range got.Differences {
		t.Errorf("%s: %s on %s was %v, and is %v", arn, d.Use.Action, d.Request.Resource, d.Old, d.New)
	}
	if got.Uses > 0 && got.Allowed == 0 && slices.ContainsFunc(uses, func(u usage.Use) bool { return u.Primary && u.Denied == 0 && w.within(u.LastSeen, days) }) {
		t.Errorf("%s: %d uses, %d requests, none allowed: the replay checks nothing", arn, got.Uses, got.Requests)
	}
}

// The answer is the same, byte for byte, whatever the order of the logs and the number of
// those who work at it.
func TestOrderAndWorkersChangeNoAnswer(t *testing.T) {
	o := samplegen.Demo()
	o.Days, o.Roles, o.Users, o.Policies = 5, 5, 5, 6
	w := makeWorld(t, t.TempDir(), o)
	out := filepath.Join(w.account(), "usage.jsonl")
	var paths []string
	for _, name := range w.logs {
		paths = append(paths, filepath.Join(w.dir, name))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var want string
	for _, workers := range []string{"1", "4"} {
		args := []string{"ingest", "--catalog", "embedded", "--quiet", "--workers", workers, "--out", out}
		if _, said, code := command(t, "", append(args, paths...)...); code != exitOK {
			t.Fatalf("code %d: %s", code, said)
		}
		got := readText(t, out) + readText(t, filepath.Join(w.account(), "usage.coverage.json")) + w.analyze(t, 4, "--workers", workers)
		if want == "" {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s workers: -want +got\n%s", workers, diff)
		}
		rng.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	}
	if !strings.Contains(want, "CREATE_POLICY") || !strings.Contains(want, `"principal":"`) {
		t.Error("no steps, or no uses: the test checks nothing")
	}
}
