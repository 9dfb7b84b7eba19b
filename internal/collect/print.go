package collect

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object on its way: members are written as the AWS CLI names and prints
// them, and those that an answer lacks aren't.
type object struct{ text []byte }

func (o *object) name(name string) {
	before := byte(',')
	if len(o.text) == 0 {
		before = '{'
	}
	o.text = append(o.text, before)
	o.text = strconv.AppendQuote(o.text, name) // the names are ours: letters
	o.text = append(o.text, ':')
}

func (o *object) raw(name string, value []byte) {
	o.name(name)
	o.text = append(o.text, value...)
}

func (o *object) string(name string, value *string) {
	if value != nil {
		o.raw(name, quoted(*value))
	}
}

func (o *object) time(name string, value *time.Time) {
	if value != nil {
		o.raw(name, quoted(cliTime(*value)))
	}
}

func (o *object) number(name string, value *int32) {
	if value != nil {
		o.raw(name, strconv.AppendInt(nil, int64(*value), 10))
	}
}

func (o *object) truth(name string, value bool) { o.raw(name, strconv.AppendBool(nil, value)) }

// nested writes an object in the object, if there is one.
func nested[T any](o *object, name string, value *T, write func(*object, *T)) {
	if value != nil {
		var inner object
		write(&inner, value)
		o.raw(name, inner.done())
	}
}

// list writes a list of objects, one with nothing in it too, if there is one.
func list[T any](o *object, name string, items []T, write func(*object, *T)) {
	if items != nil {
		o.raw(name, array(objects(items, write)))
	}
}

func objects[T any](items []T, write func(*object, *T)) [][]byte {
	out := make([][]byte, 0, len(items))
	for i := range items {
		var one object
		write(&one, &items[i])
		out = append(out, one.done())
	}
	return out
}

func (o *object) strings(name string, items []string) {
	if items == nil {
		return
	}
	var values [][]byte
	for _, s := range items {
		values = append(values, quoted(s))
	}
	o.raw(name, array(values))
}

// document writes a policy document, which IAM sends as URL-encoded text, as the JSON that
// it is, with its own white space. What isn't JSON stays a string.
func (o *object) document(name string, value *string) {
	if value == nil {
		return
	}
	text := *value
	if decoded, err := url.PathUnescape(text); err == nil && !strings.HasPrefix(strings.TrimSpace(text), "{") {
		text = decoded
	}
	if jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true)) {
		o.raw(name, []byte(text))
	} else {
		o.raw(name, quoted(text))
	}
}

// done is the whole object.
func (o *object) done() []byte {
	if len(o.text) == 0 {
		return []byte("{}")
	}
	return append(o.text, '}')
}

// array is a JSON array, a value a line.
func array(values [][]byte) []byte {
	out := []byte{'['}
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, '\n'), v...)
	}
	return append(out, ']')
}

// quoted is a JSON string. Bytes that are no UTF-8 become U+FFFD.
func quoted(s string) []byte {
	out, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\ufffd"))
	if err != nil {
		panic(err) // it is valid UTF-8
	}
	return out
}

// cliTime is how the AWS CLI prints a time: with microseconds only if there are any.
func cliTime(t time.Time) string {
	form := "2006-01-02T15:04:05+00:00"
	if t.Nanosecond() >= int(time.Microsecond) {
		form = "2006-01-02T15:04:05.000000+00:00"
	}
	return t.UTC().Format(form)
}
