package access_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

func TestParseRequest(t *testing.T) {
	src := `{
	"principal": "arn:aws:iam::111122223333:user/Ann",
	"action": "S3:getObject",
	"resource": "arn:aws:s3:::bucket/Key",
	"resourceAccount": "444455556666",
	"context": {
		"aws:SourceIp": "203.0.113.7", "AWS:TagKeys": ["a", "B"], "s3:max-keys": 1.50,
		"aws:SecureTransport": true, "t:empty": [], "t:mixed": ["", 7, false]
	}
}`
	want := access.Request{
		Principal: "arn:aws:iam::111122223333:user/Ann", Action: policy.Action{Service: "s3", Name: "getobject"},
		Resource: "arn:aws:s3:::bucket/Key", ResourceAccount: "444455556666",
		Context: access.Context{
			"aws:sourceip": {"203.0.113.7"}, "aws:tagkeys": {"a", "B"}, "s3:max-keys": {"1.50"},
			"aws:securetransport": {"true"}, "t:mixed": {"", "7", "false"},
		},
	}
	got, err := access.ParseRequest("r.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestParseRequestErrors(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"empty", ``, `r.json:1:1: empty: want a request, a JSON object`},
		{"not an object", ` ["s3:GetObject"]`, `r.json:1:2: a list: want a request, {"principal": …, "action": …, "resource": …, "context": {…}}`},
		{"cut off", `{"action": "s3:Get`, `r.json:1:19: ends in the middle of a value: want one JSON object, closed`},
		{"more behind it", `{"action": "s3:GetObject", "resource": "*"} {}`, `r.json:1:45: more after the request's end: want one JSON object`},
		{"nothing said", "\n{}", "r.json:2:1: no action: want \"action\": \"service:Name\"\n" +
			"r.json:2:1: no resource: want \"resource\": \"arn:…\", or \"*\" for an action without one"},
		{"unknown element", `{"action": "s3:GetObject", "resource": "*", "actions": [1, {}]}`,
			`r.json:1:45: /actions: unknown element "actions": want principal, action, resource, resourceAccount or context`},
		{"wrong types", "{\"action\": [\"s3:GetObject\"],\n \"resource\": 1, \"context\": []}",
			"r.json:1:12: /action: a list: want a string\n" +
				"r.json:2:14: /resource: a number: want a string\n" +
				`r.json:2:28: /context: a list: want an object of condition keys and their values, {"aws:SourceIp": "203.0.113.7"}`},
		{"a wildcard in the action", `{"action": "s3:Get*", "resource": "*"}`, `r.json:1:12: /action: "s3:Get*": has a wildcard: want one action, service:Name`},
		{"no action at all", `{"action": "GetObject", "resource": "*"}`, `r.json:1:12: /action: "GetObject": want service:name, such as "s3:GetObject", or "*"`},
		{"an empty string", `{"action": "s3:GetObject", "resource": ""}`, `r.json:1:40: /resource: empty string: want a value, or leave the element out`},
		{"an account", `{"action": "s3:GetObject", "resource": "*", "resourceAccount": "1234"}`, `r.json:1:64: /resourceAccount: "1234": want an account's number, twelve digits`},
		{"twice", `{"action": "s3:GetObject", "resource": "*", "action": "s3:GetObject"}`, `r.json:1:45: /action: key "action" stands twice in one object: keep one`},
		{"twice, in other letters", `{"action": "s3:GetObject", "resource": "*", "context": {"aws:SourceIp": "1", "AWS:SourceIP": "2"}}`,
			`r.json:1:78: /context/AWS:SourceIP: key "AWS:SourceIP" is the key "aws:SourceIp" in other letters, and condition keys have no case: keep one`},
		{"null", `{"action": "s3:GetObject", "resource": "*", "context": {"a/b:c": ["x", null]}}`,
			`r.json:1:72: /context/a~1b:c/1: null: want a string, number or boolean, or a list of them`},
		{"an object", `{"action": "s3:GetObject", "resource": "*", "context": {"a:b": {"c": 1}}}`,
			`r.json:1:64: /context/a:b: an object: want a string, number or boolean, or a list of them`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := access.ParseRequest("r.json", []byte(c.src))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
