package usage_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/usage"
)

// but is full coverage of last90 after a change of its first Region, and of the account.
func but(change func(*usage.RegionCoverage, *usage.AccountCoverage)) usage.Coverage {
	c := full(last90.Now)
	change(&c.Accounts[0].Regions[0], &c.Accounts[0])
	return c
}

func TestTrail(t *testing.T) {
	covered := full(last90.Now)
	old, recent := at("2026-05-01T10:00:00Z"), at("2026-10-01T10:00:00Z")
	possible := use("s3:GetObjectTagging", recent)
	possible.Primary = false
	inferred := use("iam:PassRole", recent)
	inferred.Inferred = true
	denied := use("s3:CreateBucket", recent)
	denied.Count, denied.Denied = 3, 3
	partly := use("s3:CreateBucket", recent)
	partly.Count, partly.Denied = 3, 2

	tests := []struct {
		name      string
		coverage  usage.Coverage
		uses      []usage.Use
		denied    usage.DeniedCalls
		ask, want []string
	}{
		{"seen in the window, before it, never", covered, []usage.Use{use("s3:CreateBucket", old), use("s3:CreateBucket", recent), use("s3:GetBucketAcl", old)}, 0,
			[]string{"s3:CreateBucket", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:*"},
			[]string{
				"in-use seen cloudtrail last 2026-10-01 ×2", "not-used seen-before cloudtrail last 2026-05-01 ×1",
				"not-used never-seen cloudtrail", "in-use seen cloudtrail last 2026-10-01 ×3",
			}},
		{"what a call may have needed is used, and said to be possible", covered, []usage.Use{possible, inferred}, 0, []string{"s3:GetObjectTagging", "iam:PassRole", "s3:*"},
			[]string{"in-use seen cloudtrail possible last 2026-10-01 ×1", "in-use seen cloudtrail possible last 2026-10-01 ×1", "in-use seen cloudtrail possible last 2026-10-01 ×1"}},
		{"denied calls are attempts", covered, []usage.Use{denied}, usage.DeniedCount, []string{"s3:CreateBucket"}, []string{"in-use seen cloudtrail last 2026-10-01 ×3"}},
		{"or not", covered, []usage.Use{denied}, usage.DeniedIgnored, []string{"s3:CreateBucket", "s3:*"}, []string{"not-used never-seen cloudtrail", "unknown not-tracked cloudtrail"}},
		{"one that got through is a use", covered, []usage.Use{partly}, usage.DeniedIgnored, []string{"s3:CreateBucket"}, []string{"in-use seen cloudtrail last 2026-10-01 ×3"}},
		{"a clock ahead of ours", covered, []usage.Use{use("s3:CreateBucket", at("2026-11-03"))}, 0, []string{"s3:CreateBucket"}, []string{"in-use seen cloudtrail last 2026-11-03 ×1"}},
		{"data events by their type", covered, nil, 0, []string{"s3:GetObject", "dynamodb:GetItem"}, []string{"not-used never-seen cloudtrail", "not-used never-seen cloudtrail"}},
		{"data events of which it isn't said that all are there", but(func(_ *usage.RegionCoverage, a *usage.AccountCoverage) { a.DataEvents[2].All = false }), nil, 0,
			[]string{"s3:GetObject", "dynamodb:GetItem", "s3:GetBucketAcl"},
			[]string{"unknown data-events cloudtrail (AWS::S3::Object)", "not-used never-seen cloudtrail", "not-used never-seen cloudtrail"}},
		{"what CloudTrail doesn't show", covered, nil, 0, []string{"sns:Publish", "s3:ListBucket", "iam:PassRole", "s3:PermissionOnly", "rds-data:ExecuteStatement", "s3:Invented", "s3:*"},
			[]string{
				"unknown not-tracked cloudtrail", "unknown not-tracked cloudtrail", "unknown not-tracked cloudtrail", "unknown not-tracked cloudtrail",
				"unknown not-recorded cloudtrail (a trail may leave them out)", "unknown not-listed cloudtrail", "unknown not-tracked cloudtrail",
			}},
		{"no coverage: uses alone", usage.Coverage{}, []usage.Use{use("s3:CreateBucket", recent)}, 0, []string{"s3:CreateBucket", "ec2:RunInstances", "s3:GetObject"},
			[]string{"in-use seen cloudtrail last 2026-10-01 ×1", "unknown gap cloudtrail (no logs of the account)", "unknown gap cloudtrail (no logs of the account)"}},
		{"another account's logs", but(func(_ *usage.RegionCoverage, a *usage.AccountCoverage) { a.ID = "999999999999" }), nil, 0, []string{"ec2:RunInstances"},
			[]string{"unknown gap cloudtrail (no logs of the account)"}},
		{"no Regions", but(func(_ *usage.RegionCoverage, a *usage.AccountCoverage) { a.Regions = nil }), nil, 0, []string{"ec2:RunInstances"},
			[]string{"unknown gap cloudtrail (no logs of the account)"}},
		{"logs from the window's first hour on", but(func(r *usage.RegionCoverage, _ *usage.AccountCoverage) { r.From = at("2026-08-03") }), nil, 0, []string{"ec2:RunInstances"},
			[]string{"not-used never-seen cloudtrail"}},
		{"logs that begin an hour late", but(func(r *usage.RegionCoverage, _ *usage.AccountCoverage) { r.From = at("2026-08-03T01:00:00Z") }), nil, 0, []string{"ec2:RunInstances"},
			[]string{"unknown gap cloudtrail (eu-central-1 begins 2026-08-03T01:00:00Z)"}},
		{"logs that end a day early", but(func(r *usage.RegionCoverage, _ *usage.AccountCoverage) { r.To = at("2026-10-31") }), nil, 0, []string{"ec2:RunInstances"},
			[]string{"not-used never-seen cloudtrail"}},
		{"logs that end earlier", but(func(r *usage.RegionCoverage, _ *usage.AccountCoverage) { r.To = at("2026-10-30T23:00:00Z") }), nil, 0, []string{"ec2:RunInstances"},
			[]string{"unknown gap cloudtrail (eu-central-1 ends 2026-10-30T23:00:00Z)"}},
		{"a gap of an hour", but(func(r *usage.RegionCoverage, _ *usage.AccountCoverage) {
			r.Gaps = []usage.Gapped{{From: at("2026-09-01T05:00:00Z"), To: at("2026-09-01T06:00:00Z")}}
		}), nil, 0, []string{"ec2:RunInstances", "s3:GetObject"},
			[]string{"unknown gap cloudtrail (eu-central-1 2026-09-01T05:00:00Z to 2026-09-01T06:00:00Z)", "unknown gap cloudtrail (eu-central-1 2026-09-01T05:00:00Z to 2026-09-01T06:00:00Z)"}},
		{"a gap before the window", but(func(r *usage.RegionCoverage, _ *usage.AccountCoverage) {
			r.Gaps = []usage.Gapped{{From: at("2026-08-02T05:00:00Z"), To: at("2026-08-03")}}
		}), nil, 0, []string{"ec2:RunInstances"}, []string{"not-used never-seen cloudtrail"}},
		{"a trail that was changed in the window", but(func(_ *usage.RegionCoverage, a *usage.AccountCoverage) { a.Changed = at("2026-08-03T00:00:01Z") }), nil, 0,
			[]string{"ec2:RunInstances", "s3:GetObject"},
			[]string{"unknown gap cloudtrail (what trails record was changed 2026-08-03T00:00:01Z)", "unknown gap cloudtrail (what trails record was changed 2026-08-03T00:00:01Z)"}},
		{"a trail that was changed before", but(func(_ *usage.RegionCoverage, a *usage.AccountCoverage) { a.Changed = at("2026-08-03") }), nil, 0,
			[]string{"ec2:RunInstances", "s3:GetObject"}, []string{"not-used never-seen cloudtrail", "not-used never-seen cloudtrail"}},
		{"no logs of the Region of global services", but(func(_ *usage.RegionCoverage, a *usage.AccountCoverage) { a.Regions = a.Regions[:1] }), nil, 0, []string{"iam:CreateRole", "ec2:RunInstances"},
			[]string{"unknown gap cloudtrail (no logs of us-east-1, where calls of global services are)", "not-used never-seen cloudtrail"}},
		{"a trail of writes alone", but(func(r *usage.RegionCoverage, a *usage.AccountCoverage) { r.Reads, a.Regions[1].Reads = 0, 0 }), nil, 0,
			[]string{"s3:GetBucketAcl", "ec2:DescribeHosts", "sts:AssumeRole", "kms:Decrypt", "ec2:RunInstances"},
			[]string{
				"unknown not-recorded cloudtrail (no events that read)", "unknown not-recorded cloudtrail (no events that read)",
				"unknown not-recorded cloudtrail (no events that read)", "unknown not-recorded cloudtrail (no events that read)", "not-used never-seen cloudtrail",
			}},
		{"a trail of reads alone", but(func(r *usage.RegionCoverage, a *usage.AccountCoverage) { r.Reads, a.Regions[1].Reads = 1000, 1000 }), nil, 0,
			[]string{"ec2:DescribeHosts", "ec2:RunInstances"}, []string{"not-used never-seen cloudtrail", "unknown not-recorded cloudtrail (no events that write)"}},
		{"digest files of a trail of data events alone", but(func(r *usage.RegionCoverage, a *usage.AccountCoverage) {
			r.Events, r.Reads, a.Regions[1].Events, a.Regions[1].Reads = 0, 0, 0, 0
		}), nil, 0, []string{"ec2:DescribeHosts", "ec2:RunInstances", "s3:GetObject"},
			[]string{
				"unknown not-recorded cloudtrail (no events that read)", "unknown not-recorded cloudtrail (no events that write)", "not-used never-seen cloudtrail",
			}},
		{"a trail without KMS", but(func(r *usage.RegionCoverage, a *usage.AccountCoverage) { r.KMS, a.Regions[1].KMS = 0, 0 }), nil, 0, []string{"kms:CreateKey", "s3:GetBucketAcl"},
			[]string{"unknown not-recorded cloudtrail (no events of KMS)", "not-used never-seen cloudtrail"}},
		{"an event of which it isn't known what it needs", withUnmapped(covered, usage.Unmapped{Event: "s3.amazonaws.com:PostObject", Count: 1, LastSeen: recent}), nil, 0,
			[]string{"s3:GetBucketAcl", "s3:GetObject", "ec2:RunInstances"},
			[]string{
				"unknown not-recorded cloudtrail (an event of which it isn't known what it needs: s3.amazonaws.com:PostObject)",
				"unknown not-recorded cloudtrail (an event of which it isn't known what it needs: s3.amazonaws.com:PostObject)", "not-used never-seen cloudtrail",
			}},
		{"one whose source has another name", withUnmapped(covered, usage.Unmapped{Event: "vms.amazonaws.com:X", Service: "ec2", Count: 1, LastSeen: recent}), nil, 0, []string{"ec2:RunInstances"},
			[]string{"unknown not-recorded cloudtrail (an event of which it isn't known what it needs: vms.amazonaws.com:X)"}},
		{"one whose source is no service's name, called like an action", withUnmapped(covered, usage.Unmapped{Event: "vms.amazonaws.com:RunInstances", Service: "vms", Count: 1, LastSeen: recent}), nil, 0,
			[]string{"ec2:RunInstances", "ec2:DescribeHosts"},
			[]string{"unknown not-recorded cloudtrail (an event of which it isn't known what it needs: vms.amazonaws.com:RunInstances)", "not-used never-seen cloudtrail"}},
		{"one called like an operation that needs others", withUnmapped(covered, usage.Unmapped{Event: "blobs.amazonaws.com:PutBucketCors", Service: "blobs", Count: 1, LastSeen: recent}), nil, 0,
			[]string{"s3:PutBucketCORS", "kms:Decrypt", "s3:GetBucketAcl"},
			[]string{
				"unknown not-recorded cloudtrail (an event of which it isn't known what it needs: blobs.amazonaws.com:PutBucketCors)",
				"unknown not-recorded cloudtrail (an event of which it isn't known what it needs: blobs.amazonaws.com:PutBucketCors)", "not-used never-seen cloudtrail",
			}},
		{"one before the window, called like an action", withUnmapped(covered, usage.Unmapped{Event: "vms.amazonaws.com:RunInstances", Service: "vms", LastSeen: old}), nil, 0,
			[]string{"ec2:RunInstances"}, []string{"not-used never-seen cloudtrail"}},
		{"one before the window", withUnmapped(covered, usage.Unmapped{Event: "ec2.amazonaws.com:X", LastSeen: old}), nil, 0,
			[]string{"ec2:RunInstances"}, []string{"not-used never-seen cloudtrail"}},
		{"of several the last", withUnmapped(covered, usage.Unmapped{Event: "ec2.amazonaws.com:Y", LastSeen: recent}, usage.Unmapped{Event: "ec2.amazonaws.com:X", LastSeen: old}), nil, 0,
			[]string{"ec2:RunInstances"}, []string{"unknown not-recorded cloudtrail (an event of which it isn't known what it needs: ec2.amazonaws.com:Y)"}},
		{"a usage.jsonl that was cut short", func() usage.Coverage { c := covered; c.Uses = 2; return c }(), []usage.Use{use("s3:CreateBucket", recent)}, 0,
			[]string{"s3:CreateBucket", "ec2:RunInstances"},
			[]string{"in-use seen cloudtrail last 2026-10-01 ×1", "unknown gap cloudtrail (usage.jsonl has fewer lines than were written)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trail := trailOf(t, small(t), tt.coverage, tt.denied, tt.uses...)
			if diff := cmp.Diff(tt.want, ask(trail.Of(role), last90, tt.ask...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func withUnmapped(c usage.Coverage, events ...usage.Unmapped) usage.Coverage {
	c.Unmapped = events
	return c
}

func TestTrailPrincipals(t *testing.T) {
	other := use("s3:CreateBucket", at("2026-10-01"))
	other.Principal = "arn:aws:iam::123456789012:user/ann"
	trail := trailOf(t, small(t), full(last90.Now), usage.DeniedCount, use("ec2:RunInstances", at("2026-10-01")), other)
	if diff := cmp.Diff([]string{role, other.Principal}, trail.Principals()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := ask(trail.Of(other.Principal), last90, "ec2:RunInstances", "s3:CreateBucket")
	if diff := cmp.Diff([]string{"not-used never-seen cloudtrail", "in-use seen cloudtrail last 2026-10-01 ×1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = ask(trail.Of("arn:aws:iam::123456789012:role/Quiet"), last90, "ec2:RunInstances")
	if diff := cmp.Diff([]string{"not-used never-seen cloudtrail"}, got); diff != "" {
		t.Errorf("one without uses, in covered logs (-want +got):\n%s", diff)
	}
	got = ask(trail.Of("nobody"), last90, "ec2:RunInstances")
	if diff := cmp.Diff([]string{"unknown gap cloudtrail (no ARN, and so no account)"}, got); diff != "" {
		t.Errorf("no ARN (-want +got):\n%s", diff)
	}
	if err := trail.Add(usage.Use{Principal: role, Action: "s3"}); err == nil {
		t.Error("a use without an action was added")
	}
}

// Services without a Region of their own are silent in logs that lack the one that they are
// recorded in.
func TestRegionsOfGlobalServices(t *testing.T) {
	c := catalog.Embedded()
	for _, tt := range []struct {
		partition string
		regions   []string
		ask       string
		want      string
	}{
		{"aws", []string{"eu-west-1", "us-east-1"}, "networkmanager:CreateGlobalNetwork", "unknown gap cloudtrail (no logs of us-west-2, where calls of global services are)"},
		{"aws", []string{"us-east-1", "us-west-2"}, "networkmanager:CreateGlobalNetwork", "not-used never-seen cloudtrail"},
		{"aws", []string{"us-west-2"}, "networkmanager:CreateGlobalNetwork", "not-used never-seen cloudtrail"},
		{"aws", []string{"eu-west-1", "us-west-2"}, "cloudfront:CreateDistribution", "unknown gap cloudtrail (no logs of us-east-1, where calls of global services are)"},
		{"aws", []string{"us-east-1"}, "cloudfront:CreateDistribution", "not-used never-seen cloudtrail"},
		{"aws", []string{"eu-west-1"}, "ec2:RunInstances", "not-used never-seen cloudtrail"},
		{"aws-cn", []string{"cn-north-1"}, "cloudfront:CreateDistribution", "unknown gap cloudtrail (no logs of cn-northwest-1, where calls of global services are)"},
		{"aws-cn", []string{"cn-northwest-1"}, "iam:CreateRole", "unknown gap cloudtrail (no logs of cn-north-1, where calls of global services are)"},
		{"aws-cn", []string{"cn-north-1", "cn-northwest-1"}, "iam:CreateRole", "not-used never-seen cloudtrail"},
		{"aws-us-gov", []string{"us-gov-east-1"}, "networkmanager:CreateGlobalNetwork", "unknown gap cloudtrail (no logs of us-gov-west-1, where calls of global services are)"},
		{"aws-us-gov", []string{"us-gov-west-1"}, "iam:CreateRole", "not-used never-seen cloudtrail"},
	} {
		coverage := full(last90.Now)
		regions := &coverage.Accounts[0].Regions
		one := (*regions)[0]
		*regions = nil
		for _, name := range tt.regions {
			one.Name = name
			*regions = append(*regions, one)
		}
		who := "arn:" + tt.partition + ":iam::" + account + ":role/app"
		if diff := cmp.Diff([]string{tt.want}, ask(usage.NewTrail(c, coverage, 0).Of(who), last90, tt.ask)); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", tt.ask, tt.regions, diff)
		}
	}
}

// line is a line of a usage.jsonl after a change of one text in it.
func line(from, to string) string {
	u := use("s3:GetObject", at("2026-10-01T10:00:00Z"))
	u.ResourceType, u.Via, u.Resources = "object", []string{"athena.amazonaws.com"}, []string{"arn:aws:s3:::b/k"}
	var out strings.Builder
	if err := usage.WriteUses(&out, slices.Values([]usage.Use{u})); err != nil {
		panic(err) // a test's own use
	}
	return strings.Replace(out.String(), from, to, 1)
}

func TestReadUsesErrors(t *testing.T) {
	const anew = "want a use as pare ingest writes it; make the file anew: pare ingest PATH… --out usage.jsonl"
	tests := []struct{ name, src, want string }{
		{"nothing", "", "<nil>"},
		{"blank lines", "\n" + line("", "") + "\n", "<nil>"},
		{"a member that is new", line(`{`, `{"new":[1],`), "<nil>"},
		{"a time in another zone, and the day in UTC", strings.NewReplacer(`T10:00:00Z`, `T23:30:00-02:00`, `"day":"2026-10-01"`, `"day":"2026-10-02"`).Replace(line("", "")), "<nil>"},
		{"cut short", line("", "") + line("", "")[:70], "usage.jsonl:2: ends in the middle of a value: " + anew},
		{"not JSON", "\n\nx", "usage.jsonl:3: byte 0: not JSON: " + anew},
		{"two on a line", strings.TrimSpace(line("", "")) + line("", ""), "usage.jsonl:1: byte 295: not JSON: " + anew},
		{"a form of another kind", line(`"count":1`, `"count":"1"`), "usage.jsonl:1: /count: a string of the wrong form: " + anew},
		{"a CloudTrail file", `{"Records":[]}`, `usage.jsonl:1: principal "": want the ARN of a role, a user or an account's root`},
		{"no action", line("s3:GetObject", "GetObject"), `usage.jsonl:1: action "GetObject": want service:name, such as "s3:GetObject", or "*"`},
		{"no events", line(`"count":1`, `"count":0`), "usage.jsonl:1: count 0, denied 0: want at least one event, and no more denied than there are"},
		{"more denied than there are", line(`"denied":0`, `"denied":2`), "usage.jsonl:1: count 1, denied 2: want at least one event, and no more denied than there are"},
		{"the last before the first", line(`"lastSeen":"2026-10-01T10`, `"lastSeen":"2026-10-01T09`), "usage.jsonl:1: firstSeen 2026-10-01T10:00:00Z, lastSeen 2026-10-01T09:00:00Z: want them in order"},
		{"another day", line(`"day":"2026-10-01"`, `"day":"2026-10-02"`), `usage.jsonl:1: day "2026-10-02", firstSeen 2026-10-01T10:00:00Z, lastSeen 2026-10-01T10:00:00Z: want both on that day, in UTC`},
		{"a line without an end", strings.Repeat("x", 1<<20), "usage.jsonl:1: longer than 1048576 bytes: want a use a line, as pare ingest writes it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readAll(strings.NewReader(tt.src))
			if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	err := usage.ReadUses(strings.NewReader(line("", "")), func(usage.Use) error { return errEnough })
	if !errors.Is(err, errEnough) {
		t.Errorf("the caller's error: got %v", err)
	}
}

func TestWriteUses(t *testing.T) {
	a, b := use("ec2:RunInstances", at("2026-10-01")), use("s3:GetObject", at("2026-10-01"))
	var out strings.Builder
	if err := usage.WriteUses(&out, slices.Values([]usage.Use{a, b})); err != nil {
		t.Fatal(err)
	}
	want := `{"principal":"` + role + `","action":"ec2:RunInstances","resourceType":"","day":"2026-10-01","primary":true,"count":1,"denied":0,"firstSeen":"2026-10-01T00:00:00Z","lastSeen":"2026-10-01T00:00:00Z"}
{"principal":"` + role + `","action":"s3:GetObject","resourceType":"","day":"2026-10-01","primary":true,"count":1,"denied":0,"firstSeen":"2026-10-01T00:00:00Z","lastSeen":"2026-10-01T00:00:00Z"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, uses := range map[string][]usage.Use{
		"usage.jsonl:2: " + role + " ec2:RunInstances 2026-10-01: want the lines sorted, each once": {b, a},
		"usage.jsonl:2: " + role + " s3:GetObject 2026-10-01: want the lines sorted, each once":     {b, b},
		`usage.jsonl:1: principal "": want the ARN of a role, a user or an account's root`:          {{}},
	} {
		if err := usage.WriteUses(&out, slices.Values(uses)); fmt.Sprint(err) != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestCoverageErrors(t *testing.T) {
	const want = "a usage.coverage.json as pare ingest writes it beside usage.jsonl"
	account := func(regions string) string {
		return `{"schemaVersion":1,"accounts":[{"id":"123456789012","regions":[` + regions + `]}]}`
	}
	tests := []struct{ name, src, want string }{
		{"nothing", "", "c.json:1:1: empty: want " + want},
		{"cut short", `{"schemaVersion":1,`, "c.json:1:20: ends in the middle of a value: want " + want + ", closed"},
		{"something else", `{}`, "c.json:1:1: schemaVersion 0: want 1, " + want},
		{"a newer form", `{"schemaVersion":2,"accounts":[]}`, "c.json:1:1: schemaVersion 2: want 1, " + want},
		{"no accounts", `{"schemaVersion":1}`, "c.json:1:1: no accounts: want " + want},
		{"an account twice", `{"schemaVersion":1,"accounts":[{"id":"1"},{"id":"1"}]}`, `c.json:1:43: /accounts/1: id "1": want each account once, by its number`},
		{"gaps that aren't said", account(`{"name":"us-east-1","basis":"events","from":"2026-01-01T00:00:00Z","to":"2026-11-01T00:00:00Z"}`),
			"c.json:1:64: /accounts/0/regions/0: no gaps: want the hours of which nothing is known, [] when there are none"},
		{"gaps that are null", account(`{"name":"us-east-1","basis":"events","from":"2026-01-01T00:00:00Z","to":"2026-11-01T00:00:00Z","gaps":null}`),
			"c.json:1:64: /accounts/0/regions/0: no gaps: want the hours of which nothing is known, [] when there are none"},
		{"a gap the wrong way round", account(`{"name":"us-east-1","basis":"events","from":"2026-01-01T00:00:00Z","to":"2026-11-01T00:00:00Z","gaps":[{"from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}]}`),
			"c.json:1:64: /accounts/0/regions/0: a gap that ends before it begins: want whole hours"},
		{"no beginning", account(`{"name":"us-east-1","basis":"events","to":"2026-11-01T00:00:00Z","gaps":[]}`),
			"c.json:1:64: /accounts/0/regions/0: from 0001-01-01T00:00:00Z to 2026-11-01T00:00:00Z: want a beginning and an end after it"},
		{"no name", account(`{}`), `c.json:1:64: /accounts/0/regions/0: name "": want each Region once`},
		{"no basis", account(`{"name":"us-east-1"}`), `c.json:1:64: /accounts/0/regions/0: basis "": want "digests" or "events"`},
		{"a negative count", account(`{"name":"us-east-1","basis":"events","from":"2026-01-01T00:00:00Z","to":"2026-11-01T00:00:00Z","gaps":[],"reads":-1}`),
			"c.json:1:64: /accounts/0/regions/0: a negative count: want how many events there are"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := usage.ParseCoverage("c.json", []byte(tt.src))
			if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What was read is written and read as the same, byte for byte.
func FuzzReadUses(f *testing.F) {
	f.Add([]byte(line("", "")))
	f.Add([]byte(line(`{`, `{"inferred":true,`) + line("s3:", "ec2:")))
	f.Fuzz(func(t *testing.T, src []byte) {
		uses, err := readAll(bytes.NewReader(src))
		if err != nil {
			return
		}
		slices.SortFunc(uses, usage.Use.Compare)
		uses = slices.CompactFunc(uses, func(a, b usage.Use) bool { return a.Compare(b) == 0 })
		var first, second bytes.Buffer
		if err := usage.WriteUses(&first, slices.Values(uses)); err != nil {
			t.Fatalf("%q: read and not written: %v", src, err)
		}
		again, err := readAll(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%q: written and not read: %v", first.Bytes(), err)
		}
		if err := usage.WriteUses(&second, slices.Values(again)); err != nil || len(again) != len(uses) || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("(-written +written again): %v\n%s", err, cmp.Diff(first.String(), second.String()))
		}
	})
}

// What was read is written and read as the same, byte for byte, and means the same.
func FuzzParseCoverage(f *testing.F) {
	var seed bytes.Buffer
	if err := usage.WriteCoverage(&seed, withUnmapped(full(last90.Now), usage.Unmapped{Event: "s3.amazonaws.com:X"})); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte(`{"schemaVersion":1,"accounts":[{"id":"123456789012","regions":[{"name":"us-east-1","basis":"digests","from":"2026-01-01T00:00:00+02:00","to":"2026-12-01T00:00:00Z","gaps":[]}]}]}`))
	c := small(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		first, err := usage.ParseCoverage("c.json", src)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "c.json:") {
				t.Fatalf("%q: error without a place: %v", src, err)
			}
			return
		}
		var written, again bytes.Buffer
		if err := usage.WriteCoverage(&written, first); err != nil {
			t.Fatalf("%q: read and not written: %v", src, err)
		}
		second, err := usage.ParseCoverage("c.json", written.Bytes())
		if err != nil {
			t.Fatalf("%q: written and not read: %v", written.Bytes(), err)
		}
		if err := usage.WriteCoverage(&again, second); err != nil || !bytes.Equal(written.Bytes(), again.Bytes()) {
			t.Errorf("(-written +written again): %v\n%s", err, cmp.Diff(written.String(), again.String()))
		}
		questions := []string{"s3:GetBucketAcl", "s3:GetObject", "iam:CreateRole", "kms:Decrypt"}
		w := usage.Window{Age: 30 * usage.Day, Now: last90.Now.Add(time.Hour)}
		if diff := cmp.Diff(ask(usage.NewTrail(c, first, 0).Of(role), w, questions...), ask(usage.NewTrail(c, second, 0).Of(role), w, questions...)); diff != "" {
			t.Errorf("(-read +read again):\n%s", diff)
		}
	})
}
