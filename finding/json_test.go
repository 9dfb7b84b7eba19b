package finding_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/finding"
)

const (
	roleARN = "arn:aws:iam::123456789012:role/service/App"
	userARN = "arn:aws:iam::123456789012:user/ann"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }

func base(t finding.Type, resource string) finding.Finding {
	return finding.Finding{
		ID: "f1", Type: t, Status: finding.Active, Resource: resource, Account: "123456789012",
		AnalyzedAt: day(3), CreatedAt: day(1), UpdatedAt: day(2),
	}
}

const head = `{"id":"f1","findingType":`
const times = `"resourceOwnerAccount":"123456789012","analyzedAt":"2026-01-03T12:00:00Z","createdAt":"2026-01-01T12:00:00Z","updatedAt":"2026-01-02T12:00:00Z","findingDetails":`

func TestFindingsInTheShapeOfTheAPI(t *testing.T) {
	role, never := base(finding.UnusedIAMRole, roleARN), base(finding.UnusedIAMRole, roleARN)
	role.LastAccessed, role.ResourceID, role.Change, role.Sources = day(1), "AROA1", finding.New, []string{"iam-role-last-used"}
	key := base(finding.UnusedIAMUserAccessKey, userARN)
	key.AccessKeyID, key.Status, key.ArchivedBy = "AKIA1", finding.Archived, "dev"
	password := base(finding.UnusedIAMUserPassword, userARN)
	password.LastAccessed = day(1)
	permission := base(finding.UnusedPermission, roleARN)
	permission.Permissions = []finding.Permissions{
		{Namespace: "s3", LastAccessed: day(3), Granted: 58, Kept: 3, Actions: []finding.Action{
			{Name: "s3:GetBucketAcl", LastAccessed: day(1), Source: "iam-last-accessed"}, {Name: "s3:GetBucketCORS"},
		}},
		{Namespace: "sqs", Granted: 20, Source: "iam-last-accessed"},
	}
	const isRole, isUser = `"status":"ACTIVE","resource":"` + roleARN + `","resourceType":"AWS::IAM::Role",`, `"status":"ACTIVE","resource":"` + userARN + `","resourceType":"AWS::IAM::User",`
	tests := []struct {
		name    string
		finding finding.Finding
		json    string
	}{
		{"a role", role, head + `"UnusedIAMRole",` + isRole + times + `[{"unusedIamRoleDetails":{"lastAccessed":"2026-01-01T12:00:00Z"}}],` +
			`"resourceId":"AROA1","change":"new","sources":["iam-role-last-used"]}`},
		{"a role that was never used", never, head + `"UnusedIAMRole",` + isRole + times + `[{"unusedIamRoleDetails":{}}]}`},
		{"a key that a rule archived", key, head + `"UnusedIAMUserAccessKey","status":"ARCHIVED","resource":"` + userARN + `","resourceType":"AWS::IAM::User",` + times +
			`[{"unusedIamUserAccessKeyDetails":{"accessKeyId":"AKIA1"}}],"archivedBy":"dev"}`},
		{"a password", password, head + `"UnusedIAMUserPassword",` + isUser + times + `[{"unusedIamUserPasswordDetails":{"lastAccessed":"2026-01-01T12:00:00Z"}}]}`},
		{"permissions: actions by their bare names, a whole service without any", permission, head + `"UnusedPermission",` + isRole + times +
			`[{"unusedPermissionDetails":{"serviceNamespace":"s3","actions":[{"action":"GetBucketAcl","lastAccessed":"2026-01-01T12:00:00Z","source":"iam-last-accessed"},{"action":"GetBucketCORS"}],` +
			`"lastAccessed":"2026-01-03T12:00:00Z","granted":58,"kept":3}},{"unusedPermissionDetails":{"serviceNamespace":"sqs","granted":20,"source":"iam-last-accessed"}}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(tt.finding)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.json, string(text)); diff != "" {
				t.Errorf("written: -want +got\n%s", diff)
			}
			var back finding.Finding
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.finding, back); diff != "" {
				t.Errorf("read back: -want +got\n%s", diff)
			}
		})
	}
}

func TestReadsActionsWithTheirService(t *testing.T) {
	var f finding.Finding
	text := head + `"UnusedPermission","status":"ACTIVE","resource":"` + roleARN + `","resourceType":"AWS::IAM::Role","isNew":true,
		"findingDetails":[{"unusedPermissionDetails":{"serviceNamespace":"s3","actions":[{"action":"s3:GetBucketAcl"}]}}]}`
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	want := []finding.Permissions{{Namespace: "s3", Actions: []finding.Action{{Name: "s3:GetBucketAcl"}}}}
	if diff := cmp.Diff(want, f.Permissions); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRefusesWhatIsNoFinding(t *testing.T) {
	const ok = `"status":"ACTIVE","resource":"` + roleARN + `","resourceType":"AWS::IAM::Role"`
	tests := []struct{ name, text, want string }{
		{"a finding of external access", head + `"ExternalAccess",` + ok + `}`,
			`finding "f1": findingType "ExternalAccess": want one of UnusedIAMRole, UnusedIAMUserAccessKey, UnusedIAMUserPassword, UnusedPermission`},
		{"no id", `{"findingType":"UnusedIAMRole",` + ok + `}`, `finding "": no id`},
		{"a status of one's own", head + `"UnusedIAMRole","status":"OPEN","resource":"` + roleARN + `","resourceType":"AWS::IAM::Role"}`,
			`finding "f1": status "OPEN": want one of ACTIVE, ARCHIVED, RESOLVED`},
		{"a change of one's own", head + `"UnusedIAMRole",` + ok + `,"change":"old"}`,
			`finding "f1": change "old": want one of new, unchanged, updated, partly fixed, resolved, reopened, not judged`},
		{"no resource", head + `"UnusedIAMRole","status":"ACTIVE"}`, `finding "f1": no resource: want the ARN of a role or user`},
		{"a user that is called a role", head + `"UnusedPermission","status":"ACTIVE","resource":"` + userARN + `","resourceType":"AWS::IAM::Role"}`,
			`finding "f1": resourceType "AWS::IAM::Role": want "AWS::IAM::User", which "` + userARN + `" is`},
		{"an empty list of actions, which must not become the whole service",
			head + `"UnusedPermission",` + ok + `,"findingDetails":[{"unusedPermissionDetails":{"serviceNamespace":"s3","actions":[]}}]}`,
			`empty: list the unused actions, or leave "actions" out if the whole service is unused`},
		{"no list of actions", head + `"UnusedPermission",` + ok + `,"findingDetails":[{"unusedPermissionDetails":{"serviceNamespace":"s3","actions":null}}]}`,
			`empty: list the unused actions, or leave "actions" out if the whole service is unused`},
		{"no namespace", head + `"UnusedPermission",` + ok + `,"findingDetails":[{"unusedPermissionDetails":{}}]}`, `finding "f1": findingDetails[0]: no serviceNamespace`},
		{"details of another type", head + `"UnusedIAMRole",` + ok + `,"findingDetails":[{"unusedPermissionDetails":{"serviceNamespace":"s3"}}]}`,
			`finding "f1": findingDetails[0]: want one member, that of UnusedIAMRole`},
		{"two details in one", head + `"UnusedIAMRole",` + ok + `,"findingDetails":[{"unusedIamRoleDetails":{},"unusedIamUserPasswordDetails":{}}]}`,
			`finding "f1": findingDetails[0]: want one member, that of UnusedIAMRole`},
		{"two details of what has one", head + `"UnusedIAMRole",` + ok + `,"findingDetails":[{"unusedIamRoleDetails":{}},{"unusedIamRoleDetails":{}}]}`,
			`finding "f1": findingDetails: 2 entries: want one in a finding of type UnusedIAMRole`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f finding.Finding
			err := json.Unmarshal([]byte(tt.text), &f)
			if err == nil || !endsWith(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func endsWith(s, tail string) bool { return len(s) >= len(tail) && s[len(s)-len(tail):] == tail }

// drawn makes a finding such as an analysis could.
func drawn(t *rapid.T) finding.Finding {
	name := rapid.StringMatching(`[A-Za-z0-9]{1,8}`)
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return rapid.SampledFrom([]time.Time{{}, day(1), day(2).Add(123 * time.Millisecond)}).Draw(t, "time")
	})
	f := base(rapid.SampledFrom(finding.Types()).Draw(t, "type"), userARN)
	f.ID, f.ResourceID = name.Draw(t, "id"), rapid.SampledFrom([]string{"", "AIDA1"}).Draw(t, "resource id")
	f.Status = rapid.SampledFrom([]finding.Status{finding.Active, finding.Archived, finding.Resolved}).Draw(t, "status")
	f.Change = rapid.SampledFrom([]finding.Change{"", finding.New, finding.PartlyFixed, finding.NotJudged}).Draw(t, "change")
	f.AnalyzedAt, f.CreatedAt = at.Draw(t, "analyzed"), at.Draw(t, "created")
	switch f.Type {
	case finding.UnusedIAMRole:
		f.Resource = roleARN
		f.LastAccessed = at.Draw(t, "last")
	case finding.UnusedIAMUserPassword:
		f.LastAccessed = at.Draw(t, "last")
	case finding.UnusedIAMUserAccessKey:
		f.AccessKeyID, f.KeySlot = rapid.SampledFrom([]string{"", "AKIA1"}).Draw(t, "key"), rapid.IntRange(0, 2).Draw(t, "slot")
	case finding.UnusedPermission:
		for range rapid.IntRange(0, 3).Draw(t, "services") {
			p := finding.Permissions{Namespace: name.Draw(t, "namespace"), LastAccessed: at.Draw(t, "service last"), Kept: rapid.IntRange(0, 9).Draw(t, "kept")}
			for range rapid.IntRange(0, 3).Draw(t, "actions") {
				p.Actions = append(p.Actions, finding.Action{Name: p.Namespace + ":" + name.Draw(t, "action"), LastAccessed: at.Draw(t, "action last")})
			}
			f.Permissions = append(f.Permissions, p)
		}
	}
	return f
}

func TestEveryFindingComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawn(t)
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var back finding.Finding
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		if diff := cmp.Diff(f, back); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	})
}

// What is read, written and read again is the same, and so is its text.
func FuzzFinding(f *testing.F) {
	f.Add([]byte(head + `"UnusedPermission","status":"ACTIVE","resource":"` + roleARN + `","resourceType":"AWS::IAM::Role","findingDetails":[{"unusedPermissionDetails":{"serviceNamespace":"s3","actions":[{"action":"GetBucketAcl"}]}}]}`))
	f.Add([]byte(head + `"UnusedIAMUserAccessKey","status":"ARCHIVED","resource":"x","resourceType":"AWS::IAM::User",` + times + `[{"unusedIamUserAccessKeyDetails":{"accessKeyId":"AKIA1"}}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		var first, second finding.Finding
		if err := json.Unmarshal(src, &first); err != nil {
			t.Skip()
		}
		text, err := json.Marshal(first)
		if err != nil {
			t.Skip() // a time that RFC 3339 can't write
		}
		if err := json.Unmarshal(text, &second); err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		again, err := json.Marshal(second)
		if err != nil || string(again) != string(text) {
			t.Errorf("%s\n%s %v", text, again, err)
		}
	})
}

func TestDecodingInAList(t *testing.T) {
	text, err := json.Marshal([]finding.Finding{base(finding.UnusedIAMRole, roleARN)}, jsontext.WithIndent(" "))
	if err != nil {
		t.Fatal(err)
	}
	var back []finding.Finding
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]finding.Finding{base(finding.UnusedIAMRole, roleARN)}, back); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
