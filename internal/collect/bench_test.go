package collect

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkcredentials "github.com/aws/aws-sdk-go-v2/credentials"
)

// What the benchmark scales: time. It runs 40 times faster than the table of limits.go, 25 s
// in place of 17 minutes, with buckets as deep as they are there. Waits are as much shorter:
// IAM is taken to make a report in a second, and so in 25 ms here; it is asked for after
// 0.3 s, and so after 7.5 ms. Nothing else is scaled: 64 principals at a time, and the machine's own
// speed, which at 200 reports a second falls short where others use it too.
const (
	benchSpeed      = 40
	benchReportTime = time.Second / benchSpeed
	benchRoles      = 4500
	benchUsers      = 500
	benchServices   = 40 // in each report, half of them used, with ten tracked actions
	benchPage       = 200
)

// BenchmarkPrincipals collects 5,000 principals from a front in this process. Metrics:
// of-allowed-rate, the calls that were made of the operation that takes longest by the table,
// GenerateServiceLastAccessedDetails, over what its bucket would have let through from the
// beginning of the run to its end (the run's other phases count against it); peak-MB, the
// most memory at a time, the front's share included.
func BenchmarkPrincipals(b *testing.B) {
	front := newBenchFront()
	server := httptest.NewServer(front)
	defer server.Close()
	const op = "GenerateServiceLastAccessedDetails"
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: HTTPClient(),
		Credentials: sdkcredentials.NewStaticCredentialsProvider("AKIATESTTESTTESTTEST", "secret", ""),
	}
	p := paceOf(operation{"IAM", op})
	peak, stop := watchMemory()
	calls, allowed := int64(0), 0.0
	for b.Loop() {
		before, began := front.generated.Load(), time.Now()
		result, err := One(b.Context(), cfg, b.TempDir(), Options{speed: benchSpeed, FirstWait: firstWait / benchSpeed})
		if err != nil || !result.Complete() || result.Accounts[0].Roles+result.Accounts[0].Users != benchRoles+benchUsers {
			b.Fatalf("%+v, %v", result, err)
		}
		calls += front.generated.Load() - before
		allowed += float64(p.burst) + float64(p.perSecond)*benchSpeed*time.Since(began).Seconds()
	}
	stop()
	b.ReportMetric(float64(calls)/allowed, "of-allowed-rate")
	b.ReportMetric(float64(peak.Load())/1e6, "peak-MB")
}

// watchMemory notes the most memory that the runtime has from the system.
func watchMemory() (peak *atomic.Uint64, stop func()) {
	peak = &atomic.Uint64{}
	done := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			metrics.Read(sample)
			peak.Store(max(peak.Load(), sample[0].Value.Uint64()-sample[1].Value.Uint64()))
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
	})
	return peak, func() { close(done); watcher.Wait() }
}

// benchFront answers what collecting one account asks, in IAM's, STS's and CloudTrail's
// wire formats.
type benchFront struct {
	generated atomic.Int64
	jobs      sync.Map // when each was begun, by ID; they stay: a lost answer is asked for again
	services  string   // of every report
}

func newBenchFront() *benchFront {
	var s strings.Builder
	for i := range benchServices {
		fmt.Fprintf(&s, "<member><ServiceName>Service %d</ServiceName><ServiceNamespace>service%d</ServiceNamespace><TotalAuthenticatedEntities>%d</TotalAuthenticatedEntities>", i, i, i%2)
		if i%2 == 1 {
			s.WriteString("<LastAuthenticated>2026-03-05T12:00:00Z</LastAuthenticated><LastAuthenticatedEntity>arn:aws:iam::123456789012:role/r</LastAuthenticatedEntity><LastAuthenticatedRegion>us-east-1</LastAuthenticatedRegion><TrackedActionsLastAccessed>")
			for k := range 10 {
				fmt.Fprintf(&s, "<member><ActionName>Action%d</ActionName></member>", k)
			}
			s.WriteString("</TrackedActionsLastAccessed>")
		}
		s.WriteString("</member>")
	}
	return &benchFront{services: s.String()}
}

func (f *benchFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Amz-Target") != "" { // CloudTrail's DescribeTrails
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, `{"trailList":[]}`)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	action := r.PostForm.Get("Action")
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%[1]sResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, f.answer(action, r.PostForm))
}

func (f *benchFront) answer(action string, form url.Values) string {
	switch action {
	case "GetCallerIdentity":
		return "<Arn>arn:aws:iam::123456789012:user/pare</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
	case "GetAccountAuthorizationDetails":
		return benchDetails(form.Get("Marker"))
	case "GenerateServiceLastAccessedDetails":
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", f.generated.Add(1))
		f.jobs.Store(id, time.Now())
		return "<JobId>" + id + "</JobId>"
	case "GetServiceLastAccessedDetails":
		return f.report(form.Get("JobId"))
	case "GenerateCredentialReport":
		return "<State>COMPLETE</State>"
	case "GetCredentialReport":
		return "<Content>dXNlcixhcm4K</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>2026-11-23T00:00:00Z</GeneratedTime>"
	case "ListAccessKeys":
		return "<IsTruncated>false</IsTruncated><AccessKeyMetadata><member><AccessKeyId>AKIA" + form.Get("UserName") + "</AccessKeyId><Status>Active</Status></member></AccessKeyMetadata>"
	case "GetAccessKeyLastUsed":
		return "<UserName>u</UserName><AccessKeyLastUsed><ServiceName>s3</ServiceName><Region>us-east-1</Region></AccessKeyLastUsed>"
	}
	return "" // ListAccountAliases: there is none
}

func (f *benchFront) report(id string) string {
	const done = "<JobType>ACTION_LEVEL</JobType><JobCreationDate>2026-11-23T00:00:00Z</JobCreationDate>"
	at, ok := f.jobs.Load(id)
	if began, isTime := at.(time.Time); !ok || !isTime || time.Since(began) < benchReportTime {
		return "<JobStatus>IN_PROGRESS</JobStatus>" + done + "<ServicesLastAccessed/>"
	}
	return "<JobStatus>COMPLETED</JobStatus>" + done + "<JobCompletionDate>2026-11-23T00:00:01Z</JobCompletionDate><IsTruncated>false</IsTruncated><ServicesLastAccessed>" + f.services + "</ServicesLastAccessed>"
}

// benchDetails is a page of users and then roles, each with an inline policy.
func benchDetails(marker string) string {
	from := 0
	if _, err := fmt.Sscan(marker, &from); err != nil {
		from = 0 // the first page
	}
	var users, roles strings.Builder
	var document strings.Builder
	_ = xml.EscapeText(&document, []byte(url.PathEscape(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","sqs:*"],"Resource":"*"}]}`)))
	const common = "<CreateDate>2024-01-01T00:00:00Z</CreateDate><Path>/</Path><Arn>arn:aws:iam::123456789012:%[1]s/%[1]s%[2]d</Arn>"
	for i := from; i < min(from+benchPage, benchUsers+benchRoles); i++ {
		inline := "<member><PolicyName>p</PolicyName><PolicyDocument>" + document.String() + "</PolicyDocument></member>"
		if i < benchUsers {
			fmt.Fprintf(&users, "<member>"+common+"<UserName>user%[2]d</UserName><UserId>AIDA%[2]d</UserId><UserPolicyList>%[3]s</UserPolicyList></member>", "user", i, inline)
		} else {
			fmt.Fprintf(&roles, "<member>"+common+"<RoleName>role%[2]d</RoleName><RoleId>AROA%[2]d</RoleId><AssumeRolePolicyDocument>%[4]s</AssumeRolePolicyDocument><RolePolicyList>%[3]s</RolePolicyList></member>", "role", i, inline, document.String())
		}
	}
	next := "<IsTruncated>false</IsTruncated>"
	if from+benchPage < benchUsers+benchRoles {
		next = fmt.Sprintf("<IsTruncated>true</IsTruncated><Marker>%d</Marker>", from+benchPage)
	}
	return next + "<UserDetailList>" + users.String() + "</UserDetailList><RoleDetailList>" + roles.String() + "</RoleDetailList>"
}
