package gate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// placeholder is how a text begins that stands for one that isn't known; iac.Placeholder
// makes them, with 16 hexadecimal digits after it.
const (
	placeholder       = "pare-unknown-"
	placeholderLength = len(placeholder) + 16
)

func hasUnknown(doc *policy.Document) bool {
	return strings.Contains(string(doc.Bytes()), placeholder)
}

// reading is what placeholders are written as. What holds of a policy for any text holds
// in all readings; a pattern that matches the letters or the length of one reading by
// chance is told by another.
type reading uint8

const (
	asWritten reading = iota
	otherText         // of none of the letters, and of another length
	oneLetter
)

// readings are all of them but asWritten.
var readings = [...]reading{otherText, oneLetter}

// another is what placeholders begin with in otherText. With otherDigits it has no letter
// of a placeholder, in any case.
const another = "zyszym"

var otherDigits = [...]string{"g", "j", "q", "x"}

// firstLetter is the first of those that oneLetter has; no text that people write has them.
const firstLetter = '\uE000'

var (
	anyPlaceholder = regexp.MustCompile(placeholder + `[0-9a-f]{16}(:x)?`)
	anyOther       = regexp.MustCompile(another + `[gjqx]{32}`)
	anyLetter      = regexp.MustCompile(`[\x{E000}-\x{F8FF}]`)
)

// read is two documents with other texts in the place of their placeholders, the same for
// the same. An action's stays one in oneLetter.
func (as reading) read(old, next *policy.Document) (_, _ *policy.Document, err error) {
	all := holesOf(old, next)
	of := func(doc *policy.Document) *policy.Document {
		src := anyPlaceholder.ReplaceAllStringFunc(string(doc.Bytes()), func(known string) string { return as.text(known, all) })
		out, parseErr := policy.Parse(doc.Name, []byte(src))
		if parseErr != nil {
			err = parseErr
		}
		return out
	}
	return of(old), of(next), err
}

func (as reading) text(known string, all []string) string {
	if as == oneLetter {
		i := slices.Index(all, known)
		if strings.HasSuffix(known, ":x") || i < 0 || i > 0xF8FF-firstLetter {
			return known
		}
		return string(firstLetter + rune(i))
	}
	var out strings.Builder
	out.WriteString(another)
	for _, c := range known[len(placeholder):placeholderLength] {
		n := strings.IndexRune("0123456789abcdef", c)
		out.WriteString(otherDigits[n/4] + otherDigits[n%4])
	}
	return out.String() + known[placeholderLength:]
}

// holesOf are the placeholders of documents, each once, in order.
func holesOf(docs ...*policy.Document) []string {
	var out []string
	for _, doc := range docs {
		out = append(out, anyPlaceholder.FindAllString(string(doc.Bytes()), -1)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// known is a text of any reading with placeholders again.
func known(text string, all []string) string {
	text = anyOther.ReplaceAllStringFunc(text, func(s string) string {
		out := []byte(placeholder)
		for s = s[len(another):]; s != ""; s = s[2:] {
			out = append(out, "0123456789abcdef"[4*slices.Index(otherDigits[:], s[:1])+slices.Index(otherDigits[:], s[1:2])])
		}
		return string(out)
	})
	return anyLetter.ReplaceAllStringFunc(text, func(s string) string {
		if i := int([]rune(s)[0] - firstLetter); i < len(all) {
			return all[i]
		}
		return s
	})
}

// statementJSON is a statement as it is read and written again here. Elements that decide
// nothing are left out.
type statementJSON struct {
	Effect      string         `json:"Effect"`
	Action      texts          `json:"Action,omitempty"`
	NotAction   texts          `json:"NotAction,omitempty"`
	Resource    texts          `json:"Resource,omitempty"`
	NotResource texts          `json:"NotResource,omitempty"`
	Condition   jsontext.Value `json:"Condition,omitzero"`
}

// texts is a list of strings, which may be written as one string.
type texts []string

// UnmarshalJSONFrom reads one string or a list.
func (t *texts) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '"' {
		*t = texts{""}
		return json.UnmarshalDecode(dec, &(*t)[0])
	}
	return json.UnmarshalDecode(dec, (*[]string)(t))
}

// statements are a document's; it was parsed, so that they can be read.
func statements(doc *policy.Document) ([]statementJSON, error) {
	var out []statementJSON
	for _, st := range doc.Statements {
		var s statementJSON
		if err := json.Unmarshal(doc.Bytes()[st.Start:st.End], &s); err != nil {
			return nil, fmt.Errorf("%s: %w", doc.Where(st.Start), err)
		}
		out = append(out, s)
	}
	return out, nil
}

// document is a policy of statements, of another's version.
func document(like *policy.Document, list []statementJSON) (*policy.Document, error) {
	src, err := json.Marshal(struct {
		Version   string          `json:"Version,omitempty"`
		Statement []statementJSON `json:"Statement"`
	}{versionOf(like), list}, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	return policy.Parse(like.Name, src)
}

func versionOf(doc *policy.Document) string {
	var v struct {
		Version string `json:"Version"`
	}
	if json.Unmarshal(doc.Bytes(), &v) != nil {
		return ""
	}
	return v.Version
}

// widest allows whatever a document may allow, whatever its placeholders stand for.
func widest(doc *policy.Document) (*policy.Document, error) {
	list, err := statements(doc)
	if err != nil {
		return nil, err
	}
	var out []statementJSON
	for _, s := range list {
		switch {
		case s.Effect == "Allow":
			out = append(out, s.widest())
		case !s.unknown():
			out = append(out, s)
		}
	}
	if len(out) == 0 { // each denied something that isn't known, and nothing is allowed
		return doc, nil
	}
	return document(doc, out)
}

func (s statementJSON) unknown() bool {
	return slices.ContainsFunc(slices.Concat(s.Action, s.NotAction, s.Resource, s.NotResource), isUnknown) ||
		isUnknown(string(s.Condition))
}

func isUnknown(text string) bool { return strings.Contains(text, placeholder) }

func (s statementJSON) widest() statementJSON {
	s.Action = wide(s.Action, anyAction)
	s.Resource = wide(s.Resource, anyText)
	s.NotAction, s.Action = wideExcept(s.NotAction, s.Action)
	s.NotResource, s.Resource = wideExcept(s.NotResource, s.Resource)
	if isUnknown(string(s.Condition)) {
		s.Condition = nil
	}
	return s
}

func wide(list texts, widen func(string) string) texts {
	var out texts
	for _, text := range list {
		if isUnknown(text) {
			text = widen(text)
		}
		out = append(out, text)
	}
	return out
}

// wideExcept takes out of a list of exceptions what isn't known. Without exceptions all is
// meant.
func wideExcept(except, list texts) (_, all texts) {
	kept := slices.DeleteFunc(slices.Clone(except), isUnknown)
	if len(except) > 0 && len(kept) == 0 {
		return nil, texts{"*"}
	}
	return kept, list
}

// anyAction has `*` in the place of what isn't known of an action.
func anyAction(text string) string {
	service, name, ok := strings.Cut(text, ":")
	if !ok || isUnknown(service) {
		return "*"
	}
	return service + ":" + anyText(name)
}

// anyText has `*` in the place of placeholders.
func anyText(text string) string {
	for {
		i := strings.Index(text, placeholder)
		if i < 0 {
			return text
		}
		text = text[:i] + "*" + text[min(i+placeholderLength, len(text)):]
	}
}

// ceiling allows all that a document doesn't deny.
func ceiling(doc *policy.Document) (*policy.Document, error) {
	list, err := statements(doc)
	if err != nil {
		return nil, err
	}
	out := []statementJSON{{Effect: "Allow", Action: texts{"*"}, Resource: texts{"*"}}}
	for _, s := range list {
		if s.Effect == "Deny" {
			out = append(out, s)
		}
	}
	return document(doc, out)
}

// canonical is a statement or document, its layout aside.
func canonical(src []byte) string {
	v := jsontext.Value(slices.Clone(src))
	if v.Canonicalize() != nil {
		return string(src)
	}
	return string(v)
}
