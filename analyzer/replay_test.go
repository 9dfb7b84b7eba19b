package analyzer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Whatever the terms on which an action was allowed: a replay asks for a use that was,
// and sees when it no longer is.
func TestReplaySeesALoss(t *testing.T) {
	const role, user = "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:user/bots/ann"
	tests := []struct{ name, principal, action, resource, terms string }{
		{"on anything", role, "s3:ListAllMyBuckets", "", `"Resource": "*"`},
		{"on what the event names", role, "s3:GetObject", "arn:aws:s3:::b/k", `"Resource": "arn:aws:s3:::b/*"`},
		{"on what the statement names, the event naming nothing", role, "s3:GetObject", "", `"Resource": "arn:aws:s3:::b/*"`},
		{"on a key, whose own policy decides too", role, "kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/1", `"Resource": "arn:aws:kms:*:*:key/*"`},
		{"on a role, whose trust policy decides too", role, "sts:AssumeRole", "arn:aws:iam::123456789012:role/b", `"Resource": "*"`},
		{"in another account", role, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:444455556666:q", `"Resource": "*"`},
		{"on what is called after the user", user, "iam:GetUser", user, `"Resource": "arn:aws:iam::123456789012:user/*/${aws:username}"`},
		{"on all but something", role, "s3:GetObject", "", `"NotResource": "arn:aws:s3:::b/*"`},
		{"by a text", role, "s3:GetObject", "", `"Resource": "*", "Condition": {"StringLike": {"aws:PrincipalTag/team": "web-*"}}`},
		{"by an address", role, "s3:GetObject", "", `"Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}`},
		{"by a number less", role, "s3:GetObject", "", `"Resource": "*", "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "900"}}`},
		{"by a number more", role, "s3:GetObject", "", `"Resource": "*", "Condition": {"NumericGreaterThan": {"aws:MultiFactorAuthAge": 9}}`},
		{"by what isn't", role, "s3:GetObject", "", `"Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "web"}, "Null": {"aws:TokenIssueTime": true}}`},
		{"by what is", role, "s3:GetObject", "", `"Resource": "*", "Condition": {"Null": {"aws:TokenIssueTime": false}, "Bool": {"aws:SecureTransport": true}}`},
	}
	for _, tt := range tests {
		use := usage.Use{Principal: tt.principal, Action: tt.action, Day: now.Format(time.DateOnly), Count: 1, FirstSeen: now, LastSeen: now}
		if tt.resource != "" {
			use.Resources = []string{tt.resource}
		}
		text := `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "` + tt.action + `", ` + tt.terms + `}}`
		before := []*policy.Document{parse(t, text)}
		after := []*policy.Document{parse(t, strings.Replace(text, `"Action": "`+tt.action, `"Action": "sns:Publish`, 1))}
		same := analyzer.Replay(before, before, []usage.Use{use}, window)
		if same.Allowed == 0 || same.Differences != nil {
			t.Errorf("%s: of %d requests %d are allowed, differences %v", tt.name, same.Requests, same.Allowed, same.Differences)
		}
		lost := analyzer.Replay(before, after, []usage.Use{use}, window)
		want := []access.Outcome{access.Allowed, access.ImplicitlyDenied}
		if len(lost.Differences) == 0 || lost.Allowed > 0 {
			t.Errorf("%s: the loss isn't seen: %+v", tt.name, lost)
			continue
		}
		if diff := cmp.Diff(want, []access.Outcome{lost.Differences[0].Old, lost.Differences[0].New}); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}

// A use from before the window may be lost, and a Deny is seen too.
func TestReplayGoesByTheWindowAndByDeny(t *testing.T) {
	use := usage.Use{Principal: "arn:aws:iam::123456789012:role/a", Action: "s3:GetObject", Count: 1, FirstSeen: ago(90), LastSeen: ago(90)}
	before := []*policy.Document{allow(t, "s3:*")}
	if got := analyzer.Replay(before, nil, []usage.Use{use}, window); got.Uses != 0 {
		t.Errorf("a use of before the window is replayed: %+v", got)
	}
	use.LastSeen = ago(1)
	denied := append(before, parse(t, `{"Statement": {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}}`))
	got := analyzer.Replay(before, denied, []usage.Use{use}, window)
	if len(got.Differences) == 0 || got.Differences[0].New != access.ExplicitlyDenied {
		t.Errorf("a Deny isn't seen: %+v", got)
	}
}
