package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// at returns "name:line:column" of a byte offset; both count from 1, columns in bytes.
func at(name string, src []byte, offset int64) string {
	before := src[:min(max(offset, 0), int64(len(src)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("%s:%d:%d", name, line, column)
}

// locate says where in src a JSON error is, and for a wrong type what was found and
// what was expected.
func locate(name string, src []byte, err error) error {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("%s: %w", at(name, src, syntactic.ByteOffset), syntactic)
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fmt.Errorf("%s: %w", name, err)
	}
	rest := src[min(semantic.ByteOffset, int64(len(src))):]
	start := semantic.ByteOffset + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n:,")))
	if semantic.Err != nil {
		return fmt.Errorf("%s: %s: %w", at(name, src, start), pointer(semantic.JSONPointer), semantic.Err)
	}
	return fmt.Errorf("%s: %s: found %s, want %s", at(name, src, start), pointer(semantic.JSONPointer), kindName(semantic.JSONKind), typeName(semantic.GoType))
}

func pointer(p jsontext.Pointer) string {
	if p == "" {
		return "the whole file"
	}
	return string(p)
}

func kindName(k jsontext.Kind) string {
	switch k {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "true or false"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	default:
		return "something else"
	}
}

// typeName names the JSON that a Go type of this package is read from.
func typeName(t reflect.Type) string {
	if t == nil {
		return "something else"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	default:
		return "an object"
	}
}
