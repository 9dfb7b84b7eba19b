package terraform

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// place is what the file name in a range of HCL's stands for.
type place struct {
	file *iac.File
	src  []byte // what the ranges' offsets are of
	lang iac.Lang

	// inside is the span of file that src was decoded from, as a string of JSON is; why then
	// says why nothing of it can be changed by itself.
	inside *policy.Span
	why    string
}

// reader makes values of expressions. Every expression knows by its range which place it
// stands in.
type reader struct {
	places map[string]place
	arrays map[*hclsyntax.Block]*iac.Value // of the blocks that entries of an array in JSON are
}

func newReader() reader {
	return reader{places: map[string]place{}, arrays: map[*hclsyntax.Block]*iac.Value{}}
}

// register has the name that ranges in a file bear.
func (r *reader) register(p place) string {
	name := p.file.Path
	if p.inside != nil {
		name = fmt.Sprintf("%s\x00%d\x00%s", name, p.inside.Start, p.why)
	}
	r.places[name] = p
	return name
}

// span is where in the file a range is.
func (r *reader) span(rng hcl.Range) policy.Span {
	p := r.places[rng.Filename]
	if p.inside != nil {
		return *p.inside
	}
	return policy.Span{Start: rng.Start.Byte, End: rng.End.Byte}
}

// at is a value of a kind at a range.
func (r *reader) at(rng hcl.Range, kind iac.Kind) *iac.Value {
	p := r.places[rng.Filename]
	return &iac.Value{Kind: kind, File: p.file, Span: r.span(rng), Lang: p.lang, Why: p.why}
}

// where says path:line:column of a range.
func (r *reader) where(rng hcl.Range) string {
	return r.places[rng.Filename].file.Where(r.span(rng).Start)
}

// unknown is the value of an expression that computes something.
func (r *reader) unknown(e hclsyntax.Expression, why string) *iac.Value {
	v := r.at(e.Range(), iac.Unknown)
	v.Text, v.Why = r.written(e.Range()), why
	return v
}

// written is a range's text without comments and with one blank, at most, between tokens.
func (r *reader) written(rng hcl.Range) string {
	src := r.places[rng.Filename].src[rng.Start.Byte:rng.End.Byte]
	tokens, _ := hclsyntax.LexExpression(src, rng.Filename, hcl.InitialPos)
	var b strings.Builder
	end := 0
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenComment || t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenEOF {
			continue
		}
		if b.Len() > 0 && t.Range.Start.Byte > end {
			b.WriteByte(' ')
		}
		b.Write(t.Bytes)
		end = t.Range.End.Byte
	}
	return b.String()
}

// literal is the value of a number, a Boolean or null.
func (r *reader) literal(e *hclsyntax.LiteralValueExpr) *iac.Value {
	v := r.at(e.Range(), iac.Literal)
	v.Text = r.written(e.Range())
	if n, err := cty.ParseNumberVal(v.Text); err == nil { // 1.10 is 1.1 in a text, and in JSON
		if text, err := convert.Convert(n, cty.String); err == nil {
			v.Text = text.AsString()
		}
	}
	return v
}

// fill gives the value of an interpolation, and the scope of its placeholder.
type fill struct {
	value func(hclsyntax.Expression) *iac.Value
	scope string
}

// text is a template as a text, with holes for what isn't known.
func (r *reader) text(e *hclsyntax.TemplateExpr, holes fill) *iac.Value {
	v := r.at(e.Range(), iac.Text)
	for _, part := range e.Parts {
		if s, ok := constant(part); ok {
			v.Text += s
			continue
		}
		got := holes.value(part)
		switch got.Kind {
		case iac.Text:
			for _, h := range got.Holes {
				v.Holes = append(v.Holes, iac.Hole{Span: shift(h.Span, len(v.Text)), Expr: h.Expr})
			}
			v.Text += got.Text
		case iac.Literal:
			v.Text += got.Text
		case iac.Unknown, iac.List, iac.Object:
			expr := r.written(part.Range())
			in := iac.Placeholder(holes.scope, expr)
			v.Holes = append(v.Holes, iac.Hole{Span: policy.Span{Start: len(v.Text), End: len(v.Text) + len(in)}, Expr: expr})
			v.Text += in
		}
	}
	return v
}

func shift(s policy.Span, by int) policy.Span {
	return policy.Span{Start: s.Start + by, End: s.End + by}
}

// constant is the text of a part of a template that is no interpolation.
func constant(e hclsyntax.Expression) (string, bool) {
	lit, ok := e.(*hclsyntax.LiteralValueExpr)
	if !ok || lit.Val.IsNull() || !lit.Val.IsKnown() || lit.Val.Type() != cty.String {
		return "", false
	}
	return lit.Val.AsString(), true
}

// heredoc is the span between the markers of a heredoc, and whether it is one.
func (r *reader) heredoc(rng hcl.Range) (policy.Span, bool) {
	src := r.places[rng.Filename].src
	whole := src[rng.Start.Byte:rng.End.Byte]
	if !strings.HasPrefix(string(whole[:min(2, len(whole))]), "<<") {
		return policy.Span{}, false
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	last := strings.LastIndexByte(string(whole), '\n') + 1
	return policy.Span{Start: rng.Start.Byte + first, End: rng.Start.Byte + max(first, last)}, true
}

// json reads a template that is JSON as the value that it is. The span is in the bytes of
// a file as it is; parts are the template's.
func (r *reader) json(name string, span policy.Span, parts []hclsyntax.Expression, holes fill) (*iac.Value, error) {
	p := r.places[name]
	found, err := r.interpolations(p, span)
	if err != nil {
		return nil, err
	}
	var exprs []hclsyntax.Expression
	for _, h := range found {
		exprs = append(exprs, within(parts, h))
	}
	return iac.ParseJSON(p.file, span, iac.Embedded{
		Holes: found,
		Value: func(i int) *iac.Value {
			if exprs[i] == nil {
				return &iac.Value{Kind: iac.Unknown, Text: string(p.src[found[i].Start:found[i].End]), Why: "a template directive computes it"}
			}
			return holes.value(exprs[i])
		},
		Scope:    holes.scope,
		Unescape: unescape,
	})
}

// unescape is the text that a template's escapes stand for.
func unescape(s string) string { return strings.NewReplacer("$${", "${", "%%{", "%{").Replace(s) }

// interpolations are the spans of a template's "${…}", and an error at a directive, which
// no JSON can be read around.
func (r *reader) interpolations(p place, span policy.Span) ([]policy.Span, error) {
	tokens, _ := hclsyntax.LexTemplate(p.src[span.Start:span.End], p.file.Path, hcl.Pos{Byte: span.Start})
	var found []policy.Span
	depth, start := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			if t.Type == hclsyntax.TokenTemplateControl && depth == 0 {
				return nil, r.mistake(p, t.Range.Start.Byte, "a template directive %{…} computes the policy")
			}
			if depth == 0 && strings.HasSuffix(string(t.Bytes), "~") {
				return nil, r.mistake(p, t.Range.Start.Byte, "${~ takes blanks away")
			}
			if depth == 0 {
				start = t.Range.Start.Byte
			}
			depth++
		case hclsyntax.TokenTemplateSeqEnd:
			if depth--; depth != 0 {
				continue
			}
			if strings.HasPrefix(string(t.Bytes), "~") {
				return nil, r.mistake(p, t.Range.Start.Byte, "~} takes blanks away")
			}
			found = append(found, policy.Span{Start: start, End: t.Range.End.Byte})
		}
	}
	return found, nil
}

// within is the part of a template that an interpolation holds, and nil if there is none.
func within(parts []hclsyntax.Expression, hole policy.Span) hclsyntax.Expression {
	for _, part := range parts {
		if rng := part.Range(); hole.Start <= rng.Start.Byte && rng.End.Byte <= hole.End && rng.Start.Byte > hole.Start {
			return part
		}
	}
	return nil
}

// placed is an error that knows where it is.
type placed struct {
	where, what string
}

// Error is "where: what".
func (e *placed) Error() string { return e.where + ": " + e.what }

func (r *reader) mistake(p place, offset int, what string) error {
	if p.inside != nil {
		offset = p.inside.Start
	}
	return &placed{p.file.Where(offset), what}
}

// failure is the first error of HCL's diagnostics.
func (r *reader) failure(p place, diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		offset := 0
		if d.Subject != nil {
			offset = min(d.Subject.Start.Byte, len(p.src))
		}
		return r.mistake(p, offset, lower(cmp.Or(d.Detail, d.Summary)))
	}
	return nil
}

// lower is a sentence of HCL's as our messages are.
func lower(s string) string {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// guard runs HCL's parser, which has panicked on bad input before.
func (r *reader) guard(p place, parse func() hcl.Diagnostics) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = r.mistake(p, 0, fmt.Sprintf("the parser of HCL gave up: %v", v))
		}
	}()
	if at := tooDeep(p.src); at >= 0 {
		return r.mistake(p, at, fmt.Sprintf("nested more than %d levels deep", maxNesting))
	}
	return r.failure(p, parse())
}

// maxNesting is how deep a file may nest. HCL's parser calls itself at each level, and a
// stack that is used up can't be recovered from.
const maxNesting = 1000

// tooDeep is where a text may nest deeper than that, and -1 if it can't. Brackets in
// strings and comments count too; nobody writes so many that aren't closed.
func tooDeep(src []byte) int {
	open, signs, conditions := 0, 0, 0 // brackets, signs in a row, conditions in the file
	for i, c := range src {
		switch c {
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			open = max(0, open-1)
		case '?', '%': // directives too
			conditions++
		case '!', '-':
			signs++
			if signs <= maxNesting {
				continue
			}
		case ' ', '\t', '\r', '\n':
			continue
		}
		if open > maxNesting || signs > maxNesting || conditions > 10*maxNesting {
			return i
		}
		if c != '!' && c != '-' {
			signs = 0
		}
	}
	return -1
}

// body reads a file of HCL.
func (r *reader) body(f *iac.File) (*hclsyntax.Body, error) {
	p := place{file: f, src: f.Src, lang: iac.HCL}
	name := r.register(p)
	var body *hclsyntax.Body
	err := r.guard(p, func() hcl.Diagnostics {
		file, diags := hclsyntax.ParseConfig(f.Src, name, hcl.InitialPos)
		if !diags.HasErrors() {
			body, _ = file.Body.(*hclsyntax.Body)
		}
		return diags
	})
	return body, err
}

// template reads the bytes of a place as a template.
func (r *reader) template(p place) (hclsyntax.Expression, error) {
	name := r.register(p)
	var expr hclsyntax.Expression
	err := r.guard(p, func() (diags hcl.Diagnostics) {
		expr, diags = hclsyntax.ParseTemplate(p.src, name, hcl.InitialPos)
		return diags
	})
	return expr, err
}

// problem is an error as what is wrong with a file.
func problem(f *iac.File, err error) iac.Problem {
	if p, ok := errors.AsType[*placed](err); ok {
		return iac.Problem{Where: p.where, What: p.what}
	}
	what := err.Error()
	if rest, ok := strings.CutPrefix(what, f.Path+":"); ok {
		if where, after, ok := strings.Cut(rest, ": "); ok {
			return iac.Problem{Where: f.Path + ":" + where, What: after}
		}
	}
	return iac.Problem{Where: f.Path, What: what}
}
