package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Value is what is at a target. The zero value: nothing is there.
type Value struct {
	There    bool      `json:"there"`
	Text     string    `json:"text,omitempty"`     // of an access key: Active or Inactive; of a tag: its value
	Version  string    `json:"version,omitempty"`  // of a policy: the default's id; "" in what is wanted: any
	Document string    `json:"document,omitempty"` // of a policy, the default's; of a role, who may assume it
	SHA256   string    `json:"sha256,omitempty"`   // of Document, in RFC 8785's form
	Others   []Version `json:"others,omitempty"`   // of a policy: versions that aren't the default, the oldest first
	Role     *RoleText `json:"role,omitempty"`     // of a role: what making it anew takes; nil in what is wanted
}

// Version is a version of a policy that isn't the default.
type Version struct {
	ID       string `json:"id"`
	Document string `json:"document"`
}

// RoleText is what a role has besides its trust policy and its policies.
type RoleText struct {
	Path        string            `json:"path"`
	Description string            `json:"description,omitempty"`
	MaxSession  int32             `json:"maxSessionDuration,omitzero"` // seconds
	Boundary    string            `json:"permissionsBoundary,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// The statuses of access keys, as AWS writes them.
const (
	keyActive   = "Active"
	keyInactive = "Inactive"
)

// withDocument is a value with a document and its hash.
func withDocument(doc string) Value {
	return Value{There: true, Document: doc, SHA256: digest(doc)}
}

// digest is the hash of a document, whatever its white space and the order of its members.
func digest(doc string) string {
	if doc == "" {
		return ""
	}
	canonical := jsontext.Value(doc)
	if canonical = canonical.Clone(); canonical.Canonicalize() != nil {
		canonical = jsontext.Value(doc) // not JSON: its bytes count
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// same says whether two values of a target are the same to its users: a version's id isn't.
func same(t Target, a, b Value) bool {
	if a.There != b.There || !a.There {
		return a.There == b.There
	}
	switch t.(type) {
	case Policy, Inline, Role:
		return digest(a.Document) == digest(b.Document)
	case RoleTag, AccessKey:
		return a.Text == b.Text
	case Attachment, Password, ProfileRole:
		return true
	}
	panic(fmt.Sprintf("apply: unhandled %T", t))
}

// text says what a value is, in messages.
func (v Value) text() string {
	switch {
	case !v.There:
		return "nothing"
	case v.Version != "":
		return "version " + v.Version + " with the document " + short(digest(v.Document))
	case v.Document != "":
		return "the document " + short(digest(v.Document))
	case v.Text != "":
		return v.Text
	}
	return "it"
}

// short is enough of a hash to tell documents apart.
func short(sum string) string { return "sha256:" + sum[:min(len(sum), 12)] }
