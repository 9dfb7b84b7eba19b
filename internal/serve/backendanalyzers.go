package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
)

func (b *backend) CreateAnalyzer(ctx context.Context, c wire.Change, a wire.NewAnalyzer) (wire.Analyzer, error) {
	about := subject{wire.KindAnalyzer, a.Name}
	if c.By.Account != b.place.Account {
		return wire.Analyzer{}, fmt.Errorf("account %s asks a server of %s", c.By.Account, b.place.Account)
	}
	by := b.by(c)
	arn, err := b.store.CreateAnalyzer(ctx, by, store.NewAnalyzer{
		Analyzer: store.Analyzer{
			ARN: b.place.arn(a.Name), Name: a.Name, Type: store.AnalyzerType(a.Type), UnusedAge: a.Age,
			Exclusions: exclusions(a.Exclusions), Status: string(wire.AnalyzerActive), LinkedService: a.ManagedBy, Tags: a.Tags,
		},
		Rules: a.Rules,
	})
	if err != nil {
		return wire.Analyzer{}, about.told(err)
	}
	made, err := b.store.Analyzer(ctx, arn)
	if errors.Is(err, store.ErrNotFound) { // asked again, and deleted since
		return wire.Analyzer{Name: a.Name}, nil
	}
	if err != nil {
		return wire.Analyzer{}, err
	}
	// The analyzer is there whether or not the scan can be asked for now: its schedule will.
	by.Ask = store.Ask{}
	return analyzerOf(made), b.queue.Scan(ctx, by, arn, "")
}

func (b *backend) Analyzer(ctx context.Context, ref wire.Ref) (wire.Analyzer, error) {
	a, err := b.analyzer(ctx, ref)
	return analyzerOf(a), err
}

func (b *backend) ListAnalyzers(ctx context.Context, account string, typ wire.AnalyzerType, page wire.Page) ([]wire.Analyzer, string, error) {
	if account != b.place.Account {
		return nil, "", nil
	}
	part, err := b.store.Analyzers(ctx, store.AnalyzerType(typ), asked(page))
	if err != nil {
		return nil, "", subject{wire.KindAnalyzer, "list"}.told(err)
	}
	mine := part.Items[:0]
	for _, a := range part.Items {
		if a.ARN == b.place.arn(a.Name) {
			mine = append(mine, a)
		}
	}
	part.Items = mine
	out, next := collected(part, analyzerOf)
	return out, next, nil
}

func (b *backend) UpdateAnalyzer(ctx context.Context, c wire.Change, ref wire.Ref, u wire.ConfigurationUpdate) (wire.Configuration, error) {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return wire.Configuration{}, err
	}
	if u.Age != 0 {
		a.UnusedAge = u.Age
	}
	if u.Exclusions != nil {
		a.Exclusions = exclusions(u.Exclusions)
	}
	by := b.by(c)
	if err := b.store.UpdateAnalyzer(ctx, by, a); err != nil {
		return wire.Configuration{}, subject{wire.KindAnalyzer, ref.Name}.told(err)
	}
	return analyzerOf(a).Configuration, b.queue.Scan(ctx, by, a.ARN, "")
}

func (b *backend) DeleteAnalyzer(ctx context.Context, c wire.Change, ref wire.Ref) error {
	about := subject{wire.KindAnalyzer, ref.Name}
	if ref.Account != b.place.Account {
		return about.told(store.ErrNotFound)
	}
	return about.told(b.store.DeleteAnalyzer(ctx, b.by(c), b.place.arn(ref.Name), ""))
}

func (b *backend) TagAnalyzer(ctx context.Context, c wire.Change, ref wire.Ref, t wire.TagUpdate) error {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return err
	}
	about := subject{wire.KindAnalyzer, ref.Name}
	after := maps.Clone(a.Tags)
	for _, name := range t.Remove {
		delete(after, name)
	}
	maps.Copy(after, t.Set)
	if len(after) > wire.MaxTags && len(after) > len(a.Tags) {
		return wire.OverQuota(about.kind, about.id, fmt.Sprintf("it would have %d tags: want %d at most", len(after), wire.MaxTags))
	}
	if len(t.Remove) > 0 {
		if err := b.store.RemoveTags(ctx, b.by(c), a.ARN, t.Remove); err != nil {
			return about.told(err)
		}
	}
	if len(t.Set) == 0 {
		return nil
	}
	return about.told(b.store.SetTags(ctx, b.by(c), a.ARN, t.Set))
}

func exclusions(in []wire.Exclusion) []store.Exclusion {
	out := make([]store.Exclusion, len(in))
	for i, e := range in {
		out[i] = store.Exclusion{AccountIDs: e.Accounts, ResourceTags: e.Tags}
	}
	return out
}

func analyzerOf(a store.Analyzer) wire.Analyzer {
	out := wire.Analyzer{
		Name: a.Name, Type: wire.AnalyzerType(a.Type), Status: wire.AnalyzerStatus(a.Status), StatusReason: a.StatusReason, CreatedAt: a.CreatedAt,
		LastResource: a.LastResource, LastAt: a.LastRunAt, ManagedBy: a.LinkedService, Tags: a.Tags,
		Configuration: wire.Configuration{Age: a.UnusedAge},
	}
	for _, e := range a.Exclusions {
		out.Exclusions = append(out.Exclusions, wire.Exclusion{Accounts: e.AccountIDs, Tags: e.ResourceTags})
	}
	return out
}
