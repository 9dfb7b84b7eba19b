package usage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// answer is an answer of get-service-last-accessed-details about role, completed at the
// end of last90, with these services.
func answer(services ...string) string {
	return `{"Arn":"` + role + `","JobStatus":"COMPLETED","JobType":"ACTION_LEVEL","JobCreationDate":"2026-11-01T00:00:00Z",` +
		`"JobCompletionDate":"2026-11-01T00:00:00+00:00","IsTruncated":false,"ServicesLastAccessed":[` + strings.Join(services, ",") + `]}`
}

func parseLast(tb failer, src string) *usage.LastAccessed {
	tb.Helper()
	l, err := usage.ParseLastAccessed("la.json", []byte(src))
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

const (
	s3Used = `{"ServiceName":"Amazon S3","ServiceNamespace":"s3","LastAuthenticated":"2026-10-20T10:00:00Z","LastAuthenticatedEntity":"` + role + `","TotalAuthenticatedEntities":1,
		"TrackedActionsLastAccessed":[{"ActionName":"CreateBucket","LastAccessedEntity":"` + role + `","LastAccessedRegion":"eu-central-1","LastAccessedTime":"2026-10-20T10:00:00Z"},
		{"ActionName":"GetBucketAcl","LastAccessedTime":"2026-01-02T03:04:05Z"},{"ActionName":"GetBucketCORS"}]}`
	s3Before = `{"ServiceNamespace":"s3","LastAuthenticated":"2026-02-01T00:00:00Z","TrackedActionsLastAccessed":[{"ActionName":"CreateBucket","LastAccessedTime":"2026-02-01T00:00:00Z"}]}`
	iamNever = `{"ServiceName":"AWS Identity and Access Management","ServiceNamespace":"iam","TotalAuthenticatedEntities":0}`
)

func TestLastAccessed(t *testing.T) {
	tests := []struct {
		name, src string
		window    usage.Window
		ask, want []string
	}{
		{"a service that was used: its actions by the action level", answer(s3Used), last90,
			[]string{"s3:*", "s3:CreateBucket", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetObject"},
			[]string{
				"in-use seen iam-last-accessed-services last 2026-10-20",
				"in-use seen iam-last-accessed-actions last 2026-10-20",
				"not-used seen-before iam-last-accessed-actions last 2026-01-02",
				"not-used never-seen iam-last-accessed-actions",
				"unknown not-tracked iam-last-accessed-services",
			}},
		{"a service that wasn't used in the window: all its actions, those of the data plane too", answer(s3Before), last90,
			[]string{"s3:*", "s3:GetObject", "s3:CreateBucket", "s3:Invented"},
			[]string{
				"not-used seen-before iam-last-accessed-services last 2026-02-01",
				"not-used seen-before iam-last-accessed-services",
				"not-used seen-before iam-last-accessed-services last 2026-02-01",
				"not-used seen-before iam-last-accessed-services",
			}},
		{"PassRole is no call and never tracked, even where IAM was never called", answer(iamNever), last90,
			[]string{"iam:*", "iam:CreateRole", "iam:PassRole"},
			[]string{"not-used never-seen iam-last-accessed-services", "not-used never-seen iam-last-accessed-services", "unknown not-tracked iam-last-accessed-services"}},
		{"a service that isn't listed isn't known", answer(iamNever), last90, []string{"sqs:*", "sqs:SendMessage"},
			[]string{"unknown not-listed iam-last-accessed-services", "unknown not-listed iam-last-accessed-services"}},
		{"unused for exactly the window's days is unused", answer(`{"ServiceNamespace":"s3","LastAuthenticated":"2026-08-03T00:00:00Z"}`), last90, []string{"s3:*"},
			[]string{"not-used seen-before iam-last-accessed-services last 2026-08-03"}},
		{"and a second less is used", answer(`{"ServiceNamespace":"s3","LastAuthenticated":"2026-08-03T00:00:01Z"}`), last90, []string{"s3:*"},
			[]string{"in-use seen iam-last-accessed-services last 2026-08-03"}},
		{"the future is used: a clock is wrong", answer(`{"ServiceNamespace":"s3","LastAuthenticated":"2026-11-05T00:00:00Z"}`), last90, []string{"s3:*", "s3:GetObject"},
			[]string{"in-use seen iam-last-accessed-services last 2026-11-05", "unknown not-tracked iam-last-accessed-services"}},
		{"an action that was used makes its service used, whatever the service level says", answer(`{"ServiceNamespace":"s3","LastAuthenticated":"2026-01-01T00:00:00Z",
			"TrackedActionsLastAccessed":[{"ActionName":"CreateBucket","LastAccessedTime":"2026-10-01T00:00:00Z"}]}`), last90, []string{"s3:*", "s3:CreateBucket", "s3:GetObject"},
			[]string{"in-use seen iam-last-accessed-services last 2026-10-01", "in-use seen iam-last-accessed-actions last 2026-10-01", "unknown not-tracked iam-last-accessed-services"}},
		{"evidence may end a day before the window", answer(s3Used, iamNever), usage.Window{Age: 90 * usage.Day, Now: at("2026-11-02")}, []string{"iam:*", "s3:GetBucketCORS"},
			[]string{"not-used never-seen iam-last-accessed-services", "not-used never-seen iam-last-accessed-actions"}},
		{"and no more; but what was seen was seen", answer(s3Used, iamNever), usage.Window{Age: 90 * usage.Day, Now: at("2026-11-02T00:00:01Z")},
			[]string{"iam:*", "iam:CreateRole", "s3:GetBucketCORS", "s3:CreateBucket", "s3:*"},
			[]string{
				"unknown ends-early iam-last-accessed-services (ends 2026-11-01T00:00:00Z)",
				"unknown ends-early iam-last-accessed-services (ends 2026-11-01T00:00:00Z)",
				"unknown ends-early iam-last-accessed-actions (ends 2026-11-01T00:00:00Z)",
				"in-use seen iam-last-accessed-actions last 2026-10-20",
				"in-use seen iam-last-accessed-services last 2026-10-20",
			}},
		{"without a date nothing is unused", `{"Arn":"` + role + `","JobStatus":"COMPLETED","ServicesLastAccessed":[` + iamNever + `]}`, last90, []string{"iam:*", "iam:CreateRole"},
			[]string{"unknown ends-early iam-last-accessed-services (the end isn't known)", "unknown ends-early iam-last-accessed-services (the end isn't known)"}},
		{"attempts are kept for 400 days", answer(iamNever), usage.Window{Age: 365 * usage.Day, Now: at("2026-09-01")}, []string{"iam:*"},
			[]string{"unknown shorter-window iam-last-accessed-services (begins 2025-09-27T00:00:00Z)"}},
		{"actions of S3 were tracked before those of most services", strings.ReplaceAll(answer(s3Used,
			`{"ServiceNamespace":"sqs","LastAuthenticated":"2023-07-01T00:00:00Z","TrackedActionsLastAccessed":[{"ActionName":"CreateQueue"}]}`,
			`{"ServiceNamespace":"ec2","LastAuthenticated":"2023-07-01T00:00:00Z","TrackedActionsLastAccessed":[{"ActionName":"RunInstances"}]}`), "2026-11-01", "2023-07-01"),
			usage.Window{Age: 90 * usage.Day, Now: at("2023-07-01")}, []string{"s3:GetBucketCORS", "ec2:RunInstances", "sqs:CreateQueue"},
			[]string{
				"not-used never-seen iam-last-accessed-actions", "not-used never-seen iam-last-accessed-actions",
				"unknown tracked-late iam-last-accessed-actions (tracked since 2023-05-23T00:00:00Z)",
			}},
		{"seconds since 1970, and Python's dates", `{"PrincipalArn":"` + role + `","JobStatus":"COMPLETED","JobCompletionDate":1793491200,"ServicesLastAccessed":[
			{"ServiceNamespace":"s3","LastAuthenticated":1792490400.5},{"ServiceNamespace":"sqs","LastAuthenticated":"2026-10-20 10:00:00+02:00"}]}`, last90, []string{"s3:*", "sqs:*"},
			[]string{"in-use seen iam-last-accessed-services last 2026-10-20", "in-use seen iam-last-accessed-services last 2026-10-20"}},
		{"unknown members and services are fine", `{"New":1,"arn":"` + role + `","JobStatus":"COMPLETED","JobCompletionDate":"2026-11-01T00:00:00Z","ServicesLastAccessed":[
			{"ServiceNamespace":"brand-new","Newer":{}}]}`, last90, []string{"brand-new:*", "brand-new:Anything"},
			[]string{"not-used never-seen iam-last-accessed-services", "not-used never-seen iam-last-accessed-services"}},
		{"a service that stands twice was used when either was", answer(s3Before, s3Used), last90, []string{"s3:*", "s3:CreateBucket"},
			[]string{"in-use seen iam-last-accessed-services last 2026-10-20", "in-use seen iam-last-accessed-actions last 2026-10-20"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ask(parseLast(t, tt.src), tt.window, tt.ask...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const howToAdd = `add it: aws iam get-service-last-accessed-details --job-id ID --query "merge(@, {Arn: 'arn:aws:iam::123456789012:role/Name'})"`

func TestLastAccessedPrincipal(t *testing.T) {
	inferred := "the principal isn't named and is taken from LastAuthenticatedEntity: if the job was for a group or a policy, this is wrong; " + howToAdd
	anonymous := func(services string) string {
		return `{"JobStatus":"COMPLETED","JobCompletionDate":"2026-11-01T00:00:00Z","ServicesLastAccessed":[` + services + `]}`
	}
	tests := []struct {
		name, src string
		want      []string
	}{
		{"named", answer(iamNever), []string{role}},
		{"one that called all services", anonymous(s3Used + "," + iamNever), []string{role, inferred}},
		{"a page of several", strings.Replace(answer(iamNever), `"IsTruncated":false`, `"IsTruncated":true,"Marker":"m"`, 1),
			[]string{role, "IsTruncated: there are more pages, and services that aren't listed are kept; fetch all pages"}},
		{"without a date", `{"Arn":"` + role + `","JobStatus":"COMPLETED","ServicesLastAccessed":[]}`, []string{role, "no JobCompletionDate: nothing is taken for unused"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := parseLast(t, tt.src)
			if diff := cmp.Diff(tt.want, append([]string{l.Principal}, l.Warnings...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLastAccessedErrors(t *testing.T) {
	const want = "an answer of aws iam get-service-last-accessed-details"
	const wantDate = `want a date with its zone, such as "2026-06-30T12:00:00Z", or seconds since 1970`
	tests := []struct{ name, src, want string }{
		{"nothing", "", "la.json:1:1: empty: want " + want},
		{"cut short", answer(s3Used)[:200], "la.json:1:201: ends in the middle of a value: want " + want + ", closed"},
		{"not JSON", "services: []", "la.json:1:1: not JSON: invalid character 's' at start of value; want JSON, which begins with a bracket: YAML isn't read"},
		{"a list", "[]", "la.json:1:1: a list: want " + want},
		{"something else", `{"Roles":[]}`, "la.json:1:1: no ServicesLastAccessed: want " + want},
		{"no services, said so", `{"JobStatus":"COMPLETED","ServicesLastAccessed":null}`, "la.json:1:1: no ServicesLastAccessed: want " + want},
		{"the number of a job", `{"JobId":"98a765b4"}`, "la.json:1:10: /JobId: an answer of generate-service-last-accessed-details, which has only the number of the job: want the job's result, aws iam get-service-last-accessed-details --job-id ID"},
		{"a job that isn't done", `{"JobStatus":"IN_PROGRESS","ServicesLastAccessed":[]}`, "la.json:1:14: /JobStatus: the job wasn't done: ask again, aws iam get-service-last-accessed-details --job-id ID, until JobStatus is COMPLETED"},
		{"a job that failed", `{"JobStatus":"FAILED","Error":{"Message":"no","Code":"X"},"ServicesLastAccessed":[]}`, `la.json:1:14: /JobStatus: the job failed ("no"): make a new one, aws iam generate-service-last-accessed-details --arn ARN --granularity ACTION_LEVEL`},
		{"a job of which it isn't known", `{"ServicesLastAccessed":[]}`, `la.json:1:1: JobStatus "": want a job that is COMPLETED`},
		{"entities of a service", `{"JobStatus":"COMPLETED","EntityDetailsList":[]}`, "la.json:1:46: /EntityDetailsList: an answer of get-service-last-accessed-details-with-entities, which is about one service: want " + want},
		{"an organization's report", `{"JobStatus":"COMPLETED","AccessDetails":[]}`, "la.json:1:42: /AccessDetails: an answer of get-organizations-access-report, which is about accounts: want " + want},
		{"a date without a zone", answer(`{"ServiceNamespace":"s3","LastAuthenticated":"2026-10-20T10:00:00"}`), "la.json:1:281: /ServicesLastAccessed/0/LastAuthenticated: " + wantDate},
		{"an empty date", answer(`{"ServiceNamespace":"s3","LastAuthenticated":""}`), "la.json:1:281: /ServicesLastAccessed/0/LastAuthenticated: " + wantDate},
		{"milliseconds", answer(`{"ServiceNamespace":"s3","LastAuthenticated":1792490400000}`), "la.json:1:281: /ServicesLastAccessed/0/LastAuthenticated: " + wantDate},
		{"zero for never", answer(`{"ServiceNamespace":"s3","LastAuthenticated":0}`), "la.json:1:281: /ServicesLastAccessed/0/LastAuthenticated: " + wantDate},
		{"a date that is true", answer(`{"ServiceNamespace":"s3","LastAuthenticated":true}`), "la.json:1:281: /ServicesLastAccessed/0/LastAuthenticated: " + wantDate},
		{"a service without a name", answer(`{}`), `la.json:1:236: /ServicesLastAccessed/0: ServiceNamespace "": want a service, such as "s3"`},
		{"an action with a wildcard", answer(`{"ServiceNamespace":"s3","TrackedActionsLastAccessed":[{"ActionName":"Get*"}]}`),
			`la.json:1:291: /ServicesLastAccessed/0/TrackedActionsLastAccessed/0: ActionName "Get*": want the name of an action, such as "GetBucketAcl"`},
		{"a group's", strings.Replace(answer(iamNever), "role/app/Deployer", "group/Admins", 1),
			`la.json:1:8: /Arn: "arn:aws:iam::123456789012:group/Admins": want the ARN of the role or user that the job was made for, as "arn:aws:iam::123456789012:role/Name"; a job for a group or a policy doesn't say who used what`},
		{"two principals", strings.Replace(answer(iamNever), `{"Arn"`, `{"PrincipalArn":"arn:aws:iam::123456789012:user/eve","Arn"`, 1),
			`la.json:1:17: /PrincipalArn: "arn:aws:iam::123456789012:user/eve", and "` + role + `" before: want one principal`},
		{"nobody named, nobody used anything", `{"JobStatus":"COMPLETED","ServicesLastAccessed":[` + iamNever + `]}`,
			"la.json:1:1: no ARN of the role or user that the job was made for, and no service was used by anybody: " + howToAdd},
		{"nobody named, two used something", `{"JobStatus":"COMPLETED","ServicesLastAccessed":[
{"ServiceNamespace":"s3","LastAuthenticatedEntity":"arn:aws:iam::123456789012:user/eve"},
{"ServiceNamespace":"sqs","LastAuthenticatedEntity":"arn:aws:iam::123456789012:user/ann"}]}`,
			`la.json:3:53: /ServicesLastAccessed/1/LastAuthenticatedEntity: "arn:aws:iam::123456789012:user/ann", and "arn:aws:iam::123456789012:user/eve" before: a job for a group or a policy; want one for each role and user`},
		{"nobody named, several used one", `{"JobStatus":"COMPLETED","ServicesLastAccessed":[{"ServiceNamespace":"s3","LastAuthenticatedEntity":"arn:aws:iam::123456789012:user/eve","TotalAuthenticatedEntities":2}]}`,
			"la.json:1:167: /ServicesLastAccessed/0/TotalAuthenticatedEntities: 2: a job for a group or a policy, which doesn't say who used what: want a job for each role and user"},
		{"nobody named, the root user used something", `{"JobStatus":"COMPLETED","ServicesLastAccessed":[{"ServiceNamespace":"s3","LastAuthenticatedEntity":"arn:aws:iam::123456789012:root"}]}`,
			`la.json:1:101: /ServicesLastAccessed/0/LastAuthenticatedEntity: "arn:aws:iam::123456789012:root": want a role or a user; if the job was for one, ` + howToAdd},
		{"all mistakes at once", answer(`{}`, `{"ServiceNamespace":"a b"}`), `la.json:1:236: /ServicesLastAccessed/0: ServiceNamespace "": want a service, such as "s3"` + "\n" +
			`la.json:1:239: /ServicesLastAccessed/1: ServiceNamespace "a b": want a service, such as "s3"`},
		{"a member that stands twice", `{"JobStatus":"COMPLETED","JobStatus":"COMPLETED"}`, "la.json:1:26: /JobStatus: not JSON: duplicate object member name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := usage.ParseLastAccessed("la.json", []byte(tt.src))
			if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMergeLastAccessed(t *testing.T) {
	first := parseLast(t, strings.Replace(answer(s3Before, iamNever), `"IsTruncated":false`, `"IsTruncated":true`, 1))
	second := parseLast(t, strings.Replace(answer(s3Used), `"JobCompletionDate":"2026-11-01T00:00:00`, `"JobCompletionDate":"2026-10-31T00:00:00`, 1))
	questions := []string{"s3:*", "s3:CreateBucket", "s3:GetBucketCORS", "iam:*"}
	want := []string{
		"in-use seen iam-last-accessed-services last 2026-10-20",
		"in-use seen iam-last-accessed-actions last 2026-10-20",
		"not-used never-seen iam-last-accessed-actions",
		"not-used never-seen iam-last-accessed-services",
	}
	for _, pages := range [][2]*usage.LastAccessed{{first, second}, {second, first}} {
		both, err := pages[0].Merge(pages[1])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ask(both, last90, questions...)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if want := at("2026-10-31"); !both.Until.Equal(want) || both.Truncated {
			t.Errorf("until %v, truncated %t: want %v, the first end, and all pages", both.Until, both.Truncated, want)
		}
	}
	if diff := cmp.Diff([]string{"not-used seen-before iam-last-accessed-services last 2026-02-01"}, ask(first, last90, "s3:*")); diff != "" {
		t.Errorf("merging changed a page (-want +got):\n%s", diff)
	}
	other := parseLast(t, strings.Replace(answer(), "Deployer", "Other", 1))
	_, err := first.Merge(other)
	if want := "last accessed information of " + role + " and of arn:aws:iam::123456789012:role/app/Other: want pages about one principal"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Reading never panics, an error has a place, and PassRole is never said to be unused.
func FuzzParseLastAccessed(f *testing.F) {
	f.Add([]byte(answer(s3Used, s3Before, iamNever)))
	f.Add([]byte(`{"JobStatus":"FAILED"}`))
	f.Add([]byte(`{"JobStatus":"COMPLETED","JobCompletionDate":1.79e9,"ServicesLastAccessed":[` + s3Used + `]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		l, err := usage.ParseLastAccessed("la.json", src)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "la.json:") {
				t.Fatalf("%q: error without a place: %v", src, err)
			}
			return
		}
		w := usage.Window{Age: usage.Day, Now: l.Until}
		if s := l.Action(policy.Action{Service: "iam", Name: "passrole"}, w); s.State == usage.NotUsed {
			t.Errorf("%q: PassRole is %s", src, tell(s))
		}
		late := usage.Window{Age: usage.Day, Now: l.Until.Add(usage.Day + time.Second)}
		if s := l.Service("s3", late); s.State == usage.NotUsed {
			t.Errorf("%q: S3 is %s more than a day after the evidence ends", src, tell(s))
		}
		both, err := l.Merge(l)
		if err != nil || both.Service("s3", w) != l.Service("s3", w) {
			t.Errorf("%q: merged with itself it says something else (%v)", src, err)
		}
	})
}
