package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/notify"
)

// bus is an EventBridge that answers as told, by the finding's id, and remembers.
type bus struct {
	calls  [][]types.PutEventsRequestEntry
	answer func(id string) types.PutEventsResultEntry
	whole  func(ids []string) error // of the call; nil: none
}

func (b *bus) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	b.calls = append(b.calls, in.Entries)
	out := &eventbridge.PutEventsOutput{}
	var all []string
	for _, e := range in.Entries {
		var detail struct {
			ID string `json:"findingId"`
		}
		if err := json.Unmarshal([]byte(*e.Detail), &detail); err != nil {
			return nil, err
		}
		all = append(all, detail.ID)
		answer := types.PutEventsResultEntry{EventId: aws.String("e-" + detail.ID)}
		if b.answer != nil {
			answer = b.answer(detail.ID)
		}
		out.Entries = append(out.Entries, answer)
	}
	if b.whole != nil {
		if err := b.whole(all); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func newEventBridge(t *testing.T, api notify.EventBridgeAPI, o notify.EventBridgeOptions) *notify.EventBridge {
	t.Helper()
	sink, err := notify.NewEventBridge(api, o)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func TestEventBridgeShape(t *testing.T) {
	b := &bus{}
	sink := newEventBridge(t, b, notify.EventBridgeOptions{Bus: "security"})
	for _, c := range life(t) {
		if failures := sink.Send(t.Context(), []notify.Change{c}); len(failures) > 0 {
			t.Fatal(failures)
		}
	}
	var out []byte
	for _, call := range b.calls {
		for _, e := range call {
			detail := jsontext.Value(*e.Detail)
			src, err := json.Marshal(struct {
				Bus        string         `json:"EventBusName"`
				Source     string         `json:"Source"`
				DetailType string         `json:"DetailType"`
				Time       string         `json:"Time"`
				Resources  []string       `json:"Resources"`
				Detail     jsontext.Value `json:"Detail"`
			}{*e.EventBusName, *e.Source, *e.DetailType, e.Time.String(), e.Resources, detail}, jsontext.WithIndent("  "))
			if err != nil {
				t.Fatal(err)
			}
			out = append(append(out, src...), '\n')
		}
	}
	golden(t, "eventbridge.json", out)
}

func TestEventBridgeRefusesSourcesOfAWS(t *testing.T) {
	for _, source := range []string{"aws.access-analyzer", "AWS.x", "aws.", strings.Repeat("x", 257)} {
		if _, err := notify.NewEventBridge(&bus{}, notify.EventBridgeOptions{Source: source}); err == nil || !strings.Contains(err.Error(), notify.DefaultSource) {
			t.Errorf("source %.20q: %v: want a refusal that says what to set", source, err)
		}
	}
	b := &bus{}
	newEventBridge(t, b, notify.EventBridgeOptions{Source: "awsome.pare"}).Send(t.Context(), roles(1))
	if got := *b.calls[0][0].Source; got != "awsome.pare" || b.calls[0][0].EventBusName != nil {
		t.Errorf("source %q on bus %v", got, b.calls[0][0].EventBusName)
	}
}

// A call has at most 10 entries and 256 KB.
func TestEventBridgeCalls(t *testing.T) {
	b := &bus{}
	sink := newEventBridge(t, b, notify.EventBridgeOptions{})
	changes := roles(23)
	if failures := sink.Send(t.Context(), changes); len(failures) > 0 {
		t.Fatal(failures)
	}
	for i := range changes {
		changes[i].Analyzer += strings.Repeat("x", 60<<10) // 4 to a call
	}
	sink.Send(t.Context(), changes[:9])
	var sizes []int
	for _, call := range b.calls {
		sizes = append(sizes, len(call))
	}
	if diff := cmp.Diff([]int{10, 10, 3, 4, 4, 1}, sizes); diff != "" {
		t.Errorf("entries a call: -want +got\n%s", diff)
	}
}

func TestEventBridgeFailures(t *testing.T) {
	code := func(code string) types.PutEventsResultEntry {
		return types.PutEventsResultEntry{ErrorCode: aws.String(code), ErrorMessage: aws.String("so")}
	}
	apiError := func(code string) error {
		return fmt.Errorf("operation error EventBridge: PutEvents, %w", &smithy.GenericAPIError{Code: code, Message: "so"})
	}
	const put = "operation error EventBridge: PutEvents, api error "
	for _, tt := range []struct {
		name  string
		bus   bus
		want  []string
		calls int
	}{
		{"an entry that is throttled is tried again, and it alone", bus{answer: func(id string) types.PutEventsResultEntry {
			if id == "rab" {
				return code("ThrottlingException")
			}
			return types.PutEventsResultEntry{EventId: aws.String("e")}
		}}, []string{"finding rab: ThrottlingException: so"}, 1},
		{"an entry whose detail is refused has failed for good, permissions can be given", bus{answer: func(id string) types.PutEventsResultEntry {
			return code(map[string]string{"raa": "MalformedDetail", "rab": "NotAuthorizedForSourceException", "rac": "AccessDeniedException"}[id])
		}}, []string{
			"finding raa: MalformedDetail: so (for good)",
			"finding rab: NotAuthorizedForSourceException: so",
			"finding rac: AccessDeniedException: so",
		}, 1},
		{"one bad entry doesn't spoil the call", bus{whole: func(ids []string) error {
			if slices.Contains(ids, "rac") {
				return apiError("ValidationException")
			}
			return nil
		}}, []string{"finding rac: ValidationException: " + put + "ValidationException: so (for good)"}, 5},
		{"no connection: all are tried again", bus{whole: func([]string) error { return errors.New("no route") }}, []string{
			"finding raa: no route", "finding rab: no route", "finding rac: no route",
		}, 1},
		{"AWS is busy: all are tried again", bus{whole: func([]string) error { return apiError("InternalException") }}, []string{
			"finding raa: InternalException: " + put + "InternalException: so",
			"finding rab: InternalException: " + put + "InternalException: so",
			"finding rac: InternalException: " + put + "InternalException: so",
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := told(newEventBridge(t, &tt.bus, notify.EventBridgeOptions{}).Send(t.Context(), roles(3)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if len(tt.bus.calls) != tt.calls {
				t.Errorf("%d calls, want %d", len(tt.bus.calls), tt.calls)
			}
		})
	}
}
