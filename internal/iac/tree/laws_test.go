package tree_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
)

// setting is a place for a list in a file of some language.
type setting struct {
	name, path string
	lang       iac.Lang
	key        string
	open       string // what stands before the list; a line is indented by two more blanks in it
	shut       string
	dashes     bool
	comments   []string // that go to the line's end, or nil
	block      bool     // /* */ is a comment
	trailing   bool     // a comma may stand after the last entry
	quotes     []string
	object     string // an object as an entry, with the place of its text
}

var settings = []setting{
	{
		"data source", "main.tf", iac.HCL, "actions",
		"data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    # all\n    actions = [", "] # end\n    resources = [\"*\"]\n  }\n}\n",
		false, []string{"#", "//"}, true, true, []string{`"`}, "{\n        # in it\n        A = %s\n      }",
	}, {
		"jsonencode", "main.tf", iac.HCL, "Action",
		"locals {\n  p = jsonencode({ Statement = [{ Effect = \"Allow\", Action = [", "] }] })\n}\n",
		false, []string{"#", "//"}, true, true, []string{`"`}, "{ A = %s }",
	}, {
		"heredoc", "main.tf", iac.HCL, "Action",
		"resource \"aws_iam_policy\" \"p\" {\n  policy = <<-EOT\n    {\"Statement\": {\"Effect\": \"Allow\", \"Action\": [", "], \"Resource\": \"${var.x}\"}}\n    EOT\n}\n",
		false, nil, false, false, []string{`"`}, "{\n        \"A\": %s\n      }",
	}, {
		"block sequence", "t.yaml", iac.YAML, "Action",
		"Statement:\n  Effect: Allow\n  Action:", "\n  Resource: '*' # end\n",
		true, []string{"#"}, false, false, []string{"", `'`, `"`}, "A: %s\n      # in it\n      B: 1",
	}, {
		"flow sequence", "t.yaml", iac.YAML, "Action",
		"Statement:\n  Effect: Allow\n  Action: [", "]\n  Resource: '*'\n",
		false, []string{"#"}, false, true, []string{"", `'`, `"`}, "{A: %s}",
	}, {
		"JSON", "p.json", iac.JSON, "Action",
		"{\"Statement\": {\n  \"Effect\": \"Allow\", \"Action\": [", "]\n}}\n",
		false, []string{"//"}, true, true, []string{`"`}, `{"A": %s}`,
	},
}

// generated is a file with a list in a layout of chance.
type generated struct {
	setting
	src     string
	entries int
	objects bool // entries are objects, which may go and nothing else
	comment int  // how many there are
}

func generate(t *rapid.T) *generated {
	g := &generated{setting: rapid.SampledFrom(settings).Draw(t, "setting"), entries: rapid.IntRange(1, 7).Draw(t, "entries")}
	g.objects = rapid.IntRange(0, 2).Draw(t, "objects") == 0
	var b strings.Builder
	b.WriteString(g.open)
	for i := range g.entries {
		if g.dashes {
			g.dash(t, &b, i)
		} else {
			g.entry(t, &b, i)
		}
	}
	if !g.dashes {
		if g.trailing && rapid.IntRange(0, 2).Draw(t, "trailing") == 0 {
			b.WriteString(",")
		}
		g.space(t, &b)
	}
	b.WriteString(g.shut)
	g.src = b.String()
	if rapid.IntRange(0, 3).Draw(t, "CRLF") == 0 {
		g.src = strings.ReplaceAll(g.src, "\n", "\r\n")
	}
	if rapid.IntRange(0, 5).Draw(t, "BOM") == 0 {
		g.src = "\uFEFF" + g.src
	}
	return g
}

func (g *generated) quoted(t *rapid.T, i int) string {
	q := rapid.SampledFrom(g.quotes).Draw(t, "quotes")
	text := fmt.Sprintf("%ss3:Get%d%s", q, i, q)
	if g.objects {
		return fmt.Sprintf(g.object, text)
	}
	return text
}

// entry writes an entry of brackets, with its comma before or after the white space.
func (g *generated) entry(t *rapid.T, b *strings.Builder, i int) {
	first := rapid.Bool().Draw(t, "comma first")
	if i > 0 && first {
		g.space(t, b)
		b.WriteString(",")
	}
	if i > 0 && !first {
		if rapid.IntRange(0, 5).Draw(t, "comment before the comma") == 0 && g.block {
			b.WriteString(g.next(" /* %d */"))
		}
		b.WriteString(",")
	}
	g.space(t, b)
	b.WriteString(g.quoted(t, i))
}

// space writes blanks, line breaks and comments.
func (g *generated) space(t *rapid.T, b *strings.Builder) {
	kinds := []string{"", " ", "\n      ", "\n\n      "}
	if g.comments != nil {
		kinds = append(kinds, "line", "own", "free")
	}
	if g.block {
		kinds = append(kinds, "block")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "space"); kind {
	case "line":
		b.WriteString(g.next(" " + g.mark(t) + " %d\n      "))
	case "own":
		b.WriteString(g.next("\n      "+g.mark(t)+" %d\n      ") + g.next(g.mark(t)+" %d\n      "))
	case "free":
		b.WriteString(g.next("\n\n      " + g.mark(t) + " %d\n\n      "))
	case "block":
		b.WriteString(g.next(" /* %d */ "))
	default:
		b.WriteString(kind)
	}
}

func (g *generated) mark(t *rapid.T) string { return rapid.SampledFrom(g.comments).Draw(t, "mark") }

// next is a format with the next comment's number.
func (g *generated) next(format string) string {
	g.comment++
	return fmt.Sprintf(format, 100+g.comment)
}

// dash writes an entry of a block sequence, with what stands above it and behind it.
func (g *generated) dash(t *rapid.T, b *strings.Builder, i int) {
	switch rapid.SampledFrom([]string{"", "", "blank", "own", "free", "deep"}).Draw(t, "above") {
	case "blank":
		b.WriteString("\n")
	case "own":
		b.WriteString(g.next("\n    # %d") + g.next("\n    # %d"))
	case "free":
		b.WriteString(g.next("\n\n    # %d\n"))
	case "deep":
		b.WriteString(g.next("\n      # %d"))
	}
	b.WriteString("\n    - " + g.quoted(t, i))
	if rapid.IntRange(0, 2).Draw(t, "behind") == 0 {
		b.WriteString(g.next(" # %d"))
	}
}

// listOf is the list of the file's tree.
func (g *generated) listOf(t *rapid.T, src string) *iac.Value {
	f := &iac.File{Path: g.path, Lang: g.lang, Src: []byte(src)}
	root, err := tree.Parse(f)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	if v := within(root, g.key); v != nil {
		return v
	}
	t.Fatalf("no list in\n%s", src)
	return nil
}

func within(v *iac.Value, key string) *iac.Value {
	if found := v.Get(key); found != nil {
		return found
	}
	for _, m := range v.Members {
		if found := within(m.Value, key); found != nil {
			return found
		}
	}
	for _, entry := range v.Entries {
		if found := within(entry, key); found != nil {
			return found
		}
	}
	return nil
}

func texts(list *iac.Value) []string {
	var out []string
	for _, entry := range list.Entries {
		if entry.Kind == iac.Object {
			entry = entry.Get("A")
		}
		out = append(out, entry.Text)
	}
	return out
}

// plan is what chance wants of each entry: nil for one that stays.
func (g *generated) plan(t *rapid.T) [][]string {
	out := make([][]string, g.entries+1)
	choice := []string{"stays", "stays", "goes", "one", "two"}
	if g.objects {
		choice = choice[1:3]
	}
	for i := range out {
		switch what := rapid.SampledFrom(choice).Draw(t, "what"); {
		case what == "goes" && i < g.entries:
			out[i] = []string{}
		case what == "one":
			out[i] = []string{fmt.Sprintf("sqs:Send%d", i)}
		case what == "two":
			out[i] = []string{fmt.Sprintf("sqs:Send%d", i), fmt.Sprintf("sqs:Purge%d", i)}
		}
	}
	return out
}

// intended is the list after a plan.
func intended(before []string, plan [][]string) []string {
	var out []string
	for i, in := range plan {
		if in == nil && i < len(before) {
			in = before[i : i+1]
		}
		out = append(out, in...)
	}
	return out
}

func changesOf(list *iac.Value, plan [][]string) []iac.Change {
	var out []iac.Change
	for i, in := range plan {
		if in != nil {
			out = append(out, iac.Change{List: list, Entry: i, In: in})
		}
	}
	return out
}

var comment = regexp.MustCompile(`(#|//|/\*) [0-9]+`)

// law is what holds for every layout and every plan.
func law(t *rapid.T) {
	g := generate(t)
	list := g.listOf(t, g.src)
	f := list.File
	if same, err := iac.Apply(f, nil, tree.Parse); err != nil || string(same) != g.src {
		t.Fatalf("no change changed the file, or %v", err)
	}
	plan := g.plan(t)
	want := intended(texts(list), plan)
	if len(want) == 0 {
		if _, err := iac.Apply(f, changesOf(list, plan), tree.Parse); err == nil {
			t.Fatal("an emptied list has no error")
		}
		return
	}
	out, err := iac.Apply(f, changesOf(list, plan), tree.Parse)
	if err != nil {
		t.Fatalf("%v\n%s", err, g.src)
	}
	if diff := cmp.Diff(want, texts(g.listOf(t, string(out)))); diff != "" {
		t.Fatalf("(-want +got)\n%s\n%s\n%s", diff, g.src, out)
	}
	g.untouched(t, plan, string(out))
}

// untouched says what of a file no plan may change.
func (g *generated) untouched(t *rapid.T, plan [][]string, out string) {
	crlf := strings.Count(g.src, "\r\n") > 0
	if bare := strings.Count(out, "\n") - strings.Count(out, "\r\n"); crlf && bare > 0 {
		t.Fatalf("%d line ends aren't the file's\n%q", bare, out)
	}
	nl := strings.NewReplacer("\r\n", "\n")
	before, after := nl.Replace(strings.TrimPrefix(g.src, "\uFEFF")), nl.Replace(strings.TrimPrefix(out, "\uFEFF"))
	if !strings.HasPrefix(after, g.open) || !strings.HasSuffix(after, g.shut) {
		t.Fatalf("what stands around the list changed\n%s\n%s", before, after)
	}
	had, has := comment.FindAllString(before, -1), comment.FindAllString(after, -1)
	left := slices.DeleteFunc(slices.Clone(had), func(c string) bool { return !slices.Contains(has, c) })
	if diff := cmp.Diff(left, has, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("comments came, or changed places (-want +got)\n%s\n%s\n%s", diff, before, after)
	}
	goes := func(in []string) bool { return in != nil && len(in) == 0 }
	if !slices.ContainsFunc(plan[:g.entries], goes) && len(has) != len(had) {
		t.Fatalf("comments went, and no entry did\n%s\n%s", before, after)
	}
	for line := range strings.Lines(after) {
		if text := strings.TrimRight(line, "\n"); strings.TrimRight(text, " ") != text && !strings.Contains(before, line) {
			t.Fatalf("a line got blanks at its end: %q\n%s\n%s", line, before, after)
		}
	}
}

func TestEveryLayoutAndPlan(t *testing.T) { rapid.Check(t, law) }

func FuzzEveryLayoutAndPlan(f *testing.F) { f.Fuzz(rapid.MakeFuzz(law)) }
