package prove_test

import (
	"errors"
	"fmt"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/usage"
)

func ExampleRefinement() {
	old, errOld := policy.Parse("old.json", []byte(`{"Statement": {"Effect": "Allow", "Action": ["sqs:Get*", "sqs:SendMessage"], "Resource": "*"}}`))
	next, errNext := policy.Parse("new.json", []byte(`{"Statement": {"Effect": "Allow", "Action": ["sqs:GetQueue*", "sqs:SendMessage"], "Resource": "*"}}`))
	unused, errUnused := usage.ParseUnused("unused.json", []byte(`["sqs:GetQueueUrl"]`))
	if err := errors.Join(errOld, errNext, errUnused); err != nil {
		fmt.Println(err)
		return
	}
	proof := prove.Refinement(catalog.Embedded(), old, next, unused)
	fmt.Println("no new access:", proof.NoNewAccess.Verdict)
	fmt.Println("used access kept:", proof.UsedKept.Verdict)
	fmt.Println("unused access gone:", proof.UnusedGone.Verdict)
	if x := proof.UnusedGone.Counterexample; x != nil {
		fmt.Println("because of", x.Request.Action)
	}
	// Output:
	// no new access: proved
	// used access kept: proved
	// unused access gone: refuted
	// because of sqs:getqueueurl
}

func ExampleCompare() {
	a, errA := policy.Parse("a.json", []byte(`{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}}`))
	b, errB := policy.Parse("b.json", []byte(`{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}`))
	if err := errors.Join(errA, errB); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("a is", prove.Compare(a, b).Relation)
	// Output: a is narrower
}
