package catalog_test

import (
	"fmt"

	"github.com/pare-iam/pare/catalog"
)

func Example() {
	c := catalog.Embedded()
	a := c.Lookup("S3", "putbucketpolicy")
	fmt.Println(a, "-", a.Level, "-", a.Tracked)
	fmt.Println(c.Lookup("s3", "ListBuckets") == nil) // what the catalog doesn't know is nil, not unused
	head := a.Service.Details().Operation("HeadBucket")
	fmt.Println(head.Name, "is authorized by", head.Authorized[0].Service+":"+head.Authorized[0].Name)
	// Output:
	// s3:PutBucketPolicy - Permissions management - last accessed, policy generation
	// true
	// HeadBucket is authorized by s3:ListBucket
}

func ExampleRead() {
	_, err := catalog.Read("names.json", []byte(`{"date":"2024-06-16",
"services":{"s3":["GetObject","Put*"]}}`))
	fmt.Println(err)
	// Output: names.json:2:31: action "Put*" of s3: want a name such as GetObject
}
