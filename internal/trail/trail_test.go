package trail_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/trail"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func keys(list ...string) map[string]string {
	out := map[string]string{}
	for _, key := range list {
		out[key] = "content of " + key
	}
	return out
}

func find(t *testing.T, cfg aws.Config, place string, from, until string) ([]string, error) {
	t.Helper()
	p, err := trail.ParsePlace(place)
	if err != nil {
		return nil, err
	}
	b, err := trail.Open(t.Context(), cfg, p, trail.OwnerPays)
	if err != nil {
		return nil, err
	}
	objects, err := b.List(t.Context(), trail.Window{From: at(t, from), Until: at(t, until)})
	var out []string
	for _, o := range objects {
		out = append(out, o.Path())
	}
	return out, err
}

// What is found of a bucket, by the layout that CloudTrail documents.
func TestList(t *testing.T) {
	const one, two = "AWSLogs/111111111111/", "AWSLogs/222222222222/"
	const org = "app/AWSLogs/o-abc123/333333333333/"
	objects := keys(
		one+"CloudTrail/us-east-1/2026/04/30/a.json.gz", one+"CloudTrail/us-east-1/2026/05/01/b.json.gz",
		one+"CloudTrail/us-east-1/2026/05/02/c.json.gz", one+"CloudTrail/us-east-1/2026/05/02/d.json.gz",
		one+"CloudTrail/us-east-1/2026/05/03/e.json.gz", one+"CloudTrail/us-east-1/2026/05/04/f.json.gz",
		one+"CloudTrail/eu-west-1/2026/05/01/g.json.gz", one+"CloudTrail/eu-west-1/2026/05/01/",
		one+"CloudTrail-Digest/us-east-1/2026/05/01/h.json.gz", one+"CloudTrail-Insight/us-east-1/2026/05/01/i.json.gz",
		one+"elasticloadbalancing/us-east-1/2026/05/01/j.log.gz", "AWSLogs/aws-account/x.json.gz",
		two+"CloudTrail/us-east-1/2026/05/01/k.json.gz", two+"CloudTrail/us-east-1/2025/05/01/l.json.gz",
		org+"CloudTrail/us-east-1/2026/05/01/m.json.gz", "app/AWSLogs/444444444444/CloudTrail/us-east-1/2026/05/02/n.json.gz",
	)
	const from, until = "2026-05-01T12:00:00Z", "2026-05-02T00:00:00Z" // and the day after
	for _, tt := range []struct {
		name, place string
		want        string // the letters of the files
		lists       int
	}{
		{"all accounts, Regions and kinds", "s3://logs", "bcdeghk", 0},
		{"from AWSLogs on", "s3://logs/AWSLogs/", "bcdeghk", 0},
		{"one account", "s3://logs/AWSLogs/222222222222", "k", 0},
		{"an organization's, with its prefix", "s3://logs/app", "mn", 0},
		{"an organization", "s3://logs/app/AWSLogs/o-abc123", "m", 0},
		{"one Region", "s3://logs/" + one + "CloudTrail/eu-west-1", "g", 2},
		{"a month", "s3://logs/" + one + "CloudTrail/us-east-1/2026/05", "bcde", 5},
		{"a day", "s3://logs/" + one + "CloudTrail/us-east-1/2026/05/02", "cd", 2},
		{"a day before", "s3://logs/" + one + "CloudTrail/us-east-1/2026/04/30", "", 1},
		{"an object of any day", "s3://logs/" + one + "CloudTrail/us-east-1/2026/04/30/a.json.gz", "a", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{objects: objects, page: 1, region: "us-east-1"}
			got, err := find(t, f.config(t), tt.place, from, until)
			if err != nil {
				t.Fatal(err)
			}
			letters := ""
			for _, path := range got {
				letters += path[strings.LastIndexByte(path, '/')+1:][:1]
			}
			letters = string(slices.Sorted(slices.Values([]byte(letters))))
			if letters != tt.want || !slices.IsSorted(got) {
				t.Errorf("got %q, want the files %s", got, tt.want)
			}
			if tt.lists > 0 && len(f.lists) > tt.lists {
				t.Errorf("%d listings, want at most %d: %q", len(f.lists), tt.lists, f.lists)
			}
		})
	}
}

func TestPlacesThatAreNone(t *testing.T) {
	f := &fake{objects: keys("a/x", "b/x", "AWSLogs/111111111111/CloudTrail/x/2026/05/01/a.json.gz"), page: 10, region: "us-east-1"}
	cfg := f.config(t)
	for place, want := range map[string]string{
		"logs":                                  "want s3://bucket/prefix",
		"s3://":                                 "want s3://bucket/prefix",
		"s3://logs/*":                           "S3 knows no patterns",
		"s3://none":                             "no bucket none",
		"s3://logs/b":                           "s3://logs/b: no AWSLogs/ in it: it has no folders",
		"s3://logs/AWSLogs/111111111111/Config": "not a folder of CloudTrail's",
		"s3://logs/AWSLogs/111111111111/CloudTrail/x/2026/may":    "not a folder of CloudTrail's",
		"s3://logs/AWSLogs/111111111111/CloudTrail/x/z.json.gz":   "no such object",
		"s3://logs/AWSLogs/111111111111/CloudTrail/x/2026/z.json": "no such object",
	} {
		if got, err := find(t, cfg, place, "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want %q", place, got, err, want)
		}
	}
}

// A bucket of another Region is found, and read there.
func TestAnotherRegion(t *testing.T) {
	f := &fake{objects: keys("AWSLogs/111111111111/CloudTrail/x/2026/05/01/a.json.gz"), page: 10, region: "eu-central-1"}
	got, err := find(t, f.config(t), "s3://logs", "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z")
	if err != nil || len(got) != 1 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRefusedListings(t *testing.T) {
	for _, tt := range []struct {
		name       string
		no         refusal
		want, hint string
	}{
		{"access denied", refusal{http.StatusForbidden, "AccessDenied", "Access Denied"}, "s3://logs/: access denied: it needs s3:ListBucket", "--requester-pays"},
		{"by a policy", refusal{http.StatusForbidden, "AccessDenied", "User: x is not authorized"}, "it needs s3:ListBucket: User: x is not authorized", "--requester-pays"},
		{"gone", refusal{http.StatusNotFound, "NoSuchBucket", "gone"}, "no bucket logs", "aws s3 ls"},
		{"moved", refusal{http.StatusMovedPermanently, "PermanentRedirect", "elsewhere"}, "is in another Region: elsewhere", "--region"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{page: 10, region: "us-east-1", refuse: map[string]refusal{"list": tt.no, "head": {status: http.StatusForbidden}}}
			_, err := find(t, f.config(t), "s3://logs", "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z")
			known, ok := errors.AsType[*trail.Error](err)
			if !ok || !strings.Contains(known.Message, tt.want) || !strings.Contains(known.Do, tt.hint) {
				t.Errorf("got %v (%+v), want %q and %q", err, known, tt.want, tt.hint)
			}
		})
	}
}

const key = "AWSLogs/111111111111/CloudTrail/x/2026/05/01/a.json.gz"

// open lists the one object of a bucket and opens it.
func open(ctx context.Context, t *testing.T, f *fake, billing trail.Billing) (io.ReadCloser, error) {
	t.Helper()
	b, err := trail.Open(t.Context(), f.config(t), trail.Place{Bucket: "logs"}, billing)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := b.List(t.Context(), trail.Window{From: at(t, "2026-05-01T00:00:00Z"), Until: at(t, "2026-05-01T00:00:00Z")})
	if err != nil || len(objects) != 1 {
		t.Fatalf("%v %v", objects, err)
	}
	if f.objects[key] == "another" {
		f.objects[key] = "changed"
	}
	return b.Open(ctx, objects[0])
}

// A download that breaks off goes on from its last byte, and not for ever.
func TestDownloadsBreakOff(t *testing.T) {
	content := strings.Repeat("0123456789", 20_000)
	for _, tt := range []struct {
		name   string
		breaks []int
		want   string // of the error
		gets   []string
	}{
		{"never", nil, "", []string{" "}},
		{"once", []int{70_000}, "", []string{" ", " bytes=70000-"}},
		{"before the first byte", []int{0}, "", []string{" ", " "}},
		{"again and again", []int{1000, 2000, 0, 3000, 0}, "", []string{" ", " bytes=1000-", " bytes=3000-", " bytes=3000-", " bytes=6000-", " bytes=6000-"}},
		{"always", []int{1000, 0, 0, 0, 0, 0, 0}, "the download broke off 6 times, the last after 1000 of 200000 bytes", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{objects: map[string]string{key: content}, page: 10, region: "us-east-1", breakAt: map[string][]int{key: tt.breaks}}
			in, err := open(t.Context(), t, f, trail.OwnerPays)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(in)
			if err := errors.Join(in.Close(), in.Close()); err != nil {
				t.Error(err)
			}
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || string(got) != content[:len(got)] {
					t.Errorf("got %v and %d bytes, want %q", err, len(got), tt.want)
				}
				if _, again := in.Read(make([]byte, 1)); again == nil || again.Error() != err.Error() {
					t.Errorf("another read: %v", again)
				}
				return
			}
			if err != nil || string(got) != content {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			var want []string
			for _, g := range tt.gets {
				want = append(want, key+g)
			}
			if diff := cmp.Diff(want, f.gets); diff != "" {
				t.Errorf("calls: -want +got\n%s", diff)
			}
		})
	}
}

// An answer that ends too early, as if it were whole, isn't taken for the object.
func TestDownloadsEndTooEarly(t *testing.T) {
	content := strings.Repeat("0123456789", 100)
	f := &fake{objects: map[string]string{key: content}, page: 10, region: "us-east-1", endAt: 400}
	in, err := open(t.Context(), t, f, trail.OwnerPays)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(in)
	if err != nil || string(got) != content || len(f.gets) != 3 {
		t.Errorf("got %d bytes, %v, by %q", len(got), err, f.gets)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

func TestRefusedDownloads(t *testing.T) {
	for _, tt := range []struct {
		name    string
		no      refusal
		content string
		want    string
	}{
		{"access denied", refusal{403, "AccessDenied", "Access Denied"}, "x", "access denied: it needs s3:GetObject"},
		{"without its key", refusal{403, "AccessDenied", "User: arn:aws:iam::1:role/r is not authorized to perform: kms:Decrypt on this resource"}, "x", "kms:Decrypt of its key isn't allowed"},
		{"with its key disabled", refusal{400, "KMS.DisabledException", "arn is disabled."}, "x", "kms:Decrypt of its key isn't allowed"},
		{"archived", refusal{403, "InvalidObjectState", "The operation is not valid for the object's storage class"}, "x", "archived in Glacier: restore it first"},
		{"gone", refusal{404, "NoSuchKey", "gone"}, "x", "it is gone since it was listed"},
		{"another content", refusal{}, "another", "it was changed since it was listed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{objects: map[string]string{key: tt.content}, page: 10, region: "us-east-1"}
			if tt.no.status > 0 {
				f.refuse = map[string]refusal{key: tt.no}
			}
			_, err := open(t.Context(), t, f, trail.OwnerPays)
			if _, ok := errors.AsType[*trail.Error](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRequesterPays(t *testing.T) {
	for billing, want := range map[trail.Billing]bool{trail.OwnerPays: false, trail.RequesterPays: true} {
		f := &fake{objects: map[string]string{key: "x"}, page: 10, region: "us-east-1"}
		in, err := open(t.Context(), t, f, billing)
		if err != nil || in.Close() != nil || f.payer != want {
			t.Errorf("%v: %v, agreed to pay: %v", billing, err, f.payer)
		}
	}
}

// Reading ends with the context, and waits for nothing then.
func TestReadingEndsWithTheContext(t *testing.T) {
	f := &fake{objects: map[string]string{key: strings.Repeat("x", 1000)}, page: 10, region: "us-east-1", breakAt: map[string][]int{key: {10}}}
	ctx, cancel := context.WithCancel(t.Context())
	in, err := open(ctx, t, f, trail.OwnerPays)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(in); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was canceled", err)
	}
}

// A broken download is a broken file of the evidence, and what came before counts once.
func TestBrokenDownloadsAreBrokenFiles(t *testing.T) {
	f := &fake{objects: map[string]string{key: `{"Records":[]}`}, page: 10, region: "us-east-1", breakAt: map[string][]int{key: {3, 0, 0, 0, 0, 0}}}
	b, err := trail.Open(t.Context(), f.config(t), trail.Place{Bucket: "logs"}, trail.OwnerPays)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := b.List(t.Context(), trail.Window{From: at(t, "2026-05-01T00:00:00Z"), Until: at(t, "2026-05-01T00:00:00Z")})
	if err != nil {
		t.Fatal(err)
	}
	var logs ingest.Listing
	logs.Add(objects)
	logs.Add(objects)
	if logs.Files() != 1 {
		t.Errorf("%d files, want one", logs.Files())
	}
	for file := range logs.LogFiles() {
		text := file.Open(t.Context())
		_, err := io.ReadAll(text)
		if want := "the download broke off 6 times"; err == nil || !strings.Contains(err.Error(), want) || file.Path() != "s3://logs/"+key {
			t.Errorf("%s: got %v, want %q", file.Path(), err, want)
		}
		if err := text.Close(); err != nil {
			t.Error(err)
		}
	}
}
