package usage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// everything is all actions and services of a catalog, as "*" grants them.
func everything(c *catalog.Catalog) ([]*catalog.Action, []string) {
	actions := make([]*catalog.Action, c.Len())
	for i := range actions {
		actions[i] = c.Action(i)
	}
	var services []string
	for _, s := range c.Services() {
		services = append(services, s.Prefix)
	}
	return actions, services
}

// busySources are three sources on the embedded catalog, of a role that uses a third of
// all services.
func busySources(b *testing.B, now time.Time) []usage.Source {
	c := catalog.Embedded()
	answer := fmt.Appendf(nil, `{"Arn":%q,"JobStatus":"COMPLETED","JobType":"ACTION_LEVEL","JobCompletionDate":%q,"ServicesLastAccessed":[`, role, now.Format(time.RFC3339))
	for i, s := range c.Services() {
		if i > 0 {
			answer = append(answer, ',')
		}
		answer = fmt.Appendf(answer, `{"ServiceNamespace":%q`, s.Prefix)
		if i%3 == 0 {
			answer = fmt.Appendf(answer, `,"LastAuthenticated":%q`, now.Format(time.RFC3339))
		}
		answer = append(answer, `,"TrackedActionsLastAccessed":[`...)
		comma := ""
		for k := range s.Actions {
			if a := &s.Actions[k]; a.Tracked.Has(catalog.LastAccessed) {
				answer = fmt.Appendf(answer, `%s{"ActionName":%q}`, comma, a.Name)
				comma = ","
			}
		}
		answer = append(answer, `]}`...)
	}
	la, err := usage.ParseLastAccessed("la.json", append(answer, `]}`...))
	if err != nil {
		b.Fatal(err)
	}
	trail := usage.NewTrail(c, full(now), usage.DeniedCount)
	for i := 0; i < c.Len(); i += 20 {
		if err := trail.Add(use(c.Action(i).String(), now.Add(-time.Hour))); err != nil {
			b.Fatal(err)
		}
	}
	reported, err := usage.ParseReported("f.json", finding(now, "ACTIVE", `{"unusedPermissionDetails":{"serviceNamespace":"ec2","actions":[{"action":"RunInstances"}]}}`), 90*usage.Day)
	if err != nil {
		b.Fatal(err)
	}
	return []usage.Source{la, trail.Of(role), reported}
}

func BenchmarkJudge(b *testing.B) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	w := usage.Window{Age: 90 * usage.Day, Now: now}
	sources := busySources(b, now)
	actions, services := everything(catalog.Embedded())
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			usage.Judge(actions, services, sources, w)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(actions)*len(sources)), "ns/action/source")
	})
	b.Run("s3", func(b *testing.B) {
		b.ReportAllocs()
		s3 := catalog.Embedded().Service("s3")
		for b.Loop() {
			usage.Judge(actions[s3.First:s3.First+len(s3.Actions)], nil, sources, w)
		}
	})
}

func BenchmarkNewTrail(b *testing.B) {
	c := catalog.Embedded()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		usage.NewTrail(c, full(now), usage.DeniedCount)
	}
}

func BenchmarkExplain(b *testing.B) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	sources := busySources(b, now)
	for b.Loop() {
		usage.Explain(policy.Action{Service: "s3", Name: "getobject"}, sources, usage.Window{Age: 90 * usage.Day, Now: now})
	}
}
