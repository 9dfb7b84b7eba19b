package rewrite

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pare-iam/pare/internal/iac"
)

// Changed are the files that change, in the order of their paths.
func (p *Plan) Changed() []*iac.File {
	return slices.SortedFunc(maps.Keys(p.Files), func(a, b *iac.File) int { return cmp.Compare(a.Path, b.Path) })
}

// Diff is the change of all files as a unified diff that `git apply` and `patch -p1` take
// in the tree's root. It is empty when nothing changes.
func (p *Plan) Diff() string {
	var b strings.Builder
	for _, f := range p.Changed() {
		b.WriteString(FileDiff(f.Path, f.Src, p.Files[f]))
	}
	return b.String()
}

// FileDiff is the change of one file, as Diff has it.
func FileDiff(path string, before, after []byte) string {
	return udiff.Unified(quotedPath("a/"+path), quotedPath("b/"+path), string(before), string(after))
}

// quotedPath is a path as git writes it in a diff: with a tab behind it if it has a blank
// in it, and in quotes if it has what a line can't hold.
func quotedPath(path string) string {
	var b strings.Builder
	odd := false
	for _, c := range []byte(path) {
		switch {
		case c == '"' || c == '\\':
			odd = true
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			odd = true
			b.WriteString(`\` + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7}))
		default:
			b.WriteByte(c)
		}
	}
	switch {
	case odd:
		return `"` + b.String() + `"`
	case strings.Contains(path, " "):
		return path + "\t"
	}
	return path
}
