package wire

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/policy"
)

// body decodes the call's document. Members that aren't known are ignored, as AWS does; a
// body that is empty is {}.
func body[T any](c *call) (T, error) {
	var out T
	if len(bytes.TrimSpace(c.signed.Body)) == 0 {
		return out, nil
	}
	err := json.Unmarshal(c.signed.Body, &out)
	if err == nil {
		return out, nil
	}
	message := "The body is not a JSON document."
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		message = fmt.Sprintf("The body has a value of a wrong type at %q.", wrong.JSONPointer)
	}
	return out, &Error{Code: "SerializationException", Status: http.StatusBadRequest, Message: message}
}

// validation collects what is wrong with a request's fields.
type validation struct {
	fields []Field
}

const maxShown = 256 // bytes of a value that a message repeats

// fail says that a field's value breaks a constraint, in AWS's words.
func (v *validation) fail(name, value, constraint string, args ...any) {
	if len(value) > maxShown {
		value = strings.ToValidUTF8(value[:maxShown], "") + "…"
	}
	v.fields = append(v.fields, Field{
		name, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: ", value, name) + fmt.Sprintf(constraint, args...),
	})
}

// missing says that a field isn't there.
func (v *validation) missing(name string) {
	v.fields = append(v.fields, Field{name, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", name)})
}

func (v *validation) err() error {
	if len(v.fields) == 0 {
		return nil
	}
	return invalidFields(v.fields)
}

// required says of a text whether it is there.
func (v *validation) required(name, value string) bool {
	if value == "" {
		v.missing(name)
	}
	return value != ""
}

// The patterns of AWS's model.
var (
	analyzerName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	ruleName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	tagText      = regexp.MustCompile(`^[\p{L}\p{N}\p{Z}_./=+@:-]*$`)
)

const maxName = 255

// name checks the name of an analyzer or a rule.
func (v *validation) name(field, value string, pattern *regexp.Regexp) {
	switch {
	case !v.required(field, value):
	case len(value) > maxName:
		v.fail(field, value, "Member must have length less than or equal to %d", maxName)
	case !pattern.MatchString(value):
		v.fail(field, value, "Member must satisfy regular expression pattern: %s", strings.Trim(pattern.String(), "^$"))
	}
}

// oneOf checks a value of a closed set.
func (v *validation) oneOf(field, value string, set []string) {
	if v.required(field, value) && !slices.Contains(set, value) {
		v.fail(field, value, "Member must satisfy enum value set: [%s]", strings.Join(set, ", "))
	}
}

// tags checks tags, whose field is named.
func (v *validation) tags(field string, tags map[string]string) {
	if len(tags) > MaxTags {
		v.fail(field, strconv.Itoa(len(tags)), "Member must have length less than or equal to %d", MaxTags)
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		v.tag(field, key, tags[key])
	}
}

func (v *validation) tag(field, key, value string) {
	const maxKey, maxValue = 128, 256
	switch n := utf8.RuneCountInString(key); {
	case n < 1 || n > maxKey:
		v.fail(field, key, "Map keys must have length between 1 and %d", maxKey)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		v.fail(field, key, "Map keys must not begin with aws:")
	case !tagText.MatchString(key):
		v.fail(field, key, "Map keys must be letters, digits, white space and _ . / = + @ : -")
	}
	if utf8.RuneCountInString(value) > maxValue || !tagText.MatchString(value) {
		v.fail(field, value, "Map values must be at most %d letters, digits, white space and _ . / = + @ : -", maxValue)
	}
}

// analyzer reads the ARN of an analyzer.
func (c *call) analyzer(v *validation, field, text string) Ref {
	if !v.required(field, text) {
		return Ref{}
	}
	arn, err := policy.ParseARN(text)
	if err != nil || arn.Type() != "analyzer" || arn.ID() == "" {
		v.fail(field, text, "Member must satisfy regular expression pattern: [^:]*:[^:]*:[^:]*:[^:]*:[^:]*:analyzer/.{1,255}")
		return Ref{}
	}
	if arn != c.arn(Ref{arn.Account, arn.ID()}) {
		return Ref{} // another service's or Region's, which nobody has
	}
	return Ref{arn.Account, arn.ID()}
}

// own says whether an analyzer may be the caller's at all: others' aren't there for them.
func (c *call) own(ref Ref, text string) error {
	if ref.Name == "" || ref.Account != c.signed.Account {
		return NotFound(KindAnalyzer, text)
	}
	return nil
}

// arn is the ARN of an analyzer.
func (c *call) arn(ref Ref) policy.ARN {
	return policy.ARN{
		Partition: c.o.Partition, Service: analyzerService, Region: c.o.Region, Account: ref.Account, Resource: "analyzer/" + ref.Name,
	}
}

// at is a time as AWS writes it, in milliseconds; "" for none.
func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
