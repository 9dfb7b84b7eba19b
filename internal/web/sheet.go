package web

import (
	"encoding/csv"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/internal/store"
)

// sheet is a list as a file: a line of CSV, an object of JSON, or a result of SARIF, for
// each of its items.
type sheet[T any] struct {
	name    string // of the file, without its ending
	columns []column[T]
	told    told[T]
	part    func(store.Page) (store.Part[T], error)
}

// column is a value of each item. Null is an empty field of CSV.
type column[T any] struct {
	name  string
	value func(T) token
}

// partSize is how many items are held at a time.
const partSize = 1000

// exported is the list in the format that the address asks for.
func exported[T any](v *visit, s sheet[T]) (answer, error) {
	format := v.query("format")
	d := download{name: s.name + "-" + v.now.Format(time.DateOnly) + "." + format}
	switch format {
	case "csv":
		d.typ, d.body = "text/csv; charset=utf-8", s.csv
	case "json":
		d.typ, d.body = "application/json", s.json
	case "sarif":
		d.typ, d.body = "application/sarif+json", sheetSARIF[T]{sheet: s, version: v.site.Version, now: v.now}.write
	default:
		return nil, bad("there is no format " + format + ": want csv, json or sarif")
	}
	return d, nil
}

// each gives all parts in turn; the first is read before use is called for the first time.
func (s sheet[T]) each(use func(items []T, first bool) error) error {
	at := store.Page{Limit: partSize}
	for first := true; ; first = false {
		part, err := s.part(at)
		if err != nil {
			return err
		}
		if err := use(part.Items, first); err != nil {
			return err
		}
		if at.Token = part.Next; at.Token == "" {
			return nil
		}
	}
}

func (s sheet[T]) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	row := make([]string, len(s.columns))
	return s.each(func(items []T, first bool) error {
		if first {
			for i, c := range s.columns {
				row[i] = c.name
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
		for _, item := range items {
			for i, c := range s.columns {
				row[i] = cell(c.value(item))
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
}

// cell is a value as a field of CSV, which no spreadsheet takes for a formula.
// https://owasp.org/www-community/attacks/CSV_Injection
func cell(value token) string {
	if value.Kind() == 'n' {
		return ""
	}
	text := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(value.String(), "\uFFFD"))
	if value.Kind() == '"' && text != "" && strings.ContainsAny(text[:1], "=+-@ ") || strings.HasPrefix(text, "＝") ||
		strings.HasPrefix(text, "＋") || strings.HasPrefix(text, "－") || strings.HasPrefix(text, "＠") {
		return "'" + text
	}
	return text
}

func (s sheet[T]) json(w io.Writer) error {
	enc := jsontext.NewEncoder(w, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true))
	err := s.each(func(items []T, first bool) error {
		if first {
			if err := enc.WriteToken(jsontext.BeginArray); err != nil {
				return err
			}
		}
		for _, item := range items {
			if err := s.object(enc, item); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return enc.WriteToken(jsontext.EndArray)
}

func (s sheet[T]) object(enc *jsontext.Encoder, item T) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, c := range s.columns {
		if err := enc.WriteToken(jsontext.String(c.name)); err != nil {
			return err
		}
		if err := enc.WriteToken(c.value(item)); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// Values of columns.

type token = jsontext.Token

func text[S ~string](s S) token { return jsontext.String(string(s)) }

func whole[N ~int | ~int64](n N) token { return jsontext.Int(int64(n)) }

func yesNo(b bool) token { return jsontext.Bool(b) }

// stamp is a time; null if there is none.
func stamp(t time.Time) token {
	if t.IsZero() {
		return jsontext.Null
	}
	return jsontext.String(t.UTC().Format(time.RFC3339))
}

// choice marks the one of some options that a parameter of the address names.
func (v *visit) choice(name string, options ...option) ([]option, error) {
	found := false
	for i := range options {
		options[i].Selected = options[i].Value == v.query(name)
		found = found || options[i].Selected
	}
	if !found {
		return nil, bad("there is no " + name + " " + v.query(name))
	}
	return options, nil
}

// With is the frame about something of its page, for parts that need both.
func (f frame) With(data any) frame {
	f.Data = data
	return f
}
