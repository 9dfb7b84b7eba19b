package rewrite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// demoPlan is a plan of the sample account and the files that come with it, and of files of
// each kind that stays.
func demoPlan(t *testing.T) (*rewrite.Plan, *tree.Tree) {
	t.Helper()
	infra := map[string]string{"more.tf": `
resource "aws_iam_role_policy" "drifted" {
  name   = "queue-drain-b"
  role   = "queue-drainer"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["sqs:PurgeQueue", "sqs:ListQueues"], Resource = "*" }] })
}
resource "aws_iam_role_policy" "written" {
  name   = "queue-drain-a"
  role   = "queue-drainer"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], Resource = "arn:aws:sqs:*:111122223333:*-dead" }] })
}
resource "aws_iam_policy" "unmatched" {
  name   = "nobody-has-it"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = "*" }] })
}
`, "broken/main.tf": "resource {{"}
	for _, name := range []string{"orders.tf", "thumbnails.yaml"} {
		src, err := os.ReadFile(filepath.Join("..", "..", "cmd", "pare", "demoinfra", name))
		if err != nil {
			t.Fatal(err)
		}
		infra[name] = string(src)
	}
	for _, dir := range []string{"a", "b"} {
		infra[dir+"/main.tf"] = `resource "aws_iam_role_policy" "cert" {
  name   = "certificate-renewer"
  role   = "certificate-renewer"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["acm:ListCertificates", "acm:DescribeCertificate", "route53:ListHostedZones", "route53:ChangeResourceRecordSets"], Resource = "*" }] })
}
`
	}
	files := folderOf(t, infra)
	live := rewrite.Held(sample(t, samplegen.Demo()))
	matches := rewrite.MatchSources(catalog.Embedded(), files.Sources, live, rewrite.Known{})
	if err := rewrite.Judge(rewrite.Matched(matches)); err != nil {
		t.Fatal(err)
	}
	p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: matches})
	if err != nil {
		t.Fatal(err)
	}
	return p, files
}

// listPlan is a plan of a list, without an account.
func listPlan(t *testing.T) (*rewrite.Plan, *tree.Tree) {
	t.Helper()
	files := folderOf(t, map[string]string{"a.json": doc(`"s3:GetBucketAcl", "s3:GetBucket*"`, "*")})
	matches, err := rewrite.ByList(files.Sources, files.Sources[0], usage.Of([]policy.Action{{Service: "s3", Name: "getbucketcors"}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: matches})
	if err != nil {
		t.Fatal(err)
	}
	return p, files
}

// rewriteSchema is docs/schema/rewrite.json, and refuses members that it doesn't name.
func rewriteSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", "docs", "schema", "rewrite.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	closeObjects(v)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("rewrite.json", v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rewrite.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok {
			v["additionalProperties"] = false
		}
		for _, member := range v {
			closeObjects(member)
		}
	case []any:
		for _, entry := range v {
			closeObjects(entry)
		}
	}
}

// Lists that are empty are written as such: a null is no array to the schema.
func TestJSONIsAsItsSchemaSays(t *testing.T) {
	schema := rewriteSchema(t)
	check := func(p *rewrite.Plan, problems []iac.Problem) {
		t.Helper()
		var out bytes.Buffer
		if err := rewrite.JSON(&out, p, problems); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Error(err)
		}
	}
	p, files := demoPlan(t)
	check(p, files.Problems)
	p, files = listPlan(t)
	check(p, files.Problems)
	check(&rewrite.Plan{Catalog: catalog.Embedded()}, nil)
}

// What a rewrite has written isn't drift, before it is deployed; anything else is.
func TestWritten(t *testing.T) {
	p, _ := demoPlan(t)
	var got []string
	for _, l := range p.Written {
		got = append(got, "written "+l.Source.Address)
	}
	for _, l := range p.Left {
		got = append(got, l.Kind.String()+" "+l.Source.Address)
	}
	slices.Sort(got)
	want := []string{"ambiguous aws_iam_role_policy.cert", "ambiguous aws_iam_role_policy.cert", "drifted aws_iam_role_policy.drifted", "written aws_iam_role_policy.written"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A module's file is written already once each of its policies is what it says, or would be.
func TestWrittenIsOfAllInstances(t *testing.T) {
	const before, after, other = `"s3:GetBucketAcl", "s3:GetBucketCORS"`, `"s3:GetBucketAcl"`, `"s3:GetBucketAcl", "s3:GetBucketTagging"`
	for _, tt := range []struct {
		name string
		x, y string
		used bool // s3:GetBucketCORS, by y
		want int
	}{
		{"neither is deployed", before, before, false, 1},
		{"one is deployed", after, before, false, 1},
		{"one uses what the file doesn't have", after, before, true, 0},
		{"one has what the file never had", before, other, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := folderOf(t, map[string]string{"main.tf": `resource "aws_iam_policy" "a" {
  for_each = toset(["x", "y"])
  name     = "reader-${each.key}"
  policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetBucketAcl"], Resource = "arn:aws:s3:::${each.key}" }] })
}
`})
			unused := map[bool][]string{false: {"s3:GetBucketCORS"}, true: nil}
			live := []*rewrite.Live{
				managed(t, "reader-x", doc(tt.x, "arn:aws:s3:::x"), "s3:GetBucketCORS"),
				managed(t, "reader-y", doc(tt.y, "arn:aws:s3:::y"), unused[tt.used]...),
			}
			p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: rewrite.MatchSources(catalog.Embedded(), files.Sources, live, rewrite.Known{})})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(p.Written); got != tt.want || got+len(p.Left) != 1 {
				t.Errorf("%d written, want %d\n%s", got, tt.want, outcome(p))
			}
		})
	}
}

// The text of a pull request has what goes, the evidence with dates, how to check it, and
// no markup of what others wrote.
func TestMarkdown(t *testing.T) {
	p, _ := demoPlan(t)
	p.Left[0].Reason = "*bold* @everybody <img> a|b"
	var out strings.Builder
	if err := rewrite.Markdown(&out, p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"What nobody used in the 90 days from 2026-08-03 to 2026-11-01 goes.",
		"- Account `111122223333`: IAM's last accessed information up to 2026-11-01",
		"- the policy `orders-api-access` of `arn:aws:iam::111122223333:role/orders-api`\n",
		"| `OrderEvents` | `sqs:PurgeQueue` |\n",
		"| `sqs:PurgeQueue` | no use on record | IAM's last accessed information |\n",
		"- `aws_iam_role_policy.cert`, `a/main.tf:1:1`: \\*bold\\* &#64;everybody &lt;img\\> a\\|b\n",
		"- `pare check --base` with the commit before finds no new access",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// Where a wildcard is narrowed, the table says what comes for what.
func TestMarkdownOfANarrowedEntry(t *testing.T) {
	p, _ := listPlan(t)
	var out strings.Builder
	if err := rewrite.Markdown(&out, p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| statement | goes | comes |\n", "| `Statement[0]` | `s3:GetBucket*` | `s3:GetBucketA"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
