package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/usage"
)

// loggedCall is what the recount reads of a record.
type loggedCall struct {
	UserIdentity struct {
		Type, ARN, InvokedBy string
		SessionContext       struct{ SessionIssuer struct{ ARN string } }
	}
	EventTime                                    time.Time
	EventSource, EventName, EventType, ErrorCode string
	RequestParameters                            json.RawMessage
}

// by is the ARN of who made the call; "" if it is nobody of the account.
func (c *loggedCall) by() string {
	switch c.UserIdentity.Type {
	case "AssumedRole", "FederatedUser":
		return c.UserIdentity.SessionContext.SessionIssuer.ARN
	case "IAMUser", "Root":
		return c.UserIdentity.ARN
	}
	return ""
}

// namedOtherwise are the sample's events that aren't called after the action that they
// are for.
var namedOtherwise = map[string]string{
	"s3:HeadObject": "s3:GetObject", "s3:ListObjects": "s3:ListBucket", "s3:HeadBucket": "s3:ListBucket",
	"s3:ListBuckets": "s3:ListAllMyBuckets", "s3:GetBucketLifecycle": "s3:GetLifecycleConfiguration",
	"s3:GetBucketEncryption":         "s3:GetEncryptionConfiguration",
	"access-analyzer:GetFindingV2":   "access-analyzer:GetFinding",
	"access-analyzer:ListFindingsV2": "access-analyzer:ListFindings",
}

// needs are the actions that a call is for and those that it may need too, by AWS's list
// of operations.
func (c *loggedCall) needs() (primary string, possible []string) {
	service := strings.TrimSuffix(c.EventSource, ".amazonaws.com")
	switch service {
	case "monitoring":
		service = "cloudwatch"
	case "tagging":
		service = "tag"
	}
	operation, _, _ := strings.Cut(c.EventName, "2015")
	primary = service + ":" + operation
	known := catalog.Embedded().Service(service)
	if known == nil || c.EventType != "AwsApiCall" || primary == "sts:GetCallerIdentity" {
		return "", nil
	}
	op := known.Details().Operation(operation)
	if other := namedOtherwise[primary]; other != "" {
		primary = other
	} else if known.Lookup(operation) == nil {
		return "", nil
	}
	if op != nil {
		for _, a := range op.Authorized {
			if name := a.Service + ":" + a.Name; name != primary && name != "iam:PassRole" {
				possible = append(possible, name)
			}
		}
	}
	return primary, possible
}

// counts says whether a day is recounted: "2026-10-31", or "31".
func counts(day string) bool { return int(day[len(day)-1]-'0')%someDays == 0 }

// recount counts the uses of the logs of the days that count, whatever the resource.
func recount(t *testing.T, w *madeWorld) []usage.Use {
	t.Helper()
	counted := map[string]*usage.Use{}
	for _, name := range w.logs {
		if !strings.Contains(name, "_CloudTrail_") || !counts(path.Base(path.Dir(name))) {
			continue // digests and Insights, and other days
		}
		for _, c := range callsOf(t, filepath.Join(w.dir, name)) {
			primary, possible := c.needs()
			if c.by() == "" || primary == "" {
				continue
			}
			c.count(counted, usage.Use{Action: primary, Primary: true})
			for _, a := range possible {
				c.count(counted, usage.Use{Action: a})
			}
			passes := bytes.Contains(c.RequestParameters, []byte(":role/"))
			if passes && !strings.HasPrefix(primary, "sts:") && !strings.HasPrefix(primary, "iam:") {
				c.count(counted, usage.Use{Action: "iam:PassRole", Inferred: true})
			}
		}
	}
	var out []usage.Use
	for _, u := range counted {
		out = append(out, *u)
	}
	slices.SortFunc(out, usage.Use.Compare)
	return out
}

func callsOf(t *testing.T, file string) []*loggedCall {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	var log struct{ Records []*loggedCall }
	if err := json.NewDecoder(zip).Decode(&log); err != nil {
		t.Fatal(err)
	}
	return log.Records
}

// count counts the call for a line.
func (c *loggedCall) count(counted map[string]*usage.Use, u usage.Use) {
	u.Principal, u.Day = c.by(), c.EventTime.UTC().Format(time.DateOnly)
	key := strings.Join([]string{u.Principal, u.Action, u.Day, strconv.FormatBool(u.Primary)}, " ")
	one := counted[key]
	if one == nil {
		one = &u
		one.FirstSeen, one.LastSeen = c.EventTime, c.EventTime
		counted[key] = one
	}
	one.Count++
	if c.ErrorCode != "" {
		one.Denied++
	}
	seen(one, c.EventTime, c.EventTime, c.UserIdentity.InvokedBy)
}

// seen adds times and a service to a line.
func seen(u *usage.Use, first, last time.Time, via ...string) {
	if first.Before(u.FirstSeen) {
		u.FirstSeen = first
	}
	if last.After(u.LastSeen) {
		u.LastSeen = last
	}
	for _, service := range via {
		if service != "" && !slices.Contains(u.Via, service) {
			u.Via = append(u.Via, service)
		}
	}
	slices.Sort(u.Via)
}

// anyResource joins the lines of the days that count that differ in the type of resource
// alone.
func anyResource(lines []usage.Use) []usage.Use {
	var out []usage.Use
	for _, u := range lines {
		if !counts(u.Day) {
			continue
		}
		u.ResourceType, u.Resources = "", nil
		i, found := slices.BinarySearchFunc(out, u, usage.Use.Compare)
		if !found {
			out = slices.Insert(out, i, u)
			continue
		}
		out[i].Count += u.Count
		out[i].Denied += u.Denied
		seen(&out[i], u.FirstSeen, u.LastSeen, u.Via...)
	}
	return out
}

// agreesWithRecount checks that what ingest makes of log files is what encoding/json and a
// few lines of counting make of them, record for record; but for the types of resources,
// which package cloudtrail tests. The uses of actions are those that truly were.
func agreesWithRecount(t *testing.T, w *madeWorld) {
	lines := w.uses(t)
	var got []usage.Use
	for _, arn := range slices.Sorted(maps.Keys(lines)) {
		got = append(got, anyResource(lines[arn])...)
	}
	want := recount(t, w)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-recount +ingest\n%.4000s", diff)
	}
	if len(want) < 20_000/someDays {
		t.Errorf("only %d lines: the test checks little", len(want))
	}
	type key struct {
		principal, action, day string
	}
	used := map[key]int{}
	for _, u := range w.truth {
		if u.Logged && counts(u.Time.Format(time.DateOnly)) {
			used[key{u.Principal, u.Action, u.Time.Format(time.DateOnly)}]++
		}
	}
	for _, u := range got {
		if u.Primary || u.Inferred {
			used[key{u.Principal, u.Action, u.Day}] -= u.Count
		}
	}
	for k, n := range used {
		if n != 0 {
			t.Errorf("%s used %s on %s %d times more than was read", k.principal, k.action, k.day, n)
		}
	}
}
