package access_test

import (
	"testing"

	"github.com/pare-iam/pare/access"
)

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		name, statements, request string
		want                      bool
	}{
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
		{"actions have no case", `{"Effect": "Allow", "Action": "S3:getOBJECT", "Resource": "*"}`,
			`{"action": "s3:GetObject", "resource": "*"}`, true},
		{"an asterisk in the middle", `{"Effect": "Allow", "Action": "s3:*Object*", "Resource": "*"}`,
			`{"action": "s3:GetObjectAcl", "resource": "*"}`, true},
		{"one character for a question mark", `{"Effect": "Allow", "Action": "s3:?etObject", "Resource": "*"}`,
			`{"action": "s3:etObject", "resource": "*"}`, false},
		{"another service", `{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}`,
			`{"action": "s3-object-lambda:GetObject", "resource": "*"}`, false},
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html
		{"NotAction is every other action", `{"Effect": "Allow", "NotAction": ["iam:*", "s3:Put*"], "Resource": "*"}`,
			`{"action": "s3:GetObject", "resource": "*"}`, true},
		{"and not these", `{"Effect": "Allow", "NotAction": ["iam:*", "s3:Put*"], "Resource": "*"}`,
			`{"action": "s3:putobject", "resource": "*"}`, false},
		{"Deny with NotAction", `[{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}]`,
			`{"action": "ec2:RunInstances", "resource": "*"}`, false},
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
		{"resources have case", `{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::Bucket/*"}`,
			`{"action": "s3:GetObject", "resource": "arn:aws:s3:::bucket/key"}`, false},
		{"a resource's asterisk crosses slashes and colons", `{"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:queue"}`,
			`{"action": "sqs:SendMessage", "resource": "arn:aws:sqs:eu-west-1:123456789012:queue"}`, true},
		{"any of the list", `{"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::b/*"]}`,
			`{"action": "s3:GetObject", "resource": "arn:aws:s3:::b/c/d"}`, true},
		{"a request without a resource", `{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}`,
			`{"action": "s3:ListAllMyBuckets", "resource": "*"}`, false},
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html
		{"NotResource is every other resource", `{"Effect": "Allow", "Action": "s3:*", "NotResource": ["arn:aws:s3:::a", "arn:aws:s3:::a/*"]}`,
			`{"action": "s3:GetObject", "resource": "arn:aws:s3:::b/key"}`, true},
		{"Deny with NotResource", `[{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::a/*"}]`,
			`{"action": "s3:GetObject", "resource": "arn:aws:s3:::b/key"}`, false},
		{"a Deny wins, wherever it stands", `[{"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}, {"Effect": "Allow", "Action": "*", "Resource": "*"}]`,
			`{"action": "s3:GetObject", "resource": "*"}`, false},
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
		{"all operators and keys", `{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
			"StringEquals": {"t:a": "1", "t:b": "2"}, "Bool": {"t:c": "true"}}}`,
			`{"action": "s3:GetObject", "resource": "*", "context": {"t:a": "1", "t:b": 2, "t:c": true}}`, true},
		{"one of the keys doesn't", `{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
			"StringEquals": {"t:a": "1", "t:b": "2"}, "Bool": {"t:c": "true"}}}`,
			`{"action": "s3:GetObject", "resource": "*", "context": {"t:a": "1", "t:b": "3", "t:c": true}}`, false},
		{"a Deny whose condition doesn't hold", `[{"Effect": "Allow", "Action": "*", "Resource": "*"},
			{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]`,
			`{"action": "s3:GetObject", "resource": "*"}`, true},
		{"a Deny that an absent key sets off", `[{"Effect": "Allow", "Action": "*", "Resource": "*"},
			{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}]`,
			`{"action": "s3:GetObject", "resource": "*"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := document(t, "p.json", `{"Version": "2012-10-17", "Statement": `+c.statements+`}`)
			if got := access.Allows(doc, request(t, c.request)); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
