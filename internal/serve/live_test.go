package serve_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

const (
	live    = "123456789012" // moto's account
	logs    = "trail-logs"
	liveARN = "arn:aws:access-analyzer:us-east-1:" + live + ":analyzer/unused"
	app     = "arn:aws:iam::" + live + ":role/app"
	age     = 5 // days of the window
)

// newLive is an AWS whose role app may make and delete queues.
func newLive(t *testing.T) *awstest.Server {
	t.Helper()
	s := awstest.Start(t, awstest.Options{Ago: 200 * 24 * time.Hour, LastAccessed: func(string) ([]awstest.Service, bool) { return nil, true }})
	for _, role := range []string{"app", "pare-read"} {
		s.SetUp(awstest.Key{}, "iam", "CreateRole", "RoleName", role, "AssumeRolePolicyDocument",
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}`)
	}
	s.SetUp(awstest.Key{}, "iam", "PutRolePolicy", "RoleName", "app", "PolicyName", "queues", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sqs:CreateQueue","sqs:DeleteQueue"],"Resource":"*"}}`)
	s.SetAgo(0)
	for _, line := range s.Environment() {
		if name, value, _ := strings.Cut(line, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	return s
}

// putLogs makes a trail with logs of the window, in which app makes a queue.
func putLogs(t *testing.T, s *awstest.Server) {
	t.Helper()
	cfg := aws.Config{Region: region, BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIATESTTESTTESTTEST", "secret", "")}
	bucket := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := bucket.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(logs)})
	must(t, err)
	_, err = cloudtrail.NewFromConfig(cfg).CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: aws.String("management-events"), S3BucketName: aws.String(logs)})
	must(t, err)
	world := samplegen.New(catalog.Embedded(), samplegen.Options{Seed: 7, AccountID: live, Now: time.Now().UTC().Truncate(24 * time.Hour), Days: age + 5, Roles: 4, Users: 1, Policies: 1})
	put := func(name string, content []byte) error {
		_, err := bucket.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(logs), Key: &name, Body: bytes.NewReader(content)})
		return err
	}
	must(t, world.Logs(func(name string, content func(io.Writer) error) error {
		var b bytes.Buffer
		if err := content(&b); err != nil {
			return err
		}
		return put(name, b.Bytes())
	}))
	at := time.Now().UTC().Truncate(24 * time.Hour).Add(-30 * time.Minute) // no digest ends later
	must(t, put("AWSLogs/"+live+"/CloudTrail/us-east-1/"+at.Format("2006/01/02/")+live+"_CloudTrail_us-east-1_"+at.Format("20060102T1504Z")+"_abcdefghijklmnop.json",
		[]byte(strings.ReplaceAll(made, "AT", at.Format(time.RFC3339)))))
	must(t, put("AWSLogs/222222222222/CloudTrail/us-east-1/"+at.Format("2006/01/02/")+"another.json.gz", []byte("no log: a problem, if it were read")))
}

// made is app's making of a queue.
const made = `{"Records":[{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:s","arn":"arn:aws:sts::` + live + `:assumed-role/app/s","accountId":"` + live + `",
"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"` + app + `","accountId":"` + live + `","userName":"app"}}},
"eventTime":"AT","eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","awsRegion":"us-east-1","requestParameters":{"queueName":"q"},"readOnly":false,
"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"` + live + `","eventCategory":"Management"}]}`

// startLive starts a service that looks at moto's account and its trail.
func startLive(t *testing.T, trail string) *running {
	t.Helper()
	c, _, err := serve.Load(serve.Sources{Flags: map[string]string{"listen": "127.0.0.1:0", "database": storetest.New(t, storetest.SQLite), "data-dir": t.TempDir()}})
	must(t, err)
	c.Account, c.Accounts = live, []serve.Account{{ID: live, Role: "arn:aws:iam::" + live + ":role/pare-read", Trail: trail}}
	r := start(t, c)
	_, err = r.Store.CreateAnalyzer(t.Context(), store.By{Who: "test", At: time.Now()}, store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: liveARN, Name: "unused", Type: store.AccountUnused, UnusedAge: age, Status: "ACTIVE",
	}})
	must(t, err)
	return r
}

// scan has the account scanned, and returns the run.
func (r *running) scan(t *testing.T) store.Run {
	t.Helper()
	until(t, "no scan is under way", func() bool {
		all, err := r.Jobs.Jobs(t.Context(), store.Page{})
		must(t, err)
		return !slices.ContainsFunc(all.Items, func(j jobs.Job) bool { return j.Kind == "scan" && j.State != "done" })
	})
	before, err := r.Store.Runs(t.Context(), liveARN, live, store.Page{})
	must(t, err)
	must(t, r.Jobs.Scan(t.Context(), store.By{Who: "test", At: time.Now()}, liveARN, live))
	var run store.Run
	until(t, "another run is over", func() bool {
		now, err := r.Store.Runs(t.Context(), liveARN, live, store.Page{})
		must(t, err)
		if len(now.Items) == len(before.Items) || now.Items[0].State == store.Running {
			return false
		}
		run = now.Items[0]
		return true
	})
	if run.State != store.Complete {
		t.Fatalf("%s: %s\n%s", run.State, run.Failure, r.log)
	}
	return run
}

// unused is the finding about what app doesn't use, if it is active.
func (r *running) unused(t *testing.T) (finding.Finding, bool) {
	t.Helper()
	part, err := r.Store.Findings(t.Context(), store.Query{Analyzer: liveARN, Filter: finding.Filter{
		"findingType": {Eq: []string{string(finding.UnusedPermission)}}, "resource": {Eq: []string{app}}, "status": {Eq: []string{string(finding.Active)}},
	}}, store.Page{})
	must(t, err)
	if len(part.Items) == 0 {
		return finding.Finding{}, false
	}
	return part.Items[0].Finding, true
}

// source is what a run says of CloudTrail, and mentioned the first problem about it.
func source(run store.Run) (s store.SourceState, there bool, mentioned string) {
	for _, p := range run.Report.Problems {
		if strings.Contains(p, "evidence of CloudTrail") {
			mentioned = p
		}
	}
	i := slices.IndexFunc(run.Report.Sources, func(s store.SourceState) bool { return s.Name == "cloudtrail" })
	if i < 0 {
		return s, false, mentioned
	}
	return run.Report.Sources[i], true, mentioned
}

// reads is how many log files were read since the first n calls.
func reads(s *awstest.Server, n int) (out int) {
	for _, c := range s.Calls()[n:] {
		if strings.HasPrefix(c.Operation, "GET /"+logs+"/AWSLogs/") {
			out++
		}
	}
	return out
}

// A live account with a trail is judged by its logs too, and the next scan reads none twice.
// While the bucket is closed, scans complete, say so, and take no finding back.
func TestALiveAccountsTrailIsRead(t *testing.T) {
	s := newLive(t)
	putLogs(t, s)
	r := startLive(t, "management-events")
	run := r.scan(t)
	from, there, problem := source(run)
	if now := time.Now(); !there || problem != "" || now.Sub(from.From) < age*24*time.Hour || now.Sub(from.Until) > 24*time.Hour {
		t.Errorf("%+v, problem %q\n%s", run.Report, problem, r.log)
	}
	f, active := r.unused(t)
	if !active || !slices.Contains(f.Sources, "cloudtrail") {
		t.Errorf("finding %+v, active: %v: want one by CloudTrail", f, active)
	}
	if n := reads(s, 0); n == 0 {
		t.Error("no log file was read")
	}
	before := len(s.Calls())
	run = r.scan(t)
	if again, there, problem := source(run); reads(s, before) > 0 || !there || problem != "" || again != from {
		t.Errorf("again: %d log files read, %+v, problem %q", reads(s, before), again, problem)
	}
	s.SetFault(awstest.On(func(c awstest.Call) bool { return c.Service == "s3" },
		awstest.Say(http.StatusForbidden, "application/xml", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")))
	run = r.scan(t)
	closed, there, problem := source(run)
	if !there || closed != from || !strings.Contains(problem, "evidence of CloudTrail wasn't collected: s3://trail-logs/: access denied: it needs s3:ListBucket") {
		t.Errorf("closed: %+v, problem %q", run.Report, problem)
	}
	if _, active := r.unused(t); !active {
		t.Error("a closed bucket took a finding back")
	}
	s.SetFault(nil)
	run = r.scan(t)
	if _, there, problem := source(run); !there || problem != "" {
		t.Errorf("open again: %+v, problem %q", run.Report, problem)
	}
}

// Without logs ever read, a closed bucket leaves what IAM alone shows.
func TestAClosedBucketFailsNoScan(t *testing.T) {
	newLive(t).SetFault(awstest.On(func(c awstest.Call) bool { return c.Service == "s3" },
		awstest.Say(http.StatusForbidden, "application/xml", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")))
	r := startLive(t, "s3://"+logs)
	run := r.scan(t)
	if _, there, problem := source(run); there || problem == "" || run.Report.Roles == 0 {
		t.Errorf("%+v, problem %q", run.Report, problem)
	}
	if f, active := r.unused(t); active && slices.Contains(f.Sources, "cloudtrail") {
		t.Errorf("finding %+v: nobody read a log", f)
	}
}
