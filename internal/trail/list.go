package trail

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/pare-iam/pare/internal/ingest"
)

// atOnce is how many listings run at a time.
const atOnce = 16

// List finds the log and digest files of a window, of all accounts and Regions below the
// place, in the order of their keys. A place that is one object is that object, whatever its
// key.
func (b *Bucket) List(ctx context.Context, w Window) ([]ingest.Object, error) {
	if strings.HasSuffix(b.place.Prefix, ".gz") || strings.HasSuffix(b.place.Prefix, ".json") {
		return b.single(ctx)
	}
	at, ok := locate(b.place.Prefix)
	if !ok {
		return nil, &Error{Message: fmt.Sprintf("%s: not a folder of CloudTrail's", b.place), Do: "want " + wanted}
	}
	folders, err := b.datesBelow(ctx, at)
	if err != nil {
		return nil, err
	}
	found, err := each(ctx, folders, func(ctx context.Context, f folder) ([]ingest.Object, error) { return b.days(ctx, f, w) })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b ingest.Object) int { return cmp.Compare(a.Path(), b.Path()) })
	return found, nil
}

const wanted = "the folder that AWSLogs/ is in, or one from AWSLogs/ on: AWSLogs/[o-ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD"

// single is the place as an object.
func (b *Bucket) single(ctx context.Context) ([]ingest.Object, error) {
	var out []ingest.Object
	err := b.pages(ctx, &s3.ListObjectsV2Input{Prefix: aws.String(b.place.Prefix), MaxKeys: aws.Int32(1)}, func(page *s3.ListObjectsV2Output) bool {
		for _, o := range page.Contents {
			if aws.ToString(o.Key) == b.place.Prefix {
				out = append(out, b.object(aws.ToString(o.Key), aws.ToInt64(o.Size), aws.ToTime(o.LastModified), aws.ToString(o.ETag)))
			}
		}
		return false
	})
	if err == nil && out == nil {
		err = &Error{Message: b.place.String() + ": no such object"}
	}
	return out, err
}

// datesBelow goes down to the folders whose children are dates.
func (b *Bucket) datesBelow(ctx context.Context, at folder) ([]folder, error) {
	level := []folder{at}
	if at.level == outside {
		below, err := b.children(ctx, at)
		if err != nil {
			return nil, err
		}
		if len(below) == 0 {
			return nil, b.noLogs(ctx, at)
		}
		level = below
	}
	var out []folder
	for len(level) > 0 {
		var above []folder
		for _, f := range level {
			if f.level == dates {
				out = append(out, f)
			} else {
				above = append(above, f)
			}
		}
		below, err := each(ctx, above, b.children)
		if err != nil {
			return nil, err
		}
		level = below
	}
	return out, nil
}

// children are the folders of CloudTrail directly below one.
func (b *Bucket) children(ctx context.Context, f folder) ([]folder, error) {
	var out []folder
	err := b.names(ctx, f, func(name string) {
		child, ok := f.child(name)
		if another := b.place.Account != "" && child.level == kinds && name != b.place.Account; ok && !another {
			out = append(out, child)
		}
	})
	return out, err
}

// names are those of all folders directly below one.
func (b *Bucket) names(ctx context.Context, f folder, visit func(string)) error {
	return b.pages(ctx, &s3.ListObjectsV2Input{Prefix: aws.String(f.prefix), Delimiter: aws.String("/")}, func(page *s3.ListObjectsV2Output) bool {
		for _, p := range page.CommonPrefixes {
			visit(path.Base(aws.ToString(p.Prefix)))
		}
		return true
	})
}

// noLogs is the error of a place without AWSLogs.
func (b *Bucket) noLogs(ctx context.Context, at folder) error {
	const most = 5
	var found []string
	if err := b.names(ctx, at, func(name string) { found = append(found, name+"/") }); err != nil {
		return err
	}
	there := "it has no folders"
	if len(found) > most {
		found = append(found[:most], "…")
	}
	if len(found) > 0 {
		there = "it has " + strings.Join(found, ", ")
	}
	return &Error{Message: fmt.Sprintf("%s: no %s/ in it: %s", b.place, awsLogs, there), Do: "want " + wanted}
}

// days are the objects of a window below a folder of dates.
func (b *Bucket) days(ctx context.Context, f folder, w Window) ([]ingest.Object, error) {
	var out []ingest.Object
	in := &s3.ListObjectsV2Input{Prefix: aws.String(f.prefix), StartAfter: aws.String(f.region + w.first())}
	end := f.region + w.end()
	err := b.pages(ctx, in, func(page *s3.ListObjectsV2Output) bool {
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			if key >= end {
				return false
			}
			if !strings.HasSuffix(key, "/") { // a folder that the console made
				out = append(out, b.object(key, aws.ToInt64(o.Size), aws.ToTime(o.LastModified), aws.ToString(o.ETag)))
			}
		}
		return true
	})
	return out, err
}

// pages calls visit for each page of a listing until it says that that's enough.
func (b *Bucket) pages(ctx context.Context, in *s3.ListObjectsV2Input, visit func(*s3.ListObjectsV2Output) bool) error {
	in.Bucket, in.RequestPayer = aws.String(b.place.Bucket), b.payer()
	pages := s3.NewListObjectsV2Paginator(b.s3, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explain(err, subject{what: Scheme + b.place.Bucket + "/" + aws.ToString(in.Prefix), need: "s3:ListBucket", bucket: b.place.Bucket})
		}
		if !visit(page) {
			return nil
		}
	}
	return nil
}

// each calls work for all elements, some at a time, and joins what it returns in their order.
func each[T, U any](ctx context.Context, list []T, work func(context.Context, T) ([]U, error)) ([]U, error) {
	parts := make([][]U, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, one := range list {
		group.Go(func() (err error) {
			parts[i], err = work(ctx, one)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(parts...), err
}
