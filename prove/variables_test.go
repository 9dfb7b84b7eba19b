package prove_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// Policies with policy variables, against a look at many requests: what Compare calls
// equal or narrower must not differ on any of them.
func TestVariablesAgreeWithBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	requests := variableRequests()
	seen := map[prove.Relation]int{}
	for range 1500 {
		a, b := variablePolicy(r), variablePolicy(r)
		if r.IntN(3) == 0 {
			b = parse(t, strings.Replace(string(a.Bytes()), `"h/${aws:username}`, `"h/*`, 1))
		}
		got := prove.Compare(a, b)
		seen[got.Relation]++
		for _, req := range requests {
			inA, inB := access.Allows(a, req), access.Allows(b, req)
			onlyA := inA && !inB && (got.Relation == prove.Equal || got.Relation == prove.Narrower)
			onlyB := inB && !inA && (got.Relation == prove.Equal || got.Relation == prove.Wider)
			if onlyA || onlyB {
				t.Fatalf("%v, but %+v is allowed by one alone\na %s\nb %s", got.Relation, req, a.Bytes(), b.Bytes())
			}
		}
	}
	t.Log(seen)
	if seen[prove.Equal] < 50 || seen[prove.Narrower] < 50 || seen[prove.Incomparable] < 50 {
		t.Errorf("%v: want many of each relation", seen)
	}
	if undecided := seen[prove.UndecidedRelation]; undecided > 150 {
		t.Errorf("%d of 1500 undecided", undecided)
	}
}

func variablePolicy(r *rand.Rand) *policy.Document {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var sts []string
	for range 1 + r.IntN(3) {
		resource := pick("*", "h/*", "h/${aws:username}", "h/${aws:username}/*", "h/${aws:username}/d*", "h/a", "h/?", "${aws:username}*", "h/${aws:username, 'a'}")
		condition := pick("", "", "",
			`,"Condition":{"StringEquals":{"aws:t":"${aws:username}"}}`,
			`,"Condition":{"StringNotEquals":{"aws:t":"${aws:username}"}}`,
			`,"Condition":{"StringLike":{"aws:t":"${aws:username}*"}}`,
			`,"Condition":{"StringEquals":{"aws:username":"a"}}`,
			`,"Condition":{"Null":{"aws:username":"true"}}`)
		element := pick("Resource", "Resource", "Resource", "NotResource")
		sts = append(sts, fmt.Sprintf(`{"Effect":%q,"Action":"s3:Get",%q:%q%s}`, pick("Allow", "Allow", "Deny"), element, resource, condition))
	}
	doc, err := policy.Parse("variables.json", []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(sts, ",")+`]}`))
	if err != nil {
		panic(err)
	}
	return doc
}

func variableRequests() []access.Request {
	var out []access.Request
	action := policy.Action{Service: "s3", Name: "get"}
	for _, resource := range []string{"", "x", "h", "h/", "h/a", "h/b", "h/a/", "h/a/d", "h/b/d1", "h/ab", "a", "b/x", "h/pare-example/x"} {
		for _, username := range []string{"-", "", "a", "b", "h/", "ab", "a/d", "*"} {
			for _, tag := range []string{"-", "", "a", "b", "ab", "*"} {
				req := access.Request{Action: action, Resource: resource, Context: access.Context{}}
				if username != "-" {
					req.Context["aws:username"] = []string{username}
				}
				if tag != "-" {
					req.Context["aws:t"] = []string{tag}
				}
				out = append(out, req)
			}
		}
	}
	return out
}
