package prove_test

import (
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

func granting(t *testing.T, src string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse("policy", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestNotGranted(t *testing.T) {
	const reader = `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["s3:Get*", "iam:PassRole"], "Resource": "arn:aws:s3:::logs/*"},
		{"Effect": "Deny", "Action": "s3:GetBucketAcl", "Resource": "*"}]}`
	for name, c := range map[string]struct {
		actions, resources []string
		want               prove.Verdict
	}{
		"an action that is allowed":                         {[]string{"iam:PassRole"}, nil, prove.Refuted},
		"a pattern that meets one that is allowed":          {[]string{"s3:*Object"}, nil, prove.Refuted},
		"an action that nothing allows":                     {[]string{"iam:CreateUser"}, nil, prove.Proved},
		"an action that is allowed and denied":              {[]string{"s3:GetBucketAcl"}, nil, prove.Proved},
		"an action that is allowed on another resource":     {[]string{"s3:GetObject"}, []string{"arn:aws:s3:::secrets/*"}, prove.Proved},
		"one of several actions on one of several":          {[]string{"iam:*", "s3:GetObject"}, []string{"arn:aws:s3:::secrets/*", "arn:aws:s3:::logs/2*"}, prove.Refuted},
		"anything on a resource":                            {nil, []string{"arn:aws:s3:::logs/today"}, prove.Refuted},
		"anything at all":                                   {nil, nil, prove.Refuted},
		"a pattern on which the policy's own pattern stops": {nil, []string{"arn:aws:s3:::logs"}, prove.Proved},
	} {
		asked, err := prove.AccessTo(c.actions, c.resources)
		if err != nil {
			t.Fatal(err)
		}
		got := prove.NotGranted(catalog.Embedded(), []*policy.Document{granting(t, reader)}, asked)
		if got.Verdict != c.want || (got.Verdict == prove.Refuted) != (got.Counterexample != nil) {
			t.Errorf("%s: %v %+v, want %v", name, got.Verdict, got.Counterexample, c.want)
		}
	}
	if _, err := prove.AccessTo([]string{"passrole"}, nil); err == nil {
		t.Error("an action without a service: no error")
	}
}

// Policies that are asked about together deny for each other.
func TestNoNewAccess(t *testing.T) {
	old := granting(t, `{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}`)
	next := granting(t, `{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`)
	deny := granting(t, `{"Statement": {"Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*"}}`)
	c := catalog.Embedded()
	if got := prove.NoNewAccess(c, old, []*policy.Document{next}); got.Verdict != prove.Refuted || got.Counterexample.Old || !got.Counterexample.New {
		t.Errorf("%v %+v, want a request that next alone allows", got.Verdict, got.Counterexample)
	}
	if got := prove.NoNewAccess(c, old, []*policy.Document{next, deny}); got.Verdict != prove.Proved {
		t.Errorf("%v %+v, want proved", got.Verdict, got.Counterexample)
	}
}
