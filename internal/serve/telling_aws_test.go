package serve_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
)

// newAWS is an AWS in which the process acts in the sample's account, by its environment.
func newAWS(t *testing.T) (*awstest.Server, awstest.Key, aws.Config) {
	t.Helper()
	s := awstest.Start(t, awstest.Options{})
	for _, line := range s.Environment() {
		if name, value, _ := strings.Cut(line, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	session := s.SetUp(awstest.Key{}, "sts", "AssumeRole", "RoleArn", "arn:aws:iam::"+sample+":role/pare", "RoleSessionName", "pare")
	as := awstest.Key{ID: session.Text("AccessKeyId"), Session: session.Text("SessionToken")}
	t.Setenv("AWS_ACCESS_KEY_ID", as.ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", session.Text("SecretAccessKey"))
	t.Setenv("AWS_SESSION_TOKEN", as.Session)
	c, err := config.LoadDefaultConfig(t.Context())
	must(t, err)
	return s, as, c
}

// lived is a service that tells AWS, with an analyzer that looked at the sample. It returns
// the statuses of the findings by their IDs; one of them is archived.
func lived(t *testing.T, configure func(*serve.Config)) (l *life, statuses map[string]string) {
	t.Helper()
	c := configured(t, filepath.Join(t.TempDir(), "pare.db"))
	configure(&c)
	s := start(t, c)
	l = &life{t, s.client(t, store.Admin), ""}
	l.create()
	var all []types.FindingSummaryV2
	until(t, "the scan is complete", func() bool { all = l.list(nil); return len(all) > 0 })
	archived := *l.about(announced).Id
	_, err := l.c.UpdateFindings(t.Context(), &accessanalyzer.UpdateFindingsInput{AnalyzerArn: &l.arn, Ids: []string{archived}, Status: types.FindingStatusUpdateArchived})
	must(t, err)
	statuses = map[string]string{}
	for _, f := range l.list(nil) {
		statuses[*f.Id] = string(f.Status)
	}
	if len(statuses) < 20 || statuses[archived] != "ARCHIVED" {
		t.Fatalf("findings: %v", statuses)
	}
	return l, statuses
}

// TestEventsReachAQueueOfEventBridge has a rule of EventBridge hand the service's events to a
// queue: what was found, archived, and gone with its analyzer.
func TestEventsReachAQueueOfEventBridge(t *testing.T) {
	s, as, own := newAWS(t)
	queue := s.SetUp(as, "sqs", "CreateQueue", "QueueName", "findings").Text("QueueUrl")
	api := eventbridge.NewFromConfig(own)
	bus, rule := aws.String("security"), aws.String("findings")
	_, err := api.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: bus})
	must(t, err)
	pattern := `{"source":["pare.access-analyzer"],"detail-type":["Unused Access Finding for IAM entities"]}`
	_, err = api.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: rule, EventBusName: bus, EventPattern: &pattern})
	must(t, err)
	_, err = api.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: rule, EventBusName: bus, Targets: []bridgetypes.Target{
		{Id: aws.String("queue"), Arn: aws.String("arn:aws:sqs:us-east-1:" + sample + ":findings")},
	}})
	must(t, err)

	l, statuses := lived(t, func(c *serve.Config) { c.Notify.Bus = *bus })
	got, want := map[string]bool{}, map[string]bool{}
	for id, status := range statuses {
		want[line(id, "", "ACTIVE", 1, false)] = true
		if status == "ARCHIVED" {
			want[line(id, "ACTIVE", status, 2, false)] = true
		}
	}
	until(t, "what was found is in the queue", func() bool { receive(t, s, as, queue, got); return len(got) >= len(want) })
	_, err = l.c.DeleteAnalyzer(t.Context(), &accessanalyzer.DeleteAnalyzerInput{AnalyzerName: aws.String("unused")})
	must(t, err)
	for id, status := range statuses {
		version := 2
		if status == "ARCHIVED" {
			version++
		}
		want[line(id, status, status, version, true)] = true
	}
	until(t, "what is gone is in the queue", func() bool { receive(t, s, as, queue, got); return len(got) >= len(want) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// line is an event in the queue, in a line.
func line(id, previous, status string, version int, deleted bool) string {
	return fmt.Sprintf("%s %q to %q, version %d, deleted: %v", id, previous, status, version, deleted)
}

// receive takes messages from a queue until there is none, and notes their lines. One may
// come twice: events are told at least once.
func receive(t *testing.T, s *awstest.Server, as awstest.Key, queue string, into map[string]bool) {
	t.Helper()
	for {
		text := s.SetUp(as, "sqs", "ReceiveMessage", "QueueUrl", queue, "MaxNumberOfMessages", "1").Text("Body")
		if text == "" {
			return
		}
		var e struct {
			Resources []string `json:"resources"`
			Detail    struct {
				ID       string `json:"findingId"`
				Account  string `json:"accountId"`
				Version  string `json:"version"`
				Status   string `json:"status"`
				Previous string `json:"previousStatus"`
				Deleted  bool   `json:"isDeleted"`
			} `json:"detail"`
		}
		must(t, json.Unmarshal([]byte(text), &e))
		version, err := strconv.Atoi(e.Detail.Version)
		must(t, err)
		into[line(e.Detail.ID, e.Detail.Previous, e.Detail.Status, version, e.Detail.Deleted)] = true
		if e.Detail.Account != sample || len(e.Resources) != 1 || !strings.HasSuffix(e.Resources[0], ":analyzer/unused") {
			t.Errorf("an event of account %s about %q", e.Detail.Account, e.Resources)
		}
	}
}

// TestFindingsReachSecurityHub reads the service's findings back from Security Hub: what is
// active, archived, and gone with its analyzer.
func TestFindingsReachSecurityHub(t *testing.T) {
	_, _, own := newAWS(t)
	api := securityhub.NewFromConfig(own)
	_, err := api.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{})
	must(t, err)
	l, want := lived(t, func(c *serve.Config) { c.Notify.HubRegion = region })
	imported := func(want map[string]string) func() bool {
		return func() bool { return maps.Equal(want, hubHas(t, api)) }
	}
	until(t, "all is imported", imported(want))
	_, err = l.c.DeleteAnalyzer(t.Context(), &accessanalyzer.DeleteAnalyzerInput{AnalyzerName: aws.String("unused")})
	must(t, err)
	for id := range want {
		want[id] = "ARCHIVED"
	}
	until(t, "all is archived", imported(want))
}

// hubHas are the record states of findings in Security Hub, by pare's IDs.
func hubHas(t *testing.T, api *securityhub.Client) map[string]string {
	t.Helper()
	out := map[string]string{}
	pages := securityhub.NewGetFindingsPaginator(api, &securityhub.GetFindingsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, f := range page.Findings {
			out[f.ProductFields["findingId"]] += string(f.RecordState)
			if *f.AwsAccountId != sample || *f.GeneratorId != "aws/access-analyzer" || len(f.Resources) != 1 {
				t.Errorf("finding %s came as %+v", *f.Id, f)
			}
		}
	}
	return out
}
