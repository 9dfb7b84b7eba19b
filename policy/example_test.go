package policy_test

import (
	"fmt"

	"github.com/pare-iam/pare/policy"
)

func Example() {
	src := []byte(`{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["s3:Get*", "s3:PutObject"],
    "Resource": "*"
  }
}`)
	doc, err := policy.Parse("role.json", src)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := doc.Apply([]policy.Edit{
		{Statement: 0, Entry: 0, Out: []string{"s3:Get*"}, In: []string{"s3:GetBucket*", "s3:GetObject"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(out.Bytes()))
	fmt.Println(out.Size(), "characters")
	// Output:
	// {
	//   "Version": "2012-10-17",
	//   "Statement": {
	//     "Effect": "Allow",
	//     "Action": ["s3:GetBucket*", "s3:GetObject", "s3:PutObject"],
	//     "Resource": "*"
	//   }
	// }
	// 127 characters
}

func ExampleParse_errors() {
	_, err := policy.Parse("role.json", []byte(`{
  "Statement": [
    {"Effect": "allow", "Action": "s3GetObject", "Resource": "*"}
  ]
}`))
	fmt.Println(err)
	// Output:
	// role.json:3:16: /Statement/0/Effect: "allow": want "Allow" or "Deny", exactly so
	// role.json:3:35: /Statement/0/Action: "s3GetObject": want service:name, such as "s3:GetObject", or "*"
}
