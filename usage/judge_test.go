package usage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// lines is a judgement as text: a line a service, and one an action.
func lines(j usage.Judgement) []string {
	var out []string
	for _, s := range j.Services {
		out = append(out, s.Prefix+" "+tell(usage.Sighting{Source: s.Source, State: s.State, Why: s.Why, Last: s.Last}))
		for _, a := range s.Actions {
			out = append(out, " "+a.Action.Name+" "+tell(usage.Sighting{Source: a.Source, State: a.State, Why: a.Why, Possible: a.Possible, Last: a.Last}))
		}
	}
	return out
}

func TestJudge(t *testing.T) {
	c := small(t)
	recent, old := at("2026-10-01"), at("2026-03-01")
	reported, err := usage.ParseReported("f.json", finding(last90.Now, "ACTIVE", ec2Whole), 90*usage.Day)
	if err != nil {
		t.Fatal(err)
	}
	maybe := use("kms:Decrypt", recent)
	maybe.Primary = false
	kmsNever := `{"ServiceNamespace":"kms","TrackedActionsLastAccessed":[{"ActionName":"CreateKey"}]}`
	ec2Used := `{"ServiceNamespace":"ec2","LastAuthenticated":"2026-10-20T10:00:00Z"}`
	trail := func(uses ...usage.Use) usage.Source {
		return trailOf(t, c, full(last90.Now), usage.DeniedCount, uses...).Of(role)
	}
	tests := []struct {
		name     string
		granted  []string
		services []string
		sources  []usage.Source
		want     []string
		unused   string
	}{
		{"without sources nothing is known", []string{"s3:CreateBucket"}, []string{"retired", "s3"}, nil,
			[]string{"retired unknown not-listed none", "s3 unknown not-listed none", " CreateBucket unknown not-listed none"}, ""},
		{"two sources: used if one saw it, unused if one would have", []string{"s3:CreateBucket", "s3:GetBucketAcl", "s3:GetObject", "s3:ListBucket"}, nil,
			[]usage.Source{parseLast(t, answer(s3Used)), trail(use("s3:GetBucketAcl", recent))},
			[]string{
				"s3 in-use seen iam-last-accessed-services last 2026-10-20",
				" CreateBucket in-use seen iam-last-accessed-actions last 2026-10-20", " GetBucketAcl in-use seen cloudtrail last 2026-10-01",
				" GetObject not-used never-seen cloudtrail", " ListBucket unknown not-tracked iam-last-accessed-services",
			}, "s3:getobject"},
		{"a service as a whole, of which the catalog doesn't know everything", []string{"s3:CreateBucket"}, []string{"s3", "sqs"},
			[]usage.Source{parseLast(t, answer(s3Before, `{"ServiceNamespace":"sqs"}`))},
			[]string{
				"s3 not-used seen-before iam-last-accessed-services last 2026-02-01", " CreateBucket not-used seen-before iam-last-accessed-services last 2026-02-01",
				"sqs not-used never-seen iam-last-accessed-services",
			}, "s3:* sqs:*"},
		{"PassRole keeps its service from being unused as a whole", []string{"iam:CreateRole", "iam:PassRole"}, nil, []usage.Source{parseLast(t, answer(iamNever))},
			[]string{"iam unknown not-tracked iam-last-accessed-services", " CreateRole not-used never-seen iam-last-accessed-services", " PassRole unknown not-tracked iam-last-accessed-services"}, "iam:createrole"},
		{"without PassRole it is", []string{"iam:CreateRole"}, nil, []usage.Source{parseLast(t, answer(iamNever))},
			[]string{"iam not-used never-seen iam-last-accessed-services", " CreateRole not-used never-seen iam-last-accessed-services"}, "iam:*"},
		{"but not when nobody says whether it is granted", nil, []string{"iam"}, []usage.Source{parseLast(t, answer(iamNever))},
			[]string{"iam unknown not-tracked iam-last-accessed-services"}, ""},
		{"a trail alone never takes a service as a whole", []string{"ec2:RunInstances"}, nil, []usage.Source{trail()},
			[]string{"ec2 unknown not-tracked cloudtrail", " RunInstances not-used never-seen cloudtrail"}, "ec2:runinstances"},
		{"a call in a service that another takes for unused: it isn't believed about the rest", []string{"kms:CreateKey", "kms:Decrypt", "sns:Publish"}, nil,
			[]usage.Source{parseLast(t, answer(`{"ServiceNamespace":"kms"}`)), trailOf(t, c, usage.Coverage{}, 0, use("kms:Decrypt", recent)).Of(role)},
			[]string{
				"kms in-use seen cloudtrail last 2026-10-01", " CreateKey unknown contradicted iam-last-accessed-services", " Decrypt in-use seen cloudtrail last 2026-10-01",
				"sns unknown not-tracked cloudtrail", " Publish unknown not-tracked cloudtrail",
			}, ""},
		{"but about actions that it tracks it is", []string{"kms:CreateKey"}, nil,
			[]usage.Source{parseLast(t, answer(kmsNever)), trailOf(t, c, usage.Coverage{}, 0, use("kms:Decrypt", recent)).Of(role)},
			[]string{"kms in-use seen cloudtrail last 2026-10-01", " CreateKey not-used never-seen iam-last-accessed-actions"}, "kms:createkey"},
		{"a use that is only possible doubts nobody, and is kept", []string{"kms:CreateKey", "kms:Decrypt"}, nil,
			[]usage.Source{parseLast(t, answer(`{"ServiceNamespace":"kms"}`)), trailOf(t, c, usage.Coverage{}, 0, maybe).Of(role)},
			[]string{
				"kms in-use seen cloudtrail last 2026-10-01", " CreateKey not-used never-seen iam-last-accessed-services", " Decrypt in-use seen cloudtrail possible last 2026-10-01",
			}, "kms:createkey"},
		{"AWS's finding is doubted alike", []string{"ec2:RunInstances"}, nil, []usage.Source{reported, parseLast(t, answer(ec2Used))},
			[]string{"ec2 in-use seen iam-last-accessed-services last 2026-10-20", " RunInstances unknown contradicted access-analyzer"}, ""},
		{"the last use is the latest that any source knows", []string{"s3:CreateBucket"}, nil, []usage.Source{parseLast(t, answer(s3Before)), trail(use("s3:CreateBucket", old))},
			[]string{"s3 not-used seen-before iam-last-accessed-services last 2026-03-01", " CreateBucket not-used seen-before iam-last-accessed-services last 2026-03-01"}, "s3:*"},
		{"one that knows an old use comes before one that knows none", []string{"s3:CreateBucket"}, nil,
			[]usage.Source{parseLast(t, answer(`{"ServiceNamespace":"s3"}`)), trail(use("s3:CreateBucket", old))},
			[]string{"s3 not-used never-seen iam-last-accessed-services last 2026-03-01", " CreateBucket not-used seen-before cloudtrail last 2026-03-01"}, "s3:*"},
		{"a source of the caller's own", []string{"s3:CreateBucket", "s3:GetObject"}, nil, []usage.Source{table{
			"s3:createbucket": {State: usage.InUse, Why: usage.Seen, Last: recent}, "s3:getobject": {State: usage.NotUsed, Why: usage.NeverSeen},
		}},
			[]string{"s3 in-use seen none last 2026-10-01", " CreateBucket in-use seen none last 2026-10-01", " GetObject not-used never-seen none"}, "s3:getobject"},
		{"actions out of order and twice", []string{"s3:GetObject", "ec2:RunInstances", "s3:GetObject"}, nil, []usage.Source{trail()},
			[]string{"ec2 unknown not-tracked cloudtrail", " RunInstances not-used never-seen cloudtrail", "s3 unknown not-tracked cloudtrail", " GetObject not-used never-seen cloudtrail"},
			"ec2:runinstances s3:getobject"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := usage.Judge(lookup(t, c, tt.granted...), tt.services, tt.sources, last90)
			if diff := cmp.Diff(tt.want, lines(j)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.unused, show(j.Unused())); diff != "" {
				t.Errorf("unused (-want +got):\n%s", diff)
			}
			slices.Reverse(tt.sources)
			if diff := cmp.Diff(tt.want, lines(usage.Judge(lookup(t, c, tt.granted...), tt.services, tt.sources, last90))); diff != "" {
				t.Errorf("sources in another order (-want +got):\n%s", diff)
			}
		})
	}
}

// table is a Source that says what is in it, by action and by "service:*".
type table map[string]usage.Sighting

func (s table) Action(a policy.Action, _ usage.Window) usage.Sighting { return s[a.String()] }

func (s table) Service(prefix string, _ usage.Window) usage.Sighting { return s[prefix+":*"] }

func TestExplain(t *testing.T) {
	sources := []usage.Source{
		parseLast(t, answer(`{"ServiceNamespace":"kms"}`)),
		trailOf(t, small(t), usage.Coverage{}, 0, use("kms:Decrypt", at("2026-10-01"))).Of(role),
		table{"kms:*": {State: usage.NotUsed}, "kms:createkey": {State: usage.NotUsed, Why: usage.NeverSeen}},
	}
	want := []string{"unknown contradicted iam-last-accessed-services", "unknown gap cloudtrail (no logs of the account)", "unknown contradicted none"}
	var got []string
	for _, s := range usage.Explain(policy.Action{Service: "kms", Name: "createkey"}, sources, last90) {
		got = append(got, tell(s))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCounts(t *testing.T) {
	c := small(t)
	sources := []usage.Source{parseLast(t, answer(s3Used, iamNever))}
	granted := lookup(t, c, "iam:CreateRole", "iam:PassRole", "s3:CreateBucket", "s3:GetBucketAcl", "s3:GetObject", "sns:Publish")
	got := usage.Judge(granted, []string{"iam", "s3", "sns"}, sources, last90).Counts()
	want := usage.Counts{Granted: 6, InUse: 1, NotUsed: 2, Unknown: 3}
	want.ByWhy[usage.NotTracked], want.ByWhy[usage.NotListed] = 2, 1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIdentifiers(t *testing.T) {
	var got []string
	for s := range usage.InUse + 2 {
		got = append(got, s.String())
	}
	for k := range usage.AccessAnalyzer + 2 {
		got = append(got, k.String())
	}
	for y := range usage.NeverSeen + 2 {
		got = append(got, y.String())
	}
	want := strings.Fields("unknown not-used in-use State(3) none iam-last-accessed-services iam-last-accessed-actions cloudtrail access-analyzer Kind(5) " +
		"not-listed not-tracked tracked-late ends-early gap data-events not-recorded shorter-window contradicted seen seen-before never-seen Why(12)")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The catalog that is built in knows every action whose data events are recorded, and what
// is recorded is a fair part of all.
func TestRecordedActions(t *testing.T) {
	c := catalog.Embedded()
	now := at("2026-11-01")
	j := usage.Judge(granted(c), nil, []usage.Source{usage.NewTrail(c, full(now), 0).Of(role)}, last90)
	data := map[string]int{}
	for _, s := range j.Services {
		for _, a := range s.Actions {
			if a.State == usage.NotUsed && !a.Action.Tracked.Has(catalog.PolicyGeneration) {
				data[s.Prefix]++
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"s3": 17, "lambda": 1, "dynamodb": 13, "sqs": 4}, data); diff != "" {
		t.Errorf("actions with data events (-want +got):\n%s", diff)
	}
	if n := j.Counts(); n.InUse != 0 || n.NotUsed < 10000 || n.NotUsed > n.Granted*2/3 {
		t.Errorf("of %d actions %d would be seen by a full trail: want half, as AWS says of policy generation", n.Granted, n.NotUsed)
	}
	without := full(now)
	without.Accounts[0].DataEvents = nil
	uploads := ask(usage.NewTrail(c, without, 0).Of(role), last90, "s3:ListBucketMultipartUploads", "s3:GetBucketAcl")
	if diff := cmp.Diff([]string{"unknown data-events cloudtrail (AWS::S3::Object)", "not-used never-seen cloudtrail"}, uploads); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	never := ask(usage.NewTrail(c, full(now), 0).Of(role), last90, "iam:PassRole", "dynamodb:WriteDataForReplication", "s3:ListBucket", "rds-data:ExecuteStatement")
	if diff := cmp.Diff([]string{"unknown not-tracked cloudtrail", "unknown not-tracked cloudtrail", "unknown not-tracked cloudtrail", "unknown not-tracked cloudtrail"}, never); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// granted is all actions of a catalog.
func granted(c *catalog.Catalog) []*catalog.Action {
	actions, _ := everything(c)
	return actions
}

// A catalog other than the trail's has other ids for the same actions.
func TestJudgeWithAnotherCatalog(t *testing.T) {
	trail := trailOf(t, small(t), full(last90.Now), 0, use("s3:CreateBucket", at("2026-10-01T01:02:03Z"))).Of(role)
	j := usage.Judge(lookup(t, catalog.Embedded(), "s3:CreateBucket", "s3:GetBucketAcl", "s3:DeleteBucket"), nil, []usage.Source{trail}, last90)
	want := []string{
		"s3 in-use seen cloudtrail last 2026-10-01", " CreateBucket in-use seen cloudtrail last 2026-10-01",
		" DeleteBucket unknown not-tracked cloudtrail", " GetBucketAcl not-used never-seen cloudtrail",
	}
	if diff := cmp.Diff(want, lines(j)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	trail = usage.NewTrail(catalog.Embedded(), full(last90.Now), 0).Of(role)
	want = []string{"iam unknown not-tracked cloudtrail", " PassRole unknown not-tracked cloudtrail", "s3 unknown not-tracked cloudtrail", " CreateBucket not-used never-seen cloudtrail"}
	if diff := cmp.Diff(want, lines(usage.Judge(lookup(t, small(t), "iam:PassRole", "s3:CreateBucket"), nil, []usage.Source{trail}, last90))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func ExampleJudge() {
	answer := []byte(`{
		"Arn": "arn:aws:iam::123456789012:role/Reports", "JobStatus": "COMPLETED", "JobCompletionDate": "2026-11-01T00:00:00Z",
		"ServicesLastAccessed": [
			{"ServiceNamespace": "sqs"},
			{"ServiceNamespace": "s3", "LastAuthenticated": "2026-10-31T08:00:00Z", "TrackedActionsLastAccessed": [
				{"ActionName": "CreateBucket"}, {"ActionName": "GetBucketAcl", "LastAccessedTime": "2026-10-31T08:00:00Z"}]}]}`)
	seen, err := usage.ParseLastAccessed("reports.json", answer)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := catalog.Embedded()
	granted := []*catalog.Action{c.Lookup("s3", "CreateBucket"), c.Lookup("s3", "GetBucketAcl"), c.Lookup("s3", "GetObject"), c.Lookup("sqs", "SendMessage")}
	w := usage.Window{Age: 90 * usage.Day, Now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	for _, s := range usage.Judge(granted, nil, []usage.Source{seen}, w).Services {
		fmt.Println(s.Prefix, s.State)
		for _, a := range s.Actions {
			fmt.Println(" ", a.Action, a.State, a.Why)
		}
	}
	// Output:
	// s3 in-use
	//   s3:CreateBucket not-used never-seen
	//   s3:GetBucketAcl in-use seen
	//   s3:GetObject unknown not-tracked
	// sqs not-used
	//   sqs:SendMessage not-used never-seen
}
