package gate

import (
	"regexp"
	"slices"

	"github.com/pare-iam/pare/internal/iac"
)

// A template may import what another exports. If both are in the tree, what is imported is
// what the other says.

// export is an output that templates of the tree may import, by the name that it has there,
// with `*` for what of it is computed.
func (d *Definitions) export(f *iac.File, output *iac.Value) {
	export := output.Get("Export")
	if export == nil {
		return
	}
	as := anyName
	if name := export.Get("Name"); name != nil && name.Kind == iac.Text {
		as = name.Text
		for _, hole := range slices.Backward(name.Holes) {
			as = as[:hole.Start] + anyName + as[hole.End:]
		}
	}
	d.exports[as] = append(d.exports[as], definition{at: f.Path, text: text(f, output.Get("Value"))})
}

// imports collects the exports that a text may name. Where it computes a name, it may be any.
func (s *slice) imports(text string) {
	words := exportWord.FindAllString(text, -1)
	for name, list := range s.exports {
		key := "\x00export." + name
		named := func(word string) bool { return matches(name, word) }
		if s.seen[key] || !computedName.MatchString(text) && !slices.ContainsFunc(words, named) {
			continue
		}
		s.seen[key] = true
		for _, d := range list {
			s.definition("export."+name, d)
		}
	}
}

var (
	// exportWord is what the name of an export may be.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html
	exportWord = regexp.MustCompile(`[A-Za-z0-9:-]+`)
	// computedName is in an expression that may compute one.
	computedName = regexp.MustCompile(`\$\{|Sub|Join|Select|FindInMap|Ref|If|GetAtt`)
)
