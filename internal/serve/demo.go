package serve

import (
	"context"
	"fmt"
	"time"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
)

// Demonstration is what somebody needs to try a server out.
type Demonstration struct {
	Analyzer      string // its ARN
	KeyID, Secret string // of an access key of an admin
	Findings      int    // active ones
}

// demoLimit is how long the scan of the sample may take.
const demoLimit = time.Minute

// Demo makes an analyzer over all accounts, and an access key, and waits until the accounts
// have been looked at.
func (s *Service) Demo(ctx context.Context) (Demonstration, error) {
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	by := store.By{Who: "demo", At: s.server.o.Now()}
	arn, err := s.Store.CreateAnalyzer(ctx, by, store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: s.server.o.Place.arn("unused-access"), Name: "unused-access", Type: store.AccountUnused, UnusedAge: 90, Status: string(wire.AnalyzerActive),
	}})
	if err != nil {
		return Demonstration{}, err
	}
	if err := s.Jobs.Scan(ctx, by, arn, ""); err != nil {
		return Demonstration{}, err
	}
	if err := s.Store.PutUser(ctx, by, store.Person{Name: "demo", Role: store.Admin}); err != nil {
		return Demonstration{}, err
	}
	key, secret := NewAccessKey("demo")
	if err := s.Store.AddKey(ctx, by, key, secret); err != nil {
		return Demonstration{}, err
	}
	if err := s.scanned(ctx, arn); err != nil {
		return Demonstration{}, err
	}
	figures, err := s.Store.Statistics(ctx, arn)
	return Demonstration{Analyzer: arn, KeyID: key.ID, Secret: secret, Findings: figures.Active}, err
}

// scanned waits for the first complete run of an analyzer. One that failed is an error.
func (s *Service) scanned(ctx context.Context, arn string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		runs, err := s.Store.Runs(ctx, arn, "", store.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(runs.Items) > 0 {
			switch r := runs.Items[0]; r.State {
			case store.Complete:
				return nil
			case store.Failed:
				return fmt.Errorf("scan of %s: %s", r.Account, r.Failure)
			case store.Running:
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
