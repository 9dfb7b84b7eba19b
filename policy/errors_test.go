package policy_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/policy"
)

// problems parses a document that is wrong and gives the lines of the error.
func problems(t *testing.T, src string) []string {
	t.Helper()
	doc, err := policy.Parse("p.json", []byte(src))
	if doc != nil || err == nil {
		t.Fatalf("Parse = %v, %v: want an error alone", doc, err)
	}
	return strings.Split(err.Error(), "\n")
}

func TestNotJSON(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"an empty file", "", `p.json:1:1: empty: want a JSON policy document`},
		{"white space alone", " \r\n\t", `p.json:1:1: empty: want a JSON policy document`},
		{"cut in an object", "{\n  \"Version\": \"2012-10-17\",\n", `p.json:3:1: ends too early: want the } for the { at 1:1`},
		{"cut in a list", `{"Statement": [{}, `, `p.json:1:20: ends too early: want the ] for the [ at 1:15`},
		{"cut in a text", `{"Version": "2012`, `p.json:1:18: ends too early: want the " for the " at 1:13`},
		{"cut after a name", `{"Version"`, `p.json:1:11: ends too early: want the } for the { at 1:1`},
		{"cut in a word", `tru`, `p.json:1:4: ends too early: want the rest of the value`},
		{"no quotes", `{Version: 1}`, `p.json:1:2: not JSON: invalid character 'V' at start of value; names and texts stand in double quotes`},
		{"single quotes", `{"Id": 'é'}`, `p.json:1:8: /Id: not JSON: invalid character '\'' at start of value; names and texts stand in double quotes`},
		{"YAML", "\nVersion: 1\n", `p.json:2:1: not JSON: invalid character 'V' at start of value; want JSON, which begins with a brace: YAML isn't read`},
		{"a list in YAML", "- Effect: Allow", `p.json:1:2: not JSON: invalid character ' ' in number (expecting digit); want JSON, which begins with a brace: YAML isn't read`},
		{"a document of YAML", "---\nVersion: 1", `p.json:1:2: not JSON: invalid character '-' in number (expecting digit); want JSON, which begins with a brace: YAML isn't read`},
		{"URL-encoded", "%7B%22Version%22", `p.json:1:1: not JSON: invalid character '%' at start of value; it looks URL-encoded, as IAM's API sends it: decode it first, or get it with the aws command, which does`},
		{"a comment", "{\n  // all\n}", `p.json:2:3: not JSON: invalid character '/' at start of value; JSON has no comments`},
		{"a comma too many in a list", `{"a": ["é", ]}`, `p.json:1:11: /a: not JSON: invalid character ',' at start of value; no comma stands before a closing bracket`},
		{"a comma too many in an object", "{\"a\": 1,\n}", `p.json:1:8: not JSON: invalid character ',' at start of value; no comma stands before a closing bracket`},
		{"a comma missing in a list", `{"a": [1 2]}`, `p.json:1:10: /a: not JSON: invalid character '2' after array element (expecting ',' or ']')`},
		{"a comma missing in an object", "{\"a\": 1\n \"b\": 2}", `p.json:2:2: not JSON: invalid character '"' after object value (expecting ',' or '}')`},
		{"a colon missing", `{"a" 1}`, `p.json:1:6: /a: not JSON: invalid character '1' after object name (expecting ':')`},
		{"a name that isn't a text", `{1: 2}`, `p.json:1:2: not JSON: object member name must be a string`},
		{"the wrong bracket", `{"a": [1}`, `p.json:1:9: /a: not JSON: invalid character '}' after array element (expecting ',' or ']')`},
		{"a line break in a text", "{\"a\": \"x\n\"}", `p.json:1:9: /a: not JSON: invalid character '\n' in string (expecting non-control character); a string ends on the line on which it begins`},
		{"an escape that JSON doesn't have", `{"a": "\x"}`, "p.json:1:8: /a: not JSON: invalid escape sequence `\\x` in string"},
		{"a number that JSON doesn't have", `{"a": +1}`, `p.json:1:7: /a: not JSON: invalid character '+' at start of value`},
		{"a second document", "{}\n{}", `p.json:2:1: more after the end of the document: want one JSON object`},
		{"a bracket too many", `{}}`, `p.json:1:3: more after the end of the document: want one JSON object`},
		{"text after the document", "{} end", `p.json:1:4: more after the end of the document: want one JSON object`},
		{"a byte of Latin-1", "{\"Id\": \"caf\xe9\"}", `p.json:1:12: byte 0xE9 isn't UTF-8: save the file as UTF-8`},
		{"a cut character", "{\"Id\": \"é\xc3\"}", `p.json:1:10: byte 0xC3 isn't UTF-8: save the file as UTF-8`},
		{"a byte order mark", "\uFEFF{}", `p.json:1:1: starts with a byte order mark, which JSON doesn't allow: save the file as UTF-8 without one`},
		{"UTF-16", "\xff\xfe{\x00}\x00", `p.json:1:1: looks like UTF-16: save the file as UTF-8`},
		{"UTF-16, the other way round", "\xfe\xff\x00{\x00}", `p.json:1:1: looks like UTF-16: save the file as UTF-8`},
		{"UTF-16 without a mark", "{\x00}\x00", `p.json:1:1: looks like UTF-16: save the file as UTF-8`},
		{"brackets without end", strings.Repeat("[", 100), `p.json:1:65: nested more than 64 levels deep: want a policy document, which needs seven`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{tt.want}, problems(t, tt.src)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNotAPolicy(t *testing.T) {
	const want = `want a policy document, {"Version": "2012-10-17", "Statement": […]}`
	for src, found := range map[string]string{
		`[]`: "a list", `"s3:Get*"`: `"s3:Get*"`, `12`: "12", `null`: "null", `true`: "true",
		`{}`: "no Statement", `{"Version": "2012-10-17"}`: "no Statement",
	} {
		t.Run(src, func(t *testing.T) {
			if diff := cmp.Diff([]string{"p.json:1:1: " + found + ": " + want}, problems(t, src)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWrapped has a policy document inside something else.
func TestWrapped(t *testing.T) {
	const (
		want   = `want a policy document, {"Version": "2012-10-17", "Statement": […]}`
		inside = `the policy document is inside: `
		decode = `; it looks URL-encoded, as IAM's API sends it: decode it first, or get it with the aws command, which does`
	)
	for _, tt := range []struct{ name, src, want string }{
		{"get-role-policy", `{"RoleName": "r", "PolicyDocument": {"Statement": []}}`,
			`p.json:1:19: /PolicyDocument: ` + inside + `add --query PolicyDocument to the aws command`},
		{"GetRolePolicy, encoded", `{"PolicyDocument": "%7B%22Version%22"}`,
			`p.json:1:2: /PolicyDocument: the policy document is a text inside` + decode},
		{"get-policy-version", `{"PolicyVersion": {"Document": {}}}`,
			`p.json:1:2: /PolicyVersion: ` + inside + `add --query PolicyVersion.Document to the aws command`},
		{"get-policy", `{"Policy": {"Arn": "arn:aws:iam::123456789012:policy/p"}}`,
			`p.json:1:2: /Policy: this names a policy and doesn't have it: aws iam get-policy-version --policy-arn ARN --version-id DEFAULT --query PolicyVersion.Document`},
		{"get-bucket-policy", `{"Policy": "{\"Statement\": []}"}`,
			`p.json:1:2: /Policy: ` + inside + `add --query Policy --output text to the aws command`},
		{"get-role", `{"Role": {"AssumeRolePolicyDocument": {}}}`,
			`p.json:1:2: /Role: ` + inside + `add --query Role.AssumeRolePolicyDocument to the aws command`},
		{"a text, encoded", `"%7B%7D"`, `p.json:1:1: "%7B%7D": ` + want + decode},
		{"a text", `"{}"`, `p.json:1:1: "{}": ` + want + "; the document is inside a JSON text: `jq -r .` takes it out"},
		{"a slip of the pen", `{"Statment": []}`, `p.json:1:1: no Statement: ` + want + `; is "Statment" meant for Statement?`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{tt.want}, problems(t, tt.src)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDocumentErrors(t *testing.T) {
	const st = `{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}`
	for _, tt := range []struct {
		name, src string
		want      []string
	}{
		{"a name twice", `{"Id": "a", "Id": "b", "Statement": [` + st + `]}`,
			[]string{`p.json:1:13: /Id: key "Id" stands twice in one object: keep one`}},
		{"a name twice, written differently", `{"Id": "a", "\u0049d": "b", "Statement": [` + st + `]}`,
			[]string{`p.json:1:13: /Id: key "Id" stands twice in one object: keep one`}},
		{"a name twice in what the grammar doesn't have", `{"x": [{"~/": {"b": 1, "b": 2}}], "Statement": ` + st + `}`,
			[]string{`p.json:1:24: /x/0/~0~1/b: key "b" stands twice in one object: keep one`}},
		{"another version", `{"Version": "2012-10-18", "Statement": ` + st + `}`,
			[]string{`p.json:1:13: /Version: "2012-10-18": want "2012-10-17" or "2008-10-17"`}},
		{"an empty version", `{"Version": "", "Statement": ` + st + `}`,
			[]string{`p.json:1:13: /Version: "": want "2012-10-17" or "2008-10-17"`}},
		{"a version that isn't a text", `{"Version": 2012, "Statement": ` + st + `}`,
			[]string{`p.json:1:13: /Version: 2012: want "2012-10-17" or "2008-10-17"`}},
		{"an Id that isn't a text", `{"Id": ["a"], "Statement": ` + st + `}`,
			[]string{`p.json:1:8: /Id: a list: want a string`}},
		{"names in the wrong case", `{"version": "2012-10-17", "Statement": [{"effect": "Allow", "Action": "s3:*"}]}`,
			[]string{
				`p.json:1:2: /version: element "version": write "Version"`,
				`p.json:1:41: /Statement/0: no Effect: every statement has one`,
				`p.json:1:42: /Statement/0/effect: element "effect": write "Effect"`,
			}},
		{"statements that aren't", `{"Statement": "Allow"}`,
			[]string{`p.json:1:15: /Statement: "Allow": want a statement (an object) or a list of them`}},
		{"no statement in the list", `{"Statement": []}`,
			[]string{`p.json:1:15: /Statement: empty list: want at least one statement`}},
		{"a list in the list of statements", "{\"Statement\": [\n  " + st + ",\n  [" + st + "],\n  null]}",
			[]string{
				`p.json:3:3: /Statement/1: a list: want a statement, an object`,
				`p.json:4:3: /Statement/2: null: want a statement, an object`,
			}},
		{"Sids that aren't unique", `{"Statement": [{"Sid": "A", ` + st[1:] + `, {"Sid": "", ` + st[1:] + `, {"Sid": "", ` + st[1:] + `, {"Sid": "A", ` + st[1:] + `]}`,
			[]string{`p.json:1:226: /Statement/3/Sid: Sid "A" stands in an earlier statement too: Sids are unique in a document`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, problems(t, tt.src)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestStatementErrors has statements alone: `/Statement` and line 1 of each message are
// added, and columns count from the statement's bracket.
func TestStatementErrors(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		want      []string
	}{
		{"an empty statement", `{}`, []string{
			`1: no Effect: every statement has one`,
			`1: no Action or NotAction: every statement has one`,
		}},
		{"slips of the pen", `{"Efect": "Allow", "NotActoin": "s3:*", "Note": 1}`, []string{
			`1: no Effect: every statement has one; is "Efect" meant for Effect?`,
			`1: no Action or NotAction: every statement has one; is "NotActoin" meant for NotAction?`,
		}},
		{"a Sid that isn't a text", `{"Sid": 1, "Effect": "Allow", "Action": "s3:*"}`, []string{
			`9/Sid: 1: want a string`}},
		{"another effect", `{"Effect": "allow", "Action": "s3:*"}`, []string{
			`12/Effect: "allow": want "Allow" or "Deny", exactly so`}},
		{"an effect in a list", `{"Effect": ["Allow"], "Action": "s3:*"}`, []string{
			`12/Effect: a list: want "Allow" or "Deny", exactly so`}},
		{"elements with their negation", `{"Effect": "Deny", "NotAction": "s3:*", "Action": "s3:*", "Resource": "*", "NotResource": "*", "Principal": "*", "NotPrincipal": "*"}`, []string{
			`41/Action: both Action and NotAction: want one of them`,
			`76/NotResource: both Resource and NotResource: want one of them`,
			`114/NotPrincipal: both Principal and NotPrincipal: want one of them`,
		}},
		{"empty lists", `{"Effect": "Deny", "Action": [], "Resource": [], "Principal": {"AWS": []}}`, []string{
			`30/Action: empty list: want at least one action`,
			`46/Resource: empty list: want at least one resource`,
			`71/Principal/AWS: empty list: want at least one principal`,
		}},
		{"empty texts", `{"Effect": "Deny", "Action": "", "Resource": [""], "Principal": {"AWS": [""]}}`, []string{
			`30/Action: empty string: want one action`,
			`47/Resource/0: empty string: want one resource`,
			`74/Principal/AWS/0: empty string: want one principal`,
		}},
		{"what isn't a text in lists", `{"Effect": "Deny", "Action": [1, ["s3:*"]], "Resource": {"Ref": "x"}, "Principal": {"AWS": null}}`, []string{
			`31/Action/0: 1: want a string, one action`,
			`34/Action/1: a list: want a string, one action`,
			`57/Resource: an object: want a string, one resource`,
			`92/Principal/AWS: null: want a string, one principal`,
		}},
		{"actions that aren't", `{"Effect": "Deny", "Action": ["s3GetObject", "é", "s*:Get", ":x", "s3:", "s_3:Get"]}`, []string{
			`31/Action/0: "s3GetObject": want service:name, such as "s3:GetObject", or "*"`,
			`46/Action/1: "é": want service:name, such as "s3:GetObject", or "*"`,
			`51/Action/2: "s*:Get": a wildcard can't stand in the service: write one entry a service, such as "s3:Get*"`,
			`61/Action/3: ":x": want service:name, such as "s3:GetObject"; one half is empty`,
			`67/Action/4: "s3:": want service:name, such as "s3:GetObject"; one half is empty`,
			`74/Action/5: "s_3:Get": service "s_3": want letters, digits and hyphens`,
		}},
		{"a very long action", `{"Effect": "Deny", "Action": "` + strings.Repeat("é", 1000) + `"}`, []string{
			`30/Action: "` + strings.Repeat("é", 41) + `…": want service:name, such as "s3:GetObject", or "*"`}},
		{"principals that aren't", `{"Effect": "Deny", "Action": "s3:*", "Principal": "me", "NotPrincipal": {}}`, []string{
			`57/NotPrincipal: both Principal and NotPrincipal: want one of them`,
			`73/NotPrincipal: an object: want "*" or an object such as {"AWS": "arn:aws:iam::123456789012:role/name"}`,
		}},
		{"a kind of principal that AWS doesn't have", `{"Effect": "Deny", "Action": "s3:*", "Principal": {"aws": "*", "AWS": "*"}}`, []string{
			`52/Principal/aws: principal kind "aws": want AWS, Service, Federated or CanonicalUser`}},
		{"conditions that aren't", `{"Effect": "Deny", "Action": "s3:*", "Condition": []}`, []string{
			`51/Condition: a list: want an object such as {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}`}},
		{"operators that AWS doesn't have", `{"Effect": "Deny", "Action": "s3:*", "Condition": {"StringsEqual": {}, "forallvalues:datelesserthan": {}, "Matches": {}, "NullIfExists": {}, "IfExists": {}}}`, []string{
			`52/Condition/StringsEqual: operator "StringsEqual": there is none of that name; is it StringEquals?`,
			`72/Condition/forallvalues:datelesserthan: operator "forallvalues:datelesserthan": there is none of that name; is it DateLessThan?`,
			`107/Condition/Matches: operator "Matches": want String…, Numeric…, Date…, Arn…, Bool, BinaryEquals, IpAddress, NotIpAddress or Null, such as StringEquals`,
			`122/Condition/NullIfExists: operator "NullIfExists": Null takes no ForAllValues:, ForAnyValue: or IfExists`,
			`142/Condition/IfExists: operator "IfExists": want String…, Numeric…, Date…, Arn…, Bool, BinaryEquals, IpAddress, NotIpAddress or Null, such as StringEquals`,
		}},
		{"an operator without keys", `{"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": "aws:SecureTransport"}}`, []string{
			`60/Condition/Bool: "aws:SecureTransport": want an object of condition keys and their values`}},
		{"keys and values that aren't", `{"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": {"SecureTransport": null, "aws:a": [{}, []]}}}`, []string{
			`61/Condition/Bool/SecureTransport: condition key "SecureTransport": want prefix:name, such as "aws:SourceIp"`,
			`80/Condition/Bool/SecureTransport: null: want a string, number or boolean`,
			`96/Condition/Bool/aws:a/0: an object: want a string, number or boolean`,
			`100/Condition/Bool/aws:a/1: a list: want a string, number or boolean`,
		}},
		{"variables that aren't", `{"Effect": "Deny", "Action": "s3:*", "Resource": ["${aws:x", "${}", "${a:b, c}"], "Condition": {"StringLike": {"a:b": ["${, 'd'}"]}}}`, []string{
			`51/Resource/0: "${aws:x": a policy variable that isn't closed: want ${key}`,
			`62/Resource/1: "${}": an empty policy variable: want ${key}`,
			`69/Resource/2: "${a:b, c}": a variable's default stands in single quotes: want ${key, 'default'}`,
			`120/Condition/StringLike/a:b/0: "${, 'd'}": an empty policy variable: want ${key}`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const before = `{"Version": "2012-10-17", "Statement": `
			got := problems(t, before+tt.src+`}`)
			for i := range got {
				var line, column int
				if _, err := fmt.Sscanf(got[i], "p.json:%d:%d:", &line, &column); err != nil || line != 1 {
					t.Fatalf("no place in %q: %v", got[i], err)
				}
				_, rest, _ := strings.Cut(got[i], ": /Statement")
				got[i] = fmt.Sprint(column-len(before)) + rest
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsAreValues(t *testing.T) {
	t.Parallel()
	_, err := policy.Parse("é.json", []byte("{\n \"Id\": \"é\", \"Statement\": [{\"Effect\": \"Deny\", \"Action\": 7}]}"))
	first, ok := errors.AsType[*policy.Error](err)
	if !ok {
		t.Fatalf("%v isn't an Error", err)
	}
	want := policy.Error{Name: "é.json", Line: 2, Column: 56, Pointer: "/Statement/0/Action", Message: "7: want a string, one action"}
	got := policy.Error{Name: first.Name, Line: first.Line, Column: first.Column, Pointer: first.Pointer, Message: first.Message}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestVeryManyErrors(t *testing.T) {
	t.Parallel()
	got := problems(t, `{"Statement": {"Effect": "Deny", "Action": [`+strings.Repeat("1,", 499_999)+`1]}}`)
	if len(got) != 101 || !strings.HasSuffix(got[100], ": 499900 errors more") {
		t.Errorf("%d lines, the last %q: want 100 errors and the number of the rest", len(got), got[len(got)-1])
	}
}

// TestHostile has documents of ten megabytes. A reader whose time is quadratic would
// not come back; what it allocates, garbage included, is bounded by the text.
func TestHostile(t *testing.T) {
	const size = 10 << 20
	keys := &strings.Builder{}
	for i := range 1_000_000 {
		fmt.Fprintf(keys, `,"k%d":1`, i)
	}
	for _, tt := range []struct{ name, src, want string }{
		{"brackets", strings.Repeat("[", size), "nested more than 64 levels deep"},
		{"objects in objects", strings.Repeat(`{"a":`, size/5), "nested more than 64 levels deep"},
		{"a list of numbers", "[" + strings.Repeat("1,", size/2) + "1]", "a list: want a policy document"},
		{"a million names", `{"a":1` + keys.String() + `}`, "no Statement"},
		{"one name a million times", `{"a":1` + strings.Repeat(`,"a":1`, size/6) + `}`, "errors more"},
		{"one text", `{"Id": "` + strings.Repeat(`\n`, size/2) + `"}`, "no Statement"},
		{"one text as a policy", `"` + strings.Repeat(`\"`, size/2) + `"`, "want a policy document"},
		{"white space", strings.Repeat(" ", size), "empty"},
		{"quotes", strings.Repeat(`"`, size), "more after the end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := policy.Parse("p.json", []byte(tt.src))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %.200v: want %q in it", err, tt.want)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 64*uint64(len(tt.src)) {
				t.Errorf("%d bytes allocated for %d", got, len(tt.src))
			}
		})
	}
}
