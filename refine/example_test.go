package refine_test

import (
	"errors"
	"fmt"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

func ExamplePolicy() {
	doc, errDoc := policy.Parse("policy.json", []byte(`{
  "Version": "2012-10-17",
  "Statement": {"Effect": "Allow", "Action": ["sqs:Get*", "sqs:SendMessage"], "Resource": "*"}
}`))
	unused, errUnused := usage.ParseUnused("unused.json", []byte(`["sqs:GetQueueUrl"]`))
	if err := errors.Join(errDoc, errUnused); err != nil {
		fmt.Println(err) // every mistake with its file, line and column
		return
	}
	result, err := refine.Policy(catalog.Embedded(), doc, unused)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Outcome)
	for _, e := range result.Edits {
		fmt.Printf("%q becomes %q: %d of %d actions are unused\n", e.Out, e.In, e.Reason.Unused, e.Reason.Matched)
	}
	fmt.Printf("%s\n", result.Document.Bytes())
	// Output:
	// refined
	// ["sqs:Get*"] becomes ["sqs:GetQueueAttributes"]: 1 of 2 actions are unused
	// {
	//   "Version": "2012-10-17",
	//   "Statement": {"Effect": "Allow", "Action": ["sqs:GetQueueAttributes", "sqs:SendMessage"], "Resource": "*"}
	// }
}
