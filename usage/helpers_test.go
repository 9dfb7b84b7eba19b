package usage_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

const (
	account = "123456789012"
	role    = "arn:aws:iam::123456789012:role/app/Deployer"
)

// failer is a testing.TB or a rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// at is a time of 2026 or another year, as "2026-10-31" or with "T12:00:00Z".
func at(s string) time.Time {
	if !strings.Contains(s, "T") {
		s += "T00:00:00Z"
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err) // a test's own text
	}
	return t
}

// last90 is the window of the tables: 90 days up to the first of November, so from
// 2026-08-03.
var last90 = usage.Window{Age: 90 * usage.Day, Now: at("2026-11-01")}

// full is a coverage that misses nothing in the 400 days before now.
func full(now time.Time) usage.Coverage {
	region := func(name string) usage.RegionCoverage {
		return usage.RegionCoverage{
			Name: name, Basis: "digests", From: now.Add(-400 * usage.Day), To: now, Gaps: []usage.Gapped{}, Events: 1000, Reads: 500, KMS: 10,
		}
	}
	var data []usage.DataCoverage
	for _, t := range []string{"AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::S3::Object", "AWS::SQS::Queue"} {
		data = append(data, usage.DataCoverage{Type: t, Events: 5, All: true})
	}
	return usage.Coverage{SchemaVersion: 1, Accounts: []usage.AccountCoverage{
		{ID: account, Regions: []usage.RegionCoverage{region("eu-central-1"), region("us-east-1")}, DataEvents: data},
	}}
}

// use is one event of role that is named for the action.
func use(action string, when time.Time) usage.Use {
	when = when.UTC()
	return usage.Use{
		Principal: role, Action: action, Day: when.Format(time.DateOnly), Primary: true, Count: 1, FirstSeen: when, LastSeen: when,
	}
}

// finding is an answer of get-finding-v2 with these findingDetails.
func finding(analyzed time.Time, status, details string) []byte {
	return fmt.Appendf(nil, `{"id":"1","resource":%q,"status":%q,"findingType":"UnusedPermission","analyzedAt":%q,"findingDetails":[%s]}`,
		role, status, analyzed.Format(time.RFC3339), details)
}

// small is a catalog with an action of every kind that sources tell apart.
func small(tb failer) *catalog.Catalog {
	tb.Helper()
	const both = catalog.LastAccessed | catalog.PolicyGeneration
	action := func(name string, level catalog.Level, tracked catalog.Tracking) catalog.ActionFacts {
		return catalog.ActionFacts{Name: name, Level: level, Tracked: tracked}
	}
	operation := func(name string, authorized ...string) catalog.Operation {
		o := catalog.Operation{Name: name}
		for _, a := range authorized {
			service, name, _ := strings.Cut(a, ":")
			o.Authorized = append(o.Authorized, catalog.AuthorizedAction{Service: service, Name: name})
		}
		return o
	}
	c, err := catalog.Build("small", catalog.Facts{Date: "2026-01-01", FactsDate: "2026-01-01", Services: []catalog.ServiceFacts{
		{Prefix: "dynamodb", Actions: []catalog.ActionFacts{action("GetItem", catalog.LevelRead, 0), action("CreateTable", catalog.LevelWrite, both)}},
		{Prefix: "ec2", Actions: []catalog.ActionFacts{
			action("DescribeHosts", catalog.LevelList, both), action("RunInstances", catalog.LevelWrite, both), action("TerminateInstances", catalog.LevelWrite, catalog.PolicyGeneration),
		}},
		{Prefix: "iam", Actions: []catalog.ActionFacts{
			action("CreateRole", catalog.LevelWrite, both), action("ListRoles", catalog.LevelList, both), action("PassRole", catalog.LevelWrite, both),
		}},
		{Prefix: "kms", Actions: []catalog.ActionFacts{action("CreateKey", catalog.LevelWrite, both), action("Decrypt", catalog.LevelWrite, both)}},
		{Prefix: "rds-data", Actions: []catalog.ActionFacts{action("ExecuteStatement", catalog.LevelWrite, both)}},
		{Prefix: "s3", Actions: []catalog.ActionFacts{
			action("CreateBucket", catalog.LevelWrite, both), action("GetBucketAcl", catalog.LevelRead, both), action("GetBucketCORS", catalog.LevelRead, both),
			action("GetObject", catalog.LevelRead, 0), action("GetObjectTagging", catalog.LevelRead, 0), action("ListBucket", catalog.LevelList, 0),
			action("PutBucketCORS", catalog.LevelWrite, both), action("PermissionOnly", catalog.LevelWrite, both),
		}, Operations: []catalog.Operation{
			operation("CreateBucket"), operation("GetBucketAcl"), operation("GetBucketCors", "s3:GetBucketCORS"),
			operation("GetObject", "s3:GetObject", "s3:GetObjectTagging"), operation("PutBucketCors", "s3:PutBucketCORS", "kms:Decrypt"),
		}},
		{Prefix: "sns", Actions: []catalog.ActionFacts{action("ListTopics", catalog.LevelList, 0), action("Publish", catalog.LevelWrite, 0)}},
		{Prefix: "sts", Actions: []catalog.ActionFacts{action("AssumeRole", catalog.LevelWrite, both)}},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// tell is a sighting as a line: state, why, source, last seen, how often, note.
func tell(s usage.Sighting) string {
	out := fmt.Sprint(s.State, " ", s.Why, " ", s.Source)
	if s.Possible {
		out += " possible"
	}
	if !s.Last.IsZero() {
		out += " last " + s.Last.Format(time.DateOnly)
	}
	if s.Count > 0 {
		out += fmt.Sprintf(" ×%d", s.Count)
	}
	if s.Note != "" {
		out += " (" + s.Note + ")"
	}
	return out
}

// ask tells what a source says of actions, and of services written "s3:*".
func ask(s usage.Source, w usage.Window, what ...string) []string {
	var out []string
	for _, q := range what {
		service, name, _ := strings.Cut(strings.ToLower(q), ":")
		if name == "*" {
			out = append(out, tell(s.Service(service, w)))
			continue
		}
		out = append(out, tell(s.Action(policy.Action{Service: service, Name: name}, w)))
	}
	return out
}

// lookup finds actions of a catalog.
func lookup(tb failer, c *catalog.Catalog, names ...string) []*catalog.Action {
	tb.Helper()
	var out []*catalog.Action
	for _, name := range names {
		service, short, _ := strings.Cut(name, ":")
		a := c.Lookup(service, short)
		if a == nil {
			tb.Fatalf("%s: not in the catalog", name)
		}
		out = append(out, a)
	}
	return out
}

// readAll reads a usage.jsonl.
func readAll(r io.Reader) ([]usage.Use, error) {
	var out []usage.Use
	err := usage.ReadUses(r, func(u usage.Use) error {
		out = append(out, u)
		return nil
	})
	return out, err
}

var errEnough = errors.New("enough")

// trailOf is a trail with these uses.
func trailOf(tb failer, c *catalog.Catalog, coverage usage.Coverage, denied usage.DeniedCalls, uses ...usage.Use) *usage.Trail {
	tb.Helper()
	t := usage.NewTrail(c, coverage, denied)
	for u := range slices.Values(uses) {
		if err := t.Add(u); err != nil {
			tb.Fatal(err)
		}
	}
	return t
}
