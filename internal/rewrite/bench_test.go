package rewrite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
)

const benchFiles = 1000

// BenchmarkThousandFiles finds, matches, rewrites and reads back a policy in each of 1,000
// files of 200 lines, a half of them Terraform and a quarter each templates in YAML and
// JSON, and writes them. Its floor is reading the files and writing them again, and no more.
func BenchmarkThousandFiles(b *testing.B) {
	b.Run("rewrite", func(b *testing.B) {
		live := make([]*rewrite.Live, benchFiles)
		for i := range live {
			live[i] = managed(b, fmt.Sprint("app-", i), doc(`"s3:Get*", "s3:ListBucket", "sqs:SendMessage", "sqs:ReceiveMessage"`, fmt.Sprint("arn:aws:s3:::app-", i)), "s3:GetBucketCORS", "sqs:ReceiveMessage")
		}
		for b.Loop() {
			b.StopTimer()
			dir := benchFolder(b)
			b.StartTimer()
			files, err := tree.Read(b.Context(), tree.Options{Root: dir})
			if err != nil || len(files.Problems) > 0 {
				b.Fatal(err, files.Problems)
			}
			p, err := rewrite.Make(b.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: rewrite.MatchSources(catalog.Embedded(), files.Sources, live, rewrite.Known{})})
			if err != nil || len(p.Rewrites) != benchFiles {
				b.Fatal(err, len(p.Rewrites))
			}
			if err := files.Write(b.Context(), p.Files); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		dir := benchFolder(b)
		for b.Loop() {
			paths, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(paths) != benchFiles {
				b.Fatal(err, len(paths))
			}
			for _, path := range paths {
				src, err := os.ReadFile(path)
				if err == nil {
					err = os.WriteFile(path, src, 0o666)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// benchFolder has a file with a policy for each of benchFiles.
func benchFolder(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	for i := range benchFiles {
		name, text := benchFile(i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// benchFile is a file of 200 lines with a policy, and resources of other kinds.
func benchFile(i int) (name, text string) {
	switch i % 4 {
	case 0:
		text = strings.ReplaceAll(`{
  "Resources": {
    "Policy": {
      "Type": "AWS::IAM::ManagedPolicy",
      "Properties": {
        "ManagedPolicyName": "app-I",
        "PolicyDocument": {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": ["s3:Get*", "s3:ListBucket", "sqs:SendMessage", "sqs:ReceiveMessage"],
              "Resource": "arn:aws:s3:::app-I"
            }
          ]
        }
      }
    }`, "app-I", fmt.Sprint("app-", i))
		for n := 0; strings.Count(text, "\n") < 196; n++ {
			text += fmt.Sprintf(",\n    \"Queue%d\": {\n      \"Type\": \"AWS::SQS::Queue\",\n      \"Properties\": { \"QueueName\": \"app-%d-%d\" }\n    }", n, i, n)
		}
		return fmt.Sprintf("t%04d.json", i), text + "\n  }\n}\n"
	case 1:
		text = strings.ReplaceAll(`Resources:
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: app-I
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action:
              - s3:Get* # what is there
              - s3:ListBucket
              - sqs:SendMessage
              - sqs:ReceiveMessage
            Resource: arn:aws:s3:::app-I
`, "app-I", fmt.Sprint("app-", i))
		for n := 0; strings.Count(text, "\n") < 200; n++ {
			text += fmt.Sprintf("  Queue%d:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: app-%d-%d\n", n, i, n)
		}
		return fmt.Sprintf("t%04d.yaml", i), text
	}
	text = strings.ReplaceAll(`data "aws_iam_policy_document" "p_I" {
  statement {
    actions = [
      "s3:Get*", # what is there
      "s3:ListBucket",
      "sqs:SendMessage",
      "sqs:ReceiveMessage",
    ]
    resources = ["arn:aws:s3:::app-I"]
  }
}

resource "aws_iam_policy" "p_I" {
  name   = "app-I"
  policy = data.aws_iam_policy_document.p_I.json
}
`, "I", fmt.Sprint(i))
	for n := 0; strings.Count(text, "\n") < 200; n++ {
		text += fmt.Sprintf("\nresource \"aws_sqs_queue\" \"q_%d_%d\" {\n  name                       = \"app-%d-%d\"\n  visibility_timeout_seconds = %d\n\n  tags = {\n    team = \"t%d\"\n  }\n}\n", i, n, i, n, n, n)
	}
	return fmt.Sprintf("m%04d.tf", i), text
}
