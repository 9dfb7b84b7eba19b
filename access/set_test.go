package access

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-iam/pare/policy"
)

func TestFind(t *testing.T) {
	tests := []struct {
		name, a, b       string
		onlyA, onlyB     bool
		undecidedA, undB bool
	}{
		{name: "a prefix contains a longer one",
			a: `{"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}`,
			b: `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`, onlyA: true},
		{name: "a deny takes away",
			a: `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:Del*","Resource":"*"}]}`,
			b: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, onlyB: true},
		{name: "two halves make a whole",
			a: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`,
			b: `{"Statement":[{"Effect":"Allow","NotAction":"s3:G*","Resource":"*"},{"Effect":"Allow","Action":"s3:g*","Resource":"*"}]}`, onlyB: true},
		{name: "numbers meet",
			a: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":"10"}}}}`,
			b: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NumericLessThanEquals":{"s3:max-keys":"10"}}}}`, onlyB: true},
		{name: "a variable is inside a star",
			a: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::h/${aws:username}/*"}}`,
			b: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::h/*"}}`, onlyB: true},
		{name: "a variable may be the name that is denied",
			a: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::h/${aws:username}"}}`,
			b: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::h/*"},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::h/admin"}]}`, onlyA: true, onlyB: true},
		{name: "a key may have a quote and a space in it",
			a: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"a:b":["c","d"]}}}}`,
			b: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"a:b \"c\"":["d"]}}}}`, onlyA: true, onlyB: true},
		{name: "an action may have a space in it",
			a: `{"Statement":{"Effect":"Allow","Action":["s3:a","s3:b"],"Resource":"*"}}`,
			b: `{"Statement":{"Effect":"Allow","Action":"s3:a s3:b","Resource":"*"}}`, onlyA: true, onlyB: true},
		{name: "no character of a resource is kept for variables",
			a: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"\ue000${aws:x}"},{"Effect":"Deny","Action":"s3:*","Resource":"${aws:x}\ue000"},
				{"Effect":"Deny","Action":"s3:*","NotResource":"\ue000b\ue000"}]}`,
			b: `{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`, onlyA: true},
		{name: "a year that has four digits in its zone alone",
			a: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateGreaterThan":{"a:b":"0000-01-01T00:00:00+01:00"}}}}`,
			b: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateGreaterThanEquals":{"a:b":"0000-01-01T00:00:01+01:00"}}}}`, onlyA: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := parsed(t, tt.a), parsed(t, tt.b)
			s := NewSpace([]*policy.Document{a}, []*policy.Document{b})
			x, y := s.Find(A, Scope{}), s.Find(B, Scope{})
			if x.Found != tt.onlyA || y.Found != tt.onlyB || x.Undecided != "" || y.Undecided != "" {
				t.Errorf("onlyA %+v, onlyB %+v", x, y)
			}
			if x.Found && (!Allows(a, x.Request) || Allows(b, x.Request)) {
				t.Errorf("only a: %+v doesn't replay", x.Request)
			}
			if y.Found && (!Allows(b, y.Request) || Allows(a, y.Request)) {
				t.Errorf("only b: %+v doesn't replay", y.Request)
			}
		})
	}
}

// What can't be decided is said to be, in little time and memory, whatever it is that
// there is too much of.
func TestFindGivesUp(t *testing.T) {
	const letters = "abcdefghijkl"
	repeat := func(n int, of func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = of(i)
		}
		return strings.Join(parts, ",")
	}
	tests := []struct{ name, a, b string }{
		{"texts with variables",
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":[` +
				repeat(300, func(i int) string { return fmt.Sprintf(`"b/%d/${aws:username}"`, i) }) + `]}}`,
			`{"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}`},
		{"wildcards in one name",
			`{"Statement":{"Effect":"Allow","Action":"s3:` + strings.Repeat("a*", 30000) + `","Resource":"*"}}`,
			`{"Statement":{"Effect":"Allow","Action":"s3:` + strings.Repeat("a*", 30000) + `b","Resource":"*"}}`},
		{"wildcards that count characters",
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":[` +
				repeat(40, func(i int) string { return `"*a` + strings.Repeat("?", i) + `"` }) + `]}}`,
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":[` +
				repeat(40, func(i int) string { return `"*b` + strings.Repeat("?", i) + `"` }) + `]}}`},
		{"statements that overlap in every way",
			`{"Statement":[` + repeat(20, func(i int) string {
				x, y := letters[i%12], letters[(i*7+i/12+1)%12]
				return fmt.Sprintf(`{"Effect":"Allow","Action":["s3:*%c*","s3:*%c*"],"Resource":["*%c*","*%c*"],"Condition":{"StringLike":{"k:k":"*%c*"}}}`, x, y, y, x, x)
			}) + `]}`,
			`{"Statement":{"Effect":"Allow","Action":"s3:*b","Resource":"*a","Condition":{"StringLike":{"k:k":"*a"}}}}`},
		{"outcomes of conditions",
			`{"Statement":[` + repeat(30, func(i int) string {
				return `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"ForAnyValue:StringLike":{` +
					repeat(4, func(k int) string { return fmt.Sprintf(`"k:%d":"*%c*"`, k, letters[(i*(k+3)+i/12)%12]) }) + `}}}`
			}) + `]}`,
			`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"ForAllValues:StringLike":{"k:0":"a"}}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := parsed(t, tt.a), parsed(t, tt.b)
			for _, side := range []Side{A, B} {
				got := NewSpace([]*policy.Document{a}, []*policy.Document{b}).Find(side, Scope{})
				if !got.Found && got.Undecided == "" {
					t.Errorf("side %d: nothing found, as if there were nothing", side)
				}
				if got.Found && Allows(a, got.Request) == Allows(b, got.Request) {
					t.Errorf("side %d: %+v doesn't replay", side, got.Request)
				}
			}
		})
	}
}

func parsed(t *testing.T, src string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse("policy.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
