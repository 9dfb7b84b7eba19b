package web_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// sharedText is a policy that several have, of an account.
const sharedText = `{"Version":"2012-10-17","Statement":[{"Sid":"%s","Effect":"Allow","Action":["sqs:SendMessage","sqs:ReceiveMessage","sqs:DeleteMessage","sns:Publish","s3:GetObject"],"Resource":"*"}]}`

// sharedActions are its actions.
var sharedActions = []string{"s3:GetObject", "sns:Publish", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"}

// holding is a principal that has the policy, and what is said of it.
type holding struct {
	unused []string // actions; "sqs" is the service as a whole
	status finding.Status
	kind   finding.Type
	age    time.Duration // of its finding, before the last run
}

// shared makes a site in which principals have the policy, and gives what its page says: the
// actions that nobody uses, and the whole text.
func shared(t testing.TB, s *testSite, account string, holders []holding) (unused []string, words string) {
	t.Helper()
	var principals []store.Principal
	var old, all []finding.Finding
	for i, h := range holders {
		arn := fmt.Sprintf("arn:aws:iam::%s:role/r%03d", account, i)
		principals = append(principals, store.Principal{
			ARN: arn, Kind: store.Role, Account: account, Policies: []store.HeldPolicy{{Kind: finding.CustomerPolicy, Name: "shared", ARN: "arn:aws:iam::" + account + ":policy/shared", Policy: fmt.Sprintf(sharedText, account)}},
		})
		if h.kind == "" {
			continue
		}
		f := finding.Finding{ID: "f" + arn, Type: h.kind, Status: h.status, Resource: arn, Account: account, AnalyzedAt: s.now.Add(-h.age), CreatedAt: s.now, UpdatedAt: s.now}
		if h.kind == finding.UnusedPermission {
			f.Permissions = permissions(h.unused)
		}
		if h.status == finding.Resolved {
			f.Status = finding.Active
			old = append(old, f)
			continue
		}
		all = append(all, f)
	}
	if len(old) > 0 {
		s.run(t, account, old, principals, store.Report{})
	}
	s.run(t, account, all, principals, store.Report{})
	for _, f := range all {
		if f.Status == finding.Archived {
			_, err := s.store.SetStatus(t.Context(), s.by(), theARN, finding.Archived, []string{f.ID})
			check(t, err)
		}
	}
	root := checkPage(t, s.get(t, store.Viewer, "/policies/"+s.hashOf(t, principals[0].ARN)).Body.String())
	for _, tr := range root.find("table")[0].find("tr") {
		for _, li := range tr.find("li") {
			unused = append(unused, tr.find("th")[0].words()+":"+li.words())
		}
	}
	slices.Sort(unused)
	return unused, root.words()
}

// permissions are those of a finding of unused actions and services.
func permissions(unused []string) []finding.Permissions {
	by := map[string]*finding.Permissions{}
	var out []finding.Permissions
	for _, name := range unused {
		service, action, some := strings.Cut(name, ":")
		if by[service] == nil {
			by[service] = &finding.Permissions{Namespace: service, Granted: 9}
		}
		if some {
			by[service].Actions = append(by[service].Actions, finding.Action{Name: service + ":" + action})
		}
	}
	for _, service := range []string{"s3", "sns", "sqs"} {
		if p := by[service]; p != nil {
			out = append(out, *p)
		}
	}
	return out
}

func TestOnlyWhatNoHolderUsesCanGoForAll(t *testing.T) {
	active := func(unused ...string) holding { return holding{unused, finding.Active, finding.UnusedPermission, 0} }
	s := emptySite(t)
	s.analyzer(t, theARN, "unused")
	for i, c := range []struct {
		name    string
		holders []holding
		want    []string
		says    string
	}{
		{"one who doesn't use two", []holding{active("sqs:SendMessage", "s3:GetObject")}, []string{"s3:GetObject", "sqs:SendMessage"}, "2 of 5 actions are unused by its one holder"},
		{"two who agree on one", []holding{active("sqs:SendMessage", "s3:GetObject"), active("sqs:SendMessage", "sns:Publish")}, []string{"sqs:SendMessage"}, "1 of 5 actions are unused by each of its 2 holders"},
		{"two who agree on nothing", []holding{active("s3:GetObject"), active("sns:Publish")}, nil, "Nothing can be removed for all"},
		{"a service that is unused as a whole", []holding{active("sqs", "s3:GetObject"), active("sqs:SendMessage", "s3")}, []string{"s3:GetObject", "sqs:SendMessage"}, "2 of 5 actions"},
		{"one of whom nothing is found", []holding{active("sqs", "s3", "sns"), {}}, nil, "Of its 2 holders, 1 isn't judged, so nothing can be removed for all"},
		{"one who is unused altogether, and so has another finding", []holding{active("sqs"), {nil, finding.Active, finding.UnusedIAMRole, 0}}, nil, "wasn't judged"},
		{"one whose finding is archived", []holding{active("sqs"), {[]string{"sqs"}, finding.Archived, finding.UnusedPermission, 0}}, nil, "kept on purpose"},
		{"one whose finding is resolved", []holding{active("sqs"), {[]string{"sqs"}, finding.Resolved, finding.UnusedPermission, 0}}, nil, "no finding of unused permissions"},
		{"one whom the last run couldn't judge", []holding{active("sqs"), {[]string{"sqs"}, finding.Active, finding.UnusedPermission, time.Hour}}, nil, "the account's last run couldn't judge it"},
		{"one who isn't judged, alone", []holding{{}}, nil, "Its one holder isn't judged"},
		{"too many to look at", slices.Repeat([]holding{active("sqs")}, 101), nil, "More than 100 roles and users have this policy"},
	} {
		got, words := shared(t, s, fmt.Sprintf("%012d", i), c.holders)
		if !cmp.Equal(c.want, got) {
			t.Errorf("%s: unused by all (-want +got):\n%s", c.name, cmp.Diff(c.want, got))
		}
		if !strings.Contains(words, c.says) {
			t.Errorf("%s: the page doesn't say %q: %s", c.name, c.says, words)
		}
	}
}

// An action that a holder isn't known to do without never goes for all.
func TestNothingThatAHolderMayUseGoesForAll(t *testing.T) {
	s := emptySite(t)
	s.analyzer(t, theARN, "unused")
	tries := 0
	rapid.Check(t, func(r *rapid.T) {
		one := rapid.Custom(func(r *rapid.T) holding {
			return holding{
				rapid.SliceOfDistinct(rapid.SampledFrom(sharedActions), rapid.ID).Draw(r, "unused"),
				rapid.SampledFrom([]finding.Status{finding.Active, finding.Active, finding.Active, finding.Archived}).Draw(r, "status"),
				rapid.SampledFrom([]finding.Type{finding.UnusedPermission, finding.UnusedPermission, finding.UnusedPermission, ""}).Draw(r, "type"), 0,
			}
		})
		holders := rapid.SliceOfN(one, 1, 4).Draw(r, "holders")
		for i := range holders {
			if len(holders[i].unused) == 0 {
				holders[i].kind = ""
			}
		}
		tries++
		got, _ := shared(t, s, fmt.Sprintf("%012d", tries), holders)
		var want []string
		for _, a := range sharedActions {
			if !slices.ContainsFunc(holders, func(h holding) bool {
				return h.kind == "" || h.status != finding.Active || !slices.Contains(h.unused, a)
			}) {
				want = append(want, a)
			}
		}
		if !cmp.Equal(want, got) {
			r.Errorf("of %+v (-want +got):\n%s", holders, cmp.Diff(want, got))
		}
	})
}

func TestAPolicysTextIsNumberedAndWhole(t *testing.T) {
	s := newSite(t)
	for _, p := range s.principals[:12] {
		for _, h := range p.Policies {
			root := checkPage(t, s.get(t, store.Viewer, "/policies/"+s.hashNamed(t, p.ARN, h.Name)).Body.String())
			code := root.class("numbered")[0].find("code")[0]
			if got, want := strings.Join(strings.Fields(code.words()), ""), strings.Join(strings.Fields(h.Policy), ""); got != want {
				t.Errorf("%s of %s (-want +got):\n%s", h.Name, p.ARN, cmp.Diff(want, got))
			}
		}
	}
}

// hashNamed is the hash of a principal's policy with a name.
func (s *testSite) hashNamed(t testing.TB, arn, name string) string {
	t.Helper()
	p, err := s.store.Principal(t.Context(), theARN, arn)
	check(t, err)
	i := slices.IndexFunc(p.Policies, func(h store.HeldPolicy) bool { return h.Name == name })
	return p.Policies[i].Hash
}
