package terraform

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
)

// folder is the configuration of a folder: what a module is made of.
type folder struct {
	dir       string // below the tree's root; "." is the root
	resources []*hclsyntax.Block
	calls     []*hclsyntax.Block // module blocks

	// By name: "aws_iam_role.app" of resources, "data.aws_iam_policy_document.app",
	// "local.x", "var.x", "output.x", "module.x".
	blocks map[string]*hclsyntax.Block
	locals map[string]*hclsyntax.Attribute

	// overridden says by where of what is declared once more: in an override file, or by mistake.
	overridden map[string]string

	bodies []*hclsyntax.Body
	broken string // the first file that can't be read, as "path:line:column"; what is in it isn't known
	state  bool   // it says where its state is: it is a root module
}

// setting is a variable's value in a file of variables.
type setting struct {
	dir  string // of the file
	auto bool   // Terraform reads it unasked in a root module's folder
	attr *hclsyntax.Attribute
}

// load reads all files.
func (f *finder) load(files []*iac.File) {
	for _, file := range files {
		switch name := path.Base(file.Path); {
		case strings.HasSuffix(name, ".tf"):
			f.configuration(file, f.body)
		case strings.HasSuffix(name, ".tf.json"):
			f.configuration(file, f.jsonBody)
		case strings.HasSuffix(name, ".tfvars"):
			f.settings(file, f.body)
		case strings.HasSuffix(name, ".tfvars.json"):
			f.settings(file, f.jsonBody)
		}
	}
	for _, file := range files {
		if isOverride(file.Path) {
			f.override(file)
		}
	}
}

// isOverride says whether Terraform merges a file's blocks into those of others.
// https://developer.hashicorp.com/terraform/language/files/override
func isOverride(name string) bool {
	base, ok := strings.CutSuffix(strings.TrimSuffix(path.Base(name), ".json"), ".tf")
	return ok && (base == "override" || strings.HasSuffix(base, "_override"))
}

// in is a folder's configuration, perhaps still empty.
func (f *finder) in(dir string) *folder {
	if f.folders[dir] == nil {
		f.folders[dir] = &folder{dir: dir, blocks: map[string]*hclsyntax.Block{}, locals: map[string]*hclsyntax.Attribute{}, overridden: map[string]string{}}
	}
	return f.folders[dir]
}

// configuration adds a file to its folder.
func (f *finder) configuration(file *iac.File, read func(*iac.File) (*hclsyntax.Body, error)) {
	to := f.in(path.Dir(file.Path))
	body, err := read(file)
	if err != nil {
		p := problem(file, err)
		f.problems = append(f.problems, p)
		to.broken = cmp.Or(to.broken, p.Where)
		f.brokenFiles = append(f.brokenFiles, file)
		return
	}
	to.bodies = append(to.bodies, body)
	f.bodyOf[file.Path] = body
	if isOverride(file.Path) {
		return
	}
	for _, b := range body.Blocks {
		for _, attr := range localsOf(b) {
			if f.declare(to, "local."+attr.Name, attr.NameRange) {
				to.locals[attr.Name] = attr
			}
		}
		if name := blockName(b); name != "" && f.declare(to, name, b.Range()) {
			to.add(name, b)
		}
		to.state = to.state || b.Type == "terraform" && slices.ContainsFunc(b.Body.Blocks, func(in *hclsyntax.Block) bool { return in.Type == "backend" || in.Type == "cloud" })
	}
}

func (to *folder) add(name string, b *hclsyntax.Block) {
	to.blocks[name] = b
	switch b.Type {
	case "resource":
		to.resources = append(to.resources, b)
	case "module":
		to.calls = append(to.calls, b)
	}
}

// declare says whether a name is new in its folder, and notes it if it isn't.
func (f *finder) declare(to *folder, name string, rng hcl.Range) bool {
	if to.blocks[name] == nil && to.locals[strings.TrimPrefix(name, "local.")] == nil {
		return true
	}
	to.overridden[name] = f.where(rng)
	f.problems = append(f.problems, iac.Problem{Where: f.where(rng), What: name + " is declared twice: remove one"})
	return false
}

// override notes what an override file says anew.
func (f *finder) override(file *iac.File) {
	body, to := f.bodyOf[file.Path], f.in(path.Dir(file.Path))
	if body == nil {
		return
	}
	for _, b := range body.Blocks {
		for _, attr := range localsOf(b) {
			to.overridden["local."+attr.Name] = f.where(attr.NameRange)
		}
		if name := blockName(b); name != "" {
			to.overridden[name] = f.where(b.Range())
		}
	}
}

// localsOf are the values of a locals block, in the order of the file.
func localsOf(b *hclsyntax.Block) []*hclsyntax.Attribute {
	if b.Type != "locals" {
		return nil
	}
	return attributes(b.Body)
}

// attributes of a body in the order of the file.
func attributes(b *hclsyntax.Body) []*hclsyntax.Attribute {
	var out []*hclsyntax.Attribute
	for _, attr := range b.Attributes {
		out = append(out, attr)
	}
	slices.SortFunc(out, func(a, b *hclsyntax.Attribute) int {
		return cmp.Or(cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// blockName is what other expressions call a block by, and "" if they can't.
func blockName(b *hclsyntax.Block) string {
	switch {
	case b.Type == "resource" && len(b.Labels) == 2:
		return b.Labels[0] + "." + b.Labels[1]
	case b.Type == "data" && len(b.Labels) == 2:
		return "data." + b.Labels[0] + "." + b.Labels[1]
	case len(b.Labels) != 1:
		return ""
	case b.Type == "variable":
		return "var." + b.Labels[0]
	case b.Type == "module", b.Type == "output":
		return b.Type + "." + b.Labels[0]
	}
	return ""
}

// settings reads a file of variables.
func (f *finder) settings(file *iac.File, read func(*iac.File) (*hclsyntax.Body, error)) {
	body, err := read(file)
	if err != nil {
		p := problem(file, err)
		f.problems = append(f.problems, p)
		f.brokenSettings = cmp.Or(f.brokenSettings, p.Where)
		return
	}
	base := strings.TrimSuffix(path.Base(file.Path), ".json")
	auto := base == "terraform.tfvars" || strings.HasSuffix(base, ".auto.tfvars")
	for _, attr := range attributes(body) {
		f.set[attr.Name] = append(f.set[attr.Name], setting{path.Dir(file.Path), auto, attr})
	}
}

// isRoot says whether a folder is a root module: one that nobody calls, or that says
// where its state is.
func (f *finder) isRoot(dir string) bool { return f.in(dir).state || !f.called[dir] }

// localSource is what a module of the tree is called by.
var localSource = regexp.MustCompile(`"(\.\.?/[^"$]*)"`)

// brokenCalls notes the modules that a file that can't be read may call.
func (f *finder) brokenCalls() {
	for _, file := range f.brokenFiles {
		for _, found := range localSource.FindAllSubmatch(file.Src, -1) {
			if dir := path.Join(path.Dir(file.Path), string(found[1])); f.folders[dir] != nil {
				f.unseen = append(f.unseen, unseen{dir, "perhaps also called in " + file.Path + ", which can't be read"})
			}
		}
	}
}

// source is the folder of the tree that a module call names. It is "" for a module that
// isn't a folder beside or below, and the error says what is wrong with one that is.
func (f *finder) source(from *folder, call *hclsyntax.Block) (string, error) {
	attr := call.Body.Attributes["source"]
	if attr == nil {
		return "", nil
	}
	template, ok := attr.Expr.(*hclsyntax.TemplateExpr)
	if !ok || len(template.Parts) != 1 {
		return "", nil
	}
	name, _ := constant(template.Parts[0])
	if !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") {
		return "", nil
	}
	dir := path.Join(from.dir, name)
	if f.folders[dir] == nil {
		return "", &placed{f.where(attr.Expr.Range()), fmt.Sprintf("module %q: no Terraform files in %s of this tree", call.Labels[0], dir)}
	}
	return dir, nil
}
