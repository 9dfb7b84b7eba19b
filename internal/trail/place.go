package trail

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"github.com/pare-iam/pare/policy"
)

// Scheme begins a place in S3.
const Scheme = "s3://"

// Place is where log files lie.
type Place struct {
	Bucket string
	Prefix string // of keys, without a slash at its ends; "" is all of the bucket

	Account string // only the logs of this one; "" is all that have some
}

func (p Place) String() string {
	if p.Prefix == "" {
		return Scheme + p.Bucket
	}
	return Scheme + p.Bucket + "/" + p.Prefix
}

// ParsePlace reads s3://bucket or s3://bucket/prefix.
func ParsePlace(text string) (Place, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return Place{}, fmt.Errorf("%s: want s3://bucket/prefix, the prefix being what stands before AWSLogs/, if anything", text)
	}
	if strings.ContainsAny(rest, "*?[") {
		return Place{}, fmt.Errorf("%s: S3 knows no patterns: want the folder above; all accounts and Regions in it are read", text)
	}
	return Place{Bucket: bucket, Prefix: strings.Trim(prefix, "/")}, nil
}

// Named finds the bucket of a trail, which may be an organization's, by its name or ARN. A
// name is one of the configuration's Region, or of a trail of all Regions.
func Named(ctx context.Context, cfg aws.Config, name string) (Place, error) {
	client := cloudtrail.NewFromConfig(cfg, func(o *cloudtrail.Options) {
		if arn, err := policy.ParseARN(name); err == nil {
			o.Region = cmp.Or(arn.Region, o.Region)
		}
	})
	answer, err := client.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{TrailNameList: []string{name}})
	if err != nil {
		return Place{}, explain(err, subject{what: "trail " + name, need: "cloudtrail:DescribeTrails"})
	}
	for _, t := range answer.TrailList {
		if bucket := aws.ToString(t.S3BucketName); bucket != "" {
			return Place{Bucket: bucket, Prefix: strings.Trim(aws.ToString(t.S3KeyPrefix), "/")}, nil
		}
	}
	return Place{}, noTrail(ctx, client, name)
}

// noTrail is the error of a name that no trail has.
func noTrail(ctx context.Context, client *cloudtrail.Client, name string) error {
	do := "aws cloudtrail describe-trails lists them; or give its place as s3://bucket/prefix"
	if all, err := client.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{}); err == nil && len(all.TrailList) > 0 {
		var names []string
		for _, t := range all.TrailList {
			names = append(names, aws.ToString(t.Name))
		}
		slices.Sort(names)
		do = "there is " + strings.Join(slices.Compact(names), ", ")
	}
	return &Error{Message: fmt.Sprintf("no trail %s in the Region %s, nor one of all Regions", name, client.Options().Region), Do: do}
}
