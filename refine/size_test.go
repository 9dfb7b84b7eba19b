package refine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

func TestCompactUsesAnInnerStar(t *testing.T) {
	cat := names(t, `{"ec2":["DescribeImageAttribute","DescribeImages","DescribeInstanceAttribute","DescribeInstances","DescribeVolumeAttribute","DescribeVolumes"]}`)
	doc := parse(t, `{"Statement":{"Effect":"Allow","Action":["ec2:Describe*"],"Resource":"*"}}`)
	unused := unusedOf(t, `["ec2:DescribeImages","ec2:DescribeInstances","ec2:DescribeVolumes"]`)
	got, err := refine.New(cat).Compact().Policy(doc, unused)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Statement":{"Effect":"Allow","Action":["ec2:Describe*Attribute"],"Resource":"*"}}`
	if diff := cmp.Diff(want, string(got.Document.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A compact policy keeps every promise and is never longer than the plain one.
func TestCompactKeepsThePromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		doc, unused, plain := c.refine(t)
		compact, err := refine.New(c.catalog).Compact().Policy(doc, unused)
		if err != nil {
			t.Fatal(err)
		}
		proof := prove.Refinement(c.catalog, doc, compact.Document, unused)
		if proof.Verdict != prove.Proved || compact.Outcome != plain.Outcome {
			t.Fatalf("%+v\nunused %v\n%s\n%s", proof, c.unused, c.policy, show(compact))
		}
		if plain.Document != nil && compact.Document.Size() > plain.Document.Size() {
			t.Fatalf("%d characters, plain has %d\nunused %v\n%s\n%s", compact.Document.Size(), plain.Document.Size(), c.unused, c.policy, show(compact))
		}
	})
}

// On the embedded catalog's larger services compact must stay quick and valid.
func TestCompactOfWholeServices(t *testing.T) {
	cat := catalog.Embedded()
	refiner := refine.New(cat).Compact()
	for _, prefix := range []string{"s3", "ec2", "iam", "sagemaker"} {
		doc := parse(t, `{"Statement":{"Effect":"Allow","Action":"`+prefix+`:*","Resource":"*"}}`)
		unused := everyNth(cat.Service(prefix), 10)
		got, err := refiner.Policy(doc, unused)
		if err != nil {
			t.Fatal(err)
		}
		if proof := prove.Refinement(cat, doc, got.Document, unused); proof.Verdict != prove.Proved {
			t.Errorf("%s: %+v", prefix, proof)
		}
	}
}

func TestSplitFitsAndDecidesAlike(t *testing.T) {
	cat := catalog.Embedded()
	doc := parse(t, `{"Version":"2012-10-17","Statement":[
  {"Sid":"Ec2","Effect":"Allow","Action":"ec2:*","Resource":"*"},
  {"Sid":"S3","Effect":"Allow","Action":["s3:*","sqs:*"],"Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
  {"Sid":"No","Effect":"Deny","Action":"s3:Delete*","Resource":"*"}
]}`)
	unused := everyNth(cat.Service("ec2"), 3)
	result, err := refine.Policy(cat, doc, unused)
	if err != nil {
		t.Fatal(err)
	}
	if result.Document.Size() <= policy.ManagedLimit {
		t.Fatalf("the case has %d characters: it should need splitting", result.Document.Size())
	}
	parts, err := refine.Split(result.Document, policy.ManagedLimit)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range parts {
		if p.Size() > policy.ManagedLimit {
			t.Errorf("part %d has %d characters", i, p.Size())
		}
		if i+1 < len(parts) && p.Size() < policy.ManagedLimit/2 {
			t.Errorf("part %d has only %d characters", i, p.Size())
		}
	}
	proof := prove.Split(cat, doc, parts, unused)
	if proof.Verdict != prove.Proved {
		t.Errorf("%+v", proof)
	}
	if broken := prove.Split(cat, doc, parts[:len(parts)-1], unused); broken.Verdict != prove.Refuted {
		t.Errorf("without its last part: %+v", broken)
	}
}

func TestSplitRefusesWhatCannotBeDivided(t *testing.T) {
	resource := strings.Repeat("x", policy.ManagedLimit)
	for name, src := range map[string]string{
		"a long NotAction":   `{"Statement":{"Effect":"Allow","NotAction":[` + list("s3:GetObject", 600) + `],"Resource":"*"}}`,
		"all but the action": `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + resource + `"}}`,
	} {
		if _, err := refine.Split(parse(t, src), policy.ManagedLimit); !errors.Is(err, refine.ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", name, err)
		}
	}
}

func list(text string, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%q", fmt.Sprint(text, i))
	}
	return strings.Join(out, ",")
}

// everyNth reports every n-th action of a service as unused.
func everyNth(service *catalog.Service, n int) usage.Unused {
	var actions []policy.Action
	for i := 0; i < len(service.Actions); i += n {
		actions = append(actions, policy.Action{Service: service.Prefix, Name: service.Actions[i].Lower})
	}
	return usage.Of(slices.Clip(actions), nil)
}

func names(t testing.TB, services string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Read("names.json", []byte(`{"date":"2026-01-01","services":`+services+`}`))
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func parse(t testing.TB, src string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse("policy.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func unusedOf(t testing.TB, src string) usage.Unused {
	t.Helper()
	unused, err := usage.ParseUnused("unused.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return unused
}

func TestNothingIsPrintedTwice(t *testing.T) {
	cat := names(t, `{"s3":["GetBucketAcl","GetObject","GetObjectAcl","PutObject"],"ec2":["RunInstances","StopInstances"]}`)
	tests := []struct{ name, actions, unused, want string }{
		{"a pattern that stays", `["s3:GetObject*","s3:Get*"]`, `["s3:GetBucketAcl"]`, `["s3:GetObject*"]`},
		{"the same in other letters", `["s3:getobject*","s3:Get*"]`, `["s3:GetBucketAcl"]`, `["s3:getobject*"]`},
		{"a whole service", `["ec2:*","*"]`, `["s3:*"]`, `["ec2:*"]`},
		{"what two patterns in other letters give way to", `["s3:*?Object*","s3:*?object*"]`, `["s3:PutObject"]`, `["s3:Get*Object*"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := `{"Statement":{"Effect":"Allow","Action":%s,"Resource":"*"}}`
			result, err := refine.Policy(cat, parse(t, fmt.Sprintf(src, tt.actions)), unusedOf(t, tt.unused))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fmt.Sprintf(src, tt.want), string(result.Document.Bytes())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
