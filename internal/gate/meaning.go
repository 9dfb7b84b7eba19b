package gate

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/policy"
)

// What isn't known of a policy is an expression, and an expression is the same text before
// and after only if what it refers to is the same: `${local.bucket}` isn't, if the local
// value that a function computes is given something else. So a placeholder stands for an
// expression together with all that the files say of the names in it, directly or not.
//
// Names are looked for in the letters of definitions, not in their syntax: one too many
// makes a policy differ that doesn't, and that is a result too many at worst.

// Definitions are what the files of a tree say of the names in expressions.
type Definitions struct {
	files map[string]*iac.Value // by path: the trees of what can be read
	named map[string][]definition
	calls map[string][]call // of modules, by the folder that is called
}

// definition is what is written for a name.
type definition struct {
	dir, text string // the folder whose names are meant in text; of a template its path
}

// call is a module block: its folder and the block.
type call struct {
	dir, name string
	file      *iac.File
	block     *iac.Value
}

// Define reads the definitions of a tree's files. Of a file that can't be read there are
// none; it is a result by itself.
func Define(files []*iac.File) *Definitions {
	d := &Definitions{files: map[string]*iac.Value{}, named: map[string][]definition{}, calls: map[string][]call{}}
	for _, f := range files {
		root, err := tree.Parse(f)
		if err != nil {
			continue
		}
		d.files[f.Path] = root
		switch dir := path.Dir(f.Path); {
		case strings.HasSuffix(f.Path, ".tf"):
			d.terraform(dir, f, root)
		case strings.HasSuffix(f.Path, ".tfvars"), strings.HasSuffix(f.Path, ".tfvars.json"):
			for _, m := range root.Members {
				d.define("", "set."+m.Key, text(f, m.Value))
			}
		case strings.HasSuffix(f.Path, ".tf.json"):
			d.define(dir, anyName, string(f.Src))
		default:
			d.template(f, root)
		}
	}
	return d
}

// anyName is the name of what may define any: a file whose names aren't told apart.
const anyName = "*"

func (d *Definitions) define(dir, name, text string) {
	key := dir + "\x00" + name
	d.named[key] = append(d.named[key], definition{dir, text})
}

func text(f *iac.File, v *iac.Value) string {
	if v == nil {
		return ""
	}
	return strings.TrimSpace(string(f.Src[v.Start:v.End]))
}

// terraform defines the names of a file of a module.
func (d *Definitions) terraform(dir string, f *iac.File, root *iac.Value) {
	for _, m := range root.Members {
		words := strings.Fields(m.Key)
		switch {
		case m.Key == "locals":
			for _, local := range m.Value.Members {
				d.define(dir, "local."+local.Key, text(f, local.Value))
			}
		case len(words) == 2 && words[0] == "variable":
			d.define(dir, "var."+words[1], text(f, m.Value.Get("default")))
		case len(words) == 2 && words[0] == "output":
			d.define(dir, "output."+words[1], text(f, m.Value.Get("value")))
		case len(words) == 2 && words[0] == "module":
			source := m.Value.Get("source")
			if source != nil && strings.HasPrefix(source.Text, ".") {
				to := path.Join(dir, source.Text)
				d.calls[to] = append(d.calls[to], call{dir, words[1], f, m.Value})
			}
			d.define(dir, "module."+words[1], text(f, source)+" "+text(f, m.Value.Get("version")))
		case len(words) == 3 && words[0] == "data":
			d.define(dir, strings.Join(words, "."), text(f, m.Value))
		case len(words) == 3 && words[0] == "resource":
			d.resource(dir, words[1]+"."+words[2], f, m.Value)
		}
	}
}

// resource defines a resource's attributes: those of the same name that are written. What
// other providers than AWS's have is computed of all that they are given.
func (d *Definitions) resource(dir, name string, f *iac.File, block *iac.Value) {
	if !strings.HasPrefix(name, "aws_") {
		d.define(dir, name, text(f, block))
		return
	}
	for _, m := range block.Members {
		d.define(dir, name+"."+m.Key, text(f, m.Value))
	}
}

// template defines the parameters, mappings and conditions of a template.
func (d *Definitions) template(f *iac.File, root *iac.Value) {
	section := func(name string, of func(v *iac.Value) *iac.Value) {
		if v := root.Get(name); v != nil {
			for _, m := range v.Members {
				d.define(f.Path, m.Key, text(f, of(m.Value)))
			}
		}
	}
	whole := func(v *iac.Value) *iac.Value { return v }
	section("Parameters", func(v *iac.Value) *iac.Value { return v.Get("Default") })
	section("Mappings", whole)
	section("Conditions", whole)
	d.define(f.Path, "FindInMap", text(f, root.Get("Mappings"))) // of which one, may be computed
}

// slice collects all that is said of the names in texts.
type slice struct {
	*Definitions
	modules []string // of the address: which calls of a module are meant
	seen    map[string]bool
	texts   map[string]bool
}

func (d *Definitions) slice(s *iac.Source) *slice {
	var modules []string
	words := strings.Split(s.Address, ".")
	for i := 0; i+1 < len(words) && words[i] == "module"; i += 2 {
		modules = append(modules, words[i+1])
	}
	return &slice{d, modules, map[string]bool{}, map[string]bool{}}
}

// digest is of what was collected; empty if there is nothing.
func (s *slice) digest() string {
	if len(s.texts) == 0 {
		return ""
	}
	return digest(slices.Sorted(maps.Keys(s.texts))...)
}

// names are references in Terraform's expressions; words, names in CloudFormation's.
var (
	names = regexp.MustCompile(`\b(?:local|var)\.[\w-]+|\bmodule\.[\w-]+(?:\[[^\]]*\])?(?:\.[\w-]+)?|\bdata\.[\w-]+\.[\w-]+|\b[a-z][a-z0-9]*_\w+\.[\w-]+(?:\[[^\]]*\])?(?:\.[\w-]+)?|\b[a-z]\w+\.[\w-]+\.[\w-]+`)
	ids   = regexp.MustCompile(`[A-Za-z0-9]+`)
)

// of collects what is said of the names in a text, in a folder or a template.
func (s *slice) of(dir, text string) {
	if _, ok := s.files[dir]; ok { // a template: a folder has no tree
		for _, name := range ids.FindAllString(text, -1) {
			s.name(dir, name)
		}
		return
	}
	s.name(dir, anyName)
	for _, name := range names.FindAllString(text, -1) {
		s.name(dir, keys.ReplaceAllLiteralString(name, ""))
	}
}

// name collects what is said of a name.
func (s *slice) name(dir, name string) {
	key := dir + "\x00" + name
	if s.seen[key] {
		return
	}
	s.seen[key] = true
	found := s.named[key]
	parts := strings.Split(name, ".")
	switch parts[0] {
	case "var":
		found = append(slices.Clone(found), s.given(dir, parts[1])...)
	case "module":
		s.output(dir, parts)
		found = append(slices.Clone(found), s.named[dir+"\x00module."+parts[1]]...)
	default:
		if len(parts) == 3 { // of another provider than AWS's
			found = append(slices.Clone(found), s.named[dir+"\x00"+parts[0]+"."+parts[1]]...)
		}
	}
	for _, d := range found {
		if d.text != "" {
			s.texts[d.dir+"\x00"+name+"\x00"+d.text] = true
			s.of(cmp.Or(d.dir, dir), d.text)
		}
	}
}

// given are the values of a module's variable: settings, and the arguments of calls.
func (s *slice) given(dir, name string) []definition {
	var out []definition
	for _, set := range s.named["\x00set."+name] {
		if len(s.calls[dir]) == 0 {
			out = append(out, set)
		}
	}
	for _, c := range s.calls[dir] {
		if len(s.modules) > 0 && !slices.Contains(s.modules, c.name) {
			continue
		}
		arg := text(c.file, c.block.Get(name))
		out = append(out, definition{c.dir, arg})
		if strings.Contains(arg, "each.") || strings.Contains(arg, "count.") {
			out = append(out, definition{c.dir, repeats(c.file, c.block)})
		}
	}
	return out
}

// output collects what a module's output is: module.NAME.OUTPUT, or all of them.
func (s *slice) output(dir string, parts []string) {
	for to, calls := range s.calls {
		if !slices.ContainsFunc(calls, func(c call) bool { return c.dir == dir && c.name == parts[1] }) {
			continue
		}
		if len(parts) == 3 {
			s.name(to, "output."+parts[2])
			continue
		}
		prefix := to + "\x00output."
		for key := range s.named {
			if name, ok := strings.CutPrefix(key, prefix); ok {
				s.name(to, "output."+name)
			}
		}
	}
}

// repeats is a block's count and for_each.
func repeats(f *iac.File, block *iac.Value) string {
	return strings.TrimSpace(text(f, block.Get("count")) + " " + text(f, block.Get("for_each")))
}

// Settle gives the placeholders of a policy, and what says whether the policy is there,
// the meaning that the files give them.
func (d *Definitions) Settle(p *Policy) {
	s := p.Source
	if s == nil {
		return
	}
	p.When, p.Absent = d.when(s)
	if p.Document == nil {
		p.Text = d.whole(s)
		return
	}
	src := string(p.Document.Bytes())
	for known, hole := range p.holes {
		meaning := d.meaning(s, hole)
		if meaning == "" || !strings.Contains(src, known) {
			continue
		}
		settled := placeholder + digest(known, meaning)[:16]
		src = strings.ReplaceAll(src, known, settled)
		p.Unknown[settled] = p.Unknown[known]
	}
	if doc, err := policy.Parse(p.Document.Name, []byte(src)); err == nil {
		p.Document = doc // with letters for letters it parses as before
	}
}

// meaning is a digest of what the files say of an expression; empty: nothing.
func (d *Definitions) meaning(s *iac.Source, h hole) string {
	out := d.slice(s)
	switch block, dir := d.around(h.file, h.at), path.Dir(h.file.Path); {
	case s.Style == iac.InTemplate:
		out.of(h.file.Path, h.expr)
	case !strings.HasSuffix(h.file.Path, ".tf"): // a file of templatefile's, or .tf.json
		out.block(d.around(s.File, s.At), s.File)
		out.of(path.Dir(s.File.Path), h.expr)
	default:
		for _, dir := range append([]string{dir}, d.callers(dir, nil)...) {
			out.of(dir, h.expr)
		}
		if block != nil && (strings.Contains(h.expr, "each.") || strings.Contains(h.expr, "count.")) {
			out.texts[repeats(h.file, block)] = true
			out.of(dir, repeats(h.file, block))
		}
	}
	return out.digest()
}

// block collects what a resource's policy is given as.
func (s *slice) block(block *iac.Value, f *iac.File) {
	if block == nil {
		s.texts[string(f.Src)] = true
		return
	}
	for _, name := range []string{"policy", "inline_policy"} {
		given := text(f, block.Get(name))
		s.texts[given] = true
		s.of(path.Dir(f.Path), given)
	}
}

// around is the block of a Terraform file, or the resource of a template, that a place is
// in; nil if it is in none.
func (d *Definitions) around(f *iac.File, at int) *iac.Value {
	root := d.files[f.Path]
	if root == nil {
		return nil
	}
	if resources := root.Get("Resources"); resources != nil {
		root = resources
	}
	for _, m := range root.Members {
		if start := m.Value.Start; m.At.Start <= at && at < m.Value.End && (m.At.End > 0 || start <= at) {
			return m.Value
		}
	}
	return nil
}

// callers are the folders from which a folder's module is called, and so on.
func (d *Definitions) callers(dir string, known []string) []string {
	for _, c := range d.calls[dir] {
		if c.dir != dir && !slices.Contains(known, c.dir) {
			known = d.callers(c.dir, append(known, c.dir))
		}
	}
	return known
}

// when is what says whether, and how often, a source's policy is there: count, for_each,
// a condition. absent says that it surely isn't.
func (d *Definitions) when(s *iac.Source) (when string, absent bool) {
	out := d.slice(s)
	add := func(dir, text string) {
		absent = absent || text == "0"
		if text != "" {
			out.texts[text] = true
			out.of(dir, text)
		}
	}
	block := d.around(s.File, s.At)
	if s.Style == iac.InTemplate || strings.HasPrefix(s.Type, "AWS::") {
		if root := d.files[s.File.Path]; root != nil && block != nil {
			add(s.File.Path, text(s.File, block.Get("Condition")))
			add(s.File.Path, text(s.File, root.Get("Transform")))
		}
		return out.digest(), false
	}
	dir := s.Root
	for _, name := range out.modules {
		next := ""
		for to, calls := range d.calls {
			for _, c := range calls {
				if c.dir == dir && c.name == name {
					next = to
					add(dir, repeats(c.file, c.block))
				}
			}
		}
		dir = next
	}
	if block != nil {
		add(path.Dir(s.File.Path), repeats(s.File, block))
	}
	return out.digest(), absent
}

// whole is a digest of all that is written of a policy that can't be known.
func (d *Definitions) whole(s *iac.Source) string {
	out := d.slice(s)
	block := d.around(s.File, s.At)
	if block == nil {
		return digest(string(s.File.Src))
	}
	given := text(s.File, block)
	out.texts[given] = true
	if s.Style == iac.InTemplate || strings.HasPrefix(s.Type, "AWS::") {
		out.of(s.File.Path, given)
	} else {
		out.of(path.Dir(s.File.Path), given)
	}
	return out.digest()
}
