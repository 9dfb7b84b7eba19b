package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/cloudformation"
	"github.com/pare-iam/pare/policy"
)

// TestApply takes an action out of a policy in a template: package iac finds the list
// that this package gave in the tree that it gives, and takes the line alone.
func TestApply(t *testing.T) {
	tests := []struct {
		name   string
		lang   iac.Lang
		src    string
		remove string
		gone   string // the only bytes that are missing afterwards
	}{
		{"dashes with comments", iac.YAML, `Resources:
  P:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement:
          - Effect: Allow
            Action:
              - s3:GetObject # read
              - s3:PutObject # write
              - !Sub '${Service}:List*'
            Resource: !Sub 'arn:${AWS::Partition}:s3:::b/*'
`, "s3:PutObject", "              - s3:PutObject # write\n"},
		{"brackets", iac.YAML, `Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
        - Statement:
          - {Effect: Allow, Action: [s3:GetObject, 's3:PutObject'], Resource: !GetAtt B.Arn}
`, "s3:PutObject", ", 's3:PutObject'"},
		{"JSON in a block of YAML", iac.YAML, `Resources:
  Set:
    Type: AWS::SSO::PermissionSet
    Properties:
      InlinePolicy: !Sub |
        {
          "Statement": [{
            "Effect": "Allow",
            "Action": [
              "s3:GetObject",
              "s3:PutObject"
            ],
            "Resource": "arn:aws:s3:::${Bucket}/${!aws:username}"
          }]
        }
`, "s3:PutObject", ",\n              \"s3:PutObject\""},
		{"JSON", iac.JSON, `{"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [
  {"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow",
    "Action": ["s3:PutObject", "s3:GetObject"], "Resource": {"Fn::Sub": "arn:aws:s3:::${B}"}}}}]}}}}
`, "s3:PutObject", `"s3:PutObject", `},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &iac.File{Path: "t", Lang: test.lang, Src: []byte(test.src)}
			sources, problems := cloudformation.Find([]*iac.File{f})
			if len(sources) != 1 || len(problems) != 0 || sources[0].Problem != "" {
				t.Fatalf("found %v, problems %v", found(sources, nil), problems)
			}
			p, err := sources[0].Policy()
			if err != nil {
				t.Fatal(err)
			}
			changes, err := p.Changes([]policy.Edit{removal(t, p.Doc, test.remove)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := iac.Apply(f, changes, cloudformation.Parse)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Replace(test.src, test.gone, "", 1), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// removal is the edit that takes an action out of a document's first statement.
func removal(t *testing.T, doc *policy.Document, action string) policy.Edit {
	t.Helper()
	for i, e := range doc.Statements[0].Action.Entries {
		if e.Text == action {
			return policy.Edit{Entry: i, Out: []string{action}}
		}
	}
	t.Fatalf("no %s in %v", action, doc.Statements[0].Action)
	return policy.Edit{}
}
