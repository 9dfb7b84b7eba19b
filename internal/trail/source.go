package trail

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/policy"
)

// Source is what log files are to be read: those of places and of trails.
type Source struct {
	Places  []Place
	Trails  []string // names or ARNs, see Named
	Account string   // only the logs of this one; "" is all that are there
	Billing Billing
}

// ParseSource reads a setting: s3://bucket/prefix, or a trail's name or ARN. Whether it is
// there is seen when it is opened.
func ParseSource(text string) (Source, error) {
	if strings.HasPrefix(text, Scheme) {
		place, err := ParsePlace(text)
		return Source{Places: []Place{place}}, err
	}
	if !named(text) {
		return Source{}, fmt.Errorf("%q: want a trail's name or ARN, or s3://bucket/prefix", text)
	}
	return Source{Trails: []string{text}}, nil
}

// named says whether a text can name a trail: 3 to 128 letters, digits, dots, dashes and
// underscores, or an ARN that ends so.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html
func named(text string) bool {
	if strings.HasPrefix(text, "arn:") {
		arn, err := policy.ParseARN(text)
		kind, name, _ := strings.Cut(arn.Resource, "/")
		if err != nil || arn.Service != "cloudtrail" || kind != "trail" {
			return false
		}
		text = name
	}
	const shortest, longest = 3, 128
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return len(text) >= shortest && len(text) <= longest && strings.Trim(text, letters) == ""
}

// Open makes all places ready, those first, and then those of the trails.
func (s Source) Open(ctx context.Context, cfg aws.Config) ([]*Bucket, error) {
	var all []Place
	all = append(all, s.Places...)
	for _, name := range s.Trails {
		place, err := Named(ctx, cfg, name)
		if err != nil {
			return nil, err
		}
		all = append(all, place)
	}
	var out []*Bucket
	for _, place := range all {
		place.Account = s.Account
		b, err := Open(ctx, cfg, place, s.Billing)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Add lists the log files of the window in some buckets, and adds them to a listing. It calls
// empty for each bucket that has none.
func (w Window) Add(ctx context.Context, to *ingest.Listing, from []*Bucket, empty func(*Bucket)) error {
	for _, b := range from {
		objects, err := b.List(ctx, w)
		if err != nil {
			return err
		}
		if len(objects) == 0 {
			empty(b)
		}
		to.Add(objects)
	}
	return nil
}

// downloads is how many objects are read at a time: most of the time they wait for S3.
const downloads = 16

// Workers is how many files are to be read at a time, if some of them are in S3.
func Workers() int { return max(downloads, runtime.GOMAXPROCS(0)) }
