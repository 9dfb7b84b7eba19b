package access

import (
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
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := policy.Parse("a", []byte(tt.a))
			if err != nil {
				t.Fatal(err)
			}
			b, err := policy.Parse("b", []byte(tt.b))
			if err != nil {
				t.Fatal(err)
			}
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
