package usage_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/usage"
)

// anyUse draws a use with any of its members, texts that need escapes among them.
func anyUse(t *rapid.T) usage.Use {
	first := at("2026-10-01").Add(time.Duration(rapid.Int64Range(0, int64(12*time.Hour)).Draw(t, "first")))
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "arn:aws:s3:::b/k", "\"\\/<>&\u2028\x00\x7f\t\n", "é😀"}))
	u := use(rapid.SampledFrom([]string{"s3:GetObject", "s3:PutObject", "iam:PassRole"}).Draw(t, "action"), first)
	u.LastSeen = first.Add(time.Duration(rapid.Int64Range(0, int64(11*time.Hour)).Draw(t, "further")))
	u.ResourceType = text.Draw(t, "type")
	u.Primary, u.Inferred = rapid.Bool().Draw(t, "primary"), rapid.Bool().Draw(t, "inferred")
	u.Count = rapid.IntRange(1, 1<<40).Draw(t, "count")
	u.Denied = rapid.IntRange(0, u.Count).Draw(t, "denied")
	u.Via, u.Resources = rapid.SliceOfN(text, 0, 3).Draw(t, "via"), rapid.SliceOfN(text, 0, 3).Draw(t, "resources")
	return u
}

// A line is what json.Marshal makes of the use.
func TestWriteUsesIsMarshal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := anyUse(t)
		want, err := json.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := usage.WriteUses(&got, slices.Values([]usage.Use{u})); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want)+"\n", got.String()); diff != "" {
			t.Fatalf("(-json.Marshal +WriteUses):\n%s", diff)
		}
	})
}

// What json.Marshal refuses isn't written either, nor are names that are wrong behind a
// line whose names are right.
func TestWriteUsesRefuses(t *testing.T) {
	early, late := use("s3:GetObject", at("2026-10-01")), use("s3:GetObject", at("2026-10-02"))
	const broken = "\x80"
	tests := []struct {
		name, want string
		change     func(*usage.Use)
	}{
		{"a resource that isn't UTF-8", "usage.jsonl:2: jsontext: invalid UTF-8", func(u *usage.Use) { u.Resources = []string{broken} }},
		{"a year that has five digits", "usage.jsonl:2: Time.AppendText: year outside of range [0,9999]", func(u *usage.Use) { *u = use("s3:PutObject", time.Date(12026, 10, 1, 0, 0, 0, 0, time.UTC)) }},
		{"another action", `usage.jsonl:2: action "x": want service:name`, func(u *usage.Use) { u.Action = "x" }},
		{"another principal", `usage.jsonl:2: principal "x": want the ARN`, func(u *usage.Use) { u.Principal = "x" }},
		{"a count below 1", "usage.jsonl:2: count 0, denied 0: want at least one event", func(u *usage.Use) { u.Count = 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			second := late
			tt.change(&second)
			err := usage.WriteUses(new(bytes.Buffer), slices.Values([]usage.Use{early, second}))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%v, want %s…", err, tt.want)
			}
		})
	}
}
