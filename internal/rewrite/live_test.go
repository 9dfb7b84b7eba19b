package rewrite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

const accountID = "111122223333"

var (
	now    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	window = usage.Window{Age: 90 * usage.Day, Now: now}
)

func ago(days int) time.Time { return now.Add(-time.Duration(days) * usage.Day) }

func parse(t testing.TB, text string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse("live.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// allow is a policy of one statement.
func allow(t testing.TB, actions ...string) *policy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["`+strings.Join(actions, `","`)+`"],"Resource":"*"}]}`)
}

// used is evidence of a principal that would show every use, and shows these.
type used []string

func (u used) Action(a policy.Action, w usage.Window) usage.Sighting {
	for _, name := range u {
		if strings.EqualFold(name, a.String()) {
			return usage.Sighting{Source: usage.CloudTrail, State: usage.InUse, Why: usage.Seen, Last: w.Now}
		}
	}
	return usage.Sighting{Source: usage.CloudTrail, State: usage.NotUsed, Why: usage.NeverSeen}
}

func (u used) Service(prefix string, w usage.Window) usage.Sighting {
	for _, name := range u {
		if strings.HasPrefix(name, prefix+":") {
			return usage.Sighting{Source: usage.CloudTrail, State: usage.InUse, Why: usage.Seen, Last: w.Now}
		}
	}
	return usage.Sighting{Source: usage.CloudTrail, State: usage.NotUsed, Why: usage.NeverSeen}
}

// world is an account on its way.
type world struct {
	t        testing.TB
	account  inventory.Account
	uses     map[string]used
	settings analyzer.Settings
}

func (w *world) entity(kind, path, name string, uses used) inventory.Entity {
	arn := "arn:aws:iam::" + accountID + ":" + kind + path + name
	w.uses[arn] = uses
	return inventory.Entity{Name: name, Path: path, ARN: arn, ID: "ID" + name, CreatedAt: ago(400)}
}

func (w *world) role(path, name string, uses ...string) *inventory.Role {
	r := &inventory.Role{Entity: w.entity("role", path, name, uses), LastUsed: inventory.LastUsed{Known: true, At: ago(1)}}
	w.account.Roles = append(w.account.Roles, r)
	return r
}

func (w *world) user(name string, uses ...string) *inventory.User {
	u := &inventory.User{Entity: w.entity("user", "/", name, uses), KeysKnown: true, Password: inventory.Password{Known: true}}
	w.account.Users = append(w.account.Users, u)
	return u
}

func (w *world) group(name string, members ...*inventory.User) *inventory.Group {
	g := &inventory.Group{Entity: w.entity("group", "/", name, nil)}
	for _, u := range members {
		g.Members, u.Groups = append(g.Members, u.Name), append(u.Groups, name)
	}
	w.account.Groups = append(w.account.Groups, g)
	return g
}

func (w *world) managed(name string, doc *policy.Document, to ...*inventory.Entity) *inventory.ManagedPolicy {
	m := &inventory.ManagedPolicy{
		Name: name, ARN: "arn:aws:iam::" + accountID + ":policy/" + name, Path: "/", Version: "v1", Document: doc,
		CreatedAt: ago(300), UpdatedAt: ago(200), Attachments: len(to),
	}
	w.account.Policies = append(w.account.Policies, m)
	for _, e := range to {
		e.Attached = append(e.Attached, inventory.Attachment{Name: name, ARN: m.ARN, Policy: m})
	}
	return m
}

func inline(e *inventory.Entity, name string, doc *policy.Document) {
	e.Inline = append(e.Inline, inventory.Inline{Name: name, Document: doc})
}

// policies are those of the account, a line each.
func (w *world) policies() []string {
	w.t.Helper()
	cat, err := catalog.Read("small.json", []byte(`{"date": "2026-01-01", "services": {
		"s3": ["DeleteObject", "GetObject", "ListBucket", "PutObject"], "sqs": ["ReceiveMessage", "SendMessage"]}}`))
	if err != nil {
		w.t.Fatal(err)
	}
	a := &analyze.Account{Inventory: &w.account, Window: window}
	a.Analysis, err = analyzer.New(analyzer.Input{Account: &w.account, Catalog: cat, Window: window, Sources: func(arn string) ([]usage.Source, error) {
		if uses := w.uses[arn]; uses != nil {
			return []usage.Source{uses}, nil
		}
		return nil, nil
	}}, w.settings)
	if err != nil {
		w.t.Fatal(err)
	}
	live, err := rewrite.Policies(a)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, l := range live {
		if l.Account != accountID || l.Window != window || l.Of != a {
			w.t.Errorf("%s: account %s, window %v", l.Title(), l.Account, l.Window)
		}
		out = append(out, shorten(line(l)))
	}
	return out
}

func line(l *rewrite.Live) string {
	parts := []string{fmt.Sprintf("%s %s of %s:", l.Kind, l.Title(), strings.Join(l.Affects, " "))}
	for _, s := range l.Unused.ServiceSet() {
		parts = append(parts, "-"+s)
	}
	for _, a := range l.Unused.ActionSet() {
		parts = append(parts, "-"+a.String())
	}
	if l.PermissionSet != "" {
		parts = append(parts, "["+l.PermissionSet+"]")
	}
	if l.Problem != "" {
		parts = append(parts, l.Problem)
	}
	return strings.Join(parts, " ")
}

// shorten leaves out what all ARNs have in common.
func shorten(text string) string {
	return strings.ReplaceAll(text, "arn:aws:iam::"+accountID+":", "")
}

func TestPolicies(t *testing.T) {
	const s3 = "s3:GetObject"
	tests := []struct {
		name  string
		build func(w *world)
		want  []string
	}{
		{"an inline policy has what its holder doesn't use", func(w *world) {
			inline(&w.role("/", "r", s3).Entity, "p", allow(w.t, s3, "s3:PutObject", "sqs:*"))
			inline(&w.user("u", s3, "s3:PutObject", "sqs:SendMessage", "sqs:ReceiveMessage").Entity, "p", allow(w.t, s3, "sqs:*"))
		}, []string{"inline role/r policy p of role/r: -sqs -s3:putobject", "inline user/u policy p of user/u:"}},
		{"a managed policy has what nobody uses who has it", func(w *world) {
			w.managed("p", allow(w.t, s3, "s3:PutObject", "s3:DeleteObject"), &w.role("/", "q", s3).Entity, &w.role("/", "r", "s3:PutObject").Entity)
		}, []string{"customer managed policy/p of role/q role/r: -s3:deleteobject"}},
		{"one that somebody has and that isn't in the files keeps everything", func(w *world) {
			m := w.managed("p", allow(w.t, s3), &w.role("/", "q", s3).Entity)
			w.account.Policies = nil
			w.account.Roles[0].Attached = append(w.account.Roles[0].Attached, inventory.Attachment{Name: "ReadOnlyAccess", ARN: "arn:aws:iam::aws:policy/ReadOnlyAccess"}, inventory.Attachment{Name: "x", ARN: strings.Replace(m.ARN, "/p", "/team/x", 1)})
		}, []string{"customer managed policy/p of role/q: the policy couldn't be read", "customer managed policy/team/x of role/q: the policy couldn't be read"}},
		{"through a group too, of whose members one uses all of it", func(w *world) {
			w.managed("p", allow(w.t, s3, "s3:PutObject"), &w.role("/", "q", s3).Entity, &w.group("g", w.user("u", s3, "s3:PutObject")).Entity)
		}, []string{"customer managed policy/p of role/q user/u:"}},
		{"one that is excluded keeps what all have", func(w *world) {
			w.settings.Exclude.Names = []string{"q"}
			w.managed("p", allow(w.t, s3, "s3:PutObject"), &w.role("/", "q", s3).Entity, &w.role("/", "r", s3).Entity)
			inline(&w.account.Roles[0].Entity, "p", allow(w.t, s3, "s3:PutObject"))
		}, []string{
			"customer managed policy/p of role/q role/r: role/q has it too, and isn't judged: excluded name: q",
			"inline role/q policy p of role/q: role/q isn't judged: excluded name: q",
		}},
		{"and also if all others use all of it", func(w *world) {
			w.settings.Exclude.Names = []string{"q"}
			w.managed("p", allow(w.t, s3), &w.role("/", "q", s3).Entity, &w.role("/", "r", s3).Entity)
		}, []string{"customer managed policy/p of role/q role/r: role/q isn't judged: excluded name: q"}},
		{"without evidence nothing is unused", func(w *world) {
			r := w.role("/", "r")
			inline(&r.Entity, "p", allow(w.t, s3))
			delete(w.uses, r.ARN)
			w.managed("p", allow(w.t, s3), &r.Entity)
		}, []string{
			"customer managed policy/p of role/r: role/r isn't judged: no evidence: nothing says which services it used",
			"inline role/r policy p of role/r: role/r isn't judged: no evidence: nothing says which services it used",
		}},
		{"too young, or not in use", func(w *world) {
			r, q := w.role("/", "r", s3), w.role("/", "q")
			r.CreatedAt, q.LastUsed.At = ago(10), ago(200)
			inline(&q.Entity, "p", allow(w.t, s3))
			inline(&r.Entity, "p", allow(w.t, s3, "s3:PutObject"))
		}, []string{"inline role/q policy p of role/q: role/q isn't judged: not used in the window", "inline role/r policy p of role/r: role/r isn't judged: younger than the window"}},
		{"a group's inline policy has what no member uses", func(w *world) {
			inline(&w.group("g", w.user("t", s3, "s3:PutObject", "s3:DeleteObject"), w.user("u", s3), w.user("v", "s3:PutObject")).Entity, "p", allow(w.t, s3, "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"))
		}, []string{"group group/g policy p of user/t user/u user/v: -s3:listbucket"}},
		{"a group with a member who isn't judged keeps its policy", func(w *world) {
			v := w.user("v")
			inline(&w.group("g", w.user("u", s3), v).Entity, "p", allow(w.t, s3, "s3:PutObject"))
			delete(w.uses, v.ARN)
		}, []string{"group group/g policy p of user/u user/v: user/v has it too, and isn't judged: not used in the window"}},
		{"also if the others use all of it", func(w *world) {
			v := w.user("v")
			inline(&w.group("g", w.user("u", s3), v).Entity, "p", allow(w.t, s3))
			delete(w.uses, v.ARN)
		}, []string{"group group/g policy p of user/u user/v: user/v isn't judged: not used in the window"}},
		{"what nobody has", func(w *world) {
			w.managed("p", allow(w.t, s3))
			inline(&w.group("g").Entity, "p", allow(w.t, s3))
		}, []string{
			"customer managed policy/p of : nobody has it, so that nobody's use says anything",
			"group group/g policy p of : nobody has it, so that nobody's use says anything",
		}},
		{"what can't be read", func(w *world) {
			r := w.role("/", "r", s3)
			inline(&r.Entity, "p", nil)
			w.managed("p", nil, &r.Entity)
		}, []string{"customer managed policy/p of role/r: the policy couldn't be read", "inline role/r policy p of role/r: the policy couldn't be read"}},
		{"what gets longer, and has no room for it", func(w *world) {
			var statements []string
			for i := range 27 {
				statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket-%d/*"}`, i+10))
			}
			inline(&w.user("u", s3).Entity, "p", parse(w.t, `{"Statement":[`+strings.Join(statements, ",")+`]}`))
		}, []string{"inline user/u policy p of user/u: what is left of it is longer, and no inline policy has room for it"}},
		{"a boundary", func(w *world) {
			w.managed("p", allow(w.t, s3, "s3:PutObject"), &w.role("/", "r", s3).Entity).BoundaryOf = 1
		}, []string{"customer managed policy/p of role/r: it is the permissions boundary of somebody"}},
		{"a role of Identity Center isn't judged unless it is asked for", func(w *world) {
			inline(&w.role("/aws-reserved/sso.amazonaws.com/eu-west-1/", "AWSReservedSSO_Data_Eng_0123456789abcdef", s3).Entity, "AwsSSOInlinePolicy", allow(w.t, s3, "s3:PutObject"))
		}, []string{"inline role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Data_Eng_0123456789abcdef policy AwsSSOInlinePolicy of role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Data_Eng_0123456789abcdef: [Data_Eng] role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Data_Eng_0123456789abcdef isn't judged: IAM Identity Center"}},
		{"and then it is", func(w *world) {
			w.settings.IdentityCenter = true
			inline(&w.role("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_Dev_0123456789abcdef", s3).Entity, "AwsSSOInlinePolicy", allow(w.t, s3, "s3:PutObject"))
		}, []string{"inline role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef policy AwsSSOInlinePolicy of role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef: -s3:putobject [Dev]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{t: t, account: inventory.Account{ID: accountID, Partition: "aws"}, uses: map[string]used{}}
			tt.build(w)
			if diff := cmp.Diff(tt.want, w.policies()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// sample opens an account that samplegen makes.
func sample(t testing.TB, o samplegen.Options) *analyze.Account {
	t.Helper()
	dir := t.TempDir()
	world := samplegen.New(catalog.Embedded(), o)
	err := world.Snapshot(func(name string, content func(io.Writer) error) error {
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
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := analyze.Open(context.Background(), dir, analyze.Options{Catalog: catalog.Embedded(), Age: 90 * usage.Day, Clock: o.Now, Settings: analyzer.Settings{Workers: 2}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What is said to be unused of a policy is unused by each who has it, as the analyzer says
// of each alone, and a policy without a problem has nobody who isn't judged.
func TestPoliciesTakeFromNobodyWhatTheyUse(t *testing.T) {
	o := samplegen.Demo()
	o.Roles, o.Users, o.Policies = 40, 20, 12
	a := sample(t, o)
	live, err := rewrite.Policies(a)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]analyzer.Recommendation{}
	unused := 0
	for _, l := range live {
		for _, arn := range l.Affects {
			if _, ok := own[arn]; !ok {
				if own[arn], err = a.Recommend(arn); err != nil {
					t.Fatal(err)
				}
			}
			unused += len(l.Unused.Actions) + len(l.Unused.Services)
			contained(t, l, own[arn])
		}
	}
	if unused == 0 {
		t.Error("nothing is unused: the test says nothing")
	}
}

// What nobody has asked about keeps everything, and what is asked alone gets the answer that
// it gets among all.
func TestJudge(t *testing.T) {
	o := samplegen.Demo()
	a := sample(t, o)
	all, err := rewrite.Policies(a)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range rewrite.Held(a) {
		if l.Title() != all[i].Title() || l.Problem == "" || len(l.Unused.Actions)+len(l.Unused.Services) > 0 {
			t.Errorf("%s before it is judged: %s", l.Title(), line(l))
		}
		if err := rewrite.Judge([]*rewrite.Live{l}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(line(all[i]), line(l)); diff != "" {
			t.Errorf("-among all +alone\n%s", diff)
		}
	}
}

// contained fails if something is unused of a policy that a principal doesn't leave unused
// of the same policy.
func contained(t *testing.T, l *rewrite.Live, r analyzer.Recommendation) {
	t.Helper()
	has := map[string]bool{}
	for _, p := range r.Policies {
		if p.Name != l.Name || p.ARN != l.ARN {
			continue
		}
		for _, s := range p.Unused.ServiceSet() {
			has[s] = true
		}
		for _, a := range p.Unused.ActionSet() {
			has[a.String()] = true
		}
	}
	for _, s := range l.Unused.ServiceSet() {
		if !has[s] {
			t.Errorf("%s: %s has it, and uses %s", l.Title(), r.Resource, s)
		}
	}
	for _, action := range l.Unused.ActionSet() {
		if !has[action.String()] && !has[action.Service] {
			t.Errorf("%s: %s has it, and uses %s", l.Title(), r.Resource, action)
		}
	}
}
