package analyzer_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

const accountID = "123456789012"

// now is the end of the tests' window of 90 days.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ago(days int) time.Time { return now.Add(-time.Duration(days) * usage.Day) }

var window = usage.Window{Age: 90 * usage.Day, Now: now}

// small is a catalog that a test can be checked against by eye.
func small(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Read("small.json", []byte(`{"date": "2026-01-01", "services": {
		"iam": ["GetRole", "PassRole"],
		"lambda": ["GetFunction", "InvokeFunction", "ListFunctions", "ListLayers"],
		"s3": ["DeleteObject", "GetBucketAcl", "GetBucketTagging", "GetObject", "ListBucket", "PutObject"],
		"sqs": ["ReceiveMessage", "SendMessage"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parse(t testing.TB, text string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse("policy.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// allow is a policy of one Allow statement.
func allow(t testing.TB, actions ...string) *policy.Document {
	t.Helper()
	return parse(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[%s],"Resource":"*"}]}`, quoted(actions)))
}

func quoted(texts []string) string {
	var out []string
	for _, s := range texts {
		out = append(out, `"`+s+`"`)
	}
	return strings.Join(out, ",")
}

// evidence is a source that a test writes down. Names are "s3:GetObject" for an action
// and "s3:*" for a service as a whole.
type evidence struct {
	kind    usage.Kind
	last    map[string]time.Time // when it saw what
	tracked []string             // what it would have seen; "s3" stands for all of the service's actions
}

func (e evidence) Action(a policy.Action, w usage.Window) usage.Sighting {
	return e.say(w, a.String(), slices.Contains(e.lower(), a.String()) || slices.Contains(e.tracked, a.Service))
}

func (e evidence) Service(prefix string, w usage.Window) usage.Sighting {
	out := e.say(w, prefix+":*", slices.Contains(e.tracked, prefix+":*"))
	for name, at := range e.last {
		if service, _, _ := strings.Cut(name, ":"); service == prefix && w.Used(at) {
			out.State, out.Why, out.Last = usage.InUse, usage.Seen, at
		}
	}
	return out
}

func (e evidence) lower() []string {
	var out []string
	for _, name := range e.tracked {
		out = append(out, strings.ToLower(name))
	}
	return out
}

func (e evidence) say(w usage.Window, name string, tracked bool) usage.Sighting {
	out := usage.Sighting{Source: e.kind}
	for key, at := range e.last {
		if strings.ToLower(key) == name {
			out.Last = at
		}
	}
	switch {
	case w.Used(out.Last):
		out.State, out.Why = usage.InUse, usage.Seen
	case tracked:
		out.State, out.Why = usage.NotUsed, usage.NeverSeen
	}
	return out
}

// tracking is a source that would have seen all actions of the services, and saw the
// used ones yesterday.
func tracking(services []string, used ...string) evidence {
	out := evidence{kind: usage.CloudTrail, last: map[string]time.Time{}, tracked: services}
	for _, name := range used {
		out.last[name] = ago(1)
	}
	return out
}

// world is an account and the evidence, on the way to an analysis.
type world struct {
	t        testing.TB
	account  inventory.Account
	sources  map[string][]usage.Source
	settings analyzer.Settings
	input    analyzer.Input
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, account: inventory.Account{ID: accountID, Partition: "aws"}, sources: map[string][]usage.Source{}}
	w.input = analyzer.Input{Catalog: small(t), Window: window, Sources: func(arn string) ([]usage.Source, error) {
		for _, s := range w.sources[arn] {
			if _, broken := s.(brokenSource); broken {
				return nil, errors.New("usage.jsonl:7: cut off")
			}
		}
		return w.sources[arn], nil
	}}
	return w
}

// brokenSource stands for evidence that can't be read.
type brokenSource struct{ usage.Source }

func entity(kind, path, name string) inventory.Entity {
	return inventory.Entity{
		Name: name, Path: path, ARN: "arn:aws:iam::" + accountID + ":" + kind + path + name, ID: "ID" + name, CreatedAt: ago(400),
	}
}

// role adds a role that was used yesterday.
func (w *world) role(name string, sources ...usage.Source) *inventory.Role {
	return w.roleAt("/", name, sources...)
}

func (w *world) roleAt(path, name string, sources ...usage.Source) *inventory.Role {
	r := &inventory.Role{Entity: entity("role", path, name), LastUsed: inventory.LastUsed{Known: true, At: ago(1)}}
	w.account.Roles = append(w.account.Roles, r)
	w.sources[r.ARN] = sources
	return r
}

// user adds a user without key and password, of whom all is known.
func (w *world) user(name string, sources ...usage.Source) *inventory.User {
	u := &inventory.User{Entity: entity("user", "/", name), KeysKnown: true, Password: inventory.Password{Known: true}}
	w.account.Users = append(w.account.Users, u)
	w.sources[u.ARN] = sources
	return u
}

func (w *world) group(name string, members ...*inventory.User) *inventory.Group {
	g := &inventory.Group{Entity: entity("group", "/", name)}
	for _, u := range members {
		g.Members = append(g.Members, u.Name)
		u.Groups = append(u.Groups, name)
	}
	w.account.Groups = append(w.account.Groups, g)
	return g
}

// customer adds a customer managed policy, older than the window, and attaches it.
func (w *world) customer(name string, doc *policy.Document, to ...*inventory.Entity) *inventory.ManagedPolicy {
	return w.managed(accountID, name, doc, to...)
}

func (w *world) managed(owner, name string, doc *policy.Document, to ...*inventory.Entity) *inventory.ManagedPolicy {
	m := &inventory.ManagedPolicy{
		Name: name, ARN: "arn:aws:iam::" + owner + ":policy/" + name, ID: "ANPA" + name, Path: "/", Version: "v1",
		Document: doc, CreatedAt: ago(300), UpdatedAt: ago(200), Attachments: len(to),
	}
	w.account.Policies = append(w.account.Policies, m)
	for _, e := range to {
		e.Attached = append(e.Attached, inventory.Attachment{Name: name, ARN: m.ARN, Policy: m})
		slices.SortFunc(e.Attached, func(a, b inventory.Attachment) int { return cmp.Compare(a.ARN, b.ARN) })
	}
	return m
}

func inline(e *inventory.Entity, name string, doc *policy.Document) {
	e.Inline = append(e.Inline, inventory.Inline{Name: name, Document: doc})
}

func (w *world) analysis() *analyzer.Analysis {
	w.t.Helper()
	w.input.Account = &w.account
	a, err := analyzer.New(w.input, w.settings)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// run finds all there is.
func (w *world) run() ([]finding.Finding, analyzer.Summary) {
	w.t.Helper()
	var out []finding.Finding
	summary, err := w.analysis().Findings(func(f finding.Finding) error {
		out = append(out, f)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out, summary
}

func (w *world) recommend(arn string) analyzer.Recommendation {
	w.t.Helper()
	r, err := w.analysis().Recommend(arn)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// lines are findings, a short line each.
func lines(found []finding.Finding) []string {
	var out []string
	for _, f := range found {
		parts := []string{last(f.Resource), string(f.Type)}
		if f.AccessKeyID != "" {
			parts = append(parts, f.AccessKeyID)
		}
		for _, p := range f.Permissions {
			if len(p.Actions) == 0 {
				parts = append(parts, p.Namespace+":*")
			}
			for _, a := range p.Actions {
				parts = append(parts, a.Name)
			}
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

// last is the name at the end of an ARN.
func last(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// skips are what wasn't judged, a short line each.
func skips(s analyzer.Summary) []string {
	var out []string
	for _, skip := range s.Skipped {
		parts := []string{last(skip.Resource) + " " + skip.Reason.String()}
		for _, part := range []string{string(skip.Type), skip.AccessKeyID, skip.Detail} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		out = append(out, strings.Join(parts, "; "))
	}
	return out
}

// steps are recommended steps, a short text each.
func steps(r analyzer.Recommendation) []string {
	var out []string
	for _, s := range r.Steps {
		line := fmt.Sprintf("%s %s", s.Action, s.ExistingPolicyID)
		if s.Action == finding.CreatePolicy {
			line += " as " + s.RecommendedName + " " + s.RecommendedPolicy
		}
		if s.Group != "" {
			line += " of " + last(s.Group)
		}
		out = append(out, line)
	}
	return out
}

func noteTexts(notes []analyzer.Note) []string {
	var out []string
	for _, n := range notes {
		out = append(out, n.String())
	}
	return out
}
