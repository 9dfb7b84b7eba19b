package access_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

func TestActions(t *testing.T) {
	c, err := catalog.Read("small.json", []byte(`{"date": "2026-01-01", "services": {"s3": ["GetObject", "PutObject"], "sqs": ["SendMessage"], "sns": ["Publish"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, statements string
		actions          []string
		services         []string
	}{
		{"exact names and prefixes, in any case", `{"Effect": "Allow", "Action": ["S3:getobject", "sqs:S*"], "Resource": "*"}`,
			[]string{"s3:GetObject", "sqs:SendMessage"}, []string{"s3", "sqs"}},
		{"everything", `{"Effect": "Allow", "Action": "*", "Resource": "*"}`,
			[]string{"s3:GetObject", "s3:PutObject", "sns:Publish", "sqs:SendMessage"}, []string{"s3", "sns", "sqs"}},
		{"a service nobody knows", `{"Effect": "Allow", "Action": ["deepracer:*", "s3:Fly"], "Resource": "*"}`,
			nil, []string{"deepracer", "s3"}},
		{"NotAction grants the rest, unknown actions of a named service too", `{"Effect": "Allow", "NotAction": ["s3:*", "sqs:SendMessage"], "Resource": "*"}`,
			[]string{"sns:Publish"}, []string{"sns", "sqs"}},
		{"Deny grants nothing and takes nothing", `{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}, {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}`,
			[]string{"s3:GetObject"}, []string{"s3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := policy.Parse("p.json", []byte(`{"Version": "2012-10-17", "Statement": [`+tt.statements+`]}`))
			if err != nil {
				t.Fatal(err)
			}
			granted := access.Actions(c, doc)
			var names []string
			for _, a := range granted.Actions {
				names = append(names, a.String())
			}
			if diff := cmp.Diff(tt.actions, slices.Sorted(slices.Values(names))); diff != "" {
				t.Errorf("actions: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(tt.services, granted.Services); diff != "" {
				t.Errorf("services: -want +got\n%s", diff)
			}
		})
	}
}
