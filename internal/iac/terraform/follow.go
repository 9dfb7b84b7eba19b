package terraform

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// instance is a module as one chain of calls makes it.
type instance struct {
	*folder
	root     string // the root module's folder
	address  string // "module.app." before the addresses in it, and "" in the root module
	call     *hclsyntax.Block
	parent   *instance // whose call it is; nil for a root module
	repeated bool      // a call of the chain has count or for_each
	children map[string]*instance
}

// scope is where an expression stands: what its references mean.
type scope struct {
	*instance
	block string // the resource or data source, if each or count differ in it

	// In a template file: where the call is, what is written of it, and what it gives, beside
	// which nothing is seen.
	template string
	text     string
	vars     *ref
}

// key tells scopes apart in which the same words may mean different things. It doesn't have
// lines and columns, so that a text elsewhere in the file changes nothing.
func (s scope) key() string {
	return strings.Join([]string{s.root, s.address, s.block, s.text}, "\x00")
}

// of is the scope of a block's expressions. Index tells the instances of a data source
// apart.
func (i *instance) of(b *hclsyntax.Block, index string) scope {
	s := scope{instance: i}
	if repeats(b) {
		s.block = blockName(b) + index
	}
	return s
}

func repeats(b *hclsyntax.Block) bool {
	return b.Body.Attributes["count"] != nil || b.Body.Attributes["for_each"] != nil
}

// ref is an expression where it stands.
type ref struct {
	expr hclsyntax.Expression
	scope
}

// followed is what a reference leads to: the expression, and the definitions on the way.
type followed struct {
	ref
	via []definition
	why string // not "": it leads to nothing that is written
}

// maxSteps is how many references are followed one after the other, and how deep values
// nest. More is a circle. maxWork is how many values one source may take.
const (
	maxSteps = 64
	maxWork  = 200_000
)

// enter begins a value or a reference, unless there were too many.
func (f *finder) enter() bool {
	f.depth++
	f.work++
	if f.depth > maxSteps || f.work > maxWork {
		f.depth--
		return false
	}
	return true
}

func (f *finder) leave() { f.depth-- }

// follow goes where an expression leads, if it is a reference.
func (f *finder) follow(r ref) followed {
	at := followed{ref: r}
	if !f.enter() {
		at.why = "it refers to itself, or to too much"
		return at
	}
	defer f.leave()
	for range maxSteps {
		var rest hcl.Traversal
		switch e := at.expr.(type) {
		case *hclsyntax.ParenthesesExpr:
			at.expr = e.Expression
			continue
		case *hclsyntax.TemplateWrapExpr:
			at.expr = e.Wrapped
			continue
		case *jsonString:
			if _, ok := e.Expression.(*hclsyntax.TemplateExpr); ok {
				return at
			}
			at.expr = e.Expression
			continue
		case *hclsyntax.ScopeTraversalExpr:
			if policyDocument(e) != nil {
				return at
			}
			if rest = f.target(&at, e.Traversal); at.why != "" {
				return at
			}
			f.visit(e)
		case *hclsyntax.RelativeTraversalExpr:
			if policyDocument(e) != nil {
				return at
			}
			at.expr, rest = e.Source, e.Traversal
			if _, ok := e.Source.(*hclsyntax.IndexExpr); ok {
				at.expr, at.why = e, "its index is computed"
				return at
			}
		default:
			return at
		}
		if len(rest) > 0 {
			if f.steps(&at, rest); at.why != "" {
				return at
			}
		}
	}
	at.why = "it refers to itself"
	return at
}

// target goes from a reference to the definition that it names, and gives what is left of
// the reference after it.
func (f *finder) target(at *followed, t hcl.Traversal) hcl.Traversal {
	if at.vars != nil {
		return f.templateVariable(at, t)
	}
	name, ok := attribute(t, 1)
	if !ok {
		at.why = t.RootName() + " is not a value by itself"
		return nil
	}
	switch root := t.RootName(); root {
	case "local":
		f.local(at, name)
		return t[2:]
	case "var":
		f.variable(at, name, t[2:])
		return t[2:]
	case "module":
		return f.output(at, name, afterIndex(t))
	case "each", "count", "self":
		at.why = root + "." + name + " differs from instance to instance"
	case "data":
		at.why = "a data source other than aws_iam_policy_document is read when Terraform runs"
	case "path", "terraform":
		at.why = "it is known when Terraform runs"
	default:
		return f.attributeOf(at, root+"."+name, afterIndex(t))
	}
	return nil
}

// attribute is the name of a reference's step, as in .x and ["x"].
func attribute(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	switch step := t[i].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

// afterIndex is what follows the first two steps and the index after them, if there is
// one: ".name" of aws_iam_role.app[0].name.
func afterIndex(t hcl.Traversal) hcl.Traversal {
	n := 2
	if n < len(t) {
		if _, ok := t[n].(hcl.TraverseIndex); ok {
			n++
		}
	}
	return t[min(n, len(t)):]
}

// given is what a call of templatefile gives for a name.
func (s scope) given(name string) definition {
	return definition{dir: "templatefile\x00" + s.template, name: name}
}

// templateVariable goes to what the call of templatefile gives for a name.
func (f *finder) templateVariable(at *followed, t hcl.Traversal) hcl.Traversal {
	object, ok := at.vars.expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		at.why = "the template's variables are computed"
		return nil
	}
	for _, item := range object.Items {
		if key, ok := f.keyOf(item.KeyExpr); ok && key == t.RootName() {
			at.via = append(at.via, at.given(key))
			at.ref = ref{item.ValueExpr, at.vars.scope}
			return t[1:]
		}
	}
	at.why = "the template isn't given " + t.RootName()
	return nil
}

func (f *finder) local(at *followed, name string) {
	attr, full := at.locals[name], "local."+name
	switch {
	case at.overridden[full] != "":
		at.why = full + " is declared again at " + at.overridden[full]
	case attr == nil:
		at.why = full + " isn't declared"
	default:
		at.via = append(at.via, definition{at.dir, full})
		at.ref = ref{attr.Expr, scope{instance: at.instance}}
	}
}

// output goes to an output of a module of the tree.
func (f *finder) output(at *followed, call string, t hcl.Traversal) hcl.Traversal {
	name, ok := attribute(t, 0)
	child := at.children[call]
	if !ok || child == nil {
		at.why = "module." + call + " isn't in the tree"
		return nil
	}
	b := child.blocks["output."+name]
	if b == nil || b.Body.Attributes["value"] == nil || child.overridden["output."+name] != "" {
		at.why = "module." + call + " has no one output " + name
		return nil
	}
	at.via = append(at.via, definition{child.dir, "output." + name})
	at.ref = ref{b.Body.Attributes["value"].Expr, scope{instance: child}}
	return t[1:]
}

// identified are the resources whose id is their name.
var identified = []string{"aws_iam_role", "aws_iam_user", "aws_iam_group"}

// attributeOf goes to the name of a resource, as its block says it.
func (f *finder) attributeOf(at *followed, address string, t hcl.Traversal) hcl.Traversal {
	name, ok := attribute(t, 0)
	b := at.blocks[address]
	kind, _, _ := strings.Cut(address, ".")
	switch {
	case !ok || b == nil:
		at.why = address + " isn't a resource of the module"
		return nil
	case at.overridden[address] != "":
		at.why = address + " is declared again at " + at.overridden[address]
		return nil
	case name == "id" && slices.Contains(identified, kind):
		name = "name"
	}
	if name != "name" || b.Body.Attributes["name"] == nil {
		at.why = "AWS gives it when the resource is made"
		return nil
	}
	at.ref = ref{b.Body.Attributes["name"].Expr, at.of(b, "")}
	return t[1:]
}

// steps goes into a value, by the keys that are left of a reference.
func (f *finder) steps(at *followed, t hcl.Traversal) {
	for i, step := range t {
		next := f.follow(at.ref)
		at.ref, at.via, at.why = next.ref, append(at.via, next.via...), next.why
		if at.why != "" {
			return
		}
		inner := f.step(at.expr, step)
		if inner == nil {
			what, _ := attribute(t, i)
			at.why = strings.TrimSpace("there is no "+what) + " in what it refers to"
			return
		}
		at.expr = inner
	}
}

func (f *finder) step(e hclsyntax.Expression, step hcl.Traverser) hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		return f.member(e, step)
	case *hclsyntax.TupleConsExpr:
		index, ok := step.(hcl.TraverseIndex)
		if !ok || index.Key.Type() != cty.Number {
			return nil
		}
		if n, _ := index.Key.AsBigFloat().Int64(); n >= 0 && n < int64(len(e.Exprs)) {
			f.indexed = append(f.indexed, e)
			return e.Exprs[n]
		}
	}
	return nil
}

// member is the value of a key that an object has once, and nil if a key isn't known.
func (f *finder) member(e *hclsyntax.ObjectConsExpr, step hcl.Traverser) hclsyntax.Expression {
	want, ok := attribute(hcl.Traversal{step}, 0)
	var found hclsyntax.Expression
	for _, item := range e.Items {
		key, known := f.keyOf(item.KeyExpr)
		if !ok || !known || key == want && found != nil {
			return nil
		}
		if key == want {
			found = item.ValueExpr
		}
	}
	return found
}

// keyOf is an object's key, if it is literal.
func (r *reader) keyOf(e hclsyntax.Expression) (string, bool) {
	key, ok := e.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return "", false
	}
	if word := hcl.ExprAsKeyword(key.Wrapped); word != "" && !key.ForceNonLiteral {
		return word, true
	}
	template, ok := key.Wrapped.(*hclsyntax.TemplateExpr)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, part := range template.Parts {
		s, ok := constant(part)
		if !ok {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}
