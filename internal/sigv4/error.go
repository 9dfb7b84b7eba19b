package sigv4

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
)

// Code is AWS's name of an error. The first five are those that any AWS service may answer.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/CommonErrors.html
type Code string

// The codes.
const (
	MissingAuthenticationToken Code = "MissingAuthenticationToken"  // not signed
	IncompleteSignature        Code = "IncompleteSignature"         // signed, and not as it should be
	UnrecognizedClient         Code = "UnrecognizedClientException" // no such key; or a session's, which aren't taken
	SignatureDoesNotMatch      Code = "SignatureDoesNotMatch"       // the signature is of something else
	RequestExpired             Code = "RequestExpired"              // too old, or of the future
	RequestReplayed            Code = "RequestReplayed"             // seen before; AWS itself has no such check
	RequestTooLarge            Code = "RequestEntityTooLarge"       // the body is longer than is taken
	Throttling                 Code = "ThrottlingException"         // no more signatures can be remembered
	Unreadable                 Code = "RequestTimeout"              // the body didn't arrive
	InternalFailure            Code = "InternalFailure"             // keys can't be looked up
)

// Error says why a request isn't taken.
type Error struct {
	Code    Code
	Message string // for the client: holds nothing that the client didn't send
	Err     error  // of InternalFailure and Unreadable: what happened, for the log; else nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }

// Status is the HTTP status that the error is answered with.
func (e *Error) Status() int {
	switch e.Code {
	case MissingAuthenticationToken, IncompleteSignature, UnrecognizedClient, SignatureDoesNotMatch, RequestExpired, RequestReplayed:
		return http.StatusForbidden
	case RequestTooLarge:
		return http.StatusRequestEntityTooLarge
	case Throttling:
		return http.StatusTooManyRequests
	case Unreadable:
		return http.StatusBadRequest
	case InternalFailure:
		return http.StatusInternalServerError
	}
	panic(fmt.Sprintf("sigv4: no status for %q", e.Code))
}

// Write answers a request with the error, as AWS's REST-JSON services do.
func (e *Error) Write(w http.ResponseWriter) {
	body, err := json.Marshal(struct {
		Message string `json:"message"`
	}{e.Message})
	if err != nil {
		body = []byte(`{}`) // a message that isn't UTF-8: the header says enough
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", string(e.Code))
	w.WriteHeader(e.Status())
	if _, err := w.Write(body); err != nil {
		return // the client is gone, and there is nobody else to tell
	}
}

func refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
