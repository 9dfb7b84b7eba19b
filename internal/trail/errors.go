package trail

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Error is what S3 or CloudTrail refused, in words.
type Error struct {
	Message string
	Do      string // what to do about it; "" when nobody knows
}

func (e *Error) Error() string { return e.Message }

// subject is what a call was about.
type subject struct{ what, need, bucket string }

func (s subject) says(text string) string {
	if s.what == "" {
		return text
	}
	return s.what + ": " + text
}

// explain says what an error of a call means. What it doesn't know stays as it is.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func explain(err error, s subject) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "KMS.") || denied(err) && strings.Contains(strings.ToLower(api.ErrorMessage()), "kms"):
		return &Error{s.says("access denied: the object is encrypted, and kms:Decrypt of its key isn't allowed: " + api.ErrorMessage()),
			"allow kms:Decrypt on the trail's KMS key, in your policy and in the key's"}
	case denied(err):
		return &Error{s.says(fmt.Sprintf("access denied: it needs %s%s", s.need, said(api))),
			"allow it in your policy, and for another account's bucket in the bucket's; if whoever asks is to pay for it: --requester-pays"}
	case code == "NoSuchBucket":
		return &Error{"no bucket " + s.bucket, "`aws s3 ls` lists your own"}
	case code == "NoSuchKey" || code == "NotFound":
		return &Error{s.says("it is gone since it was listed"), "give the same command again"}
	case code == "PreconditionFailed":
		return &Error{s.says("it was changed since it was listed"), "give the same command again"}
	case code == "InvalidObjectState":
		return &Error{s.says("it is archived in Glacier: restore it first"), "aws s3api restore-object, then give the same command again"}
	case code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" || status(err) == http.StatusMovedPermanently:
		return &Error{s.says("the bucket " + s.bucket + " is in another Region" + said(api)), "give --region, that of the bucket"}
	case code == "InvalidTrailNameException":
		return &Error{s.says("no name of a trail" + said(api)), "want a trail's name or ARN; `aws cloudtrail describe-trails` lists them"}
	}
	return err
}

func said(api smithy.APIError) string {
	if api.ErrorMessage() == "" || api.ErrorMessage() == "Access Denied" {
		return ""
	}
	return ": " + api.ErrorMessage()
}

func denied(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AccountProblem":
		return true
	case "Forbidden", "UnknownError":
		return status(err) == http.StatusForbidden
	}
	return false
}

func status(err error) int {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}
