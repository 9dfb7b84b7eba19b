package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"
)

// What Security Hub takes.
// https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html
const (
	maxImport        = 100
	maxImportFinding = 240 << 10
	maxImportBytes   = 6 << 20
	importRate       = 10 // calls a second, by account and Region
	importBurst      = 30
)

// SecurityHubAPI is what the sink calls: securityhub.Client has it.
type SecurityHubAPI interface {
	BatchImportFindings(ctx context.Context, in *securityhub.BatchImportFindingsInput, o ...func(*securityhub.Options)) (*securityhub.BatchImportFindingsOutput, error)
}

// SecurityHubOptions say where findings go.
type SecurityHubOptions struct {
	Name   string // of the sink; "": "security-hub"
	Region string // of Security Hub

	// Client gives the client that calls as an account: Security Hub takes a finding from
	// nobody but the account that it is about. It is asked again for every batch, and may be
	// asked concurrently.
	Client func(ctx context.Context, account string) (SecurityHubAPI, error)
}

// SecurityHub is a Sink that imports findings in AWS's Security Finding Format, as the
// default product of each account. Security Hub must be on in that account and Region.
type SecurityHub struct {
	options SecurityHubOptions

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by account
}

// NewSecurityHub makes the sink.
func NewSecurityHub(o SecurityHubOptions) (*SecurityHub, error) {
	if o.Region == "" || o.Client == nil {
		return nil, errors.New("security hub: want a region, such as us-east-1, and a client for each account")
	}
	if o.Name == "" {
		o.Name = "security-hub"
	}
	return &SecurityHub{options: o, limiters: map[string]*rate.Limiter{}}, nil
}

// Name implements [Sink].
func (s *SecurityHub) Name() string { return s.options.Name }

// Send implements [Sink]. What Security Hub refuses of an account as a whole, because it is
// off there or pare may not call as it, has failed for good, so that one account of many
// doesn't hold back the others: the finding's next change brings it.
func (s *SecurityHub) Send(ctx context.Context, changes []Change) []Failure {
	byAccount := map[string][]Change{}
	for _, c := range changes {
		byAccount[c.Finding.Account] = append(byAccount[c.Finding.Account], c)
	}
	var out []Failure
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		out = append(out, s.sendAccount(ctx, account, byAccount[account])...)
	}
	return out
}

func (s *SecurityHub) sendAccount(ctx context.Context, account string, changes []Change) []Failure {
	api, err := s.options.Client(ctx, account)
	if err != nil {
		reason := fmt.Sprintf("no credentials for account %s: %v", account, err)
		return failAll(changes, Failure{Code: codeOf(err), Reason: reason, Final: ctx.Err() == nil && refusesAccount(err)})
	}
	imported, failures := s.shape(changes)
	for batch := range batches(imported, maxImport, maxImportBytes) {
		failures = append(failures, s.call(ctx, account, api, batch)...)
	}
	return failures
}

// shape makes ASFF of changes. What is larger than Security Hub takes has failed.
func (s *SecurityHub) shape(changes []Change) (fits []shaped[types.AwsSecurityFinding], failures []Failure) {
	for _, c := range changes {
		item := asff(c, s.productARN(c))
		size := asffSize(item)
		if size > maxImportFinding {
			reason := fmt.Sprintf("%d bytes of ASFF: Security Hub takes %d", size, maxImportFinding)
			failures = append(failures, Failure{Change: c, Reason: reason, Final: true})
			continue
		}
		fits = append(fits, shaped[types.AwsSecurityFinding]{c, item, size})
	}
	return fits, failures
}

// productARN is that of an account's default product.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-custom-providers.html
func (s *SecurityHub) productARN(c Change) string {
	account := c.Finding.Account
	return strings.Join([]string{"arn", c.resource().Partition, "securityhub", s.options.Region, account, "product/" + account + "/default"}, ":")
}

// asffSize is how long the finding is as JSON. The SDK's types have no names for JSON; those
// of their fields are the same.
func asffSize(f types.AwsSecurityFinding) int {
	return len(must(json.Marshal(f, json.OmitZeroStructFields(true))))
}

// call imports a batch. If Security Hub refuses it as a whole for what is in it, its halves
// are tried, so that one finding spoils no other.
func (s *SecurityHub) call(ctx context.Context, account string, api SecurityHubAPI, batch []shaped[types.AwsSecurityFinding]) []Failure {
	in := &securityhub.BatchImportFindingsInput{Findings: make([]types.AwsSecurityFinding, len(batch))}
	for i, item := range batch {
		in.Findings[i] = item.item
	}
	if err := s.limiter(account).Wait(ctx); err != nil {
		return failAll(changesOf(batch), Failure{Reason: err.Error()})
	}
	out, err := api.BatchImportFindings(ctx, in)
	switch half := len(batch) / 2; {
	case err != nil && unacceptable(err) && half > 0:
		return append(s.call(ctx, account, api, batch[:half]), s.call(ctx, account, api, batch[half:])...)
	case err != nil:
		return failAll(changesOf(batch), Failure{Code: codeOf(err), Reason: err.Error(), Final: unacceptable(err) || refusesAccount(err)})
	}
	return failedIDs(batch, out)
}

// failedIDs finds the changes of the findings that weren't imported, by their ids. If there
// are more than Security Hub names, all have failed: what is imported twice is imported once.
func failedIDs(batch []shaped[types.AwsSecurityFinding], out *securityhub.BatchImportFindingsOutput) []Failure {
	var failures []Failure
	for _, failed := range out.FailedFindings {
		for _, item := range batch {
			if *item.item.Id == aws.ToString(failed.Id) {
				code := aws.ToString(failed.ErrorCode)
				failures = append(failures, Failure{
					Change: item.change, Code: code, Reason: aws.ToString(failed.ErrorMessage),
					Final: code != "InternalException" && code != "InternalFailure" && code != "ThrottlingException",
				})
			}
		}
	}
	if n := int(aws.ToInt32(out.FailedCount)); n > len(failures) {
		return failAll(changesOf(batch), Failure{Reason: fmt.Sprintf("%d findings failed, and Security Hub doesn't name them all", n)})
	}
	return failures
}

func (s *SecurityHub) limiter(account string) *rate.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limiters[account] == nil {
		s.limiters[account] = rate.NewLimiter(importRate, importBurst)
	}
	return s.limiters[account]
}
