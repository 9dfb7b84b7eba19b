package iac

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// quoting is how a text is written.
type quoting struct {
	lang  Lang
	quote byte // YAML's: a quotation mark, or 0 for plain text

	// template says that the text is JSON in a file of Terraform, where "${" and "%{" must be
	// doubled.
	template bool
}

// quotingOf is how the text of an entry is written.
func quotingOf(f *File, entry *Value) quoting {
	q := quoting{lang: entry.Lang, template: f.Lang == HCL && entry.Lang == JSON}
	if c := f.Src[entry.Start]; q.lang == YAML && (c == '"' || c == '\'') {
		q.quote = c
	}
	return q
}

// write writes a text in the language's syntax. What YAML would take for something else
// than a text isn't left plain.
func (q quoting) write(text string) string {
	switch q.lang {
	case YAML:
		return q.yaml(text)
	case HCL:
		return hclQuoted(text)
	case JSON:
		if q.template {
			return jsonQuoted(templateEscapes.Replace(text))
		}
	}
	return jsonQuoted(text)
}

// templateEscapes are Terraform's, of what would begin an interpolation or a directive.
var templateEscapes = strings.NewReplacer("${", "$${", "%{", "%%{")

func jsonQuoted(text string) string {
	out, err := jsontext.AppendQuote(nil, text)
	if err != nil { // Apply takes texts of UTF-8 alone
		panic("iac: " + err.Error())
	}
	return string(out)
}

// hclQuoted writes a quoted template of HCL, whose escapes are those of JSON but for \b, \f
// and the slash, which nobody has to escape.
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions
func hclQuoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range templateEscapes.Replace(text) {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (q quoting) yaml(text string) string {
	printable := !strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && !unicode.IsGraphic(r) })
	switch {
	case q.quote == 0 && plain(text):
		return text
	case q.quote == '\'' && printable:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return jsonQuoted(text)
}

// plain says whether a text may stand in YAML without quotes, in flow lists too, and is a
// text to every reader of YAML. It is strict: names of actions and ARNs are plain, and most
// else isn't. The colon keeps out numbers, dates and words such as "no".
func plain(text string) bool {
	const inside = "._-/*?"
	ok := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(inside, r))
	}
	before, after, found := strings.Cut(text, ":")
	return found && before != "" && after != "" && unicode.IsLetter(rune(before[0])) &&
		!strings.HasSuffix(after, ":") && !strings.ContainsFunc(before+strings.ReplaceAll(after, ":", ""), func(r rune) bool { return !ok(r) })
}

// lineBreak is the file's: of the first line.
func lineBreak(src []byte) string {
	if at := bytes.IndexByte(src, '\n'); at > 0 && src[at-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lineIndent is the white space that the line of an offset begins with.
func lineIndent(src []byte, offset int) string {
	line := src[lineStart(src, offset):offset]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}
