package rewrite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// known are actions of the catalog, and strange ones that it doesn't know: of a service
// that it knows, and of one that it doesn't.
var (
	known   = []string{"sqs:SendMessage", "sqs:ListQueues", "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sts:AssumeRole", "sts:GetCallerIdentity", "sts:TagSession"}
	strange = []string{"sqs:Gossip", "gossip:Listen"}
	entries = slices.Concat(known, strange, []string{"sqs:Get*", "sqs:*", "sts:*Session", "gossip:*"})
)

// configuration is a random configuration, and the policies that come of it by their names.
type configuration struct {
	*rapid.T
	files map[string]string
	names []string
}

func (d *configuration) chance(percent int, what string) bool {
	return rapid.IntRange(0, 99).Draw(d.T, what) < percent
}

func (d *configuration) one(what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(d.T, what)
}

// written is a list as it is written.
func (d *configuration) written() string {
	list := rapid.SliceOfNDistinct(rapid.SampledFrom(entries), 1, 4, rapid.ID[string]).Draw(d.T, "list")
	return `["` + strings.Join(list, `", "`) + `"]`
}

// list is a list in a module: written, or that of a name of it, or made of one.
func (d *configuration) list(names ...string) string {
	if len(names) == 0 || d.chance(30, "written") {
		return d.written()
	}
	name := d.one("name", names...)
	switch d.one("use", "plain", "plain", "plain", "distinct", "concat", "entry") {
	case "distinct":
		return "distinct(" + name + ")"
	case "concat":
		return "concat(" + name + ", " + d.written() + ")"
	case "entry":
		return "[" + name + "[0], \"sqs:ListQueues\"]"
	}
	return name
}

// policy is a resource with its policy, in either style.
func (d *configuration) policy(label, name string, lists ...string) string {
	var b strings.Builder
	data := d.chance(40, "data source")
	for range rapid.IntRange(1, 3).Draw(d.T, "statements") {
		effect, element := d.one("effect", "Allow", "Allow", "Allow", "Deny"), d.one("element", "Action", "Action", "Action", "NotAction")
		if data {
			block := map[string]string{"Action": "actions", "NotAction": "not_actions"}[element]
			fmt.Fprintf(&b, "  statement {\n    effect    = %q\n    %s = %s\n    resources = [\"*\"]\n  }\n", effect, block, d.list(lists...))
			continue
		}
		fmt.Fprintf(&b, "    { Effect = %q, %s = %s, Resource = \"*\" },\n", effect, element, d.list(lists...))
	}
	if data {
		return fmt.Sprintf("data \"aws_iam_policy_document\" %q {\n%s}\nresource \"aws_iam_policy\" %q {\n  name = %s\n  policy = data.aws_iam_policy_document.%s.json\n}\n", label, b.String(), label, name, label)
	}
	return fmt.Sprintf("resource \"aws_iam_policy\" %q {\n  name = %s\n  policy = jsonencode({ Version = \"2012-10-17\", Statement = [\n%s  ] })\n}\n", label, name, b.String())
}

func drawConfiguration(t *rapid.T) *configuration {
	d := &configuration{T: t, files: map[string]string{}}
	var root strings.Builder
	root.WriteString("locals {\n  a = " + d.list() + "\n  b = " + d.list("local.a") + "\n  c = { x = " + d.list() + ", y = " + d.list("local.a") + " }\n}\n")
	lists := []string{"local.a", "local.b", "local.c.x", "local.c.y"}
	for i := range rapid.IntRange(1, 3).Draw(t, "policies") {
		name := fmt.Sprintf("p%d", i)
		d.names = append(d.names, name)
		root.WriteString(d.policy(name, `"`+name+`"`, lists...))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "calls") {
		name := fmt.Sprintf("m%d", i)
		d.names = append(d.names, name)
		fmt.Fprintf(&root, "module %q {\n  source  = \"./m\"\n  name    = %q\n  actions = %s\n}\n", name, name, d.list(lists...))
	}
	d.files["main.tf"] = root.String()
	d.files["m/main.tf"] = "variable \"name\" {}\nvariable \"actions\" {}\nlocals {\n  own = " + d.list("var.actions") + "\n}\n" +
		d.policy("p", "var.name", "var.actions", "local.own")
	return d
}

// evaluator is another way to read a configuration: by HCL's own evaluation, which follows
// nothing and knows nothing of who shares what.
type evaluator struct {
	t    testing.TB
	made map[string]*policy.Document
}

var functions = map[string]function.Function{
	"jsonencode": stdlib.JSONEncodeFunc, "concat": stdlib.ConcatFunc, "distinct": stdlib.DistinctFunc,
}

// module evaluates a file with the values of its variables.
func (e *evaluator) module(files map[string]string, name string, variables cty.Value) {
	file, diags := hclsyntax.ParseConfig([]byte(files[name]), name, hcl.InitialPos)
	e.check(diags)
	ctx := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{"var": variables}}
	locals := map[string]cty.Value{}
	documents := map[string]cty.Value{}
	var rest []*hclsyntax.Block
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		switch b.Type {
		case "locals":
			for _, name := range []string{"a", "b", "c", "own"} {
				if attr := b.Body.Attributes[name]; attr != nil {
					locals[name] = e.value(attr.Expr, ctx)
					ctx.Variables["local"] = cty.ObjectVal(locals)
				}
			}
		case "data":
			documents[b.Labels[1]] = cty.ObjectVal(map[string]cty.Value{"json": e.document(b, ctx)})
		default:
			rest = append(rest, b)
		}
	}
	if len(documents) > 0 {
		ctx.Variables["data"] = cty.ObjectVal(map[string]cty.Value{"aws_iam_policy_document": cty.ObjectVal(documents)})
	}
	for _, b := range rest {
		switch attrs := b.Body.Attributes; b.Type {
		case "resource":
			name := e.value(attrs["name"].Expr, ctx).AsString()
			doc, err := policy.Parse(name, []byte(e.value(attrs["policy"].Expr, ctx).AsString()))
			if err != nil {
				e.t.Fatal(err)
			}
			e.made[name] = doc
		case "module":
			e.module(files, "m/main.tf", cty.ObjectVal(map[string]cty.Value{
				"name": e.value(attrs["name"].Expr, ctx), "actions": e.value(attrs["actions"].Expr, ctx),
			}))
		}
	}
}

// document is the JSON of a data source's statement blocks.
func (e *evaluator) document(b *hclsyntax.Block, ctx *hcl.EvalContext) cty.Value {
	names := map[string]string{"effect": "Effect", "actions": "Action", "not_actions": "NotAction", "resources": "Resource"}
	var statements []cty.Value
	for _, in := range b.Body.Blocks {
		st := map[string]cty.Value{}
		for _, attr := range in.Body.Attributes {
			st[names[attr.Name]] = e.value(attr.Expr, ctx)
		}
		statements = append(statements, cty.ObjectVal(st))
	}
	out, err := stdlib.JSONEncode(cty.ObjectVal(map[string]cty.Value{"Version": cty.StringVal("2012-10-17"), "Statement": cty.TupleVal(statements)}))
	if err != nil {
		e.t.Fatal(err)
	}
	return out
}

func (e *evaluator) value(expr hcl.Expression, ctx *hcl.EvalContext) cty.Value {
	v, diags := expr.Value(ctx)
	e.check(diags)
	return v
}

func (e *evaluator) check(diags hcl.Diagnostics) {
	if diags.HasErrors() {
		e.t.Fatal(diags)
	}
}

func policiesOf(t testing.TB, files map[string]string) map[string]*policy.Document {
	e := &evaluator{t, map[string]*policy.Document{}}
	e.module(files, "main.tf", cty.EmptyObjectVal)
	return e.made
}

// drawUnused is what may be unused of a policy: actions and whole services of any kind,
// whether it grants them or not.
func drawUnused(t *rapid.T) usage.Unused {
	var actions []policy.Action
	for _, text := range rapid.SliceOfN(rapid.SampledFrom(slices.Concat(known, strange)), 0, 6).Draw(t, "unused actions") {
		service, name, _ := strings.Cut(strings.ToLower(text), ":")
		actions = append(actions, policy.Action{Service: service, Name: name})
	}
	return usage.Of(actions, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"sqs", "sts", "gossip"}), 0, 1, rapid.ID[string]).Draw(t, "unused services"))
}

// TestNobodyLosesWhatTheyUse plans for random configurations in which lists are shared, and
// evaluates what they say before and after. Of no live policy goes anything that isn't
// unused of that very policy, none gets anything new, and no Deny changes.
func TestNobodyLosesWhatTheyUse(t *testing.T) {
	rewritten, total := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		d := drawConfiguration(rt)
		before := policiesOf(t, d.files)
		var live []*rewrite.Live
		for _, name := range d.names {
			l := liveManaged(t, "111122223333", name, string(before[name].Bytes()))
			l.Unused = drawUnused(rt)
			live = append(live, l)
		}
		files := folderOf(t, d.files)
		p, err := rewrite.Make(t.Context(), rewrite.Work{Catalog: catalog.Embedded(), Tree: files, Matches: rewrite.MatchSources(catalog.Embedded(), files.Sources, live, rewrite.Known{})})
		if err != nil {
			rt.Fatal(err, d.files)
		}
		after := map[string]string{}
		for _, f := range files.Files {
			after[f.Path] = string(f.Src)
			if src, ok := p.Files[f]; ok {
				after[f.Path] = string(src)
				rewritten++
			}
		}
		total++
		made := policiesOf(t, after)
		for _, l := range live {
			if why := worse(l, made[l.Name]); why != "" {
				rt.Fatalf("%s: %s, unused %v %v\n%s\n%s\n%s", l.Name, why, l.Unused.ActionSet(), l.Unused.ServiceSet(), d.files["main.tf"], d.files["m/main.tf"], outcome(p))
			}
		}
	})
	if rewritten < total/10 {
		t.Errorf("%d of %d configurations were rewritten: the test shows little", rewritten, total)
	}
}

// TestWhatIsWrittenMayBeDeployed rewrites random configurations, and plans anew before any
// of them is deployed, by the same evidence or by other: what is written then takes from
// nobody what they use, once it is deployed.
func TestWhatIsWrittenMayBeDeployed(t *testing.T) {
	written, drifted := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		d := drawConfiguration(rt)
		before := policiesOf(t, d.files)
		var live []*rewrite.Live
		for _, name := range d.names {
			l := liveManaged(t, "111122223333", name, string(before[name].Bytes()))
			l.Unused = drawUnused(rt)
			live = append(live, l)
		}
		files := folderOf(t, d.files)
		first := planned(t, files, live)
		next := map[string]string{}
		for _, f := range files.Files {
			next[f.Path] = string(f.Src)
			if src, ok := first.Files[f]; ok {
				next[f.Path] = string(src)
			}
		}
		if d.chance(60, "other evidence") {
			for _, l := range live {
				l.Unused = drawUnused(rt)
			}
		}
		made := policiesOf(t, next)
		again := planned(t, folderOf(t, next), live)
		for _, m := range again.Written {
			written++
			for _, l := range m.Live {
				if why := worse(l, made[l.Name]); why != "" {
					rt.Fatalf("%s is written, and once it is deployed %s %s, unused %v %v\n%s\n%s", m.Source.Title(), l.Name, why, l.Unused.ActionSet(), l.Unused.ServiceSet(), next["main.tf"], next["m/main.tf"])
				}
			}
		}
		for _, l := range again.Left {
			if l.Kind == rewrite.Drifted {
				drifted++
			}
		}
	})
	if written == 0 || drifted == 0 {
		t.Errorf("%d are written and %d drifted: the test shows little", written, drifted)
	}
}

// worse says how a live policy would be worse than it may be, if so.
func worse(l *rewrite.Live, after *policy.Document) string {
	for _, text := range slices.Concat(known, strange, []string{"ec2:DescribeTags", "gossip:Other", "sqs:Other"}) {
		a, err := policy.ParseAction(text)
		if err != nil {
			return err.Error()
		}
		req := access.Request{Action: a, Resource: "arn:aws:sqs:eu-west-1:111122223333:q"}
		had, has := access.Allows(l.Document, req), access.Allows(after, req)
		spare := slices.Contains(l.Unused.ActionSet(), a) || slices.Contains(l.Unused.ServiceSet(), a.Service)
		switch {
		case has && !had:
			return "gets " + text
		case had && !has && !spare && !(slices.Contains(strange, text) || strings.HasSuffix(text, "Other")):
			return "loses " + text
		case had && !has && !spare && spelledOut(l.Document, text):
			return "loses " + text + ", which is named"
		}
	}
	if b, a := denials(l.Document), denials(after); b != a {
		return "denies " + a + " instead of " + b
	}
	return ""
}

// spelledOut says whether an Allow statement names the action, without wildcards. One that the
// catalog doesn't know may go with a pattern that gives way.
func spelledOut(doc *policy.Document, action string) bool {
	return slices.ContainsFunc(doc.Statements, func(st policy.Statement) bool {
		return st.Effect == policy.Allow && !st.Action.Not && slices.ContainsFunc(st.Action.Entries, func(e policy.ActionEntry) bool { return strings.EqualFold(e.Pattern.String(), action) })
	})
}

// denials are the lists of the Deny statements.
func denials(doc *policy.Document) string {
	var b strings.Builder
	for _, st := range doc.Statements {
		if st.Effect == policy.Deny {
			fmt.Fprint(&b, st.Action.Not)
			for _, e := range st.Action.Entries {
				b.WriteString(" " + e.Pattern.String())
			}
			b.WriteString("; ")
		}
	}
	return b.String()
}
