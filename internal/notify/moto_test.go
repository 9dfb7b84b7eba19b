package notify_test

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	hubtypes "github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/notify"
)

// credentials are a session's, or those of an administrator of moto's own account.
func credentials(id, secret, token string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
	})
}

var administrator = credentials("AKIATESTTESTTESTTEST", "secret", "")

// EventBridge matches the events with a rule such as people have for AWS's, and delivers
// them to a queue.
func TestEventsReachAQueue(t *testing.T) {
	t.Parallel()
	s := awstest.Start(t, awstest.Options{})
	queue := s.SetUp(awstest.Key{}, "sqs", "CreateQueue", "QueueName", "findings").Text("QueueUrl")
	name, err := url.Parse(queue)
	if err != nil {
		t.Fatal(err)
	}
	api := eventbridge.New(eventbridge.Options{Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: administrator})
	if _, err := api.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("security")}); err != nil {
		t.Fatal(err)
	}
	pattern := `{"source":["pare.access-analyzer"],"detail-type":["Unused Access Finding for IAM entities"],"detail":{"status":["ACTIVE"]}}`
	if _, err := api.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("findings"), EventBusName: aws.String("security"), EventPattern: &pattern}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("findings"), EventBusName: aws.String("security"),
		Targets: []types.Target{{Id: aws.String("queue"), Arn: aws.String("arn:aws:sqs:us-east-1:123456789012:" + name.Path[1+len("123456789012/"):])}},
	}); err != nil {
		t.Fatal(err)
	}
	changes := life(t)
	tell(t, changes, newEventBridge(t, api, notify.EventBridgeOptions{Bus: "security"}))
	var want []received
	for _, c := range changes {
		if c.Finding.Status == finding.Active {
			want = append(want, received{
				Source: "pare.access-analyzer", DetailType: "Unused Access Finding for IAM entities", Resources: []string{analyzed},
				Detail: receivedDetail{ID: c.Finding.ID, Version: strconv.Itoa(c.Version), Previous: string(c.Previous), Deleted: c.Deleted},
			})
		}
	}
	if diff := cmp.Diff(want, receive(t, s, queue, len(want))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// received is an event as a queue has it.
type received struct {
	Source     string         `json:"source"`
	DetailType string         `json:"detail-type"`
	Resources  []string       `json:"resources"`
	Detail     receivedDetail `json:"detail"`
}

type receivedDetail struct {
	ID       string `json:"findingId"`
	Version  string `json:"version"`
	Previous string `json:"previousStatus"`
	Deleted  bool   `json:"isDeleted"`
}

// receive takes messages from a queue until there are as many as expected and no more, in
// the order in which they were sent.
func receive(t *testing.T, s *awstest.Server, queue string, expected int) []received {
	t.Helper()
	var out []received
	for {
		answer := s.SetUp(awstest.Key{}, "sqs", "ReceiveMessage", "QueueUrl", queue, "MaxNumberOfMessages", "1")
		text := answer.Text("Body")
		if text == "" {
			return out
		}
		var e received
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if out = append(out, e); len(out) > expected {
			return out
		}
	}
}

// tell tells the sink all changes through a dispatcher.
func tell(t *testing.T, changes []notify.Change, sink notify.Sink) {
	t.Helper()
	box := &notify.Memory{}
	box.Add(changes...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := notify.NewDispatcher(box, []notify.Sink{sink}, notify.Options{Report: func(r notify.Report) {
		for _, f := range slices.Concat(r.Dropped, r.Again) {
			t.Errorf("attempt %d: %v", r.Attempt, f)
		}
		if int(r.Position) == len(changes) || len(r.Again) > 0 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.Run(ctx)
	if got := int(box.Acked(sink.Name())); got != len(changes) {
		t.Fatalf("position %d of %d", got, len(changes))
	}
}

// Security Hub has each finding once, in its last state, in the account that it is about.
func TestFindingsReachSecurityHub(t *testing.T) {
	t.Parallel()
	s := awstest.Start(t, awstest.Options{})
	session := s.SetUp(awstest.Key{}, "sts", "AssumeRole", "RoleArn", "arn:aws:iam::"+account+":role/import", "RoleSessionName", "pare")
	as := credentials(session.Text("AccessKeyId"), session.Text("SecretAccessKey"), session.Text("SessionToken"))
	api := securityhub.New(securityhub.Options{Region: region, BaseEndpoint: &s.URL, Credentials: as})
	if _, err := api.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{}); err != nil {
		t.Fatal(err)
	}
	sink, err := notify.NewSecurityHub(notify.SecurityHubOptions{Region: region, Client: func(_ context.Context, id string) (notify.SecurityHubAPI, error) {
		if id != account {
			t.Errorf("a client for account %s", id)
		}
		return api, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	changes := life(t)
	tell(t, changes, sink)

	last := map[string]string{} // of each finding's last change
	for _, c := range changes {
		state := hubtypes.RecordStateActive
		if c.Deleted || c.Finding.Status != finding.Active {
			state = hubtypes.RecordStateArchived
		}
		last[c.Finding.ID] = string(state) + " by " + c.Key()
	}
	got := map[string]string{}
	pages := securityhub.NewGetFindingsPaginator(api, &securityhub.GetFindingsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Findings {
			got[f.ProductFields["findingId"]] += string(f.RecordState) + " by " + f.ProductFields["pare/change"]
			if *f.AwsAccountId != account || *f.GeneratorId != "aws/access-analyzer" || len(f.FindingProviderFields.Types) != 1 {
				t.Errorf("finding %s came as %+v", *f.Id, f)
			}
		}
	}
	if diff := cmp.Diff(last, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
