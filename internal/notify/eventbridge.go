package notify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/finding"
)

// DefaultSource is the source of events unless another is set. Rules for AWS's own events
// match `"source": ["aws.access-analyzer"]`; no event that isn't AWS's may have such a
// source, so they want this one beside it.
const DefaultSource = "pare.access-analyzer"

// detailType is AWS's name of these events.
// https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-access-analyzer.html
const detailType = "Unused Access Finding for IAM entities"

// What a call of PutEvents takes. The API reference says 1 MB by now; the user guide has said
// 256 KB for years, and smaller holds everywhere.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const (
	maxEntries    = 10
	maxEntryBytes = 256 << 10
)

// EventBridgeAPI is what the sink calls: eventbridge.Client has it.
type EventBridgeAPI interface {
	PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, o ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// EventBridgeOptions say where events go and as whose.
type EventBridgeOptions struct {
	Name   string // of the sink; "": "eventbridge"
	Bus    string // name or ARN; "": the default bus
	Source string // "": DefaultSource. AWS refuses those that begin with "aws."
}

// EventBridge is a Sink that puts events of the shape of Access Analyzer's on a bus.
type EventBridge struct {
	api     EventBridgeAPI
	options EventBridgeOptions
}

// NewEventBridge makes the sink. The error is of a source that AWS would refuse.
func NewEventBridge(api EventBridgeAPI, o EventBridgeOptions) (*EventBridge, error) {
	if o.Name == "" {
		o.Name = "eventbridge"
	}
	if o.Source == "" {
		o.Source = DefaultSource
	}
	const most = 256
	if strings.HasPrefix(strings.ToLower(o.Source), "aws.") || len(o.Source) > most {
		return nil, fmt.Errorf("source %q: EventBridge keeps sources that begin with \"aws.\" for AWS, and takes at most %d characters: want one such as %s", o.Source, most, DefaultSource)
	}
	return &EventBridge{api, o}, nil
}

// Name implements [Sink].
func (e *EventBridge) Name() string { return e.options.Name }

// Send implements [Sink]. Entries that EventBridge refuses for what they are have failed for
// good; the others of a call that failed in part, and all that the account may not do now,
// are tried again, and they alone.
func (e *EventBridge) Send(ctx context.Context, changes []Change) []Failure {
	entries := make([]shaped[types.PutEventsRequestEntry], len(changes))
	for i, c := range changes {
		entry := e.entry(c)
		entries[i] = shaped[types.PutEventsRequestEntry]{c, entry, entrySize(entry)}
	}
	var out []Failure
	for batch := range batches(entries, maxEntries, maxEntryBytes) {
		out = append(out, e.put(ctx, batch)...)
	}
	return out
}

// eventDetail is the detail of an event, as Access Analyzer's have it. AWS's version is an
// opaque text; this one is a number in a text, which grows. Its error has no place here:
// what couldn't be analyzed is no finding.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-eventbridge.html
type eventDetail struct {
	FindingID      string         `json:"findingId"`
	Resource       string         `json:"resource"`
	ResourceType   string         `json:"resourceType"`
	Account        string         `json:"accountId"`
	CreatedAt      string         `json:"createdAt"`
	UpdatedAt      string         `json:"updatedAt"`
	AnalyzedAt     string         `json:"analyzedAt"`
	PreviousStatus finding.Status `json:"previousStatus"` // "" of a new finding
	Status         finding.Status `json:"status"`
	Version        string         `json:"version"`
	Deleted        bool           `json:"isDeleted"`
	Type           finding.Type   `json:"findingType"`
	Services       *int           `json:"numberOfUnusedServices,omitzero"` // of UnusedPermission only
	Actions        *int           `json:"numberOfUnusedActions,omitzero"`
}

func detailOf(c Change) eventDetail {
	f := &c.Finding
	out := eventDetail{
		FindingID: f.ID, Resource: f.Resource, ResourceType: f.ResourceType(), Account: f.Account,
		CreatedAt: stamp(c.created()), UpdatedAt: stamp(c.updated()), AnalyzedAt: stamp(c.analyzed()),
		PreviousStatus: c.Previous, Status: f.Status, Version: strconv.Itoa(c.Version), Deleted: c.Deleted, Type: f.Type,
	}
	if f.Type == finding.UnusedPermission {
		services, actions := c.unused()
		out.Services, out.Actions = &services, &actions
	}
	return out
}

func (e *EventBridge) entry(c Change) types.PutEventsRequestEntry {
	detail := must(json.Marshal(detailOf(c)))
	entry := types.PutEventsRequestEntry{
		Source: &e.options.Source, DetailType: aws.String(detailType), Detail: aws.String(string(detail)),
		Resources: []string{c.Analyzer}, Time: aws.Time(c.At.UTC()),
	}
	if e.options.Bus != "" {
		entry.EventBusName = &e.options.Bus
	}
	return entry
}

// entrySize counts as EventBridge does.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
func entrySize(e types.PutEventsRequestEntry) int {
	const timeBytes = 14
	size := timeBytes + len(*e.Source) + len(*e.DetailType) + len(*e.Detail)
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

// put makes one call. If AWS refuses it as a whole for what is in it, its halves are tried,
// so that one entry spoils no other.
func (e *EventBridge) put(ctx context.Context, batch []shaped[types.PutEventsRequestEntry]) []Failure {
	in := &eventbridge.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, len(batch))}
	for i, s := range batch {
		in.Entries[i] = s.item
	}
	out, err := e.api.PutEvents(ctx, in)
	switch half := len(batch) / 2; {
	case err != nil && unacceptable(err) && half > 0:
		return append(e.put(ctx, batch[:half]), e.put(ctx, batch[half:])...)
	case err != nil:
		return failAll(changesOf(batch), Failure{Code: codeOf(err), Reason: err.Error(), Final: unacceptable(err)})
	case len(out.Entries) != len(batch):
		return failAll(changesOf(batch), Failure{Reason: fmt.Sprintf("PutEvents answered for %d of %d entries", len(out.Entries), len(batch))})
	}
	var failures []Failure
	for i, answer := range out.Entries {
		if code := aws.ToString(answer.ErrorCode); code != "" {
			failures = append(failures, Failure{
				Change: batch[i].change, Code: code, Reason: aws.ToString(answer.ErrorMessage),
				Final: slices.Contains(hopeless, code),
			})
		}
	}
	return failures
}

// hopeless are the error codes of an entry that say what is wrong with the entry itself.
// Those about permissions are waited out: an operator can give them.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
var hopeless = []string{"InvalidArgument", "MalformedDetail", "RedactionFailure"}
