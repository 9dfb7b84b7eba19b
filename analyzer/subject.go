package analyzer

import (
	"fmt"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// subject is a principal with all that is known of its use: what a detector looks at.
type subject struct {
	*principal
	*Analysis
	sources    []usage.Source
	err        error // of the evidence: it is there, and couldn't be had
	granted    grant
	young      grant    // what of granted may be younger than the window
	unreadable []string // policies that aren't in granted
	judgement  judgement
}

// subject gathers what there is about a principal.
func (a *Analysis) subject(p *principal) *subject {
	s := &subject{principal: p, Analysis: a, granted: a.emptyGrant()}
	var changed []held
	settled := a.emptyGrant()
	var settledDocs []*policy.Document
	for _, h := range p.policies() {
		if h.doc == nil {
			s.unreadable = append(s.unreadable, h.id())
			continue
		}
		g := a.grant(h)
		s.granted.addAll(g)
		if a.changed(h) {
			changed = append(changed, h)
			continue
		}
		settled.addAll(g)
		settledDocs = append(settledDocs, h.doc)
	}
	s.young = a.youngIn(changed, settled, settledDocs)
	s.sources, s.err = a.evidence(p)
	s.judgement = a.judge(s)
	return s
}

func (a *Analysis) emptyGrant() grant {
	return grant{newActionSet(a.Catalog), map[string]bool{}}
}

// grant is what a policy grants. That of a managed policy is worked out once.
func (a *Analysis) grant(h held) grant {
	if h.kind == finding.InlinePolicy {
		return grantOf(a.Catalog, h.doc)
	}
	if g, ok := a.grants.Load(h.doc); ok {
		return g.(grant)
	}
	g := grantOf(a.Catalog, h.doc)
	a.grants.Store(h.doc, g)
	return g
}

// evidence gathers the sources about a principal under all its names.
func (a *Analysis) evidence(p *principal) ([]usage.Source, error) {
	if a.Sources == nil {
		return nil, nil
	}
	var out []usage.Source
	for _, arn := range Aliases(p.ARN) {
		sources, err := a.Sources(arn)
		if err != nil {
			return nil, fmt.Errorf("evidence about %s: %w", arn, err)
		}
		out = append(out, sources...)
	}
	return out, nil
}

// changed says whether a policy may grant something that it didn't when the window began.
// An AWS managed policy that AWS changes counts as unchanged: what AWS adds, nobody here
// asked for. An inline policy has no date.
func (a *Analysis) changed(h held) bool {
	return h.kind == finding.CustomerPolicy && h.managed != nil && !a.settings.AnyPolicyAge && !a.old(h.managed.UpdatedAt)
}

// youngIn is what changed policies grant that neither settled ones do, nor did they
// themselves when the window began, as far as that is known.
func (a *Analysis) youngIn(changed []held, settled grant, docs []*policy.Document) grant {
	young := a.emptyGrant()
	if len(changed) == 0 {
		return young
	}
	for _, h := range changed {
		young.actions.addAll(a.grant(h).actions)
		if doc := a.earlier(h.managed); doc != nil {
			settled.addAll(grantOf(a.Catalog, doc))
			docs = append(docs, doc)
		}
	}
	young.actions.removeAll(settled.actions)
	for _, h := range changed {
		for service := range a.grant(h).services {
			if !widens(service, h.doc, docs) {
				continue
			}
			young.services[service] = true
		}
	}
	return young
}

func (a *Analysis) earlier(p *inventory.ManagedPolicy) *policy.Document {
	if a.Earlier == nil {
		return nil
	}
	return a.Earlier(p)
}

// widens says whether doc has an Allow entry about a service that no entry of the others
// contains, so that it may allow actions of the service, known or not, that they don't.
// A NotAction list counts as such.
func widens(service string, doc *policy.Document, others []*policy.Document) bool {
	for _, st := range doc.Statements {
		if st.Effect != policy.Allow {
			continue
		}
		if st.Action.Not {
			return true
		}
		for _, e := range st.Action.Entries {
			about := e.Pattern.AllServices() || e.Pattern.Service == service
			if about && !contained(service, e.Pattern, others) {
				return true
			}
		}
	}
	return false
}

func contained(service string, p policy.ActionPattern, docs []*policy.Document) bool {
	for _, doc := range docs {
		for _, st := range doc.Statements {
			if st.Effect != policy.Allow || st.Action.Not {
				continue
			}
			for _, e := range st.Action.Entries {
				whole := e.Pattern.Whole() && (e.Pattern.AllServices() || e.Pattern.Service == service)
				if whole || e.Pattern.Contains(p) {
					return true
				}
			}
		}
	}
	return false
}
