package serve

import (
	"context"
	"fmt"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
)

// changeRule makes a change of a rule, after the analyzer has been found.
func (b *backend) changeRule(ctx context.Context, ref wire.Ref, rule string, change func(arn string) error) error {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return err
	}
	return subject{wire.KindRule, rule}.told(change(a.ARN))
}

func (b *backend) CreateRule(ctx context.Context, c wire.Change, ref wire.Ref, rule finding.ArchiveRule) error {
	return b.changeRule(ctx, ref, rule.Name, func(arn string) error {
		there, err := b.store.Rules(ctx, arn, store.Page{Limit: wire.MaxRules})
		if err != nil {
			return err
		}
		if len(there.Items) >= wire.MaxRules {
			return wire.OverQuota(wire.KindRule, rule.Name, fmt.Sprintf("the analyzer has %d rules: want %d at most", len(there.Items), wire.MaxRules))
		}
		return b.store.CreateRule(ctx, b.by(c), arn, rule, "")
	})
}

func (b *backend) UpdateRule(ctx context.Context, c wire.Change, ref wire.Ref, rule finding.ArchiveRule) error {
	return b.changeRule(ctx, ref, rule.Name, func(arn string) error { return b.store.UpdateRule(ctx, b.by(c), arn, rule) })
}

func (b *backend) DeleteRule(ctx context.Context, c wire.Change, ref wire.Ref, name string) error {
	return b.changeRule(ctx, ref, name, func(arn string) error { return b.store.DeleteRule(ctx, b.by(c), arn, name) })
}

func (b *backend) ApplyRule(ctx context.Context, c wire.Change, ref wire.Ref, name string) error {
	return b.changeRule(ctx, ref, name, func(arn string) error {
		_, err := b.store.ApplyRule(ctx, b.by(c), arn, name)
		return err
	})
}

func (b *backend) Rule(ctx context.Context, ref wire.Ref, name string) (wire.Rule, error) {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return wire.Rule{}, err
	}
	r, err := b.store.Rule(ctx, a.ARN, name)
	return ruleOf(r), subject{wire.KindRule, name}.told(err)
}

func (b *backend) ListRules(ctx context.Context, ref wire.Ref, page wire.Page) ([]wire.Rule, string, error) {
	a, err := b.analyzer(ctx, ref)
	if err != nil {
		return nil, "", err
	}
	part, err := b.store.Rules(ctx, a.ARN, asked(page))
	if err != nil {
		return nil, "", subject{wire.KindAnalyzer, ref.Name}.told(err)
	}
	out, next := collected(part, ruleOf)
	return out, next, nil
}

func ruleOf(r store.Rule) wire.Rule {
	return wire.Rule{ArchiveRule: r.ArchiveRule, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
}
