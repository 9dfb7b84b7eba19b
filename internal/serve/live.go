package serve

import (
	"context"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/trail"
	"github.com/pare-iam/pare/usage"
)

// sources are where the accounts' data comes from.
func (s *Service) sources(w World) jobs.Sources {
	out := jobs.Sources{}
	for _, a := range s.c.Accounts {
		if a.Role == "" {
			out[a.source()] = jobs.Folders{Root: a.Folder}
			continue
		}
		live := jobs.Live{
			Root: filepath.Join(s.c.DataDir, "accounts"), Now: w.Now,
			Config: func(ctx context.Context, _ store.Account) (aws.Config, error) { return assumed(ctx, a, s.c.Region) },
		}
		if a.Trail != "" {
			live.Logs = s.logs(w, a.Trail, live.Root)
		}
		out[a.source()] = live
	}
	return out
}

// assumed is a way into AWS with an account's role.
func assumed(ctx context.Context, a Account, region string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(region))
	if err != nil {
		return cfg, err
	}
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), a.Role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "pare-serve"
		if a.ExternalID != "" {
			o.ExternalID = &a.ExternalID
		}
	}))
	return cfg, nil
}

// logs reads what a trail has of an account. Beside the account's folders below root lies
// what the reading of the log files came to, so that the next scan reads those alone that
// are new.
func (s *Service) logs(w World, from, root string) func(context.Context, aws.Config, store.Account, string) ([]snapshot.Missing, error) {
	return func(ctx context.Context, cfg aws.Config, a store.Account, dir string) ([]snapshot.Missing, error) {
		source, err := trail.ParseSource(from)
		if err != nil {
			return nil, err
		}
		source.Account = a.ID
		window, err := s.logWindow(ctx, w.Now())
		if err != nil {
			return nil, err
		}
		return trail.Ingest(ctx, cfg, source, trail.Reading{
			Catalog: w.Catalog, Window: window, Version: w.Version,
			Target: filepath.Join(dir, snapshot.UsageFile), Journal: filepath.Join(root, a.ID, "logs.journal"),
			Warn: func(warning string) { w.Log.WarnContext(ctx, warning, "account", a.ID) },
		})
	}
}

// usualAge is the unused access age of who has no analyzer yet: AWS's default, in days.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UnusedAccessConfiguration.html
const usualAge = 90

// logWindow is the time whose log files are read: the longest unused access age of all
// analyzers, so that what one scan has read is good for the next. The day before is in it,
// since the first log file of a day isn't written at midnight, and the window of an analysis
// ends when its data is collected, before this.
func (s *Service) logWindow(ctx context.Context, now time.Time) (trail.Window, error) {
	longest := 0
	for page := (store.Page{}); ; {
		part, err := s.Store.Analyzers(ctx, "", page)
		if err != nil {
			return trail.Window{}, err
		}
		for _, a := range part.Items {
			longest = max(longest, a.UnusedAge)
		}
		if page.Token = part.Next; page.Token == "" {
			break
		}
	}
	if longest == 0 {
		longest = usualAge
	}
	return trail.Window{From: now.Add(-time.Duration(longest+1) * usage.Day), Until: now}, nil
}
