package usage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// show is an unused list as text: actions and whole services, each sorted and once.
func show(u usage.Unused) string {
	var out []string
	for _, a := range u.ActionSet() {
		out = append(out, a.String())
	}
	for _, s := range u.ServiceSet() {
		out = append(out, s+":*")
	}
	return strings.Join(out, " ")
}

func TestParseUnused(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"nothing", `[]`, ""},
		{"the announcement's form",
			`[{"serviceNamespace":"lambda","actions":["GetFunction","AddPermission"]},{"serviceNamespace":"s3","actions":["GetBucketAcl"]}]`,
			"lambda:addpermission lambda:getfunction s3:getbucketacl"},
		{"without actions the whole service", `[{"serviceNamespace":"sqs"}]`, "sqs:*"},
		{"an empty list of actions is no action", `[{"serviceNamespace":"sqs","actions":[]}]`, ""},
		{"actions as Access Analyzer lists them",
			`[{"serviceNamespace":"s3","actions":[{"action":"GetBucketAcl","lastAccessed":"2026-01-01T00:00:00Z"}]}]`, "s3:getbucketacl"},
		{"an answer of get-finding-v2",
			`{"id":"1","findingType":"UnusedPermission","findingDetails":[
				{"unusedPermissionDetails":{"serviceNamespace":"s3","actions":[{"action":"GetBucketAcl"}]}},
				{"unusedPermissionDetails":{"serviceNamespace":"sns","lastAccessed":"2026-01-01T00:00:00Z"}}]}`,
			"s3:getbucketacl sns:*"},
		{"names and services", `["s3:GetBucketAcl", "lambda:*", "S3:getbucketacl"]`, "s3:getbucketacl lambda:*"},
		{"an action of a service that is unused as a whole is part of it", `["s3:GetObject","s3:*"]`, "s3:*"},
		{"both forms mixed", `["s3:GetObject",{"serviceNamespace":"sqs"}]`, "s3:getobject sqs:*"},
		{"an action with its service in its name", `[{"serviceNamespace":"s3","actions":["s3:GetObject"]}]`, "s3:getobject"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := usage.ParseUnused("unused.json", []byte(tt.src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, show(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const wantList = `a list of unused permissions, ["s3:GetBucketAcl", "lambda:*"] or [{"serviceNamespace": "s3", "actions": ["GetBucketAcl"]}]`

const wantDetails = `want {"serviceNamespace": "s3", "actions": ["GetBucketAcl"]}, or without actions for the whole service`

func TestParseUnusedErrors(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"empty", ``, `u.json:1:1: empty: want a list of unused permissions; when nothing is unused, []`},
		{"a comma too many", `["s3:GetObject", ]`, `u.json:1:16: not JSON: invalid character ',' at start of value; no comma stands before a closing bracket`},
		{"not JSON", `["s3:GetObject" 7]`, `u.json:1:17: not JSON: invalid character '7' after array element (expecting ',' or ']')`},
		{"YAML", "- s3:GetObject\n", `u.json:1:2: not JSON: invalid character ' ' in number (expecting digit); want JSON, which begins with a bracket: YAML isn't read`},
		{"plain text", "s3:GetObject", `u.json:1:1: not JSON: invalid character 's' at start of value; want JSON, which begins with a bracket: YAML isn't read`},
		{"cut short", "[\n \"s3:GetObject\"", `u.json:2:16: ends in the middle of a value: want ` + wantList + `, closed`},
		{"more after the end", `[] []`, `u.json:1:4: not JSON: invalid character '[' after top-level value`},
		{"not UTF-8", "[\"s3:Get\xff\"]", `u.json:1:9: /0: not JSON: invalid UTF-8`},
		{"null", `null`, `u.json:1:1: null: want ` + wantList},
		{"a number", `7`, `u.json:1:1: a number: want ` + wantList},
		{"a number in the list", "[\n  7]", `u.json:2:3: /0: a number: want "service:Action", "service:*" or {"serviceNamespace": …}`},
		{"no service", `["GetObject"]`, `u.json:1:2: /0: "GetObject": want service:name, such as "s3:GetObject", or "*"`},
		{"a wildcard in the service", `["s*:GetObject"]`, `u.json:1:2: /0: "s*:GetObject": a wildcard can't stand in the service: write one entry a service, such as "s3:Get*"`},
		{"a wildcard in the name", `["s3:Get*"]`, `u.json:1:2: /0: "s3:Get*": want "service:Action" or "service:*"; name each action that is unused`},
		{"everything", `["*"]`, `u.json:1:2: /0: "*": want "service:Action" or "service:*"; name each service that is unused`},
		{"no service namespace", `[{"actions":["GetObject"]}]`, `u.json:1:2: /0: serviceNamespace "": want a service, such as "s3"`},
		{"a service under another name", `[{"service":"s3","actions":["GetObject"]}]`, `u.json:1:13: /0/service: "service" is no member of the form, and serviceNamespace isn't there: ` + wantDetails},
		{"actions under another name, which isn't the whole service", `[{"serviceNamespace":"s3","Actions":["GetObject"]}]`, `u.json:1:37: /0/Actions: "Actions" is no member of the form, and actions isn't there: ` + wantDetails},
		{"the same in a finding", `{"findingDetails":[{"unusedPermissionDetails":{"serviceNamespace":"s3","action":[]}}]}`, `u.json:1:81: /findingDetails/0/unusedPermissionDetails/action: "action" is no member of the form, and actions isn't there: ` + wantDetails},
		{"a list of findings", `{"findings":[]}`, `u.json:1:13: /findings: a list of findings, which doesn't name actions: want one of them, aws accessanalyzer get-finding-v2 --analyzer-arn ARN --id ID`},
		{"actions that aren't a list", `[{"serviceNamespace":"s3","actions":"GetObject"}]`, `u.json:1:37: /0/actions: a string: want {"serviceNamespace": "s3", "actions": ["GetBucketAcl"]}`},
		{"no actions, said so", `[{"serviceNamespace":"s3","actions":null}]`, `u.json:1:37: /0/actions: null: list the unused actions, or leave "actions" out if the whole service is unused`},
		{"an action that isn't a string", `[{"serviceNamespace":"s3","actions":[7]}]`, `u.json:1:38: /0/actions/0: a number: want an action, "GetBucketAcl" or {"action": "GetBucketAcl"}`},
		{"an action with a wildcard", `[{"serviceNamespace":"s3","actions":["Get*"]}]`, `u.json:1:38: /0/actions/0: "s3:Get*": want the name of one action`},
		{"an action without a name", `[{"serviceNamespace":"s3","actions":[{}]}]`, `u.json:1:38: /0/actions/0: no action: want an action, "GetBucketAcl" or {"action": "GetBucketAcl"}`},
		{"another kind of finding", `{"findingType":"UnusedIAMRole","findingDetails":[]}`, `u.json:1:16: /findingType: "UnusedIAMRole": want a finding of type UnusedPermission, which names unused actions`},
		{"an object that is no finding", `{"x":1}`, `u.json:1:1: no findingDetails: want an answer of get-finding-v2, or ` + wantList},
		{"a page of several", `{"findingDetails":[],"nextToken":"t"}`, `u.json:1:34: /nextToken: there are more pages: fetch them all and join their findingDetails`},
		{"a detail of another kind", `{"findingDetails":[{"unusedIamRoleDetails":{}}]}`, `u.json:1:20: /findingDetails/0: no unusedPermissionDetails: want a finding of type UnusedPermission`},
		{"all mistakes at once", `["x", 7]`, "u.json:1:2: /0: \"x\": want service:name, such as \"s3:GetObject\", or \"*\"\n" +
			`u.json:1:7: /1: a number: want "service:Action", "service:*" or {"serviceNamespace": …}`},
		{"a key that stands twice", `[{"serviceNamespace":"s3","serviceNamespace":"sqs"}]`, `u.json:1:27: /0/serviceNamespace: not JSON: duplicate object member name`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := usage.ParseUnused("u.json", []byte(tt.src))
			if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhere(t *testing.T) {
	u, err := usage.ParseUnused("u.json", []byte("[{\"serviceNamespace\": \"s3\",\n  \"actions\": [\n    \"GetObject\"]},\n \"sqs:*\"]"))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{u.Where(u.Actions[0].Pointer), u.Where(u.Services[0].Pointer), usage.Of(nil, []string{"s3"}).Where("")}
	if diff := cmp.Diff([]string{"u.json:3:5", "u.json:4:2", ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is read is what was written, in any of the forms; and an error has a place.
func FuzzParseUnused(f *testing.F) {
	f.Add([]byte(`["s3:GetObject", "lambda:*"]`))
	f.Add([]byte(`[{"serviceNamespace":"s3","actions":["GetObject",{"action":"PutObject"}]},{"serviceNamespace":"sns"}]`))
	f.Add([]byte(`{"findingType":"UnusedPermission","findingDetails":[{"unusedPermissionDetails":{"serviceNamespace":"s3"}}]}`))
	f.Add([]byte(`[7,null,{}]`))
	f.Fuzz(func(t *testing.T, src []byte) {
		u, err := usage.ParseUnused("u.json", src)
		if err != nil {
			var errs policy.Errors
			if !errors.As(err, &errs) || len(errs) == 0 || !strings.HasPrefix(err.Error(), "u.json:") {
				t.Fatalf("%q: error without a place: %v", src, err)
			}
			return
		}
		var entries []string
		for _, a := range u.ActionSet() {
			entries = append(entries, fmt.Sprintf("%q", a))
		}
		for _, s := range u.ServiceSet() {
			entries = append(entries, fmt.Sprintf("%q", s+":*"))
		}
		again, err := usage.ParseUnused("u.json", []byte("["+strings.Join(entries, ",")+"]"))
		if err != nil {
			t.Fatalf("%q printed as %v: %v", src, entries, err)
		}
		if diff := cmp.Diff(show(u), show(again)); diff != "" {
			t.Errorf("%q (-read +read again):\n%s", src, diff)
		}
	})
}
