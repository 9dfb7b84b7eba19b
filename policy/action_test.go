package policy_test

import (
	"strings"
	"testing"

	"github.com/pare-iam/pare/policy"
)

func TestParseAction(t *testing.T) {
	for text, want := range map[string]string{
		"s3:GetObject": "s3:getobject", "S3:getobject": "s3:getobject", "rds-db:connect": "rds-db:connect",
		"EC2:*": "", "s3:Get?": "", "*": "", "": "", "s3": "", ":Get": "", "s3:": "", "s 3:Get": "", "é:x": "",
	} {
		got, err := policy.ParseAction(text)
		if want == "" && err == nil || want != "" && got.String() != want {
			t.Errorf("%q is %v, %v: want %q", text, got, err, want)
		}
		if err != nil && got != (policy.Action{}) {
			t.Errorf("%q is %v with the error %v", text, got, err)
		}
	}
}

func TestParseActionPattern(t *testing.T) {
	for _, tt := range []struct {
		text, want string
		all, whole bool
	}{
		{"s3:GetObject", "s3:getobject", false, false},
		{"S3:GET*", "s3:get*", false, false},
		{"s3:*?*", "s3:?*", false, false},
		{"s3:**", "s3:*", false, true},
		{"*", "*", true, true},
		{"***", "*", true, true},
		{"*:*", "*", true, true},
	} {
		got, err := policy.ParseActionPattern(tt.text)
		if err != nil || got.String() != tt.want || got.AllServices() != tt.all || got.Whole() != tt.whole {
			t.Errorf("%q is %v, all %v, whole %v, error %v: want %+v", tt.text, got, got.AllServices(), got.Whole(), err, tt)
		}
	}
	for text, want := range map[string]string{
		"":        `want service:name, such as "s3:GetObject", or "*"`,
		"?":       `want service:name, such as "s3:GetObject", or "*"`,
		"*?":      `want service:name, such as "s3:GetObject", or "*"`,
		"s3:":     `want service:name, such as "s3:GetObject"; one half is empty`,
		":":       `want service:name, such as "s3:GetObject"; one half is empty`,
		"*:Get*":  `a wildcard can't stand in the service: write one entry a service, such as "s3:Get*"`,
		"s?:Get":  `a wildcard can't stand in the service: write one entry a service, such as "s3:Get*"`,
		"s3 :Get": `service "s3 ": want letters, digits and hyphens`,
	} {
		if got, err := policy.ParseActionPattern(text); err == nil || err.Error() != want {
			t.Errorf("%q is %v, %v: want the error %q", text, got, err, want)
		}
	}
}

func TestActionPatternSets(t *testing.T) {
	for _, tt := range []struct {
		p, q string
		want bool
	}{
		{"*", "s3:Get*", true},
		{"s3:*", "*", false},
		{"s3:*", "S3:GetObject", true},
		{"s3:Get*", "s3express:GetObject", false},
		{"s3:get*", "s3:GET?*", true},
		{"s3:Get?*", "s3:Get*", false},
	} {
		p, errP := policy.ParseActionPattern(tt.p)
		q, errQ := policy.ParseActionPattern(tt.q)
		if errP != nil || errQ != nil || p.Contains(q) != tt.want {
			t.Errorf("%q contains %q = %v, want %v (%v, %v)", tt.p, tt.q, p.Contains(q), tt.want, errP, errQ)
		}
	}
	action := policy.Action{Service: "s3", Name: "getobject"}
	if none := (policy.ActionPattern{}); none.Match(action) || none.AllServices() || none.Contains(policy.ActionPattern{Service: "s3"}) {
		t.Error("the zero pattern isn't empty")
	}
}

// FuzzActionPattern: what parses prints as what parses to the same.
func FuzzActionPattern(f *testing.F) {
	for _, s := range []string{"s3:GetObject", "*", "S3:*?", "*:*", "a:b:c", "é:x", "s3:\xff*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := policy.ParseActionPattern(s)
		if err != nil {
			if p != (policy.ActionPattern{}) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %v with the error %v", s, p, err)
			}
			return
		}
		if again, err := policy.ParseActionPattern(p.String()); err != nil || again != p {
			t.Errorf("%q prints as %q, which is %v, %v", s, p, again, err)
		}
		if a, err := policy.ParseAction(s); err == nil {
			if again, err := policy.ParseAction(a.String()); err != nil || again != a || !p.Match(a) {
				t.Errorf("%q is the action %v, which is %v, %v", s, a, again, err)
			}
		}
	})
}
