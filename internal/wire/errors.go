package wire

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Error is an error that the client sees.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/CommonErrors.html
type Error struct {
	Code         string // "ResourceNotFoundException"
	Status       int    // of HTTP
	Message      string
	ResourceID   string        // of what isn't there, is there already, or is too many
	ResourceType string        // of the same
	Reason       string        // of a ValidationException
	Fields       []Field       // of a ValidationException
	RetryAfter   time.Duration // of a ThrottlingException; 0: not said
}

// Field is what is wrong with one field of a request.
type Field struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Kind is a kind of resource that an error is about.
type Kind string

// The kinds.
const (
	KindAnalyzer       Kind = "AWS::AccessAnalyzer::Analyzer"
	KindRule           Kind = "AWS::AccessAnalyzer::ArchiveRule"
	KindFinding        Kind = "AWS::AccessAnalyzer::Finding"
	KindRecommendation Kind = "AWS::AccessAnalyzer::FindingRecommendation"
)

// NotFound says that there is no such resource.
func NotFound(kind Kind, id string) *Error {
	return resourceError(http.StatusNotFound, "ResourceNotFoundException", kind, id, "was not found")
}

// Conflict says that a resource is there already, or is in another state; what says which.
func Conflict(kind Kind, id, what string) *Error {
	return resourceError(http.StatusConflict, "ConflictException", kind, id, what)
}

// OverQuota says that there would be too many of a kind; what says how many may be.
func OverQuota(kind Kind, id, what string) *Error {
	return resourceError(http.StatusPaymentRequired, "ServiceQuotaExceededException", kind, id, what)
}

func resourceError(status int, code string, kind Kind, id, what string) *Error {
	name := string(kind[strings.LastIndex(string(kind), ":")+1:])
	return &Error{
		Code: code, Status: status, Message: fmt.Sprintf("%s %q: %s.", name, id, what), ResourceID: id, ResourceType: string(kind),
	}
}

// Throttled says to come back later.
func Throttled(after time.Duration) *Error {
	return &Error{Code: "ThrottlingException", Status: http.StatusTooManyRequests, Message: "Rate exceeded.", RetryAfter: after}
}

// Invalid says that what is asked for makes no sense in the state that things are in.
func Invalid(format string, args ...any) *Error {
	return &Error{Code: validationException, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...), Reason: "other"}
}

const (
	validationException = "ValidationException"
	fieldReason         = "fieldValidationFailed"
)

func notSupported(message string) *Error {
	return &Error{Code: validationException, Status: http.StatusBadRequest, Message: message, Reason: "notSupported"}
}

func invalidFields(fields []Field) *Error {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.Message
	}
	noun := "validation errors"
	if len(fields) == 1 {
		noun = "validation error"
	}
	return &Error{
		Code: validationException, Status: http.StatusBadRequest, Reason: fieldReason, Fields: fields,
		Message: fmt.Sprintf("%d %s detected: %s", len(fields), noun, strings.Join(texts, "; ")),
	}
}

func unknownOperation() *Error {
	return &Error{Code: "UnknownOperationException", Status: http.StatusNotFound, Message: "There is no such operation."}
}

func denied(name, action string) *Error {
	return &Error{
		Code: "AccessDeniedException", Status: http.StatusForbidden,
		Message: fmt.Sprintf("User: %s is not authorized to perform: %s", name, action),
	}
}

func internalError() *Error {
	return &Error{
		Code: "InternalServerException", Status: http.StatusInternalServerError,
		Message: "The request could not be answered for a reason that is the server's. It is in its log, by the request's ID.",
	}
}

// write answers with the error.
func (e *Error) write(w http.ResponseWriter) {
	body, err := json.Marshal(struct {
		Message      string  `json:"message"`
		Reason       string  `json:"reason,omitzero"`
		Fields       []Field `json:"fieldList,omitempty"`
		ResourceID   string  `json:"resourceId,omitzero"`
		ResourceType string  `json:"resourceType,omitzero"`
	}{e.Message, e.Reason, e.Fields, e.ResourceID, e.ResourceType}, jsontext.AllowInvalidUTF8(true)) // a path's may not be UTF-8
	if err != nil {
		body = []byte(`{}`) // the header says enough
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.RetryAfter.Round(time.Second)/time.Second)))
	}
	w.Header().Set("X-Amzn-ErrorType", e.Code)
	answer(w, e.Status, body)
}
