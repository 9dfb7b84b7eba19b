package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// What the tests of safety go by is read here with encoding/json and package strings, so
// that a mistake of pare's own readers shows.

// fatal is what both a test and a drawn case have.
type fatal interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// madeWorld is a world on disk, and what truly happened in it.
type madeWorld struct {
	dir     string // with account/, a snapshot, and logs/
	options samplegen.Options
	truth   []samplegen.Use
	lines   map[string][]usage.Use // of usage.jsonl, by principal; nil: not read yet
	logs    []string               // paths of all files of the trail, in the order in which they were written
}

func (w *madeWorld) account() string { return filepath.Join(w.dir, "account") }

// makeWorld writes the files of a world into a folder that is there.
func makeWorld(t fatal, dir string, o samplegen.Options) *madeWorld {
	t.Helper()
	world := samplegen.New(catalog.Embedded(), o)
	w := &madeWorld{dir: dir, options: o, truth: slices.Collect(world.Truth())}
	write := func(folder string) func(string, func(io.Writer) error) error {
		return func(name string, content func(io.Writer) error) error {
			name = folder + "/" + name
			path := filepath.Join(dir, filepath.FromSlash(name))
			var b bytes.Buffer
			if folder == "logs" {
				w.logs = append(w.logs, name)
			}
			return errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), content(&b), os.WriteFile(path, b.Bytes(), 0o666))
		}
	}
	if err := errors.Join(world.Snapshot(write("account")), world.Logs(write("logs"))); err != nil {
		t.Fatal(err)
	}
	return w
}

// ingest makes usage.jsonl of the logs that are there.
func (w *madeWorld) ingest(t fatal) {
	t.Helper()
	listing, err := ingest.Find(context.Background(), []string{filepath.Join(w.dir, "logs")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.lines = nil
	result, err := ingest.Run(context.Background(), catalog.Embedded(), listing, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Save(filepath.Join(w.account(), "usage.jsonl")); err != nil {
		t.Fatal(err)
	}
}

// opened is `pare analyze` up to where it would begin to print.
func (w *madeWorld) opened(t fatal, days int) *session {
	t.Helper()
	in := &analysisInput{data: w.account(), catalog: "embedded", workers: 2, quiet: true, identityCenter: true}
	in.window.days, in.now.Time = days, w.options.Now
	cmd := &cobra.Command{}
	cmd.SetContext(context.Background())
	s, err := in.open(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// called is what an analysis calls unused.
type called struct {
	found map[string]bool // "arn s3:GetObject", "arn s3:*", "arn role", "arn password", "arn key" and "arn key key"
	idle  map[string]bool // principals that did nothing at all, whose permissions are no finding of their own
}

// calledUnused analyzes. A service that is unused as a whole is all of its actions too.
func (w *madeWorld) calledUnused(t fatal, days int) called {
	t.Helper()
	result, summaries, err := w.opened(t, days).analyze(withoutRecommendations)
	if err != nil {
		t.Fatal(err)
	}
	out := called{map[string]bool{}, map[string]bool{}}
	for _, skipped := range summaries[0].Skipped {
		if skipped.Reason == analyzer.Inactive {
			out.idle[skipped.Resource] = true
		}
	}
	for _, f := range result.Findings {
		out.add(f)
	}
	return out
}

func (c called) add(f finding.Finding) {
	switch f.Type {
	case finding.UnusedIAMRole:
		c.found[f.Resource+" role"] = true
	case finding.UnusedIAMUserPassword:
		c.found[f.Resource+" password"] = true
	case finding.UnusedIAMUserAccessKey: // its name depends on which files there are, their number doesn't
		name := f.Resource + " key"
		for c.found[name] {
			name += " key"
		}
		c.found[name] = true
	case finding.UnusedPermission:
		for _, p := range f.Permissions {
			for _, a := range p.Actions {
				c.found[f.Resource+" "+a.Name] = true
			}
			if len(p.Actions) > 0 {
				continue
			}
			c.found[f.Resource+" "+p.Namespace+":*"] = true
			for _, a := range actionsOf(p.Namespace) {
				c.found[f.Resource+" "+a] = true
			}
		}
	}
}

// actionsOf are a service's actions, as far as the catalog knows them.
func actionsOf(namespace string) []string {
	var out []string
	if s := catalog.Embedded().Service(namespace); s != nil {
		for i := range s.Actions {
			out = append(out, s.Actions[i].String())
		}
	}
	return out
}

// grown is what is called unused now and wasn't before, sorted. Of whoever did nothing at
// all before, everything was unused.
func (c called) grown(before called) []string {
	var out []string
	for _, what := range slices.Sorted(maps.Keys(c.found)) {
		arn, thing, _ := strings.Cut(what, " ")
		if !before.found[what] && (!before.idle[arn] || !strings.Contains(thing, ":")) {
			out = append(out, what)
		}
	}
	return out
}

// usesWithin are the true uses of the window, by principal and action. The value says
// whether one wasn't denied.
func (w *madeWorld) usesWithin(days int) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, u := range w.truth {
		if w.options.Now.Sub(u.Time) >= time.Duration(days)*24*time.Hour {
			continue
		}
		if out[u.Principal] == nil {
			out[u.Principal] = map[string]bool{}
		}
		out[u.Principal][u.Action] = out[u.Principal][u.Action] || !u.Denied
	}
	return out
}

// uses are the lines of usage.jsonl by principal, read once.
func (w *madeWorld) uses(t fatal) map[string][]usage.Use {
	t.Helper()
	if w.lines != nil {
		return w.lines
	}
	src, err := os.ReadFile(filepath.Join(w.account(), "usage.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	w.lines = map[string][]usage.Use{}
	for line := range bytes.Lines(src) {
		var u usage.Use
		if err := json.Unmarshal(line, &u); err != nil {
			t.Fatal(err)
		}
		w.lines[u.Principal] = append(w.lines[u.Principal], u)
	}
	return w.lines
}

// lastAccessed is an answer of get-service-last-accessed-details.
type lastAccessed struct {
	Arn                  string
	ServicesLastAccessed []struct {
		ServiceNamespace           string
		TrackedActionsLastAccessed []struct {
			ActionName       string
			LastAccessedTime time.Time
		}
	}
}

// keep is what must stay, by principal: what was truly used in the window, seen or not,
// and what any source shows.
func (w *madeWorld) keep(t fatal, days int) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	add := func(arn, action string) {
		if out[arn] == nil {
			out[arn] = map[string]bool{}
		}
		out[arn][action] = true
	}
	for arn, actions := range w.usesWithin(days) {
		for a := range actions {
			add(arn, a)
		}
	}
	for arn, uses := range w.uses(t) {
		for _, u := range uses {
			if w.within(u.LastSeen, days) {
				add(arn, u.Action)
			}
		}
	}
	names, err := filepath.Glob(filepath.Join(w.account(), "last-accessed", "*"))
	if err != nil || len(names) == 0 {
		t.Fatal("no last accessed information", err)
	}
	for _, name := range names {
		var l lastAccessed
		src, err := os.ReadFile(name)
		if err = errors.Join(err, json.Unmarshal(src, &l)); err != nil {
			t.Fatal(err)
		}
		for _, s := range l.ServicesLastAccessed {
			for _, a := range s.TrackedActionsLastAccessed {
				if w.within(a.LastAccessedTime, days) {
					add(l.Arn, s.ServiceNamespace+":"+a.ActionName)
				}
			}
		}
	}
	return out
}

// holdings are who has which policies: the text of each by its owner, a principal or a group,
// and its ID in recommended steps.
type holdings struct {
	policies map[string]map[string]string
	groups   map[string][]string // ARNs of a user's groups
	created  map[string]time.Time
}

// entityDetail is an entry of get-account-authorization-details, as far as the tests go
// by it.
type entityDetail struct {
	Arn, GroupName                                  string
	CreateDate                                      time.Time
	GroupList                                       []string
	UserPolicyList, GroupPolicyList, RolePolicyList []inlineDetail
	AttachedManagedPolicies                         []struct{ PolicyArn string }
}

type inlineDetail struct{ PolicyName, PolicyDocument string }

// readIAM reads the account's authorization details.
func (w *madeWorld) readIAM(t fatal) holdings {
	t.Helper()
	var details struct {
		UserDetailList, GroupDetailList, RoleDetailList []entityDetail
		Policies                                        []struct {
			Arn               string
			PolicyVersionList []struct {
				IsDefaultVersion bool
				Document         json.RawMessage
			}
		}
	}
	src, err := os.ReadFile(filepath.Join(w.account(), "authorization-details.json"))
	if err = errors.Join(err, json.Unmarshal(src, &details)); err != nil {
		t.Fatal(err)
	}
	managed := map[string]string{}
	for _, p := range details.Policies {
		for _, v := range p.PolicyVersionList {
			if v.IsDefaultVersion {
				managed[p.Arn] = string(v.Document)
			}
		}
	}
	out := holdings{map[string]map[string]string{}, map[string][]string{}, map[string]time.Time{}}
	groups := map[string]string{}
	for _, e := range slices.Concat(details.GroupDetailList, details.UserDetailList, details.RoleDetailList) {
		groups[e.GroupName] = e.Arn
		out.created[e.Arn] = e.CreateDate
		out.policies[e.Arn] = e.texts(t, managed)
		for _, name := range e.GroupList {
			out.groups[e.Arn] = append(out.groups[e.Arn], groups[name])
		}
	}
	return out
}

func (e entityDetail) texts(t fatal, managed map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range slices.Concat(e.UserPolicyList, e.GroupPolicyList, e.RolePolicyList) {
		text, err := url.PathUnescape(p.PolicyDocument)
		if err != nil {
			t.Fatal(err)
		}
		out[p.PolicyName] = text
	}
	for _, p := range e.AttachedManagedPolicies {
		out[p.PolicyArn] = managed[p.PolicyArn]
	}
	return out
}

func (h holdings) clone() holdings {
	out := h
	out.policies = map[string]map[string]string{}
	for owner, texts := range h.policies {
		out.policies[owner] = maps.Clone(texts)
	}
	return out
}

// texts are the policies by which a principal is allowed anything, in a fixed order.
func (h holdings) texts(principal string) []string {
	var out []string
	for _, owner := range append([]string{principal}, h.groups[principal]...) {
		for _, id := range slices.Sorted(maps.Keys(h.policies[owner])) {
			out = append(out, h.policies[owner][id])
		}
	}
	return out
}

// analyzed is what the tests read of `pare analyze -o json`.
type analyzed struct {
	Findings []struct {
		FindingType, Resource string
	}
	Recommendations []advised
}

type advised struct {
	ResourceARN      string
	RecommendedSteps []struct {
		Step advisedStep `json:"unusedPermissionsRecommendedStep"`
	}
}

type advisedStep struct {
	RecommendedAction, RecommendedPolicy, ExistingPolicyID, RecommendedName, Group string
}

// take does to the account what the steps for a principal say, as a user would. That a
// policy is created or detached already, by another principal's steps for the same group,
// is no mistake.
func (h holdings) take(r advised) error {
	for _, s := range r.RecommendedSteps {
		step, owner := s.Step, r.ResourceARN
		if step.Group != "" {
			owner = step.Group
		}
		texts := h.policies[owner]
		switch step.RecommendedAction {
		case "CREATE_POLICY":
			if old, there := texts[step.RecommendedName]; there && old != step.RecommendedPolicy {
				return fmt.Errorf("%s: %s is there already", owner, step.RecommendedName)
			}
			if texts[step.ExistingPolicyID] == "" && step.Group == "" {
				return fmt.Errorf("%s: no policy %s to take the place of", owner, step.ExistingPolicyID)
			}
			texts[step.RecommendedName] = step.RecommendedPolicy
		case "DETACH_POLICY":
			if texts[step.ExistingPolicyID] == "" && step.Group == "" {
				return fmt.Errorf("%s: no policy %s to detach", owner, step.ExistingPolicyID)
			}
			delete(texts, step.ExistingPolicyID)
		default:
			return fmt.Errorf("%s: step %q", owner, step.RecommendedAction)
		}
	}
	return nil
}

// plainPolicy is a policy as encoding/json reads it.
type plainPolicy struct{ Statement listOf[plainStatement] }

type plainStatement struct {
	Effect                           string
	Action, NotAction                listOf[string]
	Resource, NotResource, Condition json.RawMessage
}

// listOf is a list, or one item without brackets.
type listOf[T any] []T

func (l *listOf[T]) UnmarshalJSON(src []byte) error {
	if bytes.HasPrefix(src, []byte("[")) {
		return json.Unmarshal(src, (*[]T)(l))
	}
	*l = make([]T, 1)
	return json.Unmarshal(src, &(*l)[0])
}

// plainPolicies reads policies.
func plainPolicies(t fatal, texts []string) []plainStatement {
	t.Helper()
	var out []plainStatement
	for _, text := range texts {
		var p plainPolicy
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		out = append(out, p.Statement...)
	}
	return out
}

// terms is on which terms an action is allowed and denied: effect, resources and condition
// of each statement about it, sorted, each once.
func terms(statements []plainStatement, action string) []string {
	var out []string
	for _, st := range statements {
		if st.about(action) {
			out = append(out, fmt.Sprintf("%s %s %s %s", st.Effect, compacted(st.Resource), compacted(st.NotResource), compacted(st.Condition)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (st plainStatement) about(action string) bool {
	if st.NotAction != nil {
		return !matchesAny(st.NotAction, action)
	}
	return matchesAny(st.Action, action)
}

// allowedBy says whether an action is allowed on any terms, and not denied on all.
func allowedBy(statements []plainStatement, action string) bool {
	allowed := false
	for _, st := range statements {
		switch {
		case !st.about(action):
		case st.Effect == "Allow":
			allowed = true
		case compacted(st.Resource) == `"*"` && st.Condition == nil:
			return false
		}
	}
	return allowed
}

func compacted(v json.RawMessage) string {
	var b bytes.Buffer
	if v == nil || json.Compact(&b, v) != nil {
		return "-"
	}
	return b.String()
}

func matchesAny(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return glob(strings.ToLower(p), strings.ToLower(action)) })
}

// glob matches a pattern with * and ?, the slow way.
func glob(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return glob(pattern[1:], s) || s != "" && glob(pattern, s[1:])
	case s == "":
		return false
	case pattern[0] == '?' || pattern[0] == s[0]:
		return glob(pattern[1:], s[1:])
	}
	return false
}

// within says that a time lies in a window that ends with the world.
func (w *madeWorld) within(at time.Time, days int) bool {
	return !at.IsZero() && w.options.Now.Sub(at) < time.Duration(days)*usage.Day
}

// analyze runs `pare analyze -o json` and returns what it prints.
func (w *madeWorld) analyze(t *testing.T, days int, args ...string) string {
	t.Helper()
	args = append([]string{"analyze", "--data", w.account(), "--catalog", "embedded", "-o", "json", "--quiet", "--identity-center", "--window", fmt.Sprint(days)}, args...)
	out, said, code := command(t, "", args...)
	if code != exitOK {
		t.Fatalf("code %d: %s", code, said)
	}
	return out
}

func documents(t *testing.T, texts []string) []*policy.Document {
	t.Helper()
	var out []*policy.Document
	for _, text := range texts {
		doc, err := policy.Parse("policy", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, doc)
	}
	return out
}

// requestsFor are requests for an action, one for each resource of each statement that
// allows it, in a context that meets the statement's condition.
func requestsFor(t *testing.T, statements []plainStatement, arn, name string) []access.Request {
	t.Helper()
	action, err := policy.ParseAction(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []access.Request
	for _, st := range statements {
		if !st.about(name) || st.Effect != "Allow" {
			continue
		}
		resources := listOf[string]{"arn:aws:s3:::elsewhere/key"}
		if st.NotResource == nil {
			resources = nil
			if err := json.Unmarshal(st.Resource, &resources); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range resources {
			out = append(out, access.Request{Principal: arn, Action: action, Resource: filled(r), Context: meets(t, st.Condition)})
		}
	}
	return out
}

// filled is a text that a pattern matches; ${aws:username} is "ann".
func filled(pattern string) string {
	return strings.NewReplacer("${aws:username}", "ann", "*", "some", "?", "1").Replace(pattern)
}

// meets is a context that meets a condition: keys that must differ from something are
// absent, a number that must be less is 0, all others have the first value that is written.
func meets(t *testing.T, condition json.RawMessage) access.Context {
	t.Helper()
	out := access.Context{"aws:username": {"ann"}}
	if condition == nil {
		return out
	}
	var operators map[string]map[string]listOf[any]
	if err := json.Unmarshal(condition, &operators); err != nil {
		t.Fatal(err)
	}
	for operator, keys := range operators {
		for key, values := range keys {
			switch {
			case strings.Contains(operator, "Not"):
			case strings.Contains(operator, "Less"):
				out[strings.ToLower(key)] = []string{"0"}
			case strings.Contains(operator, "Ip"):
				network, _, _ := strings.Cut(fmt.Sprint(values[0]), "/")
				out[strings.ToLower(key)] = []string{network}
			default:
				out[strings.ToLower(key)] = []string{filled(fmt.Sprint(values[0]))}
			}
		}
	}
	return out
}
