package rewrite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/terraform"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/policy"
)

// written reads JSON as a tree of a file: "${x}" in a text is a hole, and a text "?x" isn't
// known.
func written(t testing.TB, path, text string) *iac.Value {
	t.Helper()
	f := &iac.File{Path: path, Src: []byte(text)}
	d := jsontext.NewDecoder(strings.NewReader(text))
	out := value(t, d, f)
	out.Span = policy.Span{End: len(text)}
	return out
}

func value(t testing.TB, d *jsontext.Decoder, f *iac.File) *iac.Value {
	t.Helper()
	next := func() jsontext.Token {
		token, err := d.ReadToken()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	v := &iac.Value{File: f, Lang: iac.JSON}
	switch token := next(); token.Kind() {
	case jsontext.KindBeginObject:
		v.Kind = iac.Object
		for d.PeekKind() != jsontext.KindEndObject {
			key := next().String()
			v.Members = append(v.Members, iac.Member{Key: name(key).Text, Value: value(t, d, f)})
		}
		next()
	case jsontext.KindBeginArray:
		v.Kind, v.Form = iac.List, iac.Brackets
		for d.PeekKind() != jsontext.KindEndArray {
			v.Entries = append(v.Entries, value(t, d, f))
		}
		next()
	case jsontext.KindString:
		text := token.String()
		if expr, ok := strings.CutPrefix(text, "?"); ok {
			v.Text = expr
			return v
		}
		n := name(text)
		v.Kind, v.Text, v.Holes = iac.Text, n.Text, n.Holes
	default:
		v.Kind, v.Text = iac.Literal, token.String()
	}
	return v
}

// name is a text with holes for each "${x}".
func name(text string) *iac.Value {
	v := &iac.Value{Kind: iac.Text}
	for {
		before, rest, ok := strings.Cut(text, "${")
		v.Text += before
		if !ok {
			return v
		}
		expr, after, _ := strings.Cut(rest, "}")
		at := len(v.Text)
		v.Text += iac.Placeholder("", expr)
		v.Holes = append(v.Holes, iac.Hole{Span: policy.Span{Start: at, End: len(v.Text)}, Expr: expr})
		text = after
	}
}

func statement(actions, resources string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":[` + resources + `]}]}`
}

const otherID = "444455556666"

// liveManaged is a managed policy of an account.
func liveManaged(t testing.TB, account, name, doc string) *rewrite.Live {
	return &rewrite.Live{
		Account: account, Kind: finding.CustomerPolicy, Name: name, Path: "/", ARN: "arn:aws:iam::" + account + ":policy/" + name, Document: parse(t, doc),
	}
}

// liveInline is a role's inline policy, "ROLE/POLICY".
func liveInline(t testing.TB, account, roleAndName, doc string) *rewrite.Live {
	role, name, _ := strings.Cut(roleAndName, "/")
	return &rewrite.Live{
		Account: account, Kind: finding.InlinePolicy, Name: name, Holder: iac.Role, HolderName: role,
		HolderARN: "arn:aws:iam::" + account + ":role/" + role, Document: parse(t, doc),
	}
}

// source is a resource of Terraform, or of a template if its type says so.
func source(kind, address string, doc *iac.Value) *iac.Source {
	s := &iac.Source{File: &iac.File{Path: "main.tf", Src: []byte("\n")}, Type: kind, Address: address, Root: ".", Document: doc}
	if kind == "aws_iam_role_policy" {
		s.Holder = iac.Role
	}
	return s
}

// shown is a match in a line.
func shown(m rewrite.Match) string {
	out := fmt.Sprintf("%s by %s:%s", m.Source.Title(), m.By, titles(m.Live))
	if len(m.Candidates) > 0 {
		out += " or" + titles(m.Candidates)
	}
	if m.Drift {
		out += fmt.Sprintf(" drift(%t)", m.Request != nil)
	}
	if m.Reason != "" {
		out += ": " + m.Reason
	}
	out = strings.ReplaceAll(out, "arn:aws:iam::"+accountID+":", "")
	return strings.ReplaceAll(out, "arn:aws:iam::"+otherID+":", "other:")
}

func titles(live []*rewrite.Live) string {
	var out strings.Builder
	for _, l := range live {
		out.WriteString(" [" + l.Title() + "]")
	}
	return out.String()
}

const (
	getA  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::a/*"]}]}`
	getB  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::b/*"}]}`
	get   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::${var.bucket}/*"]}]}`
	two   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":["arn:aws:s3:::a/*"]}]}`
	queue = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}`
)

type matching struct {
	name    string
	sources []*iac.Source
	live    []*rewrite.Live
	known   rewrite.Known
	want    []string
}

func run(t *testing.T, tests []matching) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, m := range rewrite.MatchSources(catalog.Embedded(), tt.sources, tt.live, tt.known) {
				got = append(got, shown(m))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// with gives a source what a test sets.
func with(s *iac.Source, set func(*iac.Source)) *iac.Source {
	set(s)
	return s
}

func named(n string) func(*iac.Source) { return func(s *iac.Source) { s.Name = name(n) } }

func heldBy(role, n string) func(*iac.Source) {
	return func(s *iac.Source) { s.Name, s.HolderName = name(n), name(role) }
}

func repeated(n string) func(*iac.Source) {
	return func(s *iac.Source) { s.Name, s.Repeated = name(n), true }
}

func TestMatchByName(t *testing.T) {
	doc := func(text string) *iac.Value { return written(t, "main.tf", text) }
	run(t, []matching{
		{"a managed policy of the name, in each account", []*iac.Source{with(source("aws_iam_policy", "aws_iam_policy.p", doc(getA)), named("p"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", getA), liveManaged(t, accountID, "q", getA), liveManaged(t, otherID, "p", getA), liveInline(t, accountID, "r/p", getA)}, rewrite.Known{},
			[]string{"aws_iam_policy.p by name: [policy/p] [other:policy/p]"}},
		{"an inline policy with its holder", []*iac.Source{with(source("aws_iam_role_policy", "x", doc(getA)), heldBy("r", "p"))},
			[]*rewrite.Live{liveInline(t, accountID, "q/p", getA), liveInline(t, accountID, "r/p", getA), liveInline(t, accountID, "r/q", getA)}, rewrite.Known{},
			[]string{"x by name: [role/r policy p]"}},
		{"nobody", []*iac.Source{with(source("aws_iam_policy", "x", doc(getA)), named("p"))}, []*rewrite.Live{liveManaged(t, accountID, "q", getA)}, rewrite.Known{}, []string{"x by nothing:"}},
		{"one that was changed by hand is drift, with a request", []*iac.Source{with(source("aws_iam_policy", "x", doc(getA)), named("p"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", queue)}, rewrite.Known{},
			[]string{"x by name: [policy/p] drift(true): policy/p isn't what the file says: the file allows s3:GetObject on arn:aws:s3:::a/, and the live policy doesn't"}},
		{"a variable may be anything, so that the content is the same", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), named("p"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", getB)}, rewrite.Known{}, []string{"x by name: [policy/p]"}},
		{"but one action more is drift whatever it is", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), named("p"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", statement(`"s3:GetObject","s3:PutObject","s3:ListBucket"`, `"arn:aws:s3:::a/*"`))}, rewrite.Known{},
			[]string{"x by name: [policy/p] drift(true): policy/p isn't what the file says: the live policy allows s3:ListBucket on arn:aws:s3:::a/, and the file doesn't"}},
		{"a source whose document isn't known is matched all the same", []*iac.Source{with(source("aws_iam_policy", "x", nil), func(s *iac.Source) { s.Name, s.Problem = name("p"), "computed" })},
			[]*rewrite.Live{liveManaged(t, accountID, "p", getA)}, rewrite.Known{}, []string{"x by name: [policy/p]"}},
		{"two sources of one name: the one with the content", []*iac.Source{with(source("aws_iam_policy", "x", doc(queue)), named("p")), with(source("aws_iam_policy", "y", doc(getA)), named("p"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", getA)}, rewrite.Known{},
			[]string{"x by nothing:: policy/p is what y says", "y by name: [policy/p]"}},
		{"two sources of one name and one content: neither", []*iac.Source{
			with(source("aws_iam_policy", "x", doc(getA)), named("p")), with(source("aws_iam_policy", "y", written(t, "other.tf", getA)), named("p")),
		}, []*rewrite.Live{liveManaged(t, accountID, "p", getA)}, rewrite.Known{},
			[]string{"x by nothing: or [policy/p]: policy/p could come of y (main.tf:1:1) too", "y by nothing: or [policy/p]: policy/p could come of x (main.tf:1:1) too"}},
		{"one text that two call is of both", []*iac.Source{with(source("aws_iam_policy", "x", doc(getA)), named("p")), with(source("aws_iam_policy", "y", doc(getA)), named("p"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", getA)}, rewrite.Known{}, []string{"x by name: [policy/p]", "y by name: [policy/p]"}},
		{"a policy file that a resource reads is of what the resource is", []*iac.Source{with(source("", "", doc(getA)), func(s *iac.Source) { s.Style = iac.PolicyFile }), with(source("aws_iam_policy", "y", doc(getA)), named("p"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", getA), liveManaged(t, accountID, "q", getA)}, rewrite.Known{}, []string{"main.tf by name: [policy/p]", "y by name: [policy/p]"}},
		{"a permission set's policy in all of its roles", []*iac.Source{with(source("aws_ssoadmin_permission_set_inline_policy", "x", doc(getA)), func(s *iac.Source) { s.Holder, s.HolderName = iac.PermissionSet, name("Dev") })},
			[]*rewrite.Live{
				reserved(liveInline(t, accountID, "AWSReservedSSO_Dev_0123456789abcdef/AwsSSOInlinePolicy", getA)), reserved(liveInline(t, otherID, "AWSReservedSSO_Dev_fedcba9876543210/AwsSSOInlinePolicy", getA)),
			}, rewrite.Known{},
			[]string{"x by name: [role/AWSReservedSSO_Dev_0123456789abcdef policy AwsSSOInlinePolicy] [other:role/AWSReservedSSO_Dev_fedcba9876543210 policy AwsSSOInlinePolicy]"}},
		{"a role of a permission set is never a role's own", []*iac.Source{with(source("aws_iam_role_policy", "x", doc(getA)), heldBy("${var.r}", "AwsSSOInlinePolicy"))},
			[]*rewrite.Live{reserved(liveInline(t, accountID, "AWSReservedSSO_Dev_0123456789abcdef/AwsSSOInlinePolicy", getA))}, rewrite.Known{}, []string{"x by nothing:"}},
	})
}

func reserved(l *rewrite.Live) *rewrite.Live {
	l.PermissionSet = "Dev"
	return l
}

func TestMatchByPattern(t *testing.T) {
	doc := func(text string) *iac.Value { return written(t, "main.tf", text) }
	run(t, []matching{
		{"a name with a variable fits the one with the content", []*iac.Source{with(source("aws_iam_policy", "x", doc(getA)), named("${var.env}-app"))},
			[]*rewrite.Live{liveManaged(t, accountID, "dev-app", getA), liveManaged(t, accountID, "dev-apps", getA), liveManaged(t, accountID, "old-app", queue)}, rewrite.Known{},
			[]string{"x by name: [policy/dev-app]"}},
		{"a prefix", []*iac.Source{with(source("aws_iam_policy", "x", doc(getA)), named("app-${prefix}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-2026", getA)}, rewrite.Known{}, []string{"x by name: [policy/app-2026]"}},
		{"two with the content for one source are ambiguous", []*iac.Source{with(source("aws_iam_policy", "x", doc(getA)), named("${var.env}-app"))},
			[]*rewrite.Live{liveManaged(t, accountID, "dev-app", getA), liveManaged(t, accountID, "old-app", getA)}, rewrite.Known{},
			[]string{"x by nothing: or [policy/dev-app] [policy/old-app]: it makes one policy, and 2 of account 111122223333 could be it"}},
		{"what a name tells of a variable holds for the content", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), named("app-${var.bucket}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-b", getA), liveManaged(t, accountID, "app-a", getA)}, rewrite.Known{},
			[]string{"x by nothing: or [policy/app-b] [policy/app-a]: policy/app-b has a name that fits, and actions of the file's, and isn't what the file says: it may come of the file as it was before"}},
		{"an account to which the file isn't deployed yet leaves it uncertain", []*iac.Source{with(source("aws_iam_policy", "x", doc(two)), named("app-${var.env}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-dev", two), liveManaged(t, otherID, "app-prod", getA), liveManaged(t, otherID, "app-none", queue)}, rewrite.Known{},
			[]string{"x by nothing: or [policy/app-dev] [other:policy/app-prod]: other:policy/app-prod has a name that fits, and actions of the file's, and isn't what the file says: it may come of the file as it was before"}},
		{"unless a state tells what came of it there", []*iac.Source{with(source("aws_iam_policy", "x", doc(two)), named("app-${var.env}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-dev", two), liveManaged(t, accountID, "app-prod", getA)}, state(stateManaged("x", "x", accountID, "app-dev")),
			[]string{"x by state: [policy/app-dev]"}},
		{"unless it is in the same role, of which it makes one", []*iac.Source{with(source("aws_iam_role_policy", "x", doc(two)), func(s *iac.Source) { s.HolderName = name("r") })},
			[]*rewrite.Live{liveInline(t, accountID, "r/tf-1", two), liveInline(t, accountID, "r/by-hand", getA)}, rewrite.Known{},
			[]string{"x by name: [role/r policy tf-1]"}},
		{"one that can't be read may be it as well", []*iac.Source{with(source("aws_iam_policy", "x", doc(two)), named("app-${var.env}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-dev", two), {Account: otherID, Name: "app-prod", Path: "/", ARN: "arn:aws:iam::" + otherID + ":policy/app-prod"}}, rewrite.Known{},
			[]string{"x by nothing: or [policy/app-dev] [other:policy/app-prod]: other:policy/app-prod has a name that fits, and couldn't be read: it may come of the file too"}},
		{"unless another source has it", []*iac.Source{with(source("aws_iam_policy", "x", doc(two)), named("app-${var.env}")), with(source("aws_iam_policy", "y", written(t, "y.tf", getA)), named("app-${var.one}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-dev", two), liveManaged(t, accountID, "app-prod", getA)}, rewrite.Known{},
			[]string{"x by name: [policy/app-dev]", "y by name: [policy/app-prod]"}},
		{"for a source with several all are instances", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), repeated("app-${each.key}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-1", getA), liveManaged(t, accountID, "app-2", getB)}, rewrite.Known{},
			[]string{"x by name: [policy/app-1] [policy/app-2]"}},
		{"and one of them that was changed is drift", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), repeated("app-${each.key}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-1", getA), liveManaged(t, accountID, "app-2", queue)}, rewrite.Known{},
			[]string{"x by name: [policy/app-1] [policy/app-2] drift(true): policy/app-2 isn't what the file says: the live policy allows sqs:SendMessage on *, and the file doesn't"}},
		{"unless it is another source's", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), repeated("app-${each.key}")), with(source("aws_iam_policy", "y", written(t, "y.tf", queue)), named("app-2"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-1", getA), liveManaged(t, accountID, "app-2", queue)}, rewrite.Known{},
			[]string{"x by name: [policy/app-1]", "y by name: [policy/app-2]"}},
		{"a name that fits and another content is said", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), named("app-${var.env}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "app-1", queue)}, rewrite.Known{},
			[]string{"x by nothing:: policy/app-1 has a name that fits, and isn't what the file says: the live policy allows sqs:SendMessage on *, and the file doesn't"}},
	})
}

func TestMatchByContent(t *testing.T) {
	doc := func(text string) *iac.Value { return written(t, "main.tf", text) }
	file := func() *iac.Source { return source("", "", doc(getA)) }
	run(t, []matching{
		{"the only one", []*iac.Source{file()}, []*rewrite.Live{liveManaged(t, accountID, "p", getA), liveManaged(t, accountID, "q", getB)}, rewrite.Known{}, []string{"main.tf by content: [policy/p]"}},
		{"one in each account", []*iac.Source{file()}, []*rewrite.Live{liveManaged(t, accountID, "p", getA), liveManaged(t, otherID, "q", getA)}, rewrite.Known{}, []string{"main.tf by content: [policy/p] [other:policy/q]"}},
		{"two in an account", []*iac.Source{file()}, []*rewrite.Live{liveManaged(t, accountID, "p", getA), liveManaged(t, accountID, "q", getA)}, rewrite.Known{},
			[]string{"main.tf by nothing: or [policy/p] [policy/q]: it makes one policy, and 2 of account 111122223333 could be it"}},
		{"of two kinds", []*iac.Source{file()}, []*rewrite.Live{liveManaged(t, accountID, "p", getA), liveInline(t, otherID, "r/q", getA)}, rewrite.Known{},
			[]string{"main.tf by nothing: or [policy/p] [other:role/r policy q]: policies of several kinds are what the file says"}},
		{"two files", []*iac.Source{file(), source("", "", written(t, "b.json", getA))}, []*rewrite.Live{liveManaged(t, accountID, "p", getA)}, rewrite.Known{},
			[]string{"main.tf by nothing: or [policy/p]: policy/p could come of main.tf (main.tf:1:1) too", "main.tf by nothing: or [policy/p]: policy/p could come of main.tf (main.tf:1:1) too"}},
		{"not if a name says otherwise", []*iac.Source{with(source("aws_iam_policy", "x", doc(getA)), named("q"))}, []*rewrite.Live{liveManaged(t, accountID, "p", getA)}, rewrite.Known{}, []string{"x by nothing:"}},
		{"with a name that isn't known, and a variable", []*iac.Source{source("aws_iam_policy", "x", doc(get))}, []*rewrite.Live{liveManaged(t, accountID, "p", getB), liveInline(t, accountID, "r/q", getB)}, rewrite.Known{}, []string{"x by content: [policy/p]"}},
		{"not if a variable would be a wildcard", []*iac.Source{source("aws_iam_policy", "x", doc(get))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", statement(`"s3:GetObject","s3:PutObject"`, `"arn:aws:s3:::*/*"`))}, rewrite.Known{},
			[]string{"x by nothing:: policy/p would be what the file says, if one of its variables were a text with wildcards"}},
		{"not if there may be more of them", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), repeated("${each.key}"))}, []*rewrite.Live{liveManaged(t, accountID, "p", getA), liveManaged(t, accountID, "q", getB)}, rewrite.Known{},
			[]string{"x by nothing: or [policy/p] [policy/q]: it may make several policies, and neither a state nor their names say which"}},
		{"not what another source is matched with by name", []*iac.Source{file(), with(source("aws_iam_policy", "x", written(t, "x.tf", getA)), named("p"))}, []*rewrite.Live{liveManaged(t, accountID, "p", getA)}, rewrite.Known{},
			[]string{"main.tf by nothing:", "x by name: [policy/p]"}},
	})
}

// state is one with resources of type aws_iam_policy unless they say otherwise.
func state(resources ...terraform.StateResource) rewrite.Known {
	return rewrite.Known{States: []*terraform.State{{Name: "s.tfstate", Resources: resources}}}
}

func stateManaged(address, instance, account, name string) terraform.StateResource {
	return terraform.StateResource{Type: "aws_iam_policy", Address: address, Instance: instance, Account: account, ARN: "arn:aws:iam::" + account + ":policy/" + name, Name: name}
}

func TestMatchByState(t *testing.T) {
	doc := func(text string) *iac.Value { return written(t, "main.tf", text) }
	run(t, []matching{
		{"whatever its name and content", []*iac.Source{with(source("aws_iam_policy", "aws_iam_policy.x", doc(getA)), named("${random_pet.p}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "fox", getA), liveManaged(t, accountID, "dog", getA)}, state(stateManaged("aws_iam_policy.x", "aws_iam_policy.x", accountID, "dog")),
			[]string{"aws_iam_policy.x by state: [policy/dog]"}},
		{"each of several", []*iac.Source{with(source("aws_iam_policy", "module.a.aws_iam_policy.x", doc(get)), repeated("${each.key}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", getA), liveManaged(t, accountID, "q", getB)},
			state(stateManaged("module.a.aws_iam_policy.x", `module.a.aws_iam_policy.x["q"]`, accountID, "q"), stateManaged("module.a.aws_iam_policy.x", `module.a.aws_iam_policy.x["p"]`, accountID, "p")),
			[]string{"module.a.aws_iam_policy.x by state: [policy/p] [policy/q]"}},
		{"the other workspace's policy too, by its name and content", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), named("${terraform.workspace}-app"))},
			[]*rewrite.Live{liveManaged(t, accountID, "dev-app", getA), liveManaged(t, accountID, "stage-app", getB), liveManaged(t, accountID, "their-app", queue)}, state(stateManaged("x", "x", accountID, "dev-app")),
			[]string{"x by state: [policy/dev-app] [policy/stage-app]"}},
		{"an instance that isn't in the data leaves the rest uncertain", []*iac.Source{with(source("aws_iam_policy", "x", doc(get)), repeated("${each.key}"))},
			[]*rewrite.Live{liveManaged(t, accountID, "p", getA)}, state(stateManaged("x", "x[0]", accountID, "p"), stateManaged("x", "x[1]", otherID, "q")),
			[]string{"x by nothing: or [policy/p]: s.tfstate has x[1] (other:policy/q), which isn't in the data of any account given"}},
		{"what was changed by hand is drift", []*iac.Source{source("aws_iam_policy", "x", doc(getA))}, []*rewrite.Live{liveManaged(t, accountID, "p", getB)}, state(stateManaged("x", "x", accountID, "p")),
			[]string{"x by state: [policy/p] drift(true): policy/p isn't what the file says: the file allows s3:GetObject on arn:aws:s3:::a/, and the live policy doesn't"}},
		{"an inline policy by its role, in its account", []*iac.Source{source("aws_iam_role_policy", "x", doc(getA))},
			[]*rewrite.Live{liveInline(t, otherID, "r/p", getB), liveInline(t, accountID, "r/p", getA), liveInline(t, accountID, "r/q", getA)},
			state(terraform.StateResource{Type: "aws_iam_role_policy", Address: "x", Instance: "x", Account: accountID, ID: "r:p", Name: "p", Holder: "r"}),
			[]string{"x by state: [role/r policy p]"}},
		{"a block of a role by its name", []*iac.Source{with(source("aws_iam_role", "aws_iam_role.r.inline_policy[1]", doc(getB)), func(s *iac.Source) { s.Holder, s.Name = iac.Role, name("q") })},
			[]*rewrite.Live{liveInline(t, accountID, "r/p", getA), liveInline(t, accountID, "r/q", getB)},
			state(terraform.StateResource{Type: "aws_iam_role", Address: "aws_iam_role.r", Instance: "aws_iam_role.r", Account: accountID, Name: "r", Inline: []string{"p", "q"}}),
			[]string{"aws_iam_role.r.inline_policy[1] by state: [role/r policy q]"}},
		{"or else by its content", []*iac.Source{with(source("aws_iam_role", "aws_iam_role.r.inline_policy[0]", doc(getB)), func(s *iac.Source) { s.Holder, s.Name = iac.Role, name("${var.n}") })},
			[]*rewrite.Live{liveInline(t, accountID, "r/p", getA), liveInline(t, accountID, "r/q", getB)},
			state(terraform.StateResource{Type: "aws_iam_role", Address: "aws_iam_role.r", Instance: "aws_iam_role.r", Account: accountID, Name: "r", Inline: []string{"p", "q"}}),
			[]string{"aws_iam_role.r.inline_policy[0] by state: [role/r policy q]"}},
		{"a permission set's policy by the set", []*iac.Source{with(source("aws_ssoadmin_permission_set_inline_policy", "x", doc(getA)), func(s *iac.Source) { s.Holder = iac.PermissionSet })},
			[]*rewrite.Live{reserved(liveInline(t, accountID, "AWSReservedSSO_Dev_0123456789abcdef/AwsSSOInlinePolicy", getA))},
			state(terraform.StateResource{Type: "aws_ssoadmin_permission_set_inline_policy", Address: "x", Instance: "x", PermissionSet: "Dev"}),
			[]string{"x by state: [role/AWSReservedSSO_Dev_0123456789abcdef policy AwsSSOInlinePolicy]"}},
		{"a state of another root is of other sources", []*iac.Source{source("aws_iam_policy", "x", doc(getA)), with(source("aws_iam_policy", "x", written(t, "prod/main.tf", getB)), func(s *iac.Source) { s.Root = "prod" })},
			[]*rewrite.Live{liveManaged(t, accountID, "p", queue)},
			rewrite.Known{States: []*terraform.State{{Name: "s", Root: "prod", Resources: []terraform.StateResource{stateManaged("x", "x", accountID, "p")}}}},
			[]string{"x by nothing:", "x by state: [policy/p] drift(true): policy/p isn't what the file says: the file allows s3:GetObject on arn:aws:s3:::b/, and the live policy doesn't"}},
	})
}
