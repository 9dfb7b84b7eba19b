package samplegen_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

func TestSameOptionsSameBytes(t *testing.T) {
	sample, random := samplegen.Demo(), samplegen.Demo()
	sample.Days = 12
	random.Sample, random.Days, random.Roles, random.Users, random.Policies = false, 12, 20, 10, 10
	for name, o := range map[string]samplegen.Options{"the sample": sample, "a random world": random} {
		t.Run(name, func(t *testing.T) {
			all := func(o samplegen.Options) map[string]string { // hashes of the files as written, not unpacked
				w := samplegen.New(catalog.Embedded(), o)
				files := map[string]string{}
				keep := func(name string, content func(io.Writer) error) error {
					var b bytes.Buffer
					err := content(&b)
					files[name] = hashOf(b.Bytes())
					return err
				}
				if err := errors.Join(w.Snapshot(keep), w.Logs(keep)); err != nil {
					t.Fatal(err)
				}
				return files
			}
			first := all(o)
			if diff := cmp.Diff(first, all(o)); diff != "" {
				t.Errorf("-first +second\n%s", diff)
			}
			o.Seed++
			other := all(o)
			const name = "credential-report.csv"
			if first[name] == other[name] {
				t.Errorf("another seed gives the same %s", name)
			}
		})
	}
}

func TestAnErrorOfWriteEndsIt(t *testing.T) {
	w := demo()
	full := errors.New("disk full")
	calls := 0
	write := func(string, func(io.Writer) error) error { calls++; return full }
	for name, run := range map[string]func(func(string, func(io.Writer) error) error) error{"Snapshot": w.Snapshot, "Logs": w.Logs} {
		calls = 0
		if err := run(write); !errors.Is(err, full) || calls != 1 {
			t.Errorf("%s: error %v after %d calls, want %v after 1", name, err, calls, full)
		}
	}
}

func TestEveryFileIsWhatItsNameSays(t *testing.T) {
	kinds := map[string]int{}
	for name, src := range demoWorld(t).files {
		decoded := strings.Contains(name, "/CloudTrail/") // when the world was read
		if !decoded && !strings.HasSuffix(name, ".csv") && !json.Valid(src) {
			t.Errorf("%s isn't JSON", name)
		}
		kind, below, deep := strings.Cut(name, "/")
		if deep && kind == "AWSLogs" {
			kind = strings.Split(below, "/")[1]
		}
		kinds[kind]++
	}
	want := map[string]int{
		"snapshot.json": 1, "authorization-details.json": 1, "credential-report.csv": 1, "access-keys.json": 1,
		"last-accessed": 49, "CloudTrail": 240, "CloudTrail-Digest": 240, "CloudTrail-Insight": 1,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("files -want +got\n%s", diff)
	}
}

func TestSnapshotSaysWhatTheTrailRecords(t *testing.T) {
	type trail struct {
		Regions, DataEvents          []string
		ReadEvents, ManagementEvents bool
	}
	type policies [][]struct{ Version string }
	type snapshot struct {
		SchemaVersion, Window  int
		AccountID, CollectedAt string
		Trails                 []trail
		ServiceControlPolicies policies
	}
	var got snapshot
	if err := json.Unmarshal(demoWorld(t).files["snapshot.json"], &got); err != nil {
		t.Fatal(err)
	}
	want := snapshot{
		SchemaVersion: 1, Window: 90, AccountID: "111122223333", CollectedAt: "2026-11-01T00:00:00Z",
		Trails:                 []trail{{[]string{"eu-west-1", "us-east-1"}, []string{"AWS::S3::Object"}, true, true}},
		ServiceControlPolicies: policies{{{"2012-10-17"}}, {{"2012-10-17"}, {"2012-10-17"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// The readers of the project must find nothing to complain about.
func TestTheReadersAreContent(t *testing.T) {
	files := demoWorld(t).files
	in := func(name string) inventory.File { return inventory.File{Name: name, Bytes: files[name]} }
	a, problems, err := inventory.Parse(inventory.Files{
		Details: []inventory.File{in("authorization-details.json")},
		Report:  in("credential-report.csv"),
		Keys:    []inventory.File{in("access-keys.json")},
	})
	if err != nil || len(problems) > 0 {
		t.Fatalf("error %v, problems %v", err, problems)
	}
	if got := []int{len(a.Roles), len(a.Users), len(a.Groups)}; !slices.Equal(got, []int{37, 12, 2}) {
		t.Errorf("%v roles, users and groups", got)
	}
	for name, src := range files {
		if strings.HasPrefix(name, "last-accessed/") {
			if _, err := usage.ParseLastAccessed(name, src); err != nil {
				t.Error(err)
			}
		}
	}
}

// What is used and isn't denied must be allowed: else no policy of the sample could be
// replayed against its own evidence.
func TestUsesAreGranted(t *testing.T) {
	for name, w := range worlds(t) {
		t.Run(name, func(t *testing.T) {
			granted := grants(t, w.account)
			missing := map[string]bool{}
			for u := range w.Truth() {
				if !u.Denied && !strings.HasSuffix(u.Principal, ":root") && !granted[u.Principal][u.Action] {
					missing[u.Principal+" uses "+u.Action] = true
				}
			}
			if len(missing) > 0 {
				t.Errorf("not granted: %v", missing)
			}
		})
	}
}

// grants are the actions that identity policies allow, by principal, read from a snapshot.
func grants(t *testing.T, a account) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	for arn, docs := range identityPolicies(t, a) {
		out[arn] = map[string]bool{}
		for _, a := range access.Actions(catalog.Embedded(), docs...).Actions {
			out[arn][a.String()] = true
		}
	}
	return out
}

func identityPolicies(t *testing.T, a account) map[string][]*policy.Document {
	t.Helper()
	out := map[string][]*policy.Document{}
	add := func(arn string, inlines []inline, list []attached) {
		var names []string
		for _, p := range inlines {
			names = append(names, p.PolicyName)
		}
		for _, p := range list {
			names = append(names, p.PolicyName)
		}
		for _, name := range names {
			doc, err := policy.Parse(name, []byte(a.texts[name]))
			if err != nil {
				t.Fatal(err)
			}
			out[arn] = append(out[arn], doc)
		}
	}
	for _, r := range a.RoleDetailList {
		add(r.Arn, r.RolePolicyList, r.AttachedManagedPolicies)
	}
	for _, u := range a.UserDetailList {
		add(u.Arn, u.UserPolicyList, u.AttachedManagedPolicies)
		for _, g := range a.GroupDetailList {
			if slices.Contains(u.GroupList, g.GroupName) {
				add(u.Arn, g.GroupPolicyList, g.AttachedManagedPolicies)
			}
		}
	}
	return out
}

func TestBadOptionsPanic(t *testing.T) {
	for name, spoil := range map[string]func(*samplegen.Options){
		"an account of other than twelve digits": func(o *samplegen.Options) { o.AccountID = "1" },
		"no days":                                func(o *samplegen.Options) { o.Days = 0 },
		"a moment within a day":                  func(o *samplegen.Options) { o.Now = o.Now.Add(1) },
		"principals without policies":            func(o *samplegen.Options) { o.Roles = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			o := samplegen.Demo()
			spoil(&o)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			samplegen.New(catalog.Embedded(), o)
		})
	}
}
