package access_test

import (
	"testing"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

func document(t testing.TB, name, src string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse(name, []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func request(t testing.TB, src string) access.Request {
	t.Helper()
	req, err := access.ParseRequest("request.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return req
}
