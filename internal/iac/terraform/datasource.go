package terraform

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
)

// dataSource reads the policy that an aws_iam_policy_document makes.
func (f *finder) dataSource(r ref, d *documentRef) given {
	name := "data.aws_iam_policy_document." + d.name
	b := r.blocks[name]
	fail := func(why string) given {
		g := f.not(r, why)
		g.style = iac.DataSource
		return g
	}
	switch {
	case b == nil:
		return fail("it isn't declared in the module")
	case r.overridden[name] != "":
		return fail("it is declared again at " + r.overridden[name])
	case d.index == nil && d.key == nil && repeats(b):
		return fail("it has instances: say which")
	}
	f.visit(r.expr)
	defer f.through([]definition{{r.dir, name}})()
	f.reach(blockRange(b))
	m := &merger{finder: f, block: b, scope: r.of(b, f.indexOf(d))}
	m.all()
	if m.failed.problem != "" {
		m.failed.style, m.failed.document = iac.DataSource, nil
		return m.failed
	}
	g := given{document: m.document(), style: iac.DataSource}
	if m.partly.problem != "" {
		g.problem, g.at = m.partly.problem, m.partly.at
		return g
	}
	return checked(g)
}

// indexOf is a text that is the same for the same instance.
func (f *finder) indexOf(d *documentRef) string {
	switch {
	case d.key != nil:
		return "[" + f.written(d.key.Range()) + "]"
	case d.index != nil:
		if key, ok := attribute(hcl.Traversal{*d.index}, 0); ok {
			return "[" + key + "]"
		}
		return "[" + f.written((*d.index).SourceRange()) + "]"
	}
	return ""
}

// blockRange is a block from its type to its closing brace.
func blockRange(b *hclsyntax.Block) hcl.Range {
	return hcl.RangeBetween(b.TypeRange, b.CloseBraceRange)
}

// merger makes a data source's document as the provider does: the source documents in
// their order, the data source's own statements, the override documents. A statement
// takes the place of an earlier one with its Sid; the latest Version and the last Id hold.
type merger struct {
	*finder
	scope
	block      *hclsyntax.Block
	version    *iac.Value
	id         *iac.Value
	statements []*iac.Value
	sids       map[string]int

	lists    []*iac.Value // of the documents with statements, as they stand
	replaced bool         // a statement took another's place
	blocks   bool         // all statements are blocks of HCL

	failed given // why the document isn't known
	partly given // why it isn't wholly
}

func (m *merger) all() {
	m.sids, m.blocks = map[string]int{}, true
	m.one("source_json")
	m.several("source_policy_documents")
	m.own()
	m.several("override_policy_documents")
	m.one("override_json")
}

// one merges a document that an attribute says: older providers' way.
func (m *merger) one(name string) {
	attr := m.block.Body.Attributes[name]
	if attr == nil {
		return
	}
	if end := m.follow(ref{attr.Expr, m.scope}); isEmpty(end.expr) {
		return
	}
	m.other(ref{attr.Expr, m.scope})
}

// isEmpty says whether an expression is null or "".
func isEmpty(e hclsyntax.Expression) bool {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.Val.IsNull()
	case *hclsyntax.TemplateExpr:
		s, ok := "", true
		for _, part := range e.Parts {
			s, ok = constant(part)
			if !ok || s != "" {
				return false
			}
		}
		return ok
	}
	return false
}

// several merges the documents of a list.
func (m *merger) several(name string) {
	attr := m.block.Body.Attributes[name]
	if attr == nil {
		return
	}
	end := m.follow(ref{attr.Expr, m.scope})
	tuple, ok := end.expr.(*hclsyntax.TupleConsExpr)
	switch {
	case isEmpty(end.expr):
	case end.why != "" || !ok:
		why := end.why
		if why == "" {
			why = computedBy(end.expr)
		}
		m.failed = m.not(ref{attr.Expr, m.scope}, name+": "+why)
	default:
		defer m.through(end.via)()
		for _, e := range tuple.Exprs {
			if to := m.follow(ref{e, end.scope}); !isEmpty(to.expr) {
				m.other(ref{e, end.scope})
			}
		}
	}
}

// other merges another document.
func (m *merger) other(r ref) {
	g := m.policyOf(r)
	switch {
	case m.failed.problem != "":
		return
	case g.document == nil:
		m.failed = g
		return
	case g.problem != "":
		m.partly = given{problem: g.problem, at: g.at}
	}
	list := g.document.Get("Statement")
	if list == nil {
		list = &iac.Value{Kind: iac.List}
	}
	if list.Kind != iac.List {
		m.failed = given{problem: "the statements of a document that is merged aren't a list", at: list.Where()}
		return
	}
	if why, at := unlikeProvider(list); why != "" {
		m.failed = given{problem: why, at: at}
		return
	}
	if len(list.Entries) > 0 {
		m.lists = append(m.lists, list)
		m.blocks = m.blocks && list.Form == iac.Blocks
	}
	m.merge(g.document.Get("Version"), g.document.Get("Id"), list.Entries)
}

// unlikeProvider finds what the provider would write otherwise than it is: conditions'
// values that are no texts.
func unlikeProvider(list *iac.Value) (why, at string) {
	for _, st := range list.Entries {
		condition := st.Get("Condition")
		walk(condition, func(v *iac.Value) {
			if v.Kind == iac.Literal {
				why, at = "a condition's value in a document that is merged is no string: write it in quotes", v.Where()
			}
		})
	}
	return why, at
}

// merge takes a document's parts into the whole.
func (m *merger) merge(version, id *iac.Value, statements []*iac.Value) {
	if version != nil && (m.version == nil || version.Text > m.version.Text || version.Kind != iac.Text) {
		m.version = version
	}
	if id != nil && (id.Kind != iac.Text || id.Text != "") {
		m.id = id
	}
	for _, st := range statements {
		sid := st.Get("Sid")
		if sid == nil || sid.Kind == iac.Text && sid.Text == "" {
			m.statements = append(m.statements, st)
			continue
		}
		at, known := m.sids[sid.Text]
		switch {
		case sid.Kind != iac.Text || len(sid.Holes) > 0:
			m.partly = given{problem: "a Sid isn't known, and may be that of another statement", at: sid.Where()}
			m.statements = append(m.statements, st)
		case known:
			m.statements[at], m.replaced = st, true
		default:
			m.sids[sid.Text] = len(m.statements)
			m.statements = append(m.statements, st)
		}
	}
}

// document is the whole.
func (m *merger) document() *iac.Value {
	v := m.at(blockRange(m.block), iac.Object)
	add := func(key string, value *iac.Value) {
		if value != nil {
			v.Members = append(v.Members, iac.Member{Key: key, Value: value})
		}
	}
	add("Version", m.version)
	add("Id", m.id)
	list := &iac.Value{Kind: iac.List, Form: iac.Blocks, Lang: iac.HCL, Entries: m.statements}
	switch {
	case m.replaced:
		list.WhyWhole = "a statement stands in place of another with its Sid, which would come back"
	case len(m.lists) == 1 && m.lists[0].Form != iac.Blocks:
		list = m.lists[0]
	case len(m.lists) > 0 && !m.blocks:
		list.WhyWhole = "its statements are from several documents"
	}
	add("Statement", list)
	return v
}

// own merges the statement blocks.
func (m *merger) own() {
	var statements []*iac.Value
	body := m.block.Body
	for _, b := range body.Blocks {
		switch {
		case b.Type == "statement":
			statements = append(statements, m.statement(b))
		case b.Type == "dynamic" && slices.Equal(b.Labels, []string{"statement"}):
			m.partly = given{problem: `dynamic "statement" makes statements that aren't known`, at: m.where(b.Range())}
			unknown := m.finder.at(blockRange(b), iac.Unknown)
			unknown.Text, unknown.Why = m.written(blockRange(b)), `a block dynamic "statement"`
			statements = append(statements, unknown)
		}
	}
	version := &iac.Value{Kind: iac.Text, Text: "2012-10-17"}
	if v := m.attribute(body, "version"); v != nil {
		version = v
	}
	if len(statements) > 0 {
		m.lists = append(m.lists, m.listOf(statements))
		m.blocks = m.blocks && m.lists[len(m.lists)-1].Form == iac.Blocks
	}
	m.merge(version, m.attribute(body, "policy_id"), statements)
}

// listOf is the list that the statements are: blocks, or the array of a file in JSON.
func (m *merger) listOf(statements []*iac.Value) *iac.Value {
	list := &iac.Value{Kind: iac.List, Form: iac.Blocks, Lang: iac.HCL, Entries: statements}
	if statements[0].Lang != iac.JSON {
		return list
	}
	list.File, list.Span, list.Lang, list.Form = statements[0].File, statements[0].Span, iac.JSON, iac.Alone
	for _, b := range m.block.Body.Blocks {
		if array := m.arrays[b]; array != nil && b.Type == "statement" {
			list.Span, list.Form = array.Span, iac.Brackets
		}
	}
	return list
}

// attribute is an attribute's value, and nil if there is none or it is null.
func (m *merger) attribute(b *hclsyntax.Body, name string) *iac.Value {
	attr := b.Attributes[name]
	if attr == nil {
		return nil
	}
	if v := m.eval(ref{attr.Expr, m.scope}); v.Kind != iac.Literal || v.Text != "null" {
		return v
	}
	return nil
}
