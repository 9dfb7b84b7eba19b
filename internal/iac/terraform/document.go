package terraform

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// given is how a policy is given: as a document, or why that isn't known, and where.
type given struct {
	document *iac.Value // nil if problem says why
	style    iac.Style
	problem  string
	at       string
}

// policyOf reads an expression that says a policy's JSON.
func (f *finder) policyOf(r ref) given {
	if !f.enter() {
		return f.not(r, "it refers to itself, or to too much")
	}
	defer f.leave()
	end := f.follow(r)
	if end.why != "" {
		return f.not(end.ref, end.why)
	}
	defer f.through(end.via)()
	f.reach(end.expr.Range())
	if d := policyDocument(end.expr); d != nil {
		return f.dataSource(end.ref, d)
	}
	switch e := end.expr.(type) {
	case *hclsyntax.FunctionCallExpr:
		return f.policyCall(end.ref, e)
	case *hclsyntax.TemplateExpr:
		return f.policyText(end.ref, e)
	case *jsonString:
		return f.quoted(end.ref, e.Expression)
	}
	return f.not(end.ref, computedBy(end.expr))
}

// not is a policy that isn't known.
func (f *finder) not(r ref, why string) given {
	return given{problem: f.written(r.expr.Range()) + ": " + why, at: f.where(r.expr.Range())}
}

// policyCall reads a policy that a function gives.
func (f *finder) policyCall(r ref, e *hclsyntax.FunctionCallExpr) given {
	switch {
	case e.ExpandFinal:
	case e.Name == "jsonencode" && len(e.Args) == 1:
		v := f.eval(ref{e.Args[0], r.scope})
		if v.Kind == iac.Unknown {
			return given{problem: v.Text + ": " + v.Why, at: v.Where(), style: iac.JSONEncode}
		}
		return checked(given{document: v, style: iac.JSONEncode})
	case (e.Name == "trimspace" || e.Name == "chomp") && len(e.Args) == 1:
		return f.policyOf(ref{e.Args[0], r.scope})
	case e.Name == "file" && len(e.Args) == 1:
		return f.policyFile(r, e)
	case e.Name == "templatefile" && len(e.Args) == 2:
		return f.policyTemplate(r, e)
	}
	return given{problem: "the function " + e.Name + " computes the policy", at: f.where(e.Range())}
}

// checked notes what of a document is needed and isn't known.
func checked(g given) given {
	problem := func(v *iac.Value, what string) given {
		g.problem, g.at = what, v.Where()
		if v.Kind == iac.Unknown {
			g.problem = what + ": " + v.Text + ": " + v.Why
		}
		return g
	}
	switch statement := g.document.Get("Statement"); {
	case g.document.Kind != iac.Object:
		g = problem(g.document, "the policy is no object")
		g.document = nil
	case statement == nil:
		return g
	case statement.Kind == iac.Unknown:
		return problem(statement, "the statements aren't known")
	default:
		for _, entry := range statement.Entries {
			if entry.Kind != iac.Object {
				return problem(entry, "a statement isn't known")
			}
		}
	}
	return g
}

// opened is a file that a call names.
func (f *finder) opened(r ref, arg hclsyntax.Expression) (*iac.File, string) {
	name, why := f.path(ref{arg, r.scope})
	if why != "" {
		return nil, why
	}
	file, err := f.open(name)
	if err != nil {
		return nil, err.Error()
	}
	return file, ""
}

func (f *finder) open(name string) (*iac.File, error) {
	if got, ok := f.files[name]; ok {
		return got, nil
	}
	if f.config.Open == nil || name == ".." || strings.HasPrefix(name, "../") {
		return nil, errors.New(name + " isn't in the tree")
	}
	file, err := f.config.Open(name)
	if err != nil {
		return nil, err
	}
	f.files[name] = file
	return file, nil
}

func (f *finder) policyFile(r ref, e *hclsyntax.FunctionCallExpr) given {
	file, why := f.opened(r, e.Args[0])
	if why != "" {
		return given{problem: "file: " + why, at: f.where(e.Range()), style: iac.FileFunction}
	}
	f.visitFile(e, file)
	doc, err := iac.ParseJSON(file, wholeSpan(file.Src), iac.Embedded{})
	return f.parsed(iac.FileFunction, file, doc, err)
}

// parsed is a policy in JSON, or why it is none.
func (f *finder) parsed(style iac.Style, file *iac.File, doc *iac.Value, err error) given {
	if err != nil {
		p := problem(file, err)
		return given{problem: p.What, at: p.Where, style: style}
	}
	return checked(given{document: doc, style: style})
}

func (f *finder) policyTemplate(r ref, e *hclsyntax.FunctionCallExpr) given {
	file, why := f.opened(r, e.Args[0])
	if why != "" {
		return given{problem: "templatefile: " + why, at: f.where(e.Range()), style: iac.TemplateFile}
	}
	f.visitFile(e, file)
	p := place{file: file, src: file.Src, lang: iac.HCL}
	name := f.register(p)
	expr, err := f.template(p)
	if err != nil {
		return f.parsed(iac.TemplateFile, file, nil, err)
	}
	vars := f.follow(ref{e.Args[1], r.scope})
	defer f.through(vars.via)()
	if vars.why != "" {
		vars.expr = e.Args[1]
	}
	s := scope{instance: r.instance, block: r.block, template: f.where(e.Range()), text: f.written(e.Range()), vars: &vars.ref}
	n := len(f.pending)
	doc, err := f.json(name, wholeSpan(file.Src), partsOf(expr), f.inText(s))
	f.otherwise(expr, s, f.pending[n:])
	return f.parsed(iac.TemplateFile, file, doc, err)
}

// otherwise notes which of a template's variables it uses where nothing is seen of them in
// the policy.
func (f *finder) otherwise(template hclsyntax.Expression, s scope, seen []point) {
	visit(template, func(n hclsyntax.Node) {
		if e, ok := n.(*hclsyntax.ScopeTraversalExpr); ok && !slices.Contains(seen, pointOf(e.Range())) {
			f.computed = append(f.computed, use{s.given(e.Traversal.RootName()), "also used by a part of the template that is computed (" + f.where(e.Range()) + ")"})
		}
	})
}

// partsOf are the parts of what may be a template.
func partsOf(e hclsyntax.Expression) []hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.TemplateExpr:
		return e.Parts
	case *hclsyntax.TemplateWrapExpr:
		return []hclsyntax.Expression{e.Wrapped}
	}
	return nil
}

// policyText reads a heredoc, in which JSON keeps its place, or a quoted string.
func (f *finder) policyText(r ref, e *hclsyntax.TemplateExpr) given {
	name := e.Range().Filename
	span, ok := f.heredoc(e.Range())
	if !ok || f.places[name].inside != nil {
		return f.quoted(r, e)
	}
	doc, err := f.json(name, span, e.Parts, f.inText(r.scope))
	return f.parsed(iac.Heredoc, f.places[name].file, doc, err)
}

// quoted reads a policy in a string with escapes. What it says is known, but nothing of it
// has a place of its own in the file.
func (f *finder) quoted(r ref, e hclsyntax.Expression) given {
	file, span := f.places[r.expr.Range().Filename].file, f.span(r.expr.Range())
	var src []byte
	var holes []policy.Span
	var exprs []hclsyntax.Expression
	for _, part := range partsOf(e) {
		if s, ok := constant(part); ok {
			src = append(src, s...)
			continue
		}
		holes = append(holes, policy.Span{Start: len(src), End: len(src) + len("${}")})
		src = append(src, "${}"...)
		exprs = append(exprs, part)
	}
	fills := f.inText(r.scope)
	text := &iac.File{Path: file.Path, Lang: iac.JSON, Src: src}
	doc, err := iac.ParseJSON(text, policy.Span{End: len(src)}, iac.Embedded{
		Holes: holes,
		Value: func(i int) *iac.Value { return fills.value(exprs[i]) },
		Scope: fills.scope,
	})
	if err != nil {
		return given{problem: "the quoted string isn't JSON", at: file.Where(span.Start), style: iac.Heredoc}
	}
	walk(doc, func(v *iac.Value) {
		if v.File == text {
			v.File, v.Span, v.Why = file, span, "it stands in a quoted string"
			for i := range v.Members {
				v.Members[i].At = span
			}
		}
	})
	return checked(given{document: doc, style: iac.Heredoc})
}

// walk visits a value and all in it.
func walk(v *iac.Value, visit func(*iac.Value)) {
	if v == nil {
		return
	}
	visit(v)
	for _, entry := range v.Entries {
		walk(entry, visit)
	}
	for _, m := range v.Members {
		walk(m.Value, visit)
	}
}
