package terraform

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
)

// unread is a policy that isn't known, or not wholly.
type unread struct {
	source *iac.Source
	ref    // the policy's expression
}

// reading is what a policy that isn't known may be made of. Another call of its module can
// make a policy of the same text that is known: what they have in common stays.
type reading struct {
	*others
	why   string
	seen  map[instanceOf]bool
	marks map[*iac.File][]mark
}

// instanceOf is a definition in a module as one chain of calls makes it.
type instanceOf struct {
	*instance
	name string
}

// unreadMarks marks all that policies which aren't known refer to, and their own text.
func (o *others) unreadMarks(marks map[*iac.File][]mark) {
	for _, u := range o.finder.unread {
		why := fmt.Sprintf("also used by %s (%s), whose policy isn't known", u.source.Address, u.source.Where())
		r := reading{others: o, why: why, seen: map[instanceOf]bool{}, marks: marks}
		r.expression(u.instance, u.expr)
	}
}

// expression marks an expression and what it refers to.
func (r *reading) expression(i *instance, e hclsyntax.Expression) {
	if e != nil {
		r.node(i, e, e.Range())
	}
}

func (r *reading) node(i *instance, n hclsyntax.Node, rng hcl.Range) {
	r.mark(rng)
	visit(n, func(n hclsyntax.Node) {
		switch n := n.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			r.reference(i, n.Traversal)
		case *hclsyntax.FunctionCallExpr:
			r.call(i.folder, n, func() string { return r.why })
		}
	})
}

func (r *reading) mark(rng hcl.Range) {
	file := r.places[rng.Filename].file
	r.marks[file] = append(r.marks[file], mark{r.span(rng), r.why, false})
}

// reference goes where a reference leads, once.
func (r *reading) reference(i *instance, t hcl.Traversal) {
	name, ok := attribute(t, 1)
	if !ok {
		return
	}
	at := instanceOf{i, t.RootName() + "." + name}
	switch t.RootName() {
	case "data":
		of, _ := attribute(t, 2)
		at.name += "." + of
	case "module":
		output, _ := attribute(afterIndex(t), 0)
		if at = (instanceOf{i.children[name], "output." + output}); at.instance == nil {
			return
		}
	}
	if r.seen[at] {
		return
	}
	r.seen[at] = true
	switch attr, b := at.locals[name], at.blocks[at.name]; {
	case t.RootName() == "local" && attr != nil:
		r.expression(i, attr.Expr)
	case t.RootName() == "var" && b != nil:
		r.variable(i, b)
	case b != nil:
		r.node(at.instance, b.Body, blockRange(b))
	}
}

// variable goes to all that may be a variable's value.
func (r *reading) variable(i *instance, b *hclsyntax.Block) {
	name := b.Labels[0]
	if i.parent != nil && i.call.Body.Attributes[name] != nil {
		r.expression(i.parent, expression(i.call.Body, name))
		return
	}
	r.expression(i, expression(b.Body, "default"))
	for _, s := range r.set[name] {
		r.expression(i, s.attr.Expr)
	}
}
