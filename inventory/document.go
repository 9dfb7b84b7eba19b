package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// text is a policy document before it is read: where it stands and whose it is.
type text struct {
	at      place            // of the entity
	pointer jsontext.Pointer // of the document in it
	subject string           // ARN of the entity
	what    string           // for messages: `inline policy "app"`
	name    string           // of the Document: ARN, ARN#inline or ARN#trust
}

// parsedText is the reading of a text. Equal texts are read once: accounts that are made by
// tools have the same policy in many roles.
type parsedText struct {
	document *policy.Document
	err      error
}

// document reads a policy document in any of the forms in which answers have it: a JSON
// object, as the command line prints it; a string, URL-encoded by RFC 3986 as the API sends
// it, or plain. It is nil, with a Problem, when it can't be read.
func (p *parser) document(t text, raw jsontext.Value) *policy.Document {
	src, err := documentText(raw)
	if err != nil {
		p.unreadable(t, "", err.Error())
		return nil
	}
	known := p.parse(src)
	if known.err == nil {
		named := *known.document
		named.Name = t.name
		return &named
	}
	all, ok := errors.AsType[policy.Errors](known.err)
	if !ok {
		p.unreadable(t, "", known.err.Error())
		return nil
	}
	message := all[0].Message
	if all[0].Pointer != "" {
		message = all[0].Pointer + ": " + message
	}
	if more := len(all) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more)", more)
	}
	p.unreadable(t, all[0].Pointer, message)
	return nil
}

func (p *parser) parse(src []byte) parsedText {
	known, ok := p.documents[string(src)]
	if !ok {
		known.document, known.err = policy.Parse("", src)
		p.documents[string(src)] = known
	}
	return known
}

func (p *parser) unreadable(t text, inside, message string) {
	p.problem(Problem{
		File: t.at.r.name, Where: t.at.at(t.pointer + jsontext.Pointer(inside)).where(), Subject: t.subject,
		Text: fmt.Sprintf("the %s can't be read and is left out: %s", t.what, message),
	})
}

func documentText(raw jsontext.Value) ([]byte, error) {
	switch raw.Kind() {
	case '{':
		return outdent(raw), nil
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, err
		}
		return decodeText(s)
	}
	return nil, errors.New("there is no document")
}

// decodeText undoes the URL encoding. In it a brace is %7B and a plus sign is %2B, so that
// a plain + stands for itself.
func decodeText(s string) ([]byte, error) {
	if trimmed := bytes.TrimSpace([]byte(s)); bytes.HasPrefix(trimmed, []byte("{")) {
		return []byte(s), nil
	}
	decoded, err := url.PathUnescape(s)
	if err != nil {
		return nil, fmt.Errorf("%w: want JSON, plain or URL-encoded", err)
	}
	return []byte(decoded), nil
}

// outdent takes away the indentation that a document has from standing deep in an answer:
// it is the command line's, not the author's.
func outdent(raw []byte) []byte {
	last := bytes.LastIndexByte(raw, '\n')
	if last < 0 {
		return bytes.Clone(raw)
	}
	closing := raw[last:]
	margin := closing[:len(closing)-len(bytes.TrimLeft(closing[1:], " \t"))]
	return bytes.ReplaceAll(raw, margin, []byte("\n"))
}
