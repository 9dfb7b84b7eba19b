package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/ingest"
)

// records are the events of a log file: n calls of a few users, of one hour, told apart
// by the number of the file.
func records(number, n int) string {
	names := []string{"ListBuckets", "GetBucketAcl", "PutBucketTagging", "DeleteBucket"}
	var b strings.Builder
	at := time.Date(2026, 5, 1, number, 0, 0, 0, time.UTC)
	for i := range n {
		fmt.Fprintf(&b, `,{"eventVersion":"1.09","userIdentity":{"type":"IAMUser","principalId":"AIDA%[1]d","arn":"arn:aws:iam::111122223333:user/u%[1]d","accountId":"111122223333","userName":"u%[1]d"},`+
			`"eventTime":"%[2]s","eventSource":"s3.amazonaws.com","eventName":"%[3]s","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7","userAgent":"aws-cli",`+
			`"requestParameters":{"bucketName":"b%[1]d"},"responseElements":null,"requestID":"R%[4]d-%[5]d","eventID":"E%[4]d-%[5]d","readOnly":true,`+
			`"resources":[{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b%[1]d"}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`+"\n",
			(number+i)%7, at.Add(time.Duration(i)*time.Second%time.Hour).Format(time.RFC3339), names[(number*i)%len(names)], number, i)
	}
	return b.String()
}

// logText is a log file as CloudTrail writes it.
func logText(number, n int) []byte {
	return []byte(`{"Records":[` + strings.TrimPrefix(records(number, n), ",") + `]}`)
}

// logFile is the name that CloudTrail gives to a log file.
func logFile(number int) string {
	at := time.Date(2026, 5, 1, number, 5, 0, 0, time.UTC)
	return fmt.Sprintf("111122223333_CloudTrail_us-east-1_%s_%016d.json.gz", at.Format("20060102T1504Z"), number)
}

func zipped(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		panic(err) // a buffer takes everything
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// write writes files below a folder; names have slashes.
func write(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// writeLogs writes n zipped log files into folders of a day each.
func writeLogs(t *testing.T, dir string, n int) {
	t.Helper()
	files := map[string][]byte{}
	for i := range n {
		files[fmt.Sprintf("2026/05/%02d/%s", 1+i/24, logFile(i))] = zipped(logText(i, 40))
	}
	write(t, dir, files)
}

// run finds and reads.
func run(ctx context.Context, paths []string, o ingest.Options) (*ingest.Result, error) {
	listing, err := ingest.Find(ctx, paths, nil)
	if err != nil {
		return nil, err
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	return ingest.Run(ctx, catalog.Embedded(), listing, o)
}

func runListing(t *testing.T, listing *ingest.Listing, o ingest.Options) *ingest.Result {
	t.Helper()
	result, err := ingest.Run(t.Context(), catalog.Embedded(), listing, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// save runs and returns the bytes of the two files that it saves.
func save(t *testing.T, paths []string, o ingest.Options) string {
	t.Helper()
	result, err := run(t.Context(), paths, o)
	if err != nil {
		t.Fatal(err)
	}
	return saved(t, result, filepath.Join(t.TempDir(), "usage.jsonl"))
}

func saved(t *testing.T, result *ingest.Result, out string) string {
	t.Helper()
	if err := result.Save(out); err != nil {
		t.Fatal(err)
	}
	return read(t, out) + read(t, ingest.CoveragePath(out))
}

func read(t *testing.T, path string) string {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}
