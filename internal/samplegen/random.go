package samplegen

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
)

// maker makes random policies and principals.
type maker struct {
	w        *World
	rng      *rand.Rand
	services []*catalog.Service // popular ones first, then all
	popular  int
}

// addRandom adds the random policies, roles, users and groups of the options.
func (w *World) addRandom() {
	o := w.options
	if o.Roles+o.Users == 0 {
		return
	}
	m := w.newMaker()
	var shared []string
	for i := range o.Policies {
		name := fmt.Sprintf("managed-%04d", i+1)
		w.addPolicy(name, m.policy(m.statements(), 5500))
		w.policies = append(w.policies, name)
		shared = append(shared, name)
	}
	var teams []string
	for i := range (o.Users + 39) / 40 {
		g := &group{Name: fmt.Sprintf("team-%02d", i+1), Created: 900, Attached: m.pick(shared, 1+m.rng.IntN(2))}
		w.groups = append(w.groups, g)
		teams = append(teams, g.Name)
	}
	for i := range o.Roles {
		r := m.principal(fmt.Sprintf("role-%04d", i+1), shared, 9000)
		r.Trust = trusts[m.rng.IntN(len(trusts))]
		r.role = true
		m.habits(r)
		w.roles = append(w.roles, r)
	}
	for i := range o.Users {
		u := m.principal(fmt.Sprintf("user-%04d", i+1), shared, 1900)
		m.credentials(u)
		if m.rng.IntN(3) > 0 {
			u.Groups = m.pick(teams, 1)
		}
		m.habits(u)
		w.users = append(w.users, u)
	}
}

var trusts = [...]string{
	"ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "lambda.amazonaws.com", "ec2.amazonaws.com",
	"glue.amazonaws.com", "saml", "oidc", "account:444455556666",
}

// newMaker puts the services that most accounts use first: policies draw from those
// three times out of four.
func (w *World) newMaker() *maker {
	m := &maker{w: w, rng: rand.New(rand.NewPCG(w.options.Seed, 3))}
	for _, name := range []string{
		"s3", "ec2", "lambda", "dynamodb", "sqs", "sns", "logs", "cloudwatch", "iam", "kms", "ecs", "ecr", "rds", "ssm",
		"secretsmanager", "cloudformation", "events", "states", "glue", "athena", "kinesis", "elasticloadbalancing",
		"autoscaling", "route53", "cloudfront", "apigateway", "eks", "elasticache", "codebuild", "sts",
	} {
		if s := w.catalog.Service(name); s != nil {
			m.services = append(m.services, s)
		}
	}
	m.popular = len(m.services)
	for _, s := range w.catalog.Services() {
		if len(s.Actions) >= 5 {
			m.services = append(m.services, s)
		}
	}
	return m
}

// principal makes a principal with inline policies of at most limit characters together
// and up to three of the shared ones.
func (m *maker) principal(name string, shared []string, limit int) *principal {
	p := &principal{Name: name, Created: 10 + m.rng.IntN(1200), Tags: map[string]string{"team": fmt.Sprintf("team-%02d", 1+m.rng.IntN(40))}}
	for i := range m.rng.IntN(3) {
		inline := fmt.Sprintf("%s-inline-%d", name, i+1)
		m.w.addPolicy(inline, m.policy(1+m.rng.IntN(3), limit/2))
		p.Inline = append(p.Inline, inline)
	}
	p.Attached = m.pick(shared, m.rng.IntN(3))
	if len(p.Inline)+len(p.Attached) == 0 {
		p.Attached = m.pick(shared, 1)
	}
	return p
}

// credentials gives a user a key, a password, or both.
func (m *maker) credentials(u *principal) {
	kind := m.rng.IntN(3)
	if kind != 0 {
		u.Keys = []key{{Created: 1 + m.rng.IntN(u.Created), Active: m.rng.IntN(5) > 0}}
	}
	if kind != 1 {
		u.Password = &password{Set: 1 + m.rng.IntN(u.Created)}
	}
}

// pick draws n different names; the first of the list are drawn more often.
func (m *maker) pick(names []string, n int) []string {
	var out []string
	for len(out) < min(n, len(names)) {
		f := m.rng.Float64()
		if name := names[int(f*f*float64(len(names)))]; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// habits are what a random principal does: one in five does nothing at all; the others
// use half of the services they may, and of each of those up to twenty actions, most of
// them within the last three months.
func (m *maker) habits(p *principal) {
	if m.rng.IntN(5) == 0 {
		return
	}
	granted := access.Actions(m.w.catalog, m.w.identityPolicies(p)...).Actions
	passes := slices.ContainsFunc(granted, func(a *catalog.Action) bool { return a.String() == "iam:PassRole" })
	for len(granted) > 0 {
		n := 1
		for n < len(granted) && granted[n].Service == granted[0].Service {
			n++
		}
		if m.rng.IntN(2) == 0 {
			m.service(p, granted[:n], passes)
		}
		granted = granted[n:]
	}
}

func (m *maker) service(p *principal, granted []*catalog.Action, passes bool) {
	details := granted[0].Service.Details()
	for range min(20, 1+len(granted)*2/5) {
		a := granted[m.rng.IntN(len(granted))]
		if details.Operation(a.Name) == nil {
			continue
		}
		until := m.rng.IntN(80)
		if m.rng.IntN(6) == 0 {
			until = 60 + m.rng.IntN(300)
		}
		c := m.w.calls.call(a.String())
		if until >= p.Created || c.passes && !passes {
			continue
		}
		if a.Tracked == 0 && c.data == "" {
			c.data = "-" // nobody says that CloudTrail records it
		}
		p.habits = append(p.habits, &habit{
			call: c, count: 1, since: until, until: until, every: 1, by: "key1",
			region: m.w.calls.region(a.Service.Prefix), denied: m.rng.IntN(40) == 0,
		})
	}
}
