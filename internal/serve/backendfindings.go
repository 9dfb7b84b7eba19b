package serve

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
)

func (b *backend) ListFindings(ctx context.Context, q wire.FindingQuery) ([]finding.Finding, string, error) {
	a, err := b.analyzer(ctx, q.Analyzer)
	if err != nil {
		return nil, "", err
	}
	by := store.Sort{By: cmp.Or(store.SortKey(q.Sort.By), store.ByID), Descending: q.Sort.Descending}
	part, err := b.store.Findings(ctx, store.Query{Analyzer: a.ARN, Filter: q.Filter, Sort: by}, asked(q.Page))
	if err != nil {
		return nil, "", subject{wire.KindAnalyzer, q.Analyzer.Name}.told(err)
	}
	out, next := collected(part, func(i store.Item) finding.Finding { return i.Finding })
	return out, next, nil
}

func (b *backend) Finding(ctx context.Context, ref wire.Ref, id string) (finding.Finding, error) {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return finding.Finding{}, err
	}
	f, err := b.store.Finding(ctx, a.ARN, id)
	return f, subject{wire.KindFinding, id}.told(err)
}

// FindingOfUID takes the ID of a finding, which is finding_info.uid of our own OCSF events:
// their metadata.uid is another with each event.
func (b *backend) FindingOfUID(ctx context.Context, account, uid string) (wire.Ref, finding.Finding, error) {
	about := subject{wire.KindFinding, uid}
	if account != b.place.Account {
		return wire.Ref{}, finding.Finding{}, about.told(store.ErrNotFound)
	}
	for page := (store.Page{}); ; {
		part, err := b.store.Analyzers(ctx, "", page)
		if err != nil {
			return wire.Ref{}, finding.Finding{}, about.told(err)
		}
		for _, a := range part.Items {
			ref := wire.Ref{Account: account, Name: a.Name}
			f, err := b.store.Finding(ctx, b.place.arn(a.Name), uid)
			if err == nil || !errors.Is(err, store.ErrNotFound) {
				return ref, f, about.told(err)
			}
		}
		if page.Token = part.Next; page.Token == "" {
			return wire.Ref{}, finding.Finding{}, about.told(store.ErrNotFound)
		}
	}
}

func (b *backend) UpdateFindings(ctx context.Context, c wire.Change, u wire.FindingUpdate) error {
	a, err := b.analyzer(ctx, u.Analyzer)
	if err != nil {
		return err
	}
	if len(u.IDs) > 0 {
		_, err := b.store.SetStatus(ctx, b.by(c), a.ARN, u.Status, u.IDs)
		return subject{wire.KindFinding, b.missing(ctx, a.ARN, u.IDs, err)}.told(err)
	}
	about := subject{wire.KindFinding, u.Resource}
	n, err := b.store.Count(ctx, store.Query{Analyzer: a.ARN, Filter: finding.Filter{"resource": {Eq: []string{u.Resource}}}})
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err == nil {
		_, err = b.store.SetStatusOf(ctx, b.by(c), a.ARN, u.Status, u.Resource)
	}
	return about.told(err)
}

// missing is the ID that an error is about: the first that isn't there.
func (b *backend) missing(ctx context.Context, arn string, ids []string, err error) string {
	if errors.Is(err, store.ErrNotFound) {
		for _, id := range ids {
			if _, err := b.store.Finding(ctx, arn, id); errors.Is(err, store.ErrNotFound) {
				return id
			}
		}
	}
	return ids[0]
}

// Statistics were brought up to date by the last complete run, or are those of none.
func (b *backend) Statistics(ctx context.Context, ref wire.Ref) (finding.Statistics, time.Time, error) {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return finding.Statistics{}, time.Time{}, err
	}
	out, err := b.store.Statistics(ctx, a.ARN)
	at := a.LastRunAt
	if at.IsZero() {
		at = a.CreatedAt
	}
	return out, at, subject{wire.KindAnalyzer, ref.Name}.told(err)
}

func (b *backend) GenerateRecommendation(ctx context.Context, c wire.Change, ref wire.Ref, id string) error {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return err
	}
	return subject{wire.KindFinding, id}.told(b.queue.Recommend(ctx, b.by(c), a.ARN, id))
}

func (b *backend) Recommendation(ctx context.Context, ref wire.Ref, id string) (wire.Recommendation, error) {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return wire.Recommendation{}, err
	}
	if _, err := b.store.Finding(ctx, a.ARN, id); err != nil {
		return wire.Recommendation{}, subject{wire.KindFinding, id}.told(err)
	}
	r, err := b.store.Recommendation(ctx, a.ARN, id)
	if err != nil {
		return wire.Recommendation{}, subject{wire.KindRecommendation, id}.told(err)
	}
	out := wire.Recommendation{
		Recommendation: finding.Recommendation{Resource: r.Resource, Error: r.Error, Steps: r.Steps},
		ErrorCode:      r.ErrorCode, StartedAt: r.StartedAt, CompletedAt: r.CompletedAt,
	}
	if r.State == store.InProgress {
		return out, nil
	}
	out.Outcome = r.State
	out.Existing, err = b.existing(ctx, a.ARN, r)
	return out, err
}

// existing are the texts of the policies that the steps are about, as the last run saw them;
// "" for one that the principal doesn't have any more.
func (b *backend) existing(ctx context.Context, analyzer string, r store.Recommendation) ([]string, error) {
	p, err := b.store.Principal(ctx, analyzer, r.Resource)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	out := make([]string, len(r.Steps))
	for i, step := range r.Steps {
		for _, held := range p.Policies {
			if held.Group == step.Group && (held.ARN == step.ExistingPolicyID || held.ARN == "" && held.Name == step.ExistingPolicyID) {
				out[i] = held.Policy
			}
		}
	}
	return out, nil
}
