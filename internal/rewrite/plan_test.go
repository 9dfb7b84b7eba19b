package rewrite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// folderOf writes files and reads them as a tree.
func folderOf(t testing.TB, files map[string]string) *tree.Tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := tree.Read(t.Context(), tree.Options{Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// managed is a live customer managed policy of account 111122223333, with what is unused of
// it; a word with a blank in it is why nothing is known.
func managed(t testing.TB, name, doc string, unused ...string) *rewrite.Live {
	t.Helper()
	l := liveManaged(t, "111122223333", name, doc)
	var actions []policy.Action
	var services []string
	for _, text := range unused {
		if strings.Contains(text, " ") {
			l.Problem = text
			continue
		}
		if service, ok := strings.CutSuffix(text, ":*"); ok {
			services = append(services, service)
			continue
		}
		a, err := policy.ParseAction(text)
		if err != nil {
			t.Fatal(err)
		}
		actions = append(actions, a)
	}
	l.Unused = usage.Of(actions, services)
	return l
}

// resource is a Terraform resource of a customer managed policy.
func resource(name, statement string) string {
	return fmt.Sprintf("resource \"aws_iam_policy\" %q {\n  name   = %q\n  policy = jsonencode({ Version = \"2012-10-17\", Statement = [%s] })\n}\n", name, name, statement)
}

func doc(actions, on string) string {
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [%s], "Resource": %q}]}`, actions, on)
}

func allowed(actions string) string {
	return `{ Effect = "Allow", Action = ` + actions + `, Resource = "*" }`
}

// outcome is a plan in lines: "rewritten ADDRESS", "unchanged …", "unmatched …", "left …:
// KIND: reason", and "+" and "-" lines of its diff.
func outcome(p *rewrite.Plan) string {
	var b strings.Builder
	for _, r := range p.Rewrites {
		fmt.Fprintf(&b, "rewritten %s\n", r.Source.Title())
	}
	for _, s := range p.Unchanged {
		fmt.Fprintf(&b, "unchanged %s\n", s.Title())
	}
	for _, s := range p.Unmatched {
		fmt.Fprintf(&b, "unmatched %s\n", s.Title())
	}
	for _, l := range p.Left {
		fmt.Fprintf(&b, "left %s: %s: %s: %s\n", l.Source.Title(), l.Where, l.Kind, l.Reason)
		for _, d := range l.Paste {
			fmt.Fprintf(&b, "  paste %s\n", strings.Join(strings.Fields(string(d.Bytes())), " "))
		}
	}
	for line := range strings.Lines(p.Diff()) {
		changed := strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-")
		if changed && !strings.HasPrefix(line, "+++") && !strings.HasPrefix(line, "---") {
			b.WriteString(line[:1] + " " + strings.TrimSpace(line[1:]) + "\n")
		}
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	const acl, cors, both = `"s3:GetBucketAcl"`, `"s3:GetBucketCORS"`, `"s3:GetBucketAcl", "s3:GetBucketCORS"`
	const local = "locals {\n  reading = [" + both + "]\n}\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		live  []*rewrite.Live
		want  string
	}{
		{
			"what is unused goes",
			map[string]string{"main.tf": resource("a", allowed("["+both+"]"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			`rewritten aws_iam_policy.a
- policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetBucketAcl", "s3:GetBucketCORS"], Resource = "*" }] })
+ policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetBucketAcl"], Resource = "*" }] })
`,
		},
		{
			"nothing is unused",
			map[string]string{"main.tf": resource("a", allowed("["+both+"]"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"))},
			"unchanged aws_iam_policy.a\n",
		},
		{
			"no account has it",
			map[string]string{"main.tf": resource("a", allowed("["+both+"]"))},
			[]*rewrite.Live{managed(t, "b", doc(acl, "*"), "s3:GetBucketAcl")},
			"unmatched aws_iam_policy.a\n",
		},
		{
			"a list that two policies share loses what is unused of both",
			map[string]string{"main.tf": local + resource("a", allowed("local.reading")) + resource("b", allowed("local.reading"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS", "s3:GetBucketAcl"), managed(t, "b", doc(both, "*"), "s3:GetBucketCORS")},
			`rewritten aws_iam_policy.a
rewritten aws_iam_policy.b
- reading = ["s3:GetBucketAcl", "s3:GetBucketCORS"]
+ reading = ["s3:GetBucketAcl"]
`,
		},
		{
			"a whole service of one is an action of another",
			map[string]string{"main.tf": local + resource("a", allowed("local.reading")) + resource("b", allowed("local.reading"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:*"), managed(t, "b", doc(both, "*"), "s3:GetBucketCORS")},
			`rewritten aws_iam_policy.a
rewritten aws_iam_policy.b
- reading = ["s3:GetBucketAcl", "s3:GetBucketCORS"]
+ reading = ["s3:GetBucketAcl"]
`,
		},
		{
			"of two that share a list each also loses what the other hasn't",
			map[string]string{"main.tf": local + resource("a", allowed("local.reading")+", "+allowed(`["sqs:SendMessage", "sqs:ListQueues"]`)) + resource("b", allowed("local.reading"))},
			[]*rewrite.Live{
				managed(t, "a", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [`+both+`], "Resource": "*"}, {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:ListQueues"], "Resource": "*"}]}`, "sqs:ListQueues"),
				managed(t, "b", doc(both, "*")),
			},
			`rewritten aws_iam_policy.a
unchanged aws_iam_policy.b
- policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = local.reading, Resource = "*" }, { Effect = "Allow", Action = ["sqs:SendMessage", "sqs:ListQueues"], Resource = "*" }] })
+ policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = local.reading, Resource = "*" }, { Effect = "Allow", Action = ["sqs:SendMessage"], Resource = "*" }] })
`,
		},
		{
			"a list stays that a policy shares which no account has",
			map[string]string{"main.tf": local + resource("a", allowed("local.reading")) + resource("b", allowed("local.reading"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			`unmatched aws_iam_policy.b
left aws_iam_policy.a: main.tf:8:1: shared: shares a list with aws_iam_policy.b, which can't be changed: no live policy was found for it
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
`,
		},
		{
			"a list stays that a policy shares of which nothing is known",
			map[string]string{"main.tf": local + resource("a", allowed("local.reading")) + resource("b", allowed("local.reading"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS"), managed(t, "b", doc(both, "*"), "nobody was asked")},
			`left aws_iam_policy.a: main.tf:8:1: shared: shares a list with aws_iam_policy.b, which can't be changed: arn:aws:iam::111122223333:policy/b: nobody was asked
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
left aws_iam_policy.b: main.tf:8:1: not-judged: arn:aws:iam::111122223333:policy/b: nobody was asked
`,
		},
		{
			"the account has something else",
			map[string]string{"main.tf": resource("a", allowed("["+both+"]"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "arn:aws:s3:::one"), "s3:GetBucketCORS")},
			`left aws_iam_policy.a: main.tf:1:1: drifted: arn:aws:iam::111122223333:policy/a isn't what the file says: the file allows s3:GetBucketAcl on *, and the live policy doesn't
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "arn:aws:s3:::one"}]}
`,
		},
		{
			"nothing of it is used",
			map[string]string{"main.tf": resource("a", allowed("["+both+"]"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:*")},
			"left aws_iam_policy.a: main.tf:1:1: nothing-used: nothing that it allows is used: remove it, and what attaches it\n",
		},
		{
			"a list is computed: what to paste is said",
			map[string]string{"main.tf": resource("a", allowed(`concat([`+acl+`], [`+cors+`])`))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			`left aws_iam_policy.a: main.tf:3:91: computed: Action isn't known: the function concat computes it
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
`,
		},
		{
			"a computed list of which all is used isn't worth a word",
			map[string]string{"main.tf": resource("a", allowed(`concat([`+acl+`], [`+cors+`])`))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"))},
			"unchanged aws_iam_policy.a\n",
		},
		{
			"an entry that isn't known stays",
			map[string]string{"main.tf": resource("a", allowed(`["s3:GetBucketCORS", var.action]`))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			`rewritten aws_iam_policy.a
- policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetBucketCORS", var.action], Resource = "*" }] })
+ policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = [var.action], Resource = "*" }] })
`,
		},
		{
			"an entry that isn't known, and unused",
			map[string]string{"main.tf": resource("a", allowed(`["s3:GetBucketCORS", var.action]`))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketAcl")},
			`left aws_iam_policy.a: main.tf:1:1: computed: something unused of arn:aws:iam::111122223333:policy/a is in an entry that isn't known
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketCORS"], "Resource": "*"}]}
`,
		},
		{
			"two files of one name and text",
			map[string]string{"a/main.tf": resource("a", allowed("["+both+"]")), "b/main.tf": resource("a", allowed("["+both+"]"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			`left aws_iam_policy.a: a/main.tf:1:1: ambiguous: arn:aws:iam::111122223333:policy/a could come of aws_iam_policy.a (b/main.tf:1:1) too
left aws_iam_policy.a: b/main.tf:1:1: ambiguous: arn:aws:iam::111122223333:policy/a could come of aws_iam_policy.a (a/main.tf:1:1) too
`,
		},
		{
			"a list of something else too stays",
			map[string]string{"main.tf": local + resource("a", allowed("local.reading")) + "output \"reading\" {\n  value = local.reading\n}\n"},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			`left aws_iam_policy.a: main.tf:2:13: computed: also used by output.reading (main.tf:9:11)
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
`,
		},
		{
			"a live policy that couldn't be read is another's too",
			map[string]string{"main.tf": resource("a", allowed("["+both+"]"))},
			[]*rewrite.Live{
				managed(t, "a", doc(both, "*"), "s3:GetBucketCORS"),
				{Account: "222233334444", Name: "a", Path: "/", ARN: "arn:aws:iam::222233334444:policy/a", Problem: "the policy couldn't be read"},
			},
			`left aws_iam_policy.a: main.tf:1:1: not-judged: arn:aws:iam::222233334444:policy/a: the policy couldn't be read
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
`,
		},
		{
			"a list that another policy denies by stays, and the rest is changed",
			map[string]string{"main.tf": local + resource("a", allowed("local.reading")) + resource("b", allowed(`"ec2:DescribeTags"`)+`, { Effect = "Deny", Action = local.reading, Resource = "*" }`) + resource("c", allowed("["+both+"]"))},
			[]*rewrite.Live{
				managed(t, "a", doc(both, "*"), "s3:GetBucketCORS"),
				managed(t, "b", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:DescribeTags", "Resource": "*"}, {"Effect": "Deny", "Action": [`+both+`], "Resource": "*"}]}`),
				managed(t, "c", doc(both, "*"), "s3:GetBucketCORS"),
			},
			`rewritten aws_iam_policy.c
unchanged aws_iam_policy.b
left aws_iam_policy.a: main.tf:8:1: shared: aws_iam_policy.b is made of the same list in another way, and would say something else
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
- policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetBucketAcl", "s3:GetBucketCORS"], Resource = "*" }] })
+ policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetBucketAcl"], Resource = "*" }] })
`,
		},
		{
			"a list by which a policy both allows and doesn't deny stays",
			map[string]string{"main.tf": local + resource("a", allowed("local.reading")+`, { Effect = "Deny", NotAction = local.reading, Resource = "*" }`)},
			[]*rewrite.Live{managed(t, "a", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [`+both+`], "Resource": "*"}, {"Effect": "Deny", "NotAction": [`+both+`], "Resource": "*"}]}`, "s3:GetBucketCORS")},
			`left aws_iam_policy.a: main.tf:4:1: shared: aws_iam_policy.a is made of the same list in another way, and would say something else
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}, {"Effect": "Deny", "NotAction": ["s3:GetBucketAcl", "s3:GetBucketCORS"], "Resource": "*"}]}
`,
		},
		{
			"a module's statement stays if another call makes a policy of it that isn't known",
			map[string]string{
				"main.tf": "module \"one\" {\n  source = \"./m\"\n  name   = \"a\"\n}\nmodule \"two\" {\n  source = \"./m\"\n  name   = \"b\"\n  more   = [for p in [\"{}\"] : p]\n}\n",
				"m/main.tf": "variable \"name\" {}\nvariable \"more\" {\n  default = []\n}\ndata \"aws_iam_policy_document\" \"d\" {\n  override_policy_documents = var.more\n  statement {\n    actions   = [" + both + "]\n    resources = [\"*\"]\n  }\n}\n" +
					"resource \"aws_iam_policy\" \"p\" {\n  name   = var.name\n  policy = data.aws_iam_policy_document.d.json\n}\n",
			},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS"), managed(t, "b", doc(both, "*"))},
			`unchanged module.two.aws_iam_policy.p
left module.one.aws_iam_policy.p: m/main.tf:5:1: computed: also used by module.two.aws_iam_policy.p (m/main.tf:12:1), whose policy isn't known
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
`,
		},
		{
			"a list with an entry that another, longer file says",
			map[string]string{"a.tf": resource("a", allowed(`[local.one, "s3:GetBucketCORS"]`)), "b.tf": "# " + strings.Repeat("-", 300) + "\nlocals {\n  one = " + acl + "\n}\n"},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			`left aws_iam_policy.a: a.tf:3:91: computed: the list has an entry that stands elsewhere
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
`,
		},
		{
			"nothing of it is used, and an entry isn't known",
			map[string]string{"main.tf": resource("a", allowed(`["s3:GetBucketCORS", var.action]`))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:*")},
			"left aws_iam_policy.a: main.tf:1:1: nothing-used: nothing that arn:aws:iam::111122223333:policy/a allows is used, and an entry of the file isn't known: remove it, and what attaches it\n",
		},
		{
			"CDK's output isn't changed",
			map[string]string{"cdk.out/manifest.json": `{"version": "36.0.0", "artifacts": {}}`, "cdk.out/app.template.json": `{"Resources": {"P": {"Type": "AWS::IAM::ManagedPolicy", "Metadata": {"aws:cdk:path": "App/Policy/Resource"}, "Properties": {"ManagedPolicyName": "a", "PolicyDocument": ` + doc(both, "*") + `}}}}`},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			`left App/Policy/Resource: cdk.out/app.template.json:1:16: computed: CDK output: change the construct App/Policy/Resource, not the template
  paste {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetBucketAcl"], "Resource": "*"}]}
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := folderOf(t, tt.files)
			if len(files.Problems) > 0 {
				t.Fatal(files.Problems)
			}
			p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: rewrite.MatchSources(catalog.Embedded(), files.Sources, tt.live, rewrite.Known{})})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, outcome(p)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for f, src := range p.Files {
				if string(src) == string(f.Src) {
					t.Errorf("%s is among the files that change, and doesn't", f.Path)
				}
			}
		})
	}
}

// TestAModuleLosesWhatNoneOfItsInstancesUses has one source and three roles.
func TestAModuleLosesWhatNoneOfItsInstancesUses(t *testing.T) {
	files := folderOf(t, map[string]string{"main.tf": `resource "aws_iam_policy" "a" {
  for_each = toset(["x", "y", "z"])
  name     = "reader-${each.key}"
  policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetBucket*", Resource = "arn:aws:s3:::${each.key}" }] })
}
`})
	var live []*rewrite.Live
	for name, unused := range map[string][]string{
		"x": {"s3:GetBucketCORS", "s3:GetBucketAcl", "s3:GetBucketPolicy"}, "y": {"s3:GetBucketCORS", "s3:GetBucketPolicy"}, "z": {"s3:GetBucketCORS", "s3:GetBucketAcl"},
	} {
		live = append(live, managed(t, "reader-"+name, doc(`"s3:GetBucket*"`, "arn:aws:s3:::"+name), unused...))
	}
	p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: rewrite.MatchSources(catalog.Embedded(), files.Sources, live, rewrite.Known{})})
	if err != nil || len(p.Rewrites) != 1 || len(p.Rewrites[0].After) != 3 {
		t.Fatalf("%v\n%s", err, outcome(p))
	}
	got := p.Rewrites[0].Unused.ActionSet()
	if diff := cmp.Diff([]policy.Action{{Service: "s3", Name: "getbucketcors"}}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestInlinePoliciesMustFitTogether has a role with a policy that grows when it is refined,
// and one that fills the role nearly up to its limit.
func TestInlinePoliciesMustFitTogether(t *testing.T) {
	files := folderOf(t, map[string]string{"main.tf": `resource "aws_iam_role_policy" "a" {
  name   = "a"
  role   = "app"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetBucket*", Resource = "*" }] })
}
`})
	l := liveInline(t, "111122223333", "app/a", doc(`"s3:GetBucket*"`, "*"))
	l.Unused = usage.Of([]policy.Action{{Service: "s3", Name: "getbucketcors"}}, nil)
	for size, kind := range map[int]rewrite.LeftKind{policy.RoleInlineLimit - 20: rewrite.TooLarge, l.Document.Size(): 0} {
		l.HolderSize = size
		p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: rewrite.MatchSources(catalog.Embedded(), files.Sources, []*rewrite.Live{l}, rewrite.Known{})})
		if err != nil {
			t.Fatal(err)
		}
		var got rewrite.LeftKind
		if len(p.Left) > 0 {
			got = p.Left[0].Kind
		}
		if got != kind || len(p.Rewrites) != 1-len(p.Left) {
			t.Errorf("with %d characters: %s", size, outcome(p))
		}
	}
}

func TestByListIsOfOnePolicy(t *testing.T) {
	files := folderOf(t, map[string]string{"a.json": doc(`"s3:GetBucketAcl", "s3:GetBucketCORS"`, "*"), "b.json": doc(`"s3:GetBucketCORS"`, "*")})
	matches, err := rewrite.ByList(files.Sources, files.Sources[0], usage.Of([]policy.Action{{Service: "s3", Name: "getbucketcors"}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: matches})
	if err != nil {
		t.Fatal(err)
	}
	want := "rewritten a.json\nunmatched b.json\n" +
		"- " + doc(`"s3:GetBucketAcl", "s3:GetBucketCORS"`, "*") + "\n+ " + doc(`"s3:GetBucketAcl"`, "*") + "\n"
	got := strings.ReplaceAll(outcome(p), "\\ No newline at end of file\n", "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
