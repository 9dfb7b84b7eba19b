package trail_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// fake is an S3 with one bucket, "logs", which can fail in ways that moto doesn't.
type fake struct {
	objects map[string]string
	page    int    // keys and folders in a page of a listing
	region  string // of the bucket; calls signed for another are redirected
	refuse  map[string]refusal
	breakAt map[string][]int // by key: after how many bytes the next answers break off
	endAt   int              // after how many bytes answers end as if that were all; 0: they don't

	mu    sync.Mutex
	lists []string // prefixes that were listed
	gets  []string // keys and ranges that were read
	payer bool     // the last call agreed to pay
}

// refusal is an answer to a call about a key, or to all listings, for "list".
type refusal struct {
	status        int
	code, message string
}

func (f *fake) config(t *testing.T) aws.Config {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATESTTESTTESTTEST", SecretAccessKey: "secret"}, nil
		}),
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.payer = r.Header.Get("X-Amz-Request-Payer") == "requester"
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	w.Header().Set("X-Amz-Bucket-Region", f.region)
	switch {
	case bucket != "logs":
		refuse(w, refusal{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"})
	case !strings.Contains(r.Header.Get("Authorization"), "/"+f.region+"/s3/"):
		refuse(w, refusal{http.StatusMovedPermanently, "PermanentRedirect", "The bucket must be addressed using the specified endpoint."})
	case key != "":
		f.get(w, r, key)
	case r.Method == http.MethodHead:
		if no, ok := f.refuse["head"]; ok {
			refuse(w, no)
		}
	default:
		f.list(w, r)
	}
}

func refuse(w http.ResponseWriter, no refusal) {
	w.WriteHeader(no.status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", no.code, no.message)
}

func tag(content string) string {
	sum := md5.Sum([]byte(content))
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

type listed struct {
	Key, LastModified, ETag string
	Size                    int
}

type below struct{ Prefix string }

// list answers ListObjectsV2. A token is the key or folder that the last page ended with.
func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if no, ok := f.refuse["list"]; ok {
		refuse(w, no)
		return
	}
	f.lists = append(f.lists, q.Get("prefix"))
	out := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []listed
		CommonPrefixes        []below
	}{}
	after := max(q.Get("start-after"), q.Get("continuation-token"))
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		rest, ok := strings.CutPrefix(key, q.Get("prefix"))
		if !ok || key <= after || q.Get("continuation-token") != "" && strings.HasPrefix(key, after) {
			continue
		}
		if len(out.Contents)+len(out.CommonPrefixes) == f.page {
			out.IsTruncated = true
			break
		}
		name := key
		if folder, _, deeper := strings.Cut(rest, q.Get("delimiter")); deeper && q.Get("delimiter") != "" {
			name = q.Get("prefix") + folder + "/"
			out.CommonPrefixes = append(out.CommonPrefixes, below{name})
			after = name + "\xff" // the rest of the folder is in it
		} else {
			out.Contents = append(out.Contents, listed{key, "2026-05-01T10:00:00.000Z", tag(f.objects[key]), len(f.objects[key])})
		}
		out.NextContinuationToken = name
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(out) // the client is in this process
}

func (f *fake) get(w http.ResponseWriter, r *http.Request, key string) {
	f.gets = append(f.gets, key+" "+r.Header.Get("Range"))
	if no, ok := f.refuse[key]; ok {
		refuse(w, no)
		return
	}
	content, ok := f.objects[key]
	if !ok {
		refuse(w, refusal{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."})
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != tag(content) {
		refuse(w, refusal{http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"})
		return
	}
	w.Header().Set("ETag", tag(content))
	w.Header().Set("Last-Modified", time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC).Format(http.TimeFormat))
	if text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		from, err := strconv.Atoi(strings.TrimSuffix(text, "-"))
		if err != nil || from > len(content) {
			refuse(w, refusal{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", text})
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		content = content[from:]
	}
	if f.endAt > 0 && len(content) > f.endAt { // a proxy that lost the rest
		_ = http.NewResponseController(w).Flush() // without a length
		_, _ = w.Write([]byte(content[:f.endAt]))
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if breaks := f.breakAt[key]; len(breaks) > 0 {
		f.breakAt[key] = breaks[1:]
		_, _ = w.Write([]byte(content[:min(breaks[0], len(content))]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // the connection is cut
	}
	_, _ = w.Write([]byte(content))
}
