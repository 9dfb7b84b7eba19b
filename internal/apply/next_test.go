package apply

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// cloud is one policy as AWS keeps it: it numbers versions, and refuses what AWS refuses.
type cloud struct {
	value Value
	last  int
}

func (c *cloud) call(t *rapid.T, call Call) {
	made := fmt.Sprintf("v%d", c.last+1)
	switch call.Op {
	case OpCreateVersion:
		if len(c.value.Others)+1 == maxVersions {
			t.Fatalf("a sixth version")
		}
		c.last++
	case OpDeleteVersion, OpSetDefault:
		if call.Version == c.value.Version || !c.value.has(call.Version) {
			t.Fatalf("%s of %s: it has %v", call.Op, call.Version, c.value)
		}
	case OpCreatePolicy:
		c.last++
	}
	c.value = after(Policy{}, c.value, Value{}, call, made)
}

// documents are those of all versions, the default's first, the others sorted.
func documents(v Value) []string {
	var others []string
	for _, o := range v.Others {
		others = append(others, o.Document)
	}
	slices.Sort(others)
	return append([]string{v.Document}, others...)
}

// However often it is interrupted, wherever, a policy gets its new version once, and gets
// back what it had: the default's very version, and the documents of the others.
func TestPolicyThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SampledFrom([]string{`{"a":1}`, `{"b":1}`, `{"c":1}`, `{"d":1}`})
		world := &cloud{}
		for n := rapid.IntRange(1, maxVersions).Draw(t, "versions"); world.last < n; {
			world.last++
			world.value.Others = append(world.value.Others, Version{fmt.Sprintf("v%d", world.last), texts.Draw(t, "text")})
		}
		i := rapid.IntRange(0, len(world.value.Others)-1).Draw(t, "default")
		chosen := world.value.Others[i]
		world.value = Value{There: true, Version: chosen.ID, Document: chosen.Document, Others: slices.Delete(world.value.Others, i, i+1)}
		before := world.value
		before.Others = slices.Clone(before.Others)
		to := withDocument(texts.Filter(func(s string) bool { return s != chosen.Document }).Draw(t, "new"))

		var dropped []string
		go1 := course{target: Policy{Name: "p"}, from: before, to: to}
		stop := rapid.IntRange(0, 3).Draw(t, "interrupted after")
		for range stop {
			m := go1.next(world.value)
			if m.conflict != "" {
				t.Fatal(m.conflict)
			}
			if m.arrived() {
				break
			}
			if m.call.Op == OpDeleteVersion {
				dropped = append(dropped, m.call.Version)
			}
			world.call(t, *m.call)
		}
		if stop == 3 && !go1.next(world.value).arrived() {
			t.Fatalf("after three calls: %v", world.value)
		}
		back := course{target: Policy{Name: "p"}, from: to, to: before, back: true, dropped: dropped}
		for n := 0; ; n++ {
			m := back.next(world.value)
			if m.conflict != "" || n > 5 {
				t.Fatalf("back, call %d: %s, at %v", n, m.conflict, world.value)
			}
			if m.arrived() {
				break
			}
			world.call(t, *m.call)
		}
		if diff := cmp.Diff(documents(before), documents(world.value)); diff != "" || world.value.Version != before.Version {
			t.Fatalf("version %s: -want +got\n%s", world.value.Version, diff)
		}
	})
}

// What somebody else did is never overwritten.
func TestConflicts(t *testing.T) {
	p, own, other := Policy{ARN: "arn", Name: "p"}, withDocument(`{"old":1}`), withDocument(`{"other":1}`)
	own.Version, other.Version = "v1", "v2"
	wanted := withDocument(`{"new":1}`)
	made := wanted
	made.Version = "v3"
	made.Others = []Version{{"v1", own.Document}}
	again := own
	again.Version = "v4"
	second := made
	second.Others = []Version{{"v4", other.Document}}
	for _, test := range []struct {
		name   string
		course course
		live   Value
		want   string
	}{
		{"a policy that says something else", course{target: p, from: own, to: wanted}, other, "changed it"},
		{"a policy with its text in another version", course{target: p, from: own, to: wanted}, again, "changed it"},
		{"a policy that is gone", course{target: p, from: own, to: wanted}, Value{}, "changed it"},
		{"a policy of the name to make", course{target: p, to: wanted}, other, "changed it"},
		{"back: a newer default", course{target: p, from: wanted, to: own, back: true}, other, "changed it"},
		{"back: the old version is deleted", course{target: p, from: wanted, to: own, back: true}, second, "deleted its version v1"},
		{"back: a made policy with a second version", course{target: p, from: wanted, back: true}, made, "another version"},
		{"an inline policy", course{target: Inline{app, "x"}, from: own, to: wanted}, other, "changed it"},
		{"an inline policy that is there", course{target: Inline{app, "x"}, to: wanted}, other, "changed it"},
		{"a key that is gone", course{target: AccessKey{"ann", "AKIA"}, from: Value{There: true, Text: keyActive}, to: Value{There: true, Text: keyInactive}}, Value{}, "changed it"},
		{"back: a key that was deleted", course{target: AccessKey{"ann", "AKIA"}, to: Value{There: true, Text: keyInactive}}, Value{}, "doesn't give it back"},
		{"back: a password that was deleted", course{target: Password{"ann"}, to: there}, Value{}, "doesn't give it back"},
		{"a role whose trust changed", course{target: Role{"r"}, from: own}, other, "changed it"},
		{"a tag with another value", course{target: RoleTag{"r", "k"}, from: Value{}, to: Value{There: true, Text: "1"}}, Value{There: true, Text: "2"}, "changed it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.course.next(test.live); !strings.Contains(got.conflict, test.want) || got.call != nil {
				t.Errorf("got %+v, want %q", got, test.want)
			}
		})
	}
}
