package prove_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

const names = `{"date":"2026-01-01","services":{
	"s3":["GetObject","GetObjectAcl","GetBucketAcl","ListBucket","PutObject"],
	"ec2":["DescribeVolumes","DescribeVolumeStatus","RunInstances"]}}`

// verdicts is a result as text: one word a claim.
func verdicts(r prove.Result) string {
	return fmt.Sprintf("%v: new %v, used %v, unused %v, shape %v",
		r.Verdict, r.NoNewAccess.Verdict, r.UsedKept.Verdict, r.UnusedGone.Verdict, r.ShapeKept.Verdict)
}

func TestRefinement(t *testing.T) {
	const old = `{"Version": "2012-10-17",
 "Statement": [
  {"Sid": "Read", "Effect": "Allow", "Action": ["s3:Get*", "s3:ListBucket"], "Resource": "*"},
  {"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}},
  {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
 ]}`
	const unused = `["s3:GetBucketAcl", "ec2:*"]`
	swap := strings.NewReplacer
	good := swap(`"s3:Get*"`, `"s3:GetObject*"`,
		"  {\"Effect\": \"Allow\", \"Action\": \"ec2:*\", \"Resource\": \"*\", \"Condition\": {\"StringEquals\": {\"aws:RequestedRegion\": \"eu-west-1\"}}},\n", "").Replace(old)
	tests := []struct {
		name string
		edit *strings.Replacer // of the good refinement
		want string
	}{
		{"the refinement itself", swap(),
			"proved: new proved, used proved, unused proved, shape proved"},
		{"an unused action stays", swap(`"s3:GetObject*"`, `"s3:GetObject*", "s3:GetBucketAcl"`),
			"refuted: new proved, used proved, unused refuted, shape proved"},
		{"a used action is lost", swap(`"s3:GetObject*"`, `"s3:GetObject"`),
			"refuted: new proved, used refuted, unused proved, shape proved"},
		{"a wildcard leaves the original", swap(`"s3:GetObject*"`, `"s3:G*Object*"`),
			"refuted: new refuted, used proved, unused proved, shape refuted"},
		{"an action that no catalog knows is added", swap(`"s3:GetObject*"`, `"s3:GetObject*", "s3:Unheard"`),
			"refuted: new refuted, used proved, unused proved, shape refuted"},
		{"a kept entry is written differently", swap(`"s3:ListBucket"`, `"s3:listbucket"`),
			"proved: new proved, used proved, unused proved, shape refuted"},
		{"white space changes", swap(`"Sid": "Read"`, `"Sid":"Read"`),
			"proved: new proved, used proved, unused proved, shape refuted"},
		{"the same in other patterns", swap(`"s3:GetObject*"`, `"s3:GetObject", "s3:GetObjectAcl"`),
			"proved: new proved, used proved, unused proved, shape proved"},
		{"a Deny is lost that denied nothing", swap(",\n  {\"Effect\": \"Deny\", \"Action\": \"s3:Put*\", \"Resource\": \"*\"}", ""),
			"proved: new proved, used proved, unused proved, shape refuted"},
		{"the resource changes", swap(`"s3:ListBucket"], "Resource": "*"`, `"s3:ListBucket"], "Resource": "arn:aws:s3:::b"`),
			"refuted: new proved, used refuted, unused proved, shape refuted"},
		{"a statement is added", swap(`{"Effect": "Deny"`, `{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}, {"Effect": "Deny"`),
			"proved: new proved, used proved, unused proved, shape refuted"},
		{"the version goes", swap(`"Version": "2012-10-17",`, ``),
			"proved: new proved, used proved, unused proved, shape refuted"},
	}
	cat := readCatalog(t, names)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, after := parse(t, old), parse(t, tt.edit.Replace(good))
			got := prove.Refinement(cat, before, after, unusedOf(t, unused))
			if diff := cmp.Diff(tt.want, verdicts(got)); diff != "" {
				t.Errorf("(-want +got):\n%s\n%+v", diff, got)
			}
			for _, claim := range []prove.Claim{got.NoNewAccess, got.UsedKept, got.UnusedGone} {
				checkReplays(t, claim, before, after)
			}
		})
	}
}

// checkReplays wants a refuted claim's request to be decided as it says.
func checkReplays(t *testing.T, c prove.Claim, old, next *policy.Document) {
	t.Helper()
	if (c.Verdict == prove.Refuted) != (c.Counterexample != nil) {
		t.Errorf("%+v: a refuted claim has a counterexample, and no other has", c)
		return
	}
	if x := c.Counterexample; x != nil {
		if access.Allows(old, x.Request) != x.Old || next != nil && access.Allows(next, x.Request) != x.New {
			t.Errorf("%+v doesn't replay", *x)
		}
	}
}

func TestDetachIsRefinedToNothing(t *testing.T) {
	cat := readCatalog(t, names)
	doc := parse(t, `{"Statement":{"Effect":"Allow","Action":["s3:Put*","ec2:*"],"Resource":"*"}}`)
	got := prove.Refinement(cat, doc, nil, unusedOf(t, `["s3:PutObject","ec2:*"]`))
	if got.Verdict != prove.Proved {
		t.Errorf("%+v", got)
	}
	got = prove.Refinement(cat, doc, nil, unusedOf(t, `["ec2:*"]`))
	if got.UsedKept.Verdict != prove.Refuted {
		t.Errorf("s3:PutObject is used: %+v", got)
	}
}

// The statement that is gone allows what is left of the one behind it, and could have
// become that, but for the bytes.
func TestShapeOfStatementsThatLookAlike(t *testing.T) {
	cat := readCatalog(t, names)
	unused := unusedOf(t, `["s3:GetObject","s3:GetObjectAcl","s3:GetBucketAcl","s3:ListBucket","s3:PutObject"]`)
	for _, st := range []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, `{"Sid":"All","Effect":"Allow","Action":"s3:*","Resource":"*"}`} {
		old := parse(t, `{"Statement":[`+st+`,{"Effect":"Allow","Action":["s3:Unheard","s3:GetObject"],"Resource":"*"}]}`)
		next := parse(t, `{"Statement":[{"Effect":"Allow","Action":["s3:Unheard"],"Resource":"*"}]}`)
		got := prove.Refinement(cat, old, next, unused)
		if diff := cmp.Diff("proved: new proved, used proved, unused proved, shape proved", verdicts(got)); diff != "" {
			t.Errorf("(-want +got):\n%s\n%+v", diff, got)
		}
	}
}

func TestShapeOfListsWithoutUnusedActions(t *testing.T) {
	const old = `{"Statement":[{"Effect":"Deny","Action":["s3:PutObject","s3:Get*"],"Resource":"*"},
		{"Effect":"Allow","Action":["s3:Get*","ec2:*"],"Resource":"*"}]}`
	cat := readCatalog(t, names)
	for _, edit := range []*strings.Replacer{
		strings.NewReplacer(`"s3:PutObject",`, `"s3:PutObject", `),
		strings.NewReplacer(`"s3:PutObject",`, `"s3:PutObject","s3:PutObject",`),
		strings.NewReplacer(`"ec2:*"`, `"ec2:*","ec2:RunInstances"`),
		strings.NewReplacer(`"ec2:*"`, `"\u0065c2:*"`),
	} {
		got := prove.Refinement(cat, parse(t, old), parse(t, edit.Replace(old)), usage.Unused{})
		if diff := cmp.Diff("proved: new proved, used proved, unused proved, shape refuted", verdicts(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", edit.Replace(old), diff)
		}
	}
}

func TestCounterexampleStaysInAnUnknownService(t *testing.T) {
	doc := parse(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	got := prove.Refinement(readCatalog(t, names), doc, doc, unusedOf(t, `["unheard:*"]`))
	if x := got.UnusedGone.Counterexample; x == nil || x.Request.Action.Service != "unheard" {
		t.Errorf("%+v: want a request to the unused service", x)
	}
}

func TestKeysThatAwsKeepsApartAreNoObstacle(t *testing.T) {
	cat := readCatalog(t, `{"date":"2026-01-01","services":{"kms":["Decrypt","Encrypt"],"sts":["AssumeRole"]}}`)
	doc := parse(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:kms:eu-west-1:123456789012:key/k"}}`)
	next := parse(t, `{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:eu-west-1:123456789012:key/k"}}`)
	got := prove.Refinement(cat, doc, next, unusedOf(t, `["kms:Encrypt","sts:*"]`))
	if got.UnusedGone.Verdict != prove.Refuted || got.UnusedGone.Counterexample.Request.Action.Name != "encrypt" {
		t.Errorf("%+v", got)
	}
}

// Random refinements, and random changes of them, against a look at every request of a
// small world.
func TestRefinementAgreesWithBruteForce(t *testing.T) {
	cat := readCatalog(t, names)
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for range 3000 {
		old := randomDocument(r)
		unused, list := randomUnused(r, cat)
		result, err := refine.Policy(cat, old, unused)
		if err != nil {
			t.Fatal(err)
		}
		next := result.Document
		if r.IntN(3) > 0 {
			next = randomDocument(r)
			if result.Document != nil && r.IntN(4) > 0 {
				next = change(t, r, result.Document)
			}
		}
		got := prove.Refinement(cat, old, next, unused)
		seen[got.Verdict.String()]++
		want := bruteForce(cat, old, next, list)
		if msg := want.disagrees(got); msg != "" {
			t.Fatalf("%s\nold %s\nnew %s\nunused %v\n%+v", msg, old.Bytes(), text(next), list, got)
		}
		for _, claim := range []prove.Claim{got.NoNewAccess, got.UsedKept, got.UnusedGone} {
			checkReplays(t, claim, old, next)
		}
	}
	t.Log(seen)
	if seen["proved"] < 300 || seen["refuted"] < 300 || seen["undecided"] > 0 {
		t.Errorf("%v: want many proved, many refuted and none undecided", seen)
	}
}

func text(d *policy.Document) string {
	if d == nil {
		return "(none)"
	}
	return string(d.Bytes())
}

var (
	worldActions = []string{
		"s3:GetObject", "s3:GetObjectAcl", "s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject", "s3:Unheard", "s3:GetUnheard",
		"ec2:DescribeVolumes", "ec2:DescribeVolumeStatus", "ec2:RunInstances", "ec2:Unheard", "sqs:SendMessage"}
	worldPatterns = append([]string{"*", "s3:*", "s3:Get*", "s3:*Acl", "s3:GetO*", "s3:?etObject", "ec2:*", "ec2:Describe*", "ec2:describevolume*", "sqs:*"}, worldActions...)
	worldValues   = []string{"", "a", "b", "c"} // of aws:x; "" is absent
	worldRequests = []string{"arn:1", "arn:2", "arn:3"}
)

func randomDocument(r *rand.Rand) *policy.Document {
	var sts []string
	for range 1 + r.IntN(3) {
		var entries []string
		for range 1 + r.IntN(3) {
			entries = append(entries, fmt.Sprintf("%q", worldPatterns[r.IntN(len(worldPatterns))]))
		}
		effect := []string{"Allow", "Allow", "Allow", "Deny"}[r.IntN(4)]
		element := []string{"Action", "Action", "Action", "NotAction"}[r.IntN(4)]
		resource := []string{`"Resource":"*"`, `"Resource":"arn:1"`, `"NotResource":"arn:2"`}[r.IntN(3)]
		condition := []string{``, ``, `,"Condition":{"StringEquals":{"aws:x":"a"}}`, `,"Condition":{"StringNotEquals":{"aws:x":["a","b"]}}`}[r.IntN(4)]
		sts = append(sts, fmt.Sprintf(`{"Effect":%q,%q:[%s],%s%s}`, effect, element, strings.Join(entries, ","), resource, condition))
	}
	doc, err := policy.Parse("random.json", []byte(`{"Statement":[`+strings.Join(sts, ",")+`]}`))
	if err != nil {
		panic(err)
	}
	return doc
}

// change edits one list of a document at random, or drops a statement.
func change(t *testing.T, r *rand.Rand, doc *policy.Document) *policy.Document {
	t.Helper()
	i := r.IntN(len(doc.Statements))
	entries := doc.Statements[i].Action.Entries
	k := r.IntN(len(entries))
	edit := policy.Edit{Statement: i, Entry: k, Out: []string{entries[k].Text}}
	switch {
	case r.IntN(3) == 0:
		edit.In = []string{worldPatterns[r.IntN(len(worldPatterns))]}
	case r.IntN(2) == 0:
		edit = policy.Edit{Statement: i, Entry: len(entries), In: []string{worldPatterns[r.IntN(len(worldPatterns))]}}
	case len(entries) == 1 && len(doc.Statements) == 1:
		return doc
	case len(entries) == 1:
		edit = policy.Edit{Statement: i, Entry: policy.WholeStatement}
	}
	out, err := doc.Apply([]policy.Edit{edit})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func randomUnused(r *rand.Rand, cat *catalog.Catalog) (usage.Unused, map[string]bool) {
	list := map[string]bool{}
	var actions []policy.Action
	var services []string
	for _, s := range cat.Services() {
		if r.IntN(4) == 0 {
			services = append(services, s.Prefix)
			list[s.Prefix+":*"] = true
			continue
		}
		for _, a := range s.Actions {
			if r.IntN(3) == 0 {
				actions = append(actions, policy.Action{Service: s.Prefix, Name: a.Lower})
				list[a.String()] = true
			}
		}
	}
	return usage.Of(actions, services), list
}

// truth is what a look at every request of the world says of the claims.
type truth struct{ newAccess, lost, unusedLeft bool }

func bruteForce(cat *catalog.Catalog, old, next *policy.Document, unused map[string]bool) truth {
	var out truth
	for _, name := range worldActions {
		action, err := policy.ParseAction(name)
		if err != nil {
			panic(err)
		}
		known := cat.Lookup(action.Service, action.Name) != nil
		gone := unused[name] || unused[action.Service+":*"]
		for _, resource := range worldRequests {
			for _, value := range worldValues {
				req := access.Request{Action: action, Resource: resource, Context: access.Context{}}
				if value != "" {
					req.Context["aws:x"] = []string{value}
				}
				before, after := access.Allows(old, req), next != nil && access.Allows(next, req)
				out.newAccess = out.newAccess || after && !before
				out.lost = out.lost || before && !after && known && !gone
				out.unusedLeft = out.unusedLeft || after && gone
			}
		}
	}
	return out
}

// disagrees compares a proof with the truth. The world has too few action names to see
// all new access, so there only what it does see counts.
func (w truth) disagrees(got prove.Result) string {
	switch {
	case w.newAccess && got.NoNewAccess.Verdict != prove.Refuted:
		return "there is new access"
	case w.lost != (got.UsedKept.Verdict == prove.Refuted):
		return fmt.Sprintf("used access lost: %t", w.lost)
	case w.unusedLeft != (got.UnusedGone.Verdict == prove.Refuted):
		return fmt.Sprintf("unused access left: %t", w.unusedLeft)
	}
	return ""
}

func TestCompare(t *testing.T) {
	st := func(rest string) string { return `{"Version":"2012-10-17","Statement":[` + rest + `]}` }
	tests := []struct {
		name, a, b string
		want       prove.Relation
	}{
		{"the same in another order", st(`{"Effect":"Allow","Action":["s3:A","s3:B"],"Resource":"*"}`),
			st(`{"Effect":"Allow","Action":"s3:b","Resource":"*"},{"Effect":"Allow","Action":"s3:a","Resource":"*"}`), prove.Equal},
		{"a union by NotAction", st(`{"Effect":"Allow","Action":"*","Resource":"*"}`),
			st(`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"s3:*","Resource":"*"}`), prove.Equal},
		{"case matters in resources", st(`{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::B"}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::b"}`), prove.Incomparable},
		{"a condition narrows", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*"}`), prove.Narrower},
		{"an absent key isn't folded into a deny", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*"},{"Effect":"Deny","Action":"s3:A","Resource":"*","Condition":{"StringNotEquals":{"aws:x":"1"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"StringEquals":{"aws:x":"1"}}}`), prove.Equal},
		{"a negated IfExists spares an absent key", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*"},{"Effect":"Deny","Action":"s3:A","Resource":"*","Condition":{"StringEquals":{"aws:x":"1"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:x":"1"}}}`), prove.Equal},
		{"ranges of addresses", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/25","10.0.0.128/25"]}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/24"}}}`), prove.Equal},
		{"numbers by value", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"NumericLessThan":{"aws:x":"10.0"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"NumericLessThan":{"aws:x":"10"}}}`), prove.Equal},
		{"dates by instant", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"DateLessThan":{"aws:x":"2026-01-01T00:00:00Z"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"DateLessThan":{"aws:x":"2026-01-01T01:00:00+01:00"}}}`), prove.Equal},
		{"all values and some value", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}}`), prove.Incomparable},
		{"all values, and there is one", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:TagKeys":"false"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}}`), prove.Narrower},
		{"Null against an operator that wants the key", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"Null":{"aws:x":"true"},"StringEquals":{"aws:x":"1"}}}`),
			st(`{"Effect":"Deny","Action":"*","Resource":"*"}`), prove.Equal},
		{"an ARN's account has no colon", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"ArnLike":{"aws:x":"arn:aws:iam::*:role/a"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"StringLike":{"aws:x":"arn:aws:iam::*:role/a"}}}`), prove.Narrower},
		{"a variable lies within its star", st(`{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::h/${aws:username}/*"}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::h/*"}`), prove.Narrower},
		{"a longer path below the same variable", st(`{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::h/${aws:username}/docs/*"}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::h/${aws:username}/*"}`), prove.Narrower},
		{"a variable may be a name that is denied", st(`{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::h/${aws:username}"}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::h/*"},{"Effect":"Deny","Action":"s3:A","Resource":"arn:aws:s3:::h/root"}`), prove.Incomparable},
		{"a variable in a condition", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*"}`), prove.Narrower},
		{"two types on one key", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"StringLike":{"aws:x":"1*"},"NumericLessThan":{"aws:x":"5"}}}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*","Condition":{"NumericLessThan":{"aws:x":"5"}}}`), prove.UndecidedRelation},
		{"a request has a resource", st(`{"Effect":"Allow","Action":"s3:A","Resource":"*"}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"?*"}`), prove.Equal},
		{"a variable before a star", st(`{"Effect":"Allow","Action":"s3:A","Resource":"a${aws:username}*"}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"a*"}`), prove.Narrower},
		{"a principal", st(`{"Effect":"Allow","Principal":"*","Action":"s3:A","Resource":"*"}`),
			st(`{"Effect":"Allow","Action":"s3:A","Resource":"*"}`), prove.UndecidedRelation},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := parse(t, tt.a), parse(t, tt.b)
			got := prove.Compare(a, b)
			if got.Relation != tt.want {
				t.Errorf("%v, want %v: %+v", got.Relation, tt.want, got)
			}
			if (got.Relation == prove.UndecidedRelation) != (got.Reason != "") {
				t.Errorf("reason %q", got.Reason)
			}
			mirrored := map[prove.Relation]prove.Relation{prove.Narrower: prove.Wider}
			if want, ok := mirrored[tt.want]; ok {
				if back := prove.Compare(b, a); back.Relation != want {
					t.Errorf("the other way %v, want %v", back.Relation, want)
				}
			}
		})
	}
}

func TestCompareFindsTheNeedle(t *testing.T) {
	var entries []string
	for i := range 200 {
		entries = append(entries, fmt.Sprintf(`"arn:aws:s3:::bucket-%d/*/logs-%d/*"`, i, i))
	}
	whole := `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":[` + strings.Join(entries, ",") + `]}}`
	needle := `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":[` + strings.Join(slices.Delete(entries, 117, 118), ",") + `]}}`
	got := prove.Compare(parse(t, whole), parse(t, needle))
	if got.Relation != prove.Wider || !strings.HasPrefix(got.OnlyA.Resource, "arn:aws:s3:::bucket-117/") {
		t.Errorf("%+v", got)
	}
}

func readCatalog(t testing.TB, src string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Read("names.json", []byte(src))
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
