package watch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/watch"
)

// The history is read page by page, at CloudTrail's pace; a later look goes back a while, and
// reports what came late.
func TestHistory(t *testing.T) {
	var mu sync.Mutex
	var events []string
	at := func(minute int) string {
		return event{id: fmt.Sprint("e", minute), source: "s3.amazonaws.com", name: "GetBucketAcl", at: began.Add(time.Duration(minute) * time.Minute)}.String()
	}
	for minute := range 5 {
		events = append(events, at(10*minute), strings.Replace(at(10*minute+1), `"AccessDenied"`, "null", 1))
	}
	s := awstest.Start(t, awstest.Options{Page: 3})
	s.SetEvents(func(region string) []string {
		mu.Lock()
		defer mu.Unlock()
		if region != "eu-central-1" {
			return nil
		}
		return slices.Clone(events)
	})
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.URL), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIATESTTESTTESTTEST", SecretAccessKey: "secret"}, nil
	})}
	now := func() time.Time { return began.Add(2 * time.Hour) }
	w := looking(t, watch.NewHistory(cfg, "eu-central-1", now), applied()...)
	start := time.Now()
	if l := look(t, w); len(l.Denials) != 5 || len(l.Problems) != 0 {
		t.Errorf("got %+v", l)
	}
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Errorf("four pages took %v: more than two calls a second", took)
	}
	mu.Lock()
	events = append(events, at(20+5), at(3), at(50)) // the second is too late
	mu.Unlock()
	l := look(t, w)
	var ids []string
	for _, d := range l.Denials {
		ids = append(ids, d.EventID)
	}
	if !slices.Equal(ids, []string{"e25", "e50"}) {
		t.Errorf("a second look: got %v", ids)
	}
	other := look(t, looking(t, watch.NewHistory(cfg, "us-east-1", now), applied()...))
	if len(other.Denials)+len(other.Problems) != 0 {
		t.Errorf("another Region: got %+v", other)
	}
	cfg.BaseEndpoint = aws.String("http://127.0.0.1:1")
	cfg.RetryMaxAttempts = 1
	if l := look(t, looking(t, watch.NewHistory(cfg, "us-east-1", now), applied()...)); len(l.Problems) != 1 || !strings.HasPrefix(l.Problems[0].Error(), "CloudTrail's history of us-east-1: ") {
		t.Errorf("unreachable: got %+v", l)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := looking(t, watch.NewHistory(cfg, "us-east-1", now), applied()...).Look(ctx); err == nil {
		t.Error("a look without time ended well")
	}
}

// Of a plan that was applied long ago the history is asked as far as it goes.
func TestHistoryIsKeptForNinetyDays(t *testing.T) {
	old := event{id: "old", source: "s3.amazonaws.com", name: "GetBucketAcl", at: began.Add(24 * time.Hour)}
	recent := event{id: "recent", source: "s3.amazonaws.com", name: "GetBucketAcl", at: began.Add(15 * 24 * time.Hour)}
	s := awstest.Start(t, awstest.Options{})
	s.SetEvents(func(string) []string { return []string{old.String(), recent.String()} })
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.URL), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIATESTTESTTESTTEST", SecretAccessKey: "secret"}, nil
	})}
	now := func() time.Time { return began.Add(100 * 24 * time.Hour) }
	l := look(t, looking(t, watch.NewHistory(cfg, "us-east-1", now), applied()...))
	if len(l.Denials) != 1 || l.Denials[0].EventID != "recent" {
		t.Errorf("got %+v", l.Denials)
	}
}
