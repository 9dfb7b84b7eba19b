package iac

import (
	"slices"
	"strings"
)

// style is how a file writes its lists, in one language. The zero value says nothing.
type style struct {
	form     Form   // Brackets or Dashes; of the first list that tells, as are lines, unit and trailing
	lines    bool   // of Brackets: one entry a line
	unit     string // by how much entries are indented against the line of their key, dashes against the key
	trailing bool   // a comma stands after the last entry of lines
	inline   string // what separates the entries of a list on one line; never empty
}

// styleOf looks at the file's lists of actions, then at those of resources.
func styleOf(f *File, tree *Value, lang Lang) style {
	var s style
	for _, names := range [][]string{{"action", "notaction", "actions", "not_actions"}, {"resource", "notresource", "resources", "not_resources"}} {
		eachMember(tree, func(_ *Value, m Member) {
			if v := m.Value; v.File == f && v.Lang == lang && v.Kind == List && len(v.Entries) > 0 && slices.Contains(names, strings.ToLower(m.Key)) {
				s.learn(f, m)
			}
		})
	}
	switch {
	case s.inline == "" && lang == JSON && !strings.Contains(string(f.Src), `": `):
		s.inline = ","
	case s.inline == "":
		s.inline = ", "
	}
	return s
}

// learn takes from one list what isn't known yet.
func (s *style) learn(f *File, m Member) {
	list := m.Value
	l := &layout{file: f, list: list}
	if l.read() != nil { // a list that can't be changed tells nothing
		return
	}
	lines := l.list.Form == Brackets && l.breaks(0) > 0
	switch n := len(list.Entries); {
	case s.form != 0:
	case list.Form == Dashes:
		s.form, s.unit = Dashes, strings.Repeat(" ", max(l.dashColumn()-column(f.Src, m.At.Start), 0))
	case list.Form == Brackets && (lines || n > 1):
		s.form, s.lines, s.trailing = Brackets, lines, l.has(n, commaToken)
		s.unit = indentUnit(lineIndent(f.Src, list.Start), lineIndent(f.Src, list.Entries[0].Start))
	}
	if s.inline == "" && list.Form == Brackets && len(list.Entries) > 1 && l.breaks(1) == 0 {
		s.inline = l.inline(1)
	}
}

func indentUnit(outer, inner string) string {
	if unit, ok := strings.CutPrefix(inner, outer); ok && unit != "" {
		return unit
	}
	return "  "
}

// eachMember calls with every member of every object in a tree, and with the object.
func eachMember(v *Value, call func(object *Value, m Member)) {
	for _, entry := range v.Entries {
		eachMember(entry, call)
	}
	for _, m := range v.Members {
		call(v, m)
		eachMember(m.Value, call)
	}
}
