package analyzer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// truth is what a principal really did, and what of it each source could see.
type truth struct {
	last    map[string]time.Time // by action
	sources []usage.Source
	tracked []map[string]bool // by source
}

func names(c *catalog.Catalog) []string {
	var out []string
	for id := range c.Len() {
		out = append(out, c.Action(id).String())
	}
	return out
}

// drawTruth makes sources that don't contradict each other: what one tracks, it sees.
func drawTruth(t *rapid.T, c *catalog.Catalog) truth {
	all := names(c)
	out := truth{last: map[string]time.Time{}}
	for _, a := range rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, 6, rapid.ID).Draw(t, "uses") {
		out.last[a] = ago(rapid.IntRange(0, 200).Draw(t, "days ago"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "sources") {
		tracked, saw := map[string]bool{}, map[string]time.Time{}
		e := evidence{kind: rapid.SampledFrom([]usage.Kind{usage.CloudTrail, usage.ActionLastAccessed}).Draw(t, "kind"), last: saw}
		for _, a := range rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID).Draw(t, "tracked") {
			tracked[a] = true
			e.tracked = append(e.tracked, a)
		}
		for _, s := range c.Services() {
			if rapid.IntRange(0, 2).Draw(t, "whole "+s.Prefix) == 0 {
				e.tracked = append(e.tracked, s.Prefix, s.Prefix+":*")
				for i := range s.Actions {
					tracked[s.Actions[i].String()] = true
				}
			}
		}
		for a, at := range out.last {
			if tracked[a] {
				saw[a] = at
			}
		}
		out.sources, out.tracked = append(out.sources, e), append(out.tracked, tracked)
	}
	return out
}

// removable says what may be taken away: some source would have seen a use in the window,
// and there was none that any saw.
func (tr truth) removable(a string, w usage.Window) bool {
	tracked := false
	for _, by := range tr.tracked {
		tracked = tracked || by[a]
	}
	return tracked && !w.Used(tr.last[a])
}

func drawPolicy(t *rapid.T) *policy.Document {
	patterns := []string{"*", "s3:*", "s3:Get*", "s3:*Object", "s3:GetObject", "S3:putobject", "sqs:*", "sqs:SendMessage", "iam:*", "iam:PassRole", "lambda:List*", "lambda:*", "nosuch:*"}
	var statements []string
	for i := range rapid.IntRange(1, 3).Draw(t, "statements") {
		list := rapid.SliceOfNDistinct(rapid.SampledFrom(patterns), 1, 4, rapid.ID).Draw(t, "actions")
		kind := rapid.SampledFrom([]string{`"Effect":"Allow","Action"`, `"Effect":"Allow","Action"`, `"Effect":"Allow","Action"`, `"Effect":"Allow","NotAction"`, `"Effect":"Deny","Action"`}).Draw(t, "kind")
		resource := rapid.SampledFrom([]string{`"*"`, `"arn:aws:s3:::b/*"`}).Draw(t, "resource")
		condition := rapid.SampledFrom([]string{"", `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`}).Draw(t, "condition")
		statements = append(statements, fmt.Sprintf(`{"Sid":"S%d",%s:[%s],"Resource":%s%s}`, i, kind, quoted(list), resource, condition))
	}
	doc, err := policy.Parse("p.json", []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// drawnWorld is two roles, and two users in a group, that share policies.
func drawnWorld(t *rapid.T, tb testing.TB) (*world, map[string]truth) {
	w := newWorld(tb)
	truths := map[string]truth{}
	var entities []*inventory.Entity
	for _, name := range []string{"a", "b"} {
		tr := drawTruth(t, w.input.Catalog)
		r := w.role(name, tr.sources...)
		truths[r.ARN] = tr
		entities = append(entities, &r.Entity)
	}
	var users []*inventory.User
	for _, name := range []string{"u", "v"} {
		tr := drawTruth(t, w.input.Catalog)
		u := w.user(name, tr.sources...)
		u.Keys = []inventory.Key{{ID: "AKIA" + name, Active: true, CreatedAt: ago(300), LastUsed: used(ago(rapid.IntRange(0, 120).Draw(t, "key used")))}}
		truths[u.ARN] = tr
		users, entities = append(users, u), append(entities, &u.Entity)
	}
	entities = append(entities, &w.group("g", users...).Entity)
	for i := range rapid.IntRange(1, 3).Draw(t, "managed") {
		to := rapid.SliceOfNDistinct(rapid.SampledFrom(entities), 1, 3, rapid.ID).Draw(t, "attached to")
		w.customer(fmt.Sprintf("m%d", i), drawPolicy(t), to...).UpdatedAt = ago(rapid.SampledFrom([]int{10, 200, 200}).Draw(t, "changed"))
	}
	for i, e := range entities {
		if rapid.Bool().Draw(t, "inline") {
			inline(e, fmt.Sprintf("i%d", i), drawPolicy(t))
		}
	}
	return w, truths
}

func granted(c *catalog.Catalog, docs ...*policy.Document) []string {
	var out []string
	for _, a := range access.Actions(c, docs...).Actions {
		out = append(out, a.String())
	}
	return out
}

// unusedActions are the actions that findings call unused, those of whole services too.
func unusedIn(c *catalog.Catalog, found []finding.Finding) map[string][]string {
	out := map[string][]string{}
	for _, f := range found {
		for _, p := range f.Permissions {
			for _, a := range p.Actions {
				out[f.Resource] = append(out[f.Resource], a.Name)
			}
			if svc := c.Service(p.Namespace); len(p.Actions) == 0 && svc != nil {
				for i := range svc.Actions {
					out[f.Resource] = append(out[f.Resource], svc.Actions[i].String())
				}
			}
		}
	}
	return out
}

// The promises of a recommendation, against a count of one's own: what is taken away is
// what some source would have seen, for everyone who loses it, and nobody saw.
func TestNothingElseIsTaken(t *testing.T) {
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		w, truths := drawnWorld(rt, t)
		c := w.input.Catalog
		found, _ := w.run()
		for arn, actions := range unusedIn(c, found) {
			for _, a := range actions {
				if !truths[arn].removable(a, window) && slices.Contains(granted(c, w.documents(arn)...), a) {
					rt.Fatalf("%s: %s is called unused", arn, a)
				}
			}
		}
		check := func(whose []string, r analyzer.Refinement) {
			left := granted(c, r.Documents()...)
			for _, a := range granted(c, r.Original) {
				if slices.Contains(left, a) {
					continue
				}
				taken++
				for _, arn := range whose {
					if !truths[arn].removable(a, window) {
						rt.Fatalf("%s loses %s\n%s", arn, a, r.Original.Bytes())
					}
				}
			}
			if !r.Leaves() {
				rt.Fatalf("not proved: %s", r.Original.Bytes())
			}
		}
		err := w.analysis().Recommendations(func(r analyzer.Recommendation) error {
			for _, p := range r.Policies {
				whose := []string{r.Resource}
				if p.Group != "" {
					whose = p.Members
				}
				if p.Changes() {
					check(whose, p.Refinement)
				}
				if p.InPlace != nil && p.InPlace.Changes() {
					check(p.InPlace.Affects, p.InPlace.Refinement)
				}
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
	if taken == 0 {
		t.Error("nothing was ever taken: the test checks nothing")
	}
}

// documents are the policies of a principal and of its groups.
func (w *world) documents(arn string) []*policy.Document {
	var out []*policy.Document
	add := func(e *inventory.Entity) {
		for _, in := range e.Inline {
			out = append(out, in.Document)
		}
		for _, at := range e.Attached {
			out = append(out, at.Policy.Document)
		}
	}
	for _, r := range w.account.Roles {
		if r.ARN == arn {
			add(&r.Entity)
		}
	}
	for _, u := range w.account.Users {
		if u.ARN == arn {
			add(&u.Entity)
			for _, g := range w.account.Groups {
				if slices.Contains(u.Groups, g.Name) {
					add(&g.Entity)
				}
			}
		}
	}
	return out
}

// Less evidence, or a longer window, never calls more unused.
func TestLessEvidenceKeepsMore(t *testing.T) {
	shrank := 0
	rapid.Check(t, func(rt *rapid.T) {
		w, truths := drawnWorld(rt, t)
		before, _ := w.run()
		if rapid.Bool().Draw(rt, "longer window") {
			w.input.Window.Age += time.Duration(rapid.IntRange(1, 200).Draw(rt, "days")) * usage.Day
			for _, r := range w.account.Roles {
				r.LastUsed.At = ago(1)
			}
		} else {
			arns := []string{"arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:user/u"}
			arn := rapid.SampledFrom(arns).Draw(rt, "whose")
			if n := len(truths[arn].sources); n > 0 {
				drop := rapid.IntRange(0, n-1).Draw(rt, "source")
				w.sources[arn] = slices.Delete(slices.Clone(truths[arn].sources), drop, drop+1)
			}
		}
		after, _ := w.run()
		had := unusedIn(w.input.Catalog, before)
		for arn, actions := range unusedIn(w.input.Catalog, after) {
			for _, a := range actions {
				if !slices.Contains(had[arn], a) && w.wasActive(arn, before) {
					rt.Fatalf("%s: %s is unused by less evidence", arn, a)
				}
			}
		}
		if !cmp.Equal(had, unusedIn(w.input.Catalog, after)) {
			shrank++
		}
	})
	if shrank == 0 {
		t.Error("nothing ever changed: the test checks nothing")
	}
}

// wasActive says whether a principal's permissions were judged: a longer window makes one
// active that wasn't.
func (w *world) wasActive(arn string, found []finding.Finding) bool {
	return strings.Contains(arn, ":role/") || slices.ContainsFunc(found, func(f finding.Finding) bool {
		return f.Resource == arn && f.Type == finding.UnusedPermission
	})
}

func TestTheYoungHaveNoFinding(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, _ := drawnWorld(rt, t)
		for _, r := range w.account.Roles {
			r.CreatedAt = ago(rapid.IntRange(0, 89).Draw(rt, "age"))
		}
		for _, u := range w.account.Users {
			u.CreatedAt = ago(rapid.IntRange(0, 89).Draw(rt, "age"))
		}
		if found, _ := w.run(); len(found) > 0 {
			rt.Fatalf("found %v", lines(found))
		}
	})
}

// Any number of workers, and any run, gives the same bytes.
func TestWorkersMakeNoDifference(t *testing.T) {
	w := big(t)
	for i := range 40 {
		r := w.role(fmt.Sprintf("r%02d", i), everyOther(w.input.Catalog, 2+i%3, "s3", "sqs", "iam"))
		inline(&r.Entity, "p", allow(t, "s3:*", "sqs:*"))
		if i%2 == 0 {
			r.LastUsed.At = ago(100)
		}
	}
	var to []*inventory.Entity
	for _, r := range w.account.Roles {
		to = append(to, &r.Entity)
	}
	w.customer("shared", allow(t, "iam:Get*", "iam:List*"), to...)
	run := func(workers int) string {
		w.settings.Workers = workers
		found, summary := w.run()
		var out strings.Builder
		if err := json.MarshalWrite(&out, found); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%v\n", summary.Skipped)
		err := w.analysis().Recommendations(func(r analyzer.Recommendation) error {
			fmt.Fprintf(&out, "%s %v %v %d %d\n", r.Resource, r.Steps, r.Notes, r.Before, r.After)
			for _, p := range r.Policies {
				fmt.Fprintf(&out, "%s %v %v %v\n", p.Name, p.Notes, inPlaceText(p.InPlace), p.Proof.Verdict)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	one := run(1)
	for _, workers := range []int{1, 8, 8} {
		if diff := cmp.Diff(one, run(workers)); diff != "" {
			t.Fatalf("%d workers: -want +got\n%s", workers, diff)
		}
	}
	if len(one) < 10000 {
		t.Errorf("only %d bytes", len(one))
	}
}

func inPlaceText(p *analyzer.InPlace) string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(p.Affects, p.Groups, p.Problem, len(p.Documents()))
}
