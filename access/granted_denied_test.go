package access_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

func TestDeniedAlways(t *testing.T) {
	c, err := catalog.Read("small.json", []byte(`{"date": "2026-01-01", "services": {"s3": ["GetObject", "PutObject"], "sqs": ["SendMessage"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, statements string
		want             []string
	}{
		{"a Deny of everything about an action", `{"Effect": "Deny", "Action": "S3:put*", "Resource": "*"}`, []string{"s3:PutObject"}},
		{"among several resources", `{"Effect": "Deny", "Action": "s3:PutObject", "Resource": ["arn:aws:s3:::b", "*"]}`, []string{"s3:PutObject"}},
		{"all but some actions", `{"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}`, []string{"sqs:SendMessage"}},
		{"some resources are left", `{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}`, nil},
		{"all but some resources", `{"Effect": "Deny", "Action": "s3:*", "NotResource": "*"}`, nil},
		{"under a condition", `{"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`, nil},
		{"an Allow denies nothing", `{"Effect": "Allow", "Action": "*", "Resource": "*"}`, nil},
	}
	for _, tt := range tests {
		doc, err := policy.Parse("p.json", []byte(`{"Version": "2012-10-17", "Statement": [`+tt.statements+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range access.DeniedAlways(c, doc) {
			got = append(got, a.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}
