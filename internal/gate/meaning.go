package gate

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// What isn't known of a policy is an expression, and an expression is the same text before
// and after only if what it refers to is the same: `${local.bucket}` isn't, if the local
// value that a function computes is given something else. So a placeholder stands for an
// expression together with all that the files say of the names in it, directly or not.
//
// Definitions are taken without their comments and layout. Names are looked for in their
// letters, not in their syntax: one too many makes a policy differ that doesn't, and that is
// a result too many at worst.

// slice collects all that is said of the names in texts.
type slice struct {
	*Definitions
	root    string   // the folder of the root module
	modules []string // of the address: which calls of a module are meant
	seen    map[string]bool
	texts   map[string]bool
	exprs   []definition // what was looked through, for the files that it reads
	known   []string     // files that aren't asked for: those of the document itself
}

func (d *Definitions) slice(s *iac.Source) *slice {
	return &slice{Definitions: d, root: s.Root, modules: modulesOf(s), seen: map[string]bool{}, texts: map[string]bool{}}
}

// modulesOf are the names of the calls in a source's address.
func modulesOf(s *iac.Source) []string {
	var modules []string
	words := strings.Split(s.Address, ".")
	for i := 0; i+1 < len(words) && words[i] == "module"; i += 2 {
		modules = append(modules, words[i+1])
	}
	return modules
}

// digest is of what was collected; empty if there is nothing.
func (s *slice) digest() string {
	for _, file := range s.filesRead() {
		s.texts[file] = true
	}
	if len(s.texts) == 0 {
		return ""
	}
	return digest(slices.Sorted(maps.Keys(s.texts))...)
}

// word is a name in Terraform's expressions.
// https://developer.hashicorp.com/terraform/language/syntax/configuration#identifiers
const word = `[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}-]*`

var (
	// refs are how references begin in Terraform's expressions. A name has letters of any
	// script, which \b and \w don't know.
	refs = regexp.MustCompile(`data\.` + word + `\.` + word + `|` + word + `\.` + word)
	// ids are names in CloudFormation's, and aliases the names of YAML's.
	ids     = regexp.MustCompile(`[A-Za-z0-9]+`)
	aliases = regexp.MustCompile(`(?:^|[\s\[{,])\*[^\s,\[\]{}'"]`)
)

// of collects what is said of the names in a text, in a folder or a template.
func (s *slice) of(dir, text string) {
	if _, ok := s.files[dir]; ok { // a file: a folder has no tree
		s.ofTemplate(dir, text)
		return
	}
	if inlined := s.inline(dir, text); inlined != text { // it has what names of text would be looked up for
		s.texts[dir+"\x00"+inlined] = true
		text = inlined
	}
	s.exprs = append(s.exprs, definition{at: dir, text: text})
	s.nameIn(dir, anyName, anyName)
	for _, span := range refs.FindAllStringIndex(text, -1) {
		attribute, one := suffix(text[span[1]:])
		s.reference(dir, text[span[0]:span[1]], attribute, one)
	}
}

// ofTemplate collects names, and pairs of names, of which the second may be of a property.
func (s *slice) ofTemplate(file, text string) {
	last := ""
	for _, id := range ids.FindAllString(text, -1) {
		s.parameter(file, id)
		s.nameIn(file, id, id)
		s.nameIn(file, last+"."+id, last+"."+id)
		last = id
	}
	if strings.Contains(text, "ImportValue") {
		s.imports(text)
	}
	if aliases.MatchString(text) {
		s.texts[file+"\x00"+s.content(file)] = true // what an alias names is somewhere in it
	}
}

// suffix reads what follows the beginning of a reference: the attribute, if it is told, and
// whether one object is meant, not some or all of several.
func suffix(text string) (attribute string, one bool) {
	one = true
	for {
		switch {
		case strings.HasPrefix(text, "["):
			text, one = text[keyEnd(text):], false
		case strings.HasPrefix(text, ".*"):
			text, one = text[2:], false
		case strings.HasPrefix(text, "."):
			return anAttribute.FindString(text[1:]), one
		default:
			return "", one
		}
	}
}

var anAttribute = regexp.MustCompile(`^` + word)

// keyEnd is where the key that a text begins with ends, brackets in it and its own included.
func keyEnd(text string) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// reference collects what is said of what a reference means.
func (s *slice) reference(dir, base, attribute string, one bool) {
	kind, name, _ := strings.Cut(base, ".")
	switch {
	case kind == "local":
		s.nameIn(dir, base, base)
	case kind == "var":
		s.nameIn(dir, base, base)
		s.argument(dir, name)
	case kind == "module":
		s.nameIn(dir, base, base)
		s.output(dir, name, attribute)
	case kind == "data", !strings.HasPrefix(base, "aws"), attribute == "":
		s.nameIn(dir, base, base)
	default:
		s.attribute(dir, base, attribute, one)
	}
}

// attribute collects what is said of an attribute of a resource of AWS: what is written, or
// what AWS makes it of.
func (s *slice) attribute(dir, base, attribute string, one bool) {
	written := len(s.named[dir+"\x00"+base+"."+attribute]) > 0
	switch {
	case written:
		s.nameIn(dir, base+"."+attribute, attribute)
	case !isIdentity(attribute):
		s.nameIn(dir, base, base)
	}
	if !written || !one {
		s.nameIn(dir, base+itself, base)
	}
}

// nameIn collects what is said of one name. It is remembered as what it is called there.
func (s *slice) nameIn(dir, name, as string) {
	key := dir + "\x00" + name
	if s.seen[key] {
		return
	}
	s.seen[key] = true
	for _, d := range s.named[key] {
		s.definition(as, d)
	}
}

func (s *slice) definition(name string, d definition) {
	if d.text == "" {
		return
	}
	at := cmp.Or(d.dir, d.at)
	s.texts[d.at+"\x00"+name+"\x00"+s.inline(at, d.text)] = true
	s.of(at, d.text)
}

// argument collects the values of a module's variable: settings, and the arguments of calls.
func (s *slice) argument(dir, name string) {
	key := dir + "\x00given." + name
	if s.seen[key] {
		return
	}
	s.seen[key] = true
	if dir == s.root || len(s.calls[dir]) == 0 {
		s.nameIn("", "set."+name, "var."+name)
	}
	for _, c := range s.calls[dir] {
		if len(s.modules) > 0 && !slices.Contains(s.modules, c.name) {
			continue
		}
		arg := text(c.file, c.block.Get(name))
		s.definition("var."+name, definition{at: c.dir, text: arg})
		if strings.Contains(arg, "each.") || strings.Contains(arg, "count.") {
			s.definition("var."+name, definition{at: c.dir, text: repeats(c.file, c.block)})
		}
	}
}

// parameter collects what is given to a template's parameter.
func (s *slice) parameter(file, name string) {
	parameters := s.files[file].Get("Parameters")
	if parameters == nil || parameters.Get(name) == nil {
		return
	}
	s.parameterFiles()
	s.nameIn("", "param."+name, name)
	s.nameIn("", "param."+anyName, name)
	if settings := path.Join(path.Dir(file), "samconfig.toml"); strings.Contains(s.content(settings), name) {
		s.texts[settings+"\x00"+s.content(settings)] = true
	}
}

// output collects what an output of a module is, or all of them.
func (s *slice) output(dir, module, output string) {
	for to, calls := range s.calls {
		if !slices.ContainsFunc(calls, func(c call) bool { return c.dir == dir && c.name == module }) {
			continue
		}
		if output != "" {
			s.nameIn(to, "output."+output, "output."+output)
			continue
		}
		prefix := to + "\x00output."
		for key := range s.named {
			if name, ok := strings.CutPrefix(key, prefix); ok {
				s.nameIn(to, "output."+name, "output."+name)
			}
		}
	}
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
		same, meaning := d.sameAs(s, known, hole), d.meaning(s, hole)
		if same == known && meaning == "" || !strings.Contains(src, known) {
			continue
		}
		settled := placeholder + digest(same, meaning)[:16]
		src = strings.ReplaceAll(src, known, settled)
		p.Unknown[settled] = p.Unknown[known]
	}
	if doc, err := policy.Parse(p.Document.Name, []byte(src)); err == nil {
		p.Document = doc // with letters for letters it parses as before
	}
}

// sameAs is what is the same for the same expression in other layout: the scope that a
// placeholder was made with, if it is that of a module of the address, and the plain
// expression.
func (d *Definitions) sameAs(s *iac.Source, known string, h hole) string {
	switch {
	case s.Style == iac.InTemplate && known == iac.Placeholder("", h.expr):
		return h.file.Path + "\x00" + plainFunction(h.expr)
	case h.file.Lang != iac.HCL && s.Style != iac.TemplateFile:
		return known
	}
	scopes, address := []string{"", scopeOf(s.Root, "")}, ""
	for _, name := range modulesOf(s) {
		address = strings.TrimPrefix(address+".module."+name, ".")
		scopes = append(scopes, scopeOf(s.Root, address))
	}
	for _, scope := range scopes {
		if known == iac.Placeholder(scope, h.expr) {
			expr := plainHCL([]byte(h.expr))
			if strings.HasSuffix(h.file.Path, ".tf") {
				expr = d.inline(path.Dir(h.file.Path), expr)
			}
			return scope + "\x00" + expr
		}
	}
	return known
}

// scopeOf is the scope of a module's expressions, outside of blocks that are repeated.
func scopeOf(root, address string) string {
	return strings.Join([]string{root, address, "", ""}, "\x00")
}

// meaning is a digest of what the files say of an expression; empty: nothing.
func (d *Definitions) meaning(s *iac.Source, h hole) string {
	out := d.slice(s)
	out.known = append(out.known, h.file.Path)
	switch block, dir := d.around(h.file, h.at), path.Dir(h.file.Path); {
	case s.Style == iac.InTemplate:
		out.of(h.file.Path, h.expr)
	case !strings.HasSuffix(h.file.Path, ".tf"): // a file of templatefile's, or .tf.json
		out.block(d.around(s.File, s.At), s.File)
		out.of(path.Dir(s.File.Path), h.expr)
	default:
		expr := plainHCL([]byte(h.expr))
		for _, dir := range append([]string{dir}, d.callers(dir, nil)...) {
			out.of(dir, expr)
		}
		if !inside(d.around(s.File, s.At), s.File, h) {
			out.way(s)
		}
		if block != nil && (strings.Contains(expr, "each.") || strings.Contains(expr, "count.")) {
			out.texts[repeats(h.file, block)] = true
			out.of(dir, repeats(h.file, block))
		}
	}
	return out.digest()
}

// inside says whether a hole is in a block of a file.
func inside(block *iac.Value, f *iac.File, h hole) bool {
	return block != nil && f == h.file && block.Start <= h.at && h.at < block.End
}

// way collects through which calls of modules, and of which of several objects, a policy is
// given that is written elsewhere: the same expression says something else in another.
func (s *slice) way(source *iac.Source) {
	through := s.slice(source)
	through.block(through.around(source.File, source.At), source.File)
	for _, e := range through.exprs {
		for _, span := range refs.FindAllStringIndex(e.text, -1) {
			end := span[1]
			if strings.HasPrefix(e.text[end:], "[") {
				end += keyEnd(e.text[end:])
			}
			if ref := e.text[span[0]:end]; strings.HasPrefix(ref, "module.") || end > span[1] {
				s.texts[e.at+"\x00"+ref] = true
			}
		}
	}
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

// callers are the folders from which a folder's module is called, and so on.
func (d *Definitions) callers(dir string, known []string) []string {
	for _, c := range d.calls[dir] {
		if c.dir != dir && !slices.Contains(known, c.dir) {
			known = d.callers(c.dir, append(known, c.dir))
		}
	}
	return known
}
