package rewrite_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/rewrite"
)

// driftOf says how a policy differs from what a file says, when a state knows that it is
// the file's; "" if it doesn't.
func driftOf(t testing.TB, file, live string) string {
	t.Helper()
	s := source("aws_iam_policy", "x", written(t, "main.tf", file))
	m := rewrite.MatchSources(catalog.Embedded(), []*iac.Source{s}, []*rewrite.Live{liveManaged(t, accountID, "p", live)}, state(stateManaged("x", "x", accountID, "p")))[0]
	if len(m.Live) != 1 || m.By != rewrite.ByState {
		t.Fatalf("not matched: %s", shown(m))
	}
	if m.Drift != (m.Reason != "") {
		t.Fatalf("drift is %t, and %q", m.Drift, m.Reason)
	}
	return strings.TrimPrefix(m.Reason, "arn:aws:iam::"+accountID+":policy/p isn't what the file says: ")
}

func TestVariables(t *testing.T) {
	const says = "statement 1 says something else, or what its variables are wasn't found"
	doc := func(effect, actions, rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":` + actions + rest + `}]}`
	}
	all := func(rest string) string { return doc("Allow", `"s3:*"`, rest) }
	tests := []struct{ name, file, live, want string }{
		{"one text for one variable", statement(`"s3:*"`, `"arn:aws:s3:::${v}","arn:aws:s3:::${v}/*"`), statement(`"s3:*"`, `"arn:aws:s3:::b","arn:aws:s3:::b/*"`), ""},
		{"and not two", statement(`"s3:*"`, `"arn:aws:s3:::${v}","arn:aws:s3:::${v}/*"`), statement(`"s3:*"`, `"arn:aws:s3:::a","arn:aws:s3:::b/*"`), says},
		{"two for two, in whichever order", statement(`"s3:*"`, `"arn:aws:s3:::${v}","arn:aws:s3:::${w}"`), statement(`"s3:*"`, `"arn:aws:s3:::b","arn:aws:s3:::a"`), ""},
		{"or one for both", statement(`"s3:*"`, `"arn:aws:s3:::${v}","arn:aws:s3:::${w}"`), statement(`"s3:*"`, `"arn:aws:s3:::b"`), ""},
		{"a search that goes back: the second tells what the first is", statement(`"s3:*"`, `"${v}-${w}","x/${w}"`), statement(`"s3:*"`, `"a-b-c","x/c"`), ""},
		{"nothing", statement(`"s3:*"`, `"arn:aws:s3:::a${v}"`), statement(`"s3:*"`, `"arn:aws:s3:::a"`), ""},
		{"a list for a variable alone", all(`,"Resource":"?v"`), all(`,"Resource":["a","b"]`), ""},
		{"the same list wherever it stands", all(`,"Resource":"?v","Condition":{"StringLike":{"s3:prefix":"?v"}}`), all(`,"Resource":["a","b"],"Condition":{"StringLike":{"s3:prefix":["b","a"]}}`), ""},
		{"no list beside another entry", all(`,"Resource":["?v","c"]`), all(`,"Resource":["a","b","c"]`), says},
		{"an action", doc("Allow", `["?v","s3:GetObject"]`, `,"Resource":"*"`), doc("Allow", `["s3:GetObject","s3:PutObject"]`, `,"Resource":"*"`), ""},
		{"a part of an action", doc("Allow", `["s3:${v}"]`, `,"Resource":"*"`), doc("Allow", `["s3:PutObject"]`, `,"Resource":"*"`), ""},
		{"case and order of actions", doc("Allow", `["s3:getobject","S3:Put*"]`, `,"Resource":"${v}"`), doc("Allow", `["s3:Put*","s3:GetObject"]`, `,"Resource":"*"`), ""},
		{"another effect", doc("Deny", `"s3:*"`, `,"Resource":"${v}"`), all(`,"Resource":"*"`), says},
		{"NotAction", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*"],"Resource":"${v}"}]}`, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"b"}]}`, ""},
		{"a condition's key", all(`,"Resource":"*","Condition":{"StringEquals":{"${v}:aud":"a","aws:x":"${w}"}}`), all(`,"Resource":"*","Condition":{"StringEquals":{"aws:X":"b","oidc.example.com:aud":"a"}}`), ""},
		{"another operator", all(`,"Resource":"${v}","Condition":{"StringEquals":{"aws:x":"a"}}`), all(`,"Resource":"*","Condition":{"StringLike":{"aws:x":"a"}}`), says},
		{"one condition more", all(`,"Resource":"${v}","Condition":{"StringEquals":{"aws:x":"a"}}`), all(`,"Resource":"*"`), says},
		{"one statement more", statement(`"s3:*"`, `"${v}"`), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"a"},{"Effect":"Deny","Action":"sqs:*","Resource":"*"}]}`, "the file has 1 statements and the live policy 2"},
		{"more to try than there is time", statement(`"s3:*"`, `"${a}${b}${c}${d}${e}${f}${g}${h}x"`), statement(`"s3:*"`, `"`+strings.Repeat("y", 200)+`"`), says},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := driftOf(t, tt.file, tt.live); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// drawn is a text as a file has it, with variables, and as it is live.
type drawn struct{ file, live string }

// drawText draws a text in which some parts are variables. All texts of a policy have the
// variables' values in common.
func drawText(t *rapid.T, prefix string, values map[string]string) drawn {
	out := drawn{prefix, prefix}
	for range rapid.IntRange(1, 3).Draw(t, "parts") {
		part := rapid.SampledFrom([]string{"a", "ab", "b-", "/*", "aws:"}).Draw(t, "part")
		if v := rapid.SampledFrom([]string{"", "", "v", "w", "x"}).Draw(t, "variable"); v != "" {
			if values[v] == "" {
				values[v] = part
			}
			out.file, out.live = out.file+"${"+v+"}", out.live+values[v]
			continue
		}
		out.file, out.live = out.file+part, out.live+part
	}
	return out
}

// drawPolicy draws a policy as a file has it, and as it is live, where lists have another
// order.
func drawPolicy(t *rapid.T) (file, live []map[string]any) {
	values := map[string]string{}
	texts := func(prefix string) (f, l []string) {
		for range rapid.IntRange(1, 3).Draw(t, "entries") {
			d := drawText(t, prefix, values)
			f, l = append(f, d.file), append(l, d.live)
		}
		slices.Reverse(l)
		return f, l
	}
	for range rapid.IntRange(1, 3).Draw(t, "statements") {
		actions := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"s3:GetObject", "s3:Put*", "sqs:*", "iam:PassRole"}), 1, 3, rapid.ID).Draw(t, "actions")
		effect := rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect")
		f := map[string]any{"Effect": effect, "Action": actions}
		l := map[string]any{"Effect": effect, "Action": slices.Sorted(slices.Values(actions))}
		f["Resource"], l["Resource"] = texts("arn:aws:s3:::")
		if rapid.Bool().Draw(t, "condition") {
			vf, vl := texts("")
			f["Condition"], l["Condition"] = map[string]any{"StringLike": map[string]any{"s3:prefix": vf}}, map[string]any{"StringLike": map[string]any{"s3:prefix": vl}}
		}
		file, live = append(file, f), append(live, l)
	}
	return file, live
}

func document(t *rapid.T, statements []map[string]any) string {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A policy in which parts are variables is what it is without them, and isn't what has an
// action more, or less.
func TestVariablesUnify(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		file, live := drawPolicy(r)
		if got := driftOf(t, document(r, file), document(r, live)); got != "" {
			r.Fatalf("%s\n%s\n%s", got, document(r, file), document(r, live))
		}
		i := rapid.IntRange(0, len(live)-1).Draw(r, "which")
		live[i]["Action"] = append([]string{fmt.Sprintf("dynamodb:Get%d", i)}, live[i]["Action"].([]string)...)
		if live[i]["Effect"] == "Allow" {
			if got := driftOf(t, document(r, file), document(r, live)); got == "" {
				r.Fatalf("no drift\n%s\n%s", document(r, file), document(r, live))
			}
		}
	})
}
