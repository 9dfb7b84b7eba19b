package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscloudtrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/samplegen"
)

// logged is an account's logs in a bucket of moto's and in a folder.
type logged struct {
	*testing.T
	s      *awstest.Server
	bucket *s3.Client
	dir    string
}

const logBucket = "trail-logs"

// newLogged starts moto with an empty bucket, and gives this process its environment.
func newLogged(t *testing.T) *logged {
	t.Helper()
	s := awstest.Start(t, awstest.Options{})
	setEnvironment(t, s)
	return newBucket(t, s, t.TempDir())
}

// newBucket makes the bucket of a trail.
func newBucket(t *testing.T, s *awstest.Server, dir string) *logged {
	t.Helper()
	l := &logged{t, s, s3.New(s3.Options{
		BaseEndpoint: aws.String(s.URL), Region: "us-east-1", UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATESTTESTTESTTEST", SecretAccessKey: "secret"}, nil
		}),
	}), dir}
	if _, err := l.bucket.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(logBucket)}); err != nil {
		t.Fatal(err)
	}
	return l
}

// setEnvironment gives this process the environment of a server.
func setEnvironment(t *testing.T, s *awstest.Server) {
	t.Helper()
	for _, line := range s.Environment() {
		if name, value, _ := strings.Cut(line, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
}

func (l *logged) put(key string, content []byte) {
	l.Helper()
	_, err := l.bucket.PutObject(l.Context(), &s3.PutObjectInput{
		Bucket: aws.String(logBucket), Key: aws.String(key), Body: bytes.NewReader(content),
		ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip"), // as CloudTrail has it
	})
	if err != nil {
		l.Fatal(err)
	}
}

// logs puts samplegen's logs below a prefix of the bucket, and into the folder.
func (l *logged) logs(prefix string, days int) {
	l.Helper()
	o := samplegen.Options{Seed: 7, AccountID: "111122223333", Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Days: days, Sample: true}
	err := samplegen.New(catalog.Embedded(), o).Logs(func(name string, content func(io.Writer) error) error {
		var b bytes.Buffer
		if err := content(&b); err != nil {
			return err
		}
		l.put(path.Join(prefix, name), b.Bytes())
		if strings.Contains(name, "CloudTrail-Insight") { // which isn't read from S3
			return nil
		}
		local := filepath.Join(l.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(local), 0o777); err != nil {
			return err
		}
		return os.WriteFile(local, b.Bytes(), 0o666)
	})
	if err != nil {
		l.Fatal(err)
	}
}

// ingest runs the command into a new folder and returns its two files and what it said.
func (l *logged) ingest(want int, args ...string) (uses, coverage, stderr string) {
	l.Helper()
	out := filepath.Join(l.TempDir(), "usage.jsonl")
	_, stderr, code := command(l.T, "", append([]string{"ingest", "--catalog", "embedded", "--out", out}, args...)...)
	if code != want {
		l.Fatalf("ingest %v: exit code %d, want %d\n%s", args, code, want, stderr)
	}
	return l.read(out), l.read(strings.TrimSuffix(out, ".jsonl") + ".coverage.json"), stderr
}

func (l *logged) read(name string) string {
	src, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(src)
}

// calls are the operations that went through the front since the first n.
func (l *logged) calls(n int) (list, get int) {
	for _, c := range l.s.Calls()[n:] {
		if strings.HasPrefix(c.Operation, "GET /"+logBucket+"/AWSLogs/") {
			get++
		} else if c.Operation == "GET /"+logBucket || c.Operation == "GET /"+logBucket+"/" {
			list++
		}
	}
	return list, get
}

// The same logs come to the same evidence, from a folder, from their bucket, by the bucket's
// trail, and from both at once: the copies count once.
func TestIngestFromS3(t *testing.T) {
	l := newLogged(t)
	l.logs("", 12)
	now := []string{"--now", "2026-11-02", "--window", "30d"}
	uses, coverage, _ := l.ingest(exitOK, filepath.Join(l.dir, "AWSLogs"))
	if !strings.Contains(uses, `"principal":"arn:aws:iam::111122223333:`) {
		t.Fatalf("no uses:\n%s", uses)
	}
	trail := awscloudtrail.New(awscloudtrail.Options{BaseEndpoint: aws.String(l.s.URL), Region: "us-east-1", Credentials: l.bucket.Options().Credentials})
	if _, err := trail.CreateTrail(t.Context(), &awscloudtrail.CreateTrailInput{Name: aws.String("main"), S3BucketName: aws.String(logBucket), IsMultiRegionTrail: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"s3://" + logBucket}, {"s3://" + logBucket + "/AWSLogs/"}, {"s3://" + logBucket + "/AWSLogs/111122223333"},
		{"--trail", "main"}, {"--trail", "arn:aws:cloudtrail:us-east-1:123456789012:trail/main"},
		{"s3://" + logBucket, "s3://" + logBucket + "/AWSLogs", "--trail", "main", "--workers", "1"},
	} {
		gotUses, gotCoverage, stderr := l.ingest(exitOK, append(args, now...)...)
		if diff := cmp.Diff(uses, gotUses); diff != "" {
			t.Errorf("%v: -folder +S3\n%s", args, diff)
		}
		if diff := cmp.Diff(coverage, gotCoverage); diff != "" {
			t.Errorf("%v: -folder +S3\n%s", args, diff)
		}
		if stderr != "" {
			t.Errorf("%v: %s", args, stderr)
		}
	}
	both, _, _ := l.ingest(exitOK, append([]string{filepath.Join(l.dir, "AWSLogs"), "s3://" + logBucket}, now...)...)
	if both != uses {
		t.Errorf("copies count twice:\n%s", cmp.Diff(uses, both))
	}
}

// Only the days of the window are listed and read, and the day after.
func TestIngestListsTheWindow(t *testing.T) {
	l := newLogged(t)
	l.logs("", 12)
	before := len(l.s.Calls())
	uses, _, _ := l.ingest(exitOK, "s3://"+logBucket, "--now", "2026-10-25T12:00:00Z", "--window", "2d")
	list, get := l.calls(before)
	if days := daysOf(uses); !cmp.Equal(days, []string{"2026-10-23", "2026-10-24", "2026-10-25", "2026-10-26"}) {
		t.Errorf("got days %v", days)
	}
	// A log and a digest a day in each of two Regions; one listing for each level but the
	// last, and there one for each Region of the two kinds.
	if get != 4*2*2 || list != 1+1+1+2+4 {
		t.Errorf("%d objects read and %d listings, want 16 and 9", get, list)
	}
	_, _, stderr := l.ingest(exitError, "s3://"+logBucket, "--now", "2025-10-25", "--window", "2d")
	if want := "s3://trail-logs: no log files found\nhint: of S3 the days 2025-10-23 to 2025-10-25 are read: see --window and --now\n"; !strings.HasSuffix(stderr, want) {
		t.Errorf("got %q, want %q", stderr, want)
	}
}

func daysOf(uses string) []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`"day":"([^"]+)"`).FindAllStringSubmatch(uses, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return out
}

// An interrupted run reads from S3 only what it hasn't read.
func TestIngestFromS3GoesOn(t *testing.T) {
	l := newLogged(t)
	l.logs("", 12)
	want, _, _ := l.ingest(exitOK, filepath.Join(l.dir, "AWSLogs"))
	out := filepath.Join(t.TempDir(), "usage.jsonl")
	args := []string{"ingest", "--catalog", "embedded", "--out", out, "--workers", "1", "s3://" + logBucket, "--now", "2026-11-02"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waiting := readerFunc(func([]byte) (int, error) { // standard input is read last
		cancel()
		<-ctx.Done()
		return 0, io.EOF
	})
	err := run(ctx, append(args, "-"), waiting, io.Discard, io.Discard)
	if got := exitCode(err, ctx.Err() != nil); got != exitInterrupted {
		t.Fatalf("exit code %d: %v", got, err)
	}
	l.put("AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/31/111122223333_CloudTrail_us-east-1_20261031T2355Z_ABCDEFGHIJKLMNOP.json.gz", []byte(oneEvent))
	before := len(l.s.Calls())
	_, stderr, code := command(t, "", args...)
	if _, get := l.calls(before); code != exitOK || get != 1 {
		t.Errorf("exit code %d, %d objects read, want the new one alone\n%s", code, get, stderr)
	}
	if got := l.read(out); strings.Count(got, "\n") != strings.Count(want, "\n")+1 {
		t.Errorf("want one line more: %s", cmp.Diff(want, got))
	}
}

func TestIngestFromS3Errors(t *testing.T) {
	l := newLogged(t)
	l.put("other/x.txt", []byte("x"))
	l.put("broken/AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/31/a.json.gz", []byte("\x1f\x8bno"))
	l.put("broken/AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/31/b.json.gz", []byte(oneEvent))
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"s3://no-such-bucket-here", exitError, "no bucket no-such-bucket-here\nhint: `aws s3 ls` lists your own"},
		{"s3://trail-logs", exitError, "s3://trail-logs: no AWSLogs/ in it: it has broken/, other/\nhint: want the folder that AWSLogs/ is in"},
		{"s3://trail-logs/nothing", exitError, "s3://trail-logs/nothing: no AWSLogs/ in it: it has no folders\n"},
		{"s3://trail-logs/broken/AWSLogs/elasticloadbalancing", exitError, "not a folder of CloudTrail's\nhint: want"},
		{"s3://trail-logs/broken/AWSLogs/111122223333/CloudTrail/us-east-1/x.json.gz", exitError, "x.json.gz: no such object\n"},
		{"--trail nobody", exitError, "no trail nobody in the Region us-east-1, nor one of all Regions\nhint: "},
		{"s3://trail-logs/broken", exitPartial, "1 file couldn't be read whole"},
		{"s3://trail-logs/broken/AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/31/b.json.gz", exitOK, ""},
	} {
		args := append([]string{"ingest", "--catalog", "embedded", "--out", filepath.Join(t.TempDir(), "u.jsonl"), "--now", "2026-11-01"}, strings.Fields(test.args)...)
		_, stderr, code := command(t, "", args...)
		if code != test.code || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s", test.args, code, test.code, test.want, stderr)
		}
	}
}

// What `pare collect --cloudtrail` calls.
func TestIngestInto(t *testing.T) {
	l := newLogged(t)
	l.logs("", 3)
	want, _, _ := l.ingest(exitOK, filepath.Join(l.dir, "AWSLogs"))
	cmd := newIngestCommand()
	var out bytes.Buffer
	cmd.SetContext(t.Context())
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	dir := t.TempDir()
	err := ingestInto(cmd, &awsFlags{}, "s3://"+logBucket, trailIngest{dir: dir, now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), quiet: true})
	if got := l.read(filepath.Join(dir, "usage.jsonl")); err != nil || got != want {
		t.Errorf("%v\n%s\n%s", err, out.String(), cmp.Diff(want, got))
	}
}
