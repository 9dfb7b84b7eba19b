package gate

import (
	"fmt"
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

// another is what placeholders begin with in other documents.
const another = "Z9-of-another-length-"

// other is a document with other texts in the place of its placeholders. What holds of a
// policy for any text holds of both; a pattern that matches one by its letters alone is
// told by the other.
func other(doc *policy.Document) (*policy.Document, error) {
	src := strings.ReplaceAll(string(doc.Bytes()), placeholder, another)
	return policy.Parse(doc.Name, []byte(src))
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
