package iac_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// holes are the interpolations of a text, which have no braces inside.
func holes(src string) []policy.Span {
	var out []policy.Span
	for at := 0; at < len(src); {
		n := strings.IndexAny(src[at:], "$%")
		if n < 0 {
			break
		}
		at += n
		end := strings.IndexByte(src[at:], '}')
		if !strings.HasPrefix(src[at+1:], "{") || at > 0 && src[at-1] == src[at] || end < 0 {
			at++
			continue
		}
		out = append(out, policy.Span{Start: at, End: at + end + 1})
		at += end + 1
	}
	return out
}

// template parses JSON of a template in which some expressions are known.
func template(src string, known map[string]*iac.Value) (*iac.Value, error) {
	return templateIn(jsonFile(src), known)
}

func templateIn(f *iac.File, known map[string]*iac.Value) (*iac.Value, error) {
	src := string(f.Src)
	e := iac.Embedded{
		Holes:    holes(src),
		Scope:    "module.a",
		Unescape: strings.NewReplacer("$${", "${", "%%{", "%{").Replace,
	}
	e.Value = func(i int) *iac.Value {
		expr := src[e.Holes[i].Start+2 : e.Holes[i].End-1]
		if v := known[expr]; v != nil {
			return v
		}
		return &iac.Value{Text: expr}
	}
	return iac.ParseJSON(f, policy.Span{End: len(src)}, e)
}

func TestJSONWithHolesSaysWhatIsKnown(t *testing.T) {
	known := map[string]*iac.Value{
		"local.service": {Kind: iac.Text, Text: "s3"},
		"local.n":       {Kind: iac.Literal, Text: "5"},
		"local.list":    {Kind: iac.List, Form: iac.Brackets, Entries: []*iac.Value{{Kind: iac.Text, Text: "s3:GetObject"}}},
		"local.quote":   {Kind: iac.Text, Text: `a"b`},
		"local.arn":     {Kind: iac.Text, Text: "x:pare", Holes: []iac.Hole{{Span: policy.Span{Start: 2, End: 6}, Expr: "var.y"}}},
	}
	for name, tt := range map[string]struct{ src, want string }{
		"plain JSON":                      {`{"a": ["b", 1, true, null]}`, `{"a":["b",1,true,null]}`},
		"comments and commas":             {"// x\n{\"a\": [\"b\", /* c, */], }", `{"a":["b"]}`},
		"a comment mark in a string":      {`["a//b", "c/*d*/"]`, `["a//b","c/*d*/"]`},
		"a known text in a string":        {`["${local.service}:Get*"]`, `["s3:Get*"]`},
		"a known number in a string":      {`["a${local.n}"]`, `["a5"]`},
		"an unknown text in a string":     {`["${var.b}/*"]`, `["${var.b}/*"]`},
		"quotes in an interpolation":      {`["${var.b["x"]}/*"]`, `["${var.b[\"x\"]}/*"]`},
		"a text with a hole of its own":   {`["a:${local.arn}"]`, `["a:x:${var.y}"]`},
		"a known list":                    {`{"a": ${local.list}}`, `{"a":["s3:GetObject"]}`},
		"an unknown list":                 {`{"a": ${var.list}}`, `{"a":"${var.list}"}`},
		"escapes of the template":         {`["$${aws:username}", "100%%{"]`, `["${aws:username}","100%{"]`},
		"escapes of JSON beside a hole":   {`["\u00e9${local.service}\n"]`, `["és3\n"]`},
		"a directive in a string":         {`["a%{ if x }b"]`, `["${\"a%{ if x }b\"}"]`},
		"a text that would end a string":  {`["${local.quote}"]`, `["${\"${local.quote}\"}"]`},
		"a list in a string":              {`["${local.list}"]`, `["${\"${local.list}\"}"]`},
		"a text outside quotes":           {`[${local.service}]`, `["${${local.service}}"]`},
		"a hole in a comment":             {"[1 // ${var.x}\n]", `[1]`},
		"a key with a hole, and another":  {`{"${local.n}:sub": 1, "${local.service}:sub": 2}`, `{"5:sub":1,"s3:sub":2}`},
		"the braces of something written": {`["${"]`, `["${"]`},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := template(tt.src, known)
			if err != nil {
				t.Fatal(err)
			}
			got := jsontext.Value(iac.Render(v))
			if err := got.Compact(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestWhatIsntJSONIsRefusedWhereItStands(t *testing.T) {
	for name, tt := range map[string]struct{ src, want string }{
		"nothing":                        {"", "p.json:1:1: JSON that ends too early"},
		"no end":                         {"{\"a\": [", "p.json:1:8: JSON that ends too early"},
		"more than one":                  {"{}\n []", "p.json:2:2: more after the end of the JSON value"},
		"a key twice":                    {"{\"a\": 1,\n \"\\u0061\": 2}", "p.json:2:2: key a stands twice in one object: keep one"},
		"only a comma":                   {"[,]", "p.json:1:2: not JSON: "},
		"two commas":                     {"[1,,]", "p.json:1:4: not JSON: "},
		"a comment without an end":       {"[1 /* x]", "p.json:1:4: not JSON: "},
		"not UTF-8":                      {"[\"\xff\"]", "p.json:1:3: not UTF-8: save the file as UTF-8"},
		"deep":                           {strings.Repeat("[", 65), "p.json:1:65: nested more than 64 levels deep"},
		"half a character":               {`["\ud800"]`, "p.json:1:3: not JSON: "},
		"a directive outside of strings": {"[1 %{ if x }, 2]", "p.json:1:4: a template's directive outside a string: what it leaves isn't known"},
		"a computed key":                 {"{${var.k}: 1}", "p.json:1:2: a key that is computed: want one that is written here"},
		"a backslash before a hole":      {`["\${var.k}"]`, "p.json:1:"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := template(tt.src, nil)
			if err == nil {
				t.Fatalf("no error, but %s", iac.Render(v))
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// spans says where a value's places in its file don't fit it.
func spans(t *testing.T, v *iac.Value) {
	t.Helper()
	src := v.File.Src[v.Start:v.End]
	again, err := parseJSON(&iac.File{Path: "again.json", Lang: iac.JSON, Src: src})
	if err != nil || again.Kind != v.Kind || again.Text != v.Text {
		t.Fatalf("%q at %d is %v of %q, %v", v.Text, v.Start, v.Kind, src, err)
	}
	for _, entry := range v.Entries {
		spans(t, entry)
	}
	for _, m := range v.Members {
		spans(t, m.Value)
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, src := range []string{
		`{"Statement": [{"Effect": "Allow", "Action": ["s3:*", /* x */], "Resource": "${var.a["b"]}"}]}`,
		"\uFEFF[1, -2.5e3, true, null, \"\\u00e9\\\"\"]\r\n", `["%{ if a }${b}%{ endif }", ${c}]`, "[//\n1,]", `["$${a}"`,
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if v, err := template(src, nil); err == nil {
			iac.Render(v)
		}
		if v, err := parseJSON(jsonFile(src)); err == nil {
			spans(t, v)
		}
	})
}

func TestPolicyFilesAreToldFromOtherFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		src    string
		policy bool
	}{
		"a policy":                     {`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}`, true},
		"one statement, with comments": {"// x\n{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}}", true},
		"a template":                   {`{"Resources": {"Statement": {"Effect": "Allow"}}}`, false},
		"something else's statement":   {`{"Statement": "SELECT 1"}`, false},
		"not JSON, and no policy":      {`{]`, false},
		"a list":                       {`["Statement"]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := iac.ReadPolicyFile(jsonFile(tt.src))
			if err != nil {
				t.Fatal(err)
			}
			if (s != nil) != tt.policy {
				t.Errorf("got %v, want a policy: %v", s, tt.policy)
			}
		})
	}
	if s, err := iac.ReadPolicyFile(jsonFile(`{"Statement": }`)); err == nil {
		t.Errorf("a broken policy has no error, but %v", s)
	}
}
