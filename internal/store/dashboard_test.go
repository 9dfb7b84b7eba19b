package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// all reads a list by pages of two, and says that no page is longer.
func paged[T any](t *testing.T, list func(store.Page) (store.Part[T], error)) []T {
	t.Helper()
	var out []T
	for p := (store.Page{Limit: 2}); ; {
		part := must(list(p))(t)
		if len(part.Items) > 2 {
			t.Fatalf("%d items on a page of 2", len(part.Items))
		}
		out = append(out, part.Items...)
		if p.Token = part.Next; p.Token == "" {
			return out
		}
	}
}

func TestNotes(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		id := permission(1, 1).ID
		scan(t, s, 1, permission(1, 1, "A"))
		for i := range 3 {
			check(t, s.AddNote(ctxOf(t), by(2+i), theARN, id, fmt.Sprintf(" <script>%d</script>\n", i)))
		}
		var got []string
		for _, n := range paged(t, func(p store.Page) (store.Part[store.Note], error) { return s.Notes(ctxOf(t), theARN, id, p) }) {
			got = append(got, n.Who+" "+n.Text+" "+n.At.Format("02"))
		}
		same(t, "notes", []string{"ann <script>0</script> 02", "ann <script>1</script> 03", "ann <script>2</script> 04"}, got)
		same(t, "audit log", 3, len(must(s.FindAudit(ctxOf(t), store.AuditQuery{Action: "AddNote", Target: theARN + "/" + id}, store.Page{}))(t).Items))
		for name, c := range map[string]struct {
			id, text string
			want     error
		}{
			"nothing": {id, " \n", store.ErrInvalid}, "too much": {id, strings.Repeat("x", 4001), store.ErrInvalid}, "on no finding": {"none", "x", store.ErrNotFound},
		} {
			if err := s.AddNote(ctxOf(t), by(5), theARN, c.id, c.text); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		scan(t, s, 5)
		same(t, "removed with its finding", 1, must(s.Clean(ctxOf(t), store.Retention{}, day(200)))(t).Findings)
		scan(t, s, 201, permission(1, 201, "A"))
		same(t, "a new finding's", 0, len(must(s.Notes(ctxOf(t), theARN, id, store.Page{}))(t).Items))
	})
}

// principalOf is the n-th role, or user if n is even, with a policy of its own and a shared one.
func principalOf(n int) store.Principal {
	kind, name := store.Role, "role"
	if n%2 == 0 {
		kind, name = store.User, "user"
	}
	return store.Principal{
		ARN: fmt.Sprintf("arn:aws:iam::%s:%s/p%d", account, name, n), Kind: kind, Account: account, Granted: 10 * n, Used: n, Unused: 9 * n, After: 2 * n,
		Policies: []store.HeldPolicy{
			{Kind: finding.AWSPolicy, Name: "Shared", ARN: "arn:aws:iam::aws:policy/Shared", Policy: "{}"},
			{Kind: finding.InlinePolicy, Name: fmt.Sprintf("own%d", n), Policy: fmt.Sprintf(`{"Sid":"%d"}`, n)},
		},
		Evidence: []store.Evidence{{Service: "ec2", Granted: 4 * n, Unused: 4 * n}, {Service: "s3", Granted: 6 * n, Actions: n, Unused: 5 * n}},
	}
}

func complete(t *testing.T, s *store.Store, acct string, at int, principals ...store.Principal) store.Run {
	t.Helper()
	for i := range principals {
		principals[i].Account = acct
	}
	in := found(at, nil)
	in.Principals = sequence(principals...)
	run := must(s.StartRun(ctxOf(t), theARN, acct, day(at)))(t)
	return must(s.CompleteRun(ctxOf(t), run.ID, in))(t)
}

func TestPrincipalsAndPoliciesAreFound(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		unjudged := principalOf(3)
		unjudged.Unjudged = true
		complete(t, s, account, 1, unjudged, principalOf(1), principalOf(5), principalOf(4), principalOf(2))
		for name, c := range map[string]struct {
			q    store.PrincipalQuery
			want string
		}{
			"by ARN":                           {store.PrincipalQuery{}, "p1 p3 p5 p2 p4"},
			"roles":                            {store.PrincipalQuery{Kind: store.Role}, "p1 p3 p5"},
			"most unused first, unjudged last": {store.PrincipalQuery{By: store.PrincipalsByUnused}, "p5 p4 p2 p1 p3"},
			"users, most unused":               {store.PrincipalQuery{By: store.PrincipalsByUnused, Kind: store.User, Account: account}, "p4 p2"},
			"a part of the ARN":                {store.PrincipalQuery{Contains: "user/p"}, "p2 p4"},
			"no pattern":                       {store.PrincipalQuery{Contains: "%"}, ""},
			"another account":                  {store.PrincipalQuery{Account: "1"}, ""},
		} {
			c.q.Analyzer = theARN
			var got []string
			for _, p := range paged(t, func(p store.Page) (store.Part[store.Principal], error) { return s.FindPrincipals(ctxOf(t), c.q, p) }) {
				got = append(got, p.ARN[strings.LastIndex(p.ARN, "/")+1:])
			}
			same(t, name, c.want, strings.Join(got, " "))
		}
		if p := must(s.Principal(ctxOf(t), theARN, principalOf(3).ARN))(t); !p.Unjudged {
			t.Error("p3 counts as judged")
		}
		if _, err := s.FindPrincipals(ctxOf(t), store.PrincipalQuery{Analyzer: theARN, By: "age"}, store.Page{}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("by age: %v", err)
		}
		var got []string
		for _, i := range paged(t, func(p store.Page) (store.Part[store.PolicyItem], error) {
			return s.Policies(ctxOf(t), theARN, "", p)
		}) {
			got = append(got, fmt.Sprintf("%s %s %s %d", i.Name, i.Kind, i.ARN, i.Holders))
			same(t, "holders of "+i.Name, i.Holders, len(must(s.Holders(ctxOf(t), theARN, i.Hash, store.Page{}))(t).Items))
		}
		same(t, "policies", []string{
			"Shared AWS managed arn:aws:iam::aws:policy/Shared 5", "own1 inline  1", "own2 inline  1", "own3 inline  1", "own4 inline  1", "own5 inline  1",
		}, got)
		same(t, "named", "own4", must(s.Policies(ctxOf(t), theARN, "n4", store.Page{}))(t).Items[0].Name)
	})
}

func TestPrivilege(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		for n, acct := range []string{"1", "2", "3", "4"} {
			complete(t, s, acct, 1, principalOf(9)) // replaced by
			p := principalOf(n%3 + 1)
			p.ARN += acct
			complete(t, s, acct, 2, p)
		}
		same(t, "by account", []store.Privilege{
			{Name: "3", Principals: 1, Granted: 30, Used: 3, Unused: 27, After: 6}, {Name: "2", Principals: 1, Granted: 20, Used: 2, Unused: 18, After: 4},
			{Name: "1", Principals: 1, Granted: 10, Used: 1, Unused: 9, After: 2}, {Name: "4", Principals: 1, Granted: 10, Used: 1, Unused: 9, After: 2},
		}, paged(t, func(p store.Page) (store.Part[store.Privilege], error) {
			return s.PrivilegeByAccount(ctxOf(t), theARN, p)
		}))
		all := func(p store.Page) (store.Part[store.Privilege], error) {
			return s.PrivilegeByService(ctxOf(t), theARN, "", p)
		}
		same(t, "by service", []store.Privilege{{Name: "s3", Principals: 4, Granted: 42, Used: 7, Unused: 35}, {Name: "ec2", Principals: 4, Granted: 28, Unused: 28}}, paged(t, all))
		of := must(s.PrivilegeByService(ctxOf(t), theARN, "2", store.Page{}))(t).Items
		same(t, "of an account", store.Privilege{Name: "s3", Principals: 1, Granted: 12, Used: 2, Unused: 10}, of[0])
		same(t, "in all", store.Privilege{Principals: 4, Granted: 70, Used: 7, Unused: 63, After: 14}, must(s.PrivilegeOf(ctxOf(t), theARN, ""))(t))
		complete(t, s, "2", 3)
		same(t, "of one without principals", store.Privilege{Name: "2"}, must(s.PrivilegeOf(ctxOf(t), theARN, "2"))(t))
		same(t, "in all, then", 50, must(s.PrivilegeOf(ctxOf(t), theARN, ""))(t).Granted)
	})
}

func TestRunsOfAllAnalyzers(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		other := theAnalyzer()
		other.ARN, other.Name = theARN+"2", "second"
		must(s.CreateAnalyzer(ctxOf(t), by(1), store.NewAnalyzer{Analyzer: other}))(t)
		for _, id := range []string{"1", "2", "8"} {
			check(t, s.PutAccount(ctxOf(t), by(1), store.Account{ID: id, Name: "name" + id}))
		}
		first := complete(t, s, "1", 1)
		running := must(s.StartRun(ctxOf(t), theARN, "1", day(2)))(t)
		gone := complete(t, s, "9", 2)
		elsewhere := must(s.StartRun(ctxOf(t), other.ARN, "2", day(3)))(t)
		check(t, s.FailRun(ctxOf(t), elsewhere.ID, "no role", day(3)))
		for name, c := range map[string]struct {
			q    store.RunQuery
			want []int64
		}{
			"all":            {store.RunQuery{}, []int64{elsewhere.ID, gone.ID, running.ID, first.ID}},
			"one analyzer's": {store.RunQuery{Analyzer: theARN}, []int64{gone.ID, running.ID, first.ID}},
			"one account's":  {store.RunQuery{Account: "1"}, []int64{running.ID, first.ID}},
			"complete":       {store.RunQuery{State: store.Complete}, []int64{gone.ID, first.ID}},
			"failed":         {store.RunQuery{State: store.Failed, Analyzer: other.ARN}, []int64{elsewhere.ID}},
			"nobody's":       {store.RunQuery{Analyzer: "arn:none"}, nil},
		} {
			var got []int64
			for _, r := range paged(t, func(p store.Page) (store.Part[store.Run], error) { return s.FindRuns(ctxOf(t), c.q, p) }) {
				got = append(got, r.ID)
			}
			same(t, name, c.want, got)
		}
		var states []string
		for _, a := range paged(t, func(p store.Page) (store.Part[store.AccountState], error) {
			return s.AccountStates(ctxOf(t), theARN, p)
		}) {
			states = append(states, fmt.Sprintf("%s %s %s%d %s%d", a.ID, a.Name, a.Last.State, a.Last.ID-first.ID, a.Complete.State, a.Complete.ID-first.ID))
		}
		same(t, "accounts", []string{
			"1 name1 running1 complete0", fmt.Sprintf("2 name2 %d %d", -first.ID, -first.ID), fmt.Sprintf("8 name8 %d %d", -first.ID, -first.ID), "9  complete2 complete2",
		}, states)
		done := must(s.Clean(ctxOf(t), store.Retention{}, day(900)))(t)
		same(t, "old runs, but for the last complete ones", 1, done.Runs)
	})
}

// A recommendation is stale when somebody changed a policy that it would replace, even if
// the same is unused.
func TestQueueOfRecommendations(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		run := func(at int, text string) {
			p := principalOf(1)
			p.ARN = permission(1, 1).Resource
			p.Policies[1].Policy = text
			in := found(at, nil, permission(1, at, "A"), permission(2, at, "A"), permission(3, at, "A"))
			in.Principals = sequence(p)
			r := must(s.StartRun(ctxOf(t), theARN, account, day(at)))(t)
			must(s.CompleteRun(ctxOf(t), r.ID, in))(t)
		}
		run(1, "{}")
		for n, verdict := range []string{"proved", "proved", ""} {
			id := must(s.StartRecommendation(ctxOf(t), by(2), theARN, permission(n+1, 1).ID))(t)
			if verdict != "" {
				check(t, s.FinishRecommendation(ctxOf(t), id, store.Made{State: finding.Succeeded, At: day(2), Advice: store.Advice{Verdict: verdict}}))
			}
		}
		run(3, "{}")
		queue := func(q store.AdviceQuery) string {
			var out []string
			for _, a := range paged(t, func(p store.Page) (store.Part[store.Advised], error) { return s.Advised(ctxOf(t), q, p) }) {
				out = append(out, fmt.Sprintf("%s:%s:%s", a.FindingID[len("UnusedPermission-"):], a.Account[:1], a.Status[:1]))
				same(t, "analyzer", theARN, a.Analyzer)
			}
			return strings.Join(out, " ")
		}
		same(t, "none is stale", "", queue(store.AdviceQuery{Age: store.Stale}))
		run(4, `{"changed":1}`)
		for name, c := range map[string]struct {
			q    store.AdviceQuery
			want string
		}{
			"all": {store.AdviceQuery{}, "003:1:A 002:1:A 001:1:A"}, "proved": {store.AdviceQuery{Verdict: "proved"}, "002:1:A 001:1:A"},
			"in progress": {store.AdviceQuery{State: store.InProgress, Analyzer: theARN}, "003:1:A"}, "stale": {store.AdviceQuery{Age: store.Stale}, "001:1:A"},
			"fresh and proved": {store.AdviceQuery{Age: store.Fresh, Verdict: "proved"}, "002:1:A"}, "nobody's": {store.AdviceQuery{Analyzer: "arn:none"}, ""},
		} {
			same(t, name, c.want, queue(c.q))
		}
		same(t, "by itself", true, must(s.Recommendation(ctxOf(t), theARN, permission(1, 1).ID))(t).Stale)
		if _, err := s.Advised(ctxOf(t), store.AdviceQuery{Age: "old"}, store.Page{}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("old: %v", err)
		}
	})
}

func TestAuditLogIsFiltered(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		for i, who := range []string{"ann", "bob", "ann", "bob"} {
			check(t, s.Audit(ctxOf(t), store.Entry{At: day(i + 1), Who: who, Action: []string{"Login", "Logout"}[i/2], Target: fmt.Sprint("t", i%2)}))
		}
		for name, c := range map[string]struct {
			q    store.AuditQuery
			want []int
		}{
			"who": {store.AuditQuery{Who: "bob"}, []int{4, 2}}, "who and what": {store.AuditQuery{Who: "ann", Action: "Login"}, []int{1}},
			"target": {store.AuditQuery{Target: "t1"}, []int{4, 2}}, "nobody": {store.AuditQuery{Who: "eve"}, nil},
			"parts": {store.AuditQuery{Who: "n", Action: "Log", Target: "0"}, []int{3, 1}}, "another case": {store.AuditQuery{Who: "Ann"}, nil},
			"no pattern": {store.AuditQuery{Who: "a%"}, nil}, "nor this": {store.AuditQuery{Target: "t_"}, nil},
		} {
			var got []int
			for _, e := range paged(t, func(p store.Page) (store.Part[store.Entry], error) { return s.FindAudit(ctxOf(t), c.q, p) }) {
				got = append(got, e.At.Day())
			}
			same(t, name, c.want, got)
		}
	})
}
