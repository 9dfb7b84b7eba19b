package prove

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

var update = flag.Bool("update", false, "write the golden certificates anew")

// published is where package refine keeps AWS's published recommendations.
const published = "../refine/testdata"

func TestPublishedRecommendationsAreUnsatThroughout(t *testing.T) {
	for _, name := range []string{"myrole", "s3readonly"} {
		t.Run(name, func(t *testing.T) {
			x := readExample(t, name)
			certs := x.certificates(t, x.recommended)
			for _, c := range certs {
				for i, got := range answers(t, c.Text) {
					if got != "unsat" {
						t.Errorf("%s: cvc5's answer %d is %s, want unsat", c.Name, i+1, got)
					}
				}
			}
		})
	}
}

func TestBrokenRefinementsAreSat(t *testing.T) {
	tests := []struct {
		name, cut, paste string
		want             []string // certificates that are sat
	}{
		{"an unused action is back", `"s3:GetDataAccess",`, `"s3:GetDataAccess","s3:GetBucketAcl",`, []string{"unused-gone.smt2"}},
		{"an action that was never granted", `"s3:GetDataAccess",`, `"s3:GetDataAccess","s3:PutObject",`, []string{"no-new-access.smt2"}},
		{"an action of an unknown service", `"s3:GetDataAccess",`, `"s3:GetDataAccess","zz:Top",`, []string{"no-new-access.smt2"}},
		{"an action is dropped", `"s3:GetDataAccess",`, ``, []string{"used-kept.smt2"}},
		{"a wildcard is wider", `"s3:GetObject*"`, `"s3:Get*"`, []string{"unused-gone.smt2"}},
		{"a wildcard is wider than the policy", `"s3:List*"`, `"s3:L*"`, []string{"no-new-access.smt2"}},
		{"a wildcard is narrower", `"s3:GetObject*"`, `"s3:GetObject?*"`, []string{"used-kept.smt2"}},
		{"a wildcard ends in another", `"s3:GetMulti*"`, `"s3:Get?ulti*"`, nil},
		{"a resource is wider", `my-lambda"`, `my-lambda*"`, []string{"no-new-access.smt2"}},
		{"a resource is narrower", `"Resource": "*"`, `"Resource": "arn:aws:s3:::b/*"`, []string{"used-kept.smt2"}},
		{"a condition is new", `"Resource": "*"`, `"Condition":{"Null":{"aws:ViaAWSService":"false"}},"Resource":"*"`, []string{"used-kept.smt2"}},
		{"an unused service is back", `"lambda:Invoke*"`, `"lambda:*"`, []string{"no-new-access.smt2", "unused-gone.smt2"}},
	}
	x := readExample(t, "myrole")
	space := strings.NewReplacer(`" :`, `":`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := space.Replace(string(x.recommended.Bytes()))
			broken := strings.Replace(src, tt.cut, tt.paste, 1)
			if broken == src {
				t.Fatalf("the recommendation has no %s:\n%s", tt.cut, src)
			}
			if diff := cmp.Diff(tt.want, satisfiable(t, x.certificates(t, parse(t, broken)))); diff != "" {
				t.Errorf("certificates that are sat (-want +got):\n%s", diff)
			}
		})
	}
}

// limited is a policy with a condition and a Deny, which its refinement must keep.
const limited = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
	{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}]}`

func TestBrokenConditionsAreSat(t *testing.T) {
	x := readExample(t, "myrole")
	x.old = parse(t, limited)
	x.unused = usage.Of([]policy.Action{{Service: "s3", Name: "getobjectacl"}}, nil)
	refined := strings.Replace(limited, `"s3:Get*"`, quotedActions(x.catalog, "s3:Get*", "s3:getobjectacl"), 1)
	tests := []struct {
		name, cut, paste string
		want             []string
	}{
		{"nothing is broken", ``, ``, nil},
		{"a condition is removed", `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`, ``, []string{"no-new-access.smt2"}},
		{"a condition holds without its key", `"Bool"`, `"BoolIfExists"`, []string{"no-new-access.smt2"}},
		{"a condition is turned around", `"true"`, `"false"`, []string{"no-new-access.smt2", "used-kept.smt2"}},
		{"a Deny is removed", `,
	{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`, ``, []string{"no-new-access.smt2"}},
		{"a Deny spares more", `/24`, `/23`, []string{"no-new-access.smt2"}},
		{"a Deny spares less", `/24`, `/25`, []string{"used-kept.smt2"}},
		{"a Deny names actions", `"Action":"s3:*"`, `"Action":"s3:Get*"`, nil},
		{"a variable becomes a wildcard", `${aws:username}`, `*`, []string{"no-new-access.smt2"}},
		{"a variable gets a default", `${aws:username}`, `${aws:username, 'x'}`, []string{"no-new-access.smt2"}},
		{"a variable becomes another", `${aws:username}`, `${aws:userid}`, []string{"no-new-access.smt2", "used-kept.smt2"}},
		{"a variable becomes text", `2012-10-17`, `2008-10-17`, []string{"no-new-access.smt2", "used-kept.smt2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			broken := parse(t, strings.Replace(refined, tt.cut, tt.paste, 1))
			if diff := cmp.Diff(tt.want, satisfiable(t, x.certificates(t, broken))); diff != "" {
				t.Errorf("certificates that are sat (-want +got):\n%s", diff)
			}
		})
	}
}

// One condition against another: does each request that meets new meet old? The answers
// are read off AWS's pages on condition operators.
func TestEachOperator(t *testing.T) {
	tests := []struct {
		name, old, new string
		narrower       bool // new's condition implies old's
	}{
		{"a string is like itself", `"StringLike":{"k:a":"x*z"}`, `"StringEquals":{"k:a":"xyz"}`, true},
		{"StringEquals has no wildcards", `"StringEquals":{"k:a":"x*"}`, `"StringEquals":{"k:a":"xy"}`, false},
		{"StringLike across colons", `"StringLike":{"k:a":"arn:*"}`, `"ArnLike":{"k:a":"arn:*:*:*:*:*"}`, true},
		{"case is ignored", `"StringEqualsIgnoreCase":{"k:a":"aBc"}`, `"StringEquals":{"k:a":["ABC","abc"]}`, true},
		{"case isn't ignored", `"StringEquals":{"k:a":["ABC","abc"]}`, `"StringEqualsIgnoreCase":{"k:a":"abc"}`, false},
		{"a negated operator holds without the key", `"StringNotEquals":{"k:a":"x"}`, `"Null":{"k:a":"true"}`, true},
		{"a positive operator doesn't", `"StringEquals":{"k:a":"x"}`, `"Null":{"k:a":"true"}`, false},
		{"IfExists does", `"StringEqualsIfExists":{"k:a":"x"}`, `"Null":{"k:a":"true"}`, true},
		{"values of a negated operator are NOR", `"StringNotEquals":{"k:a":"x"}`, `"StringNotLike":{"k:a":["x","y"]}`, true},
		{"an ARN's wildcard stays in its part", `"ArnLike":{"k:a":"arn:aws:sns:*:1:t"}`, `"StringEquals":{"k:a":"arn:aws:sns:a:b:1:t"}`, false},
		{"ArnEquals has wildcards", `"ArnEquals":{"k:a":"arn:aws:sns:*:1:t*"}`, `"StringEquals":{"k:a":"arn:aws:sns:e:1:t:u"}`, true},
		{"numbers compare as numbers", `"NumericLessThan":{"k:n":"10"}`, `"NumericLessThanEquals":{"k:n":"9.5"}`, true},
		{"numbers have decimals", `"NumericLessThanEquals":{"k:n":"9"}`, `"NumericLessThan":{"k:n":"10"}`, false},
		{"numbers have exponents and signs", `"NumericEquals":{"k:n":"-100"}`, `"NumericEquals":{"k:n":"-1.00e2"}`, true},
		{"no number is greater or less", `"NumericGreaterThan":{"k:n":"0"}`, `"NumericNotEquals":{"k:n":"0"}`, false},
		{"dates in two zones", `"DateEquals":{"k:d":"2024-01-01T00:00:00Z"}`, `"DateEquals":{"k:d":"2024-01-01T01:00:00+01:00"}`, true},
		{"dates in seconds", `"DateLessThan":{"k:d":"1704067201"}`, `"DateLessThanEquals":{"k:d":"2024"}`, true},
		{"dates have nanoseconds", `"DateLessThanEquals":{"k:d":"2024-01-01"}`, `"DateLessThan":{"k:d":"2024-01-01T00:00:00.000000001Z"}`, true},
		{"truth in capitals", `"Bool":{"k:b":"true"}`, `"StringEquals":{"k:b":"TRUE"}`, true},
		{"not false isn't true", `"Bool":{"k:b":"true"}`, `"Null":{"k:b":"false"}`, false},
		{"bytes", `"BinaryEquals":{"k:y":"QUI="}`, `"BinaryEquals":{"k:y":["QUI=","no base64"]}`, true},
		{"other bytes", `"BinaryEquals":{"k:y":"QUI="}`, `"BinaryEquals":{"k:y":"QUM="}`, false},
		{"a range in a range", `"IpAddress":{"k:i":"203.0.112.0/23"}`, `"IpAddress":{"k:i":["203.0.113.0/24","203.0.112.7"]}`, true},
		{"an IPv6 range", `"IpAddress":{"k:i":"2001:db8::/32"}`, `"IpAddress":{"k:i":"2001:db8:1::/48"}`, true},
		{"IPv4 isn't in IPv6", `"IpAddress":{"k:i":"::/0"}`, `"IpAddress":{"k:i":"203.0.113.7"}`, false},
		{"what is no address is in no range", `"IpAddress":{"k:i":["0.0.0.0/0","::/0"]}`, `"NotIpAddress":{"k:i":"10.0.0.0/8"}`, false},
		{"all values of none", `"ForAllValues:StringEquals":{"k:m":"x"}`, `"Null":{"k:m":"true"}`, true},
		{"any value of none", `"ForAnyValue:StringEquals":{"k:m":"x"}`, `"Null":{"k:m":"true"}`, false},
		{"all values isn't any value", `"ForAnyValue:StringEquals":{"k:m":"x"}`, `"ForAllValues:StringEquals":{"k:m":"x"}`, false},
		{"all values and some", `"ForAnyValue:StringEquals":{"k:m":"x"}`, `"ForAllValues:StringEquals":{"k:m":"x"},"Null":{"k:m":"false"}`, true},
		{"two values at once", `"StringEquals":{"k:m":"never"}`, `"ForAnyValue:StringEquals":{"k:m":"x"},"ForAnyValue:StringLike":{"k:m":"y"}`, false},
		{"a negated operator on any value", `"ForAnyValue:StringNotEquals":{"k:m":"x"}`, `"ForAnyValue:StringEquals":{"k:m":"y"}`, true},
		{"a variable is text", `"StringLike":{"k:a":"${k:b}*"}`, `"StringEquals":{"k:a":"${k:b}x"}`, true},
		{"a variable that is absent matches nothing", `"StringNotEquals":{"k:a":"${k:b}"}`, `"Null":{"k:b":"true"}`, true},
		{"a variable without case", `"StringEqualsIgnoreCase":{"k:a":"${k:b}"}`, `"StringEquals":{"k:a":"${k:b}"}`, true},
		{"Null wants both", `"Null":{"k:a":["true","false"]}`, `"Null":{"k:a":"true"}`, true},
	}
	const statement = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{`
	cat := readExample(t, "myrole").catalog
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			certs, err := Certificates(cat, parse(t, statement+tt.old+`}}}`), []*policy.Document{parse(t, statement+tt.new+`}}}`)}, usage.Unused{})
			if err != nil {
				t.Fatal(err)
			}
			got := satisfiable(t, certs[:1])
			if narrower := got == nil; narrower != tt.narrower {
				t.Errorf("new is narrower: %v, want %v:\n%s", narrower, tt.narrower, certs[0].Text)
			}
		})
	}
}

func TestDetachedAndSplitPolicies(t *testing.T) {
	x := readExample(t, "myrole")
	half := func(action string) *policy.Document {
		return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+action+`","Resource":"*"}]}`)
	}
	x.old = parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}`)
	x.unused = usage.Unused{}
	all := usage.Of(nil, []string{"s3"})
	tests := []struct {
		name   string
		unused usage.Unused
		new    []*policy.Document
		want   []string
	}{
		{"two halves", usage.Unused{}, []*policy.Document{half("s3:Get*"), half("s3:List*")}, nil},
		{"one half", usage.Unused{}, []*policy.Document{half("s3:Get*")}, []string{"used-kept.smt2"}},
		{"two halves and more", usage.Unused{}, []*policy.Document{half("s3:Get*"), half("s3:L*")}, []string{"no-new-access.smt2"}},
		{"detached, all unused", all, nil, nil},
		{"detached, in use", usage.Unused{}, nil, []string{"used-kept.smt2"}},
		{"a half, all unused", all, []*policy.Document{half("s3:Get*")}, []string{"unused-gone.smt2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x.unused = tt.unused
			if diff := cmp.Diff(tt.want, satisfiable(t, x.certificates(t, tt.new...))); diff != "" {
				t.Errorf("certificates that are sat (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNotExpressible(t *testing.T) {
	tests := []struct{ name, statement, want string }{
		{"a key read in two ways", `"Condition":{"StringLike":{"k:a":"1*"},"NumericLessThan":{"k:a":"5"}}`, "the key k:a is read in two ways"},
		{"a date far out", `"Condition":{"DateLessThan":{"k:a":"999999999999999"}}`, "outside the years 1 to 9998"},
		{"a long number", `"Condition":{"NumericLessThan":{"k:a":"` + strings.Repeat("1", 101) + `"}}`, "more than 100 characters"},
		{"a variable in an ARN behind a wildcard", `"Condition":{"ArnLike":{"k:a":"arn:aws:*:::${k:b}"}}`, "a policy variable in an ARN"},
		{"a character beyond the alphabet", `"Condition":{"StringLike":{"k:a":"` + "\U000e0001" + `"}}`, "a character beyond U+2FFFF"},
		{"a principal", `"Principal":"*"`, "it names a principal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*",`+tt.statement+`}}`)
			_, err := Certificates(&catalog.Catalog{}, doc, nil, usage.Unused{})
			var inexpressible *NotExpressibleError
			if !errors.As(err, &inexpressible) || !strings.Contains(inexpressible.Reason, tt.want) {
				t.Errorf("got %v, want a NotExpressibleError with %q", err, tt.want)
			}
		})
	}
}

func TestGoldenCertificates(t *testing.T) {
	x := readExample(t, "myrole")
	x.old = parse(t, limited)
	x.unused = usage.Of([]policy.Action{{Service: "s3", Name: "getobjectacl"}}, []string{"lambda"})
	refined := parse(t, strings.Replace(limited, `"s3:Get*"`, `["s3:GetObject","s3:GetObjectTagging"]`, 1))
	first, second := x.certificates(t, refined), x.certificates(t, refined)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two runs differ (-first +second):\n%s", diff)
	}
	for _, c := range first {
		file := filepath.Join("testdata", "certificate", c.Name)
		if *update {
			if err := os.WriteFile(file, c.Text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(c.Text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// example is a refinement of a published policy.
type example struct {
	catalog          *catalog.Catalog
	old, recommended *policy.Document
	unused           usage.Unused
}

func readExample(t *testing.T, name string) example {
	t.Helper()
	read := func(path ...string) []byte {
		src, err := os.ReadFile(filepath.Join(append([]string{published}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	cat, err := catalog.Read("catalog-2024-06.json", read("catalog-2024-06.json"))
	if err != nil {
		t.Fatal(err)
	}
	unused, err := usage.ParseUnused("unused.json", read(name, "unused.json"))
	if err != nil {
		t.Fatal(err)
	}
	return example{cat, parse(t, string(read(name, "policy.json"))), parse(t, string(read(name, "recommended.json"))), unused}
}

func parse(t *testing.T, src string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse("policy.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func (x example) certificates(t *testing.T, refined ...*policy.Document) []Certificate {
	t.Helper()
	certs, err := Certificates(x.catalog, x.old, refined, x.unused)
	if err != nil {
		t.Fatal(err)
	}
	return certs
}

// quotedActions is a JSON list of what a pattern matches in the catalog, but one.
func quotedActions(c *catalog.Catalog, pattern, but string) string {
	p, err := policy.ParseActionPattern(pattern)
	if err != nil {
		panic(err)
	}
	var list []string
	for id := range c.Len() {
		known := c.Action(id)
		if a := (policy.Action{Service: known.Service.Prefix, Name: known.Lower}); p.Match(a) && a.String() != but {
			list = append(list, `"`+a.String()+`"`)
		}
	}
	return "[" + strings.Join(list, ",") + "]"
}

// satisfiable names the certificates of which some answer is sat.
func satisfiable(t *testing.T, certs []Certificate) []string {
	t.Helper()
	var names []string
	for _, c := range certs {
		if slices.Contains(answers(t, c.Text), "sat") {
			names = append(names, c.Name)
		}
	}
	return names
}

// answers are what cvc5 says to a file, called as its first lines say.
func answers(t *testing.T, text []byte) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "claim.smt2")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(cvc5(t), "--lang=smt2", "--strings-exp", file).CombinedOutput()
	if err != nil {
		t.Fatalf("cvc5: %v\n%s", err, out)
	}
	list := strings.Fields(string(out))
	if other := slices.IndexFunc(list, func(s string) bool { return s != "sat" && s != "unsat" }); other >= 0 || len(list) == 0 {
		t.Fatalf("cvc5 answers neither sat nor unsat:\n%s", out)
	}
	return list
}
