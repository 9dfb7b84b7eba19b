package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const namesForm = `{"date":"2024-06-16","services":{"s3":["GetObject"]}}`

// namesFile is a list of names; other fields are ignored.
type namesFile struct {
	Date     placedText              `json:"date"`
	Services map[string][]placedText `json:"services"`

	// Fields of an AWS Service Reference file, to tell that it is one.
	Name    jsontext.Value `json:"Name"`
	Actions jsontext.Value `json:"Actions"`
}

// placedText is a string that knows where it stands.
type placedText struct {
	text   string
	offset int64
}

// UnmarshalJSONFrom reads a string and refuses anything else, null too.
func (p *placedText) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if value.Kind() != jsontext.KindString {
		return fmt.Errorf("found %s, want a string", kindName(value.Kind()))
	}
	p.offset = dec.InputOffset() - int64(len(value))
	return json.Unmarshal(value, &p.text)
}

func readNames(name string, src []byte) (*Catalog, error) {
	src = blankMark(src)
	var file namesFile
	if err := json.Unmarshal(src, &file); err != nil {
		return nil, locate(name, src, err)
	}
	if err := file.check(name, src); err != nil {
		return nil, err
	}
	facts := Facts{Date: file.Date.text, NamesOnly: true}
	for _, prefix := range slices.Sorted(maps.Keys(file.Services)) {
		s := ServiceFacts{Prefix: prefix}
		for _, action := range file.Services[prefix] {
			s.Actions = append(s.Actions, ActionFacts{Name: action.text})
		}
		facts.Services = append(facts.Services, s)
	}
	return Build(name, facts)
}

func (f *namesFile) check(name string, src []byte) error {
	switch {
	case f.Services == nil && f.Name != nil && f.Actions != nil:
		return fmt.Errorf("%s: one AWS Service Reference file: want the folder that holds it, or %s", name, namesForm)
	case len(f.Services) == 0:
		return fmt.Errorf("%s: no services: want %s", name, namesForm)
	case f.Date.text == "":
		return fmt.Errorf("%s: no date: add \"date\", the day the names were listed, such as \"2024-06-16\"", name)
	}
	var errs []error
	if err := checkDate(f.Date.text); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", at(name, src, f.Date.offset), err))
	}
	for _, prefix := range slices.Sorted(maps.Keys(f.Services)) {
		for _, action := range f.Services[prefix] {
			if !validName(action.text) {
				errs = append(errs, fmt.Errorf("%s: action %q of %s: want a name such as GetObject", at(name, src, action.offset), action.text, prefix))
			}
		}
	}
	return errors.Join(errs...)
}

// blankMark replaces a byte order mark by spaces, so that positions stay.
func blankMark(src []byte) []byte {
	if rest, marked := bytes.CutPrefix(src, []byte("\ufeff")); marked {
		return append([]byte("   "), rest...)
	}
	return src
}
