package terraform

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// definition is what can be referred to: "local.read" of a folder, or a file of the tree.
type definition struct {
	dir  string // "" for a file
	name string // "local.x", "var.x", "output.x", "data.aws_iam_policy_document.x", or a path
}

// below says whether it is a file in a folder, or in one below.
func (d definition) below(dir string) bool {
	return d.dir == "" && (dir == "." || strings.HasPrefix(d.name, dir+"/"))
}

// point is a place of a reference.
type point struct {
	file  string // as ranges name it
	start int
}

// stretch is a part of a file.
type stretch struct {
	file *iac.File
	policy.Span
}

// uses keeps account of who uses what. What a definition says may be changed only if every
// reference to it is part of a policy that was found: each of those is asked before.
//
//	read := local.read -> the list      every list is noted under all definitions on its way
//	visited: the references that led there, kept if the policy they are part of is known
type uses struct {
	stack    []definition             // the definitions that lead to what is being evaluated
	reached  map[definition][]stretch // what was read through each
	visited  map[point]bool           // references that are part of a policy
	pending  []point                  // those of the policy that is being read
	unseen   []unseen
	unread   []unread
	computed []use                      // in templates
	indexed  []*hclsyntax.TupleConsExpr // lists of which an entry is used by its index
}

// use is that of a definition, and by what.
type use struct {
	of  definition
	why string
}

// unseen is a module of the tree that is called where we don't follow.
type unseen struct {
	dir, why string
}

func newUses() uses {
	return uses{reached: map[definition][]stretch{}, visited: map[point]bool{}}
}

// begun and done enclose the reading of a policy.
func (u *uses) begun() { u.pending = nil }

func (u *uses) done(known bool) {
	for _, p := range u.pending {
		u.visited[p] = u.visited[p] || known
	}
	u.pending = nil
}

// through notes that what is evaluated until the function returned is called is reached by
// the definitions.
func (u *uses) through(via []definition) func() {
	n := len(u.stack)
	u.stack = append(u.stack, via...)
	return func() { u.stack = u.stack[:n] }
}

// visit notes a reference that is followed.
func (f *finder) visit(e hclsyntax.Expression) {
	f.pending = append(f.pending, pointOf(e.Range()))
}

func pointOf(rng hcl.Range) point { return point{rng.Filename, rng.Start.Byte} }

// reach notes what the definitions on the stack lead to.
func (f *finder) reach(rng hcl.Range) {
	f.reachSpan(f.places[rng.Filename].file, f.span(rng))
}

func (f *finder) reachSpan(file *iac.File, span policy.Span) {
	for _, d := range f.stack {
		f.reached[d] = append(f.reached[d], stretch{file, span})
	}
}

// othersUse marks what is used by more than the policies that were found.
func (f *finder) othersUse() {
	o := &others{finder: f, why: map[definition]string{}, spared: map[*hclsyntax.ScopeTraversalExpr]bool{}, named: map[point]bool{}}
	for _, dir := range f.dirs() {
		o.folder(f.folders[dir])
	}
	for _, u := range f.unseen {
		o.module(u, map[string]bool{})
	}
	for _, u := range o.computed {
		o.note(u.of, u.why)
	}
	marks := map[*iac.File][]mark{}
	o.unreadMarks(marks)
	o.hinted()
	for _, e := range o.indexed {
		file := f.places[e.SrcRange.Filename].file
		marks[file] = append(marks[file], mark{f.span(e.SrcRange), "an entry of it is used by its index", true})
	}
	for d, why := range o.why {
		for _, s := range f.reached[d] {
			marks[s.file] = append(marks[s.file], mark{s.Span, why, false})
		}
	}
	for file, of := range marks {
		slices.SortFunc(of, func(a, b mark) int {
			return cmp.Or(cmp.Compare(a.why, b.why), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
		})
		marks[file] = slices.Compact(of)
	}
	for _, s := range f.sources {
		walk(s.Document, func(v *iac.Value) { setWhy(v, marks) })
	}
}

// mark is a part of a file that isn't ours to change.
type mark struct {
	policy.Span
	why  string
	only bool // not what is in it
}

// setWhy says of a value why it isn't ours to change, if it isn't. Blocks aren't if one of
// them isn't.
func setWhy(v *iac.Value, marks map[*iac.File][]mark) {
	if v.Why != "" || v.Kind == iac.Unknown {
		return
	}
	if v.Kind == iac.List && v.Form == iac.Blocks {
		for _, entry := range v.Entries {
			setWhy(entry, marks)
			if v.Why == "" {
				v.Why = entry.Why
			}
		}
		return
	}
	for _, m := range marks[v.File] {
		if m.Start <= v.Start && v.End <= m.End && (!m.only || m.Span == v.Span) {
			v.Why = m.why
			return
		}
	}
}

// others finds the references that aren't part of a policy that was found.
type others struct {
	*finder
	why     map[definition]string
	outputs map[string]bool                        // names that are read of modules; nil: not known yet
	blind   []string                               // uses of files of whose path nothing is known
	hints   []definition                           // files that a text names which is no argument of a call that was followed
	named   map[point]bool                         // the texts that are
	spared  map[*hclsyntax.ScopeTraversalExpr]bool // to whole resources of which other attributes are read
}

func (o *others) folder(at *folder) {
	if at.broken != "" {
		o.broken(at)
	}
	for _, body := range at.bodies {
		for _, attr := range attributes(body) { // of a file in JSON: blocks that we don't read as such
			o.expression(at, attr.Expr, attr.Name)
		}
		for _, b := range body.Blocks {
			o.block(at, b)
		}
	}
}

// broken marks all that a file may use that can't be read: what is declared by name, and
// the files of its folder.
func (o *others) broken(at *folder) {
	for d := range o.reached {
		named := d.dir == at.dir && !isResource(at, d.name)
		if named || d.below(at.dir) {
			o.note(d, "a file of the module can't be read, and may use it: "+at.broken)
		}
	}
}

// module marks all of a module that somebody calls unseen, and of those that it calls.
func (o *others) module(u unseen, seen map[string]bool) {
	if seen[u.dir] {
		return
	}
	seen[u.dir] = true
	for d := range o.reached {
		if d.dir == u.dir || d.below(u.dir) {
			o.note(d, u.why)
		}
	}
	at := o.folders[u.dir]
	if at == nil {
		return
	}
	for _, call := range at.calls {
		if dir, err := o.source(at, call); err == nil && dir != "" {
			o.module(unseen{dir, u.why}, seen)
		}
	}
}

func isResource(at *folder, name string) bool {
	b := at.blocks[name]
	return b != nil && b.Type == "resource"
}

func (o *others) note(d definition, why string) {
	if old := o.why[d]; old == "" || why < old {
		o.why[d] = why
	}
}

// harmless are, by the type of a block, the blocks and attributes in it that are Terraform's
// own and whose references use nothing of a policy.
var harmless = map[string][]string{
	"resource": {"lifecycle", "depends_on"},
	"data":     {"lifecycle", "depends_on"},
	"module":   {"depends_on"},
	"variable": {"validation"},
	"output":   {"precondition", "depends_on"},
}

func (o *others) block(at *folder, b *hclsyntax.Block) {
	if b.Type == "output" && !o.isRoot(at.dir) && len(b.Labels) == 1 && !o.isRead(b.Labels[0]) {
		return
	}
	name := blockName(b)
	if name == "" {
		name = strings.Join(append([]string{b.Type}, b.Labels...), " ")
	}
	o.spareEach(at, b)
	for _, attr := range attributes(b.Body) {
		if slices.Contains(harmless[b.Type], attr.Name) {
			continue
		}
		o.expression(at, attr.Expr, name)
		if slices.Contains(opened, attr.Name) && (b.Type == "resource" || b.Type == "data") {
			o.file(at, attr.Expr, func() string { return fmt.Sprintf("also used by %s (%s)", name, o.where(attr.Expr.Range())) })
		}
	}
	for _, in := range b.Body.Blocks {
		if !slices.Contains(harmless[b.Type], in.Type) {
			visit(in.Body, o.node(at, name))
		}
	}
}

func (o *others) expression(at *folder, e hclsyntax.Expression, by string) {
	visit(e, o.node(at, by))
}

// node looks at a part of an expression.
func (o *others) node(at *folder, by string) func(hclsyntax.Node) {
	return func(n hclsyntax.Node) {
		e, ok := n.(hclsyntax.Expression)
		if !ok || o.visited[pointOf(e.Range())] {
			if call, is := n.(*hclsyntax.FunctionCallExpr); is && readsFile(call) {
				o.named[pointOf(call.Args[0].Range())] = true
			}
			return
		}
		why := func() string { return fmt.Sprintf("also used by %s (%s)", by, o.where(e.Range())) }
		o.spare(e)
		switch e := e.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			if o.spared[e] {
				return
			}
			for _, d := range o.definitions(at, e.Traversal) {
				if len(o.reached[d]) > 0 {
					o.note(d, why())
				}
			}
		case *hclsyntax.FunctionCallExpr:
			o.call(at, e, why)
		case *hclsyntax.TemplateExpr, *jsonString:
			if !o.named[pointOf(e.Range())] {
				o.hint(at, e)
			}
		}
	}
}

// visit shows an expression and all in it.
func visit(e hclsyntax.Node, show func(hclsyntax.Node)) {
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		show(n)
		return nil
	})
}

// definitions are what a reference names, in a folder or in a module that it calls.
func (o *others) definitions(at *folder, t hcl.Traversal) []definition {
	name, ok := attribute(t, 1)
	if !ok {
		return nil
	}
	switch root := t.RootName(); root {
	case "local", "var":
		return []definition{{at.dir, root + "." + name}}
	case "data":
		of, _ := attribute(t, 2)
		return []definition{{at.dir, "data." + name + "." + of}}
	case "module":
		return o.outputsOf(at, name, afterIndex(t))
	default:
		address := root + "." + name
		rest := afterIndex(t)
		if what, _ := attribute(rest, 0); len(rest) == 0 || what == kinds[root].policy || what == "inline_policy" {
			return []definition{{at.dir, address}}
		}
	}
	return nil
}

// outputsOf are the outputs of a module that a reference names: one, or all of them.
func (o *others) outputsOf(at *folder, call string, rest hcl.Traversal) []definition {
	b := at.blocks["module."+call]
	if b == nil {
		return nil
	}
	dir, err := o.source(at, b)
	if err != nil || dir == "" {
		return nil
	}
	if name, ok := attribute(rest, 0); ok {
		return []definition{{dir, "output." + name}}
	}
	var out []definition
	for d := range o.reached {
		if d.dir == dir && strings.HasPrefix(d.name, "output.") {
			out = append(out, d)
		}
	}
	return out
}

// isRead says whether anybody in the tree reads an output of that name, of whichever
// module.
func (o *others) isRead(name string) bool {
	if o.outputs == nil {
		o.outputs = map[string]bool{}
		for _, dir := range o.dirs() {
			for _, body := range o.folders[dir].bodies {
				visit(body, o.reads)
			}
		}
	}
	return o.outputs[name] || o.outputs["*"]
}

// reads notes the output of a module that a reference reads; "*" is all of them.
func (o *others) reads(n hclsyntax.Node) {
	switch e := n.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		if e.Traversal.RootName() != "module" {
			return
		}
		name, ok := attribute(afterIndex(e.Traversal), 0)
		if !ok {
			name = "*"
		}
		o.outputs[name] = true
	case *hclsyntax.RelativeTraversalExpr:
		if name, ok := attribute(e.Traversal, 0); ok {
			o.outputs[name] = true
		}
	}
}
