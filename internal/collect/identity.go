package collect

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/pare-iam/pare/policy"
)

// whoAmI is the ARN of the caller. A machine whose clock isn't AWS's is an error, though the
// SDK would sign by AWS's: the snapshot's date, from which days are counted back, is the
// machine's.
func whoAmI(ctx context.Context, client *sts.Client) (caller string, arn policy.ARN, err error) {
	who, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", policy.ARN{}, err
	}
	caller = aws.ToString(who.Arn)
	if arn, err = policy.ParseARN(caller); err != nil {
		return "", policy.ARN{}, notAWSError{fmt.Errorf("GetCallerIdentity: the ARN %q: %w", caller, err)}
	}
	return caller, arn, sameClock(who.ResultMetadata)
}

// mostSkew is how far the machine's clock may be off.
const mostSkew = 5 * time.Minute

// sameClock compares the date of an answer with the machine's.
func sameClock(answer middleware.Metadata) error {
	skew, ok := awsmiddleware.GetAttemptSkew(answer)
	if !ok || skew.Abs() <= mostSkew {
		return nil
	}
	return clockError{skew.Round(time.Second)}
}

// clockError is how far AWS's clock is before the machine's.
type clockError struct{ skew time.Duration }

func (e clockError) Error() string {
	if e.skew < 0 {
		return fmt.Sprintf("it is %v ahead of AWS's", (-e.skew).Round(time.Minute))
	}
	return fmt.Sprintf("it is %v behind AWS's", e.skew.Round(time.Minute))
}

// notAWSError is an answer that AWS doesn't give.
type notAWSError struct{ error }

func (e notAWSError) Unwrap() error { return e.error }

// fewAttempts is how often a call is made where somebody waits for it: whatever is wrong
// with credentials or the network is wrong at once.
const fewAttempts = 3

// impatient is a configuration for calls that somebody waits for.
func impatient(cfg aws.Config) aws.Config {
	patient := cfg.Retryer
	if patient == nil {
		patient = func() aws.Retryer { return retry.NewStandard() }
	}
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer { return retry.AddWithMaxAttempts(patient(), fewAttempts) }
	return cfg
}
