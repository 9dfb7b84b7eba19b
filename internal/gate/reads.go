package gate

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// An expression may be made of other files: by file, templatefile and fileset, or by a data
// source that opens one. They are those of the tree that texts in quotes name, with any
// text, slashes too, in the place of interpolations. Where a call doesn't tell so which file
// it reads, all of its folder count.

var (
	// readingFiles are calls of the functions that read files.
	readingFiles = regexp.MustCompile(`\b(?:file\w*|templatefile)\(\s*`)
	// literals are texts in quotes, quotes in their interpolations included; in JSON quotes
	// are doubled, which the second reads.
	literals = []*regexp.Regexp{regexp.MustCompile(`"(` + inQuotes + `*)"`), regexp.MustCompile(`"(` + inQuotes + `+)"`)}
	// literalFirst is one that an argument begins with.
	literalFirst = regexp.MustCompile(`^\x01*"+(` + inQuotes + `+)"`)
	// nameFirst is an argument that is a name, of a text that is written elsewhere.
	nameFirst = regexp.MustCompile(`^(?:local|var)\.` + word + `[,)]`)
	// holesIn are what isn't written of a text: interpolations, and the verbs of format.
	holesIn = regexp.MustCompile(`\$\{[^}]*\}|%[sdv]`)
)

const inQuotes = `(?:[^"\\$]|\\.|\$\{[^}]*\}|\$)`

// filesRead are the files that what was collected may read, each with its content's digest.
func (s *slice) filesRead() []string {
	reads := slices.ContainsFunc(s.exprs, func(e definition) bool { return readingFiles.MatchString(e.text) })
	var out []string
	found := false
	for _, e := range s.exprs {
		for _, form := range literals {
			for _, literal := range form.FindAllStringSubmatch(e.text, -1) {
				for _, name := range s.filesOf(e.at, literal[1], reads) {
					found = true
					if !slices.Contains(s.known, name) {
						out = append(out, name+"\x00"+digest(s.content(name)))
					}
				}
			}
		}
	}
	for _, e := range s.exprs {
		if !s.tells(e, found) {
			out = append(out, e.at+"\x00"+s.folder(e.at))
		}
	}
	return out
}

// tells says whether each call of an expression that reads files tells which: by a text that
// names some, or by a name of such a text if there is one anywhere.
func (s *slice) tells(e definition, found bool) bool {
	for _, call := range readingFiles.FindAllStringIndex(e.text, -1) {
		argument := e.text[call[1]:]
		literal := literalFirst.FindStringSubmatch(argument)
		switch {
		case literal != nil && len(s.filesOf(e.at, literal[1], true)) > 0:
		case literal == nil && found && nameFirst.MatchString(argument):
		default:
			return false
		}
	}
	return true
}

// filesOf are those that a text in quotes may name in an expression of a folder.
func (s *slice) filesOf(dir, literal string, reads bool) []string {
	if below, ok := strings.CutPrefix(literal, "${path.module}/"); ok {
		return s.matching(dir, below, reads)
	}
	for _, here := range []string{"${path.root}/", "${path.cwd}/"} {
		literal = strings.TrimPrefix(literal, here)
	}
	var out []string
	for _, base := range append([]string{dir, "."}, s.callers(dir, nil)...) {
		out = append(out, s.matching(base, literal, reads)...)
	}
	return out
}

// matching are the files that a text in quotes may name below a folder.
func (d *Definitions) matching(base, literal string, reads bool) []string {
	name := path.Join(base, literal)
	pattern := holesIn.ReplaceAllLiteralString(name, "*")
	if pattern == name {
		if d.content(name) == "" {
			return nil
		}
		return []string{name}
	}
	if !reads || strings.Trim(path.Base(pattern), "*") == "" { // any text would do
		return nil
	}
	re := regexp.QuoteMeta(pattern)
	re = strings.ReplaceAll(re, `\*/`, `(?:.*/)?`)
	like := regexp.MustCompile(`^` + strings.ReplaceAll(re, `\*`, `.*`) + `$`)
	var out []string
	for _, name := range d.allNames() {
		if like.MatchString(name) && d.content(name) != "" {
			out = append(out, name)
		}
	}
	return out
}

// allNames are the paths of the tree's files, but for those that tools make.
func (d *Definitions) allNames() []string {
	if d.names != nil {
		return d.names
	}
	d.names = []string{}
	_ = fs.WalkDir(d.tree, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil: // a folder that can't be read is told of where files are read
			return fs.SkipDir
		case e.IsDir() && slices.Contains([]string{".git", ".terraform", "node_modules"}, e.Name()):
			return fs.SkipDir
		case !e.IsDir():
			d.names = append(d.names, name)
		}
		return nil
	})
	return d.names
}

// content is what is in a file of the tree; empty if it isn't a file there.
func (d *Definitions) content(name string) string {
	if out, ok := d.read[name]; ok || !fs.ValidPath(name) {
		return out
	}
	out := ""
	if info, err := fs.Stat(d.tree, name); err == nil && info.Mode().IsRegular() {
		if src, err := fs.ReadFile(d.tree, name); err == nil {
			out = string(src)
		}
	}
	d.read[name] = out
	return out
}

// folder is a digest of all files in a folder and below it.
func (d *Definitions) folder(dir string) string {
	key := dir + "/"
	if out, ok := d.read[key]; ok {
		return out
	}
	var all []string
	err := fs.WalkDir(d.tree, dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == ".git" || e.Name() == ".terraform"):
			return fs.SkipDir
		case e.Type().IsRegular() && !strings.HasSuffix(name, ".tf"):
			all = append(all, name, digest(d.content(name)))
		}
		return nil
	})
	if err != nil {
		all = append(all, err.Error())
	}
	d.read[key] = digest(all...)
	return d.read[key]
}
