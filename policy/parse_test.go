package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/policy"
)

func parse(t testing.TB, src string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse("p.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// outline prints what a document means, a line an element, each entry as the source
// between its span.
func outline(doc *policy.Document) []string {
	var out []string
	line := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	at := func(s policy.Span) string { return string(doc.Bytes()[s.Start:s.End]) }
	line("version %d id %q", doc.Version, doc.ID)
	for _, st := range doc.Statements {
		line("%d %q %v", st.Index, st.Sid, st.Effect)
		for _, e := range st.Principal.Entries {
			line("  principal not=%v %d %q %s", st.Principal.Not, e.Kind, e.Text, at(e.Span))
		}
		for _, e := range st.Action.Entries {
			line("  %s %q %v %s", st.Action.Element(), e.Text, e.Pattern, at(e.Span))
		}
		for _, e := range st.Resource.Entries {
			line("  resource not=%v %q %s", st.Resource.Not, e.Text, at(e.Span))
		}
		for _, c := range st.Conditions {
			line("  %v %s %s", c.Operator, c.Key, at(c.Span))
			for _, v := range c.Values {
				line("    %q %s", v.Text, at(v.Span))
			}
		}
	}
	for _, u := range doc.Unknown {
		line("unknown %s %q %s", u.Pointer, u.Key, at(u.Span))
	}
	return out
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		want      []string
	}{
		{"lists", `{"Version": "2012-10-17", "Id": "i", "Statement": [
			{"Sid": "A", "Effect": "Allow", "Action": ["s3:Get*", "*"], "Resource": ["*", "arn:aws:s3:::b"]},
			{"Effect": "Deny", "NotAction": ["S3:getobject"], "NotResource": ["*"]}]}`,
			[]string{
				`version 1 id "i"`,
				`0 "A" Allow`, `  Action "s3:Get*" s3:get* "s3:Get*"`, `  Action "*" * "*"`,
				`  resource not=false "*" "*"`, `  resource not=false "arn:aws:s3:::b" "arn:aws:s3:::b"`,
				`1 "" Deny`, `  NotAction "S3:getobject" s3:getobject "S3:getobject"`, `  resource not=true "*" "*"`,
			}},
		{"one statement, scalars, the order turned round",
			"{\"Statement\":{\"Resource\":\"*\",\"Condition\":{\"bool\":{\"AWS:Secure\":\"true\"}},\"Action\":\"s3:*\",\"Effect\":\"Deny\",\"Sid\":\"\"},\"Version\":\"2008-10-17\"}",
			[]string{
				`version 0 id ""`, `0 "" Deny`, `  Action "s3:*" s3:* "s3:*"`, `  resource not=false "*" "*"`,
				`  Bool aws:secure "AWS:Secure"`, `    "true" "true"`,
			}},
		{"conditions: numbers and booleans without quotes, none, several keys and operators",
			`{"Statement": {"Effect": "Deny", "Action": "*", "Condition": {
				"ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a*", "b"], "x:Y": []},
				"NumericLessThan": {"s3:max-keys": 1e1, "s3:n": [-1.5, 2]},
				"foranyvalue:ARNLIKE": {"a:b": "c"}, "Null": {"a:c": false}}}}`,
			[]string{
				`version 0 id ""`, `0 "" Deny`, `  Action "*" * "*"`,
				`  ForAllValues:StringLikeIfExists aws:tagkeys "aws:TagKeys"`, `    "a*" "a*"`, `    "b" "b"`,
				`  ForAllValues:StringLikeIfExists x:y "x:Y"`,
				`  NumericLessThan s3:max-keys "s3:max-keys"`, `    "1e1" 1e1`,
				`  NumericLessThan s3:n "s3:n"`, `    "-1.5" -1.5`, `    "2" 2`,
				`  ForAnyValue:ArnLike a:b "a:b"`, `    "c" "c"`,
				`  Null a:c "a:c"`, `    "false" false`,
			}},
		{"principals of every kind", `{"Statement": [
			{"Effect": "Allow", "Principal": {"AWS": ["*", "123456789012"], "Service": "lambda.amazonaws.com", "Federated": "a", "CanonicalUser": "b"}, "Action": "sts:AssumeRole"},
			{"Effect": "Deny", "NotPrincipal": "*", "Action": "sts:AssumeRole"}]}`,
			[]string{
				`version 0 id ""`, `0 "" Allow`,
				`  principal not=false 1 "*" "*"`, `  principal not=false 1 "123456789012" "123456789012"`,
				`  principal not=false 2 "lambda.amazonaws.com" "lambda.amazonaws.com"`,
				`  principal not=false 3 "a" "a"`, `  principal not=false 4 "b" "b"`,
				`  Action "sts:AssumeRole" sts:assumerole "sts:AssumeRole"`,
				`1 "" Deny`, `  principal not=true 0 "*" "*"`, `  Action "sts:AssumeRole" sts:assumerole "sts:AssumeRole"`,
			}},
		{"escapes are read, and kept as written", `{"\u0053tatement": {"Effect": "\u0041llow", "Action": "s3:Get\u004fbject", "Resource": "a\"\\\/\ud83d\ude00"}}`,
			[]string{
				`version 0 id ""`, `0 "" Allow`, `  Action "s3:GetObject" s3:getobject "s3:Get\u004fbject"`,
				`  resource not=false "a\"\\/😀" "a\"\\\/\ud83d\ude00"`,
			}},
		{"elements that the grammar doesn't have are kept", `{"Comment": {"a": [1]}, "Statement": [{"Effect": "Allow", "Action": "*"}, {"Effect": "Allow", "x/~y": null, "Action": "*"}]}`,
			[]string{
				`version 0 id ""`, `0 "" Allow`, `  Action "*" * "*"`, `1 "" Allow`, `  Action "*" * "*"`,
				`unknown /Comment "Comment" "Comment"`, `unknown /Statement/1/x~1~0y "x/~y" "x/~y"`,
			}},
		{"an unknown element of a statement alone", `{"Statement": {"Effect": "Allow", "Action": "*", "Why": 1}}`,
			[]string{`version 0 id ""`, `0 "" Allow`, `  Action "*" * "*"`, `unknown /Statement/Why "Why" "Why"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := parse(t, tt.src)
			if diff := cmp.Diff(tt.want, outline(doc)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := string(doc.Bytes()); got != tt.src {
				t.Errorf("Bytes = %s", got)
			}
		})
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	const list, scalar, statement = `[ "a:b" ]`, `"a:c"`, `{"Action": "a:c", "Effect": "Deny"}`
	src := `{"Statement": [{"Action": ` + list + `, "Effect": "Allow"}, ` + statement + ` ] }`
	doc := parse(t, src)
	for _, tt := range []struct {
		want string
		span policy.Span
	}{
		{list, doc.Statements[0].Action.Span()},
		{scalar, doc.Statements[1].Action.Span()},
		{statement, doc.Statements[1].Span},
	} {
		if got := src[tt.span.Start:tt.span.End]; got != tt.want {
			t.Errorf("span of %s is %s", tt.want, got)
		}
	}
	if got, want := doc.Where(strings.Index(src, `"a:c"`)), "p.json:1:69"; got != want {
		t.Errorf("Where = %s, want %s", got, want)
	}
}

func TestPosition(t *testing.T) {
	const src = "é1\r\n\tb\n\nend"
	for _, tt := range []struct{ offset, line, column int }{
		{0, 1, 1}, {2, 1, 2}, {5, 2, 1}, {6, 2, 2}, {8, 3, 1}, {9, 4, 1}, {12, 4, 4}, {99, 4, 4},
	} {
		if line, column := policy.Position([]byte(src), tt.offset); line != tt.line || column != tt.column {
			t.Errorf("offset %d is at %d:%d, want %d:%d", tt.offset, line, column, tt.line, tt.column)
		}
	}
}

func TestActionsMatch(t *testing.T) {
	t.Parallel()
	doc := parse(t, `{"Statement": [
		{"Effect": "Allow", "Action": ["s3:Get*", "S3:PUTobject"]},
		{"Effect": "Allow", "NotAction": ["s3:Get*", "iam:*"]}]}`)
	for text, want := range map[string][2]bool{
		"s3:GetObject": {true, false}, "s3:putObject": {true, true}, "iam:GetRole": {false, false}, "ec2:GetX": {false, true},
	} {
		action, err := policy.ParseAction(text)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range want {
			if got := doc.Statements[i].Action.Match(action); got != want {
				t.Errorf("statement %d matches %s = %v", i, text, got)
			}
		}
	}
}

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		name, statement string
		want            int
	}{
		{"as short as it gets", `{"Effect":"Deny","Action":"*"}`, 30},
		{"white space outside texts isn't counted", "{ \"Effect\" :\t\"Deny\",\r\n\n  \"Action\": \"*\" }", 30},
		{"white space inside texts is", `{"Effect":"Deny","Action":"*","Sid":" a	b "}`, 30 + len(`,"Sid":" a b "`)},
		{"an escape has the characters that are written", `{"Effect":"Deny","Action":"*","Sid":"\u00e9\"\\"}`, 30 + len(`,"Sid":"\u00e9\"\\"`)},
		{"a character is a code point", `{"Effect":"Deny","Action":"*","Sid":"é世😀"}`, 30 + len(`,"Sid":"xxx"`)},
		{"white space after an escaped quote", `{"Effect":"Deny","Action":"*","Sid":"\" \" "}`, 30 + len(`,"Sid":"\" \" "`)},
		{"white space after an escaped backslash", `{"Effect":"Deny","Action":"*","Sid":"\\" }`, 30 + len(`,"Sid":"\\"`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := strings.ReplaceAll(` {"Statement": `+tt.statement+`}`+"\n", "\t", " ")
			if got, want := parse(t, src).Size(), tt.want+len(`{"Statement":}`); got != want {
				t.Errorf("size %d, want %d", got, want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		kind      policy.Kind
		want      string
	}{
		{"an identity policy", `{"Statement": {"Sid": "A1", "Effect": "Allow", "Action": "*", "Resource": "*"}}`, policy.Identity, ""},
		{"an identity policy with NotResource", `{"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "*"}}`, policy.Identity, ""},
		{"everything an identity policy can't have", "{\"Statement\": [\n{\"Sid\": \"a b\", \"Effect\": \"Allow\", \"Action\": \"*\", \"Principal\": \"*\"},\n{\"Effect\": \"Allow\", \"NotPrincipal\": \"*\", \"Action\": \"*\", \"Resource\": \"*\", \"Sid\": \"é\"}]}", policy.Identity,
			`p.json:2:1: /Statement/0: no Resource or NotResource: every statement of an identity policy has one
p.json:2:9: /Statement/0/Sid: Sid "a b": want letters and digits only
p.json:2:50: /Statement/0/Principal: Principal: an identity policy has none; its principal is the user, group or role it is attached to; is this a resource policy, or a role's trust policy?
p.json:3:21: /Statement/1/NotPrincipal: NotPrincipal: an identity policy has none; its principal is the user, group or role it is attached to; is this a resource policy, or a role's trust policy?
p.json:3:81: /Statement/1/Sid: Sid "é": want letters and digits only`},
		{"a resource policy", `{"Statement": {"Sid": "a b", "Effect": "Allow", "Action": "*", "Principal": "*"}}`, policy.Resource, ""},
		{"a resource policy for nobody", `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`, policy.Resource,
			`p.json:1:15: /Statement: no Principal: a statement of a resource policy names who it is for`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := parse(t, tt.src).Check(tt.kind); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
