package cloudformation

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// template is a file as it was read.
type template struct {
	file  *iac.File
	root  *iac.Value
	calls map[*iac.Value]call // of the functions in it, by what they gave
}

// Parse reads a template, YAML or JSON, as a tree of values. The same bytes give the same
// tree. The error says path:line:column.
func Parse(f *iac.File) (*iac.Value, error) {
	t, err := parse(f)
	if err != nil {
		return nil, err
	}
	return t.root, nil
}

// parse reads a file by its language.
func parse(f *iac.File) (*template, error) {
	t := &template{file: f, calls: map[*iac.Value]call{}}
	if f.Lang == iac.JSON {
		root, err := iac.ParseJSON(f, policy.Span{End: len(f.Src)}, iac.Embedded{})
		if err != nil {
			return nil, err
		}
		t.root = t.walk(root, 0)
		return t, nil // a policy in a text isn't opened: JSON's escapes are in between
	}
	n, err := compose(f)
	if err != nil {
		return nil, err
	}
	r := &reader{text: newText(f.Src), template: t, anchored: map[*yaml.Node]anchored{}}
	if t.root, err = r.read(n, spot{}); err != nil {
		return nil, err
	}
	t.openTexts()
	return t, nil
}

// walk computes the functions in a tree of JSON, from the leaves up.
func (t *template) walk(v *iac.Value, depth int) *iac.Value {
	for i, e := range v.Entries {
		v.Entries[i] = t.walk(e, depth+1)
	}
	for i, m := range v.Members {
		v.Members[i].Value = t.walk(m.Value, depth+1)
	}
	return t.computed(v, "", depth)
}

// IsTemplate says whether a file is a CloudFormation or SAM template: an object of
// resources that have types of AWS's. A file with a syntax error is one if it looks like
// one.
func IsTemplate(f *iac.File) bool {
	if !hasMarks(f) {
		return false
	}
	t, err := parse(f)
	if err != nil {
		return looks.Match(f.Src)
	}
	return t.isTemplate()
}

// hasMarks is false for most files that are no templates, and quick.
func hasMarks(f *iac.File) bool {
	return iac.MayHave(f.Src, "Resources") && iac.MayHave(f.Src, "AWS::")
}

// looks matches what is meant to be a template though it can't be read: a line that
// nothing else begins with, or a key of JSON.
var looks = regexp.MustCompile(`(?m)^[\x{feff}{ \t]*["']?AWSTemplateFormatVersion["']?\s*:|` +
	`^["']?Resources["']?\s*:[ \t]*(?:[&!]\S+[ \t]*)?(?:#.*|\{(?:[^{\n].*)?)?\r?$|^[\s{]*"Resources"\s*:|,\s*"Resources"\s*:\s*\{`)

// isTemplate says whether the tree is that of a template.
func (t *template) isTemplate() bool {
	resources := t.root.Get("Resources")
	if resources == nil {
		return false
	}
	if t.root.Get("AWSTemplateFormatVersion") != nil {
		return true
	}
	return slices.ContainsFunc(resources.Members, func(m iac.Member) bool {
		return strings.HasPrefix(typeOf(m.Value), "AWS::")
	})
}

// typeOf is a resource's type, and empty if it isn't known.
func typeOf(resource *iac.Value) string {
	v := resource.Get("Type")
	if v == nil || !plain(v) {
		return ""
	}
	return v.Text
}
