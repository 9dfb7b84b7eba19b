package access_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

var fuzzRequests = []string{
	`{"action": "s3:GetObject", "resource": "arn:aws:s3:::b/ann"}`,
	`{"principal": "arn:aws:iam::111122223333:user/Ann", "action": "kms:Decrypt", "resource": "arn:aws:kms:eu-west-1:444455556666:key/1",
		"context": {"aws:username": "ann", "aws:TagKeys": ["a", "b"], "t:n": 1e3, "aws:SourceIp": "203.0.113.7"}}`,
	`{"principal": "arn:aws:sts::111122223333:assumed-role/R/s", "action": "sts:AssumeRole", "resource": "arn:aws:iam::111122223333:role/R",
		"resourceAccount": "111122223333", "context": {"aws:CurrentTime": "2020-01-01T00:00:00Z", "t:b": false, "t:e": []}}`,
	`{"action": 1, "context": {"a": null}, "x": [[[{}]]]`,
}

var fuzzPolicies = []string{
	`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "kms:De*"], "Resource": "arn:aws:*:${aws:username, 'x'}"},
		{"Effect": "Deny", "NotAction": "s3:Get*", "NotResource": "*", "Condition": {"Null": {"aws:username": "true"}}}]}`,
	`{"Statement": {"Effect": "Allow", "Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:role/p/R"]}, "Action": "*"}}`,
	`{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": "*", "Service": "x"}, "Action": "*", "Resource": "*", "Condition": {
		"ForAllValues:StringNotLikeIfExists": {"aws:TagKeys": ["a*", "${aws:username}"]}, "NumericLessThan": {"t:n": 1001},
		"DateGreaterThan": {"aws:CurrentTime": "2019"}, "Bool": {"t:b": "${t:b}"}, "NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"},
		"ArnNotLike": {"t:arn": "arn:*"}, "BinaryEquals": {"t:bin": "AA=="}}}}`,
}

// Every error has a place.
func FuzzParseRequest(f *testing.F) {
	for _, r := range fuzzRequests {
		f.Add([]byte(r))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		_, err := access.ParseRequest("r", src)
		var errs policy.Errors
		if err != nil && !errors.As(err, &errs) {
			t.Fatalf("%T is no policy.Errors", err)
		}
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Errorf("an error without a place: %+v", e)
			}
		}
	})
}

// roles puts a document in each place of Policies.
var roles = []func(*access.Policies, *policy.Document){
	func(p *access.Policies, d *policy.Document) { p.Identity = []*policy.Document{d} },
	func(p *access.Policies, d *policy.Document) { p.Boundary = d },
	func(p *access.Policies, d *policy.Document) { p.ServiceControl = [][]*policy.Document{{d}} },
	func(p *access.Policies, d *policy.Document) { p.Session = []*policy.Document{d} },
	func(p *access.Policies, d *policy.Document) { p.Resource = d },
	func(p *access.Policies, d *policy.Document) { p.ResourceControl = [][]*policy.Document{{d}} },
}

// with is the document and, behind its statements, another's with the given effect.
func with(d, other *policy.Document, effect policy.Effect) *policy.Document {
	out := *d
	out.Statements = slices.Clone(d.Statements)
	for _, st := range other.Statements {
		st.Effect = effect
		out.Statements = append(out.Statements, st)
	}
	return &out
}

// Decide answers whatever can be parsed; a further Deny never allows more and a further
// Allow never allows less. (In an RCP it can: without any Allow there, everything is
// allowed. So the last role is left out of the second law.)
func FuzzDecide(f *testing.F) {
	for i, r := range fuzzRequests {
		for j, p := range fuzzPolicies {
			f.Add([]byte(r), []byte(p), []byte(fuzzPolicies[(i+j)%len(fuzzPolicies)]), uint8(j), uint8(63))
			f.Add([]byte(r), []byte(fuzzPolicies[0]), []byte(p), uint8(i), uint8(17))
		}
	}
	f.Fuzz(func(t *testing.T, r, first, second []byte, role, present uint8) {
		req, err := access.ParseRequest("r", r)
		if err != nil {
			t.Skip()
		}
		a, err1 := policy.Parse("a", first)
		b, err2 := policy.Parse("b", second)
		if err1 != nil || err2 != nil {
			t.Skip()
		}
		at := int(role) % len(roles)
		decide := func(d *policy.Document) access.Outcome {
			var p access.Policies
			for i, put := range roles {
				if i == at {
					put(&p, d)
				} else if present>>i&1 == 1 {
					put(&p, a)
				}
			}
			return access.Decide(req, p).Outcome
		}
		before := decide(a)
		if after := decide(with(a, b, policy.Deny)); after == access.Allowed && before != access.Allowed {
			t.Errorf("a further Deny turned %v to %v", before, after)
		}
		if after := decide(with(a, b, policy.Allow)); after != access.Allowed && before == access.Allowed && at != len(roles)-1 {
			t.Errorf("a further Allow turned %v to %v", before, after)
		}
	})
}
