package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
	"github.com/pare-iam/pare/policy"
)

// Queue is who does the work that takes longer than a request.
type Queue interface {
	// Scan asks for a scan of an account for an analyzer, by its ARN; of all its accounts if
	// account is "".
	Scan(ctx context.Context, by store.By, analyzer, account string) error

	// Recommend begins to make the recommendation for a finding anew. While one is being
	// made it does nothing.
	Recommend(ctx context.Context, by store.By, analyzer, finding string) error
}

// Place is where the server says that it is, in the ARNs of its analyzers.
type Place struct {
	Partition string // "aws"
	Region    string // "us-east-1"
	Account   string // twelve digits: whose the analyzers are
}

// arn is the ARN of an analyzer of that name.
func (p Place) arn(name string) string {
	return policy.ARN{
		Partition: p.Partition, Service: "access-analyzer", Region: p.Region, Account: p.Account, Resource: "analyzer/" + name,
	}.String()
}

// backend is the API's view of the store. Analyzers of other accounts than the server's, or
// made when it was at another place, aren't found.
type backend struct {
	store *store.Store
	queue Queue
	place Place
	now   func() time.Time
}

var _ wire.Backend = (*backend)(nil)

// by is who asks for a change, and how they ask for it again. Tokens are an account's.
func (b *backend) by(c wire.Change) store.By {
	by := store.By{Who: c.By.Name, Origin: "API", At: b.now()}
	if c.Token != "" {
		by.Ask = store.Ask{Token: c.By.Account + "/" + c.Token, Operation: c.Operation, Input: c.Fingerprint}
	}
	return by
}

// subject is what an operation is about, for the errors that the client sees.
type subject struct {
	kind wire.Kind
	id   string
}

// told is an error of the store in the words of the API. Others stay what they are.
func (s subject) told(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return wire.NotFound(s.kind, s.id)
	case errors.Is(err, store.ErrReused):
		return wire.Conflict(s.kind, s.id, "the clientToken was used before for another request")
	case errors.Is(err, store.ErrConflict):
		return wire.Conflict(s.kind, s.id, "is there already, or isn't in the state for this")
	case errors.Is(err, store.ErrToken):
		return wire.Invalid("The nextToken is of another list: begin without one.")
	case errors.Is(err, store.ErrInvalid):
		return wire.Invalid("%s", err.Error())
	}
	return fmt.Errorf("%s: %w", s.id, err)
}

// analyzer finds an analyzer; NotFound if it isn't the server's.
func (b *backend) analyzer(ctx context.Context, ref wire.Ref) (store.Analyzer, error) {
	about := subject{wire.KindAnalyzer, ref.Name}
	if ref.Account != b.place.Account {
		return store.Analyzer{}, about.told(store.ErrNotFound)
	}
	a, err := b.store.Analyzer(ctx, b.place.arn(ref.Name))
	return a, about.told(err)
}

func asked(p wire.Page) store.Page { return store.Page{Limit: p.Max, Token: p.After} }

// collected turns a part of a list into the API's shape.
func collected[T, U any](part store.Part[T], shape func(T) U) ([]U, string) {
	out := make([]U, len(part.Items))
	for i, item := range part.Items {
		out[i] = shape(item)
	}
	return out, part.Next
}
