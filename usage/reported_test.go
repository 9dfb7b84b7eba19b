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

const (
	s3Some    = `{"unusedPermissionDetails":{"serviceNamespace":"s3","lastAccessed":"2026-10-20T00:00:00Z","actions":[{"action":"GetBucketAcl","lastAccessed":"2026-02-01T00:00:00Z"},{"action":"CreateBucket"},{"action":"PutBucketCORS","lastAccessed":"2026-09-01T00:00:00Z"}]}}`
	ec2Whole  = `{"unusedPermissionDetails":{"serviceNamespace":"ec2","lastAccessed":"2026-03-01T00:00:00Z"}}`
	iamWhole  = `{"unusedPermissionDetails":{"serviceNamespace":"iam"}}`
	kmsRecent = `{"unusedPermissionDetails":{"serviceNamespace":"kms","lastAccessed":"2026-09-01T00:00:00Z"}}`
)

func TestReported(t *testing.T) {
	end := last90.Now
	tests := []struct {
		name      string
		src       []byte
		age       time.Duration
		ask, want []string
	}{
		{"as AWS says, at the window's age", finding(end, "ACTIVE", s3Some+","+ec2Whole+","+iamWhole), 90 * usage.Day,
			[]string{"s3:GetBucketAcl", "s3:CreateBucket", "s3:GetObject", "s3:*", "ec2:RunInstances", "ec2:*", "iam:CreateRole", "iam:PassRole", "iam:*", "sqs:*", "sqs:SendMessage"},
			[]string{
				"not-used seen-before access-analyzer last 2026-02-01", "not-used never-seen access-analyzer", "unknown not-listed access-analyzer",
				"in-use seen access-analyzer last 2026-10-20", "not-used seen-before access-analyzer", "not-used seen-before access-analyzer last 2026-03-01",
				"not-used never-seen access-analyzer", "unknown not-tracked access-analyzer", "not-used never-seen access-analyzer",
				"unknown not-listed access-analyzer", "unknown not-listed access-analyzer",
			}},
		{"last used in our window, which is longer than the analyzer's", finding(end, "ACTIVE", s3Some+","+kmsRecent), 30 * usage.Day,
			[]string{"s3:PutBucketCORS", "kms:*", "kms:Decrypt", "s3:GetBucketAcl", "s3:CreateBucket"},
			[]string{
				"in-use seen access-analyzer last 2026-09-01", "in-use seen access-analyzer last 2026-09-01", "unknown not-listed access-analyzer",
				"not-used seen-before access-analyzer last 2026-02-01", "unknown shorter-window access-analyzer (unused access age 30 days)",
			}},
		{"the analyzer's age isn't known: only what has a time", finding(end, "ACTIVE", s3Some+","+iamWhole+","+ec2Whole), 0,
			[]string{"s3:GetBucketAcl", "s3:CreateBucket", "iam:*", "iam:CreateRole", "ec2:RunInstances"},
			[]string{
				"not-used seen-before access-analyzer last 2026-02-01", "unknown shorter-window access-analyzer (the analyzer's unused access age isn't known)",
				"unknown shorter-window access-analyzer (the analyzer's unused access age isn't known)",
				"unknown shorter-window access-analyzer (the analyzer's unused access age isn't known)", "not-used seen-before access-analyzer",
			}},
		{"archived is still unused", finding(end, "ARCHIVED", s3Some), 90 * usage.Day, []string{"s3:CreateBucket"}, []string{"not-used never-seen access-analyzer"}},
		{"resolved isn't, but a use was one", finding(end, "RESOLVED", s3Some), 90 * usage.Day, []string{"s3:CreateBucket", "s3:PutBucketCORS"},
			[]string{"unknown not-listed access-analyzer (the finding is RESOLVED)", "in-use seen access-analyzer last 2026-09-01"}},
		{"no status", finding(end, "", s3Some), 90 * usage.Day, []string{"s3:CreateBucket"}, []string{"unknown not-listed access-analyzer (the finding is )"}},
		{"analyzed a day before: the window begins earlier than the analyzer's did not", finding(end.Add(-usage.Day), "ACTIVE", s3Some), 90 * usage.Day,
			[]string{"s3:CreateBucket"}, []string{"not-used never-seen access-analyzer"}},
		{"analyzed earlier", finding(end.Add(-usage.Day-time.Second), "ACTIVE", s3Some), 90 * usage.Day, []string{"s3:CreateBucket", "s3:PutBucketCORS"},
			[]string{"unknown ends-early access-analyzer (analyzed 2026-10-30T23:59:59Z)", "in-use seen access-analyzer last 2026-09-01"}},
		{"analyzed after the window: its days are others", finding(end.Add(time.Hour), "ACTIVE", s3Some), 90 * usage.Day, []string{"s3:CreateBucket", "s3:GetBucketAcl"},
			[]string{"unknown shorter-window access-analyzer (unused access age 90 days)", "not-used seen-before access-analyzer last 2026-02-01"}},
		{"PassRole, whoever lists it", finding(end, "ACTIVE", `{"unusedPermissionDetails":{"serviceNamespace":"iam","actions":[{"action":"PassRole"},{"action":"CreateRole"}]}}`), 90 * usage.Day,
			[]string{"iam:PassRole", "iam:CreateRole"}, []string{"unknown not-tracked access-analyzer", "not-used never-seen access-analyzer"}},
		{"a service that stands twice", finding(end, "ACTIVE", ec2Whole+`,{"unusedPermissionDetails":{"serviceNamespace":"ec2","actions":[{"action":"RunInstances"}]}}`), 90 * usage.Day,
			[]string{"ec2:*", "ec2:RunInstances", "ec2:DescribeHosts"}, []string{"unknown not-listed access-analyzer last 2026-03-01", "not-used never-seen access-analyzer", "unknown not-listed access-analyzer"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := usage.ParseReported("f.json", tt.src, tt.age)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, ask(r, last90, tt.ask...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A finding that was made as the window began says nothing of the window, if it isn't
// known how far back the analyzer looked.
func TestReportedAsTheWindowBegins(t *testing.T) {
	r, err := usage.ParseReported("f.json", finding(last90.Now.Add(-usage.Day), "ACTIVE", s3Some), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"unknown shorter-window access-analyzer (the analyzer's unused access age isn't known)"}
	if diff := cmp.Diff(want, ask(r, usage.Window{Age: usage.Day, Now: last90.Now}, "s3:CreateBucket")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReportedPages(t *testing.T) {
	src := strings.Replace(string(finding(last90.Now, "ACTIVE", s3Some)), `"id":"1"`, `"nextToken":"t"`, 1)
	r, err := usage.ParseReported("f.json", []byte(src), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{role, "nextToken: there are more pages, and what isn't listed is kept; fetch all pages"}
	if diff := cmp.Diff(want, append([]string{r.Principal}, r.Warnings...)); diff != "" || !r.Truncated {
		t.Errorf("truncated %t (-want +got):\n%s", r.Truncated, diff)
	}
}

func TestReportedErrors(t *testing.T) {
	const want = "an answer of aws accessanalyzer get-finding-v2"
	one := func(details string) string { return string(finding(last90.Now, "ACTIVE", details)) }
	tests := []struct{ name, src, want string }{
		{"nothing", " ", "f.json:1:1: empty: want " + want},
		{"cut short", one(s3Some)[:150], "f.json:1:151: ends in the middle of a value: want " + want + ", closed"},
		{"something else", `{}`, "f.json:1:1: no findingDetails: want " + want},
		{"another kind of finding", `{"findingType":"UnusedIAMRole"}`, `f.json:1:16: /findingType: "UnusedIAMRole": want a finding of type UnusedPermission, which names unused actions`},
		{"one that AWS couldn't make", `{"error":"INTERNAL_ERROR","findingDetails":[]}`, `f.json:1:10: /error: "INTERNAL_ERROR": AWS couldn't make the finding; want one without an error`},
		{"of a bucket", `{"resource":"arn:aws:s3:::b","findingDetails":[]}`, `f.json:1:1: resource "arn:aws:s3:::b": want the ARN of a role or a user`},
		{"a detail of another kind", one(`{"unusedIamRoleDetails":{}}`), "f.json:1:173: /findingDetails/0: no unusedPermissionDetails: want a finding of type UnusedPermission"},
		{"a misspelled member would make the whole service unused", one(strings.Replace(s3Some, `"actions"`, `"Actions"`, 1)),
			`f.json:1:273: /findingDetails/0/unusedPermissionDetails/Actions: "Actions" is no member of the form, and actions isn't there: ` + wantDetails},
		{"a date that isn't one", one(strings.Replace(s3Some, "2026-02-01T00:00:00Z", "never", 1)),
			`f.json:1:314: /findingDetails/0/unusedPermissionDetails/actions/0/lastAccessed: want a date with its zone, such as "2026-06-30T12:00:00Z", or seconds since 1970`},
		{"a service's date that isn't one", one(strings.Replace(ec2Whole, "2026-03-01T00:00:00Z", "", 1)),
			`f.json:1:241: /findingDetails/0/unusedPermissionDetails/lastAccessed: want a date with its zone, such as "2026-06-30T12:00:00Z", or seconds since 1970`},
		{"an action of another service", one(`{"unusedPermissionDetails":{"serviceNamespace":"s3","actions":["ec2:RunInstances"]}}`),
			`f.json:1:236: /findingDetails/0/unusedPermissionDetails/actions/0: "ec2:runinstances": want an action of s3`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := usage.ParseReported("f.json", []byte(tt.src), 0)
			if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever the finding says: an error has a place, PassRole isn't found unused by its
// service, and without the analyzer's age nothing is unused for never having been seen.
func FuzzParseReported(f *testing.F) {
	f.Add(finding(last90.Now, "ACTIVE", s3Some+","+ec2Whole+","+iamWhole))
	f.Add([]byte(`{"resource":"` + role + `","findingDetails":[{"unusedPermissionDetails":{"serviceNamespace":"S3","actions":["GetObject","s3:PutObject"]}}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := usage.ParseReported("f.json", src, 0)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.json:") {
				t.Fatalf("%q: error without a place: %v", src, err)
			}
			return
		}
		w := usage.Window{Age: usage.Day, Now: r.AnalyzedAt}
		for _, a := range []string{"s3:createbucket", "ec2:runinstances"} {
			service, name, _ := strings.Cut(a, ":")
			for _, s := range []usage.Sighting{r.Action(policy.Action{Service: service, Name: name}, w), r.Service(service, w)} {
				if s.State == usage.NotUsed && s.Why != usage.SeenBefore {
					t.Errorf("%q: %s is %s, and the age isn't known", src, a, tell(s))
				}
			}
		}
		u, err := usage.ParseUnused("f.json", src)
		if err != nil {
			return // more pages
		}
		if s := r.Action(policy.Action{Service: "s3", Name: "getobject"}, w); s.State == usage.NotUsed && !strings.Contains(show(u), "s3:") {
			t.Errorf("%q: s3:GetObject is %s, and ParseUnused doesn't have it", src, tell(s))
		}
	})
}
