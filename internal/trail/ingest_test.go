package trail_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/internal/trail"
)

func TestParseSource(t *testing.T) {
	for _, test := range []struct {
		text  string
		want  trail.Source
		error string
	}{
		{"s3://logs/app", trail.Source{Places: []trail.Place{{Bucket: "logs", Prefix: "app"}}}, ""},
		{"management-events", trail.Source{Trails: []string{"management-events"}}, ""},
		{"arn:aws:cloudtrail:us-east-1:123456789012:trail/all", trail.Source{Trails: []string{"arn:aws:cloudtrail:us-east-1:123456789012:trail/all"}}, ""},
		{"s3://", trail.Source{}, "want s3://bucket/prefix"},
		{"s3://logs/*", trail.Source{}, "S3 knows no patterns"},
		{"arn:aws:s3:::logs", trail.Source{}, "want a trail's name or ARN"},
		{"arn:aws:cloudtrail:us-east-1:123456789012:channel/all", trail.Source{}, "want a trail's name or ARN"},
		{"logs/", trail.Source{}, "want a trail's name or ARN"},
		{"ab", trail.Source{}, "want a trail's name or ARN"},
		{"", trail.Source{}, "want a trail's name or ARN"},
	} {
		got, err := trail.ParseSource(test.text)
		if test.error != "" {
			if err == nil || !strings.Contains(err.Error(), test.error) {
				t.Errorf("%q: got %v, want %q", test.text, err, test.error)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%q: %v, -want +got\n%s", test.text, err, diff)
		}
	}
}

const ours = "AWSLogs/111111111111/CloudTrail/us-east-1/2026/05/"

// logged is the key and the content of the log file of a day, with one call.
func logged(day int) (key, content string) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = fmt.Fprintf(w, `{"Records":[{"eventVersion":"1.09","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111111111111:user/ann","accountId":"111111111111","userName":"ann"},`+
		`"eventTime":"2026-05-%02dT10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetBucketAcl","awsRegion":"us-east-1","requestParameters":{"bucketName":"b"},"readOnly":true,`+
		`"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111111111111","eventCategory":"Management"}]}`, day) // memory doesn't fail
	_ = w.Close()
	return fmt.Sprintf("%s%02d/111111111111_CloudTrail_us-east-1_202605%02dT1005Z_abcdefghijklmn%02d.json.gz", ours, day, day, day), b.String()
}

// newLogs is a bucket with a log file a day.
func newLogs(days ...int) *fake {
	f := &fake{objects: map[string]string{"AWSLogs/222222222222/CloudTrail/us-east-1/2026/05/01/x.json.gz": "another account's"}, page: 100, region: "us-east-1"}
	for _, day := range days {
		key, content := logged(day)
		f.objects[key] = content
	}
	return f
}

var ourLogs = trail.Source{Places: []trail.Place{{Bucket: "logs"}}, Account: "111111111111"}

func reading(t *testing.T, dir string) trail.Reading {
	t.Helper()
	return trail.Reading{
		Catalog: catalog.Embedded(), Window: trail.Window{From: at(t, "2026-05-01T00:00:00Z"), Until: at(t, "2026-05-10T00:00:00Z")},
		Target: filepath.Join(dir, snapshot.UsageFile), Journal: filepath.Join(dir, "journal"), Version: "v", Warn: func(w string) { t.Errorf("warned: %s", w) },
	}
}

// Each log file is read once, however often they are looked at.
func TestIngestReadsWhatIsNew(t *testing.T) {
	f, dir := newLogs(1, 2, 3), t.TempDir()
	cfg, r := f.config(t), reading(t, dir)
	for _, test := range []struct{ day, reads, lines int }{{3, 3, 3}, {3, 0, 3}, {4, 1, 4}} {
		key, content := logged(test.day)
		f.mu.Lock()
		f.objects[key], f.gets = content, nil
		f.mu.Unlock()
		missing, err := trail.Ingest(t.Context(), cfg, ourLogs, r)
		if err != nil || len(missing) > 0 {
			t.Fatalf("%v, missing %v", err, missing)
		}
		uses, err := os.ReadFile(r.Target)
		if err != nil || bytes.Count(uses, []byte("\n")) != test.lines || len(f.gets) != test.reads {
			t.Errorf("day %d: read %q, want %d; %v, want %d lines\n%s", test.day, f.gets, test.reads, err, test.lines, uses)
		}
		if _, err := os.Stat(ingest.CoveragePath(r.Target)); err != nil {
			t.Error(err)
		}
	}
}

// What can't be read is said, and is never taken for what wasn't used.
func TestIngestSaysWhatItCannotRead(t *testing.T) {
	denied := refusal{http.StatusForbidden, "AccessDenied", "Access Denied"}
	first, _ := logged(1)
	second, _ := logged(2)
	for _, test := range []struct {
		name    string
		refuse  map[string]refusal
		from    string
		missing []snapshot.Missing
		error   string
	}{
		{"a closed bucket", map[string]refusal{"list": denied}, "2026-05-01T00:00:00Z", nil, "s3://logs/: access denied: it needs s3:ListBucket"},
		{"one closed object", map[string]refusal{second: denied}, "2026-05-01T00:00:00Z", []snapshot.Missing{{
			What: "part of the evidence of CloudTrail",
			Why:  "1 of 2 log files couldn't be read whole, the first: s3://logs/" + second + ": byte 0: access denied: it needs s3:GetObject",
		}}, ""},
		{"no object that is open", map[string]refusal{first: denied, second: denied}, "2026-05-01T00:00:00Z", nil,
			"s3://logs: none of the log files could be read, the first: s3://logs/" + first + ": byte 0: access denied: it needs s3:GetObject"},
		{"no log files in the window", nil, "2026-05-08T00:00:00Z", nil, "s3://logs: no log files from 2026-05-08 to 2026-05-10"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, dir := newLogs(1, 2), t.TempDir()
			f.refuse = test.refuse
			cfg, r := f.config(t), reading(t, dir)
			r.Window.From = at(t, test.from)
			missing, err := trail.Ingest(t.Context(), cfg, ourLogs, r)
			if test.error == "" && err != nil || test.error != "" && (err == nil || err.Error() != test.error) {
				t.Errorf("got %v, want %q", err, test.error)
			}
			if diff := cmp.Diff(test.missing, missing); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if _, err := os.Stat(r.Target); (err == nil) != (test.error == "") {
				t.Errorf("the file: %v", err)
			}
			f.mu.Lock()
			f.refuse = nil
			f.mu.Unlock()
			r.Window.From = at(t, "2026-05-01T00:00:00Z")
			if missing, err = trail.Ingest(t.Context(), cfg, ourLogs, r); err != nil || len(missing) > 0 {
				t.Errorf("when it is open again: %v, missing %v", err, missing)
			}
			uses, err := os.ReadFile(r.Target)
			if err != nil || bytes.Count(uses, []byte("\n")) != 2 {
				t.Errorf("%v\n%s", err, uses)
			}
		})
	}
}
