package cloudformation_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/cloudformation"
)

// generated is a template of about 200 lines with a policy in each of ten roles.
func generated() []byte {
	var b bytes.Buffer
	b.WriteString("AWSTemplateFormatVersion: '2010-09-09'\nResources:\n")
	for i := range 10 {
		fmt.Fprintf(&b, `  Role%d: # the role of service %d
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {Service: ec2.amazonaws.com}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: inline
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
              - Effect: Allow
                Action:
                  - s3:GetObject
                  # uploads
                  - s3:PutObject
                  - s3:ListBucket
                Resource: !Sub 'arn:${AWS::Partition}:s3:::bucket-%d/*'
`, i, i, i)
	}
	return b.Bytes()
}

// BenchmarkFind finds the policies of a hundred templates of 200 lines.
func BenchmarkFind(b *testing.B) {
	src := generated()
	var files []*iac.File
	for i := range 100 {
		files = append(files, &iac.File{Path: fmt.Sprintf("t%d.yaml", i), Lang: iac.YAML, Src: src})
	}
	b.SetBytes(int64(len(src) * len(files)))
	for b.Loop() {
		if sources, problems := cloudformation.Find(files); len(sources) != 1000 || len(problems) != 0 {
			b.Fatal(len(sources), problems)
		}
	}
}
