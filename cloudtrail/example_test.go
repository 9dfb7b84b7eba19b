package cloudtrail_test

import (
	"fmt"
	"strings"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/cloudtrail"
)

func Example() {
	const log = `{"Records":[{
		"eventTime": "2026-03-05T10:11:12Z", "eventSource": "s3.amazonaws.com", "eventName": "HeadBucket", "awsRegion": "eu-west-1",
		"userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/worker/i-1"},
		"requestParameters": {"bucketName": "shop"}, "readOnly": true, "recipientAccountId": "111122223333"
	}]}`
	tally := cloudtrail.NewMapper(catalog.Embedded()).NewTally(cloudtrail.Options{})
	if err := tally.Read("log.json", strings.NewReader(log)); err != nil {
		fmt.Println(err)
	}
	for _, u := range tally.Uses() {
		fmt.Println(u.Day, u.Principal, u.Action, u.ResourceType, u.Resources)
	}
	// Output: 2026-03-05 arn:aws:iam::111122223333:role/worker s3:ListBucket bucket [arn:aws:s3:::shop]
}
