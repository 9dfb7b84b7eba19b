package collect_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/internal/snapshot"
)

// wholeCompany is an organization whose management account has something of every kind,
// and a trail that records all objects of S3.
func wholeCompany(t *testing.T) *front {
	t.Helper()
	f, _ := company(t)
	populate(f.Server, awstest.Key{})
	newTrail(t, f)
	return f
}

// newTrail makes a trail by CloudTrail's API. Its bucket is made by what S3's amounts to.
func newTrail(t *testing.T, f *front) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, f.Server.URL+"/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	made, err := http.DefaultClient.Do(r)
	if err != nil || made.StatusCode != http.StatusOK {
		t.Fatalf("%+v, %v", made, err)
	}
	if err := made.Body.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := f.config()
	cfg.BaseEndpoint = &f.Server.URL
	client, name := cloudtrail.NewFromConfig(cfg), aws.String("everything")
	_, err = client.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: name, S3BucketName: aws.String("logs"), IsMultiRegionTrail: aws.Bool(true)})
	if err == nil {
		_, err = client.StartLogging(t.Context(), &cloudtrail.StartLoggingInput{Name: name})
	}
	if err == nil {
		_, err = client.PutEventSelectors(t.Context(), &cloudtrail.PutEventSelectorsInput{TrailName: name, EventSelectors: []types.EventSelector{{
			ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: aws.Bool(true),
			DataResources: []types.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{"arn:aws:s3"}}},
		}}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// needed are the actions of Permissions, and that one may ask who one is.
func needed() []string {
	out := []string{"sts:GetCallerIdentity"}
	for _, p := range collect.Permissions() {
		out = append(out, p.Action)
	}
	slices.Sort(out)
	return out
}

// What collecting calls in an organization is what Permissions says, and so is what doctor
// tries; nothing of it writes.
func TestThePermissionsAreTheCalls(t *testing.T) {
	f := wholeCompany(t)
	f.with(nil)
	dir := t.TempDir()
	result, err := collect.Many(t.Context(), f.config(), dir, everyone, options())
	if err != nil || !result.Complete() {
		t.Fatalf("%+v, %v", result, err)
	}
	f.onlyReads(t)
	same(t, "calls of collect", needed(), slices.Sorted(maps.Keys(counted(f.taken()))))
	trails := open(t, dir+"/"+own).Info.Trails
	same(t, "trails", []snapshot.Trail{{
		ARN: "arn:aws:cloudtrail:us-east-1:" + own + ":trail/everything", Regions: []string{"*"},
		DataEvents: []string{"AWS::S3::Object"}, ReadEvents: true, ManagementEvents: true,
	}}, trails)

	f.with(nil)
	d, err := collect.Diagnose(t.Context(), f.config(), everyone)
	if err != nil {
		t.Fatal(err)
	}
	f.onlyReads(t)
	same(t, "calls of doctor", needed(), slices.Sorted(maps.Keys(counted(f.taken()))))
	for _, c := range d.Checks {
		if c.Verdict != collect.Allowed {
			t.Errorf("%s in %q: %v: %s", c.Action, c.Account, c.Verdict, c.Why)
		}
	}
}

// Each permission that is denied is the one that doctor says is, and no other; what hangs on it wasn't
// tried, and what collect leaves out is what doctor says.
func TestDoctorSaysWhichPermissionIsDenied(t *testing.T) {
	f := wholeCompany(t)
	for _, p := range collect.Permissions() {
		t.Run(p.Action, func(t *testing.T) {
			f.with(func(w http.ResponseWriter, c call) bool {
				return c.name == p.Action && awstest.Deny(w, awstest.Call{Params: c.form})
			})
			d, err := collect.Diagnose(t.Context(), f.config(), everyone)
			if err != nil {
				t.Fatal(err)
			}
			denied := map[string]bool{}
			for _, c := range d.Checks {
				if c.Verdict == collect.Denied {
					denied[c.Action] = true
				}
				if c.Verdict == collect.Unanswered {
					t.Errorf("%s: no answer: %s", c.Action, c.Why)
				}
			}
			same(t, "denied", map[string]bool{p.Action: true}, denied)
			result, err := collect.Many(t.Context(), f.config(), t.TempDir(), everyone, options())
			nothing := err != nil || !slices.ContainsFunc(result.Accounts, func(a collect.Account) bool { return a.Err == nil })
			if nothing != p.Needed || result.Complete() && err == nil {
				t.Errorf("needed: %v; collected %+v, %v", p.Needed, result, err)
			}
		})
	}
}

// A trail that anybody has touched in the window isn't taken for one that recorded all of it,
// and neither is one whose history isn't known.
func TestATrailThatChangedInTheWindow(t *testing.T) {
	f := newFront(t, awstest.Options{LastAccessed: everybody})
	populate(f.Server, awstest.Key{})
	newTrail(t, f)
	year := options()
	year.Window = 365
	for _, test := range []struct {
		name, history string
		options       collect.Options
		want          []string
	}{
		{"nobody touched it", `{"Events":[]}`, options(), []string{"AWS::S3::Object"}},
		{"another trail changed", `{"Events":[{"CloudTrailEvent":"{\"requestParameters\":{\"name\":\"other\"}}"}]}`, options(), []string{"AWS::S3::Object"}},
		{"it changed", `{"Events":[{"CloudTrailEvent":"{\"requestParameters\":{\"trailName\":\"everything\"}}"}]}`, options(), []string{}},
		{"the history ends before the window", `{"Events":[]}`, year, []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f.with(func(w http.ResponseWriter, c call) bool {
				if c.name != "cloudtrail:LookupEvents" {
					return false
				}
				answerJSON(w, test.history)
				return true
			})
			dir := t.TempDir()
			f.collect(t, dir, test.options)
			same(t, "types of data events", test.want, open(t, dir).Info.Trails[0].DataEvents)
		})
	}
}

// A Region that can't be reached hides its trails, and nothing else.
func TestCloudTrailOutOfReach(t *testing.T) {
	f, dir := world(t), t.TempDir()
	cfg := f.config()
	cfg.HTTPClient = unreachableHost{cfg.HTTPClient, "cloudtrail"}
	result, err := collect.One(t.Context(), cfg, dir, options())
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	for _, m := range result.Accounts[0].Missing {
		missing = append(missing, m.What)
		if !strings.Contains(m.Why, "no route to host") {
			t.Errorf("%s: %s", m.What, m.Why)
		}
	}
	same(t, "missing", []string{"CloudTrail trails"}, missing)
}
