package terraform

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// Config is a tree of Terraform's files.
type Config struct {
	Files []*iac.File // all .tf, .tf.json, .tfvars and .tfvars.json files

	// Open gives another file by its path below the tree's root, for file and templatefile.
	// Nil: there are none.
	Open func(path string) (*iac.File, error)

	// Unseen says of folders why more may use what is in them than Files tell: "also read
	// through the symlink prod/main.tf". All of such a folder, and of the modules that it
	// calls, is known but stays as it is.
	Unseen map[string]string

	// Calls is told of each folder of the tree that a module call in another names, once for
	// each call. Nil: nobody is.
	Calls func(from, to string)
}

// maxInstances is how many modules the calls of a tree may make.
const maxInstances = 10_000

// finder is one run of Find.
type finder struct {
	reader
	config   Config
	folders  map[string]*folder
	bodyOf   map[string]*hclsyntax.Body // by path
	files    map[string]*iac.File       // by path, of what was opened
	set      map[string][]setting       // of variables, by name
	called   map[string]bool            // folders that a module call names
	sources  []*iac.Source
	problems []iac.Problem

	brokenFiles    []*iac.File
	brokenSettings string // the first file of variables that can't be read

	instances   int
	depth, work int // of what is being evaluated
	active      map[frame]bool
	uses
}

// Find finds the policies of a tree's Terraform files: of every root module and of the
// modules of the tree that it calls. A module's policies are found once for each chain of
// calls. The Sources are sorted by root and address, the problems by where they are.
//
// A variable of a root module counts as its default, or as what the one file sets that
// Terraform reads unasked. What else is used elsewhere than in the policies found, such as
// a list that a bucket's policy has too, is known but has a Why: it isn't ours to change.
func Find(c Config) ([]*iac.Source, []iac.Problem) {
	f := &finder{
		reader: newReader(), config: c, active: map[frame]bool{},
		folders: map[string]*folder{}, bodyOf: map[string]*hclsyntax.Body{}, files: map[string]*iac.File{},
		set: map[string][]setting{}, called: map[string]bool{}, uses: newUses(),
	}
	files := slices.SortedFunc(slices.Values(c.Files), func(a, b *iac.File) int { return cmp.Compare(a.Path, b.Path) })
	for _, file := range files {
		f.files[file.Path] = file
	}
	f.load(files)
	f.calls()
	f.brokenCalls()
	for _, dir := range slices.Sorted(maps.Keys(c.Unseen)) {
		f.unseen = append(f.unseen, unseen{path.Clean(dir), c.Unseen[dir]})
	}
	walked := map[string]bool{}
	for _, dir := range f.dirs() {
		if f.isRoot(dir) {
			f.root(dir, walked)
		}
	}
	for _, dir := range f.dirs() { // modules that call each other and that nobody else calls
		if !walked[dir] {
			f.root(dir, walked)
		}
	}
	f.othersUse()
	for _, s := range f.sources {
		if s.Document != nil && s.Document.Why != "" && s.Problem == "" {
			s.Problem, s.ProblemAt = s.Document.Why, s.Document.Where()
		}
	}
	f.sort()
	return f.sources, f.problems
}

func (f *finder) sort() {
	slices.SortStableFunc(f.sources, func(a, b *iac.Source) int {
		return cmp.Or(cmp.Compare(a.Root, b.Root), cmp.Compare(a.Address, b.Address), cmp.Compare(a.At, b.At))
	})
	slices.SortFunc(f.problems, func(a, b iac.Problem) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What)) })
	f.problems = slices.Compact(f.problems)
}

// dirs are the folders with configuration, sorted.
func (f *finder) dirs() []string {
	var out []string
	for dir := range f.folders {
		out = append(out, dir)
	}
	slices.Sort(out)
	return out
}

// calls notes which folders are called, and calls of folders that aren't there.
func (f *finder) calls() {
	for _, dir := range f.dirs() {
		for _, call := range f.folders[dir].calls {
			to, err := f.source(f.folders[dir], call)
			if err != nil {
				f.problems = append(f.problems, problem(nil, err))
			}
			if to == "" {
				continue
			}
			f.called[to] = true
			if f.config.Calls != nil {
				f.config.Calls(dir, to)
			}
		}
	}
}

// root finds the policies of a root module.
func (f *finder) root(dir string, walked map[string]bool) {
	top := &instance{folder: f.folders[dir], root: dir}
	f.expand(top, walked)
	f.policies(top)
}

// expand makes the modules that one calls, and so on.
func (f *finder) expand(i *instance, walked map[string]bool) {
	walked[i.dir] = true
	i.children = map[string]*instance{}
	for _, call := range i.calls {
		dir, err := f.source(i.folder, call)
		if err != nil || dir == "" {
			continue
		}
		if i.isIn(dir) {
			f.problems = append(f.problems, iac.Problem{Where: f.where(call.Range()), What: "module." + call.Labels[0] + " calls a module that it is in: not followed"})
			continue
		}
		if why := f.refused(i, call); why != "" {
			f.problems = append(f.problems, iac.Problem{Where: f.where(call.Range()), What: why})
			f.unseen = append(f.unseen, unseen{dir, "also called at " + f.where(call.Range()) + ", which isn't followed"})
			continue
		}
		f.instances++
		child := &instance{
			folder: f.folders[dir], root: i.root, call: call, parent: i,
			address:  i.address + "module." + call.Labels[0] + ".",
			repeated: i.repeated || repeats(call),
		}
		i.children[call.Labels[0]] = child
		f.expand(child, walked)
	}
}

// isIn says whether a module is in a folder, or in one that is: no Terraform takes that.
func (i *instance) isIn(dir string) bool {
	for up := i; up != nil; up = up.parent {
		if up.dir == dir {
			return true
		}
	}
	return false
}

// refused says why a module call isn't followed, though its folder is there.
func (f *finder) refused(i *instance, call *hclsyntax.Block) string {
	name := "module." + call.Labels[0]
	switch {
	case i.overridden[name] != "":
		return name + " is declared again at " + i.overridden[name] + ": not followed"
	case f.instances >= maxInstances:
		return fmt.Sprintf("%s: more than %d module calls in the tree: not followed", name, maxInstances)
	}
	return ""
}

// policies finds the policies of a module and of those it calls.
func (f *finder) policies(i *instance) {
	for _, b := range i.resources {
		f.resource(i, b)
	}
	for _, call := range i.calls {
		if child := i.children[call.Labels[0]]; child != nil {
			f.policies(child)
		}
	}
}

// kind is where a type of resource has its policy and its holder.
type kind struct {
	policy   string // the attribute with the policy
	holder   iac.HolderKind
	heldBy   string // the attribute that says the holder
	nameless bool   // the policy has no name of its own
}

var kinds = map[string]kind{
	"aws_iam_policy":                            {policy: "policy"},
	"aws_iam_role_policy":                       {policy: "policy", holder: iac.Role, heldBy: "role"},
	"aws_iam_user_policy":                       {policy: "policy", holder: iac.User, heldBy: "user"},
	"aws_iam_group_policy":                      {policy: "policy", holder: iac.Group, heldBy: "group"},
	"aws_ssoadmin_permission_set_inline_policy": {policy: "inline_policy", holder: iac.PermissionSet, heldBy: "permission_set_arn", nameless: true},
}

// resource adds the policies of a resource.
func (f *finder) resource(i *instance, b *hclsyntax.Block) {
	if b.Labels[0] == "aws_iam_role" {
		f.role(i, b)
		return
	}
	k, ok := kinds[b.Labels[0]]
	if !ok {
		return
	}
	s := f.begin(i, b)
	in := i.of(b, "")
	s.Holder = k.holder
	if k.holder != 0 {
		s.HolderName = f.holder(b.Body, k, in)
	}
	if !k.nameless {
		s.Name = f.name(b.Body, in)
	}
	f.finish(s, i, b.Body, ref{expression(b.Body, k.policy), in})
}

// begin is a source of a resource, without its policy.
func (f *finder) begin(i *instance, b *hclsyntax.Block) *iac.Source {
	f.work = 0
	return &iac.Source{
		File: f.places[b.TypeRange.Filename].file, At: f.span(b.Range()).Start,
		Type: b.Labels[0], Address: i.address + blockName(b), Root: path.Clean(i.root),
		Repeated: i.repeated || repeats(b),
	}
}

// expression is an attribute's, and nil if there is none.
func expression(b *hclsyntax.Body, name string) hclsyntax.Expression {
	if attr := b.Attributes[name]; attr != nil {
		return attr.Expr
	}
	return nil
}

// finish adds a source with the policy that an expression says.
func (f *finder) finish(s *iac.Source, i *instance, b *hclsyntax.Body, r ref) {
	f.sources = append(f.sources, s)
	own := strings.TrimPrefix(s.Address, i.address)
	at := i.overridden[own]
	switch {
	case at != "":
		s.Problem, s.ProblemAt = own+" is declared again at "+at, at
		return
	case r.expr == nil:
		s.Problem, s.ProblemAt = "no policy is given", f.where(b.SrcRange)
		return
	}
	f.begun()
	defer f.through([]definition{{i.dir, own}})()
	g := f.policyOf(r)
	s.Document, s.Style, s.Problem, s.ProblemAt = g.document, g.style, g.problem, g.at
	known := s.Document != nil && s.Problem == ""
	f.done(known)
	if !known {
		f.unread = append(f.unread, unread{s, ref{r.expr, r.scope}})
	}
}

// name is a policy's or a role's name.
func (f *finder) name(b *hclsyntax.Body, in scope) *iac.Value {
	if e := expression(b, "name"); e != nil {
		return named(f.eval(ref{e, in}))
	}
	e := expression(b, "name_prefix")
	if e == nil {
		return nil
	}
	v := named(f.eval(ref{e, in}))
	if v == nil {
		return nil
	}
	prefix := *v
	end := iac.Placeholder(in.key(), "name_prefix")
	prefix.Holes = append(slices.Clone(v.Holes), iac.Hole{Span: policy.Span{Start: len(v.Text), End: len(v.Text) + len(end)}, Expr: "name_prefix"})
	prefix.Text += end
	return &prefix
}

// named is a name, and nil if nothing is known of it.
func named(v *iac.Value) *iac.Value {
	if v.Kind != iac.Text {
		return nil
	}
	return v
}

// holder is the name of what an inline policy is embedded in.
func (f *finder) holder(b *hclsyntax.Body, k kind, in scope) *iac.Value {
	e := expression(b, k.heldBy)
	if e == nil {
		return nil
	}
	r := ref{e, in}
	if v := named(f.eval(r)); v != nil {
		return v
	}
	end := f.follow(r)
	address, ok := holderOf(end.expr)
	resource := end.blocks[address]
	if !ok || resource == nil || end.vars != nil || end.overridden[address] != "" {
		return nil
	}
	return f.name(resource.Body, end.of(resource, ""))
}

// holderOf is the resource whose name, ID or ARN an expression asks for.
func holderOf(e hclsyntax.Expression) (address string, ok bool) {
	var t hcl.Traversal
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		t = append(slices.Clone(e.Traversal[:min(2, len(e.Traversal))]), afterIndex(e.Traversal)...)
	case *hclsyntax.RelativeTraversalExpr:
		index, _ := e.Source.(*hclsyntax.IndexExpr)
		if index == nil {
			return "", false
		}
		of, _ := index.Collection.(*hclsyntax.ScopeTraversalExpr)
		if of == nil {
			return "", false
		}
		t = slices.Concat(of.Traversal, e.Traversal)
	}
	if len(t) != 3 {
		return "", false
	}
	name, _ := attribute(t, 1)
	what, _ := attribute(t, 2)
	switch kind := t.RootName(); kind {
	case "aws_iam_role", "aws_iam_user", "aws_iam_group":
		return kind + "." + name, what == "name" || what == "id"
	case "aws_ssoadmin_permission_set":
		return kind + "." + name, what == "arn"
	}
	return "", false
}

// role adds the inline policies of a role.
func (f *finder) role(i *instance, b *hclsyntax.Block) {
	in := i.of(b, "")
	n := 0
	for _, block := range b.Body.Blocks {
		dynamic := block.Type == "dynamic" && slices.Equal(block.Labels, []string{"inline_policy"})
		if !dynamic && (block.Type != "inline_policy" || len(block.Body.Attributes) == 0) {
			continue
		}
		s := f.begin(i, b)
		s.At = f.span(block.Range()).Start
		s.Holder, s.HolderName = iac.Role, f.name(b.Body, in)
		if dynamic {
			s.Address += ".inline_policy"
			s.Repeated = true
			s.Problem, s.ProblemAt = `dynamic "inline_policy" makes policies that aren't known`, f.where(block.Range())
			f.sources = append(f.sources, s)
			continue
		}
		at := s.Address
		s.Name = f.name(block.Body, in)
		f.finish(s, i, block.Body, ref{expression(block.Body, "policy"), in})
		s.Address = fmt.Sprintf("%s.inline_policy[%d]", at, n)
		n++
	}
}
