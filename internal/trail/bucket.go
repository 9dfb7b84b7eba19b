package trail

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/pare-iam/pare/internal/ingest"
)

// Bucket is a place in S3, to list and read. It is safe for concurrent use.
type Bucket struct {
	place Place
	s3    *s3.Client
	pays  bool
}

// Billing is who pays for requests.
type Billing bool

// The ways. Of a bucket whose requester pays, nothing can be read unless the requester
// agrees to it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html
const (
	OwnerPays     Billing = false
	RequesterPays Billing = true
)

// Open makes a bucket ready: it asks in which Region it is.
func Open(ctx context.Context, cfg aws.Config, place Place, billing Billing) (*Bucket, error) {
	b := &Bucket{place: place, pays: bool(billing)}
	b.s3 = newClient(cfg, cfg.Region)
	region, err := b.region(ctx)
	if err != nil {
		return nil, err
	}
	if region != cfg.Region {
		b.s3 = newClient(cfg, region)
	}
	return b, nil
}

func newClient(cfg aws.Config, region string) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.Region = region
		o.UsePathStyle = cfg.BaseEndpoint != nil // another server's host names are few
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// region asks for the Region of the bucket. S3 tells it in a header, also when it refuses
// the call; if it doesn't, the configured one is as good as any.
func (b *Bucket) region(ctx context.Context) (string, error) {
	configured := b.s3.Options().Region
	answer, err := b.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(b.place.Bucket)})
	if err == nil {
		return cmp.Or(aws.ToString(answer.BucketRegion), configured), nil
	}
	refused, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || refused.HTTPResponse() == nil {
		return "", err
	}
	switch region := refused.HTTPResponse().Header.Get("X-Amz-Bucket-Region"); refused.HTTPStatusCode() {
	case http.StatusNotFound:
		return "", &Error{Message: "no bucket " + b.place.Bucket, Do: "`aws s3 ls` lists your own; CloudTrail's of another account is named by its trail: --trail ARN"}
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusForbidden, http.StatusBadRequest:
		if region != "" || refused.HTTPStatusCode() == http.StatusForbidden {
			return cmp.Or(region, configured), nil // listing says more of why it is refused than this call
		}
	}
	return "", explain(err, subject{what: Scheme + b.place.Bucket, need: "s3:ListBucket", bucket: b.place.Bucket})
}

func (b *Bucket) payer() types.RequestPayer {
	if b.pays {
		return types.RequestPayerRequester
	}
	return ""
}

// object is a listed key.
func (b *Bucket) object(key string, size int64, changed time.Time, tag string) ingest.Object {
	dir, name := path.Split(key)
	return ingest.Object{Folder: Scheme + b.place.Bucket + "/" + dir, Name: name, Size: size, Changed: changed, Tag: tag, Store: b}
}

// String is the place.
func (b *Bucket) String() string { return b.place.String() }
