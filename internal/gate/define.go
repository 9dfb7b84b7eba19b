package gate

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
)

// Definitions are what the files of a tree say of the names in expressions.
type Definitions struct {
	tree  fs.FS                 // for files that expressions read
	files map[string]*iac.Value // by path: the trees of what can be read
	named map[string][]definition
	calls map[string][]call // of modules, by the folder that is called
	read  map[string]string // contents of files, and of folders their digests

	exports map[string][]definition // of templates, by name
	names   []string                // of the tree's files, once they were looked for

	parameters bool // files of parameters were looked for
}

// definition is what is written for a name.
type definition struct {
	at   string // the folder or file that says it
	dir  string // the folder whose names are meant in text, of a template its path; "": at
	text string
}

// call is a module block: its folder and the block.
type call struct {
	dir, name string
	file      *iac.File
	block     *iac.Value
}

// Define reads the definitions of a tree's files. Of a file that can't be read there are
// none; it is a result by itself. The other files of the tree are opened where expressions
// name them.
func Define(files []*iac.File, root fs.FS) *Definitions {
	d := &Definitions{
		tree: root, files: map[string]*iac.Value{}, named: map[string][]definition{}, calls: map[string][]call{},
		read: map[string]string{}, exports: map[string][]definition{},
	}
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
				d.setting("set.", m.Key, f, m.Value)
			}
		case strings.HasSuffix(f.Path, ".tf.json"):
			d.define(dir, anyName, text(f, root))
			d.jsonCalls(dir, f, root.Get("module"))
		case root.Get("Resources") != nil:
			d.template(f, root)
		}
	}
	return d
}

// anyName is the name of what may define any: a file whose names aren't told apart.
const anyName = "*"

func (d *Definitions) define(dir, name, text string) {
	d.named[dir+"\x00"+name] = append(d.named[dir+"\x00"+name], definition{at: dir, text: text})
}

// setting is a value that a file gives a variable or a parameter of that name, wherever it
// is. Which file is meant is said on the command line, so that each counts by its path.
func (d *Definitions) setting(kind, name string, f *iac.File, v *iac.Value) {
	key := "\x00" + kind + name
	d.named[key] = append(d.named[key], definition{at: f.Path, dir: f.Path, text: text(f, v)})
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
			d.variable(dir, words[1], f, m.Value)
		case len(words) == 2 && words[0] == "output":
			d.define(dir, "output."+words[1], text(f, m.Value.Get("value")))
		case len(words) == 2 && words[0] == "module":
			d.module(dir, words[1], f, m.Value)
		case len(words) == 3 && words[0] == "data":
			d.define(dir, strings.Join(words, "."), text(f, m.Value))
		case len(words) == 3 && words[0] == "resource":
			d.resource(dir, words[1]+"."+words[2], f, m.Value)
		}
	}
}

// variable defines a variable by its default. A type has defaults too, in optional.
func (d *Definitions) variable(dir, name string, f *iac.File, block *iac.Value) {
	given := text(f, block.Get("default"))
	if kind := text(f, block.Get("type")); strings.Contains(kind, "optional") {
		given += " " + kind
	}
	d.define(dir, "var."+name, given)
}

// module defines a module call. One that isn't in the tree computes its outputs of all that
// it is given.
func (d *Definitions) module(dir, name string, f *iac.File, block *iac.Value) {
	source := block.Get("source")
	if source == nil || source.Kind != iac.Text || !strings.HasPrefix(source.Text, ".") {
		d.define(dir, "module."+name, text(f, block))
		return
	}
	to := path.Join(dir, source.Text)
	d.calls[to] = append(d.calls[to], call{dir, name, f, block})
	d.define(dir, "module."+name, text(f, source)+" "+repeats(f, block))
}

// jsonCalls are the module calls of a .tf.json file; what else it has is defined as one.
func (d *Definitions) jsonCalls(dir string, f *iac.File, modules *iac.Value) {
	if modules == nil {
		return
	}
	for _, m := range modules.Members {
		for _, block := range append([]*iac.Value{m.Value}, m.Value.Entries...) {
			if source := block.Get("source"); source != nil && strings.HasPrefix(source.Text, ".") {
				to := path.Join(dir, source.Text)
				d.calls[to] = append(d.calls[to], call{dir, m.Key, f, block})
			}
		}
	}
	for _, list := range modules.Entries {
		d.jsonCalls(dir, f, list)
	}
}

// itself is the name, behind a resource's, of what says which object it is.
const itself = ".#"

// resource defines a resource as a whole, its attributes, and what says which it is. What
// other providers than AWS's have is computed of all that they are given.
func (d *Definitions) resource(dir, name string, f *iac.File, block *iac.Value) {
	d.define(dir, name, text(f, block))
	if !strings.HasPrefix(name, "aws") {
		return
	}
	which := []string{repeats(f, block), text(f, block.Get("provider"))}
	for _, m := range block.Members {
		given := text(f, m.Value)
		d.define(dir, name+"."+m.Key, given)
		if identifies(m.Key) {
			which = append(which, m.Key+"="+given)
		}
	}
	d.define(dir, name+itself, strings.TrimSpace(strings.Join(which, " ")))
}

// identifying are the ends of what resources' attributes and properties are called by which
// AWS names them, and of those that AWS makes of these.
var identifying = []string{"name", "prefix", "bucket", "path", "identifier", "alias", "region"}

func identifies(key string) bool {
	key = strings.ToLower(key)
	return key == "id" || slices.ContainsFunc(identifying, func(end string) bool { return strings.HasSuffix(key, end) })
}

// isIdentity says whether an attribute is made of what identifies a resource.
func isIdentity(attribute string) bool {
	a := strings.ToLower(attribute)
	return identifies(a) || strings.HasSuffix(a, "arn") || strings.HasSuffix(a, "_id") || strings.HasSuffix(a, "url")
}

// template defines the parameters, mappings, conditions and resources of a template.
func (d *Definitions) template(f *iac.File, root *iac.Value) {
	section := func(name string, of func(id string, v *iac.Value)) {
		if v := root.Get(name); v != nil {
			for _, m := range v.Members {
				of(m.Key, m.Value)
			}
		}
	}
	whole := func(id string, v *iac.Value) { d.define(f.Path, id, text(f, v)) }
	section("Parameters", func(id string, v *iac.Value) {
		kind := ""
		if t := v.Get("Type"); t != nil && strings.HasPrefix(t.Text, "AWS::SSM") { // its default is a name
			kind = t.Text + " "
		}
		d.define(f.Path, id, kind+text(f, v.Get("Default")))
	})
	section("Mappings", whole)
	section("Conditions", whole)
	section("Resources", func(id string, v *iac.Value) { d.logical(f, id, v) })
	section("Outputs", func(_ string, v *iac.Value) { d.export(f, v) })
	d.define(f.Path, "FindInMap", text(f, root.Get("Mappings"))) // of which one, may be computed
}

// logical defines a resource of a template: its type, what identifies it, and its
// properties, which Fn::GetAtt may give again. What isn't AWS's, or is of another stack, is
// computed of all that it is given.
func (d *Definitions) logical(f *iac.File, id string, r *iac.Value) {
	kind, properties := r.Get("Type"), r.Get("Properties")
	if kind == nil || !strings.HasPrefix(kind.Text, "AWS::") || strings.HasPrefix(kind.Text, "AWS::CloudFormation::") || properties != nil && properties.Kind != iac.Object {
		d.define(f.Path, id, text(f, r))
	}
	if properties == nil {
		properties = &iac.Value{Kind: iac.Object}
	}
	if kind != nil && (kind.Text == "AWS::CloudFormation::Stack" || kind.Text == "AWS::Serverless::Application") {
		d.given(f, properties.Get("Parameters"))
	}
	which := []string{text(f, kind), text(f, r.Get("Condition"))}
	for _, m := range properties.Members {
		given := text(f, m.Value)
		d.define(f.Path, id+"."+m.Key, given)
		if identifies(m.Key) {
			which = append(which, m.Key+"="+given)
		}
	}
	d.define(f.Path, id, strings.Join(which, " "))
}

// given are parameters that a file gives to a template: which, isn't known.
func (d *Definitions) given(f *iac.File, v *iac.Value) {
	switch {
	case v == nil:
	case v.Kind != iac.Object:
		d.setting("param.", anyName, f, v)
	default:
		for _, m := range v.Members {
			d.setting("param.", m.Key, f, m.Value)
		}
	}
}

// repeats is a block's count and for_each.
func repeats(f *iac.File, block *iac.Value) string {
	return strings.TrimSpace(text(f, block.Get("count")) + " " + text(f, block.Get("for_each")))
}
