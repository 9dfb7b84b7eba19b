package samplegen_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/policy"
)

func TestNoHourIsWithoutAnEvent(t *testing.T) {
	hours := map[string]map[time.Time]bool{"eu-west-1": {}, "us-east-1": {}}
	ids := map[string]bool{}
	records := demoWorld(t).records
	for _, r := range records {
		hours[r.AWSRegion][r.EventTime.Truncate(time.Hour)] = true
		ids[r.EventID] = true
		if began := r.UserIdentity.SessionContext.Attributes.CreationDate; began.After(r.EventTime) {
			t.Fatalf("%s at %v, in a session of %v", r.EventName, r.EventTime, began)
		}
	}
	for region, seen := range hours {
		if len(seen) != 120*24 {
			t.Errorf("%s: %d hours, want all of 120 days", region, len(seen))
		}
	}
	if len(ids) != len(records) {
		t.Errorf("%d event ids for %d records", len(ids), len(records))
	}
	if n := len(records); n < 60_000 || n > 100_000 {
		t.Errorf("%d records", n)
	}
}

// Every action of the sample is one that AWS publishes, and the operation, as far as AWS
// maps it, is authorized by it.
func TestEventsAreOperationsOfAWS(t *testing.T) {
	c := catalog.Embedded()
	bad := map[string]bool{}
	for _, r := range demoWorld(t).records {
		action := actionOf(r)
		if action == "" || r.principal() == "" {
			continue
		}
		prefix, name, _ := strings.Cut(action, ":")
		known := c.Lookup(prefix, name)
		if known == nil || known.String() != action {
			bad[action+" isn't in the catalog"] = true
			continue
		}
		operation := known.Service.Details().Operation(r.EventName)
		if operation != nil && len(operation.Authorized) > 0 && !slices.ContainsFunc(operation.Authorized, func(a catalog.AuthorizedAction) bool {
			return a.Service+":"+a.Name == action
		}) {
			bad[r.EventName+" doesn't need "+action] = true
		}
	}
	if len(bad) > 0 {
		t.Errorf("%q", slices.Sorted(maps.Keys(bad)))
	}
}

func TestBulkLogsAreLikeRealOnes(t *testing.T) {
	const n = 2000
	var raw, again, zipped bytes.Buffer
	for _, w := range []io.Writer{&raw, &again} {
		if err := samplegen.BulkLog(w, 7, n); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(raw.Bytes(), again.Bytes()) {
		t.Error("the same seed gives other bytes")
	}
	var file struct{ Records []record }
	if err := json.Unmarshal(raw.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	principals, events, ids := map[string]bool{}, map[string]bool{}, map[string]bool{}
	hour := file.Records[0].EventTime.Truncate(time.Hour)
	for _, r := range file.Records {
		principals[r.principal()] = true
		events[actionOf(r)] = true
		ids[r.EventID] = true
		if !r.EventTime.Truncate(time.Hour).Equal(hour) {
			t.Errorf("an event at %v in the file of %v", r.EventTime, hour)
		}
	}
	if len(file.Records) != n || len(ids) != n || len(principals) < 100 || len(events) < 100 {
		t.Errorf("%d records, %d ids, %d principals, %d actions", len(file.Records), len(ids), len(principals), len(events))
	}
	if size := raw.Len() / n; size < 1600 || size > 1700 {
		t.Errorf("%d bytes a record, want about 1650", size)
	}
	zip := gzip.NewWriter(&zipped)
	if _, err := zip.Write(raw.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	if ratio := float64(raw.Len()) / float64(zipped.Len()); ratio < 7.8 || ratio > 12 {
		t.Errorf("gzip makes it %.1f times smaller, want 8 to 12", ratio)
	}
}

func TestBulkLogOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := samplegen.BulkLog(&b, 1, 0); err != nil || b.String() != `{"Records":[]}` {
		t.Errorf("%s, %v", b.String(), err)
	}
}

// A random world's policies fit where they stand, and are as varied as people's.
func TestRandomPoliciesFit(t *testing.T) {
	a := worlds(t)["a random world"].account
	size := func(name string) int {
		doc, err := policy.Parse(name, []byte(a.texts[name]))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Size()
	}
	check := func(owner string, limit int, list []inline) {
		total := 0
		for _, p := range list {
			total += size(p.PolicyName)
		}
		if total > limit {
			t.Errorf("%s: inline policies of %d characters, limit %d", owner, total, limit)
		}
	}
	for _, r := range a.RoleDetailList {
		check(r.RoleName, policy.RoleInlineLimit, r.RolePolicyList)
	}
	for _, u := range a.UserDetailList {
		check(u.UserName, policy.UserInlineLimit, u.UserPolicyList)
	}
	var sizes []int
	for _, p := range a.Policies {
		sizes = append(sizes, size(p.PolicyName))
	}
	slices.Sort(sizes)
	if median := sizes[len(sizes)/2]; sizes[len(sizes)-1] > policy.ManagedLimit || median < 400 || median > 2500 {
		t.Errorf("sizes of managed policies: %v", sizes)
	}
	all := string(must(json.Marshal(a.texts)))
	for _, want := range []string{"Condition", ":*", `*\"`} {
		if !strings.Contains(all, want) {
			t.Errorf("no policy has %s", want)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func BenchmarkDemo(b *testing.B) {
	for b.Loop() {
		w := demo()
		count := func(_ string, content func(io.Writer) error) error { return content(io.Discard) }
		if err := w.Snapshot(count); err != nil {
			b.Fatal(err)
		}
		if err := w.Logs(count); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBulkLog(b *testing.B) {
	b.SetBytes(2000 * 1650)
	for b.Loop() {
		if err := samplegen.BulkLog(io.Discard, 1, 2000); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLarge(b *testing.B) {
	for b.Loop() {
		w := samplegen.New(catalog.Embedded(), samplegen.Large())
		size := 0
		count := func(_ string, content func(io.Writer) error) error {
			n := &counter{}
			err := content(n)
			size += n.n
			return err
		}
		if err := w.Snapshot(count); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size)/1e6, "MB")
	}
}

type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
