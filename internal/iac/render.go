package iac

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Render is a value as indented JSON, for people: what isn't known stands in it as its
// expression, "${var.bucket}". It ends with a line break.
func Render(v *Value) []byte {
	w := newWriter(func(v *Value) string { return v.written() })
	w.value(v)
	return w.bytes()
}

// written is a text with its holes as expressions, and an Unknown as the expression.
func (v *Value) written() string {
	if v.Kind == Unknown {
		return "${" + v.expr() + "}"
	}
	text := v.Text
	for _, h := range slices.Backward(v.Holes) {
		text = text[:h.Start] + "${" + h.Expr + "}" + text[h.End:]
	}
	return text
}

// expr is the expression of an Unknown, as written.
func (v *Value) expr() string {
	if v.Text == "" && v.File != nil {
		return string(v.File.Src[v.Start:v.End])
	}
	return v.Text
}

// writer writes values as JSON.
type writer struct {
	buf  *bytes.Buffer
	enc  *jsontext.Encoder
	text func(v *Value) string // of a Text or an Unknown
}

func newWriter(text func(v *Value) string) *writer {
	buf := new(bytes.Buffer)
	return &writer{buf, jsontext.NewEncoder(buf, jsontext.WithIndent("  "), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), text}
}

func (w *writer) bytes() []byte { return w.buf.Bytes() }

// put writes a token. The encoder's buffer is in memory and takes texts of any encoding,
// so that it refuses a wrong order of tokens alone, which is our mistake.
func (w *writer) put(tokens ...jsontext.Token) {
	for _, tok := range tokens {
		if err := w.enc.WriteToken(tok); err != nil {
			panic("iac: " + err.Error())
		}
	}
}

func (w *writer) value(v *Value) {
	switch v.Kind {
	case List:
		w.put(jsontext.BeginArray)
		for _, entry := range v.Entries {
			w.value(entry)
		}
		w.put(jsontext.EndArray)
	case Object:
		w.put(jsontext.BeginObject)
		for _, m := range v.Members {
			w.put(jsontext.String(m.Key))
			w.value(m.Value)
		}
		w.put(jsontext.EndObject)
	case Literal:
		w.literal(v.Text)
	case Text, Unknown:
		w.put(jsontext.String(w.text(v)))
	}
}

// literal writes a number, a Boolean or null; what is none in JSON's eyes is a string.
func (w *writer) literal(text string) {
	if raw := jsontext.Value(text); raw.IsValid() && raw.Kind() != '"' && raw.Kind() != '{' && raw.Kind() != '[' {
		if err := w.enc.WriteValue(raw); err != nil {
			panic("iac: " + err.Error())
		}
		return
	}
	w.put(jsontext.String(text))
}
