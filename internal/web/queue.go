package web

import (
	"context"
	"strings"

	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
)

// Queue is work that is done later, by this server or another: what the pages ask for.
type Queue interface {
	// Scan asks for a new run of an analyzer, by its ARN, over an account; over all of its
	// accounts if the account is "".
	Scan(ctx context.Context, by store.By, analyzer, account string) error

	// Recommend begins the making of a recommendation anew, of an analyzer by its ARN. A
	// finding that has none is store.ErrConflict.
	Recommend(ctx context.Context, by store.By, analyzer, finding string) error

	// Jobs lists the work, the newest first.
	Jobs(ctx context.Context, page store.Page) (store.Part[jobs.Job], error)

	// Retry tries a job again that failed.
	Retry(ctx context.Context, by store.By, job int64) error
}

// Setting is a line of the configuration, for reading alone. A secret is not among them.
type Setting struct {
	Name   string // "retention.resolved"
	Value  string // as it is in effect
	Origin string // "file pare.yaml", "environment PARE_…", "default"
	Help   string
}

// Words are those of Origin: between them a line may break, and within none, as "--listen".
func (s Setting) Words() []string { return strings.Fields(s.Origin) }
