package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func TestRecommendations(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		id := permission(1, 1).ID
		scan(t, s, 1, permission(1, 1, "A"), plain(finding.UnusedIAMRole, 2, 1))
		first := must(s.StartRecommendation(ctxOf(t), by(1), theARN, id))(t)
		second := must(s.StartRecommendation(ctxOf(t), by(2), theARN, id))(t)
		made := store.Made{
			State: finding.Succeeded, At: day(3), Certificates: map[string][]byte{"b.smt2": []byte("(check-sat)"), "a.smt2": {}},
			Advice: store.Advice{
				Verdict: "proved", Before: 9, After: 4, Notes: []string{"shared"},
				Proofs: []store.Proof{{Policy: "arn:p", Verdict: "proved", Certificate: "b.smt2"}},
				Steps: []finding.Step{
					{Action: finding.CreatePolicy, ExistingPolicyID: "arn:p", RecommendedPolicy: `{"<script>":1}`, RecommendedName: "p-recommended", PolicyUpdatedAt: day(1)},
					{Action: finding.DetachPolicy, ExistingPolicyID: "arn:p", Group: "arn:g", Affects: []string{"arn:u"}},
				},
			},
		}
		if err := s.FinishRecommendation(ctxOf(t), first, made); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("one that another was started after: %v", err)
		}
		check(t, s.FinishRecommendation(ctxOf(t), second, made))
		if err := s.FinishRecommendation(ctxOf(t), second, made); !errors.Is(err, store.ErrConflict) {
			t.Errorf("twice: %v", err)
		}
		want := store.Recommendation{
			ID: second, FindingID: id, Resource: permission(1, 1).Resource, State: finding.Succeeded,
			StartedAt: day(2), CompletedAt: day(3), Advice: made.Advice,
		}
		same(t, "it", want, must(s.Recommendation(ctxOf(t), theARN, id))(t))
		same(t, "listed", []store.Recommendation{want}, must(s.Recommendations(ctxOf(t), theARN, finding.Succeeded, store.Page{}))(t).Items)
		same(t, "certificates", []string{"a.smt2", "b.smt2"}, must(s.Certificates(ctxOf(t), second))(t))
		same(t, "certificate", "(check-sat)", string(must(s.Certificate(ctxOf(t), second, "b.smt2"))(t)))
		scan(t, s, 4, permission(1, 4, "A", "B"))
		same(t, "stale", true, must(s.Recommendation(ctxOf(t), theARN, id))(t).Stale)
		scan(t, s, 5)
		for name, finding := range map[string]string{"resolved": id, "of a role": plain(finding.UnusedIAMRole, 2, 1).ID} {
			if _, err := s.StartRecommendation(ctxOf(t), by(6), theARN, finding); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.StartRecommendation(ctxOf(t), by(6), theARN, "none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no finding: %v", err)
		}
		same(t, "what a refusal leaves", second, must(s.Recommendation(ctxOf(t), theARN, id))(t).ID)
	})
}

func TestPrincipalsAndPolicies(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		const text = `{"Version": "2012-10-17", "Statement": []}`
		shared := store.HeldPolicy{Kind: finding.CustomerPolicy, Name: "p", ARN: "arn:p", Policy: text}
		role := store.Principal{
			ARN: "arn:aws:iam::123456789012:role/a", ID: "AROA1", Kind: store.Role, Account: account, Path: "/", Tags: map[string]string{"k": ""},
			CreatedAt: day(1), LastUsed: day(2), Granted: 9, Used: 1, Unused: 8, After: 1,
			Policies: []store.HeldPolicy{shared, {Kind: finding.InlinePolicy, Name: "in", Policy: text + " "}},
			Evidence: []store.Evidence{{Service: "s3", LastAccessed: day(2), Source: "iam-last-accessed", Actions: 1}},
		}
		user := store.Principal{ARN: "arn:aws:iam::123456789012:user/b", Kind: store.User, Account: account, Policies: []store.HeldPolicy{shared}}
		user.Policies[0].Group = "arn:g"
		complete := func(at int, all ...store.Principal) error {
			run := must(s.StartRun(ctxOf(t), theARN, account, day(at)))(t)
			in := found(at, nil, permission(at, at, "A"))
			in.Principals = sequence(all...)
			return again(s.CompleteRun(ctxOf(t), run.ID, in))
		}
		check(t, complete(1, role, user))
		got := must(s.Principal(ctxOf(t), theARN, role.ARN))(t)
		hash := got.Policies[0].Hash
		for i := range got.Policies {
			got.Policies[i].Hash = ""
		}
		same(t, "role", role, got)
		same(t, "text", text, must(s.Policy(ctxOf(t), hash))(t))
		var holders []string
		for _, p := range must(s.Holders(ctxOf(t), theARN, hash, store.Page{}))(t).Items {
			holders = append(holders, p.ARN)
		}
		same(t, "holders", []string{role.ARN, user.ARN}, holders)

		if err := complete(2, user, user); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("one twice: %v", err)
		}
		same(t, "both are there still", 2, len(must(s.Principals(ctxOf(t), theARN, account, store.Page{}))(t).Items))
		same(t, "and no new finding", 1, must(s.Count(ctxOf(t), store.Query{Analyzer: theARN}))(t))
		check(t, complete(3, user))
		same(t, "one is gone", 1, len(must(s.Principals(ctxOf(t), theARN, "", store.Page{}))(t).Items))
		same(t, "and its policy", store.Cleaned{Policies: 1}, must(s.Clean(ctxOf(t), store.Retention{}, day(9)))(t))
	})
}

func TestAccountsAndTags(t *testing.T) {
	conform(t, func(t *testing.T, s *store.Store) {
		a := store.Account{ID: account, Name: "prod", Partition: "aws", Path: "Root/Prod", Source: "main"}
		check(t, s.PutAccount(ctxOf(t), by(1), a))
		a.Name = "production"
		check(t, s.PutAccount(ctxOf(t), by(2), a))
		a.AddedAt = day(1)
		same(t, "account", a, must(s.Account(ctxOf(t), account))(t))
		same(t, "accounts", []store.Account{a}, must(s.Accounts(ctxOf(t), store.Page{}))(t).Items)
		check(t, s.DeleteAccount(ctxOf(t), by(3), account))
		if err := s.DeleteAccount(ctxOf(t), by(3), account); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		check(t, s.SetTags(ctxOf(t), by(1), theARN, map[string]string{"a": "1", "b": "2"}))
		check(t, s.SetTags(ctxOf(t), by(1), theARN, map[string]string{"b": "3"}))
		check(t, s.RemoveTags(ctxOf(t), by(1), theARN, []string{"a", "none"}))
		same(t, "tags", map[string]string{"b": "3"}, must(s.Tags(ctxOf(t), theARN))(t))
	})
}

func nowIs(t *time.Time) func() time.Time { return func() time.Time { return *t } }
