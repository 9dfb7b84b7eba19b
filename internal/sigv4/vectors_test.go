package sigv4_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/sigv4"
)

// The account of AWS's published test vectors.
const (
	vectorKey    = "AKIDEXAMPLE"
	vectorSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	vectorDate   = "20150830T123600Z"
)

var vectorTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

// vectors are requests of AWS's Signature Version 4 test suite and their signatures.
// https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html
var vectors = []struct {
	name, method, target string
	headers              []string // name and value in turn
	body, signed, want   string
}{
	{
		name: "get-vanilla", method: "GET", target: "/",
		signed: "host;x-amz-date", want: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
	},
	{
		name: "get-vanilla-query-order-key-case", method: "GET", target: "/?Param2=value2&Param1=value1",
		signed: "host;x-amz-date", want: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
	},
	{
		name: "get-vanilla-empty-query-key", method: "GET", target: "/?Param1=value1",
		signed: "host;x-amz-date", want: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
	},
	{
		name: "get-vanilla-utf8-query", method: "GET", target: "/?ሴ=bar",
		signed: "host;x-amz-date", want: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
	},
	{
		name: "get-utf8", method: "GET", target: "/ሴ",
		signed: "host;x-amz-date", want: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
	},
	{
		name: "get-unreserved", method: "GET", target: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
		signed: "host;x-amz-date", want: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
	},
	{
		name: "get-header-value-trim", method: "GET", target: "/",
		headers: []string{"My-Header1", " value1", "My-Header2", ` "a   b   c"`},
		signed:  "host;my-header1;my-header2;x-amz-date", want: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
	},
	{
		name: "get-header-key-duplicate", method: "GET", target: "/",
		headers: []string{"My-Header1", "value2", "My-Header1", "value2", "My-Header1", "value1"},
		signed:  "host;my-header1;x-amz-date", want: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
	},
	{
		name: "get-header-value-order", method: "GET", target: "/",
		headers: []string{"My-Header1", "value4", "My-Header1", "value1", "My-Header1", "value3", "My-Header1", "value2"},
		signed:  "host;my-header1;x-amz-date", want: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
	},
	{
		name: "post-vanilla", method: "POST", target: "/",
		signed: "host;x-amz-date", want: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
	},
	{
		name: "post-header-key-sort", method: "POST", target: "/",
		headers: []string{"My-Header1", "value1"},
		signed:  "host;my-header1;x-amz-date", want: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
	},
	{
		name: "post-x-www-form-urlencoded", method: "POST", target: "/", body: "Param1=value1",
		headers: []string{"Content-Type", "application/x-www-form-urlencoded"},
		signed:  "content-type;host;x-amz-date", want: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
	},
}

func TestThePublishedVectorsVerify(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			r := httptest.NewRequest(v.method, v.target, strings.NewReader(v.body))
			r.Host = "example.amazonaws.com"
			for i := 0; i < len(v.headers); i += 2 {
				r.Header.Add(v.headers[i], v.headers[i+1])
			}
			r.Header.Set("X-Amz-Date", vectorDate)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+vectorKey+"/20150830/us-east-1/service/aws4_request, SignedHeaders="+v.signed+", Signature="+v.want)
			verifier := mustVerifier(t, sigv4.Options{
				Keys: keys{vectorKey: vectorSecret}, Services: []string{"service"}, Region: "us-east-1",
				Now: func() time.Time { return vectorTime },
			})
			if _, err := verifier.Verify(r, sigv4.Once); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

// keys are secrets by ID.
type keys map[string]string

var _ sigv4.Keys = keys{}

func (k keys) Key(_ context.Context, id string) (string, sigv4.Identity, error) {
	secret, ok := k[id]
	if !ok {
		return "", sigv4.Identity{}, sigv4.ErrUnknownKey
	}
	return secret, sigv4.Identity{Account: "111122223333", Name: "owner of " + id, Role: "admin"}, nil
}

func mustVerifier(t testing.TB, o sigv4.Options) *sigv4.Verifier {
	t.Helper()
	v, err := sigv4.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
