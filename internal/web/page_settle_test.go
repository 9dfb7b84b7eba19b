package web_test

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

const hostileARN = "arn:aws:iam::" + hostile + ":role/" + attack

const quotes = `'; DROP TABLE users; --" {{.}} {{template "layout" .}}`

func number(n int64) string { return strconv.FormatInt(n, 10) }

// settle sets the server up as one that has been used for a while: rules, users, tokens,
// accounts with names, recommendations in all states, and another analyzer. Wherever
// somebody may choose a text, it is an attack.
func (s *testSite) settle(t testing.TB) {
	t.Helper()
	ctx, by := t.Context(), s.by()
	check(t, s.store.PutAccount(ctx, by, store.Account{ID: account, Name: "production", Path: "Root/Production", Source: "role", Partition: "aws"}))
	check(t, s.store.PutAccount(ctx, by, store.Account{ID: hostile, Name: attack, Path: quotes, Source: attack, Partition: "aws"}))
	check(t, s.store.PutAccount(ctx, by, store.Account{ID: "777788889999", Name: "never looked at", Partition: "aws"}))
	for _, r := range []finding.ArchiveRule{
		{Name: "emergency", Filter: finding.Filter{"resource": {Contains: []string{"break-glass", "old-"}}, "findingType": {Eq: []string{string(finding.UnusedIAMRole)}}}},
		{Name: "attack", Filter: finding.Filter{"resource": {Eq: []string{attack, quotes}}, "error": {Exists: new(true)}}},
	} {
		check(t, s.store.CreateRule(ctx, by, theARN, r, ""))
	}
	for _, p := range []store.Person{{Name: "ann", Role: store.Admin, Password: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA"}, {Name: attack, Role: store.Viewer}, {Name: quotes, Role: store.Reviewer}} {
		check(t, s.store.PutUser(ctx, by, p))
	}
	check(t, s.store.AddToken(ctx, by, store.APIToken{ID: "t1", User: "ann", Label: attack}, strings.Repeat("a", 30)))
	check(t, s.store.AddToken(ctx, by, store.APIToken{ID: "t2", User: "ann", Label: quotes, ExpiresAt: s.now.Add(-time.Hour)}, strings.Repeat("b", 30)))
	check(t, s.store.AddToken(ctx, by, store.APIToken{ID: quotes, User: attack, Label: "x"}, strings.Repeat("c", 30)))
	check(t, s.store.Audit(ctx, store.Entry{At: s.now, Who: attack, Origin: quotes, Action: attack, Target: quotes, Outcome: attack}))
	failed, err := s.store.StartRun(ctx, theARN, hostile, s.now)
	check(t, err)
	check(t, s.store.FailRun(ctx, failed.ID, "AccessDenied: "+attack, s.now.Add(time.Second)))
	check(t, s.queue.Recommend(ctx, by, theARN, s.idOf(t, myRole, finding.UnusedPermission)))
	check(t, s.queue.Recommend(ctx, by, theARN, "attack-permission"))
	s.analyzer(t, strings.Replace(theARN, "unused", "vacant", 1), "vacant")
}

// hashOf is the hash of a principal's first policy.
func (s *testSite) hashOf(t testing.TB, arn string) string {
	t.Helper()
	p, err := s.store.Principal(t.Context(), theARN, arn)
	check(t, err)
	return p.Policies[0].Hash
}

// mostHeld is the hash of the policy that the most principals have.
func (s *testSite) mostHeld(t testing.TB) string {
	t.Helper()
	part, err := s.store.Policies(t.Context(), theARN, "", store.Page{Limit: 1000})
	check(t, err)
	return slices.MaxFunc(part.Items, func(a, b store.PolicyItem) int { return cmp.Compare(a.Holders, b.Holders) }).Hash
}
