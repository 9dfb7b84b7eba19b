package cloudformation

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// maxValues is how many values a template may have once its aliases are written out.
// CloudFormation takes templates of 1 MB. maxDepth is how deep they may stand in each
// other; a policy needs a dozen levels.
const (
	maxValues = 1 << 20
	maxDepth  = 64
)

// Why values that are known must not be changed.
const (
	whyAnchor = "an anchor, which other places refer to"
	whyAlias  = "an alias, which stands for a value of another place"
	whyMerge  = "a merge key, which takes it from another place"
	whyTag    = "a tag before its first bracket or dash"
)

// compose reads the one document of a YAML file as nodes. A panic of the library is an
// error like others.
func compose(f *iac.File) (root *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			root, err = nil, fmt.Errorf("%s: the YAML library gave up: %v", f.Path, p)
		}
	}()
	if bytes.HasPrefix(f.Src, []byte("\xff\xfe")) || bytes.HasPrefix(f.Src, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%s: is UTF-16; want UTF-8", f.Path)
	}
	var document yaml.Node
	if err := yaml.Load(f.Src, &document); err != nil {
		return nil, composeError(f, err)
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, fmt.Errorf("%s: want one YAML document", f.Path)
	}
	return document.Content[0], nil
}

// composeError says the library's error as ours are said.
func composeError(f *iac.File, err error) error {
	what := err.Error()
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
		if load.Mark.Line > 0 {
			return fmt.Errorf("%s:%d:%d: %s", f.Path, load.Mark.Line, load.Mark.Column, load.Message)
		}
		what = load.Message
	}
	return fmt.Errorf("%s: %s; a template is one YAML document", f.Path, strings.TrimPrefix(what, "yaml: "))
}

// reader makes values of nodes. Nodes are read in the order of the file, so that what an
// alias names has been read before, if it isn't around the alias itself.
type reader struct {
	*text
	*template
	anchored map[*yaml.Node]anchored
	count    int // of values, aliases written out
}

// anchored is the value of a node with an anchor, and how many values it is.
type anchored struct {
	value *iac.Value
	count int
}

// spot is where a value stands: how deep below the root, and why it must not be changed.
type spot struct {
	depth int
	why   string
}

// read is the value of a node, intrinsic functions computed as far as they are known.
func (r *reader) read(n *yaml.Node, at spot) (*iac.Value, error) {
	if n.Kind == yaml.AliasNode {
		return r.alias(n)
	}
	if n.Anchor != "" {
		at.why = whyAnchor
	}
	before := r.count
	if r.count++; r.count > maxValues {
		return nil, r.errorf(n, "has more than %d values once its aliases are written out", maxValues)
	}
	if at.depth > maxDepth {
		return nil, r.errorf(n, "stands more than %d levels deep", maxDepth)
	}
	v := &iac.Value{File: r.file, Lang: iac.YAML, Why: at.why}
	if err := r.content(v, n, at); err != nil {
		return nil, err
	}
	v = r.computed(v, tagOf(n), at.depth)
	if v.Kind == iac.List && v.Why == "" && r.src[v.Start] == '!' {
		v.Why = whyTag
	}
	if n.Anchor != "" {
		r.anchored[n] = anchored{v, r.count - before}
	}
	return v, nil
}

// content fills in what a node is and where it stands.
func (r *reader) content(v *iac.Value, n *yaml.Node, at spot) error {
	v.Start = r.offset(n.Line, n.Column)
	at.depth++
	switch n.Kind {
	case yaml.ScalarNode:
		return r.scalar(v, n)
	case yaml.SequenceNode:
		return r.sequence(v, n, at)
	case yaml.MappingNode:
		return r.mapping(v, n, at)
	}
	return r.errorf(n, "want a value")
}

// tagOf is the tag of a node as it is written, and empty for those that say no more than
// the node does.
func tagOf(n *yaml.Node) string {
	if n.Style&yaml.TaggedStyle == 0 {
		return ""
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str",
		n.Kind == yaml.SequenceNode && n.Tag == "!!seq",
		n.Kind == yaml.MappingNode && n.Tag == "!!map":
		return ""
	}
	return n.Tag
}

// alias is the value that an alias names, standing where the alias stands.
func (r *reader) alias(n *yaml.Node) (*iac.Value, error) {
	named, ok := r.anchored[n.Alias]
	if !ok {
		return nil, r.errorf(n, "an alias stands inside of what it names")
	}
	if r.count += named.count; r.count > maxValues {
		return nil, r.errorf(n, "has more than %d values once its aliases are written out", maxValues)
	}
	v := r.copy(named.value, whyAlias)
	v.Start = r.offset(n.Line, n.Column)
	v.End = v.Start + len("*") + len(n.Value)
	return v, nil
}

// copy is a value as it stands in another place, from where it must not be changed.
func (t *template) copy(v *iac.Value, why string) *iac.Value {
	c := *v
	if c.Kind != iac.Unknown {
		c.Why = why
	}
	if call, ok := t.calls[v]; ok {
		t.calls[&c] = call
	}
	return &c
}

// scalar reads a text, number, Boolean or null.
func (r *reader) scalar(v *iac.Value, n *yaml.Node) error {
	props, start := r.properties(v.Start, n.Anchor)
	end, ok := r.scalarEnd(n, props, start)
	if !ok {
		return r.errorf(n, "can't tell where this value ends: write it on one line and in quotes")
	}
	v.End = end
	v.Kind, v.Text = iac.Text, n.Value
	if n.Style&yaml.TaggedStyle != 0 {
		return nil // a tag of ours is computed later
	}
	switch n.ShortTag() {
	case "!!bool":
		v.Kind, v.Text = iac.Literal, strings.ToLower(n.Value)
	case "!!null":
		v.Kind, v.Text = iac.Literal, "null"
	case "!!int", "!!float":
		v.Kind = iac.Literal
		if !number(n.Value) {
			v.Kind, v.Why = iac.Unknown, "a number that isn't written as JSON writes it: put it in quotes"
		}
	}
	return nil
}

// sequence reads a list: "- a" lines, or "[a, b]".
func (r *reader) sequence(v *iac.Value, n *yaml.Node, at spot) error {
	v.Kind, v.Form = iac.List, iac.Dashes
	if n.Style&yaml.FlowStyle != 0 {
		v.Form = iac.Brackets
	}
	v.End = v.Start
	for _, child := range n.Content {
		entry, err := r.read(child, at)
		if err != nil {
			return err
		}
		v.Entries = append(v.Entries, entry)
		extend(v, entry, n)
	}
	return r.collectionEnd(v, n)
}

// extend makes a collection end no sooner than a value in it. Where nothing is written
// between brackets the library may say a place behind them, which is no end.
func extend(v, inside *iac.Value, n *yaml.Node) {
	if n.Style&yaml.FlowStyle == 0 || inside.Start < inside.End {
		v.End = max(v.End, inside.End)
	}
}

// collectionEnd finds the bracket or brace that a flow collection ends with. A block
// collection ends with its last value, and so does a pair without braces, "[a: b]".
func (r *reader) collectionEnd(v *iac.Value, n *yaml.Node) error {
	if n.Style&yaml.FlowStyle == 0 {
		return nil
	}
	_, open := r.properties(v.Start, n.Anchor)
	if open >= len(r.src) || r.src[open] != '[' && r.src[open] != '{' {
		return nil
	}
	end := r.gap(max(v.End, open+1), ",:?")
	if end >= len(r.src) || r.src[end] != r.src[open]+2 { // "]" after "[", "}" after "{"
		return r.errorf(n, "can't tell where this list or mapping ends: write it on lines of its own")
	}
	v.End = end + 1
	return nil
}

// mapping reads keys and values. What a merge key brings comes after the mapping's own,
// which go before it.
func (r *reader) mapping(v *iac.Value, n *yaml.Node, at spot) error {
	v.Kind, v.End = iac.Object, v.Start
	var merged []*iac.Value
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := r.key(n.Content[i])
		if err != nil {
			return err
		}
		merge := n.Content[i].ShortTag() == "!!merge"
		below := at
		if merge && below.why == "" {
			below.why = whyMerge
		}
		value, err := r.read(n.Content[i+1], below)
		if err != nil {
			return err
		}
		v.End = max(v.End, key.At.End)
		extend(v, value, n)
		if merge {
			merged = append(merged, value)
			continue
		}
		if seen[key.Key] {
			return r.errorf(n.Content[i], "%q is given twice", key.Key)
		}
		seen[key.Key] = true
		key.Value = value
		v.Members = append(v.Members, key)
	}
	for _, m := range merged {
		if !mergeable(m) {
			return r.errorf(n, "want a mapping, or a list of mappings, after the merge key <<")
		}
		r.merge(v, m, seen)
	}
	return r.collectionEnd(v, n)
}

// key reads the key of a member.
func (r *reader) key(n *yaml.Node) (iac.Member, error) {
	written := n
	if n.Kind == yaml.AliasNode {
		written = n.Alias
	}
	if written.Kind != yaml.ScalarNode {
		return iac.Member{}, r.errorf(n, "want a text as the key")
	}
	v, err := r.read(n, spot{})
	if err != nil {
		return iac.Member{}, err
	}
	return iac.Member{Key: written.Value, At: policy.Span{Start: v.Start, End: v.End}}, nil
}

// mergeable says whether a value may stand after a merge key.
func mergeable(m *iac.Value) bool {
	return m.Kind == iac.Object || m.Kind == iac.List && !slices.ContainsFunc(m.Entries, func(e *iac.Value) bool { return e.Kind != iac.Object })
}

// merge adds to v the members of the mapping m, or of each in the list m, whose keys
// haven't been seen yet.
func (r *reader) merge(v, m *iac.Value, seen map[string]bool) {
	for _, e := range m.Entries {
		r.merge(v, e, seen)
	}
	for _, member := range m.Members {
		if !seen[member.Key] {
			seen[member.Key] = true
			v.Members = append(v.Members, iac.Member{Key: member.Key, Value: r.copy(member.Value, whyMerge)})
		}
	}
}

// errorf is an error at a node.
func (r *reader) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", r.file.Path, n.Line, n.Column, fmt.Sprintf(format, args...))
}
