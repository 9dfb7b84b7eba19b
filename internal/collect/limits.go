package collect

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// operation is a service and an operation of it, as the SDK names them. An empty name is
// every operation of the service that has no line of its own.
type operation struct{ service, name string }

// pace is how often an operation may be called in one account.
type pace struct {
	perSecond rate.Limit
	burst     int
}

// paces are the rates. CloudTrail's are documented, and STS's 600 a second are far above.
// For IAM AWS publishes none, and Organizations' differ by operation and over time: those here are what
// accounts bear beside their other callers; throttled calls are tried again all the same.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
var paces = [...]struct {
	operation
	pace
}{
	{operation{"IAM", "GenerateServiceLastAccessedDetails"}, pace{5, 10}},
	{operation{"IAM", "GenerateCredentialReport"}, pace{1, 1}},
	{operation{"IAM", "GetCredentialReport"}, pace{1, 1}},
	{operation{"IAM", "GetAccountAuthorizationDetails"}, pace{5, 5}},
	{operation{"IAM", ""}, pace{15, 15}},
	{operation{"CloudTrail", "LookupEvents"}, pace{2, 2}},
	{operation{"CloudTrail", ""}, pace{10, 10}},
	{operation{"Organizations", ""}, pace{4, 8}},
	{operation{"STS", ""}, pace{50, 50}},
}

// other is the rate of a service that isn't in the table.
var other = pace{5, 5}

func paceOf(op operation) pace {
	for _, line := range paces {
		if line.service == op.service && (line.name == op.name || line.name == "") {
			return line.pace
		}
	}
	return other
}

// limits are the token buckets of one account, an operation each.
type limits struct {
	each    rate.Limit // of every operation; 0: the table's
	speed   float64    // times the table's
	mu      sync.Mutex
	buckets map[operation]*rate.Limiter
}

func newLimits(o Options) *limits {
	return &limits{each: rate.Limit(o.MaxRPS), speed: cmp.Or(o.speed, 1), buckets: map[operation]*rate.Limiter{}}
}

func (l *limits) bucket(op operation) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets[op] == nil {
		p := paceOf(op)
		p.perSecond *= rate.Limit(l.speed)
		if documented := op.service == "CloudTrail"; l.each > 0 && (l.each < p.perSecond || !documented) {
			p = pace{l.each, max(1, int(l.each))}
		}
		l.buckets[op] = rate.NewLimiter(p.perSecond, p.burst)
	}
	return l.buckets[op]
}

// in is a configuration whose clients wait for a token before every attempt of a call.
func (l *limits) in(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	if cfg.Credentials != nil {
		cfg.Credentials = credentials{cfg.Credentials}
	}
	cfg.APIOptions = append(slices.Clip(cfg.APIOptions), func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("pareTokenBucket", l.wait), "Retry", middleware.After)
	})
	return cfg
}

func (l *limits) wait(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	op := operation{awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)}
	if err := l.bucket(op).Wait(ctx); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	return next.HandleFinalize(ctx, in)
}
