package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/pare-iam/pare/internal/snapshot"
)

// How a job is waited for: each wait is twice the one before, up to the longest.
const (
	firstWait   = 300 * time.Millisecond
	longestWait = 8 * time.Second
	jobLimit    = 10 * time.Minute
)

// lastAccessed has IAM make the report about a principal, waits for it, and writes it as
// `aws iam get-service-last-accessed-details` prints it, with the principal's ARN.
func (a *account) lastAccessed(ctx context.Context, p principal) error {
	if err := a.known("GetServiceLastAccessedDetails"); err != nil {
		return err
	}
	var job *string
	err := a.guard("GenerateServiceLastAccessedDetails", func() error {
		made, err := a.iam.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{
			Arn: &p.arn, Granularity: types.AccessAdvisorUsageGranularityTypeActionLevel,
		})
		if err == nil {
			job = made.JobId
		}
		return err
	})
	if err != nil {
		return err
	}
	var answer *iam.GetServiceLastAccessedDetailsOutput
	err = a.guard("GetServiceLastAccessedDetails", func() error {
		answer, err = a.report(ctx, job)
		return err
	})
	if err != nil {
		return err
	}
	return a.write(p.file(), func(w io.Writer) error { return writeLine(w, printLastAccessed(p.arn, answer)) })
}

// file is where the report about a principal goes. Names of roles and of users are unique
// in an account, whatever their case and path, and have no character that files can't have.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func (p principal) file() string {
	return snapshot.LastAccessedFolder + "/" + p.kind + "-" + p.name + ".json"
}

// report waits for a job and gives its result, all pages in one.
func (a *account) report(ctx context.Context, job *string) (*iam.GetServiceLastAccessedDetailsOutput, error) {
	answer, err := a.finished(ctx, job)
	if err != nil {
		return nil, err
	}
	for answer.IsTruncated {
		if aws.ToString(answer.Marker) == "" {
			return nil, errors.New("the report has more pages and doesn't say which is next")
		}
		page, err := a.jobPage(ctx, job, answer.Marker)
		if err != nil {
			return nil, err
		}
		if page.JobStatus != types.JobStatusTypeCompleted {
			return nil, fmt.Errorf("a page of the report is %q: want %s", page.JobStatus, types.JobStatusTypeCompleted)
		}
		answer.ServicesLastAccessed = append(answer.ServicesLastAccessed, page.ServicesLastAccessed...)
		answer.IsTruncated, answer.Marker = page.IsTruncated, page.Marker
	}
	return answer, nil
}

// finished asks until a job is done, and gives the first page of its result.
func (a *account) finished(ctx context.Context, job *string) (*iam.GetServiceLastAccessedDetailsOutput, error) {
	wait := a.options.FirstWait
	for waited := time.Duration(0); ; waited += wait {
		answer, err := a.jobPage(ctx, job, nil)
		switch {
		case err != nil:
			return nil, err
		case answer.JobStatus == types.JobStatusTypeCompleted:
			return answer, nil
		case answer.JobStatus == types.JobStatusTypeFailed:
			return nil, jobFailed(answer.Error)
		case waited > jobLimit:
			return nil, fmt.Errorf("the report wasn't made in %v", jobLimit)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		wait = min(2*wait, longestWait)
	}
}

func (a *account) jobPage(ctx context.Context, job, marker *string) (*iam.GetServiceLastAccessedDetailsOutput, error) {
	return a.iam.GetServiceLastAccessedDetails(ctx, &iam.GetServiceLastAccessedDetailsInput{JobId: job, Marker: marker, MaxItems: aws.Int32(1000)})
}

func jobFailed(e *types.ErrorDetails) error {
	if e == nil {
		return errors.New("IAM couldn't make the report")
	}
	return fmt.Errorf("IAM couldn't make the report: %s: %s", aws.ToString(e.Code), aws.ToString(e.Message))
}

func printLastAccessed(arn string, answer *iam.GetServiceLastAccessedDetailsOutput) []byte {
	status, kind := string(answer.JobStatus), string(answer.JobType)
	var o object
	o.string("Arn", &arn)
	o.string("JobStatus", &status)
	o.string("JobType", &kind)
	o.time("JobCreationDate", answer.JobCreationDate)
	o.raw("ServicesLastAccessed", array(objects(answer.ServicesLastAccessed, printService)))
	o.time("JobCompletionDate", answer.JobCompletionDate)
	o.truth("IsTruncated", answer.IsTruncated)
	return o.done()
}

func printService(o *object, s *types.ServiceLastAccessed) {
	o.string("ServiceName", s.ServiceName)
	o.time("LastAuthenticated", s.LastAuthenticated)
	o.string("ServiceNamespace", s.ServiceNamespace)
	o.string("LastAuthenticatedEntity", s.LastAuthenticatedEntity)
	o.string("LastAuthenticatedRegion", s.LastAuthenticatedRegion)
	o.number("TotalAuthenticatedEntities", s.TotalAuthenticatedEntities)
	if len(s.TrackedActionsLastAccessed) > 0 {
		list(o, "TrackedActionsLastAccessed", s.TrackedActionsLastAccessed, func(o *object, t *types.TrackedActionLastAccessed) {
			o.string("ActionName", t.ActionName)
			o.string("LastAccessedEntity", t.LastAccessedEntity)
			o.time("LastAccessedTime", t.LastAccessedTime)
			o.string("LastAccessedRegion", t.LastAccessedRegion)
		})
	}
}

// sleep waits, or until ctx is done, whose error it gives.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
