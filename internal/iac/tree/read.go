package tree

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/cloudformation"
	"github.com/pare-iam/pare/internal/iac/terraform"
)

// MaxSize is the size in bytes of the largest file that is read. CloudFormation takes
// templates of 1 MB, and no file that a person keeps is near it.
const MaxSize = 16 << 20

// Options say what to read.
type Options struct {
	Root  string   // the folder that isn't left: a repository, or the folder asked for
	Paths []string // files and folders below Root, relative to it with slashes; empty is all of it

	// Beyond has Terraform's files read in all of Root, so that modules and what uses them
	// are known wherever they are, and not below Paths alone.
	Beyond bool
}

// Tree is a folder's files with the policies in them.
type Tree struct {
	Options
	Files    []*iac.File   // in the order of their paths
	Sources  []*iac.Source // in the order of where they stand
	Problems []iac.Problem // in the order of where they are

	opened map[string]*iac.File // by path: Files, and what a policy was read from besides
	unseen []unseen
	needed map[string]bool // folders with modules of Paths, or that those call
}

// Read reads the files of a folder and finds the policies in them. The error is of a root
// or a wanted path that can't be read at all, and of ctx.
func Read(ctx context.Context, o Options) (*Tree, error) {
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return nil, err
	}
	t := &Tree{Options: o, opened: map[string]*iac.File{}}
	r := reader{ctx: ctx, root: root, tree: t}
	err = errors.Join(r.wanted(), r.walk(), root.Close())
	if err != nil {
		return nil, err
	}
	t.find()
	return t, nil
}

// Has says whether a file was read, by its path below Root: one of Files, or one that a
// policy was read from besides.
func (t *Tree) Has(path string) bool { return t.opened[path] != nil }

// With is the tree as it is with other bytes in some of its files. Nothing is read: what
// the tree hasn't opened yet isn't there.
func (t *Tree) With(changed map[*iac.File][]byte) *Tree {
	next := &Tree{Options: t.Options, opened: map[string]*iac.File{}, unseen: t.unseen}
	for name, f := range t.opened {
		if src, ok := changed[f]; ok {
			f = &iac.File{Path: f.Path, Lang: f.Lang, Src: src}
		}
		next.opened[name] = f
	}
	for _, f := range t.Files {
		next.Files = append(next.Files, next.opened[f.Path])
	}
	next.find()
	return next
}

// Wanted says whether a source stands in Paths, or belongs to a root module there.
func (t *Tree) Wanted(s *iac.Source) bool {
	return wanted(t.Paths, s.File.Path) || wanted(t.Paths, s.Root)
}

// Concerns says whether a problem is about a file of Paths, about one beside it, or about
// one of a module that they call: a policy of theirs may be in it.
func (t *Tree) Concerns(p iac.Problem) bool {
	name := position.ReplaceAllLiteralString(p.Where, "")
	called := t.needed[path.Dir(name)] && terraformFile(name)
	return wanted(t.Paths, name) || called || slices.ContainsFunc(t.Paths, func(p string) bool { return path.Dir(p) == path.Dir(name) && langOf(p) != 0 })
}

// position is what stands behind a path in where a problem is.
var position = regexp.MustCompile(`:[0-9]+:[0-9]+$`)

func wanted(paths []string, name string) bool {
	return len(paths) == 0 || slices.ContainsFunc(paths, func(p string) bool {
		return p == "." || name == p || strings.HasPrefix(name, p+"/")
	})
}

// Parse reads a file of any of the languages as a whole. JSON that isn't JSON by itself may
// be a template of Terraform's.
func Parse(f *iac.File) (*iac.Value, error) {
	if terraformFile(f.Path) || f.Lang == iac.HCL {
		return terraform.Parse(f)
	}
	v, err := cloudformation.Parse(f)
	if err != nil && f.Lang == iac.JSON {
		if template, templateErr := terraform.Parse(f); templateErr == nil {
			return template, nil
		}
	}
	return v, err
}

func terraformFile(name string) bool {
	return slices.ContainsFunc([]string{".tf", ".tf.json", ".tfvars", ".tfvars.json"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// langOf is the language that a name stands for; 0: not one of ours.
func langOf(name string) iac.Lang {
	ext := path.Ext(name)
	if ext == ".tf" || ext == ".tfvars" { // Terraform knows no others
		return iac.HCL
	}
	switch strings.ToLower(ext) {
	case ".yaml", ".yml":
		return iac.YAML
	case ".json", ".jsonc":
		return iac.JSON
	case ".template": // CloudFormation's own suffix, for either language
		return iac.YAML
	}
	return 0
}

// made are folders of what tools made or fetched.
var made = []string{".git", ".hg", ".svn", ".terraform", ".terragrunt-cache", "node_modules", ".aws-sam", ".serverless", ".venv", "vendor"}

type reader struct {
	ctx  context.Context
	root *os.Root
	tree *Tree

	links []link // to files in the root
}

// wanted refuses paths that aren't there.
func (r *reader) wanted() error {
	var errs []error
	for _, p := range r.tree.Paths {
		_, err := r.root.Stat(filepath.FromSlash(p))
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s: %w", p, pathErr.Err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *reader) walk() error {
	from := r.tree.Paths
	if r.tree.Beyond || len(from) == 0 {
		from = []string{"."}
	}
	seen := map[string]bool{}
	for _, p := range from {
		if err := r.walkFrom(p, seen); err != nil {
			return err
		}
	}
	slices.SortFunc(r.tree.Files, func(a, b *iac.File) int { return cmp.Compare(a.Path, b.Path) })
	r.followed()
	return nil
}

func (r *reader) walkFrom(from string, seen map[string]bool) error {
	return fs.WalkDir(r.root.FS(), from, func(name string, d fs.DirEntry, err error) error {
		switch {
		case seen[name] && d != nil && d.IsDir():
			return fs.SkipDir
		case seen[name]:
			return nil
		}
		seen[name] = true
		if err == nil && (d.Type()&fs.ModeSymlink != 0 || tofuFile(name)) {
			r.elsewhere(name)
		}
		switch {
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case err != nil:
			r.problem(name, err)
			return nil
		case d.IsDir():
			if name != from && slices.Contains(made, d.Name()) {
				return fs.SkipDir
			}
			return nil
		case langOf(name) == 0 && slices.Contains(r.tree.Paths, name):
			r.tree.problem(name, "not read: want .tf, .tf.json, .yaml, .yml, .json or .template")
			return nil
		case langOf(name) == 0, !terraformFile(name) && !wanted(r.tree.Paths, name):
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			r.link(name)
			return nil
		case !d.Type().IsRegular():
			r.tree.problem(name, "not a file: not read")
			return nil
		}
		r.add(name)
		return nil
	})
}

// link is a symlink, and what it leads to.
type link struct {
	name string
	to   fs.FileInfo
}

// elsewhere notes that a symlink, or a file of OpenTofu's, may use what is in folders.
func (r *reader) elsewhere(name string) {
	why := name + " may use it, and isn't read"
	if terraformFile(name) || tofuFile(name) {
		r.tree.unseen = append(r.tree.unseen, unseen{path.Dir(name), false, why})
	}
	at, err := filepath.EvalSymlinks(filepath.Join(r.tree.Root, filepath.FromSlash(name)))
	if err != nil {
		return // told as a problem where it matters
	}
	root, err := filepath.EvalSymlinks(r.tree.Root)
	if err != nil {
		return
	}
	rel, err := filepath.Rel(root, at)
	if err != nil || !filepath.IsLocal(rel) {
		return
	}
	to := filepath.ToSlash(rel)
	if info, err := os.Stat(at); err == nil && info.IsDir() {
		r.tree.unseen = append(r.tree.unseen, unseen{to, true, why})
		return
	}
	if terraformFile(name) {
		r.tree.unseen = append(r.tree.unseen, unseen{path.Dir(to), false, why})
	}
}

// unseen is a folder, perhaps with all below it, that something uses which isn't read.
type unseen struct {
	dir   string
	below bool
	why   string
}

// unseenFolders are the folders with Terraform's files that something unread may use.
func (t *Tree) unseenFolders(files []*iac.File) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		dir := path.Dir(f.Path)
		for _, u := range t.unseen {
			in := dir == u.dir || u.below && (u.dir == "." || strings.HasPrefix(dir, u.dir+"/"))
			if in && out[dir] == "" && (strings.HasSuffix(f.Path, ".tf") || strings.HasSuffix(f.Path, ".tf.json")) {
				out[dir] = u.why
			}
		}
	}
	return out
}

// link notes a symlink, and tells of one that leaves the root.
func (r *reader) link(name string) {
	info, err := r.root.Stat(filepath.FromSlash(name))
	switch {
	case err != nil:
		r.tree.problem(name, "a symlink that leads out of the folder, or nowhere: not followed")
	case info.Mode().IsRegular():
		r.links = append(r.links, link{name, info})
	}
}

// followed tells of symlinks to files that aren't read at their own places: what is in
// them would be seen nowhere.
func (r *reader) followed() {
	for _, l := range r.links {
		read := func(f *iac.File) bool {
			info, err := r.root.Lstat(filepath.FromSlash(f.Path))
			return err == nil && os.SameFile(info, l.to) && (wanted(r.tree.Paths, f.Path) || !wanted(r.tree.Paths, l.name))
		}
		if slices.ContainsFunc(r.tree.Files, read) || r.holdsNothing(l.name) {
			continue
		}
		r.tree.problem(l.name, "a symlink to a file that isn't read at its own place, and isn't followed: give the folder that the file is in too")
	}
}

// holdsNothing says whether a symlink leads to YAML or JSON without a policy or template.
func (r *reader) holdsNothing(name string) bool {
	f, err := r.open(name)
	return err == nil && !terraformFile(name) && !mayHold(f.Src) && !wide(f.Src)
}

func (r *reader) add(name string) {
	f, err := r.open(name)
	switch {
	case err != nil:
		r.problem(name, err)
	case wide(f.Src):
		r.tree.problem(name, "is UTF-16 or UTF-32: not read; want UTF-8")
	case f != nil && (terraformFile(name) || mayHold(f.Src)):
		r.tree.Files = append(r.tree.Files, f)
		r.tree.opened[name] = f
	}
}

// mayHold says whether YAML or JSON can hold a policy or a template, so that what else
// there is needn't be parsed.
func mayHold(src []byte) bool { return iac.MayHave(src, "Statement", "AWS::") }

// wide says whether a file is UTF-16 or UTF-32 by its byte order mark, in which mayHold
// finds nothing.
func wide(src []byte) bool {
	return bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff")) || bytes.HasPrefix(src, []byte("\x00\x00\xfe\xff"))
}

// open reads a file. It never leaves the root.
func (r *reader) open(name string) (*iac.File, error) {
	f, err := r.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	src, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(src) > MaxSize {
		return nil, fmt.Errorf("larger than %d MB: not read", MaxSize>>20)
	}
	lang := langOf(name)
	if strings.EqualFold(path.Ext(name), ".template") && bytes.HasPrefix(bytes.TrimLeft(src, "\xef\xbb\xbf \t\r\n"), []byte("{")) {
		lang = iac.JSON
	}
	return &iac.File{Path: name, Lang: lang, Src: src}, nil
}

func (r *reader) problem(name string, err error) {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	r.tree.problem(name, err.Error())
}

func (t *Tree) problem(where, what string) {
	t.Problems = append(t.Problems, iac.Problem{Where: where, What: what})
}

// openAgain gives terraform a file that a policy is read from: one that was opened, or
// one of the root that no name told to open.
func (t *Tree) openAgain(name string) (*iac.File, error) {
	name = path.Clean(name)
	if f := t.opened[name]; f != nil {
		return f, nil
	}
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("%s: outside of the folder: not read", name)
	}
	root, err := os.OpenRoot(t.Root)
	if err != nil {
		return nil, err
	}
	r := reader{root: root, tree: t}
	f, err := r.open(name)
	if err = errors.Join(err, root.Close()); err != nil {
		return nil, err
	}
	if f.Lang == 0 || f.Lang == iac.YAML {
		f.Lang = iac.JSON // policy.json.tftpl
	}
	t.opened[name] = f
	return f, nil
}

// find finds the sources of all files.
func (t *Tree) find() {
	var hcl, other []*iac.File
	for _, f := range t.Files {
		if terraformFile(f.Path) {
			hcl = append(hcl, f)
		} else {
			other = append(other, f)
		}
	}
	calls := map[string][]string{}
	sources, problems := terraform.Find(terraform.Config{
		Files: hcl, Open: t.openAgain, Unseen: t.unseenFolders(hcl),
		Calls: func(from, to string) { calls[from] = append(calls[from], to) },
	})
	t.need(hcl, calls)
	read := documents(sources)
	templates := slices.DeleteFunc(slices.Clone(other), func(f *iac.File) bool { return read[f.Path] })
	more, moreProblems := cloudformation.Find(templates)
	sources, problems = append(sources, more...), append(problems, moreProblems...)
	for _, f := range templates {
		if f.Lang != iac.JSON || cloudformation.IsTemplate(f) {
			continue
		}
		s, err := iac.ReadPolicyFile(f)
		switch {
		case err != nil:
			problems = append(problems, iac.Problem{Where: f.Path, What: strings.TrimPrefix(err.Error(), f.Path+": ")})
		case s != nil:
			sources = append(sources, s)
		}
	}
	t.Sources, t.Problems = sources, append(t.Problems, problems...)
	slices.SortFunc(t.Sources, func(a, b *iac.Source) int {
		return cmp.Or(cmp.Compare(a.File.Path, b.File.Path), cmp.Compare(a.At, b.At), cmp.Compare(a.Root, b.Root), cmp.Compare(a.Address, b.Address))
	})
	slices.SortFunc(t.Problems, func(a, b iac.Problem) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What))
	})
}

// need notes the folders of wanted files and of the modules that they call, and so on.
func (t *Tree) need(files []*iac.File, calls map[string][]string) {
	t.needed = map[string]bool{}
	var follow func(dir string)
	follow = func(dir string) {
		if t.needed[dir] {
			return
		}
		t.needed[dir] = true
		for _, to := range calls[dir] {
			follow(to)
		}
	}
	for _, f := range files {
		if wanted(t.Paths, f.Path) {
			follow(path.Dir(f.Path))
		}
	}
}

// documents are the paths of the files that Terraform's sources read their policies from,
// in whole or in part, which aren't policy files of their own.
func documents(sources []*iac.Source) map[string]bool {
	out := map[string]bool{}
	for _, s := range sources {
		if s.Document != nil {
			filesIn(s.Document, out)
		}
	}
	return out
}

func filesIn(v *iac.Value, out map[string]bool) {
	if v.File != nil && !terraformFile(v.File.Path) {
		out[v.File.Path] = true
		return
	}
	for _, entry := range v.Entries {
		filesIn(entry, out)
	}
	for _, m := range v.Members {
		filesIn(m.Value, out)
	}
}
