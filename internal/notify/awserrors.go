package notify

import (
	"errors"

	"github.com/aws/smithy-go"
)

// unacceptable says whether AWS refused what it was sent, and not who sent it or when.
func unacceptable(err error) bool {
	switch codeOf(err) {
	case "ValidationException", "ValidationError", "InvalidInputException", "SerializationException", "RequestEntityTooLargeException":
		return true
	}
	return false
}

// codeOf is AWS's code of an error; "" if AWS didn't answer.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// refusesAccount says whether AWS refused who calls, or Security Hub is off there.
func refusesAccount(err error) bool {
	switch codeOf(err) {
	case "AccessDenied", "AccessDeniedException", "InvalidAccessException", "UnrecognizedClientException", "InvalidClientTokenId":
		return true
	}
	return false
}
