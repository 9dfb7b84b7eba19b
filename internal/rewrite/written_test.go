package rewrite_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/refine"
)

// planned is a plan of what by itself matches.
func planned(t *testing.T, files *tree.Tree, live []*rewrite.Live) *rewrite.Plan {
	t.Helper()
	c := catalog.Embedded()
	p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: c, Tree: files, Matches: rewrite.MatchSources(c, files.Sources, live, rewrite.Known{})})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fates are what became of sources, a line each: written, or what outcome says.
func fates(p *rewrite.Plan) []string {
	var out []string
	for _, l := range p.Written {
		out = append(out, "written "+l.Source.Title())
	}
	for _, l := range p.Left {
		out = append(out, l.Kind.String()+" "+l.Source.Title())
	}
	for _, s := range p.Unchanged {
		out = append(out, "unchanged "+s.Title())
	}
	for _, r := range p.Rewrites {
		out = append(out, "rewritten "+r.Source.Title())
	}
	slices.Sort(out)
	return out
}

// The next run knows what a run has written, before it is deployed and after: also where
// lists are so long that they are written in the fewest characters.
func TestWhatWasWrittenIsKnownAgain(t *testing.T) {
	const both = `"s3:GetBucketAcl", "s3:GetBucketCORS"`
	local := "locals {\n  reading = [" + both + "]\n}\n"
	const large = `"ec2:*"`
	var scattered []string
	for i, a := range catalog.Embedded().Service("ec2").Actions {
		if i%16 == 1 {
			scattered = append(scattered, a.String())
		}
	}
	for _, tt := range []struct {
		name  string
		files map[string]string
		live  []*rewrite.Live
		want  []string
	}{
		{
			"a list", map[string]string{"main.tf": resource("a", allowed("["+both+"]"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS")},
			[]string{"written aws_iam_policy.a"},
		},
		{
			"a list that is too long in whole words", map[string]string{"main.tf": resource("a", allowed("["+large+"]"))},
			[]*rewrite.Live{managed(t, "a", doc(large, "*"), scattered...)},
			[]string{"written aws_iam_policy.a"},
		},
		{
			"a list of two", map[string]string{"main.tf": local + resource("a", allowed("local.reading")) + resource("b", allowed("local.reading"))},
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS", "s3:GetBucketAcl"), managed(t, "b", doc(both, "*"), "s3:GetBucketCORS")},
			[]string{"written aws_iam_policy.a", "written aws_iam_policy.b"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := folderOf(t, tt.files)
			p := planned(t, files, tt.live)
			if len(p.Rewrites) != len(tt.want) || len(p.Left) > 0 {
				t.Fatal(fates(p))
			}
			if err := files.Write(t.Context(), p.Files); err != nil {
				t.Fatal(err)
			}
			again, err := tree.Read(t.Context(), files.Options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, fates(planned(t, again, tt.live))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			var deployed []*rewrite.Live
			for _, r := range p.Rewrites {
				now := *r.Live[0]
				now.Document = r.After[0].Refined
				deployed = append(deployed, &now)
			}
			var settled []string
			for _, line := range tt.want {
				settled = append(settled, strings.Replace(line, "written", "unchanged", 1))
			}
			if diff := cmp.Diff(settled, fates(planned(t, again, deployed))); diff != "" {
				t.Errorf("once it is deployed: -want +got\n%s", diff)
			}
		})
	}
}

// What a file says counts as written if the live policy need only be deployed to be what is
// recommended. Anything else stays drift: nothing that somebody uses goes unsaid.
func TestWrittenOrDrift(t *testing.T) {
	const acl, cors = `"s3:GetBucketAcl"`, `"s3:GetBucketCORS"`
	const both = acl + ", " + cors
	local := "locals {\n  reading = [" + acl + "]\n}\n" + resource("a", allowed("local.reading")) + resource("b", allowed("local.reading"))
	refined, err := refine.New(catalog.Embedded()).Policy(parse(t, doc(`"sqs:*"`, "*")), managed(t, "a", doc(`"sqs:*"`, "*"), "sqs:SendMessage").Unused)
	if err != nil {
		t.Fatal(err)
	}
	var prefixes []string
	for _, e := range refined.Document.Statements[0].Action.Entries {
		prefixes = append(prefixes, `"`+e.Text+`"`)
	}
	queues := strings.Join(prefixes, ", ")
	variable := func(name string) string {
		return "variable \"bucket\" {}\n" + strings.Replace(resource("a", `{ Effect = "Allow", Action = [`+acl+`], Resource = "arn:aws:s3:::${var.bucket}" }`), `"a"`+"\n", `"`+name+`"`+"\n", 1)
	}
	denied := func(deny string) string {
		return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [` + both + `], "Resource": "*"}` + deny + `]}`
	}
	for _, tt := range []struct {
		name string
		file string
		live []*rewrite.Live
		want []string
	}{
		{
			"a pattern of nothing that there is, besides what is recommended",
			resource("a", allowed("["+queues+`, "sqs:Zap*"]`)),
			[]*rewrite.Live{managed(t, "a", doc(`"sqs:*"`, "*"), "sqs:SendMessage")},
			[]string{"written aws_iam_policy.a"},
		},
		{
			"less than what is recommended",
			resource("a", allowed("["+strings.Join(prefixes[1:], ", ")+"]")),
			[]*rewrite.Live{managed(t, "a", doc(`"sqs:*"`, "*"), "sqs:SendMessage")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"a pattern that the live policy hasn't",
			resource("a", allowed("["+queues+`, "sns:Zap*"]`)),
			[]*rewrite.Live{managed(t, "a", doc(`"sqs:*"`, "*"), "sqs:SendMessage")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"a part of what is unused",
			resource("a", allowed("["+both+"]")),
			[]*rewrite.Live{managed(t, "a", doc(both+`, "s3:GetBucketTagging"`, "*"), "s3:GetBucketCORS", "s3:GetBucketTagging")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"an action that the catalog doesn't know is missing",
			resource("a", allowed("["+acl+"]")),
			[]*rewrite.Live{managed(t, "a", doc(both+`, "gossip:Listen"`, "*"), "s3:GetBucketCORS")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"an action that isn't known, which what is recommended has",
			resource("a", allowed(`["s3:GetBucketTagging", var.action]`)),
			[]*rewrite.Live{managed(t, "a", doc(both+`, "s3:GetBucketTagging"`, "*"), "s3:GetBucketCORS")},
			[]string{"written aws_iam_policy.a"},
		},
		{
			"an action that isn't known, for which nothing is left",
			resource("a", allowed("["+acl+`, var.action]`)),
			[]*rewrite.Live{managed(t, "a", doc(both+`, "s3:GetBucketTagging"`, "*"), "s3:GetBucketCORS", "s3:GetBucketTagging")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"an action that isn't known, for all that are left",
			resource("a", allowed(`[var.action]`)),
			[]*rewrite.Live{managed(t, "a", doc(both+`, "s3:GetBucketTagging"`, "*"), "s3:GetBucketCORS")},
			[]string{"computed aws_iam_policy.a"},
		},
		{
			"one resource, where the live policy has two",
			resource("a", `{ Effect = "Allow", Action = [`+acl+`], Resource = [aws_s3_bucket.b.arn] }`),
			[]*rewrite.Live{managed(t, "a", on(both, `"arn:aws:s3:::b", "arn:aws:s3:::b/*"`, ""), "s3:GetBucketCORS")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"two resources, one of them with a part of the other",
			resource("a", `{ Effect = "Allow", Action = [`+acl+`], Resource = [aws_s3_bucket.b.arn, "${aws_s3_bucket.b.arn}/*"] }`),
			[]*rewrite.Live{managed(t, "a", on(both, `"arn:aws:s3:::b", "arn:aws:s3:::b/*"`, ""), "s3:GetBucketCORS")},
			[]string{"written aws_iam_policy.a"},
		},
		{
			"two resources, where the live policy has one",
			resource("a", `{ Effect = "Allow", Action = [`+acl+`], Resource = ["arn:aws:s3:::b", aws_s3_bucket.other.arn] }`),
			[]*rewrite.Live{managed(t, "a", doc(both, "arn:aws:s3:::b"), "s3:GetBucketCORS")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"two values of a condition, where the live policy has one",
			resource("a", `{ Effect = "Allow", Action = [`+acl+`], Resource = "*", Condition = { StringEquals = { "aws:PrincipalTag/team" = ["x", var.more] } } }`),
			[]*rewrite.Live{managed(t, "a", on(both, `"*"`, `, "Condition": {"StringEquals": {"aws:PrincipalTag/team": ["x"]}}`), "s3:GetBucketCORS")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"a denial that makes it the same, deployed or not",
			resource("a", allowed("["+acl+"]")+`, { Effect = "Deny", NotAction = `+acl+`, Resource = "*" }`),
			[]*rewrite.Live{managed(t, "a", denied(`, {"Effect": "Deny", "NotAction": [`+acl+`], "Resource": "*"}`), "s3:GetBucketCORS")},
			[]string{"written aws_iam_policy.a"},
		},
		{
			"used again since",
			resource("a", allowed("["+acl+"]")),
			[]*rewrite.Live{managed(t, "a", doc(both, "*"))},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"what is unused isn't known",
			resource("a", allowed("["+acl+"]")),
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "nobody was asked")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"a denial of more",
			resource("a", allowed("["+acl+"]")+`, { Effect = "Deny", Action = `+acl+`, Resource = "arn:aws:s3:::x" }`),
			[]*rewrite.Live{managed(t, "a", denied(""), "s3:GetBucketCORS")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"a denial less",
			resource("a", allowed("["+acl+"]")),
			[]*rewrite.Live{managed(t, "a", denied(`, {"Effect": "Deny", "Action": [`+acl+`], "Resource": "arn:aws:s3:::x"}`), "s3:GetBucketCORS")},
			[]string{"drifted aws_iam_policy.a"},
		},
		{
			"a variable whose text nothing tells", variable("a"),
			[]*rewrite.Live{managed(t, "a", doc(both, "arn:aws:s3:::x"), "s3:GetBucketCORS")},
			[]string{"written aws_iam_policy.a"},
		},
		{
			"a variable whose text the name tells", variable("of-${var.bucket}"),
			[]*rewrite.Live{managed(t, "of-x", doc(acl, "arn:aws:s3:::x")), managed(t, "of-y", doc(acl, "arn:aws:s3:::x"))},
			[]string{"unchanged aws_iam_policy.a"},
		},
		{
			"a shared list, and one of the two is deployed", local,
			[]*rewrite.Live{managed(t, "a", doc(acl, "*")), managed(t, "b", doc(both, "*"), "s3:GetBucketCORS")},
			[]string{"unchanged aws_iam_policy.a", "written aws_iam_policy.b"},
		},
		{
			"a shared list, and one of the two uses what it hasn't", local,
			[]*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS"), managed(t, "b", doc(both, "*"))},
			[]string{"drifted aws_iam_policy.a", "drifted aws_iam_policy.b"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, fates(planned(t, folderOf(t, map[string]string{"main.tf": tt.file}), tt.live))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// on is a policy of actions on several resources.
func on(actions, resources, more string) string {
	return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [` + actions + `], "Resource": [` + resources + `]` + more + `}]}`
}

// A variable that a name tells has that text and no other, in what is written too.
func TestWrittenTakesTheTextsThatNamesTell(t *testing.T) {
	file := `resource "aws_iam_policy" "a" {
  for_each = toset(["x", "y"])
  name     = "reader-${each.key}"
  policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetBucketAcl", Resource = "arn:aws:s3:::${each.key}" }] })
}
`
	for bucket, want := range map[string]string{"y": "written", "z": "drifted"} {
		live := []*rewrite.Live{
			managed(t, "reader-x", doc(`"s3:GetBucketAcl"`, "arn:aws:s3:::x")),
			managed(t, "reader-y", doc(`"s3:GetBucketAcl", "s3:GetBucketCORS"`, "arn:aws:s3:::"+bucket), "s3:GetBucketCORS"),
		}
		if diff := cmp.Diff([]string{want + " aws_iam_policy.a"}, fates(planned(t, folderOf(t, map[string]string{"main.tf": file}), live))); diff != "" {
			t.Errorf("for bucket %s: -want +got\n%s", bucket, diff)
		}
	}
}

// A list that is shared with a file that wasn't asked for is held against what the policies
// of both need.
func TestWrittenLooksAtWhatWasNotAskedFor(t *testing.T) {
	const acl, both = `"s3:GetBucketAcl"`, `"s3:GetBucketAcl", "s3:GetBucketCORS"`
	files := folderOf(t, map[string]string{"main.tf": "locals {\n  reading = [" + acl + "]\n}\n" + resource("a", allowed("local.reading")) + resource("b", allowed("local.reading"))})
	for unused, want := range map[string]string{"s3:GetBucketCORS": "written", "s3:GetBucketTagging": "drifted"} {
		c := catalog.Embedded()
		live := []*rewrite.Live{managed(t, "a", doc(both, "*"), "s3:GetBucketCORS"), managed(t, "b", doc(both, "*"), unused)}
		p, err := rewrite.Make(t.Context(), rewrite.Work{
			Catalog: c, Tree: files, Matches: rewrite.MatchSources(c, files.Sources, live, rewrite.Known{}),
			Chosen: func(s *iac.Source) bool { return s.Address == "aws_iam_policy.a" },
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{want + " aws_iam_policy.a"}, fates(p)); diff != "" {
			t.Errorf("%s is unused of the other: -want +got\n%s", unused, diff)
		}
	}
}
