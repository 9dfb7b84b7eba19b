package analyzer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// random is evidence at the cost of a hash: of the services some are unused as a whole,
// of the other services' actions some are tracked, and few used.
type random struct{ seed uint64 }

func (r random) roll(text string, n uint64) uint64 {
	h := r.seed*0x9e3779b97f4a7c15 + 14695981039346656037
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return (h >> 17) % n
}

func (r random) Action(a policy.Action, w usage.Window) usage.Sighting {
	switch whole := r.roll(a.Service, 2) == 0; {
	case whole, r.roll(a.Service+a.Name, 8) > 3:
		return usage.Sighting{Source: usage.ActionLastAccessed, State: usage.NotUsed, Why: usage.NeverSeen}
	case r.roll(a.Service+a.Name, 8) == 0:
		return usage.Sighting{Source: usage.ActionLastAccessed, State: usage.InUse, Why: usage.Seen, Last: w.Now}
	}
	return usage.Sighting{Source: usage.ActionLastAccessed}
}

func (r random) Service(prefix string, w usage.Window) usage.Sighting {
	if r.roll(prefix, 2) == 0 {
		return usage.Sighting{Source: usage.ServiceLastAccessed, State: usage.NotUsed, Why: usage.NeverSeen}
	}
	return usage.Sighting{Source: usage.ServiceLastAccessed, State: usage.InUse, Why: usage.Seen, Last: w.Now}
}

// accountOf makes roles, a tenth as many users, and 3 policies for 10 roles: each
// principal has three of the policies and one of its own, one in a hundred is an
// administrator.
func accountOf(t testing.TB, roles int) *world {
	w := big(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	services := w.input.Catalog.Services()
	some := func(n int) *policy.Document {
		var actions []string
		for range n {
			s := services[rnd.IntN(len(services))]
			if len(s.Actions) == 0 {
				continue
			}
			a := s.Actions[rnd.IntN(len(s.Actions))].Name
			actions = append(actions, s.Prefix+":"+[]string{a, a, a[:min(len(a), 3)] + "*", "*", "Get*", "Describe*"}[rnd.IntN(6)])
		}
		return allow(t, append(actions, "s3:Get*")...)
	}
	var policies []*inventory.ManagedPolicy
	for i := range roles * 3 / 10 {
		policies = append(policies, w.customer(fmt.Sprintf("policy%d", i), some(5+rnd.IntN(25))))
	}
	admin := w.managed("aws", "AdministratorAccess", allow(t, "*"))
	dress := func(e *inventory.Entity, i int) {
		inline(e, "own", some(4))
		for range 3 {
			w.attach(policies[rnd.IntN(len(policies))], e)
		}
		if i%100 == 0 {
			w.attach(admin, e)
		}
	}
	for i := range roles {
		dress(&w.role(fmt.Sprintf("role%d", i), random{uint64(i)}).Entity, i)
	}
	for i := range roles / 10 {
		dress(&w.user(fmt.Sprintf("user%d", i), random{uint64(i) + 1<<20}).Entity, i)
	}
	return w
}

// BenchmarkAnalyze is a whole analysis with every recommendation and proof, of 5,000
// roles, 500 users and 1,500 policies by two workers.
func BenchmarkAnalyze(b *testing.B) {
	w := accountOf(b, 5000)
	w.settings.Workers = 2
	b.ReportAllocs()
	for b.Loop() {
		a := w.analysis()
		findings, steps, failed := 0, 0, 0
		if _, err := a.Findings(func(finding.Finding) error { findings++; return nil }); err != nil {
			b.Fatal(err)
		}
		err := a.Recommendations(func(r analyzer.Recommendation) error {
			steps += len(r.Steps)
			if r.Outcome == finding.Failed {
				failed++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(findings), "findings")
		b.ReportMetric(float64(steps), "steps")
		b.ReportMetric(float64(failed), "failed")
	}
}
