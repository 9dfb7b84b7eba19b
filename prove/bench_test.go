package prove_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// tenStatements is a policy as people write them: exact actions, prefixes, a whole
// service, conditions, a Deny.
const tenStatements = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Buckets", "Effect": "Allow", "Action": ["s3:Get*", "s3:ListBucket", "s3:PutObject"], "Resource": ["arn:aws:s3:::app", "arn:aws:s3:::app/*"]},
    {"Sid": "Queues", "Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueue*"], "Resource": "arn:aws:sqs:eu-west-1:123456789012:app-*"},
    {"Sid": "Tables", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Describe*"], "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/app"},
    {"Sid": "Keys", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*", "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}},
    {"Sid": "Functions", "Effect": "Allow", "Action": ["lambda:InvokeFunction", "lambda:Get*"], "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:app-*"},
    {"Sid": "Logs", "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"},
    {"Sid": "Secrets", "Effect": "Allow", "Action": "secretsmanager:Get*", "Resource": "*", "Condition": {"StringLike": {"aws:ResourceTag/app": "app-*"}}},
    {"Sid": "Topics", "Effect": "Allow", "Action": ["sns:Publish", "sns:List*"], "Resource": "*"},
    {"Sid": "Params", "Effect": "Allow", "Action": ["ssm:GetParameter*", "ssm:DescribeParameters"], "Resource": "arn:aws:ssm:eu-west-1:123456789012:parameter/app/*"},
    {"Sid": "NoBuckets", "Effect": "Deny", "Action": "s3:DeleteBucket*", "Resource": "*"}
  ]
}
`

// BenchmarkRefineAndProve refines, edits, parses the edited text and proves, when a tenth
// of what the policy grants is unused: from a parsed policy; from its bytes; and from
// its bytes on all processors, where a million policies in a minute are 60 µs each. The
// peer is what can't be avoided: parsing the policy once before and once after.
func BenchmarkRefineAndProve(b *testing.B) {
	cat := catalog.Embedded()
	refiner := refine.New(cat)
	unused := tenth(cat, parse(b, tenStatements))
	refineAndProve := func(doc *policy.Document) {
		result, err := refiner.Policy(doc, unused)
		if err != nil {
			b.Fatal(err)
		}
		if proof := prove.Refinement(cat, doc, result.Document, unused); proof.Verdict != prove.Proved {
			b.Fatal(proof)
		}
	}
	b.Run("parsed", func(b *testing.B) {
		doc := parse(b, tenStatements)
		b.ReportAllocs()
		for b.Loop() {
			refineAndProve(doc)
		}
	})
	b.Run("bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			refineAndProve(parse(b, tenStatements))
		}
	})
	b.Run("bytes-parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				refineAndProve(parse(b, tenStatements))
			}
		})
	})
	b.Run("parse-twice", func(b *testing.B) {
		result, err := refiner.Policy(parse(b, tenStatements), unused)
		if err != nil {
			b.Fatal(err)
		}
		refined := string(result.Document.Bytes())
		b.ReportAllocs()
		for b.Loop() {
			parse(b, tenStatements)
			parse(b, refined)
		}
	})
}

// BenchmarkProveEverything proves the refinement of `*` over the whole catalog.
func BenchmarkProveEverything(b *testing.B) {
	cat := catalog.Embedded()
	doc := parse(b, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	unused := tenth(cat, doc)
	result, err := refine.Policy(cat, doc, unused)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if proof := prove.Refinement(cat, doc, result.Document, unused); proof.Verdict != prove.Proved {
			b.Fatal(proof)
		}
	}
}

// tenth reports every tenth action that a policy matches as unused.
func tenth(cat *catalog.Catalog, doc *policy.Document) usage.Unused {
	var actions []policy.Action
	n := 0
	for id := range cat.Len() {
		known := cat.Action(id)
		a := policy.Action{Service: known.Service.Prefix, Name: known.Lower}
		if slices.ContainsFunc(doc.Statements, func(st policy.Statement) bool { return st.Action.Match(a) }) {
			if n%10 == 0 {
				actions = append(actions, a)
			}
			n++
		}
	}
	return usage.Of(actions, nil)
}

// BenchmarkCompare compares pairs of policies of 25 and of 50 statements, over all
// strings; cvc5 answers the same questions beside it. Each pair differs by a small
// edit, or by none, in which case nothing short of a whole comparison shows it.
func BenchmarkCompare(b *testing.B) {
	for _, statements := range []int{25, 50} {
		pairs := comparePairs(statements)
		b.Run(fmt.Sprintf("pare/%d", statements), func(b *testing.B) {
			b.ReportAllocs()
			var took []time.Duration
			for b.Loop() {
				p := pairs[len(took)%len(pairs)]
				start := time.Now()
				if got := prove.Compare(p[0], p[1]); got.Relation == prove.UndecidedRelation {
					b.Fatal(got.Reason)
				}
				took = append(took, time.Since(start))
			}
			reportMedian(b, took)
		})
	}
	if _, err := exec.LookPath("cvc5"); err != nil {
		b.Fatal("cvc5 isn't installed: `make deps` installs it")
	}
	cat := readCatalog(b, names)
	for _, statements := range []int{25, 50} {
		pairs := comparePairs(statements)
		b.Run(fmt.Sprintf("cvc5/%d", statements), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				p := pairs[len(took)%len(pairs)]
				start := time.Now()
				for _, way := range [][2]*policy.Document{{p[0], p[1]}, {p[1], p[0]}} {
					certs, err := prove.Certificates(cat, way[0], []*policy.Document{way[1]}, usage.Unused{})
					if err != nil {
						b.Fatal(err)
					}
					cmd := exec.Command("cvc5", "--lang=smt2", "--strings-exp", "--tlimit=20000")
					cmd.Stdin = strings.NewReader(string(certs[0].Text))
					// A time-out ends the run with an error: it counts with the time it took.
					if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "interrupted by timeout") {
						b.Fatalf("%v\n%s", err, out)
					}
				}
				took = append(took, time.Since(start))
			}
			reportMedian(b, took)
		})
	}
}

func reportMedian(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "median-ns")
}

// comparePairs makes pairs of policies over a few services and buckets, so that
// statements overlap in actions, resources and conditions.
func comparePairs(statements int) [][2]*policy.Document {
	r := rand.New(rand.NewPCG(uint64(statements), 7))
	var pairs [][2]*policy.Document
	for range 21 {
		var texts []string
		for range statements {
			texts = append(texts, compareStatement(r))
		}
		other := slices.Clone(texts)
		r.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		if r.IntN(3) > 0 {
			other[r.IntN(len(other))] = compareStatement(r)
		}
		var pair [2]*policy.Document
		for i, list := range [][]string{texts, other} {
			doc, err := policy.Parse("pair.json", []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(list, ",")+`]}`))
			if err != nil {
				panic(err)
			}
			pair[i] = doc
		}
		pairs = append(pairs, pair)
	}
	return pairs
}

func compareStatement(r *rand.Rand) string {
	from := func(list ...string) string { return list[r.IntN(len(list))] }
	action := func() string {
		return from("s3", "sqs", "ec2", "dynamodb", "lambda") + ":" +
			from("Get*", "List*", "Describe*", "Put*", "*", "GetItem", "SendMessage", "Delete*", "Create*", "*Tags", "Invoke*", "TagResource", "UpdateItem")
	}
	resource := func() string {
		return "arn:aws:" + from("s3", "sqs", "ec2", "dynamodb", "lambda") + ":" + from("eu-west-1", "us-east-1", "*") + ":123456789012:" +
			from("app-", "data-", "log-", "") + from("one", "two", "three", "*") + from("", "/*")
	}
	condition := from("", "", "", `,"Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}`,
		`,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`, `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`,
		`,"Condition":{"StringLike":{"aws:PrincipalTag/team":"app-*"}}`)
	return fmt.Sprintf(`{"Effect":%q,"Action":[%q,%q,%q],"Resource":[%q,%q]%s}`,
		from("Allow", "Allow", "Allow", "Allow", "Allow", "Deny"), action(), action(), action(), resource(), resource(), condition)
}
