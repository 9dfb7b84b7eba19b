package wire

import (
	"context"
	"time"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/sigv4"
)

// Backend is what the API is about. Methods are called concurrently. What they return is
// not changed.
//
// Errors that the client is to see are made by NotFound, Conflict, OverQuota, Throttled and
// Invalid, and may be wrapped; any other is answered as an InternalServerException, and its
// text goes to Options.Report alone. Arguments have been validated as far as AWS's model
// says how.
type Backend interface {
	Analyzers
	Rules
	Findings
}

// Ref names an analyzer. What isn't there is NotFound, in every method that takes one.
type Ref struct {
	Account string // twelve digits: whose it is
	Name    string
}

// Change is who asks for a change, and how a repetition is known.
//
// Where Token isn't empty and the account has made a change of the same Operation with it
// before, within a day at least, the change isn't made again: with the same Fingerprint the
// answer is that of the first time, with another one it is a Conflict.
type Change struct {
	By          sigv4.Identity
	Operation   string   // "CreateAnalyzer"
	Token       string   // the client's; "": none
	Fingerprint [32]byte // of all that was asked for
}

// Page is a part of a list.
type Page struct {
	After string // what the page before returned as its next; "": the first page
	Max   int    // at most so many, 1 or more
}

// Analyzers keeps analyzers. A list's second result is where the next page begins, "" when
// there is none.
type Analyzers interface {
	// CreateAnalyzer makes an analyzer for the account of the change, with its rules and
	// tags. A name that is taken is a Conflict.
	CreateAnalyzer(ctx context.Context, c Change, a NewAnalyzer) (Analyzer, error)
	Analyzer(ctx context.Context, ref Ref) (Analyzer, error)
	// ListAnalyzers lists an account's analyzers in a fixed order; of all types if typ is "".
	ListAnalyzers(ctx context.Context, account string, typ AnalyzerType, page Page) ([]Analyzer, string, error)
	UpdateAnalyzer(ctx context.Context, c Change, ref Ref, u ConfigurationUpdate) (Configuration, error)
	// DeleteAnalyzer deletes an analyzer with all of its rules and findings.
	DeleteAnalyzer(ctx context.Context, c Change, ref Ref) error
	// TagAnalyzer sets and removes tags. More than MaxTags are OverQuota or Invalid.
	TagAnalyzer(ctx context.Context, c Change, ref Ref, t TagUpdate) error
}

// Rules keeps analyzers' archive rules. A rule that isn't there is NotFound.
type Rules interface {
	// CreateRule adds a rule, which archives what is found from now on. A name that is
	// taken is a Conflict, more than MaxRules are OverQuota.
	CreateRule(ctx context.Context, c Change, ref Ref, rule finding.ArchiveRule) error
	UpdateRule(ctx context.Context, c Change, ref Ref, rule finding.ArchiveRule) error
	DeleteRule(ctx context.Context, c Change, ref Ref, name string) error
	// ApplyRule archives the active findings that a rule matches.
	ApplyRule(ctx context.Context, c Change, ref Ref, name string) error
	Rule(ctx context.Context, ref Ref, name string) (Rule, error)
	ListRules(ctx context.Context, ref Ref, page Page) ([]Rule, string, error)
}

// Findings keeps analyzers' findings and recommendations.
type Findings interface {
	// ListFindings lists findings, Permissions needn't be filled.
	ListFindings(ctx context.Context, q FindingQuery) ([]finding.Finding, string, error)
	// Finding is one with all of its Permissions. NotFound if the analyzer hasn't it.
	Finding(ctx context.Context, ref Ref, id string) (finding.Finding, error)
	// FindingOfUID is the finding that Security Hub's metadata.uid is of, among all of the
	// account's analyzers.
	FindingOfUID(ctx context.Context, account, uid string) (Ref, finding.Finding, error)
	// UpdateFindings archives findings or takes them back. Resolved ones stay resolved. An
	// ID or resource without a finding is NotFound, and then nothing is changed.
	UpdateFindings(ctx context.Context, c Change, u FindingUpdate) error
	// Statistics are counts of the analyzer's findings, and when they were last brought up
	// to date.
	Statistics(ctx context.Context, ref Ref) (finding.Statistics, time.Time, error)
	// GenerateRecommendation begins to make the recommendation of a finding of unused
	// permissions anew, and discards an earlier one. While one is being made it does nothing.
	GenerateRecommendation(ctx context.Context, c Change, ref Ref, id string) error
	// Recommendation is NotFound if none was asked for.
	Recommendation(ctx context.Context, ref Ref, id string) (Recommendation, error)
}

// AnalyzerType is an analyzer's zone of trust and what it looks for.
type AnalyzerType string

// The types that look for unused access.
const (
	AccountUnusedAccess      AnalyzerType = "ACCOUNT_UNUSED_ACCESS"
	OrganizationUnusedAccess AnalyzerType = "ORGANIZATION_UNUSED_ACCESS"
)

// AnalyzerStatus is whether an analyzer works.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_AnalyzerSummary.html
type AnalyzerStatus string

// The states.
const (
	AnalyzerActive   AnalyzerStatus = "ACTIVE"
	AnalyzerCreating AnalyzerStatus = "CREATING"
	AnalyzerDisabled AnalyzerStatus = "DISABLED"
	AnalyzerFailed   AnalyzerStatus = "FAILED"
)

// Limits of AWS's.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-quotas.html
const (
	MaxRules    = 1000 // archive rules of an analyzer: AWS's quota of 100 can be raised to that
	MaxTags     = 50   // of an analyzer
	MaxExcluded = 2000 // accounts
	maxAge      = 365  // days
	defaultAge  = 90   // days
)

// NewAnalyzer is an analyzer that is to be.
type NewAnalyzer struct {
	Name      string
	Type      AnalyzerType
	ManagedBy string // the service of a service-linked analyzer; else ""
	Tags      map[string]string
	Rules     []finding.ArchiveRule
	Configuration
}

// Analyzer is an analyzer.
type Analyzer struct {
	Name         string
	Type         AnalyzerType
	Status       AnalyzerStatus
	StatusReason string // AWS's code, of DISABLED and FAILED; else ""
	CreatedAt    time.Time
	LastResource string    // ARN of the role or user that was looked at last; ""
	LastAt       time.Time // when
	ManagedBy    string    // the service of a service-linked analyzer; else ""
	Tags         map[string]string
	Configuration
}

// Configuration is what an analyzer counts as unused, and whom it leaves alone.
type Configuration struct {
	Age        int // days, 1 to 365
	Exclusions []Exclusion
}

// Exclusion leaves accounts alone, and principals that have one of the tags.
type Exclusion struct {
	Accounts []string            // IDs, of organizations' analyzers alone
	Tags     []map[string]string // each key with a value; "" is any
}

// ConfigurationUpdate is what becomes of a configuration.
type ConfigurationUpdate struct {
	Age        int         // 0: stays
	Exclusions []Exclusion // nil: stay; empty: none
}

// TagUpdate is what becomes of tags: first Remove, then Set.
type TagUpdate struct {
	Set    map[string]string
	Remove []string // keys; those that aren't there don't matter
}

// Rule is an archive rule and its times.
type Rule struct {
	finding.ArchiveRule
	CreatedAt, UpdatedAt time.Time
}

// Sort is an order of findings. Findings that are alike in it are in a fixed order.
type Sort struct {
	By         string // one of SortKeys; "": by ID alone
	Descending bool
}

// SortKeys are the attributes that findings can be sorted by.
func SortKeys() []string {
	return []string{"analyzedAt", "createdAt", "findingType", "id", "resource", "resourceOwnerAccount", "resourceType", "status", "updatedAt"}
}

// FindingQuery is a list of an analyzer's findings.
type FindingQuery struct {
	Analyzer Ref
	Filter   finding.Filter // empty: all
	Sort     Sort
	Page     Page
}

// FindingUpdate sets a status: of the findings with the IDs, or of all about a resource.
type FindingUpdate struct {
	Analyzer Ref
	Status   finding.Status // Active or Archived
	IDs      []string       // unless empty
	Resource string         // an ARN, if IDs is empty
}

// Recommendation is a recommendation that was asked for. While it is being made its Outcome
// is "" and it has no steps.
type Recommendation struct {
	finding.Recommendation
	ErrorCode              string // of one that failed, short: "NOT_PROVED"; "" is FAILED
	StartedAt, CompletedAt time.Time
	Existing               []string // texts of the steps' existing policies, in their order, as far as known
}
