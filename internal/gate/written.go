package gate

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v4"

	"github.com/pare-iam/pare/internal/iac"
)

// text is what is written of a value, without comments and layout as far as these mean
// nothing; empty for none.
func text(f *iac.File, v *iac.Value) string {
	if v == nil {
		return ""
	}
	src := f.Src[v.Start:v.End]
	switch {
	case f.Lang == iac.HCL && v.Lang != iac.JSON:
		return plainHCL(src)
	case f.Lang == iac.YAML, f.Lang == iac.JSON:
		var out strings.Builder
		plainData(&out, f, v)
		return out.String()
	}
	return strings.TrimSpace(string(src))
}

// plainHCL is an expression or a body without comments, and with blanks only where two words
// would become one. What is in quotes or a heredoc stays.
func plainHCL(src []byte) string {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos) // a text that was parsed, or a part of one
	var out strings.Builder
	var last hclsyntax.TokenType
	comma := false // it is written once something else follows than the end of its list
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenComment || t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenEOF {
			continue
		}
		closes := t.Type == hclsyntax.TokenCBrack || t.Type == hclsyntax.TokenCBrace || t.Type == hclsyntax.TokenCParen
		if comma && !closes {
			out.WriteByte(',')
		}
		if comma = t.Type == hclsyntax.TokenComma; comma {
			last = t.Type
			continue
		}
		if isWord(last) && isWord(t.Type) {
			out.WriteByte(' ')
		}
		out.Write(t.Bytes)
		last = t.Type
	}
	return out.String()
}

// isWord says whether a token may become one with another. A minus may be a part of a name.
func isWord(t hclsyntax.TokenType) bool {
	return t == hclsyntax.TokenIdent || t == hclsyntax.TokenNumberLit || t == hclsyntax.TokenMinus
}

// plainData is a value of YAML or JSON, of what is known of it in one form. What isn't is
// as it is written.
func plainData(out *strings.Builder, f *iac.File, v *iac.Value) {
	switch v.Kind {
	case iac.Object:
		out.WriteByte('{')
		for _, m := range v.Members {
			out.WriteString(quoted(m.Key) + ":")
			plainData(out, f, m.Value)
			out.WriteByte(',')
		}
		out.WriteByte('}')
	case iac.List:
		out.WriteByte('[')
		for _, e := range v.Entries {
			plainData(out, f, e)
			out.WriteByte(',')
		}
		out.WriteByte(']')
	case iac.Text:
		if len(v.Holes) == 0 {
			out.WriteString(quoted(v.Text))
			return
		}
		out.WriteString(strings.TrimSpace(string(f.Src[v.Start:v.End])))
	case iac.Literal:
		out.WriteString(v.Text)
	case iac.Unknown:
		out.WriteString(plainFunction(string(f.Src[v.Start:v.End])))
	}
}

// plainFunction is a function of CloudFormation's in one form, whether it is written short
// or long; what can't be read by itself, such as an alias, is as it is written.
func plainFunction(src string) string {
	var doc yaml.Node
	loader, err := yaml.NewLoader(strings.NewReader(src))
	if err != nil || loader.Load(&doc) != nil || len(doc.Content) != 1 {
		return strings.TrimSpace(src)
	}
	var out strings.Builder
	if !plainNode(&out, doc.Content[0]) {
		return strings.TrimSpace(src)
	}
	return out.String()
}

// plainNode writes a node, and says whether it could.
func plainNode(out *strings.Builder, n *yaml.Node) bool {
	if name, ok := strings.CutPrefix(n.Tag, "!"); ok && !strings.HasPrefix(name, "!") {
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		plain := *n
		plain.Tag = ""
		return plainCall(out, name, &plain)
	}
	ok := true
	switch n.Kind {
	case yaml.ScalarNode:
		out.WriteString(quoted(n.Value))
	case yaml.SequenceNode:
		out.WriteByte('[')
		for _, e := range n.Content {
			ok = plainNode(out, e) && ok
			out.WriteByte(',')
		}
		out.WriteByte(']')
	case yaml.MappingNode:
		if len(n.Content) == 2 {
			return plainCall(out, n.Content[0].Value, n.Content[1])
		}
		out.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			ok = plainCall(out, n.Content[i].Value, n.Content[i+1]) && ok
			out.WriteByte(',')
		}
		out.WriteByte('}')
	default: // an alias names something that isn't here
		return false
	}
	return ok
}

// plainCall writes a key and a value. A.B of Fn::GetAtt is a list of two.
func plainCall(out *strings.Builder, name string, arg *yaml.Node) bool {
	out.WriteString("{" + quoted(name) + ":")
	if resource, attribute, ok := strings.Cut(arg.Value, "."); ok && name == "Fn::GetAtt" {
		out.WriteString("[" + quoted(resource) + "," + quoted(attribute) + ",]}")
		return true
	}
	ok := plainNode(out, arg)
	out.WriteByte('}')
	return ok
}

func quoted(s string) string {
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
