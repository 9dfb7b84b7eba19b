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
// text in the place of interpolations. If an expression reads files and none is found,
// all of its folder count.

var (
	// reading are calls of the functions that read files.
	readingFiles = regexp.MustCompile(`\b(?:file\w*|templatefile)\(`)
	// literals are texts in quotes, quotes in their interpolations included.
	literals = regexp.MustCompile(`"((?:[^"\\$]|\\.|\$\{[^}]*\}|\$)+)"`)
	// holes are what isn't written of a text: interpolations, and the verbs of format.
	holesIn = regexp.MustCompile(`\$\{[^}]*\}|%[sdv]`)
)

// filesRead are the files that what was collected may read, each with its content's digest.
func (s *slice) filesRead() []string {
	reads := slices.ContainsFunc(s.exprs, func(e definition) bool { return readingFiles.MatchString(e.text) })
	var out, folders []string
	found := false
	for _, e := range s.exprs {
		bases := append([]string{e.at, "."}, s.callers(e.at, nil)...)
		for _, literal := range literals.FindAllStringSubmatch(e.text, -1) {
			for _, base := range bases {
				for _, name := range s.matching(base, literal[1], reads) {
					found = true
					if !slices.Contains(s.known, name) {
						out = append(out, name+"\x00"+digest(s.content(name)))
					}
				}
			}
		}
		folders = append(folders, e.at)
	}
	if !reads || found {
		return out
	}
	slices.Sort(folders)
	for _, dir := range slices.Compact(folders) {
		out = append(out, dir+"\x00"+s.folder(dir))
	}
	return out
}

// matching are the files that a text in quotes may name below a folder.
func (s *slice) matching(base, literal string, reads bool) []string {
	for _, here := range []string{"${path.module}/", "${path.root}/", "${path.cwd}/"} {
		literal = strings.TrimPrefix(literal, here)
	}
	name := path.Join(base, literal)
	pattern := holesIn.ReplaceAllLiteralString(name, "*")
	matches := []string{name}
	if pattern != name {
		if !reads || strings.Trim(path.Base(pattern), "*") == "" { // any text would do
			return nil
		}
		var err error
		if matches, err = fs.Glob(s.tree, pattern); err != nil { // no pattern, and so no file
			return nil
		}
	}
	return slices.DeleteFunc(matches, func(name string) bool { return s.content(name) == "" })
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
