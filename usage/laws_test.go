package usage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// The laws are checked in worlds: a principal truly used some actions at some times, and
// every source is a projection of these uses, made here by what AWS says that it records,
// and read by the code under test from the text that AWS would print.

// event is a true use. An unmapped one is a call of which ingest doesn't know what it
// needs.
type event struct {
	action   *catalog.Action
	at       time.Time
	sure     bool
	unmapped bool
}

// world is what truly happened, and what each source kept of it.
type world struct {
	catalog *catalog.Catalog
	granted []*catalog.Action
	now     time.Time
	events  []event // none after the end of the evidence

	last     string // an answer of get-service-last-accessed-details
	finding  []byte // an answer of get-finding-v2
	age      time.Duration
	coverage usage.Coverage
	uses     []usage.Use
}

// ago draws a time before another, to the minute.
func ago(t *rapid.T, before time.Time, atMost int, name string) time.Time {
	return before.Add(-time.Duration(rapid.IntRange(0, atMost*24*60).Draw(t, name)) * time.Minute)
}

// worldOf draws a world. Of the sources, lag is how long before now they end.
func worldOf(t *rapid.T, c *catalog.Catalog) *world {
	w := &world{catalog: c, now: at("2026-11-01T12:30:00Z"), granted: granted(c)}
	lag := time.Duration(rapid.IntRange(0, 30).Draw(t, "lag")) * time.Hour
	for range rapid.IntRange(0, 8).Draw(t, "events") {
		w.events = append(w.events, event{
			action: rapid.SampledFrom(w.granted).Draw(t, "action"), at: ago(t, w.now.Add(-lag), 480, "at"),
			sure: rapid.Bool().Draw(t, "sure"), unmapped: rapid.IntRange(0, 5).Draw(t, "unmapped") == 0,
		})
	}
	if rapid.Bool().Draw(t, "few") {
		w.granted = slices.DeleteFunc(w.granted, func(a *catalog.Action) bool {
			used := slices.ContainsFunc(w.events, func(e event) bool { return e.action == a })
			return !used && rapid.Bool().Draw(t, "not granted")
		})
	}
	end := w.now.Add(-lag)
	w.lastAccessed(t, end)
	w.report(t, end)
	w.record(t, end)
	return w
}

// latest is the last of the events that these conditions are true of; zero if there is none.
func (w *world) latest(from, to time.Time, is func(event) bool) time.Time {
	var out time.Time
	for _, e := range w.events {
		if is(e) && !e.at.Before(from) && !e.at.After(to) && e.at.After(out) {
			out = e.at
		}
	}
	return out
}

func isCall(e event) bool { return e.action.Name != "PassRole" }

func inService(s *catalog.Service) func(event) bool {
	return func(e event) bool { return e.action.Service == s && isCall(e) }
}

func isAction(a *catalog.Action) func(event) bool {
	return func(e event) bool { return e.action == a && isCall(e) }
}

// member is a JSON member with a date, or nothing.
func member(name string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf(`,%q:%q`, name, at.Format(time.RFC3339))
}

// lastAccessed makes IAM's answer: every call within 400 days, by service, and by action
// for those that it tracks.
func (w *world) lastAccessed(t *rapid.T, end time.Time) {
	from := end.Add(-400 * usage.Day)
	actions := rapid.Bool().Draw(t, "action level")
	var services []string
	for _, s := range w.catalog.Services() {
		if rapid.IntRange(0, 4).Draw(t, "listed") == 0 {
			continue
		}
		var tracked []string
		for i := range s.Actions {
			if a := &s.Actions[i]; actions && a.Tracked.Has(catalog.LastAccessed) && a.Name != "PassRole" {
				tracked = append(tracked, fmt.Sprintf(`{"ActionName":%q%s}`, a.Name, member("LastAccessedTime", w.latest(from, end, isAction(a)))))
			}
		}
		services = append(services, fmt.Sprintf(`{"ServiceNamespace":%q%s,"TrackedActionsLastAccessed":[%s]}`,
			s.Prefix, member("LastAuthenticated", w.latest(from, end, inService(s))), strings.Join(tracked, ",")))
	}
	w.last = fmt.Sprintf(`{"Arn":%q,"JobStatus":"COMPLETED"%s,"ServicesLastAccessed":[%s]}`, role, member("JobCompletionDate", end), strings.Join(services, ","))
}

// report makes AWS's finding: services not called at the analyzer's age, and tracked actions
// of the others.
func (w *world) report(t *rapid.T, end time.Time) {
	age := time.Duration(rapid.SampledFrom([]int{30, 90, 180, 365}).Draw(t, "analyzer's age")) * usage.Day
	if w.age = age; rapid.Bool().Draw(t, "age not known") {
		w.age = 0
	}
	long, from := end.Add(-400*usage.Day), end.Add(-age)
	var details []string
	for _, s := range w.catalog.Services() {
		if w.latest(from, end, inService(s)).IsZero() {
			details = append(details, fmt.Sprintf(`{"unusedPermissionDetails":{"serviceNamespace":%q%s}}`, s.Prefix, member("lastAccessed", w.latest(long, end, inService(s)))))
			continue
		}
		var actions []string
		for i := range s.Actions {
			a := &s.Actions[i]
			if a.Tracked.Has(catalog.LastAccessed) && a.Name != "PassRole" && w.latest(from, end, isAction(a)).IsZero() {
				actions = append(actions, fmt.Sprintf(`{"action":%q%s}`, a.Name, member("lastAccessed", w.latest(long, end, isAction(a)))))
			}
		}
		details = append(details, fmt.Sprintf(`{"unusedPermissionDetails":{"serviceNamespace":%q%s,"actions":[%s]}}`,
			s.Prefix, member("lastAccessed", w.latest(long, end, inService(s))), strings.Join(actions, ",")))
	}
	w.finding = finding(end, rapid.SampledFrom([]string{"ACTIVE", "ARCHIVED", "RESOLVED"}).Draw(t, "status"), strings.Join(details, ","))
}

// record makes logs: of some time, some kinds of events, with gaps.
func (w *world) record(t *rapid.T, end time.Time) {
	reads, kms := rapid.IntRange(0, 4).Draw(t, "reads") > 0, rapid.IntRange(0, 4).Draw(t, "kms") > 0
	account := usage.AccountCoverage{ID: account}
	region := usage.RegionCoverage{
		Name: rapid.SampledFrom([]string{"us-east-1", "us-east-1", "eu-west-1"}).Draw(t, "region"), Basis: "digests",
		From: ago(t, end, 500, "logs from"), To: end, Events: 1000, Gaps: []usage.Gapped{},
	}
	if reads {
		region.Reads = 500
	}
	if kms {
		region.KMS = 10
	}
	for _, typ := range []string{"AWS::DynamoDB::Table", "AWS::S3::Object"} {
		account.DataEvents = append(account.DataEvents, usage.DataCoverage{Type: typ, All: rapid.Bool().Draw(t, typ)})
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "gaps") {
		from := ago(t, end, 480, "gap").Truncate(time.Hour)
		region.Gaps = append(region.Gaps, usage.Gapped{From: from, To: from.Add(time.Hour)})
	}
	account.Regions = []usage.RegionCoverage{region}
	w.coverage = usage.Coverage{SchemaVersion: 1, Accounts: []usage.AccountCoverage{account}}
	for _, e := range w.events {
		if w.recorded(e, account) {
			w.log(e)
		}
	}
	w.coverage.Uses = len(w.uses)
}

// recorded says whether an event is in the logs. In a Region that isn't covered are all
// global calls.
func (w *world) recorded(e event, account usage.AccountCoverage) bool {
	region := account.Regions[0]
	inGap := slices.ContainsFunc(region.Gaps, func(g usage.Gapped) bool { return !e.at.Before(g.From) && e.at.Before(g.To) })
	prefix := e.action.Service.Prefix
	switch {
	case e.at.Before(region.From) || inGap:
		return false
	case region.Name != "us-east-1" && (prefix == "iam" || prefix == "sts"):
		return false
	case e.action.Name == "GetObject" || e.action.Name == "GetObjectTagging":
		return account.DataEvents[1].All
	case prefix == "dynamodb" && e.action.Name == "GetItem":
		return account.DataEvents[0].All
	case prefix == "kms":
		return region.KMS > 0 && region.Reads > 0
	case prefix == "rds-data", prefix == "sns", e.action.Name == "PermissionOnly", e.action.Name == "ListBucket":
		return false // excluded by the trail, not recorded, no event of its own
	case e.action.Level == catalog.LevelRead || e.action.Level == catalog.LevelList || prefix == "sts":
		return region.Reads > 0
	}
	return true
}

// log writes an event down.
func (w *world) log(e event) {
	if e.unmapped {
		w.coverage.Unmapped = append(w.coverage.Unmapped, usage.Unmapped{Event: e.action.Service.Prefix + ".amazonaws.com:Odd", Count: 1, LastSeen: e.at})
		return
	}
	u := use(e.action.String(), e.at)
	u.Primary, u.Inferred = e.sure && isCall(e), !isCall(e)
	w.uses = append(w.uses, u)
}

// sources are the world's three, through the parsers.
func (w *world) sources(tb failer) []usage.Source {
	reported, err := usage.ParseReported("f.json", w.finding, w.age)
	if err != nil {
		tb.Fatal(err)
	}
	return []usage.Source{parseLast(tb, w.last), trailOf(tb, w.catalog, w.coverage, usage.DeniedCount, w.uses...).Of(role), reported}
}

// expand is what an unused list takes away of the granted actions.
func (w *world) expand(u usage.Unused) map[string]bool {
	actions, services := u.ActionSet(), u.ServiceSet()
	out := map[string]bool{}
	for _, a := range w.granted {
		_, whole := slices.BinarySearch(services, a.Service.Prefix)
		if whole || slices.Contains(actions, policy.Action{Service: a.Service.Prefix, Name: a.Lower}) {
			out[a.String()] = true
		}
	}
	for _, s := range services {
		out[s+":*"] = true
	}
	return out
}

func (w *world) unused(sources []usage.Source, window usage.Window) map[string]bool {
	return w.expand(usage.Judge(w.granted, nil, sources, window).Unused())
}

// smaller fails if a set has something that another doesn't have.
func smaller(t *rapid.T, what string, less, more map[string]bool) {
	for a := range less {
		if !more[a] {
			t.Fatalf("%s: %s is unused only then", what, a)
		}
	}
}

// check runs a law in many worlds.
func check(t *testing.T, law func(t *rapid.T, w *world, window usage.Window)) {
	c := small(t)
	rapid.Check(t, func(t *rapid.T) {
		w := worldOf(t, c)
		law(t, w, usage.Window{Age: time.Duration(rapid.IntRange(1, 365).Draw(t, "window")) * usage.Day, Now: w.now})
	})
}

func TestWhatWasUsedIsNeverUnused(t *testing.T) {
	found := 0
	check(t, func(t *rapid.T, w *world, window usage.Window) {
		unused := w.unused(w.sources(t), window)
		found += len(unused)
		for _, e := range w.events {
			if window.Used(e.at) && (unused[e.action.String()] || unused[e.action.Service.Prefix+":*"]) {
				t.Fatalf("%s was used at %v, and is unused", e.action, e.at)
			}
		}
		if unused["iam:PassRole"] {
			t.Fatal("iam:PassRole is unused, and nobody sees its uses")
		}
	})
	if found == 0 {
		t.Error("nothing was unused in any world: the law says nothing")
	}
}

func TestFewerSourcesMakeLessUnused(t *testing.T) {
	check(t, func(t *rapid.T, w *world, window usage.Window) {
		all := w.sources(t)
		unused := w.unused(all, window)
		for i := range all {
			smaller(t, fmt.Sprintf("without source %d", i), w.unused(slices.Delete(slices.Clone(all), i, i+1), window), unused)
		}
	})
}

func TestFewerLogsMakeLessUnused(t *testing.T) {
	check(t, func(t *rapid.T, w *world, window usage.Window) {
		before := w.unused(w.sources(t), window)
		region := &w.coverage.Accounts[0].Regions[0]
		hour := ago(t, w.now, 400, "lost hour").Truncate(time.Hour)
		if len(w.uses) > 0 && rapid.Bool().Draw(t, "of a use") {
			hour = w.uses[rapid.IntRange(0, len(w.uses)-1).Draw(t, "use")].LastSeen.Truncate(time.Hour)
		}
		lost := usage.Gapped{From: hour, To: hour.Add(time.Hour)}
		region.Gaps = append(slices.Clone(region.Gaps), lost)
		w.uses = slices.DeleteFunc(slices.Clone(w.uses), func(u usage.Use) bool { return !u.LastSeen.Before(lost.From) && u.LastSeen.Before(lost.To) })
		w.coverage.Uses = len(w.uses)
		smaller(t, "without "+lost.From.String(), w.unused(w.sources(t), window), before)
	})
}

func TestLinesCutOffMakeLessUnused(t *testing.T) {
	check(t, func(t *rapid.T, w *world, window usage.Window) {
		if len(w.uses) == 0 {
			return
		}
		before := w.unused(w.sources(t), window)
		w.uses = w.uses[:rapid.IntRange(0, len(w.uses)-1).Draw(t, "lines left")]
		smaller(t, "with fewer lines", w.unused(w.sources(t), window), before)
	})
}

func TestWiderWindowMakesLessUnused(t *testing.T) {
	check(t, func(t *rapid.T, w *world, window usage.Window) {
		sources := w.sources(t)
		if rapid.Bool().Draw(t, "disagreeing") { // logs of another world doubt IAM's answer
			other := worldOf(t, w.catalog)
			sources[1] = trailOf(t, w.catalog, other.coverage, usage.DeniedCount, other.uses...).Of(role)
		}
		wider := window
		wider.Age = time.Duration(rapid.IntRange(int(window.Age/usage.Day), 365).Draw(t, "wider")) * usage.Day
		smaller(t, fmt.Sprint(wider.Age/usage.Day, " days"), w.unused(sources, wider), w.unused(sources, window))
	})
}

// In any world, of honest sources or not: what any of them saw is kept, what is unused is so
// for each of its actions, and nothing that isn't known is.
func TestJudgeAgreesWithItsSources(t *testing.T) {
	check(t, func(t *rapid.T, w *world, window usage.Window) {
		sources := append(w.sources(t), lies(t, w.catalog), lies(t, w.catalog))
		j := usage.Judge(w.granted, nil, sources, window)
		unused := w.expand(j.Unused())
		for _, s := range j.Services {
			for _, a := range s.Actions {
				want := usage.Unknown
				for _, said := range usage.Explain(policy.Action{Service: s.Prefix, Name: a.Action.Lower}, sources, window) {
					want = max(want, said.State)
				}
				if a.State != want || unused[a.Action.String()] != (want == usage.NotUsed) {
					t.Fatalf("%s: judged %s, unused %t: its sources make it %s", a.Action, a.State, unused[a.Action.String()], want)
				}
			}
		}
		for _, source := range sources {
			for _, a := range w.granted {
				if seen := source.Service(a.Service.Prefix, window); seen.State == usage.InUse && unused[a.Service.Prefix+":*"] {
					t.Fatalf("%s is unused as a whole, and %s", a.Service.Prefix, tell(seen))
				}
			}
		}
		shuffled := slices.Clone(sources)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
		random.Shuffle(len(shuffled), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
		if diff := cmp.Diff(lines(j), lines(usage.Judge(w.granted, nil, shuffled, window))); diff != "" {
			t.Fatalf("the order of sources matters:\n%s", diff)
		}
	})
}

// lies is a source that says anything.
func lies(t *rapid.T, c *catalog.Catalog) usage.Source {
	out := table{}
	say := func(what string) {
		out[what] = usage.Sighting{
			Source: usage.Kind(rapid.IntRange(0, 4).Draw(t, "kind")), State: usage.State(rapid.IntRange(0, 2).Draw(t, "state")),
			Why: usage.Why(rapid.IntRange(0, 11).Draw(t, "why")), Possible: rapid.Bool().Draw(t, "possible"),
		}
	}
	for _, s := range c.Services() {
		say(s.Prefix + ":*")
		for i := range s.Actions {
			say(s.Prefix + ":" + s.Actions[i].Lower)
		}
	}
	return out
}

// Pages of an answer, merged in any order, say what the whole says.
func TestMergeIsCommutative(t *testing.T) {
	check(t, func(t *rapid.T, w *world, window usage.Window) {
		head, list, _ := strings.Cut(w.last, `"ServicesLastAccessed":[`)
		services := strings.SplitAfter(strings.TrimSuffix(list, "]}"), "]},")
		cut := rapid.IntRange(0, len(services)).Draw(t, "cut")
		page := func(part []string) *usage.LastAccessed {
			return parseLast(t, head+`"ServicesLastAccessed":[`+strings.TrimSuffix(strings.Join(part, ""), ",")+"]}")
		}
		first, second := page(services[:cut]), page(services[cut:])
		ab, err := first.Merge(second)
		if err != nil {
			t.Fatal(err)
		}
		ba, err := second.Merge(first)
		if err != nil {
			t.Fatal(err)
		}
		verdicts := func(s ...usage.Source) []string { return lines(usage.Judge(w.granted, nil, s, window)) }
		want := verdicts(parseLast(t, w.last))
		if diff := cmp.Diff(want, verdicts(ab)); diff != "" {
			t.Fatalf("pages merged (-whole +merged):\n%s", diff)
		}
		if diff := cmp.Diff(want, verdicts(ba)); diff != "" {
			t.Fatalf("pages merged the other way round (-whole +merged):\n%s", diff)
		}
		if diff := cmp.Diff(want, verdicts(first, second)); diff != "" {
			t.Fatalf("pages as two sources (-whole +two):\n%s", diff)
		}
	})
}
