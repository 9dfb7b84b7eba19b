package cloudtrail_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/cloudtrail"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err) // a time written in a test
	}
	return t
}

func issuedBy(kind, arn, issuer string) fields {
	return fields{"type": kind, "arn": arn, "sessionContext": fields{"sessionIssuer": fields{"arn": issuer}}}
}

func TestPrincipalOfAnIdentity(t *testing.T) {
	const sts = "arn:aws:sts::111122223333:"
	tests := []struct {
		name     string
		identity fields
		want     string // "" is nobody
	}{
		{"an IAM user", user, ann},
		{"an IAM user with MFA, whose session has no issuer", fields{"type": "IAMUser", "arn": ann, "sessionContext": fields{"sessionIssuer": fields{}, "attributes": fields{}}}, ann},
		{"an IAM user who couldn't sign in", fields{"type": "IAMUser", "userName": "HIDDEN", "accountId": "111122223333"}, ""},
		{"a session of a role, by its issuer", session, worker},
		{"a session of a role without an issuer: the role's path isn't known", fields{"type": "AssumedRole", "arn": sts + "assumed-role/worker/i-1"}, "arn:aws:iam::111122223333:role/worker"},
		{"a session's name with a slash", fields{"type": "AssumedRole", "arn": sts + "assumed-role/worker/a/b"}, "arn:aws:iam::111122223333:role/worker"},
		{"the last role of a chain", issuedBy("AssumedRole", sts+"assumed-role/second/first-session", "arn:aws:iam::111122223333:role/second"), "arn:aws:iam::111122223333:role/second"},
		{"a role of its own", fields{"type": "Role", "arn": worker}, worker},
		{"a federated user: who called GetFederationToken", issuedBy("FederatedUser", sts+"federated-user/Bob", ann), ann},
		{"a federated user without an issuer", fields{"type": "FederatedUser", "arn": sts + "federated-user/Bob"}, ""},
		{"root", fields{"type": "Root", "arn": "arn:aws:iam::111122223333:root"}, "arn:aws:iam::111122223333:root"},
		{"a role of another account", issuedBy("AssumedRole", "arn:aws:sts::999999999999:assumed-role/x/y", "arn:aws:iam::999999999999:role/x"), "arn:aws:iam::999999999999:role/x"},
		{"another partition", fields{"type": "AssumedRole", "arn": "arn:aws-cn:sts::111122223333:assumed-role/worker/i-1"}, "arn:aws-cn:iam::111122223333:role/worker"},
		{"a service", fields{"type": "AWSService", "invokedBy": "s3.amazonaws.com"}, ""},
		{"another account", fields{"type": "AWSAccount", "accountId": "999999999999", "principalId": "AROAX:y"}, ""},
		{"another account, with an ARN", fields{"type": "AWSAccount", "accountId": "999999999999", "arn": "arn:aws:iam::999999999999:user/Eve"}, "arn:aws:iam::999999999999:user/Eve"},
		{"someone signed in by OpenID Connect", fields{"type": "WebIdentityUser", "userName": "x"}, ""},
		{"someone signed in by SAML", fields{"type": "SAMLUser", "userName": "x"}, ""},
		{"an Identity Center user", fields{"type": "IdentityCenterUser", "onBehalfOf": fields{"userId": "1"}}, ""},
		{"a directory's user", fields{"type": "Directory", "userName": "x"}, ""},
		{"unknown", fields{"type": "Unknown"}, ""},
		{"anonymous", fields{"type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL"}, ""},
		{"an ARN that is none", fields{"type": "IAMUser", "arn": "Ann"}, ""},
		{"an ARN without an account", fields{"type": "IAMUser", "arn": "arn:aws:iam:::user/Ann"}, ""},
		{"an ARN longer than any", fields{"type": "IAMUser", "arn": ann + strings.Repeat("x", 3000)}, ""},
		{"no identity", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tally := read(t, cloudtrail.Options{}, log(call("ec2", "DescribeInstances", fields{"userIdentity": tt.identity})))
			var got strings.Builder
			for _, u := range tally.Uses() {
				got.WriteString(u.Principal)
			}
			if got.String() != tt.want {
				t.Errorf("got %q, want %q", got.String(), tt.want)
			}
			if n := tally.Coverage().Records.NoPrincipal; (n == 1) != (tt.want == "") {
				t.Errorf("%d records without a principal", n)
			}
		})
	}
}

// Long identities are remembered by their text: of two sessions that differ only at their
// end, each counts for its own.
func TestSessionsThatAreAlike(t *testing.T) {
	long := func(role string) fields {
		id := issuedBy("AssumedRole", "arn:aws:sts::111122223333:assumed-role/x/y", "arn:aws:iam::111122223333:role/"+role)
		id["accessKeyId"] = string(make([]byte, 300)) // sorts before the issuer, and is escaped
		return fields{"userIdentity": id}
	}
	var records []fields
	for range 3 {
		records = append(records, call("ec2", "DescribeInstances", long("a")), call("ec2", "DescribeInstances", long("b")), call("ec2", "DescribeInstances", long("b")))
	}
	got := map[string]int{}
	for _, u := range read(t, cloudtrail.Options{}, log(records...)).Uses() {
		got[u.Principal] += u.Count
	}
	want := map[string]int{"arn:aws:iam::111122223333:role/a": 3, "arn:aws:iam::111122223333:role/b": 6}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestServicesThatCallForAPrincipal(t *testing.T) {
	via := func(service string) fields {
		id := fields{"invokedBy": service}
		maps.Copy(id, session)
		return fields{"userIdentity": id}
	}
	uses := read(t, cloudtrail.Options{}, log(
		call("ec2", "DescribeInstances", via("cloudformation.amazonaws.com")), call("ec2", "DescribeInstances", via("athena.amazonaws.com")),
		call("ec2", "DescribeInstances", via("athena.amazonaws.com")), call("ec2", "DescribeInstances", fields{"userIdentity": session}),
	)).Uses()
	if len(uses) != 1 || uses[0].Count != 4 || uses[0].Principal != worker {
		t.Fatalf("%+v", uses)
	}
	if diff := cmp.Diff([]string{"athena.amazonaws.com", "cloudformation.amazonaws.com"}, uses[0].Via); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
