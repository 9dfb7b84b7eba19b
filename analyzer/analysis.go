package analyzer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// Input is what an analysis looks at. None of it is changed.
type Input struct {
	Account *inventory.Account
	Catalog *catalog.Catalog
	Window  usage.Window

	// Sources gives the evidence about the principal with an ARN, none if there is none.
	// It is asked for the ARN of the inventory, and for the one without a path, by which
	// logs know some sessions. It must be safe for concurrent use. nil: no evidence.
	Sources func(arn string) ([]usage.Source, error)

	// Earlier gives a customer managed policy as it was when the window began; nil if that
	// isn't known. It is asked for policies that were changed within the window. It must be
	// safe for concurrent use. nil: never known.
	Earlier func(p *inventory.ManagedPolicy) *policy.Document

	// ServiceControl is the SCPs above the account, by level, for notes alone.
	ServiceControl [][]*policy.Document
}

// Settings say what to leave alone and how to work. The zero value is the default.
type Settings struct {
	Exclude        Exclusions
	Rules          []finding.ArchiveRule
	IdentityCenter bool // find unused access of roles of IAM Identity Center too
	AnyPolicyAge   bool // judge the permissions of policies that were changed within the window too
	Workers        int  // how many principals are worked on at a time; less than 1 is 1
}

// Analysis is an analysis of one account. It is safe for concurrent use.
type Analysis struct {
	Input
	settings  Settings
	directory *directory
	refiner   *refine.Refiner
	compact   *refine.Refiner
	grants    sync.Map // *policy.Document of a managed policy → grant
	groups    sync.Map // ARN of a group → shared
	inPlaces  sync.Map // ARN of a policy → *InPlace
	memo      memo

	controlled actionSet // what service control policies allow; nil when there are none
}

// New prepares an analysis. The error is of an input that is missing or out of range.
func New(in Input, settings Settings) (*Analysis, error) {
	days := in.Window.Age / usage.Day
	switch {
	case in.Account == nil:
		return nil, errors.New("analyzer: no account")
	case in.Catalog == nil:
		return nil, errors.New("analyzer: no catalog")
	case in.Window.Now.IsZero():
		return nil, errors.New("analyzer: a window without an end")
	case days < 1 || days > 365 || days*usage.Day != in.Window.Age:
		return nil, fmt.Errorf("analyzer: a window of %v: want 1 to 365 whole days", in.Window.Age)
	}
	r := refine.New(in.Catalog)
	a := &Analysis{Input: in, settings: settings, directory: newDirectory(in.Account), refiner: r, compact: r.Compact()}
	a.controlled = allowedByControl(a)
	return a, nil
}

// Findings reports every finding in the order of the principals' ARNs, roles, keys and
// passwords before permissions. It stops at the first error of report, which it returns.
func (a *Analysis) Findings(report func(finding.Finding) error) (Summary, error) {
	out := Summary{Account: a.Account.ID, Roles: len(a.Account.Roles), Users: len(a.Account.Users)}
	all := a.directory.principals
	err := inOrder(len(all), a.settings.Workers, func(i int) examined { return a.examine(all[i]) }, func(e examined) error {
		out.Skipped = append(out.Skipped, e.skipped...)
		for _, f := range e.findings {
			out.Findings++
			if err := report(f); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Recommendations reports what to do about every principal that has a finding of unused
// permissions, in the order of their ARNs. It stops at the first error of report, which
// it returns.
func (a *Analysis) Recommendations(report func(Recommendation) error) error {
	all := a.directory.principals
	make := func(i int) *Recommendation {
		p := all[i]
		if a.outside(p).Reason != 0 {
			return nil
		}
		if v := a.verdictOf(p); v.skip.Reason != 0 || !v.any() {
			return nil
		}
		r := a.recommend(p)
		return &r
	}
	return inOrder(len(all), a.settings.Workers, make, func(r *Recommendation) error {
		if r == nil {
			return nil
		}
		return report(*r)
	})
}

// Recommend says what to do about the unused permissions of one principal, be it excluded
// or not. A principal that can't be judged gets a recommendation that failed. The error
// is that of an ARN which isn't in the inventory.
func (a *Analysis) Recommend(arn string) (Recommendation, error) {
	p := a.directory.byARN[arn]
	if p == nil {
		return Recommendation{}, fmt.Errorf("%s: no role or user of account %s has this ARN%s", arn, a.Account.ID, a.similar(arn))
	}
	if p.reserved() == ServiceLinked {
		var out Recommendation
		out.Resource, out.Outcome = arn, finding.Failed
		out.Error = "it isn't judged: service-linked: only the AWS service that made the role can change its policies"
		return out, nil
	}
	return a.recommend(p), nil
}

// similar names the principals that end as the ARN does, or says that it is none, for
// messages.
func (a *Analysis) similar(arn string) string {
	asked, err := policy.ParseARN(arn)
	if err != nil {
		return ": " + err.Error()
	}
	var found []string
	for _, p := range a.directory.principals {
		if strings.EqualFold(p.Name, asked.Name()) {
			found = append(found, p.ARN)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "; is it " + strings.Join(found, " or ") + "?"
}

// outside says why a principal gets no finding at all; its Reason is 0 if it does.
func (a *Analysis) outside(p *principal) Skipped {
	out := Skipped{Resource: p.ARN, ResourceID: p.ID}
	switch r := p.reserved(); {
	case r == ServiceLinked, r == IdentityCenter && !a.settings.IdentityCenter:
		out.Reason = r
	default:
		out.Reason, out.Detail = a.settings.Exclude.Excluded(a.Account.ID, p.Entity)
	}
	return out
}

// examined is what there is to say of one principal.
type examined struct {
	findings []finding.Finding
	skipped  []Skipped
}

// examine runs all detectors over a principal.
func (a *Analysis) examine(p *principal) examined {
	if skip := a.outside(p); skip.Reason != 0 {
		return examined{skipped: []Skipped{skip}}
	}
	if !a.old(p.CreatedAt) {
		return examined{skipped: []Skipped{{Resource: p.ARN, ResourceID: p.ID, Reason: Young}}}
	}
	s := a.subject(p)
	var out examined
	for _, d := range detectors {
		found, skipped := d.detect(s)
		for _, f := range found {
			out.findings = append(out.findings, a.complete(p, d.typ, f))
		}
		for _, skip := range skipped {
			skip.Resource, skip.ResourceID, skip.Type = p.ARN, p.ID, d.typ
			out.skipped = append(out.skipped, skip)
		}
	}
	return out
}

// complete fills in what the findings of all types have in common.
func (a *Analysis) complete(p *principal, typ finding.Type, f finding.Finding) finding.Finding {
	f.Type, f.Status = typ, finding.Active
	f.Resource, f.ResourceID, f.Account = p.ARN, p.ID, a.Account.ID
	f.AnalyzedAt, f.CreatedAt, f.UpdatedAt = a.Window.Now, a.Window.Now, a.Window.Now
	slices.Sort(f.Sources)
	f.Sources = slices.Compact(f.Sources)
	identify(&f)
	finding.Archive(&f, a.settings.Rules)
	return f
}

// old says whether something that was made at a time existed for the whole window. The
// zero time is not known to.
func (a *Analysis) old(made time.Time) bool {
	return !made.IsZero() && !made.After(a.Window.From())
}
