package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// encode is a value as the database has it: JSON, the same for the same value.
func encode[T any](v T) (string, error) {
	text, err := json.Marshal(v, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	return string(text), err
}

// decode reads a text that encode made.
func decode[T any](text string, into *T) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// decoded scans a text that encode made.
type decoded[T any] struct{ into *T }

// Scan takes what the driver read.
func (d decoded[T]) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return decode(v, d.into)
	case []byte:
		return decode(string(v), d.into)
	}
	return errors.New("JSON that isn't a text")
}

// digest is the SHA-256 of a text, in hexadecimal.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// clean is a message without what a database can't hold.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
