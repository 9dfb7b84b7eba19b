package watch_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/internal/apply"
	"github.com/pare-iam/pare/internal/watch"
)

// began is when the first step of the plan in these tests was applied; each next one a
// minute after.
var began = time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)

const account = "arn:aws:iam::111122223333:"

// document is a value as a plan has it.
func document(text string) apply.Value {
	canonical := jsontext.Value(text).Clone()
	if err := canonical.Canonicalize(); err != nil {
		panic(err) // the tests' own
	}
	sum := sha256.Sum256(canonical)
	return apply.Value{There: true, Document: text, SHA256: hex.EncodeToString(sum[:])}
}

// allowing is a policy that allows actions on a resource.
func allowing(resource, actions string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["` + strings.ReplaceAll(actions, " ", `","`) + `"],"Resource":"` + resource + `"}}`
}

// plan is of four steps: s1 takes s3:GetBucketAcl and s3:GetBucketPolicy from the role app, s2
// detaches a policy of sqs from app and from the user ann, s3 quarantines the role idle, s4 takes
// reads of secret objects from app, which loses s3:GetBucketPolicy in it as well.
func plan() *apply.Plan {
	app, ann, idle := apply.Entity{Kind: apply.RoleEntity, Name: "app"}, apply.Entity{Kind: apply.UserEntity, Name: "ann"}, apply.Entity{Kind: apply.RoleEntity, Name: "idle"}
	return &apply.Plan{
		SchemaVersion: apply.Schema, Account: "111122223333", Partition: "aws", MadeAt: began,
		Steps: []apply.Step{
			{ID: "s1", Title: "narrow Own", Principal: account + "role/service/app", Affects: []string{account + "role/service/app"}, Actions: []apply.Action{
				{ID: "a1", Target: apply.Inline{Of: app, Name: "Own"}, Expect: document(allowing("*", "s3:GetBucketAcl s3:GetBucketPolicy s3:ListBucket")), Leave: document(allowing("*", "s3:ListBucket"))},
			}},
			{ID: "s2", Title: "detach Queues", Principal: account + "role/service/app", Affects: []string{account + "role/service/app", account + "user/ann"}, Actions: []apply.Action{
				{ID: "a2", Target: apply.Attachment{Of: app, Policy: account + "policy/Queues"}, Expect: document(allowing("*", "sqs:*"))},
				{ID: "a3", Target: apply.Attachment{Of: ann, Policy: account + "policy/Queues"}, Expect: document(allowing("*", "sqs:*"))},
			}},
			{ID: "s3", Title: "quarantine idle", Principal: account + "role/idle", Actions: []apply.Action{
				{ID: "a4", Target: apply.Inline{Of: idle, Name: apply.QuarantinePolicy}, Leave: document(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)},
			}},
			{ID: "s4", Title: "narrow Secrets", Principal: account + "role/service/app", Affects: []string{account + "role/service/app"}, Actions: []apply.Action{
				{ID: "a5", Target: apply.Inline{Of: app, Name: "Secrets"}, Expect: document(allowing("arn:aws:s3:::secrets*", "s3:GetObject s3:PutObjectTagging s3:GetBucketPolicy")), Leave: document(allowing("arn:aws:s3:::secrets*", "s3:ListBucket"))},
			}},
		},
	}
}

// journal is the text of a journal: what is done after the plan's line.
func journal(t *testing.T, lines ...apply.Line) []byte {
	t.Helper()
	return journalOf(t, plan(), lines...)
}

func journalOf(t *testing.T, p *apply.Plan, lines ...apply.Line) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, line := range append([]apply.Line{{SchemaVersion: apply.Schema, Kind: apply.LinePlan, At: began.Add(-time.Hour), Plan: p}}, lines...) {
		src, err := json.Marshal(line, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(src, '\n'))
	}
	return b.Bytes()
}

// applied are the lines of a plan that was applied to its end.
func applied() []apply.Line {
	var out []apply.Line
	for i, action := range []string{"a1", "a2", "a3", "a4", "a5"} {
		at := began.Add(time.Duration(i) * time.Minute)
		out = append(out,
			apply.Line{Kind: apply.LineCall, At: at, Direction: apply.Applying, Action: action, Call: &apply.Call{Op: apply.OpPutInline}},
			apply.Line{Kind: apply.LineReach, At: at, Direction: apply.Applying, Action: action, Outcome: apply.Applied})
	}
	return out
}

// undone are the lines of a step that was taken back, an hour after the first change.
func undone(actions ...string) []apply.Line {
	var out []apply.Line
	for _, action := range actions {
		out = append(out, apply.Line{Kind: apply.LineReach, At: began.Add(time.Hour), Direction: apply.TakingBack, Action: action, Outcome: apply.Undone})
	}
	return out
}

func TestReadChanges(t *testing.T) {
	whole := journal(t, applied()...)
	for name, src := range map[string][]byte{
		"whole": whole, "while a line is being written": append(bytes.Clone(whole), `{"kind":"re`...),
	} {
		c, err := watch.ReadChanges("j", src)
		if err != nil || !c.Since.Equal(began) || c.Principals() != 3 {
			t.Errorf("%s: %v, since %v", name, err, c)
		}
	}
	if c, err := watch.ReadChanges("j", journal(t)); err != nil || !c.Since.IsZero() {
		t.Errorf("nothing applied: %v, %v", c, err)
	}
	for want, src := range map[string]string{
		"j: no whole line in it":             "",
		"j:1: ":                              "x\n",
		"j:1: no plan in the first line":     `{"schemaVersion":1,"kind":"begin","at":"2026-05-01T10:00:00Z"}` + "\n",
		"j:1: schemaVersion 9: this pare":    `{"schemaVersion":9,"kind":"plan","at":"2026-05-01T10:00:00Z"}` + "\n",
		"j:2: ":                              string(journal(t)) + "{\n",
		"as pare apply PLAN --yes writes it": "[]\n",
	} {
		if _, err := watch.ReadChanges("j", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", src, err, want)
		}
	}
}
