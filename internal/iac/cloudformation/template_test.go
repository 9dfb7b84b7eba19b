package cloudformation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/cloudformation"
)

func TestIsTemplate(t *testing.T) {
	tests := []struct {
		name string
		lang iac.Lang
		src  string
		want bool
	}{
		{"resources with types", iac.YAML, "Resources: {A: {Type: 'AWS::S3::Bucket'}}", true},
		{"the version and a resource of one's own", iac.YAML, "AWSTemplateFormatVersion: 1\nResources: {A: {Type: 'Custom::AWS::X'}}", true},
		{"JSON", iac.JSON, `{"Resources": {"A": {"Type": "AWS::S3::Bucket"}}}`, true},
		{"a syntax error in a template", iac.YAML, "Resources:\n  A: {Type: 'AWS::S3::Bucket'", true},
		{"a syntax error in a JSON template", iac.JSON, "{\n \"Resources\": {\"A\": {\"Type\": \"AWS::S3::Bucket\"}}", true},
		{"a syntax error below a comment", iac.YAML, "Resources: # all\n  A: {Type: 'AWS::S3::Bucket'", true},
		{"a syntax error in braces", iac.YAML, "Resources: {A: {Type: 'AWS::S3::Bucket'", true},
		{"a syntax error below an anchor, with CRLF", iac.YAML, "Resources: &all\r\n  A: {Type: 'AWS::S3::Bucket'", true},
		{"a syntax error in JSON on one line", iac.JSON, `{"Description": "", "Resources": {"A": {"Type": "AWS::S3::Bucket"}`, true},
		{"a syntax error elsewhere", iac.YAML, "data: {Resources: 'AWS::S3::Bucket'", false},
		{"types that aren't AWS's", iac.YAML, "Resources: {A: {Type: Bucket, For: 'AWS::'}}", false},
		{"no resources", iac.YAML, "Resource: {A: {Type: 'AWS::S3::Bucket'}}", false},
		{"a policy", iac.JSON, `{"Statement": [], "Id": "Resources of AWS::"}`, false},
		{"Serverless Framework", iac.YAML, "resources:\n  Resources: {A: {Type: 'AWS::S3::Bucket'}}", false},
		{"nothing", iac.YAML, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &iac.File{Path: "t", Lang: test.lang, Src: []byte(test.src)}
			if got := cloudformation.IsTemplate(f); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// TestValues reads YAML values as CloudFormation means them.
func TestValues(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"scalars", "[a, 'b', 1, 2.5, true, True, null, ~, 2012-10-17, '1']", `["a", "b", 1, 2.5, true, true, null, null, "2012-10-17", "1"]`},
		{"a number that JSON hasn't", "0x10", "<a number that isn't written as JSON writes it: put it in quotes>"},
		{"a number with a zero in front", "[012]", "[<a number that isn't written as JSON writes it: put it in quotes>]"},
		{"Sub", "!Sub 'a${AWS::Region}b${X.Arn}${!c}'", `"a<AWS::Region>b<X.Arn>${c}"`},
		{"Sub in a folded block", "!Sub >-\n  a${ X }\n  b", `"a<X> b"`},
		{"Sub of no value", "!Sub 'a${AWS::NoValue}'", "<computed by !Sub>"},
		{"Sub with values", "!Sub ['${A}${B}${C}', {A: 1, B: !Ref X, C: !Sub 'y${Z}'}]", `"1<X>y<Z>"`},
		{"Sub with a value that may be nothing", "!Sub ['${A}', {A: !If [c, d, e]}]", "<computed by !Sub>"},
		{"Join of literals", "!Join [':', [a, b, 1]]", `"a:b:1"`},
		{"Join of a list that is a parameter", "!Join [':', !Ref A]", "<computed by !Join>"},
		{"Join with a Join in it", "!Join ['-', [!Join ['', [a, !Ref 'AWS::Region']], !GetAtt X.Arn]]", `"a<AWS::Region>-<X.Arn>"`},
		{"a long GetAtt in a Join", "\nFn::Join: ['', [{'Fn::GetAtt': [X, Arn]}]]", `"<X.Arn>"`},
		{"Ref of a parameter", "!Ref A", "<computed by !Ref>"},
		{"Ref of a pseudo parameter", "!Ref AWS::Region", `"<AWS::Region>"`},
		{"Ref of no value", "!Ref AWS::NoValue", "<computed by !Ref>"},
		{"Sub with an open brace", "!Sub 'a${b'", "<computed by !Sub>"},
		{"Ref of the one that is a list", "!Ref AWS::NotificationARNs", "<computed by !Ref>"},
		{"other functions", "[!If [a, b, c], !GetAtt a.b, !GetAZs '', !Condition a]", "[<computed by !If>, <computed by !GetAtt>, <computed by !GetAZs>, <computed by !Condition>]"},
		{"a function next to other keys", "{Fn::Transform: {}, a: b}", "<computed by Fn::Transform>"},
		{"a key like a function's", "{Ref: a, b: c}", `{Ref: "a", b: "c"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := "a:\n  b:\n    c:\n      d: " + strings.ReplaceAll(test.src, "\n", "\n        ") + "\n"
			f := &iac.File{Path: "t.yaml", Lang: iac.YAML, Src: []byte(src)}
			root, err := cloudformation.Parse(f)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("{a: {b: {c: {d: "+test.want+"}}}}", shape(root)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestErrors reads files that can't be templates, and says where and why.
func TestErrors(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a: &a [x, x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c < 'j'; c++ {
		fmt.Fprintf(&bomb, "%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10))
	}
	tests := []struct {
		name string
		lang iac.Lang
		src  string
		want string
	}{
		{"a key that is given twice", iac.YAML, "a: 1\nb:\n  c: 1\n  c: 2\n", `t:4:3: "c" is given twice`},
		{"two documents", iac.YAML, "a: 1\n---\nb: 2\n", "t: expected single document, found multiple; a template is one YAML document"},
		{"none", iac.YAML, "", "t: no documents in stream; a template is one YAML document"},
		{"an alias in what it names", iac.YAML, "a: &a\n  b: *a\n", "t:2:6: an alias stands inside of what it names"},
		{"aliases that grow", iac.YAML, bomb.String(), "t:6:40: has more than 1048576 values once its aliases are written out"},
		{"a merge of a text", iac.YAML, "a:\n  <<: b\n", "t:2:3: want a mapping, or a list of mappings, after the merge key <<"},
		{"a list as a key", iac.YAML, "? [a]\n: b\n", "t:1:3: want a text as the key"},
		{"UTF-16", iac.YAML, "\xff\xfea\x00", "t: is UTF-16; want UTF-8"},
		{"an unknown alias", iac.YAML, "a: *b\n", "t:1:4: unknown anchor 'b' referenced"},
		{"tabs for indentation", iac.YAML, "a:\n\tb: 1\n", "t:2:1: found character that cannot start any token"},
		{"a hundred levels", iac.YAML, strings.Repeat("[", 100) + strings.Repeat("]", 100), "t:1:66: stands more than 64 levels deep"},
		{"JSON", iac.JSON, "{\n  \"a\": 1,\n  \"a\": 2\n}", "t:3:3: key a stands twice in one object: keep one"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := cloudformation.Parse(&iac.File{Path: "t", Lang: test.lang, Src: []byte(test.src)})
			if diff := cmp.Diff(test.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
