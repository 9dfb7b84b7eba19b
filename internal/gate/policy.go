package gate

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/terraform"
	"github.com/pare-iam/pare/policy"
)

// Place is a place in a file, from 1, columns in characters. The zero value is nowhere; a
// place without a line is the file.
type Place struct {
	Path                             string // below the tree's root, with slashes; or of the plan
	Line, Column, EndLine, EndColumn int
}

// String is path:line:column.
func (p Place) String() string {
	if p.Line == 0 {
		return p.Path
	}
	return strings.Join([]string{p.Path, itoa(p.Line), itoa(p.Column)}, ":")
}

func placeOf(f *iac.File, span policy.Span) Place {
	line, column := policy.Position(f.Src, span.Start)
	endLine, endColumn := policy.Position(f.Src, span.End)
	return Place{f.Path, line, column, endLine, endColumn}
}

// Policy is a policy to check.
type Policy struct {
	// Address and Root say which policy it is, as of an iac.Source. Of a plan, Address has the
	// keys of count and for_each, and Root is empty. A policy file has no address.
	Address, Root string

	At         Place
	Statements []Place // of each statement of Document; empty when they aren't known

	// Document is the policy, with placeholders for what isn't known of it. It is nil if
	// Problem says why it isn't known.
	Document *policy.Document
	Problem  string

	// Unknown says what each placeholder stands for: "${var.bucket}".
	Unknown map[string]string

	Source *iac.Source // nil for a plan's

	// When says by what the policy is there at all, or several times, as a digest: count,
	// for_each, a condition. Absent says that it surely isn't. See Definitions.Settle.
	When   string
	Absent bool

	// Text is a digest of what is written where Document is nil.
	Text string

	holes map[string]hole // by placeholder
}

// hole is an expression, and where it or the text that it is part of stands.
type hole struct {
	expr string
	file *iac.File
	at   int
}

// Title names the policy in messages: its address, or its path.
func (p *Policy) Title() string { return cmp.Or(p.Address, p.At.Path) }

// FromSource is a policy of a tree of files.
func FromSource(s *iac.Source) Policy {
	out := Policy{Address: s.Address, Root: s.Root, Source: s, At: placeOf(s.File, policy.Span{Start: s.At, End: s.At})}
	if s.Document == nil {
		out.Problem = cmp.Or(s.Problem, "its document is computed")
		return out
	}
	p, err := s.Policy()
	if err != nil {
		out.Problem = err.Error()
		return out
	}
	out.Document, out.Unknown, out.holes = p.Doc, map[string]string{}, map[string]hole{}
	out.learn(s.Document)
	out.Statements = statementPlaces(s.Document)
	if len(out.Statements) != len(p.Doc.Statements) {
		out.Statements = nil
	}
	return out
}

// learn remembers what the placeholders of a value stand for.
func (p *Policy) learn(v *iac.Value) {
	written := v.Text // with expressions again, as an action's placeholder is made of it
	for _, h := range slices.Backward(v.Holes) {
		p.is(v.Text[h.Start:h.End], h.Expr, v)
		written = written[:h.Start] + "${" + h.Expr + "}" + written[h.End:]
	}
	if v.Kind == iac.Unknown {
		expr := v.Text
		if expr == "" && v.File != nil {
			expr = string(v.File.Src[v.Start:v.End])
		}
		p.is(iac.Placeholder("", expr), expr, v)
		written = "${" + expr + "}"
	}
	if v.Kind == iac.Unknown || len(v.Holes) > 0 {
		p.is(iac.Placeholder("", written), strings.TrimSuffix(strings.TrimPrefix(written, "${"), "}"), v)
	}
	for _, e := range v.Entries {
		p.learn(e)
	}
	for _, m := range v.Members {
		p.learn(m.Value)
	}
}

// is remembers what a placeholder stands for.
func (p *Policy) is(known, expr string, v *iac.Value) {
	p.Unknown[known] = "${" + expr + "}"
	if v.File != nil {
		p.holes[known] = hole{expr, v.File, v.Start}
	}
}

func statementPlaces(document *iac.Value) []Place {
	list := document.Get("Statement")
	if list == nil {
		return nil
	}
	entries := list.Entries
	if list.Kind == iac.Object {
		entries = []*iac.Value{list}
	}
	var out []Place
	for _, e := range entries {
		if e.File == nil {
			return nil
		}
		out = append(out, placeOf(e.File, e.Span))
	}
	return out
}

// place is where a statement stands; the resource if that isn't known.
func (p *Policy) place(statement int) Place {
	if statement >= 0 && statement < len(p.Statements) {
		return p.Statements[statement]
	}
	return p.At
}

// shown is a text with expressions in the place of their placeholders.
func (p *Policy) shown(text string) string {
	if !strings.Contains(text, placeholder) {
		return text
	}
	var pairs []string
	for known, expr := range p.Unknown {
		pairs = append(pairs, known, expr)
	}
	return anyHole.ReplaceAllLiteralString(strings.NewReplacer(pairs...).Replace(text), "(not known)")
}

// anyHole is a placeholder whose expression isn't known, as of an entry that isn't known
// as a whole.
var anyHole = regexp.MustCompile(placeholder + `[0-9a-f]{16}(:x)?`)

// Pair is a policy as it is to be and as it was.
type Pair struct {
	New *Policy // nil: it goes
	Old *Policy // nil: it comes

	// Alone says that nothing is known of what was: New isn't compared.
	Alone bool
}

// Alone are policies that are compared with nothing.
func Alone(policies []Policy) []Pair {
	var out []Pair
	for i := range policies {
		out = append(out, Pair{New: &policies[i], Alone: true})
	}
	return out
}

type key struct{ root, address string }

func (p *Policy) key() key {
	if p.Address == "" {
		return key{p.At.Path, ""}
	}
	return key{p.Root, p.Address}
}

// Pairs are policies with what they were: those of the same root and address, or policy
// files of the same path. A policy whose address changed is one that goes and one that
// comes.
func Pairs(now, before []Policy) []Pair {
	old := map[key][]*Policy{}
	for i := range before {
		p := &before[i]
		old[p.key()] = append(old[p.key()], p)
	}
	var out []Pair
	for i := range now {
		pair := Pair{New: &now[i]}
		if same := old[now[i].key()]; len(same) > 0 {
			pair.Old, old[now[i].key()] = same[0], same[1:]
		}
		out = append(out, pair)
	}
	for i := range before {
		if slices.Contains(old[before[i].key()], &before[i]) {
			out = append(out, Pair{Old: &before[i]})
		}
	}
	return out
}

// PlanPairs are the policies of a Terraform plan, as they are to be and as they are.
func PlanPairs(path string, plan *terraform.Plan) []Pair {
	var out []Pair
	for _, change := range plan.Policies {
		out = append(out, Pair{
			New: planned(path, change.Address, change.After),
			Old: planned(path, change.Address, change.Before),
		})
	}
	return out
}

func planned(path, address string, side terraform.PlannedPolicy) *Policy {
	out := &Policy{Address: address, At: Place{Path: path}, Problem: side.Unknown}
	switch {
	case side.Unknown != "":
		return out
	case side.Text == "":
		return nil
	}
	doc, err := policy.Parse(address, []byte(side.Text))
	if err == nil {
		err = doc.Check(policy.Identity)
	}
	if err != nil {
		out.Problem = err.Error()
		return out
	}
	out.Document = doc
	return out
}

// Locate gives the policies of a plan the places of their resources in files, where the
// address tells which that is. Places in the plan stay where it doesn't.
func Locate(pairs []Pair, files []Policy) {
	at := map[string][]Place{}
	for i := range files {
		address := resourceOf(files[i].Address)
		if !slices.Contains(at[address], files[i].At) {
			at[address] = append(at[address], files[i].At)
		}
	}
	for _, pair := range pairs {
		for _, p := range []*Policy{pair.New, pair.Old} {
			if p == nil {
				continue
			}
			if places := at[resourceOf(p.Address)]; len(places) == 1 {
				p.At = places[0]
			}
		}
	}
}

// keys are those of count and for_each in an address.
var keys = regexp.MustCompile(`\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]`)

// resourceOf is the address of a resource, without keys and without which of its objects
// and policies is meant.
func resourceOf(address string) string {
	return strings.TrimSuffix(keys.ReplaceAllLiteralString(terraform.Undeposed(address), ""), ".inline_policy")
}
